/* SPDX-License-Identifier: Apache-2.0
 * Tiles are counted over images, rows and columns; what of each lies inside its image is worked out here, once. */
#include "graph/ops/winograd_tiles.h"

#include "graph/ops/taps.h"

/* Cells first ... last - 1 of `size`, of which only 0 ... all - 1 exist. */
static void clip(int first, int size, int all, int *from, int *to)
{
    *from = first < 0 ? cni_smaller(-first, size) : 0;
    *to = all - first < size ? all - first : size;
    if (*to < *from) *to = *from;
}

void cni_winograd_cut(const cni_winograd_grid *g, size_t first, size_t count, cni_winograd_tile *tiles)
{
    int column = (int)(first % (size_t)g->columns), row = (int)(first / (size_t)g->columns % (size_t)g->rows);
    size_t image = first / (size_t)g->columns / (size_t)g->rows;
    for (size_t t = 0; t < count; t++) {
        int i = row * g->step - g->padding[0], j = column * g->step - g->padding[1];
        tiles[t].at = (((ptrdiff_t)image * g->height + i) * g->width + j) * g->channels;
        clip(i, g->size, g->height, &tiles[t].top, &tiles[t].bottom);
        clip(j, g->size, g->width, &tiles[t].left, &tiles[t].right);
        if (++column < g->columns) continue;
        column = 0;
        if (++row < g->rows) continue;
        row = 0;
        image++;
    }
}
