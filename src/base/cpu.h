/* SPDX-License-Identifier: Apache-2.0
 * What this processor can do, and how large its caches are. */
#ifndef CNI_CPU_H
#define CNI_CPU_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/** The instruction sets that kernels are compiled for; portable is plain C and runs everywhere.  Each stands for all
 *  the features that cmake/kernels.cmake compiles it with. */
typedef enum cni_isa { CNI_ISA_PORTABLE, CNI_ISA_AVX2, CNI_ISA_AVX512, CNI_ISA_NEON, CNI_ISA_COUNT } cni_isa;

const char *cni_isa_name(cni_isa isa); /* "portable", "avx2", "avx512", "neon" */
bool cni_isa_available(cni_isa isa);   /* the processor has it, and the operating system saves its registers */

/** The best that is available; or the one that the environment variable CORNU_CPU names.  Where that is none of the
 *  names, or not available here: CN_ERR_INVALID in `error` (which may be NULL), and the answer is CNI_ISA_PORTABLE.
 *  Reads the environment, so ask once, when a context is made. */
cni_isa cni_cpu_isa(cni_error *error);

/** Bytes of one core's data caches (the last may be shared); 0 = not known, or none.  On x86-64 this asks the
 *  processor, which takes microseconds under a hypervisor: ask once. */
typedef struct cni_caches {
    size_t l1d, l2, l3;
} cni_caches;

cni_caches cni_cpu_caches(void);

#endif
