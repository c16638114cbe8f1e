/* SPDX-License-Identifier: Apache-2.0
 * Subscripts: items of lists and texts, parts of chains, and slices of tensors, which crop. */
#include "formats/source/evaluate.h"

#include <string.h>

/* ---- lists and texts ---- */

static int64_t bounded(const cni_thing *at, int64_t otherwise, int64_t count)
{
    if (at->type != CNI_THING_INT) return otherwise;
    int64_t index = at->integer < 0 ? at->integer + count : at->integer;
    return index < -1 ? -1 : index > count ? count : index;
}

static cni_thing *sliced(cni_evaluator *e, const cni_thing *list, const cni_thing *slice, cni_span span)
{
    const int64_t count = (int64_t)list->count;
    int64_t step = slice->items[2]->type == CNI_THING_INT ? slice->items[2]->integer : 1;
    cni_thing *out = cni_thing_new(e, list->type, span);
    if (!step) return cni_evaluate_doubt(e, "I804", span, NULL, "a slice with a step of 0");
    step = step > count ? count + 1 : step < -count ? -count - 1 : step;
    int64_t begin = bounded(slice->items[0], step > 0 ? 0 : count - 1, count);
    const int64_t end = bounded(slice->items[1], step > 0 ? count : -1, count);
    if (step > 0 && begin < 0) begin = 0;
    if (step < 0 && begin >= count) begin = count - 1;
    for (int64_t i = begin; step > 0 ? i < end : i > end; i += step) cni_thing_append(e, out, list->items[i]);
    return out;
}

static cni_thing *item(cni_evaluator *e, const cni_thing *list, int64_t index, cni_span span)
{
    const int64_t count = (int64_t)list->count, at = index < 0 ? index + count : index;
    if (at >= 0 && at < count) return list->items[at];
    return cni_evaluate_doubt(e, "I804", span, NULL, "there is no item %lld among %lld", (long long)index,
                              (long long)count);
}

static cni_thing *of_list(cni_evaluator *e, const cni_thing *list, cni_thing *key, cni_span span)
{
    if (key->type == CNI_THING_INT) return item(e, list, key->integer, span);
    if (key->type == CNI_THING_SLICE) return sliced(e, list, key, span);
    return cni_thing_follows(e, key, span);
}

static cni_thing *of_text(cni_evaluator *e, const cni_thing *text, const cni_thing *key, cni_span span)
{
    const int64_t count = (int64_t)strlen(text->text);
    if (key->type != CNI_THING_INT) return cni_thing_opaque(e, span);
    const int64_t at = key->integer < 0 ? key->integer + count : key->integer;
    if (at < 0 || at >= count)
        return cni_evaluate_doubt(e, "I804", span, NULL, "the text has %lld letters", (long long)count);
    return cni_thing_text(e, cni_arena_text_n(e->arena, text->text + at, 1), span);
}

static cni_thing *of_dict(cni_evaluator *e, const cni_thing *dict, cni_thing *key, cni_span span)
{
    for (size_t i = 0; i < dict->count; i++)
        if (cni_thing_equal(e, dict->keys[i], key)) return dict->items[i];
    if (key->type == CNI_THING_OPAQUE || key->type == CNI_THING_BROKEN) return cni_thing_follows(e, key, span);
    const char *shown = key->type == CNI_THING_TEXT ? key->text : cni_thing_describe(key);
    return cni_evaluate_doubt(e, "I809", span, NULL, "the dict has no '%.60s'", shown);
}

static cni_thing *of_chain(cni_evaluator *e, cni_source_model *model, cni_thing *key, cni_span span)
{
    if (key->type == CNI_THING_INT) {
        cni_thing list = {.type = CNI_THING_LIST, .span = span};
        for (int i = 0; i < model->part_count; i++) cni_thing_append(e, &list, model->parts[i].thing);
        return item(e, &list, key->integer, span);
    }
    cni_source_model *part =
        key->type == CNI_THING_SLICE ? cni_model_new(e, CNI_MODEL_CHAIN, model->dialect, span) : NULL;
    if (!part) return cni_thing_opaque(e, span);
    part->inside = true;
    cni_thing all = {.type = CNI_THING_LIST, .span = span};
    for (int i = 0; i < model->part_count; i++) cni_thing_append(e, &all, model->parts[i].thing);
    const cni_thing *some = sliced(e, &all, key, span);
    for (size_t i = 0; i < some->count; i++) cni_model_append(e, part, NULL, some->items[i], span);
    return part->thing;
}

