/* SPDX-License-Identifier: Apache-2.0
 * Sets of offsets as bits. */
#include "explain/rules/coverage/offsets.h"

static bool is_in(const cni_offsets *set, int64_t i)
{
    return i >= 0 && i <= set->reach && (set->bits[i / 64] >> (i % 64) & 1);
}

bool cni_offsets_widen(cni_offsets *set, int64_t k, int64_t step)
{
    cni_offsets next = {.reach = set->reach + (k - 1) * step};
    if (step < 1 || k < 1 || k > CNI_MOST_OFFSETS || step > CNI_MOST_OFFSETS || next.reach >= CNI_MOST_OFFSETS)
        return false;
    for (int64_t i = 0; i <= set->reach; i++) {
        if (!is_in(set, i)) continue;
        for (int64_t t = 0; t < k; t++) next.bits[(i + t * step) / 64] |= UINT64_C(1) << ((i + t * step) % 64);
    }
    *set = next;
    return true;
}

int64_t cni_offsets_count(const cni_offsets *set)
{
    int64_t count = 0;
    for (int i = 0; i <= CNI_MOST_OFFSETS / 64; i++) count += __builtin_popcountll(set->bits[i]);
    return count;
}

int64_t cni_offsets_gap(const cni_offsets *set)
{
    int64_t gap = 0, most = 0;
    for (int64_t i = 0; i <= set->reach; i++) {
        gap = is_in(set, i) ? 0 : gap + 1;
        if (gap > most) most = gap;
    }
    return most;
}
