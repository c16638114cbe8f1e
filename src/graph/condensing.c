/* SPDX-License-Identifier: Apache-2.0
 * Copies of large weights in fewer bits, without loss (kernels/matmul/condensed.h), in the memory of the copy. */
#include "base/pages.h"
#include "base/threads.h"
#include "graph/plan_parts.h"
#include "kernels/kernels.h"

enum { TASK_GROUPS = 64, STRETCH = 4096 /* groups, after which pages of the master are given back */ };

cni_step *cni_condensing_step(const cni_plan *plan, const cni_tensor *tensor)
{
    for (int i = 0; i < plan->step_count; i++) {
        const cni_op *op = plan->steps[i].op;
        const bool reads = op->inputs > 1 && op->in[1] == tensor && !op->steady;
        if (reads && op->kind->condenses && op->kind->condenses(op, &plan->run)) return &plan->steps[i];
    }
    return NULL;
}

typedef struct work {
    const cni_kernels *kernels;
    const float *w;
    cni_condensed to;
    uint32_t base;
    int begin, end; /* groups */
    bool write;     /* false: patches are counted */
} work;

static void condense_groups(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    const size_t width = (size_t)w->to.width;
    int g = w->begin + (int)index * TASK_GROUPS;
    for (const int end = g + TASK_GROUPS < w->end ? g + TASK_GROUPS : w->end; g < end; g++) {
        const cni_condensing c = {.w = w->w + (size_t)g * CNI_GROUP * width,
                                  .width = w->to.width,
                                  .base = w->base,
                                  .words = w->write ? w->to.words + (size_t)g * 7 * width : NULL,
                                  .patches = w->write ? w->to.patches + w->to.first[g] : NULL};
        const int count = w->kernels->matmul.condense(&c);
        if (!w->write) w->to.first[g] = count;
    }
}

static void all_groups(work *w, cni_pool *pool, int begin, int end)
{
    w->begin = begin;
    w->end = end;
    cni_parallel(pool, ((size_t)(end - begin) + TASK_GROUPS - 1) / TASK_GROUPS, condense_groups, w);
}

/* Counts become places; false: there are too many patches. */
static bool place_patches(const cni_condensed *to, uint32_t base)
{
    int patches = 0;
    for (int g = 0; g < to->groups; g++) {
        const int count = to->first[g];
        if (count > CNI_GROUP_PATCHES || count > to->most_patches - patches) return false;
        to->first[g] = patches;
        patches += count;
    }
    to->first[to->groups] = patches;
    to->first[to->groups + 1] = (int32_t)base;
    return true;
}

bool cni_condense(const cni_plan *plan, const cni_copy *c, bool drops)
{
    const int depth = (int)c->own.shape.dims[0], width = (int)c->own.shape.dims[1];
    work w = {.kernels = plan->run.kernels, .w = c->master->data, .to = cni_condensed_in(c->own.data, depth, width)};
    w.base = cni_condensed_base(w.w, (size_t)depth * (size_t)width);
    all_groups(&w, plan->run.pool, 0, w.to.groups);
    if (!place_patches(&w.to, w.base)) return false;
    w.write = true;
    for (int g = 0; g < w.to.groups; g += STRETCH) {
        const int end = g + STRETCH < w.to.groups ? g + STRETCH : w.to.groups;
        all_groups(&w, plan->run.pool, g, end);
        if (drops)
            cni_pages_drop(c->master->data + (size_t)g * CNI_GROUP * (size_t)width,
                           (size_t)(end - g) * CNI_GROUP * (size_t)width * sizeof(float));
    }
    return true;
}
