/* SPDX-License-Identifier: Apache-2.0
 * Tiles of images, as Winograd's algorithm cuts them. */
#ifndef CNI_WINOGRAD_TILES_H
#define CNI_WINOGRAD_TILES_H

#include "kernels/kernels.h"

/** Tiles of `size` x `size` cells: tile (i, j) begins at cell (i step - padding[0], j step - padding[1]). */
typedef struct cni_winograd_grid {
    int height, width, channels; /* of the image that the tiles are cut from */
    int rows, columns;           /* of tiles in an image */
    int size, step, padding[2];
} cni_winograd_grid;

/** Tiles first ... first + count - 1, counted over images and from row to row. */
void cni_winograd_cut(const cni_winograd_grid *grid, size_t first, size_t count, cni_winograd_tile *tiles);

#endif
