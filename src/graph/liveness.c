/* SPDX-License-Identifier: Apache-2.0
 * Where tensors lie.  Time is the number of the op, over all three segments:
 *
 *      CNI_GRADIENTS        CNI_REDUCE   CNI_UPDATE
 *   ---|======|-------------|------------|----------   made and read in one segment
 *   ------|=====================|--------|----------   read in the next: kept between
 *   --------|===================|============|======   made for the update: kept to the end
 *   =================================================  inputs, constants, outputs, what steady ops make
 *
 * Gradients may run several times before the update does (accumulation); that is why what the update reads of them has
 * a place that nothing else writes later. */
#include "graph/liveness.h"

/* Of two tensors that lie one after the other, whole multiples of this apart, the same elements would share the sets of
 * the first cache.  43 lines between them keep what is read out of the way of what is written, also where pixels lie 8,
 * 16 or 32 lines apart and so share few sets: 43 is 3, 11 and 11 more than a multiple of these. */
enum { CROWDING_BYTES = 4096, APART_BYTES = 43 * 64 };

size_t cni_tensor_bytes(const cni_tensor *tensor, int n, size_t real_size)
{
    size_t size = tensor->element == CNI_REAL_ELEMENT ? real_size : 1;
    size_t image = cni_tensor_image(tensor), images = cni_tensor_batched(tensor) ? (size_t)n : 1;
    return image > SIZE_MAX / size / images ? SIZE_MAX : image * images * size;
}

const cni_tensor *cni_home(const cni_graph *graph, const cni_liveness *liveness, const cni_tensor *tensor)
{
    int id = tensor->id;
    while (liveness->lives[id].home != id) id = liveness->lives[id].home;
    return graph->tensors[id];
}

static cni_life *life_of(const cni_graph *graph, const cni_liveness *liveness, const cni_tensor *tensor)
{
    return &liveness->lives[cni_home(graph, liveness, tensor)->id];
}

static void begin(const cni_graph *graph, cni_liveness *liveness)
{
    for (int i = 0; i < graph->tensor_count; i++) {
        const cni_tensor *tensor = graph->tensors[i];
        liveness->lives[i] = (cni_life){.place = {.first = -1, .id = i}, .home = i};
        if (tensor->alias_of) liveness->lives[i].home = tensor->alias_of->id;
    }
}

/* The op numbered `now` computes or reads the tensor. */
static void touch(const cni_graph *graph, cni_liveness *liveness, const cni_tensor *tensor, int now)
{
    if (!tensor) return;
    cni_life *life = life_of(graph, liveness, tensor);
    liveness->lives[tensor->id].used = life->used = true;
    if (life->place.first < 0) life->place.first = now;
    life->place.last = now;
    cni_segment made = graph->ops[life->place.first]->segment, read = graph->ops[now]->segment;
    if (made == CNI_GRADIENTS && read == CNI_UPDATE) life->place.last = graph->op_count;
}

static void find_lives(const cni_graph *graph, cni_liveness *liveness)
{
    for (int now = 0; now < graph->op_count; now++) {
        const cni_op *op = graph->ops[now];
        for (int i = 0; i < op->inputs; i++) touch(graph, liveness, op->in[i], now);
        for (int i = 0; i < op->outputs; i++) touch(graph, liveness, op->out[i], now);
        const cni_op *follower = op->follower; /* reads and writes at the same time */
        for (int i = 0; follower && i < follower->inputs; i++) touch(graph, liveness, follower->in[i], now);
        for (int i = 0; follower && i < follower->outputs; i++) touch(graph, liveness, follower->out[i], now);
    }
}

static void pin(const cni_graph *graph, cni_liveness *liveness, bool everything)
{
    for (int i = 0; i < graph->tensor_count; i++) {
        const cni_tensor *tensor = graph->tensors[i];
        cni_life *life = life_of(graph, liveness, tensor);
        if (tensor->is_input || tensor->is_output) liveness->lives[i].used = life->used = true;
        const bool steady = tensor->producer && tensor->producer->steady;
        if (everything || steady || tensor->is_input || tensor->is_constant || tensor->is_output || tensor->variable)
            life->pinned = true;
        if (life->pinned) {
            life->place.first = 0;
            life->place.last = graph->op_count;
        }
    }
}

/* The input whose memory the first output takes over: it ends here, and nothing else looks at it.  NULL: none. */
static const cni_tensor *taken_over(const cni_graph *graph, const cni_liveness *liveness, const cni_op *op, int now)
{
    const int which = op->kind->in_place_input;
    if (!op->kind->in_place || op->inputs <= which || !op->outputs || !op->in[which]) return NULL;
    const cni_tensor *in = cni_home(graph, liveness, op->in[which]), *out = op->out[0];
    const cni_life *from = &liveness->lives[in->id], *to = &liveness->lives[out->id];
    if (out->alias_of || to->pinned || from->pinned || from->place.last != now || in == out) return NULL;
    if (cni_tensor_batched(in) != cni_tensor_batched(out) || cni_tensor_image(in) != cni_tensor_image(out) ||
        in->element != out->element)
        return NULL;
    for (int i = 0; i < op->inputs; i++)
        if (i != which && op->in[i] && cni_home(graph, liveness, op->in[i]) == in) return NULL;
    return in;
}

static void share_in_place(const cni_graph *graph, cni_liveness *liveness)
{
    for (int now = 0; now < graph->op_count; now++) {
        const cni_op *op = graph->ops[now];
        const cni_tensor *in = taken_over(graph, liveness, op, now);
        if (!in) continue;
        cni_life *to = &liveness->lives[op->out[0]->id];
        liveness->lives[in->id].place.last = to->place.last;
        to->home = in->id;
    }
}

static cn_status measure(const cni_graph *graph, int batch, size_t real_size, cni_liveness *liveness,
                         cni_place **places, int *count, cni_error *error)
{
    size_t largest = 0, sum = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const cni_tensor *tensor = graph->tensors[i];
        cni_life *life = &liveness->lives[i];
        if (!life->used || life->home != i || tensor->variable) continue;
        size_t size = cni_tensor_bytes(tensor, batch, real_size);
        if (size && size % CROWDING_BYTES == 0) size += APART_BYTES;
        if (size > SIZE_MAX / 4 || sum > SIZE_MAX / 4)
            return cni_fail(error, CN_ERR_MEMORY, "a tensor of shape %s for %d images is more than can be addressed",
                            CNI_SHOW_SHAPE(&tensor->shape), batch);
        if (size >= largest) {
            largest = size;
            liveness->largest = tensor;
        }
        life->place.size = (size + CNI_PLACE_ALIGN - (size > 0)) / CNI_PLACE_ALIGN * CNI_PLACE_ALIGN;
        sum += life->place.size;
        places[(*count)++] = &life->place;
    }
    return CN_OK;
}

cn_status cni_liveness_find(cni_graph *graph, int batch, size_t real_size, bool no_sharing, cni_liveness *liveness,
                            cni_error *error)
{
    *liveness = (cni_liveness){.lives = CNI_NEW_ARRAY(&graph->arena, cni_life, (size_t)graph->tensor_count)};
    cni_place **places = CNI_NEW_ARRAY(&graph->arena, cni_place *, (size_t)graph->tensor_count);
    if (!liveness->lives || !places) return cni_no_memory(error, "a plan");
    begin(graph, liveness);
    find_lives(graph, liveness);
    pin(graph, liveness, no_sharing);
    share_in_place(graph, liveness);
    int count = 0;
    CN_TRY(measure(graph, batch, real_size, liveness, places, &count, error));
    liveness->bytes = cni_place_all(places, count);
    return CN_OK;
}
