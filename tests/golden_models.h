/* SPDX-License-Identifier: Apache-2.0
 * Models made from the cases of tests/golden, on a chosen instruction set; their weights set and compared. */
#ifndef CORNU_TEST_GOLDEN_MODELS_H
#define CORNU_TEST_GOLDEN_MODELS_H

#include "golden.h"
#include "model/config.h"

/* ---- instruction sets ---- */

/** Those that this machine has, portable first. */
static inline int golden_isas(cni_isa isas[CNI_ISA_COUNT])
{
    int count = 0;
    for (int i = 0; i < CNI_ISA_COUNT; i++)
        if (cni_isa_available((cni_isa)i)) isas[count++] = (cni_isa)i;
    return count;
}

static inline cn_context *golden_context(cni_isa isa)
{
    cn_context *context = cn_context_new();
    assert_non_null(context);
    context->isa = isa;
    cni_kernels_init(&context->kernels, isa);
    return context;
}

/* ---- models ---- */

/** The model of a case; with `compile` its compile configuration too. */
static inline cn_model *golden_model(const cni_value *c, cn_context *context, bool compile)
{
    cni_error error = {0};
    cn_model *model = NULL;
    if (cni_model_from_value(context, cni_value_get(c, "model"), compile, &model, &error))
        fail_msg("%s: %s", golden_id(c), error.text);
    assert_string_equal(cn_error(model), "");
    return model;
}

static inline bool golden_same_shape(const cn_array *array, const cni_value *shape)
{
    if ((size_t)array->rank != shape->count) return false;
    for (int i = 0; i < array->rank; i++)
        if (array->shape[i] != shape->items[i]->integer) return false;
    return true;
}

/** Walks over the weights and the row of floats that belongs to them. */
typedef void golden_weight_visit(golden *g, const cni_value *c, cn_model *model, int index, cn_array own,
                                 const float *theirs, size_t count);

static inline void golden_weights(golden *g, const cni_value *c, cn_model *model, const char *key,
                                  golden_weight_visit *visit)
{
    const cn_array row = golden_of(g, c, key);
    const cni_value *shapes = cni_value_get(c, "weight_shapes");
    if (!row.data) return;
    if ((size_t)cn_weight_count(model) != golden_count(shapes)) {
        golden_fail(g, "%s: %d weights, Keras has %zu", golden_id(c), cn_weight_count(model), golden_count(shapes));
        return;
    }
    size_t at = 0;
    for (int i = 0; i < cn_weight_count(model); i++) {
        const cn_array own = cn_weight(model, i);
        assert_true(own.data && golden_same_shape(&own, shapes->items[i]));
        visit(g, c, model, i, own, (const float *)row.data + at, golden_size(&own));
        at += golden_size(&own);
    }
    assert_int_equal(at, golden_size(&row));
}

static inline void golden_set_weight(golden *g, const cni_value *c, cn_model *model, int index, cn_array own,
                                     const float *theirs, size_t count)
{
    (void)g, (void)c, (void)count;
    own.data = theirs;
    assert_int_equal(cn_set_weight(model, index, own), CN_OK);
}

static inline void golden_same_bits(golden *g, const cni_value *c, cn_model *model, int index, cn_array own,
                                    const float *theirs, size_t count)
{
    char what[32];
    (void)model;
    snprintf(what, sizeof what, "weight %d", index);
    golden_compare_bits(g, golden_id(c), what, own.data, theirs, count);
}

/** Sets every weight from the row that the case names under `key`. */
static inline void golden_set_weights(golden *g, const cni_value *c, cn_model *model, const char *key)
{
    golden_weights(g, c, model, key, golden_set_weight);
}

/** The weights are those of the row, to the last bit. */
static inline void golden_weight_bits(golden *g, const cni_value *c, cn_model *model, const char *key)
{
    golden_weights(g, c, model, key, golden_same_bits);
}

/** The weights are those of the row within a tolerance. */
static inline void golden_compare_weights(golden *g, const cni_value *c, cn_model *model, const char *key,
                                          golden_tolerance t)
{
    const cn_array row = golden_of(g, c, key);
    const float *theirs = row.data;
    for (int i = 0; theirs && i < cn_weight_count(model); i++) {
        char what[64];
        const cn_array own = cn_weight(model, i);
        snprintf(what, sizeof what, "%s: weight %d", key, i);
        if (!golden_compare(g, t, golden_id(c), what, own.data, 4, theirs, golden_size(&own))) return;
        theirs += golden_size(&own);
    }
}

#endif
