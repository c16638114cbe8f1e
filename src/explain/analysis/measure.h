/* SPDX-License-Identifier: Apache-2.0
 * What the engine itself makes of a described network: the memory of its plan, and how long each layer takes. */
#ifndef CNI_MEASURE_H
#define CNI_MEASURE_H

#include "explain/analysis/analysis.h"
#include "model/context.h"

/** Fills in memory.plan: the bytes of the plan for a batch, without running or allocating it.  A network that cannot be
 *  built or run is left as it is; the failure tells why. */
cn_status cni_measure_plan(cn_context *context, cni_analysis *analysis, cni_error *error);

/** Measures the machine and tells expected_ms; runs the network on zeros and fills in measured_ms: of a batch, on the
 *  context's threads, the best of several runs.  Layers that have no step of their own keep NaN: an activation is done
 *  in one go with the convolution before it.  Takes about half a second. */
cn_status cni_measure_times(cn_context *context, cni_analysis *analysis, cni_error *error);

/** Multiply-adds count as two.  A few milliseconds. */
void cni_measure_machine(cn_context *context, double *flops_per_second, double *bytes_per_second);

#endif
