/* SPDX-License-Identifier: Apache-2.0
 * Memory that is not there: a whole life of small models, again and again, in which the first allocation fails, then
 * the second, ...; once alone, and once with all that follow.  Each time it ends with an error or with the right
 * numbers, and everything is freed. */
#include "base/arena.h"

#include <cornu/cornu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the allocator: linked in place of malloc and the others (--wrap) ----
 * What an arena hands out fails too: its blocks are large, so that few of its allocations come to malloc. */

static struct {
    long made, live; /* calls so far; blocks that are not freed yet */
    long failing;    /* which call fails; 0: none */
    int more;        /* all calls after it too */
} heap;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__real_cni_arena_alloc(cni_arena *arena, size_t size);
void *__real_cni_arena_array(cni_arena *arena, size_t count, size_t size);
char *__real_cni_arena_text(cni_arena *arena, const char *text);
void *__wrap_cni_arena_alloc(cni_arena *arena, size_t size);
void *__wrap_cni_arena_array(cni_arena *arena, size_t count, size_t size);
char *__wrap_cni_arena_text(cni_arena *arena, const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
void __wrap_free(void *block);

static int fails(void)
{
    heap.made++;
    return heap.failing && (heap.made == heap.failing || (heap.more && heap.made > heap.failing));
}

static void *counted(void *block)
{
    heap.live += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails()) return NULL;
    void *moved = __real_realloc(block, size);
    return block ? moved : counted(moved);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

char *__wrap_strdup(const char *text)
{
    char *copy = __wrap_malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

char *__wrap_strndup(const char *text, size_t size)
{
    const size_t length = strnlen(text, size);
    char *copy = __wrap_malloc(length + 1);
    if (copy) *(char *)mempcpy(copy, text, length) = 0;
    return copy;
}

void *__wrap_cni_arena_alloc(cni_arena *arena, size_t size)
{
    return fails() ? NULL : __real_cni_arena_alloc(arena, size);
}

void *__wrap_cni_arena_array(cni_arena *arena, size_t count, size_t size)
{
    return fails() ? NULL : __real_cni_arena_array(arena, count, size);
}

char *__wrap_cni_arena_text(cni_arena *arena, const char *text)
{
    return text && fails() ? NULL : __real_cni_arena_text(arena, text);
}

void __wrap_free(void *block)
{
    heap.live -= block != NULL;
    __real_free(block);
}

/* ---- a life: what it gives is an error, or the numbers at its end ---- */

enum { ROWS = 6, SIDE = 6, CLASSES = 3 };

typedef struct life {
    cn_context *context;
    cn_model *model;
    char error[300];
    float last[ROWS * CLASSES];
    char path[64];
} life;

typedef int living(life *l); /* 0 when it failed, with or without l->error */

static float pictures[ROWS * SIDE * SIDE];
static int32_t labels[ROWS];
static const cn_array x = {pictures, CN_FLOAT32, 4, {ROWS, SIDE, SIDE, 1}};
static const cn_array y = {labels, CN_INT32, 1, {ROWS}};

static int told(life *l, const char *error)
{
    snprintf(l->error, sizeof l->error, "%s", error);
    return 0;
}

static int open_context(life *l)
{
    l->context = cn_context_new();
    if (!l->context) return told(l, "no context");
    cn_context_set_random_seed(l->context, 5);
    cn_set_threads(l->context, 1);
    return 1;
}

static int keep(life *l, const cn_array *predicted)
{
    if (!predicted) return told(l, cn_error(l->model));
    memcpy(l->last, predicted->data, sizeof l->last);
    return 1;
}

static int build(life *l)
{
    if (!open_context(l)) return 0;
    cn_model *m = l->model = cn_functional_in(l->context, "net");
    if (!m) return told(l, "no model");
    cn_node *in = cn_input_node(m, cn_input({SIDE, SIDE, 1}));
    cn_node *a = cn_call(m, cn_conv2d(3, {3}, .padding = CN_PAD(1, 1, 1, 1), .activation = "leaky_relu(0.1)"), in);
    cn_node *b = cn_call(m, cn_depthwise_conv2d({3}, .padding = CN_SAME, .depthwise_regularizer = "l2(0.01)"), a);
    b = cn_call(m, cn_batch_normalization(), b);
    cn_node *sum = cn_call(m, cn_add_layer(), a, b);
    cn_node *pooled = cn_call(m, cn_max_pooling2d(), cn_call(m, cn_dropout(0.25), sum));
    cn_node *flat = cn_call(m, cn_flatten(), pooled);
    cn_outputs(m, cn_call(m, cn_dense(CLASSES, .activation = "softmax", .kernel_constraint = "max_norm(3)"), flat));
    cn_compile(m, .optimizer = cn_adam(0.01, .clipnorm = 1), .loss = "sparse_categorical_crossentropy",
               .metrics = {"accuracy", "sparse_top_k_categorical_accuracy(2)"});
    return cn_failed(m) ? told(l, cn_error(m)) : 1;
}

static int train(life *l)
{
    if (!build(l)) return 0;
    cn_model *m = l->model;
    const cn_history *history =
        cn_fit(m, x, y, .batch_size = 4, .epochs = 2, .validation_data = {x, y},
               .callbacks = {cn_early_stopping(.patience = 5, .restore_best_weights = true),
                             cn_reduce_lr_on_plateau(.patience = 1), cn_csv_logger(.filename = "/dev/null")});
    if (!history || !cn_evaluate(m, x, y)) return told(l, cn_error(m));
    return keep(l, cn_predict(m, x));
}

static int predict(life *l)
{
    if (!build(l)) return 0;
    cn_predictor *predictor = cn_predictor_new(l->model, ROWS, 1);
    if (!predictor) return told(l, cn_error(l->model));
    const cn_status status = cn_predictor_run(predictor, ROWS, (const float *[]){pictures}, (float *[]){l->last});
    if (status) told(l, cn_predictor_error(predictor));
    cn_predictor_free(predictor);
    return !status;
}

static int explain(life *l)
{
    if (!build(l)) return 0;
    char *text = cn_describe("Conv2D", NULL);
    if (!text) return told(l, "cn_describe: no memory");
    cn_text_free(text);
    if (!cn_summary(l->model, NULL)) return told(l, cn_error(l->model));
    memset(l->last, 0, sizeof l->last);
    return 1;
}

#ifdef CORNU_FORMATS
static int save_and_load(life *l)
{
    const cn_load_options *options = NULL;
    const char *error = NULL;
    cn_model *loaded = NULL;
    if (!build(l)) return 0;
    if (!cn_train_on_batch(l->model, &(cn_data){.x = x, .y = y}) || cn_save(l->model, l->path))
        return told(l, cn_error(l->model));
    options = &(cn_load_options){.struct_size = sizeof *options, .context = l->context};
    if (cn_load(l->path, options, &loaded, &error)) return told(l, error);
    cn_model_free(l->model);
    l->model = loaded;
    if (!cn_train_on_batch(l->model, &(cn_data){.x = x, .y = y})) return told(l, cn_error(l->model));
    if (!cn_model_json(l->model) || cn_load_weights(l->model, l->path)) return told(l, cn_error(l->model));
    return keep(l, cn_predict(l->model, x));
}

static int read_text(life *l)
{
    if (!open_context(l)) return 0;
    cn_model *m = l->model = cn_sequential_in(l->context, NULL);
    if (!m) return told(l, "no model");
    cn_add_json(m, "Conv2D(2, 3, activation='relu', kernel_initializer=HeNormal(seed=3), input_shape=(6, 6, 1))");
    cn_add_json(m, "{\"class_name\": \"Flatten\", \"config\": {}}");
    cn_add_json(m, "Dense(3)");
    cn_compile(m, .optimizer = cn_optimizer("sgd(0.1)"), .loss = "sparse_categorical_crossentropy(from_logits=True)");
    if (cn_failed(m)) return told(l, cn_error(m));
    return keep(l, cn_predict(m, x));
}
#endif

/* ---- the sweep ---- */

static int live(living *what, life *l)
{
    memset(l, 0, sizeof *l);
    const char *folder =
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* a disk would write thousands of files */
    snprintf(l->path, sizeof l->path, "%s/cornu-test-%ld.keras", folder, (long)getpid());
    const int done = what(l);
    cn_model_free(l->model);
    cn_context_free(l->context);
    return done;
}

static void sweep(living *what)
{
    life whole, l;
    if (!live(what, &whole)) fail_msg("%s", whole.error);
    const long before = heap.live;
    heap.made = 0;
    live(what, &whole);
    const long calls = heap.made;
    assert_int_equal(heap.live, before);
    assert_true(calls > 100);
    for (heap.more = 0; heap.more < 2; heap.more++)
        for (long i = 1; i <= calls; i++) {
            heap.made = 0;
            heap.failing = i;
            const int done = live(what, &l);
            heap.failing = 0;
            if (heap.live != before)
                fail_msg("allocation %ld of %ld fails%s: %ld blocks are lost (%s)", i, calls,
                         heap.more ? " and all after it" : "", heap.live - before, done ? "no error" : l.error);
            if (!done && !l.error[0]) fail_msg("allocation %ld of %ld fails: no message", i, calls);
            if (done && memcmp(l.last, whole.last, sizeof l.last) != 0)
                fail_msg("allocation %ld of %ld fails: no error, but other numbers", i, calls);
        }
    unlink(whole.path);
}

#define SWEEP(what)                                                                                                    \
    static void test_##what(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        sweep(what);                                                                                                   \
    }
SWEEP(build)
SWEEP(train)
SWEEP(predict)
SWEEP(explain)
#ifdef CORNU_FORMATS
SWEEP(save_and_load)
SWEEP(read_text)
#endif

int main(void)
{
    for (int i = 0; i < ROWS * SIDE * SIDE; i++) pictures[i] = (float)(i * 7 % 11) / 11;
    for (int i = 0; i < ROWS; i++) labels[i] = i % CLASSES;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build),         cmocka_unit_test(test_train),
        cmocka_unit_test(test_predict),       cmocka_unit_test(test_explain),
#ifdef CORNU_FORMATS
        cmocka_unit_test(test_save_and_load), cmocka_unit_test(test_read_text),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