/* ---- tensors ---- */

enum { MAX_AXES = 5 };

typedef struct crop {
    int64_t before, after;
} crop;

/* a:b of an axis of n numbers (n < 0: not known) as what is cut off at its ends. */
static bool crop_of(const cni_thing *slice, int64_t n, crop *out)
{
    const cni_thing *begin = slice->items[0], *end = slice->items[1], *step = slice->items[2];
    *out = (crop){0, 0};
    if (slice->type != CNI_THING_SLICE) return false;
    if (step->type != CNI_THING_NONE && (step->type != CNI_THING_INT || step->integer != 1)) return false;
    if (begin->type == CNI_THING_INT)
        out->before = begin->integer >= 0 ? begin->integer : n < 0 ? -1 : n + begin->integer;
    else if (begin->type != CNI_THING_NONE)
        return false;
    if (end->type == CNI_THING_INT)
        out->after = end->integer < 0 ? -end->integer : n < 0 ? -1 : n > end->integer ? n - end->integer : 0;
    else if (end->type != CNI_THING_NONE)
        return false;
    return out->before >= 0 && out->after >= 0;
}

/* The slices by axis, with '...' filled up; the number of axes, or -1. */
static int axes_of(cni_evaluator *e, const cni_syntax *node, int rank, cni_thing *slices[MAX_AXES])
{
    cni_thing *all = cni_thing_new(e, CNI_THING_SLICE, node->span);
    for (int i = 0; i < 3; i++) cni_thing_append(e, all, e->none);
    int count = 0;
    for (size_t i = 1; i < node->count; i++) {
        const bool dots = node->items[i]->type == CNI_SYNTAX_ELLIPSIS;
        const int more = dots ? rank - (int)(node->count - 2) : 1;
        cni_thing *slice = dots ? all : cni_evaluate(e, node->items[i]);
        for (int j = 0; j < more; j++) {
            if (count == MAX_AXES) return -1;
            slices[count++] = slice;
        }
    }
    while (count < rank && count < MAX_AXES) slices[count++] = all;
    return all->count == 3 ? count : -1;
}

static cni_thing *pair(cni_evaluator *e, const crop *c, cni_span span)
{
    cni_thing *list = cni_thing_new(e, CNI_THING_TUPLE, span);
    cni_thing_append(e, list, cni_thing_int(e, c->before, span));
    cni_thing_append(e, list, cni_thing_int(e, c->after, span));
    return list;
}

static cni_thing *cropping(cni_evaluator *e, cni_thing *tensor, cni_dialect dialect, const crop spatial[2],
                           cni_span span)
{
    cni_thing *sides = cni_thing_new(e, CNI_THING_TUPLE, span);
    if (dialect == CNI_KERAS) {
        for (int i = 0; i < 2; i++) cni_thing_append(e, sides, pair(e, &spatial[i], span));
        return cni_apply_class(e, dialect, "Cropping2D", NULL, tensor, span, "cropping", sides, (char *)NULL);
    }
    const int64_t around[4] = {-spatial[1].before, -spatial[1].after, -spatial[0].before, -spatial[0].after};
    for (int i = 0; i < 4; i++) cni_thing_append(e, sides, cni_thing_int(e, around[i], span));
    return cni_apply_class(e, dialect, "ZeroPad2d", NULL, tensor, span, "padding", sides, (char *)NULL);
}

static cni_thing *broken_part(cni_thing *slice)
{
    if (slice->type == CNI_THING_BROKEN) return slice;
    for (size_t i = 0; slice->type == CNI_THING_SLICE && i < slice->count; i++)
        if (slice->items[i]->type == CNI_THING_BROKEN) return slice->items[i];
    return NULL;
}

static cni_thing *refuse_subscript(cni_evaluator *e, const cni_syntax *node)
{
    return cni_evaluate_doubt(e, "I806", node->span, "x[:, 1:-1, 1:-1, :] crops; other subscripts are not read",
                              "this subscript of a tensor");
}

