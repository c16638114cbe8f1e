/* SPDX-License-Identifier: Apache-2.0
 * Plan files: how convolutions are computed, as text that can be read, compared and shipped.
 *
 *     cornu plan 1 avx512
 *     # pass    reads      writes     window stride batch weights algorithm    microseconds of each
 *     forward   56x56x64   56x56x64   3x3    1x1    8     kept    F(4x4,3x3)   direct=4012.5 F(4x4,3x3)=2010.1
 *
 * For the pass "weights" the two images are x and dy.  Weights are "kept" transformed, or transformed "anew" in every
 * run; in the pass "weights" there are none ("-").  Times are for readers and need not be there.  What follows a # is
 * passed over, and so are empty lines. */
#ifndef CNI_PLAN_FILE_H
#define CNI_PLAN_FILE_H

#include "formats/bytes.h"
#include "graph/ops/choices.h"

/** Adds the rows of a file for this instruction set; `name` is for messages, which tell the line. */
cn_status cni_plan_read(cni_bytes file, const char *name, const char *isa, cni_choices *choices, cni_error *error);
void cni_plan_write(cni_buffer *buffer, const char *isa, const cni_choices *choices);

/** One row, `place` is for messages. */
cn_status cni_plan_row_read(const char *row, size_t size, const char *place, cni_choice *choice, cni_error *error);
void cni_plan_row_write(cni_buffer *buffer, const cni_choice *choice);

cn_status cni_plan_file_read(const char *path, const char *isa, cni_choices *choices, cni_error *error);
cn_status cni_plan_file_write(const char *path, const char *isa, const cni_choices *choices, cni_error *error);

#endif
