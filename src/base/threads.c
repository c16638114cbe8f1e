/* SPDX-License-Identifier: Apache-2.0
 * A pool of threads for short jobs.
 *
 * The caller opens a job, works on it, closes it when no task is left, and waits for those workers that came to help.
 * A worker that is asleep or was scheduled away is never waited for.  One word says it all:
 *
 *      31 ........ 17     16       15 ...... 0
 *    [ job number mod 2^15 | open | workers inside ]
 *
 * A worker enters by adding 1 and looking at what it found: open, and it belongs to the job until it takes its 1 away;
 * closed, and it goes again at once.  Since the caller waits for 0 inside after it closed, the job's fields never
 * change under a worker that has entered.  (Should a worker sleep through exactly 2^15 jobs, it misses one more.)
 *
 * Workers without work spin for 50 us, about the time between two layers, and then sleep. */
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    OPEN = 1 << 16,
    INSIDE = OPEN - 1,
    ONE_JOB = OPEN << 1,
    MOST_THREADS = 1024,
    STACK_SIZE = 1 << 20,
    SPIN_NS = 50000,
    LINE = 128 /* bytes apart that two cores can write in peace: processors fetch lines of 64 in pairs */
};

typedef struct worker {
    struct cni_pool *pool;
    pthread_t id;
    int thread;
} worker;

struct cni_pool {
    _Alignas(LINE) atomic_uint state; /* with the job in the same line, so that one transfer brings both */
    cni_task *task;
    void *context;
    size_t tasks;
    _Alignas(LINE) atomic_size_t next; /* the task to hand out next */
    _Alignas(LINE) atomic_flag busy;   /* a call is under way */
    atomic_int sleepers;
    atomic_bool quit;
    pthread_mutex_t lock; /* of sleeping and waking */
    pthread_cond_t wake;
    int threads;
    worker workers[];
};

/* ---- waiting ---- */