/* x[:, 1:-1, 1:-1, :] cuts off borders; anything else is outside of what is read. */
static cni_thing *of_tensor(cni_evaluator *e, cni_thing *tensor, const cni_syntax *node)
{
    const cni_dialect dialect = e->layers[e->calls[tensor->tensor.call].described.layer].dialect;
    const cni_shape shape = cni_tensor_shape(e, tensor->tensor);
    const int rank = shape.rank ? shape.rank : 4, first = dialect == CNI_TORCH ? 2 : 1;
    cni_thing *slices[MAX_AXES];
    crop crops[MAX_AXES] = {0};
    const int count = axes_of(e, node, rank, slices);
    bool good = count == 4 && rank == 4, cuts = false;
    for (int i = 0; i < count; i++)
        if (broken_part(slices[i])) return broken_part(slices[i]);
    for (int i = 0; good && i < count; i++) {
        good = slices[i]->type == CNI_THING_SLICE && crop_of(slices[i], shape.rank ? shape.dims[i] : -1, &crops[i]);
        const bool some = crops[i].before || crops[i].after;
        cuts |= some;
        if (some && (i < first || i > first + 1)) good = false;
    }
    if (!good) return e->data ? cni_thing_opaque(e, node->span) : refuse_subscript(e, node);
    if (!cuts) return tensor;
    cni_evaluate_remark(e, "I806", CNI_NOTE, node->span, NULL,
                        "read as cropping: %lld and %lld rows, %lld and %lld columns", (long long)crops[first].before,
                        (long long)crops[first].after, (long long)crops[first + 1].before,
                        (long long)crops[first + 1].after);
    return cropping(e, tensor, dialect, crops + first, node->span);
}

/* ---- arrays of numbers ---- */

/* x[:1000] has other images of the same size, x[0] is one of them, x[..., np.newaxis] has an axis more. */
static cni_thing *of_array(cni_evaluator *e, const cni_thing *array, const cni_syntax *node)
{
    cni_shape shape = *array->shape;
    const bool dots = node->items[1]->type == CNI_SYNTAX_ELLIPSIS;
    cni_thing *key = dots ? NULL : cni_evaluate(e, node->items[1]);
    if (node->count == 2 && !dots && key->type == CNI_THING_SLICE) {
        shape.dims[0] = CNI_UNKNOWN;
    } else if (node->count == 2 && !dots && shape.rank > 1) {
        shape.rank--;
        memmove(shape.dims, shape.dims + 1, (size_t)shape.rank * sizeof *shape.dims);
    } else if (node->count == 3 && dots && shape.rank < CNI_MAX_RANK) {
        const cni_thing *last = cni_evaluate(e, node->items[2]);
        const bool new_axis = last->type == CNI_THING_NONE ||
                              (last->type == CNI_THING_PATH && strcmp(cni_path_last(last->text), "newaxis") == 0);
        if (!new_axis) return cni_thing_opaque(e, node->span);
        shape.dims[shape.rank++] = 1;
    } else
        return cni_thing_opaque(e, node->span);
    return cni_thing_array(e, &shape, node->span);
}

cni_thing *cni_evaluate_subscript(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *of = cni_evaluate(e, node->items[0]);
    if (of->type == CNI_THING_BROKEN) return of;
    if (of->type == CNI_THING_TENSOR) return of_tensor(e, of, node);
    if (of->type == CNI_THING_OPAQUE && of->shape) return of_array(e, of, node);
    if (node->count != 2) return cni_thing_follows(e, of, node->span);
    cni_thing *key = cni_evaluate(e, node->items[1]);
    if (cni_thing_is_list(of)) return of_list(e, of, key, node->span);
    if (of->type == CNI_THING_DICT) return of_dict(e, of, key, node->span);
    if (of->type == CNI_THING_TEXT) return of_text(e, of, key, node->span);
    if (of->type == CNI_THING_MODEL && of->model->form == CNI_MODEL_CHAIN)
        return of_chain(e, of->model, key, node->span);
    return cni_thing_follows(e, of, node->span);
}
