/* SPDX-License-Identifier: Apache-2.0
 * Sizes of inputs as people write them, 128x128x3, and descriptions that get them. */
#include "formats/source/source.h"

#include "layers/layers.h"

#include <string.h>

/* One shape; what is left of `sizes` stays 0. */
static bool read_one(const char *text, size_t length, int64_t *sizes)
{
    int count = 0;
    for (size_t at = 0; at <= length;) {
        size_t digits = 0;
        while (at + digits < length && text[at + digits] != 'x') digits++;
        int64_t number;
        if (count > CNI_MAX_SPATIAL || !cni_read_int(text + at, digits, &number) || number < 1 || number > 1 << 20)
            return false;
        sizes[count++] = number;
        at += digits + 1;
    }
    return count > 0;
}

/* Sizes as Keras writes them, given to a network that wants the channels first, are turned round: 224x224x3. */
static void turn(int64_t *sizes)
{
    if (!sizes[2] || sizes[3] || sizes[2] > 4 || sizes[0] <= 4) return;
    const int64_t channels = sizes[2];
    sizes[2] = sizes[1];
    sizes[1] = sizes[0];
    sizes[0] = channels;
}

cn_status cni_source_sizes(const char *text, cni_dialect dialect, cni_source_size sizes[CN_MAX_ARRAYS], int *count,
                           cni_error *error)
{
    *count = 0;
    for (const char *at = text; *at;) {
        const size_t length = strcspn(at, ",");
        if (*count == CN_MAX_ARRAYS || !read_one(at, length, sizes[*count]))
            return cni_fail(error, CN_ERR_INVALID,
                            "input '%s': expected sizes joined by x, like 224x224x3; several inputs parted by commas",
                            text);
        if (dialect == CNI_TORCH) turn(sizes[*count]);
        (*count)++;
        at += length + (at[length] == ',');
    }
    return CN_OK;
}

static cn_status set_input(const cni_description *d, cni_described_layer *layer, const int64_t *sizes, cni_error *error)
{
    const cni_maker maker = {.arena = d->arena, .data_format = CN_CHANNELS_LAST, .error = error};
    cni_value *config = cni_value_dict(d->arena), *shape = cni_value_list(d->arena);
    bool made = cni_value_add(d->arena, shape, NULL, cni_value_null(d->arena));
    for (int i = 0; made && i <= CNI_MAX_SPATIAL && sizes[i]; i++)
        made = cni_value_add(d->arena, shape, NULL, cni_value_int(d->arena, sizes[i]));
    if (!made || !cni_value_add(d->arena, config, "batch_shape", shape) ||
        !cni_value_add(d->arena, config, "name", cni_value_text(d->arena, layer->name)))
        return cni_no_memory(error, "an input");
    CN_TRY(cni_object_read(&maker, &cni_input_layer.kind, config, "Input", &layer->config));
    layer->config->family = &cni_layers;
    return CN_OK;
}

cn_status cni_source_set_input(cni_description *d, const char *text, cni_error *error)
{
    cni_source_size sizes[CN_MAX_ARRAYS] = {{0}};
    int count;
    CN_TRY(cni_source_sizes(text, d->dialect, sizes, &count, error));
    for (int i = 0; i < count && i < d->input_count; i++)
        CN_TRY(set_input(d, d->layers + d->calls[d->inputs[i]].layer, sizes[i], error));
    return CN_OK;
}

bool cni_source_knows_input(const cni_description *d)
{
    for (int i = 0; i < d->input_count; i++) {
        const cni_object *config = d->layers[d->calls[d->inputs[i]].layer].config;
        const int *shape = config ? cni_object_member(config, "batch_shape") : NULL;
        const int count = shape ? cni_ints_count(shape) : 0;
        if (!count) return false;
        for (int k = 1; k < count; k++)
            if (shape[k] <= 0) return false;
    }
    return true;
}
