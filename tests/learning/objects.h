/* SPDX-License-Identifier: Apache-2.0
 * Objects from Keras text, and what becomes of texts that are refused. */
#ifndef CORNU_TEST_OBJECTS_H
#define CORNU_TEST_OBJECTS_H

#include "layers/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

typedef struct scratch {
    cni_arena arena;
    cni_error error;
} scratch;

/* NULL and scratch->error when it is refused. */
static inline cni_object *object_of(scratch *s, const cni_family *family, const char *text)
{
    cni_value *value;
    cni_object *object = NULL;
    const cni_maker maker = {.arena = &s->arena, .data_format = CN_CHANNELS_LAST, .error = &s->error};
    assert_int_equal(cni_value_read(&s->arena, text, family->what, &value, &s->error), CN_OK);
    return cni_object_make(&maker, family, value, family->what, &object) ? NULL : object;
}

static inline void expect_refusal(const cni_family *family, const char *text, const char *word)
{
    scratch s = {0};
    if (object_of(&s, family, text)) fail_msg("%s was accepted", text);
    if (!strstr(s.error.text, word)) fail_msg("%s: no %s in: %s", text, word, s.error.text);
    cni_arena_free(&s.arena);
}

#endif
