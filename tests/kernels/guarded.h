/* SPDX-License-Identifier: Apache-2.0
 * Arrays that end where the memory ends, or begin where it begins: reading or writing one element too far is a crash.
 */
#ifndef GUARDED_H
#define GUARDED_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded {
    float *data;
    size_t count;
    char *map;
    size_t bytes;
} guarded;

/* As good as by chance, so that no array of a test is always at the same end. */
static inline int is_at_front(void)
{
    static uint32_t made;
    return (int)(++made * 2654435761u >> 31);
}

static inline guarded new_guarded(size_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (count * sizeof(float) + page - 1) / page * page;
    guarded g = {.count = count, .bytes = room + 2 * page};
    g.map = mmap(NULL, g.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || (room && mprotect(g.map + page, room, PROT_READ | PROT_WRITE))) abort();
    g.data = is_at_front() ? (float *)(g.map + page) : (float *)(g.map + page + room) - count;
    return g;
}

static inline void free_guarded(guarded *g)
{
    munmap(g->map, g->bytes);
}

#endif
