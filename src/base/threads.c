/* SPDX-License-Identifier: Apache-2.0
 * A pool of threads for short jobs.
 *
 * A job's tasks are dealt out before it begins: thread i has the i-th part of them, so that from layer to layer it
 * works on the same part of a picture.  Who has finished takes from the others' parts, one task after the other.  Hence
 * a worker that is asleep or was scheduled away is never waited for: the caller does its part.
 *
 *   pool       job number, even while the job is open; function, context, tasks     written by the caller alone
 *   seat i     taken:  [ job number | how many of thread i's tasks are taken ]      by whoever takes one
 *              inside: the job that thread i works on, 0 = none                     by thread i
 *
 * Each of these stands in a cache line of its own, so that a thread that meets nobody else's part writes only lines
 * that it owns.  A worker reads the job between two looks at its number (a sequence lock), says that it is inside, and
 * takes; what it has taken cannot end without it, for the caller closes the job when all is taken and nobody is inside.
 * A worker that comes too late finds everything taken, or `taken` at a later job.
 *
 * Workers without work spin for 50 us, about the time between two layers, and then sleep; while the pool is held, as it
 * is during a run of a plan, for 1 ms.  They are kept from the caller's core: a scheduler that packs threads (they have
 * slept most of the time, after all) would have both wait for each other. */
#include "base/threads.h"

#include "base/float_mode.h"
#include "base/machine.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MOST_THREADS = 1024,
    STACK_SIZE = 1 << 20,
    SPIN_NS = 50000,
    HELD_NS = 1000000, /* a thread that slept got its core back 1 to 3 ms later on a machine that was busy compiling */
    LINE = 128         /* bytes apart that two cores can write in peace: processors fetch lines of 64 in pairs */
};

typedef struct seat {
    _Alignas(LINE) atomic_uint_least64_t taken; /* job << 32 | count */
    atomic_uint inside;
    atomic_bool asleep;
    struct cni_pool *pool;
    int thread;
    pthread_t id;
    pthread_mutex_t lock; /* of sleeping and waking */
    pthread_cond_t wake;
} seat;

/* What a job is; atomic, since latecomers may read one while the next is written. */
struct cni_pool {
    _Alignas(LINE) atomic_uint job;
    _Atomic(cni_task *) task;
    _Atomic(void *) context;
    atomic_size_t tasks;
    _Alignas(LINE) atomic_int sleepers; /* seldom written: callers look at it for each job */
    atomic_int holders;                 /* calls that promise more jobs soon */
    atomic_bool quit;
    int threads;
    bool placed;                     /* the process may use as many cores as there are threads */
    cpu_set_t cores;                 /* which */
    _Alignas(LINE) atomic_flag busy; /* a call is under way */
    int core;                        /* the caller's, which workers keep away from */
    seat seats[];                    /* [0] is the caller's */
};

typedef struct job {
    cni_task *task;
    void *context;
    size_t tasks;
    unsigned number;
} job;

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

/* A while of spinning that looks at the clock now and then: false when `most` nanoseconds have passed. */
typedef struct spin {
    unsigned count;
    int64_t from;
} spin;

static inline bool spin_on(spin *s, int64_t most)
{
    relax();
    if (++s->count % 64) return true;
    const int64_t now = now_ns();
    if (!s->from) s->from = now;
    return now - s->from < most;
}

static inline bool is_open(unsigned number)
{
    return number % 2 == 0;
}

static inline bool is_new(unsigned number, unsigned last)
{
    return is_open(number) && number != last;
}

/* Blocks until there is a job other than `last`, or the end.  The count of sleepers goes up before the job's number is
 * looked at, and the caller opens the job before it looks at the count: one of the two sees the other. */
static void sleep_until_new(seat *self, unsigned last)
{
    cni_pool *pool = self->pool;
    pthread_mutex_lock(&self->lock);
    atomic_store_explicit(&self->asleep, true, memory_order_relaxed);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!atomic_load(&pool->quit) && !is_new(atomic_load(&pool->job), last))
        pthread_cond_wait(&self->wake, &self->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    atomic_store_explicit(&self->asleep, false, memory_order_relaxed);
    pthread_mutex_unlock(&self->lock);
}

