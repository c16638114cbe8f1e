/* SPDX-License-Identifier: Apache-2.0
 * What the vector sources of convolution in small groups share.  Everything is static but the last. */
#ifndef CNI_GROUPED_PARTS_H
#define CNI_GROUPED_PARTS_H

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/window_axis.h"
#include "kernels/finish_vector.h"
#include "kernels/vector.h"

enum { MOST_GROUP = 16 };

/* The members of a vector of channels, one after the other. */
typedef struct member {
    mask index;
    int offset;
} member;

static inline void find_members(int group, int channel, member members[MOST_GROUP])
{
    for (int m = 0; m < group; m++) {
        members[m].offset = group > LANES ? m - (channel & (group - 1)) : 0;
        for (int i = 0; i < LANES; i++) members[m].index[i] = group > LANES ? 0 : (i & -group) + m;
    }
}

ALWAYS_INLINE lanes spread(const float *x, const member *of)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_permutexvar_ps((__m512i)of->index, (__m512)load(x));
#elif defined(__AVX2__)
    return of->offset || of->index[LANES - 1] == 0
               ? splat(x[of->offset])
               : (lanes)_mm256_permutevar8x32_ps((__m256)load(x), (__m256i)of->index);
#else
    lanes v;
    for (int i = 0; i < LANES; i++) v[i] = x[of->offset + of->index[i]];
    return v;
#endif
}

/* Any window, not dilated where its stride is not 1: a row of outputs at a time. */
void CNI_FOR_ISA(cni_grouped_rows)(const cni_grouped *grouped);

#endif
