/* SPDX-License-Identifier: Apache-2.0
 * Text: a string that grows, the nearest of some names, Keras' snake case. */
#ifndef CNI_TEXT_H
#define CNI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** A zeroed struct is an empty text.  Append without looking; out of memory is remembered in `failed`, and from then on
 *  appending does nothing. */
typedef struct cni_text {
    char *data; /* 0-terminated once something was appended; NULL before */
    size_t length, capacity;
    bool failed;
} cni_text;

void cni_text_bytes(cni_text *text, const void *bytes, size_t size);
void cni_text_add(cni_text *text, const char *string); /* NULL adds nothing */
void cni_text_char(cni_text *text, char c);
void cni_text_repeat(cni_text *text, char c, size_t count);
void cni_text_printf(cni_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** What there is so far, "" when nothing; valid until the next append. */
const char *cni_text_get(const cni_text *text);

/** The string, which the caller frees; the text is empty afterwards.  NULL if it had failed. */
char *cni_text_take(cni_text *text);
void cni_text_free(cni_text *text);

/** The name that `word` was probably meant to be, for "did you mean"; case does not count, neither which way round two
 *  neighbouring letters stand.  The first of equally near ones; NULL entries are passed over.  NULL when nothing is
 *  near enough: more than one edit, and more than one in three letters. */
const char *cni_nearest(const char *word, const char *const *names, size_t count);

/** The name that Keras makes of a class name: Conv2DTranspose -> conv2d_transpose, PReLU -> p_re_lu.  Writes at most
 *  `size` bytes with the 0 (size > 0), and returns the length that the whole name has. */
size_t cni_snake_case(const char *camel, char *out, size_t size);

#endif
