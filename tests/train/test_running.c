/* SPDX-License-Identifier: Apache-2.0
 * A running plan allocates nothing, and predictors do not disturb each other: they take no lock but those of their own
 * threads, and each gets its own numbers.  Worth running under ThreadSanitizer: cmake -DCORNU_SANITIZE=thread. */
#include "base/threads.h"
#include "model/compile.h"
#include "train/program.h"
#include "train/small_networks.h"

#include <cornu/cornu.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

/* ---- counters: linked in place of what asks the system for something (--wrap) ---- */

static atomic_int allocations, locks;
enum { MOST_LOCKS = 64 };
static _Thread_local pthread_mutex_t *taken[MOST_LOCKS];
static _Thread_local int taken_count;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    allocations++;
    return __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

void __wrap_free(void *block)
{
    allocations++;
    __real_free(block);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    allocations++;
    return __real_mmap(at, size, protection, flags, fd, offset);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    locks++;
    if (taken_count < MOST_LOCKS) taken[taken_count++] = mutex;
    return __real_pthread_mutex_lock(mutex);
}

/* ---- networks ---- */

typedef cn_model *maker(cn_context *context);
static maker *const makers[] = {small_plain, small_depthwise, small_graph};
enum { MAKERS = sizeof makers / sizeof *makers, BATCH = 8, ROUNDS = 20 };

static small_data data;

static int open_data(void **state)
{
    (void)state;
    small_data_open(&data, false);
    return 0;
}

static int close_data(void **state)
{
    (void)state;
    small_data_close(&data);
    return 0;
}

static void predicting_allocates_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < MAKERS; i++)
        for (int threads = 1; threads <= 3; threads++) {
            cn_context *context = cn_context_new();
            cn_model *model = makers[i](context);
            cn_predictor *predictor = cn_predictor_new(model, BATCH, threads);
            if (!predictor) fail_msg("%s", cn_error(model));
            float y[BATCH * 1000];
            const float *in = data.x;
            float *out = y;
            allocations = locks = 0;
            for (int round = 0; round < ROUNDS; round++)
                assert_int_equal(cn_predictor_run(predictor, 1 + round % BATCH, &in, &out), CN_OK);
            assert_int_equal(allocations, 0);
            if (threads == 1) assert_int_equal(locks, 0);
            cn_predictor_free(predictor);
            cn_model_free(model);
            cn_context_free(context);
        }
}

static void training_allocates_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < MAKERS; i++) {
        cn_context *context = cn_context_new();
        cn_model *model = makers[i](context);
        cn_compile(model, .optimizer = cn_adam(0.01), .loss = "sparse_categorical_crossentropy");
        cni_program_key key = {.mode = CNI_TRAIN, .batch = BATCH};
        key.inputs[0] = CNI_SHAPE(CNI_UNKNOWN, SMALL_SIDE, SMALL_SIDE, SMALL_CHANNELS);
        key.targets[0] = CNI_SHAPE(CNI_UNKNOWN);
        cni_program *program;
        cni_error error = {0};
        if (cni_program_new(model, &key, NULL, &program, &error)) fail_msg("%s", error.text);
        allocations = locks = 0;
        for (int round = 0; round < ROUNDS; round++) cni_program_run(model, program, BATCH - round % 3, true);
        assert_int_equal(allocations, 0);
        assert_int_equal(locks, 0);
        cni_program_free(program);
        cn_model_free(model);
        cn_context_free(context);
    }
}

/* ---- several predictors at once ---- */

typedef struct user {
    cn_predictor *predictor;
    pthread_t id;
    float expected[BATCH * SMALL_CLASSES];
    int wrong;
    pthread_mutex_t *taken[MOST_LOCKS];
    int taken_count;
} user;

static void *use(void *argument)
{
    user *u = argument;
    float y[BATCH * SMALL_CLASSES];
    const float *in = data.x;
    float *out = y;
    for (int round = 0; round < 300; round++) {
        if (cn_predictor_run(u->predictor, BATCH, &in, &out)) u->wrong++;
        u->wrong += memcmp(y, u->expected, sizeof y) != 0;
    }
    memcpy(u->taken, taken, sizeof taken);
    u->taken_count = taken_count;
    return NULL;
}

static void predictors_keep_apart(void **state)
{
    (void)state;
    enum { USERS = 3 };
    for (int threads = 1; threads <= 2; threads++) {
        cn_context *context = cn_context_new();
        cn_model *model = small_plain(context);
        user users[USERS] = {0};
        const float *in = data.x;
        for (int i = 0; i < USERS; i++) {
            float *out = users[i].expected;
            users[i].predictor = cn_predictor_new(model, BATCH, threads);
            assert_non_null(users[i].predictor);
            assert_int_equal(cn_predictor_run(users[i].predictor, BATCH, &in, &out), CN_OK);
            assert_memory_equal(users[i].expected, users[0].expected, sizeof users[i].expected);
        }
        allocations = 0;
        for (int i = 0; i < USERS; i++) assert_int_equal(pthread_create(&users[i].id, NULL, use, &users[i]), 0);
        for (int i = 0; i < USERS; i++) pthread_join(users[i].id, NULL);
        assert_int_equal(allocations, 0);
        for (int i = 0; i < USERS; i++) {
            assert_int_equal(users[i].wrong, 0);
            if (threads == 1) assert_int_equal(users[i].taken_count, 0);
            for (int k = 0; k < i; k++) /* a lock that one of them takes is never one that another takes */
                for (int a = 0; a < users[i].taken_count; a++)
                    for (int b = 0; b < users[k].taken_count; b++)
                        assert_ptr_not_equal(users[i].taken[a], users[k].taken[b]);
        }
        for (int i = 0; i < USERS; i++) cn_predictor_free(users[i].predictor);
        cn_model_free(model);
        cn_context_free(context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predicting_allocates_nothing),
        cmocka_unit_test(training_allocates_nothing),
        cmocka_unit_test(predictors_keep_apart),
    };
    return cmocka_run_group_tests(tests, open_data, close_data);
}
