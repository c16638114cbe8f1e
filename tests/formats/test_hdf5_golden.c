/* SPDX-License-Identifier: Apache-2.0
 * HDF5 files that h5py wrote (tools/golden/make_hdf5.py), in the oldest, a middle and the newest layout: every type,
 * every kind of storage, attributes; and what must be refused, by name. */
#include "formats/hdf5/hdf5.h"
#include "paths.h"

#include <stdarg.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const char *const versions[] = {"earliest", "v110", "latest"};

typedef struct opened {
    cni_arena arena;
    cni_h5 *file;
    cni_error error;
} opened;

static void open_golden(opened *o, const char *name)
{
    char path[4096], file[64];
    cni_bytes bytes;
    *o = (opened){0};
    snprintf(file, sizeof file, "tests/golden/hdf5/%s.h5", name);
    if (cni_file_read(&o->arena, source_path(path, file), 1 << 20, &bytes, &o->error) ||
        cni_h5_open(&o->arena, bytes, NULL, &o->file, &o->error))
        fail_msg("%s", o->error.text);
}

static cni_h5_object *get(opened *o, const char *path)
{
    cni_h5_object *object = NULL;
    if (cni_h5_get(cni_h5_root(o->file), path, &object, &o->error)) fail_msg("%s", o->error.text);
    return object;
}

/* The rule that the maker of the files follows. */
static float expected(size_t i, bool is_unsigned)
{
    return (float)((int)(7 * i % 11) - (is_unsigned ? 0 : 5));
}

static void check_values(opened *o, const char *path, size_t count, bool is_unsigned)
{
    float values[1200];
    if (cni_h5_read_f32(get(o, path), values, count, &o->error)) fail_msg("%s", o->error.text);
    for (size_t i = 0; i < count; i++)
        if (values[i] != expected(i, is_unsigned))
            fail_msg("%s[%zu]: %g, expected %g", path, i, (double)values[i], (double)expected(i, is_unsigned));
}

static void every_type_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name;
        unsigned size;
        bool big, is_unsigned;
    } rows[] = {
        {"types/le_f4", "float32", 4, false, false}, {"types/be_f4", "float32", 4, true, false},
        {"types/le_f8", "float64", 8, false, false}, {"types/be_f8", "float64", 8, true, false},
        {"types/le_f2", "float16", 2, false, false}, {"types/be_f2", "float16", 2, true, false},
        {"types/le_i1", "int8", 1, false, false},    {"types/le_i2", "int16", 2, false, false},
        {"types/be_i2", "int16", 2, true, false},    {"types/le_i4", "int32", 4, false, false},
        {"types/be_i4", "int32", 4, true, false},    {"types/le_i8", "int64", 8, false, false},
        {"types/be_i8", "int64", 8, true, false},    {"types/le_u1", "uint8", 1, false, true},
        {"types/le_u2", "uint16", 2, false, true},   {"types/be_u2", "uint16", 2, true, true},
        {"types/le_u4", "uint32", 4, false, true},   {"types/le_u8", "uint64", 8, false, true},
    };
    for (size_t v = 0; v < 3; v++) {
        opened o;
        open_golden(&o, versions[v]);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            cni_h5_info info;
            check_values(&o, rows[i].path, 6, rows[i].is_unsigned);
            assert_int_equal(cni_h5_dataset_info(get(&o, rows[i].path), &info, &o.error), CN_OK);
            assert_string_equal(info.type.name, rows[i].name);
            assert_int_equal(info.type.size, rows[i].size);
            assert_true(rows[i].size == 1 || info.type.big_endian == rows[i].big);
            assert_true(info.rank == 2 && info.dims[0] == 2 && info.dims[1] == 3);
        }
        cni_arena_free(&o.arena);
    }
}

static void bools_and_raw_bytes_are_read(void **state)
{
    (void)state;
    for (size_t v = 0; v < 3; v++) {
        opened o;
        uint8_t bools[6], raw[4];
        open_golden(&o, versions[v]);
        assert_int_equal(cni_h5_read(get(&o, "types/bool"), CNI_H5_U8, bools, 6, &o.error), CN_OK);
        for (size_t i = 0; i < 6; i++) assert_int_equal(bools[i], expected(i, false) > 0);
        assert_int_equal(cni_h5_read_raw(get(&o, "types/opaque"), raw, 4, &o.error), CN_OK);
        assert_memory_equal(raw, "\x80\x3f\x00\x40", 4);
        cni_arena_free(&o.arena);
    }
}

