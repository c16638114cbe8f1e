/* SPDX-License-Identifier: Apache-2.0
 * Memory that is freed at once. */
#include "base/arena.h"

#include "base/pages.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 14, LARGE = 1 << 12 };

struct cni_arena_block {
    cni_arena_block *next;
    size_t size, used;
    _Alignas(64) unsigned char bytes[];
};

void cni_arena_init(cni_arena *arena, size_t budget)
{
    *arena = (cni_arena){.budget = budget};
}

void cni_arena_free(cni_arena *arena)
{
    for (cni_arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        cni_pages_free(block, sizeof *block + block->size);
    }
    arena->blocks = NULL;
    arena->used = 0;
}

bool cni_arena_charge(cni_arena *arena, size_t size)
{
    if (size > SIZE_MAX - arena->used) return false;
    if (arena->budget && arena->used + size > arena->budget) return false;
    arena->used += size;
    return true;
}

static cni_arena_block *new_block(size_t size)
{
    cni_arena_block *block = cni_pages_new(sizeof *block + size);
    if (block) block->size = size;
    return block;
}

void *cni_arena_alloc(cni_arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX - 4096) return NULL;
    size = (size + 15) / 16 * 16;
    if (!size) size = 16;
    if (!cni_arena_charge(arena, size)) return NULL;
    cni_arena_block *head = arena->blocks;
    if (size < LARGE && head && head->size - head->used >= size) {
        head->used += size;
        return head->bytes + head->used - size;
    }
    cni_arena_block *block = new_block(size < LARGE ? BLOCK : size);
    if (!block) return NULL;
    block->used = size;
    if (head && size >= LARGE) { /* keep the half-empty block in front */
        block->next = head->next;
        head->next = block;
    } else {
        block->next = head;
        arena->blocks = block;
    }
    return block->bytes;
}

bool cni_arena_holds(const cni_arena *arena, const void *address)
{
    for (const cni_arena_block *block = arena->blocks; block; block = block->next)
        if ((uintptr_t)address - (uintptr_t)block->bytes < block->size) return true;
    return false;
}

void *cni_arena_array(cni_arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    return cni_arena_alloc(arena, count * size);
}

char *cni_arena_text_n(cni_arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX) return NULL;
    char *copy = cni_arena_alloc(arena, length + 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

char *cni_arena_text(cni_arena *arena, const char *text)
{
    return text ? cni_arena_text_n(arena, text, strlen(text)) : NULL;
}

char *cni_arena_printf(cni_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : cni_arena_alloc(arena, (size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
