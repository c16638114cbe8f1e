/* SPDX-License-Identifier: Apache-2.0
 * The cases that Keras computed: tests/golden/learning/NAME.json with the arrays beside it. */
#ifndef CORNU_TEST_GOLDEN_CASES_H
#define CORNU_TEST_GOLDEN_CASES_H

#include "formats/json.h"
#include "formats/npy.h"
#include "layers/kind.h"
#include "paths.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct golden {
    cni_arena arena;
    const cni_value *head, *cases;
    cni_zip zip;
    bool has_arrays;
    double rtol, atol;
} golden;

static inline cni_bytes golden_file(golden *g, const char *name)
{
    char path[4096], inside[256];
    cni_error error = {0};
    cni_bytes bytes;
    snprintf(inside, sizeof inside, "tests/golden/%s", name);
    if (cni_file_read(&g->arena, source_path(path, inside), 1 << 28, &bytes, &error)) fail_msg("%s", error.text);
    return bytes;
}

/* "learning/losses.json" */
static inline void golden_open(golden *g, const char *name)
{
    cni_error error = {0};
    cni_value *head;
    *g = (golden){0};
    if (cni_json_read(&g->arena, golden_file(g, name), NULL, &head, &error)) fail_msg("%s", error.text);
    g->head = head;
    g->cases = cni_value_get(head, "cases");
    const char *arrays = cni_value_as_text(cni_value_get(head, "arrays"));
    if (arrays && cni_zip_open(&g->arena, golden_file(g, arrays), NULL, &g->zip, &error)) fail_msg("%s", error.text);
    const cni_value *tolerance = cni_value_get(head, "tolerance");
    g->rtol = tolerance ? cni_value_get(tolerance, "rtol")->real : 1e-6;
    g->atol = tolerance ? cni_value_get(tolerance, "atol")->real : 1e-7;
    assert_true(g->cases && g->cases->count > 0);
}

static inline void golden_close(golden *g)
{
    cni_arena_free(&g->arena);
}

static inline const char *golden_text(const cni_value *c, const char *key)
{
    return cni_value_as_text(cni_value_get(c, key));
}

static inline const char *golden_id(const cni_value *c)
{
    return golden_text(c, "id");
}

static inline size_t golden_size(const cn_array *array)
{
    size_t size = 1;
    for (int i = 0; i < array->rank; i++) size *= (size_t)array->shape[i];
    return size;
}

/* An array by its name, as floats. */
static inline cn_array golden_array(golden *g, const char *name)
{
    cni_error error = {0};
    cn_array array;
    if (cni_npz_read(&g->arena, &g->zip, name, NULL, &array, &error)) fail_msg("%s", error.text);
    if (array.dtype == CN_FLOAT32) return array;
    assert_int_equal(array.dtype, CN_INT32);
    float *floats = cni_arena_alloc(&g->arena, golden_size(&array) * sizeof(float));
    for (size_t i = 0; i < golden_size(&array); i++) floats[i] = (float)((const int32_t *)array.data)[i];
    array.data = floats;
    array.dtype = CN_FLOAT32;
    return array;
}

/* The array that a case names under `key`; data NULL where it names none. */
static inline cn_array golden_of(golden *g, const cni_value *c, const char *key)
{
    const char *name = golden_text(c, key);
    return name ? golden_array(g, name) : (cn_array){0};
}

static inline cni_shape golden_shape(const cn_array *array, bool batched)
{
    cni_shape shape = {.rank = array->rank};
    for (int i = 0; i < array->rank; i++) shape.dims[i] = array->shape[i];
    if (batched) shape.dims[0] = CNI_UNKNOWN;
    return shape;
}

static inline bool golden_close_to(const golden *g, double ours, double theirs)
{
    if (isnan(theirs) || isnan(ours)) return isnan(theirs) && isnan(ours);
    return ours == theirs || fabs(ours - theirs) <= g->atol + g->rtol * fabs(theirs);
}

static inline void golden_compare(const golden *g, const char *id, const char *what, const float *ours,
                                  const float *theirs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!golden_close_to(g, (double)ours[i], (double)theirs[i]))
            fail_msg("%s: %s[%zu] is %.9g, Keras has %.9g", id, what, i, (double)ours[i], (double)theirs[i]);
}

static inline cni_object *golden_object(golden *g, const cni_family *family, const cni_value *value, const char *id)
{
    cni_error error = {0};
    const cni_maker maker = {.arena = &g->arena, .data_format = CN_CHANNELS_LAST, .error = &error};
    cni_object *object;
    if (cni_object_make(&maker, family, value, id, &object)) fail_msg("%s", error.text);
    return object;
}

/* The configuration is Keras' to the last byte. */
static inline void golden_config(golden *g, const cni_object *object, const cni_value *c)
{
    cni_error error = {0};
    cni_bytes ours, theirs;
    const cni_value *config = cni_value_get(c, "config");
    if (!config) return;
    if (cni_json_write(&g->arena, cni_object_config(&g->arena, object), 0, &ours, &error) ||
        cni_json_write(&g->arena, config, 0, &theirs, &error))
        fail_msg("%s: %s", golden_id(c), error.text);
    if (strcmp((const char *)ours.data, (const char *)theirs.data) != 0)
        fail_msg("%s: config is\n%s\nKeras writes\n%s", golden_id(c), (const char *)ours.data,
                 (const char *)theirs.data);
}

#endif
