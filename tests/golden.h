/* SPDX-License-Identifier: Apache-2.0
 * The files of tests/golden, which Keras computed (see its README): cases, their arrays, comparisons. */
#ifndef CORNU_TEST_GOLDEN_H
#define CORNU_TEST_GOLDEN_H

#include "formats/json.h"
#include "formats/npy.h"
#include "paths.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct golden_tolerance {
    double rtol, atol;
} golden_tolerance;

typedef struct golden {
    cni_arena arena;
    const cni_value *head, *cases;
    cni_zip zip;
    golden_tolerance tolerance; /* the head's */
    int failures;
} golden;

/* ---- files ---- */

static inline cni_bytes golden_file(golden *g, const char *name)
{
    char path[4096], inside[512];
    cni_error error = {0};
    cni_bytes bytes = {0};
    snprintf(inside, sizeof inside, "tests/golden/%s", name);
    if (cni_file_read(&g->arena, source_path(path, inside), 1 << 28, &bytes, &error)) fail_msg("%s", error.text);
    return bytes;
}

/** "layers/conv2d.json" */
static inline void golden_open(golden *g, const char *name)
{
    cni_error error = {0};
    cni_value *head = NULL;
    memset(g, 0, sizeof *g);
    if (cni_json_read(&g->arena, golden_file(g, name), NULL, &head, &error)) fail_msg("%s", error.text);
    g->head = head;
    g->cases = cni_value_get(head, "cases");
    const char *arrays = cni_value_as_text(cni_value_get(head, "arrays"));
    if (arrays && cni_zip_open(&g->arena, golden_file(g, arrays), NULL, &g->zip, &error)) fail_msg("%s", error.text);
    const cni_value *tolerance = cni_value_get(head, "tolerance");
    g->tolerance = (golden_tolerance){1e-6, 1e-7};
    if (tolerance) g->tolerance.rtol = cni_value_get(tolerance, "rtol")->real;
    if (tolerance) g->tolerance.atol = cni_value_get(tolerance, "atol")->real;
    assert_true(g->cases && g->cases->count > 0);
}

/** Fails when a case did. */
static inline void golden_close(golden *g)
{
    cni_arena_free(&g->arena);
    if (g->failures) fail_msg("%d comparisons failed", g->failures);
}

/* ---- values ---- */

static inline const char *golden_text(const cni_value *c, const char *key)
{
    return cni_value_as_text(cni_value_get(c, key));
}

static inline const char *golden_id(const cni_value *c)
{
    return golden_text(c, "id");
}

static inline bool golden_true(const cni_value *c, const char *key)
{
    const cni_value *value = cni_value_get(c, key);
    return value && value->truth;
}

static inline size_t golden_count(const cni_value *list)
{
    return list ? list->count : 0;
}

/** A number, or a word for what JSON has not: "nan", "inf", "-inf". */
static inline double golden_number(const cni_value *value)
{
    if (value->type != CNI_TEXT) return value->real;
    return strcmp(value->text, "nan") == 0 ? NAN : strtod(value->text, NULL);
}

static inline golden_tolerance golden_tolerance_of(const cni_value *value)
{
    assert_non_null(value);
    return (golden_tolerance){cni_value_get(value, "rtol")->real, cni_value_get(value, "atol")->real};
}

/* ---- arrays ---- */

static inline size_t golden_size(const cn_array *array)
{
    size_t size = 1;
    for (int i = 0; i < array->rank; i++) size *= (size_t)array->shape[i];
    return size;
}

/** An array by its name, as it is stored. */
static inline cn_array golden_array(golden *g, const char *name)
{
    cni_error error = {0};
    cn_array array = {0};
    if (cni_npz_read(&g->arena, &g->zip, name, NULL, &array, &error)) fail_msg("%s: %s", name, error.text);
    return array;
}

/** The array that a case names under `key`, as floats; data NULL where it names none. */
static inline cn_array golden_of(golden *g, const cni_value *c, const char *key)
{
    const char *name = golden_text(c, key);
    if (!name) return (cn_array){0};
    cn_array array = golden_array(g, name);
    if (array.dtype == CN_FLOAT32) return array;
    assert_int_equal(array.dtype, CN_INT32);
    float *floats = cni_arena_alloc(&g->arena, golden_size(&array) * sizeof(float));
    for (size_t i = 0; i < golden_size(&array); i++) floats[i] = (float)((const int32_t *)array.data)[i];
    array.data = floats;
    array.dtype = CN_FLOAT32;
    return array;
}

/* ---- comparisons: a failed one is printed and counted, so that a run shows all of them ---- */

static inline bool golden_close_to(golden_tolerance t, double ours, double theirs)
{
    if (isnan(theirs) || isnan(ours)) return isnan(theirs) && isnan(ours);
    return ours == theirs || fabs(ours - theirs) <= t.atol + t.rtol * fabs(theirs);
}

__attribute__((format(printf, 2, 3))) static inline void golden_fail(golden *g, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (g->failures++ < 50) {
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
    }
    va_end(args);
}

/** Ours are floats, or doubles where real_size is 8. */
static inline bool golden_compare(golden *g, golden_tolerance t, const char *id, const char *what, const void *ours,
                                  size_t real_size, const float *theirs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double own = real_size == 8 ? ((const double *)ours)[i] : (double)((const float *)ours)[i];
        if (golden_close_to(t, own, (double)theirs[i])) continue;
        golden_fail(g, "%s: %s[%zu of %zu] is %.9g, Keras has %.9g (tolerance %g relative, %g absolute)", id, what, i,
                    count, own, (double)theirs[i], t.rtol, t.atol);
        return false;
    }
    return true;
}

static inline void golden_compare_bits(golden *g, const char *id, const char *what, const float *ours,
                                       const float *theirs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(ours + i, theirs + i, sizeof *ours) == 0) continue;
        golden_fail(g, "%s: %s[%zu of %zu] is %a, Keras has %a: not the same bits", id, what, i, count, (double)ours[i],
                    (double)theirs[i]);
        return;
    }
}

#endif