static void every_storage_is_read(void **state)
{
    (void)state;
    static const char *const paths[] = {"chunks/plain", "chunks/gzip",   "chunks/shuffle",      "chunks/fletcher32",
                                        "chunks/all",   "chunks/single", "chunks/single_plain", "implicit"};
    for (size_t v = 0; v < 3; v++) {
        opened o;
        open_golden(&o, versions[v]);
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) check_values(&o, paths[i], 35, false);
        check_values(&o, "chunks/all", 35, false); /* once more: its index is kept */
        check_values(&o, "chunks/rank4", 120, false);
        check_values(&o, "compact", 6, false);
        check_values(&o, "scalar", 1, false);
        if (v > 0) check_values(&o, "chunks/paged", 1100, false);
        if (v == 0) check_values(&o, "of_named_type", 35, false);
        float holes[36];
        int32_t never[4];
        assert_int_equal(cni_h5_read_f32(get(&o, "chunks/holes"), holes, 36, &o.error), CN_OK);
        for (size_t i = 0; i < 36; i++)
            assert_true(holes[i] == (i / 6 / 2 == 1 && i % 6 / 2 == 2 ? 1.0f : 2.5f)); /* rows 2, 3, columns 4, 5 */
        assert_int_equal(cni_h5_read(get(&o, "never_written"), CNI_H5_I32, never, 4, &o.error), CN_OK);
        for (size_t i = 0; i < 4; i++) assert_int_equal(never[i], -3);
        cni_arena_free(&o.arena);
    }
}

static void check_texts(opened *o, const char *name, size_t count, const char *const *expected_texts)
{
    const cni_h5_attribute *a = NULL;
    const char *const *texts = NULL;
    size_t found = 99;
    if (cni_h5_attribute_find(get(o, "attributes"), name, &a, &o->error) || !a ||
        cni_h5_attribute_texts(a, &texts, &found, &o->error))
        fail_msg("%s: %s", name, o->error.text);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++) assert_string_equal(texts[i], expected_texts[i]);
}

static void attributes_and_texts_are_read(void **state)
{
    (void)state;
    for (size_t v = 0; v < 3; v++) {
        opened o;
        open_golden(&o, versions[v]);
        check_texts(&o, "fixed", 3, (const char *[]){"abc", "de", ""});
        check_texts(&o, "fixed_scalar", 1, (const char *[]){"tensorflow"});
        check_texts(&o, "ascii", 1, (const char *[]){"jax"});
        check_texts(&o, "utf8", 1, (const char *[]){"d\xc3\xa9nse"});
        check_texts(&o, "list", 3, (const char *[]){"conv2d", "", "dense"});
        check_texts(&o, "empty", 0, NULL);
        char long_text[5001] = {0};
        memset(long_text, 'x', 5000);
        check_texts(&o, "long", 1, (const char *[]){long_text});
        const cni_h5_attribute *a = NULL;
        double real;
        int32_t integers[2];
        uint8_t truth = 9;
        assert_int_equal(cni_h5_attribute_find(get(&o, "attributes"), "real", &a, &o.error), CN_OK);
        assert_int_equal(cni_h5_attribute_read(a, CNI_H5_F64, &real, 1, &o.error), CN_OK);
        assert_true(real == 1.5);
        assert_int_equal(cni_h5_attribute_find(get(&o, "attributes"), "integers", &a, &o.error), CN_OK);
        assert_int_equal(cni_h5_attribute_read(a, CNI_H5_I32, integers, 2, &o.error), CN_OK);
        assert_true(integers[0] == -1 && integers[1] == 2);
        assert_int_equal(cni_h5_attribute_find(get(&o, "attributes"), "true", &a, &o.error), CN_OK);
        assert_int_equal(cni_h5_attribute_read(a, CNI_H5_U8, &truth, 1, &o.error), CN_OK);
        assert_int_equal(truth, 1);
        const char *const *texts;
        size_t count;
        assert_int_equal(cni_h5_read_texts(get(&o, "texts"), &texts, &count, &o.error), CN_OK);
        assert_int_equal(count, 3);
        assert_string_equal(texts[2], "d\xc3\xa9nse");
        cni_arena_free(&o.arena);
    }
}

