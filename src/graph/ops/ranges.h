/* SPDX-License-Identifier: Apache-2.0
 * Dividing work among threads, for ops.  How it is divided never changes a result. */
#ifndef CNI_RANGES_H
#define CNI_RANGES_H

#include "base/threads.h"
#include "kernels/kernels.h"

typedef void cni_range_task(void *context, size_t begin, size_t end);

/** Elements that are worth a thread's while, when there is next to nothing to do with each. */
enum { CNI_GRAIN = 32768 };

/** How many of something with `size` elements each are worth a thread's while: at least 1. */
static inline size_t cni_grain_of(size_t size)
{
    return size >= CNI_GRAIN || size == 0 ? 1 : CNI_GRAIN / size;
}

/** Calls task for ranges that together are 0 .. n - 1, each of `grain` or more unless there is only one. */
void cni_ranges(cni_pool *pool, size_t n, size_t grain, cni_range_task *task, void *context);

/** The same ranges for the same threads, but each thread begins with its last: what it has just read from the first to
 *  the last is met again where it is still near. */
void cni_ranges_down(cni_pool *pool, size_t n, size_t grain, cni_range_task *task, void *context);

/** kernels->layout.copy by all threads. */
void cni_copy_box(const cni_kernels *kernels, cni_pool *pool, const cni_box *box, const void *x, void *y);

/** Into how many slices `count` rows of `width` elements are cut when something is summed over all of them: a function
 *  of the sizes alone, at most CNI_MAX_SLICES.  Slice s holds the rows from cni_slice_begin(count, slices, s) on. */
enum { CNI_MAX_SLICES = 64 };
size_t cni_slices(size_t count, size_t width);

static inline size_t cni_slice_begin(size_t count, size_t slices, size_t s)
{
    return count / slices * s + (s < count % slices ? s : count % slices);
}

#endif