static inline void relax(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("isb"); /* `yield` is no pause on most cores */
#endif
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A while of spinning that looks at the clock now and then: false when SPIN_NS have passed. */
typedef struct spin {
    unsigned count;
    int64_t until;
} spin;

static bool spin_on(spin *s)
{
    relax();
    if (++s->count % 32) return true;
    int64_t now = now_ns();
    if (!s->until) s->until = now + SPIN_NS;
    return now < s->until;
}

static bool is_new(unsigned state, unsigned last)
{
    return (state & OPEN) && (state & ~(unsigned)INSIDE) != last;
}

/* Blocks until there is a job other than `last`, or the end.  The count of sleepers goes up before the state is looked
 * at, and the caller opens the job before it looks at the count: one of the two sees the other. */
static void sleep_until_new(cni_pool *pool, unsigned last)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!atomic_load(&pool->quit) && !is_new(atomic_load(&pool->state), last))
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void wake_sleepers(cni_pool *pool, size_t wanted)
{
    int sleepers = atomic_load(&pool->sleepers);
    if (sleepers == 0) return;
    pthread_mutex_lock(&pool->lock);
    if (wanted >= (size_t)sleepers)
        pthread_cond_broadcast(&pool->wake);
    else
        for (; wanted > 0; wanted--) pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- working ---- */

static void run_tasks(cni_pool *pool, int thread)
{
    cni_task *task = pool->task;
    void *context = pool->context;
    size_t tasks = pool->tasks;
    for (;;) {
        size_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (index >= tasks) return;
        task(context, index, thread);
    }
}

static void *work(void *argument)
{
    const worker *self = argument;
    cni_pool *pool = self->pool;
    unsigned last = 0; /* the job that was entered last, with its open bit */
    spin waiting = {0};
    while (!atomic_load_explicit(&pool->quit, memory_order_relaxed)) {
        if (!is_new(atomic_load_explicit(&pool->state, memory_order_relaxed), last)) {
            if (!spin_on(&waiting)) {
                sleep_until_new(pool, last);
                waiting = (spin){0};
            }
            continue;
        }
        unsigned found = atomic_fetch_add_explicit(&pool->state, 1, memory_order_acquire);
        if (found & OPEN) {
            last = found & ~(unsigned)INSIDE;
            run_tasks(pool, self->thread);
            waiting = (spin){0};
        }
        atomic_fetch_sub_explicit(&pool->state, 1, memory_order_release);
    }
    return NULL;
}

/* Workers are given 50 us to finish the tasks that they hold, without a system call; then the core is offered to
 * others, for it may be the very one that a worker waits for. */
static void wait_for_workers(cni_pool *pool)
{
    spin waiting = {0};
    while (atomic_load_explicit(&pool->state, memory_order_acquire) & INSIDE)
        if (!spin_on(&waiting)) sched_yield();
}

void cni_parallel(cni_pool *pool, size_t tasks, cni_task *task, void *context)
{
    bool alone = tasks < 2 || cni_pool_threads(pool) == 1;
    if (alone || atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire)) {
        for (size_t i = 0; i < tasks; i++) task(context, i, 0);
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->tasks = tasks;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_fetch_add(&pool->state, ONE_JOB + OPEN); /* sequentially consistent: before the sleepers are counted */
    wake_sleepers(pool, tasks - 1);
    run_tasks(pool, 0);
    atomic_fetch_sub_explicit(&pool->state, OPEN, memory_order_acquire);
    wait_for_workers(pool);
    atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}

/* ---- making and ending ---- */

/* Signals go to the program's own threads: the workers are started with all of them blocked. */
static void start_workers(cni_pool *pool, int threads)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return;
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->threads < threads) {
        worker *w = &pool->workers[pool->threads - 1];
        *w = (worker){.pool = pool, .thread = pool->threads};
        if (pthread_create(&w->id, &attributes, work, w)) break;
        pool->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

cni_pool *cni_pool_new(int threads)
{
    if (threads <= 0) threads = cni_usable_cores();
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    size_t size = sizeof(cni_pool) + (size_t)threads * sizeof(worker);
    cni_pool *pool = aligned_alloc(LINE, (size + LINE - 1) / LINE * LINE);
    if (!pool) return NULL;
    memset(pool, 0, size);
    atomic_init(&pool->state, 0);
    atomic_init(&pool->next, 0);
    atomic_init(&pool->sleepers, 0);
    atomic_init(&pool->quit, false);
    atomic_flag_clear(&pool->busy);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->threads = 1;
    start_workers(pool, threads);
    return pool;
}

void cni_pool_free(cni_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->quit, true);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->threads - 1; i++) pthread_join(pool->workers[i].id, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int cni_pool_threads(const cni_pool *pool)
{
    return pool ? pool->threads : 1;
}

/* ---- how many cores ---- */

static int affinity_cores(void)
{
    for (int most = 1024; most <= 1 << 16; most *= 2) { /* the kernel refuses a mask smaller than its own */
        cpu_set_t *set = CPU_ALLOC(most);
        if (!set) break;
        size_t size = CPU_ALLOC_SIZE(most);
        int count = sched_getaffinity(0, size, set) ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return 1;
}

int cni_quota_cores(const char *cpu_max)
{
    long long quota, period;
    if (sscanf(cpu_max, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0) return 0; /* "max 100000" */
    long long cores = quota / period + (quota % period > 0);
    return cores > MOST_THREADS ? MOST_THREADS : (int)cores;
}

static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool good = fgets(line, size, file) != NULL;
    fclose(file);
    return good;
}

/* cgroup v1; a container sees its own group at the root. */
static int old_group_cores(void)
{
    char quota[32], period[32], line[80];
    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota)) return 0; /* -1: no limit */
    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period)) return 0;
    snprintf(line, sizeof line, "%s %s", quota, period);
    return cni_quota_cores(line);
}

/* The tightest cpu.max from the process' own group up to the root. */
static int group_cores(void)
{
    char group[512], path[600], line[64];
    if (!read_line("/proc/self/cgroup", group, sizeof group) || strncmp(group, "0::/", 4) != 0)
        return old_group_cores();
    group[strcspn(group, "\n")] = 0;
    char *name = group + 3;
    int least = 0;
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", name);
        int cores = read_line(path, line, sizeof line) ? cni_quota_cores(line) : 0;
        if (cores && (!least || cores < least)) least = cores;
        char *slash = strrchr(name, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

int cni_usable_cores(void)
{
    int cores = affinity_cores(), quota = group_cores();
    return quota && quota < cores ? quota : cores;
}