static void wake(seat *sleeper)
{
    if (!atomic_load_explicit(&sleeper->asleep, memory_order_relaxed)) return;
    pthread_mutex_lock(&sleeper->lock);
    pthread_cond_signal(&sleeper->wake);
    pthread_mutex_unlock(&sleeper->lock);
}

/* ---- working ---- */

static inline size_t part_begin(const job *j, int threads, int thread)
{
    const size_t each = j->tasks / (size_t)threads, rest = j->tasks % (size_t)threads, i = (size_t)thread;
    return each * i + (i < rest ? i : rest);
}

/* Numbers wrap: `a` is after `b` when it is within half of all numbers. */
static inline bool is_after(unsigned a, unsigned b)
{
    return a - b - 1 < UINT32_MAX / 2;
}

/* One of the first `count` tasks of a seat; `count` when none is left. */
static inline size_t take(seat *s, unsigned number, size_t count)
{
    uint_least64_t now = atomic_load_explicit(&s->taken, memory_order_acquire), next;
    size_t index;
    do {
        const unsigned found = (unsigned)(now >> 32);
        index = found == number ? (size_t)(now & UINT32_MAX) : 0;
        if (index >= count || is_after(found, number)) return count;
        next = (uint_least64_t)number << 32 | (index + 1);
    } while (!atomic_compare_exchange_weak_explicit(&s->taken, &now, next, memory_order_acq_rel, memory_order_acquire));
    return index;
}

/* The thread's own part, then what is left of the others'. */
static void run_tasks(cni_pool *pool, const job *j, int thread)
{
    const int threads = pool->threads;
    for (int i = 0; i < threads; i++) {
        const int owner = thread + i < threads ? thread + i : thread + i - threads;
        const size_t begin = part_begin(j, threads, owner), count = part_begin(j, threads, owner + 1) - begin;
        for (size_t index; count && (index = take(&pool->seats[owner], j->number, count)) < count;)
            j->task(j->context, begin + index, thread);
    }
}

/* False: it is over already. */
static bool read_job(cni_pool *pool, unsigned number, job *j)
{
    j->number = number;
    j->task = atomic_load_explicit(&pool->task, memory_order_relaxed);
    j->context = atomic_load_explicit(&pool->context, memory_order_relaxed);
    j->tasks = atomic_load_explicit(&pool->tasks, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&pool->job, memory_order_relaxed) == number;
}

static inline int64_t patience(const cni_pool *pool)
{
    return atomic_load_explicit(&pool->holders, memory_order_relaxed) ? HELD_NS : SPIN_NS;
}

static void *work(void *argument)
{
    seat *self = argument;
    cni_pool *pool = self->pool;
    unsigned last = 0;
    spin waiting = {0};
    job j;
    cni_flush_denormals();
    while (!atomic_load_explicit(&pool->quit, memory_order_relaxed)) {
        const unsigned number = atomic_load_explicit(&pool->job, memory_order_acquire);
        if (!is_new(number, last)) {
            if (spin_on(&waiting, patience(pool))) continue;
            sleep_until_new(self, last);
        } else {
            last = number;
            if (!read_job(pool, number, &j) || (size_t)self->thread >= j.tasks) continue;
            atomic_store_explicit(&self->inside, number,
                                  memory_order_relaxed); /* visible with the first that it takes */
            run_tasks(pool, &j, self->thread);
            atomic_store_explicit(&self->inside, 0, memory_order_release);
        }
        waiting = (spin){0};
    }
    return NULL;
}

/* Workers are given 50 us to finish the tasks that they hold, without a system call; then the core is offered to
 * others, for it may be the very one that a worker waits for. */
static void wait_for(seat *s, unsigned number)
{
    spin waiting = {0};
    while (atomic_load_explicit(&s->inside, memory_order_acquire) == number)
        if (!spin_on(&waiting, SPIN_NS)) sched_yield();
}

/* ---- where workers run ---- */

static void keep_from(cni_pool *pool, int core)
{
    cpu_set_t cores = pool->cores;
    pool->core = core;
    if (!CPU_ISSET(core, &cores)) return;
    CPU_CLR(core, &cores);
    for (int i = 1; i < pool->threads; i++) pthread_setaffinity_np(pool->seats[i].id, sizeof cores, &cores);
}