static void groups_are_listed_in_order(void **state)
{
    (void)state;
    for (size_t v = 0; v < 3; v++) {
        opened o;
        const char *const *names;
        size_t count;
        open_golden(&o, versions[v]);
        assert_int_equal(cni_h5_children(get(&o, "many"), &names, &count, &o.error), CN_OK);
        assert_int_equal(count, 40);
        for (size_t i = 1; i < count; i++) assert_true(strcmp(names[i - 1], names[i]) < 0);
        for (int i = 0; i < 40; i++) {
            char path[32];
            float value = -1;
            snprintf(path, sizeof path, "many/member_%d", i);
            assert_int_equal(cni_h5_read_f32(get(&o, path), &value, 1, &o.error), CN_OK);
            assert_true(value == (float)i);
        }
        cni_h5_object *none = get(&o, "many");
        assert_int_equal(cni_h5_find(cni_h5_root(o.file), "many/member_40", &none, &o.error), CN_OK);
        assert_null(none);
        assert_int_equal(cni_h5_get(cni_h5_root(o.file), "many/member_4/x", &none, &o.error), CN_ERR_FORMAT);
        assert_non_null(strstr(o.error.text, "there is no \"many/member_4/x\" in \"/\""));
        cni_arena_free(&o.arena);
    }
}

static void check_refusal(const char *file, const char *path, cn_status status, const char *text)
{
    opened o;
    open_golden(&o, file);
    cni_h5_object *object = NULL;
    float values[36] = {0};
    cn_status found = cni_h5_get(cni_h5_root(o.file), path, &object, &o.error);
    cni_h5_info info = {.count = 1};
    if (!found && cni_h5_kind_of(object) == CNI_H5_DATASET) (void)cni_h5_dataset_info(object, &info, &o.error);
    if (!found) found = cni_h5_read_f32(object, values, (size_t)info.count, &o.error);
    if (found != status || !strstr(o.error.text, text) || strncmp(o.error.text, "@0x", 3) != 0)
        fail_msg("%s: %s \"%s\", expected \"%s\"", path, cn_status_name(found), o.error.text, text);
    cni_arena_free(&o.arena);
}

static void what_is_not_supported_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        cn_status status;
        const char *text;
    } rows[] = {
        {"soft", CN_ERR_UNSUPPORTED, "\"soft\" is a soft link"},
        {"external", CN_ERR_UNSUPPORTED, "\"external\" is an external link"},
        {"external/types", CN_ERR_UNSUPPORTED, "\"external\" is an external link"},
        {"virtual", CN_ERR_UNSUPPORTED, "\"/virtual\" is a virtual dataset"},
        {"stored_outside", CN_ERR_UNSUPPORTED, "\"/stored_outside\" is stored in external files"},
        {"compound", CN_ERR_UNSUPPORTED, "of type compound"},
        {"complex", CN_ERR_UNSUPPORTED, "of type compound"},
        {"enumeration", CN_ERR_UNSUPPORTED, "of type enumeration"},
        {"reference", CN_ERR_UNSUPPORTED, "of type reference"},
        {"lzf", CN_ERR_UNSUPPORTED, "filter 32000; gzip, shuffle and fletcher32 are supported"},
        {"longdouble", CN_ERR_UNSUPPORTED, "not IEEE"},
        {"group/circle", CN_ERR_UNSUPPORTED, "group \"/group/circle\" is also \"/\"; a group may be linked once only"},
        {"bomb", CN_ERR_LIMIT, "declares 1073741824 bytes, 0 stored"},
        {"rank9", CN_ERR_LIMIT, "more than 8 dimensions"},
        {"group", CN_ERR_FORMAT, "a dataset is expected here"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_refusal("refused", rows[i].path, rows[i].status, rows[i].text);
    check_refusal("unlimited", "one", CN_ERR_UNSUPPORTED, "extensible array");
    check_refusal("unlimited", "two", CN_ERR_UNSUPPORTED, "B-tree 2");
}

static void a_group_has_one_name_only(void **state)
{
    (void)state;
    opened o;
    open_golden(&o, "refused");
    cni_h5_object *again;
    (void)get(&o, "group/inner");
    (void)get(&o, "group/inner"); /* the same way is no second name */
    assert_int_equal(cni_h5_get(cni_h5_root(o.file), "group/again", &again, &o.error), CN_ERR_UNSUPPORTED);
    cni_arena_free(&o.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),         cmocka_unit_test(bools_and_raw_bytes_are_read),
        cmocka_unit_test(every_storage_is_read),      cmocka_unit_test(attributes_and_texts_are_read),
        cmocka_unit_test(groups_are_listed_in_order), cmocka_unit_test(what_is_not_supported_is_refused_by_name),
        cmocka_unit_test(a_group_has_one_name_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
