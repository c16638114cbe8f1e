/* SPDX-License-Identifier: Apache-2.0
 * Large pieces of memory. */
#include "base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGNMENT = 64, LARGE = 1 << 20, HUGE_PAGE = 1 << 21 };

static size_t page_size(void)
{
    const long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

static size_t up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* Where a huge page begins: what was mapped around it goes back. */
static void *map_aligned(size_t size)
{
    const size_t all = size + HUGE_PAGE;
    char *from = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (from == MAP_FAILED) return NULL;
    const size_t before = up((uintptr_t)from, HUGE_PAGE) - (uintptr_t)from, after = all - before - size;
    if (before) munmap(from, before);
    if (after) munmap(from + before + size, after);
#ifdef MADV_HUGEPAGE
    madvise(from + before, size, MADV_HUGEPAGE); /* not having any is no fault */
#endif
    return from + before;
}

static void *map(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void *cni_pages_new(size_t size)
{
    if (size > PTRDIFF_MAX - 2 * HUGE_PAGE) return NULL;
    if (size >= LARGE) {
        size = up(size, page_size());
        return size >= 2 * HUGE_PAGE ? map_aligned(size) : map(size);
    }
    size = up(size + 1, ALIGNMENT);
    void *pages = aligned_alloc(ALIGNMENT, size);
    if (pages) memset(pages, 0, size);
    return pages;
}

void cni_pages_free(void *pages, size_t size)
{
    if (size < LARGE)
        free(pages);
    else if (pages)
        munmap(pages, up(size, page_size()));
}

/* The whole pages within some bytes: [begin, end) is empty when there are none. */
static void whole_pages(void *from, size_t size, uintptr_t *begin, uintptr_t *end)
{
    const size_t page = page_size();
    *begin = up((uintptr_t)from, page);
    *end = ((uintptr_t)from + size) / page * page;
    if (*end < *begin) *end = *begin;
}

void cni_pages_drop(void *from, size_t size)
{
    uintptr_t begin, end;
    whole_pages(from, size, &begin, &end);
    if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

void cni_pages_clear(void *from, size_t size)
{
    uintptr_t begin, end;
    whole_pages(from, size, &begin, &end);
    if (size < LARGE || madvise((void *)begin, end - begin, MADV_DONTNEED)) {
        memset(from, 0, size);
        return;
    }
    memset(from, 0, begin - (uintptr_t)from);
    memset((void *)end, 0, (uintptr_t)from + size - end);
#ifdef MADV_HUGEPAGE
    if (size >= 2 * HUGE_PAGE) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#endif
}
