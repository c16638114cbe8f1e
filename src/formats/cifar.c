/* SPDX-License-Identifier: Apache-2.0
 * The binary version of CIFAR-10.
 *
 *   [label, 1024 bytes red, 1024 green, 1024 blue]...  each plane row by row */
#include "formats/cifar.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, COLOURS = 3, RECORD = 1 + COLOURS * PLANE, CLASSES = 10 };

/* Planes become pixels. */
static void interleave(const uint8_t *planes, uint8_t *pixels)
{
    for (int i = 0; i < PLANE; i++)
        for (int c = 0; c < COLOURS; c++) pixels[i * COLOURS + c] = planes[c * PLANE + i];
}

cn_status cni_cifar10_read(cni_arena *arena, cni_bytes file, cn_array *images, cn_array *labels, cni_error *error)
{
    const size_t count = file.size / RECORD;
    if (!count || file.size % RECORD)
        return cni_fail(error, CN_ERR_FORMAT, "no CIFAR-10 batch: %zu bytes are not a whole number of records of %d",
                        file.size, RECORD);
    uint8_t *pixels = cni_arena_array(arena, count, RECORD - 1), *classes = cni_arena_alloc(arena, count);
    if (!pixels || !classes) return cni_no_memory(error, "a CIFAR-10 batch");
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = file.data + i * RECORD;
        if (record[0] >= CLASSES)
            return cni_fail(error, CN_ERR_FORMAT, "record %zu: label %u; CIFAR-10 has 0 to 9", i, record[0]);
        classes[i] = record[0];
        interleave(record + 1, pixels + i * (RECORD - 1));
    }
    *images = (cn_array){.data = pixels, .dtype = CN_UINT8, .rank = 4, .shape = {(int64_t)count, SIDE, SIDE, COLOURS}};
    *labels = (cn_array){.data = classes, .dtype = CN_UINT8, .rank = 2, .shape = {(int64_t)count, 1}};
    return CN_OK;
}
