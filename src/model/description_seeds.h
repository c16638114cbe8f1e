/* SPDX-License-Identifier: Apache-2.0
 * Seeds of initializers that a text makes as objects: HeNormal() draws its default seed when it is made, which may be
 * before the layers that take it, and layers that share it share the seed. */
#ifndef CNI_DESCRIPTION_SEEDS_H
#define CNI_DESCRIPTION_SEEDS_H

#include "model/description_parts.h"

typedef struct cni_seeds cni_seeds;

/** The objects among the arguments of all layers that the text makes. */
cn_status cni_seeds_find(cni_arena *arena, const cni_description *d, cni_seeds **out, cni_error *error);

/** Draws for what was made before this layer and for what it is given; gives its arguments with these seeds. */
cn_status cni_seeds_draw(cni_seeds *seeds, cni_arena *arena, const cni_described_layer *layer, cni_mt19937 *python,
                         cni_value **arguments, cni_error *error);

/** The seeds that were drawn are no arguments: a file says None. */
void cni_seeds_hide(const cni_seeds *seeds, const cni_described_layer *layer, cni_object *config);

#endif
