/* SPDX-License-Identifier: Apache-2.0
 * A pool of threads for short jobs: a fork and join costs about half a microsecond while the pool is warm. */
#ifndef CNI_THREADS_H
#define CNI_THREADS_H

#include <stddef.h>

typedef struct cni_pool cni_pool;

/** One piece of work: `index` counts the tasks, `thread` says which of 0 .. cni_pool_threads - 1 runs it. */
typedef void cni_task(void *context, size_t index, int thread);

/** A pool of `threads` threads, the caller's own included; 0 or less = cni_usable_cores() (machine.h).  Makes do with
 *  fewer when the system gives no more (ask cni_pool_threads).  NULL without memory; NULL is a pool of one thread. */
cni_pool *cni_pool_new(int threads);

/** Waits for the workers to end.  No call may be under way, and not in a child after fork.  NULL is fine. */
void cni_pool_free(cni_pool *pool);

int cni_pool_threads(const cni_pool *pool); /* NULL: 1 */

/** Between the two more calls follow soon: workers that find nothing to do wait for them longer before they sleep, for
 *  who sleeps is slow to wake where other programs want the core.  NULL is fine. */
void cni_pool_hold(cni_pool *pool);
void cni_pool_release(cni_pool *pool);

/** Runs tasks 0 .. tasks - 1 and returns when all are done: what they wrote is then visible.  The caller takes part.
 *  Each thread is dealt an equal part of them that follow each other, runs these in order, and then takes over what is
 *  left of the others' parts.  Any thread may call at any time: while the pool is busy with another call,
 *  or from inside a task, the tasks run in the calling thread alone, as thread 0.  Hence `thread` is unique among the
 *  tasks of one call, never across calls. */
void cni_parallel(cni_pool *pool, size_t tasks, cni_task *task, void *context);

#endif
