/* SPDX-License-Identifier: Apache-2.0
 * Which steps run on all threads of the plan's pool and which on the caller's alone.
 *
 * What a step gains from a second thread is not told by its operations: it depends on where the cores lie (handing a
 * line of cache to a core behind another last-level cache costs ten times as much as to a neighbour), and on which core
 * the step before left its results.  So the plan finds out while it works: some runs go with all threads, some alone,
 * some with the better of the two for each step, and the best of the three stays.  After a while it is asked again.
 * Results do not depend on threads, so nobody sees it but the clock.
 *
 *     run    0      1 .. 9        10 .. 18      19 .. 27                28 ... PERIOD
 *          packs | all threads |   alone   | better for each | the best of the three           | from the start
 *
 * Only steps of less than 0.1 ms are tried alone, and only where they take a part of the time that is worth it: handing
 * over what longer ones read costs little beside them, and a process that predicts twenty pictures should not lose ten.
 * The first run of each nine is not timed: caches belong to the way before.  Of the other eight the third fastest
 * counts, step by step: on a busy machine threads suffer first, and with cores that are far from each other their best
 * run is a rare one.  Threads are given up only for a clear gain. */
#include "graph/plan_parts.h"

#include <time.h>

enum { POOLED, ALONE, MIXED, WAYS = CNI_WAYS };
enum { RUNS = 9, PERIOD = 1024, OTHERS = 64, KEPT = CNI_PACE_KEPT };

static const double long_step = 1e-4; /* seconds: more threads are worth their while, and trying is dear */
static const double few_short = 0.05; /* of a run: what shorter steps take, too little to be worth trying */
static const double step_gain = 0.9, whole_gain = 0.95; /* of the time with all threads */

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

cn_status cni_pace_init(cni_plan *plan, cni_error *error)
{
    cni_pace *p = &plan->pace;
    cni_arena *arena = &plan->graph->arena;
    const size_t steps = (size_t)plan->step_count;
    p->way = -1;
    if (cni_pool_threads(plan->run.pool) == 1) return CN_OK;
    p->alone = CNI_NEW_ARRAY(arena, bool, steps);
    for (int i = 0; i < WAYS; i++) p->times[i] = CNI_NEW_ARRAY(arena, cni_pace_times, steps);
    return p->alone && p->times[0] && p->times[1] && p->times[2] ? CN_OK : cni_no_memory(error, "a plan");
}

static double time_of(const cni_pace *p, int way, int i)
{
    return p->times[way][i].least[KEPT - 1];
}

static void keep(cni_pace_times *times, double took)
{
    int at = KEPT;
    while (at > 0 && (times->least[at - 1] == 0 || took < times->least[at - 1])) at--;
    for (int i = KEPT - 1; i > at; i--) times->least[i] = times->least[i - 1];
    if (at < KEPT) times->least[at] = took;
}

static double total(const cni_plan *plan, int way)
{
    double sum = 0;
    for (int i = 0; i < plan->step_count; i++) sum += time_of(&plan->pace, way, i);
    return sum;
}

static bool is_short(const cni_pace *p, int i)
{
    return time_of(p, POOLED, i) < long_step;
}

static bool worth_trying(const cni_plan *plan)
{
    double sum = 0;
    for (int i = 0; i < plan->step_count; i++) sum += is_short(&plan->pace, i) ? time_of(&plan->pace, POOLED, i) : 0;
    return sum > few_short * total(plan, POOLED);
}

static bool wins(const cni_pace *p, int way, int i)
{
    return way != POOLED && is_short(p, i) &&
           (way == ALONE || time_of(p, ALONE, i) < step_gain * time_of(p, POOLED, i));
}

static void go(cni_plan *plan, int way)
{
    cni_pace *p = &plan->pace;
    p->any_alone = false;
    for (int i = 0; i < plan->step_count; i++) p->any_alone |= p->alone[i] = wins(p, way, i);
}

static void settle(cni_plan *plan)
{
    int best = POOLED;
    double least = total(plan, POOLED);
    for (int way = MIXED; way >= ALONE; way--)
        if (total(plan, way) < whole_gain * least) least = total(plan, best = way);
    go(plan, best);
}

static void begin(cni_pace *p, int n)
{
    p->n = n;
    p->round = p->others = 0;
}

void cni_pace_next(cni_plan *plan, int n)
{
    cni_pace *p = &plan->pace;
    p->way = -1;
    if (!p->alone) return;
    if (n != p->n) { /* smaller batches in between: as it is for the others */
        if (!p->n || ++p->others == OTHERS) begin(p, n);
        if (p->n != n) return;
    }
    p->others = 0;
    const int round = p->round++, way = (round - 1) / RUNS, nth = (round - 1) % RUNS;
    if (round == 0) go(plan, POOLED);
    if (round >= 1 && round <= WAYS * RUNS && nth == 0) {
        go(plan, way);
        if (way == MIXED && !p->any_alone) p->round = WAYS * RUNS + 1;
        if (way == ALONE && !worth_trying(plan)) {
            go(plan, POOLED);
            p->round = WAYS * RUNS + 2;
        }
        for (int i = 0; i < plan->step_count; i++) p->times[way][i] = (cni_pace_times){{0}};
    }
    if (round >= 1 && round <= WAYS * RUNS && nth > 0) p->way = way;
    if (round == WAYS * RUNS + 1) settle(plan);
    if (round >= PERIOD) begin(p, n);
}

void cni_run_steps(cni_plan *plan, int first, int last, double *seconds)
{
    cni_pace *p = &plan->pace;
    cni_run alone = plan->run;
    alone.pool = NULL;
    cni_pace_times *times = p->way >= 0 ? p->times[p->way] : NULL;
    double before = times || seconds ? seconds_now() : 0;
    for (int i = first; i < last; i++) {
        cni_step *step = &plan->steps[i];
        step->op->kind->run(step, p->alone && p->alone[i] ? &alone : &plan->run);
        if (step->op->writes) step->op->writes->version++;
        if (!times && !seconds) continue;
        const double now = seconds_now(), took = now - before;
        if (seconds) seconds[i] += took;
        if (times) keep(&times[i], took);
        before = now;
    }
}
