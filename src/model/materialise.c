/* SPDX-License-Identifier: Apache-2.0
 * Memory and initial values for weights that have none yet: a described model costs nothing until it is used. */
#include "base/machine.h"
#include "model/config.h"
#include "model/stored.h"

#include <inttypes.h>

typedef struct need {
    int64_t bytes, most;
    bool dropped;
    const cn_layer *biggest;
    cni_error *error;
} need;

static void count(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)frozen;
    need *n = user;
    n->dropped |= weight->dropped;
    if (weight->data) return;
    int64_t bytes = cni_shape_count(&weight->shape, 0) * (int64_t)sizeof(float);
    n->bytes += bytes;
    if (bytes <= n->most) return;
    n->most = bytes;
    n->biggest = layer;
}

static void fill(void *user, cn_layer *layer, bool frozen)
{
    (void)frozen;
    need *n = user;
    if (!n->error->status && cni_layer_fill(layer, n->error)) cni_fail_in(n->error, "%s", CNI_LABEL(layer));
}

/* Four fifths of the memory that the process may use (reliability rules, section 2). */
static int64_t limit(void)
{
    return (int64_t)(cni_usable_memory() / 5 * 4);
}

cn_status cni_model_materialise(cn_model *model, cni_error *error)
{
    need n = {.error = error};
    cni_model_weights(model, count, &n);
    if (n.dropped) CN_TRY(cni_model_read_dropped(model, error));
    if (!n.biggest) return CN_OK;
    if (n.bytes > limit())
        return cni_fail(error, CN_ERR_LIMIT,
                        "%s: the weights need %" PRId64 " MB, more than four fifths of the memory that there is; the "
                        "largest are those of %s, %" PRId64 " MB",
                        model->name, n.bytes >> 20, CNI_LABEL(n.biggest), n.most >> 20);
    cni_model_layers(model, fill, &n);
    return error->status;
}
