/* SPDX-License-Identifier: Apache-2.0
 * What the files share that make, change and build descriptions. */
#ifndef CNI_DESCRIPTION_PARTS_H
#define CNI_DESCRIPTION_PARTS_H

#include "model/description.h"

enum { CNI_MAX_DESCRIBED_CALLS = 100000 };

/** A copy of an array with room for `room` more entries; NULL without memory. */
void *cni_described_copy(cni_arena *arena, const void *items, int count, int room, size_t size);
#define CNI_DESCRIBED_COPY(arena, items, count, room)                                                                  \
    cni_described_copy((arena), (items), (count), (room), sizeof *(items))

/** `Conv2D "conv2d_1"`, for messages.  Returns buffer. */
char *cni_described_label(const cni_described_layer *layer, char *buffer, size_t size);
#define CNI_DESCRIBED_LABEL(layer) cni_described_label((layer), (char[200]){0}, 200)

/** The argument of a key, or NULL. */
const cni_described_argument *cni_described_argument_of(const cni_described_layer *layer, const char *key);

/** The arguments as a dict, with the layer's name where its kind has one; NULL without memory. */
cni_value *cni_described_arguments(cni_arena *arena, const cni_described_layer *layer);

/** Whether both layers come from one place of the text. */
bool cni_described_together(const cni_described_layer *a, const cni_described_layer *b);

bool cni_described_is_input(const cni_described_layer *layer);

#endif
