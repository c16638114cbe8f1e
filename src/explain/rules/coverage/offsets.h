/* SPDX-License-Identifier: Apache-2.0
 * The offsets at which one output reads along an axis, as a set: what stacked windows add up to. */
#ifndef CNI_OFFSETS_H
#define CNI_OFFSETS_H

#include "explain/rules/rules.h"

enum { CNI_MOST_OFFSETS = 64 * 64 };

/** From 0 to `reach`; one output alone is bit 0. */
typedef struct cni_offsets {
    uint64_t bits[CNI_MOST_OFFSETS / 64 + 1];
    int64_t reach; /* the largest */
} cni_offsets;

/** What a window of k taps, `step` pixels apart, makes of a set; false where it becomes too long. */
bool cni_offsets_widen(cni_offsets *set, int64_t k, int64_t step);
int64_t cni_offsets_count(const cni_offsets *set);
/** The longest run between offsets that is not read. */
int64_t cni_offsets_gap(const cni_offsets *set);

enum { CNI_MOST_RATES = 8 };

/** Dilations for a stack of windows of k[0], k[1], ... taps, whose offsets leave no holes: the first 1, none below the
 *  one before.  Those with the least reach that is not below `reach`, or else with the largest below it; of equal ones
 *  those with the smallest last rate.  False where there are none, or it would take long to look. */
bool cni_rates_without_holes(cni_arena *arena, const int64_t *k, int count, int64_t reach,
                             int64_t rates[CNI_MOST_RATES]);

#endif
