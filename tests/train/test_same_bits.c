/* SPDX-License-Identifier: Apache-2.0
 * What must not change a result: the number of threads (to the last bit), the size of a prediction's batch, the
 * instruction set (within stated tolerances), a stop with the model saved (to the last bit). */
#include "train/small_networks.h"

#include <math.h>
#include <unistd.h>

/* Relative to the largest value of the row or weight, which counts for no less than 0.1: the gradient of a bias before
 * a BatchNormalization is what is left of sums that cancel. */
static const double batch_tolerance = 2e-6, isa_tolerance = 1e-5;

static double largest(const float *values, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, fabs((double)values[i]));
    return most;
}

static double distance(const float *a, const float *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        const double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= most)) most = d; /* NaN too */
    }
    return most / fmax(largest(a, count), 0.1);
}

static size_t size_of(cn_array array)
{
    size_t size = 1;
    for (int i = 0; i < array.rank; i++) size *= (size_t)array.shape[i];
    return size;
}

/* ---- threads ---- */

static cn_model *trained(const small_network *network, const char *optimizer, cni_isa isa, int threads, double *loss)
{
    small_data data;
    int count;
    small_data_open(&data, network->channels_first);
    cn_model *model = small_model(network, optimizer, isa, threads);
    const cn_history *history =
        cn_fit(model, data.pictures, data.y, .batch_size = 16, .epochs = 2, .validation_split = 0.2);
    if (!history) fail_msg("%s, %s: %s", network->name, optimizer, cn_error(model));
    const double *losses = cn_history_values(history, 1, &count);
    assert_string_equal(cn_history_name(history, 1), "loss");
    assert_int_equal(count, 2);
    *loss = losses[1];
    assert_true(isfinite(*loss));
    small_data_close(&data);
    return model;
}

static void compare_threads(const small_network *network, const char *optimizer, cni_isa isa)
{
    double loss;
    cn_model *one = trained(network, optimizer, isa, 1, &loss);
    for (int threads = 2; threads <= 3; threads++) {
        double own_loss;
        char text[100];
        cn_model *model = trained(network, optimizer, isa, threads, &own_loss);
        const char *where = small_difference(one, model, text);
        if (where)
            fail_msg("%s, %s, %s: 1 and %d threads differ at %s", network->name, optimizer, cni_isa_name(isa), threads,
                     where);
        if (loss != own_loss) /* the validation's too */
            fail_msg("%s, %s, %s: 1 and %d threads: losses %.17g and %.17g", network->name, optimizer,
                     cni_isa_name(isa), threads, loss, own_loss);
        small_model_free(model);
    }
    small_model_free(one);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    for (int isa = 0; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        for (int i = 0; i < SMALL_NETWORKS; i++)
            compare_threads(&small_networks[i], small_optimizers[(i + isa) % SMALL_OPTIMIZERS].text, (cni_isa)isa);
    }
    for (int i = 0; i < SMALL_OPTIMIZERS; i++)
        compare_threads(&small_networks[0], small_optimizers[i].text, cni_cpu_isa(NULL));
}

static void the_same_run_gives_the_same_bits(void **state)
{
    (void)state;
    double first, second;
    char text[100];
    cn_model *a = trained(&small_networks[0], "adam", cni_cpu_isa(NULL), 2, &first);
    cn_model *b = trained(&small_networks[0], "adam", cni_cpu_isa(NULL), 2, &second);
    assert_null(small_difference(a, b, text));
    assert_true(first == second);
    small_model_free(a);
    small_model_free(b);
}

/* ---- batches ---- */

static void compare_batches(const small_network *network, cni_isa isa)
{
    static const int sizes[] = {1, 2, 7, 32};
    small_data data;
    small_data_open(&data, network->channels_first);
    cn_model *model = small_model(network, "sgd", isa, 2);
    assert_non_null(cn_fit(model, data.pictures, data.y, .epochs = 1));
    float whole[SMALL_ROWS * SMALL_CLASSES];
    const cn_array *y = cn_predict(model, data.pictures, .batch_size = SMALL_ROWS);
    assert_non_null(y);
    memcpy(whole, y->data, sizeof whole);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        y = cn_predict(model, data.pictures, .batch_size = sizes[i]);
        assert_non_null(y);
        for (int row = 0; row < SMALL_ROWS; row++) {
            const float *own = (const float *)y->data + row * SMALL_CLASSES;
            const double d = distance(whole + row * SMALL_CLASSES, own, SMALL_CLASSES);
            if (!(d <= batch_tolerance))
                fail_msg("%s, %s: picture %d in batches of %d differs by %g", network->name, cni_isa_name(isa), row,
                         sizes[i], d);
        }
    }
    small_model_free(model);
    small_data_close(&data);
}

