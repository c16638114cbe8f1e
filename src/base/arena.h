/* SPDX-License-Identifier: Apache-2.0
 * Memory that is freed at once.  A load owns one arena with a byte budget: everything that the load allocates is
 * charged to it, so a hostile file meets an ordinary error and not the kernel's killer. */
#ifndef CNI_ARENA_H
#define CNI_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct cni_arena_block cni_arena_block;

typedef struct cni_arena {
    cni_arena_block *blocks; /* newest first */
    size_t used, budget;     /* bytes charged; 0 = no budget */
} cni_arena;

/** A zeroed struct is an empty arena without a budget. */
void cni_arena_init(cni_arena *arena, size_t budget);
void cni_arena_free(cni_arena *arena);

/** Zeroed bytes, 64-byte aligned from 4 KiB upwards and 16-byte aligned below; NULL when over the budget or out of
 *  memory. */
void *cni_arena_alloc(cni_arena *arena, size_t size);

/** count * size with an overflow check. */
void *cni_arena_array(cni_arena *arena, size_t count, size_t size);

/** Charges or returns bytes that live elsewhere (a decompressor's buffers).  False when over the budget. */
bool cni_arena_charge(cni_arena *arena, size_t size);

/** Whether the arena's memory is what `address` points into. */
bool cni_arena_holds(const cni_arena *arena, const void *address);

char *cni_arena_text(cni_arena *arena, const char *text);                  /* a copy; NULL stays NULL */
char *cni_arena_text_n(cni_arena *arena, const char *text, size_t length); /* a copy, 0-terminated */
char *cni_arena_printf(cni_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define CNI_NEW(arena, type)              ((type *)cni_arena_alloc((arena), sizeof(type)))
#define CNI_NEW_ARRAY(arena, type, count) ((type *)cni_arena_array((arena), (count), sizeof(type)))

#endif
