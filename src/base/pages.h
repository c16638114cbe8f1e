/* SPDX-License-Identifier: Apache-2.0
 * Large pieces of memory, straight from the system: zeroed without being touched, so that what nobody writes costs
 * nothing, and given back page by page before they are freed. */
#ifndef CNI_PAGES_H
#define CNI_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/** Zeroed and 64-byte aligned; from a few MiB on in huge pages where the system has them.  NULL: no memory. */
void *cni_pages_new(size_t size);

/** `size` as it was asked for.  NULL is fine. */
void cni_pages_free(void *pages, size_t size);

/** Gives back the whole pages within some bytes of any private memory (malloc's too): they read as zeros from now on,
 *  and take memory again when they are written to. */
void cni_pages_drop(void *from, size_t size);

/** Zeros some bytes of any private memory, large ones without touching them; these come in huge pages then. */
void cni_pages_clear(void *from, size_t size);

#endif