static void place(cni_pool *pool)
{
    pool->core = -1;
    pool->placed = sched_getaffinity(0, sizeof pool->cores, &pool->cores) == 0 && pool->threads > 1 &&
                   CPU_COUNT(&pool->cores) >= pool->threads;
}

/* ---- jobs ---- */

static void open_job(cni_pool *pool, const job *j)
{
    atomic_thread_fence(memory_order_release); /* who sees a field of this job sees the former one closed */
    atomic_store_explicit(&pool->task, j->task, memory_order_relaxed);
    atomic_store_explicit(&pool->context, j->context, memory_order_relaxed);
    atomic_store_explicit(&pool->tasks, j->tasks, memory_order_relaxed);
    atomic_store(&pool->job, j->number); /* sequentially consistent: before the sleepers are counted */
    if (atomic_load(&pool->sleepers) == 0) return;
    for (int i = 1; i < pool->threads && (size_t)i < j->tasks; i++) wake(&pool->seats[i]);
}

/* Job 0 is none: `inside` says so.  Numbers wrap; a seat that nobody has touched for long gets a new one in time. */
static unsigned next_number(cni_pool *pool)
{
    enum { LONG = 1 << 29 };
    const unsigned number = atomic_load_explicit(&pool->job, memory_order_relaxed) + 1;
    for (int i = 0; number % LONG == 0 && i < pool->threads; i++)
        atomic_store_explicit(&pool->seats[i].taken, (uint_least64_t)(number - 1) << 32, memory_order_relaxed);
    return number ? number : 2;
}

static void run_job(cni_pool *pool, size_t tasks, cni_task *task, void *context)
{
    const int core = pool->placed ? sched_getcpu() : -1;
    if (core != pool->core && core >= 0 && core < CPU_SETSIZE) keep_from(pool, core);
    const job j = {task, context, tasks, next_number(pool)};
    open_job(pool, &j);
    run_tasks(pool, &j, 0);
    for (int i = 1; i < pool->threads && (size_t)i < tasks; i++) wait_for(&pool->seats[i], j.number);
    atomic_store_explicit(&pool->job, j.number + 1, memory_order_relaxed);
}

static void run_alone(size_t tasks, cni_task *task, void *context)
{
    for (size_t i = 0; i < tasks; i++) task(context, i, 0);
}

void cni_parallel(cni_pool *pool, size_t tasks, cni_task *task, void *context)
{
    const bool alone = tasks < 2 || tasks > UINT32_MAX || cni_pool_threads(pool) == 1;
    if (alone || atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire)) {
        run_alone(tasks, task, context);
        return;
    }
    run_job(pool, tasks, task, context);
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
        seat *s = &pool->seats[pool->threads];
        s->pool = pool;
        s->thread = pool->threads;
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->wake, NULL);
        if (pthread_create(&s->id, &attributes, work, s)) break;
        pool->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

cni_pool *cni_pool_new(int threads)
{
    if (threads <= 0) threads = cni_usable_cores();
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    size_t size = sizeof(cni_pool) + (size_t)threads * sizeof(seat);
    cni_pool *pool = aligned_alloc(LINE, (size + LINE - 1) / LINE * LINE);
    if (!pool) return NULL;
    memset(pool, 0, size);
    atomic_init(&pool->job, 1); /* closed */
    atomic_flag_clear(&pool->busy);
    pool->threads = 1;
    start_workers(pool, threads);
    place(pool);
    return pool;
}

void cni_pool_free(cni_pool *pool)
{
    if (!pool) return;
    atomic_store(&pool->quit, true);
    for (int i = 1; i < pool->threads; i++) {
        seat *s = &pool->seats[i];
        pthread_mutex_lock(&s->lock);
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->id, NULL);
        pthread_cond_destroy(&s->wake);
        pthread_mutex_destroy(&s->lock);
    }
    free(pool);
}

void cni_pool_hold(cni_pool *pool)
{
    if (pool && pool->threads > 1) atomic_fetch_add_explicit(&pool->holders, 1, memory_order_relaxed);
}

void cni_pool_release(cni_pool *pool)
{
    if (pool && pool->threads > 1) atomic_fetch_sub_explicit(&pool->holders, 1, memory_order_relaxed);
}

int cni_pool_threads(const cni_pool *pool)
{
    return pool ? pool->threads : 1;
}
