/* SPDX-License-Identifier: Apache-2.0
 * Whole numbers as geometry needs them: division that rounds one way for negative numbers too. */
#ifndef CNI_WHOLE_H
#define CNI_WHOLE_H

#include <stdint.h>

static inline int64_t cni_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t cni_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t cni_divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static inline int64_t cni_divide_up(int64_t a, int64_t b)
{
    return a / b + (a % b > 0);
}

static inline int64_t cni_common_divisor(int64_t a, int64_t b)
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif
