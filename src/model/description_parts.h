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

/** The kind of a name in the dialect's family, else in Keras'; NULL with the dialect's family when there is none. */
const cni_layer_kind *cni_described_kind(cni_dialect dialect, const char *name, const cni_family **family);

/** Reads the arguments again: layer->config, with the kind's ranges and checks. */
cn_status cni_described_configure(cni_arena *arena, cni_dialect dialect, cni_described_layer *layer, cni_error *error);

/** Whether both layers come from one place of the text. */
bool cni_described_together(const cni_described_layer *a, const cni_described_layer *b);

/** Whether an edit says again what an earlier one did already: the same for another layer that stands in the same place
 *  of the text. */
bool cni_edit_is_repeated(const cni_description *d, const cni_edit *edits, int index);

/** The order in which the network takes images. */
cn_data_format cni_described_format(const cni_description *d);

/** The shape of the first input with other rows and columns, in its own order, with the batch or without; NULL when it
 *  is not an image, and without memory. */
cni_value *cni_described_image(cni_arena *arena, const cni_description *d, int64_t rows, int64_t columns, bool batch);

bool cni_described_is_input(const cni_described_layer *layer);

#endif
