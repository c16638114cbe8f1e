/* SPDX-License-Identifier: Apache-2.0
 * The thread pool runs every task once, whoever calls, however often.  Worth running under ThreadSanitizer:
 * cmake -DCORNU_SANITIZE=thread. */
#include "base/machine.h"
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { MANY = 1000, THREADS = 4 };

/* Deliberately not atomic: two threads on one task, or a join that comes too early, is a race. */
typedef struct counts {
    int runs[MANY];
    _Alignas(128) int per_thread[THREADS][32];
} counts;

static void count(void *context, size_t index, int thread)
{
    counts *c = context;
    c->runs[index]++;
    c->per_thread[thread][0]++;
}

static void check_counts(const counts *c, size_t tasks, int runs)
{
    int sum = 0;
    for (size_t i = 0; i < MANY; i++) assert_int_equal(c->runs[i], i < tasks ? runs : 0);
    for (int t = 0; t < THREADS; t++) sum += c->per_thread[t][0];
    assert_int_equal(sum, (int)tasks * runs);
}

static void every_task_once(void **state)
{
    (void)state;
    static const size_t tasks[] = {0, 1, 2, 3, 4, 5, 17, MANY};
    for (int threads = 1; threads <= THREADS; threads++) {
        cni_pool *pool = cni_pool_new(threads);
        assert_non_null(pool);
        assert_int_equal(cni_pool_threads(pool), threads);
        for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
            counts c = {0};
            cni_parallel(pool, tasks[i], count, &c);
            check_counts(&c, tasks[i], 1);
        }
        cni_pool_free(pool);
    }
}

static void no_pool_runs_in_order(void **state)
{
    (void)state;
    counts c = {0};
    cni_parallel(NULL, MANY, count, &c);
    check_counts(&c, MANY, 1);
    assert_int_equal(c.per_thread[0][0], MANY);
    assert_int_equal(cni_pool_threads(NULL), 1);
    cni_pool_free(NULL);
}

/* Many short jobs in a row: job numbers wrap (2^15), workers enter late, spin and sleep. */
static void many_joins(void **state)
{
    (void)state;
    cni_pool *pool = cni_pool_new(3);
    static counts c;
    memset(&c, 0, sizeof c);
    enum { JOBS = 70000 };
    for (int j = 0; j < JOBS; j++) {
        cni_parallel(pool, 3, count, &c);
        if (c.runs[0] != j + 1 || c.runs[1] != j + 1 || c.runs[2] != j + 1) fail_msg("job %d", j);
    }
    check_counts(&c, 3, JOBS);
    cni_pool_free(pool);
}

static void pause_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static void sleeping_workers_wake(void **state)
{
    (void)state;
    cni_pool *pool = cni_pool_new(THREADS);
    static counts c;
    memset(&c, 0, sizeof c);
    for (int j = 0; j < 200; j++) {
        pause_us(j % 4 * 50); /* round the time after which they fall asleep */
        cni_parallel(pool, 10, count, &c);
    }
    check_counts(&c, 10, 200);
    cni_pool_free(pool);
}

/* Two tasks that wait for each other can only end if two threads run them. */
typedef struct meeting {
    atomic_int arrived;
    int threads[2];
} meeting;

static void meet(void *context, size_t index, int thread)
{
    meeting *m = context;
    m->threads[index] = thread;
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < 2) sched_yield();
}

static void tasks_run_side_by_side(void **state)
{
    (void)state;
    cni_pool *pool = cni_pool_new(2);
    for (int j = 0; j < 20; j++) {
        meeting m = {0};
        if (j % 2) pause_us(300); /* from sleep too */
        cni_parallel(pool, 2, meet, &m);
        assert_int_not_equal(m.threads[0], m.threads[1]);
    }
    cni_pool_free(pool);
}

typedef struct nest {
    cni_pool *pool;
    counts inner[8];
} nest;

static void outer(void *context, size_t index, int thread)
{
    (void)thread;
    nest *n = context;
    cni_parallel(n->pool, 50, count, &n->inner[index]);
}

static void nested_calls_run_inline(void **state)
{
    (void)state;
    static nest n;
    memset(&n, 0, sizeof n);
    n.pool = cni_pool_new(THREADS);
    cni_parallel(n.pool, 8, outer, &n);
    for (int i = 0; i < 8; i++) {
        check_counts(&n.inner[i], 50, 1);
        assert_int_equal(n.inner[i].per_thread[0][0], 50);
    }
    cni_pool_free(n.pool);
}

typedef struct user {
    cni_pool *pool;
    pthread_t id;
    counts c;
} user;

static void *use(void *argument)
{
    user *u = argument;
    for (int j = 0; j < 500; j++) cni_parallel(u->pool, 20, count, &u->c);
    return NULL;
}

static void several_callers(void **state)
{
    (void)state;
    static user users[4];
    memset(users, 0, sizeof users);
    cni_pool *pool = cni_pool_new(THREADS);
    for (int i = 0; i < 4; i++) {
        users[i].pool = pool;
        assert_int_equal(pthread_create(&users[i].id, NULL, use, &users[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(users[i].id, NULL);
    for (int i = 0; i < 4; i++) check_counts(&users[i].c, 20, 500);
    cni_pool_free(pool);
}

static void cores(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    int all = CPU_COUNT(&set);
    assert_in_range(cni_usable_cores(), 1, all);

    cpu_set_t one;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set)) {
            CPU_SET(i, &one);
            break;
        }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(cni_usable_cores(), 1);
    cni_pool *pool = cni_pool_new(0);
    assert_int_equal(cni_pool_threads(pool), 1);
    cni_pool_free(pool);
    assert_int_equal(sched_setaffinity(0, sizeof set, &set), 0);

    assert_int_equal(cni_quota_cores("max 100000\n"), 0);
    assert_int_equal(cni_quota_cores("150000 100000\n"), 2);
    assert_int_equal(cni_quota_cores("200000 100000\n"), 2);
    assert_int_equal(cni_quota_cores("1000 100000\n"), 1);
    assert_int_equal(cni_quota_cores("0 0"), 0);
    assert_int_equal(cni_quota_cores(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_once),
        cmocka_unit_test(no_pool_runs_in_order),
        cmocka_unit_test(many_joins),
        cmocka_unit_test(sleeping_workers_wake),
        cmocka_unit_test(tasks_run_side_by_side),
        cmocka_unit_test(nested_calls_run_inline),
        cmocka_unit_test(several_callers),
        cmocka_unit_test(cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
