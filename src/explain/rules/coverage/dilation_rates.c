/* SPDX-License-Identifier: Apache-2.0
 * Looks for dilations of a stack that leave no holes: tries all lists that do not fall, of rates up to 16. */
#include "explain/rules/coverage/offsets.h"

#include <string.h>

typedef struct search {
    const int64_t *k;
    int count;
    int64_t reach;
    bool below;   /* look for reaches below `reach` */
    int64_t best; /* the reach of `found`; 0: none found yet */
    int64_t now[CNI_MOST_RATES], found[CNI_MOST_RATES];
    cni_offsets *sets; /* one for each depth */
} search;

static void judge(search *s)
{
    const cni_offsets *set = s->sets + s->count;
    const int64_t gain = s->below ? set->reach - s->best : s->best - set->reach;
    const bool better = !s->best || gain > 0 || (gain == 0 && s->now[s->count - 1] < s->found[s->count - 1]);
    if ((set->reach < s->reach) != s->below || !better || cni_offsets_count(set) != set->reach + 1) return;
    s->best = set->reach;
    memcpy(s->found, s->now, sizeof s->now);
}

/* Lists that begin with now[0 .. depth). */
static void go_on(search *s, int depth)
{
    const int64_t most = 16;
    if (depth == s->count) {
        judge(s);
        return;
    }
    for (int64_t d = depth ? s->now[depth - 1] : 1; d <= (depth ? most : 1); d++) {
        s->sets[depth + 1] = s->sets[depth];
        s->now[depth] = d;
        if (!cni_offsets_widen(s->sets + depth + 1, s->k[depth], d)) return;
        const int64_t reach = s->sets[depth + 1].reach;
        if (s->below ? reach >= s->reach : s->best && reach > s->best) return;
        go_on(s, depth + 1);
    }
}

bool cni_rates_without_holes(cni_arena *arena, const int64_t *k, int count, int64_t reach,
                             int64_t rates[CNI_MOST_RATES])
{
    enum { MOST = 5, FAR = 128 };
    if (count < 2 || count > MOST || reach > FAR) return false;
    search s = {.k = k, .count = count, .reach = reach, .sets = CNI_NEW_ARRAY(arena, cni_offsets, (size_t)count + 1)};
    if (!s.sets) return false;
    s.sets[0].bits[0] = 1;
    go_on(&s, 0);
    s.below = !s.best;
    if (s.below) go_on(&s, 0);
    memcpy(rates, s.found, sizeof s.found);
    return s.best > 0;
}
