/* SPDX-License-Identifier: Apache-2.0
 * M = V U for all elements of Winograd's tiles. */
#include "graph/ops/winograd_elements.h"

#include "graph/ops/taps.h"

/* A line for each step of a tile, in as few products as that takes: meanwhile they do not ask for weights. */
static void ask_for_some(cni_wanted *all, cni_product *product)
{
    enum { TILE_ROWS = 14, LINE_BYTES = 64 };
    const size_t most = product->columns * (size_t)product->depth / TILE_ROWS * LINE_BYTES;
    while (all->range < CNI_WANTED && !all->bytes[all->range]) all->range++;
    product->ahead_bytes = 0;
    if (all->range == CNI_WANTED) return;
    const size_t left = all->bytes[all->range], bytes = left < most ? left : most;
    product->ahead = all->at[all->range];
    product->ahead_bytes = bytes;
    all->at[all->range] += bytes;
    all->bytes[all->range] -= bytes;
}

void cni_winograd_multiply_elements(const cni_kernels *kernels, const cni_winograd_elements *p, cni_wanted *soon)
{
    static const ptrdiff_t no_tap[1];
    const size_t real_size = kernels->real_size;
    cni_product product = {.x_pixel = p->v_tile,
                           .tap = no_tap,
                           .taps = 1,
                           .depth = p->channels,
                           .y_pixel = kernels->matmul.panel,
                           .rows = 1,
                           .columns = p->tiles,
                           .width = p->width};
    for (int a = 0; a < p->elements; a++) {
        product.x = cni_at(p->v, a * p->v_element, real_size);
        product.panels = cni_at(p->u, a * p->u_element, real_size);
        product.y = cni_at_mutable(p->m, a * p->m_element, real_size);
        if (soon) ask_for_some(soon, &product);
        kernels->matmul.product(&product);
    }
}
