/* SPDX-License-Identifier: Apache-2.0
 * Well-formed UTF-8 as Unicode (table 3-7) and RFC 3629 define it: no overlong forms, no surrogates, at most U+10FFFF.
 */
#ifndef CNI_UTF8_H
#define CNI_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of the character that `text` begins with, and its code point (`code` may be NULL); 0 when malformed. */
size_t cni_utf8_read(const char *text, size_t length, uint32_t *code);

/** Writes 1 to 4 bytes and returns how many. */
size_t cni_utf8_write(char *to, uint32_t code);

bool cni_utf8_valid(const char *text, size_t length);

#endif