static void a_batch_is_its_pictures_one_by_one(void **state)
{
    (void)state;
    for (int isa = 0; isa < CNI_ISA_COUNT; isa++)
        for (int i = 0; i < SMALL_NETWORKS && cni_isa_available((cni_isa)isa); i++)
            compare_batches(&small_networks[i], (cni_isa)isa);
}

/* ---- instruction sets ---- */

static void compare_isas(const small_network *network, const char *optimizer, cni_isa isa)
{
    small_data data;
    small_data_open(&data, network->channels_first);
    cn_model *judge = small_model(network, optimizer, CNI_ISA_PORTABLE, 1);
    cn_model *model = small_model(network, optimizer, isa, 2);
    const float *a = cn_predict(judge, data.pictures)->data, *b = cn_predict(model, data.pictures)->data;
    double d = distance(a, b, SMALL_ROWS * SMALL_CLASSES);
    if (!(d <= isa_tolerance)) fail_msg("%s, %s: predictions differ by %g", network->name, cni_isa_name(isa), d);
    const cn_data batch = {.x = data.pictures, .y = data.y};
    const double losses[] = {cn_logs_get(cn_train_on_batch(judge, &batch), "loss"),
                             cn_logs_get(cn_train_on_batch(model, &batch), "loss")};
    d = fabs(losses[0] - losses[1]) / losses[0];
    if (!(d <= isa_tolerance)) fail_msg("%s, %s: losses differ by %g", network->name, cni_isa_name(isa), d);
    for (int i = 0; i < cn_weight_count(judge); i++) {
        const cn_array one = cn_weight(judge, i), other = cn_weight(model, i);
        d = distance(one.data, other.data, size_of(one));
        if (!(d <= isa_tolerance))
            fail_msg("%s, %s: weight %d differs by %g after a step", network->name, cni_isa_name(isa), i, d);
    }
    small_model_free(judge);
    small_model_free(model);
    small_data_close(&data);
}

static void instruction_sets_agree(void **state)
{
    (void)state;
    for (int isa = 1; isa < CNI_ISA_COUNT; isa++)
        for (int i = 0; i < SMALL_NETWORKS && cni_isa_available((cni_isa)isa); i++)
            compare_isas(&small_networks[i], "sgd(0.05, momentum=0.9)", (cni_isa)isa);
}

/* ---- stopping ---- */

#ifdef CORNU_FORMATS
static void go_on(cn_model *model, const small_data *data, int from, int to)
{
    const cn_history *history = cn_fit(model, data->pictures, data->y, .batch_size = 16, .initial_epoch = from,
                                       .epochs = to, .no_shuffle = true);
    if (!history) fail_msg("%s", cn_error(model));
}

/* Keras' files hold the state of the optimizer, but not where Dropout's generators are. */
static void move_generators(const cn_model *to, const cn_model *from)
{
    for (int i = 0; i < cn_layer_count(from); i++) cn_layer_at(to, i)->seed = cn_layer_at(from, i)->seed;
}

static void compare_stopping(const small_network *network, const char *optimizer, const char *path)
{
    small_data data;
    char text[100];
    const char *error = NULL;
    const cni_isa isa = cni_cpu_isa(NULL);
    small_data_open(&data, network->channels_first);
    cn_model *whole = small_model(network, optimizer, isa, 2), *first = small_model(network, optimizer, isa, 2);
    go_on(whole, &data, 0, 3);
    go_on(first, &data, 0, 1);
    if (cn_save(first, path)) fail_msg("%s", cn_error(first));
    cn_context *context = cn_context_new();
    const cn_load_options options = {.struct_size = sizeof options, .context = context};
    cn_model *second = NULL;
    if (cn_load(path, &options, &second, &error)) fail_msg("%s", error);
    move_generators(second, first);
    small_model_free(first);
    go_on(second, &data, 1, 3);
    const char *where = small_difference(whole, second, text);
    if (where) fail_msg("%s, %s: stopped and gone on differs at %s", network->name, optimizer, where);
    small_model_free(whole);
    small_model_free(second);
    small_data_close(&data);
}

static void a_stop_does_not_change_a_bit(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/tmp/cornu-test-%ld.keras", (long)getpid());
    for (int i = 0; i < SMALL_OPTIMIZERS; i++)
        if (!small_optimizers[i].average)
            compare_stopping(&small_networks[i % SMALL_NETWORKS], small_optimizers[i].text, path);
    unlink(path);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_bit),        cmocka_unit_test(the_same_run_gives_the_same_bits),
        cmocka_unit_test(a_batch_is_its_pictures_one_by_one), cmocka_unit_test(instruction_sets_agree),
#ifdef CORNU_FORMATS
        cmocka_unit_test(a_stop_does_not_change_a_bit),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
