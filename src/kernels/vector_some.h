/* SPDX-License-Identifier: Apache-2.0
 * Loads and stores of a count of lanes that is often all of them.  Everything is static. */
#ifndef CNI_VECTOR_SOME_H
#define CNI_VECTOR_SOME_H

#include "kernels/vector.h"

/* Where masks cost nothing, a count that is not known beforehand needs no branch. */
#if defined(__AVX512F__)
#define CNI_ALL_LANES(some) (__builtin_constant_p(some) && (some) == LANES)
#else
#define CNI_ALL_LANES(some) ((some) == LANES)
#endif

ALWAYS_INLINE lanes take(const float *p, int some)
{
    return CNI_ALL_LANES(some) ? load(p) : load_some(p, some);
}

ALWAYS_INLINE void put(float *p, lanes v, int some)
{
    if (CNI_ALL_LANES(some))
        store(p, v);
    else
        store_some(p, v, some);
}

#endif
