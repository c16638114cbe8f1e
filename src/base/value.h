/* SPDX-License-Identifier: Apache-2.0
 * A tree of plain values: what every description is made of before a table gives it meaning.  The JSON reader, the
 * reader of Keras text and the C argument structs all speak it; lists keep their order, dicts the order of the file.
 * Trees live in an arena and are never changed once made. */
#ifndef CNI_VALUE_H
#define CNI_VALUE_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum cni_value_type {
    CNI_NULL, /* None, null */
    CNI_BOOL,
    CNI_INT,
    CNI_REAL, /* may be NaN or infinite: the field judges */
    CNI_TEXT,
    CNI_LIST, /* list or tuple */
    CNI_DICT,
    CNI_CALL /* Name(1, key=2): `text` is the name; an item without a key is positional */
} cni_value_type;

typedef struct cni_value cni_value;
struct cni_value {
    cni_value_type type;
    uint32_t line, column; /* where it stood, from 1; 0 = not known */
    bool truth;
    int64_t integer;
    double real;      /* CNI_REAL; for CNI_INT the same number */
    const char *text; /* CNI_TEXT, and the name of a CNI_CALL */
    size_t count;     /* CNI_LIST, CNI_DICT, CNI_CALL */
    cni_value **items;
    const char **keys; /* CNI_DICT, CNI_CALL (NULL entries are positional) */
};

/** Constructors; NULL when the arena is exhausted. */
cni_value *cni_value_null(cni_arena *arena);
cni_value *cni_value_bool(cni_arena *arena, bool truth);
cni_value *cni_value_int(cni_arena *arena, int64_t integer);
cni_value *cni_value_real(cni_arena *arena, double real);
cni_value *cni_value_text(cni_arena *arena, const char *text); /* copies; NULL gives CNI_NULL */
cni_value *cni_value_list(cni_arena *arena);
cni_value *cni_value_dict(cni_arena *arena);
cni_value *cni_value_call(cni_arena *arena, const char *name);

/** Appends to a list, dict or call (key NULL in a list, or for a positional argument).  False when out of memory or
 *  when item is NULL, so that constructors can be nested. */
bool cni_value_add(cni_arena *arena, cni_value *to, const char *key, cni_value *item);

/** A copy with all that is in it; NULL when out of memory, or for NULL. */
cni_value *cni_value_copy(cni_arena *arena, const cni_value *value);
/** A copy of the value itself, without items. */
cni_value *cni_value_alike(cni_arena *arena, const cni_value *value);

/** The item of a dict or call with this key; NULL if there is none, or if `dict` is NULL or something else. */
const cni_value *cni_value_get(const cni_value *dict, const char *key);

/** The text of a CNI_TEXT, otherwise NULL. */
const char *cni_value_as_text(const cni_value *value);

/** Writes the value as Python would print it, cut with "..." at `size`: for messages.  Returns buffer. */
char *cni_value_show(const cni_value *value, char *buffer, size_t size);

/** A key that stands twice in a dict or call, or NULL if there is none.  False when there is no memory to look. */
bool cni_value_repeated_key(const cni_value *dict, const char **repeated);

/** Reads [+-]digits[.digits][e[+-]digits] whatever the locale; false when the text is something else, longer than
 *  1,000 characters, or too large for a double. */
bool cni_read_real(const char *text, size_t length, double *out);

/** Reads [+-]digits; false when the text is something else or does not fit. */
bool cni_read_int(const char *text, size_t length, int64_t *out);

/** Shortest decimal that reads back as the same double, in Python's form: 0.001, 1e-07, 1.0, nan, inf. */
char *cni_show_real(double real, char buffer[32]);

/** Reads Keras text: None, True, numbers, 'text', [..], (..), {..}, name, name(args), a.b.name(args) (the last part is
 *  the name).  A bare name becomes CNI_TEXT; nan and inf are numbers.  Depth at most 64, text at most 1 MiB.  `what`
 * names the text in messages. */
cn_status cni_value_read(cni_arena *arena, const char *text, const char *what, cni_value **out, cni_error *error);

#endif
