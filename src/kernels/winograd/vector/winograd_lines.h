/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms of one line with vectors, in even and odd parts: points come in pairs +p, -p, whose rows differ
 * in the sign of the odd powers.  Everything is static. */
#ifndef CNI_WINOGRAD_LINES_H
#define CNI_WINOGRAD_LINES_H

#include "kernels/vector.h"
#include "kernels/winograd/winograd.h"

#define ROOT      1.41421356f
#define HALF_ROOT 0.707106781f

enum { MOST = CNI_WINOGRAD_N };

ALWAYS_INLINE bool is_whole(const cni_winograd_tile *tile, int k)
{
    return tile->top == 0 && tile->left == 0 && tile->bottom == k && tile->right == k;
}

/* B' d: rows p and -p, 1 / p^2 = factor. */
ALWAYS_INLINE void input_pair(float factor, const lanes *d, lanes *plus, lanes *minus)
{
    const float root = factor == 2 ? HALF_ROOT : ROOT;
    lanes even = d[4] - factor * d[2], odd = d[3] - factor * d[1];
    *plus = even + root * odd;
    *minus = even - root * odd;
}

ALWAYS_INLINE lanes input_end(const lanes *d)
{
    return d[0] + d[4] - 2.5f * d[2];
}

/* B' d */
ALWAYS_INLINE void input_line(int n, const lanes *d, lanes *r)
{
    if (n == 4) {
        r[0] = d[0] - d[2];
        r[1] = d[1] + d[2];
        r[2] = d[2] - d[1];
        r[3] = d[3] - d[1];
        return;
    }
    r[0] = input_end(d);
    input_pair(2, d, &r[1], &r[2]);
    input_pair(0.5f, d, &r[3], &r[4]);
    r[5] = input_end(d + 1);
}

/* S E_k w */
ALWAYS_INLINE void spread_line(int n, int k, const lanes *w, lanes *r)
{
    lanes even, odd;
    r[0] = w[0];
    r[n - 1] = w[k - 1];
    if (n == 4) {
        even = k == 3 ? 0.5f * (w[0] + w[2]) : 0.5f * w[0];
        r[1] = even + 0.5f * w[1];
        r[2] = even - 0.5f * w[1];
        return;
    }
    const float first = -2.f / 3, second = 1.f / 6;
    even = first * w[0];
    if (k > 2) even += first / 2 * w[2];
    if (k > 4) even += first / 4 * w[4];
    odd = first * HALF_ROOT * w[1];
    if (k > 3) odd += first * HALF_ROOT / 2 * w[3];
    r[1] = even + odd;
    r[2] = even - odd;
    even = second * w[0];
    if (k > 2) even += second * 2 * w[2];
    if (k > 4) even += second * 4 * w[4];
    odd = second * ROOT * w[1];
    if (k > 3) odd += second * ROOT * 2 * w[3];
    r[3] = even + odd;
    r[4] = even - odd;
}

/* E_k' m */
ALWAYS_INLINE void gather_line(int n, int k, const lanes *m, lanes *r)
{
    lanes even = m[1] + m[2], odd = m[1] - m[2];
    if (n == 4) {
        r[0] = m[0] + even;
        r[1] = odd;
        if (k > 2) r[2] = even;
        r[k - 1] += m[3];
        return;
    }
    lanes second_even = m[3] + m[4], second_odd = m[3] - m[4];
    r[0] = m[0] + even + second_even;
    r[1] = HALF_ROOT * odd + ROOT * second_odd;
    if (k > 2) r[2] = 0.5f * even + 2 * second_even;
    if (k > 3) r[3] = HALF_ROOT / 2 * odd + ROOT * 2 * second_odd;
    if (k > 4) r[4] = 0.25f * even + 4 * second_even;
    r[k - 1] += m[5];
}

#endif
