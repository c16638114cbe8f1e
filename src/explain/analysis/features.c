/* SPDX-License-Identifier: Apache-2.0
 * Running a model so that every layer's output survives: one graph, all outputs marked. */
#include "explain/analysis/features.h"

#include "graph/plan.h"
#include "model/config.h"

#include <cornu/data.h>

#include <stdlib.h>

static void keep(void *user, const cn_layer *layer, cni_tensor *y)
{
    cni_features *f = user;
    if (f->failed || y->shape.rank != 4 || y->is_input) return;
    if (f->count == f->capacity) {
        const int wanted = f->capacity ? 2 * f->capacity : 32;
        cni_feature *larger = realloc(f->items, (size_t)wanted * sizeof *larger);
        f->failed = !larger;
        if (!larger) return;
        f->items = larger;
        f->capacity = wanted;
    }
    y->is_output = true;
    f->items[f->count++] = (cni_feature){.layer = layer, .tensor = y};
}

static cn_status lower(cn_model *model, cni_graph *graph, const cni_shape *shape, cni_features *f, cni_tensor **x,
                       cni_error *error)
{
    cni_tensor *y[CN_MAX_ARRAYS];
    cni_lowering lowering = {.graph = graph, .seen = keep, .user = f};
    *x = cni_graph_input(graph, *shape);
    CN_TRY(cni_model_lower(model, &lowering, x, y, error));
    for (int i = 0; i < model->output_count; i++) y[i]->is_output = true;
    if (graph->error.status) return cni_fail(error, graph->error.status, "%s", graph->error.text);
    return f->failed ? cni_no_memory(error, "feature maps") : CN_OK;
}

static cn_status plan(cn_model *model, const cni_shape *shape, cni_features *f, cni_tensor **x, cni_error *error)
{
    cni_graph *graph = cni_graph_new();
    if (!graph) return cni_no_memory(error, "feature maps");
    const cn_status status = lower(model, graph, shape, f, x, error);
    if (status) {
        cni_graph_free(graph);
        return status;
    }
    const cni_plan_options options = {.batch = 1, .kernels = &model->context->kernels};
    return cni_plan_new(graph, &options, &f->plan, error);
}

static cn_status check_image(const cn_model *model, const cn_array *image, cni_shape *shape, cni_error *error)
{
    if (model->input_count != 1 || model->inputs[0]->shape.rank != 4 || image->rank != 4)
        return cni_fail(error, CN_ERR_SHAPE, "feature maps are drawn of models that take one image; \"%s\" does not",
                        model->name);
    *shape = (cni_shape){.rank = image->rank};
    for (int i = 1; i < image->rank; i++) shape->dims[i] = image->shape[i];
    shape->dims[0] = CNI_UNKNOWN;
    if (cni_shape_compatible(&model->inputs[0]->shape, shape)) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "the image has shape %s; the model takes %s", CNI_SHOW_SHAPE(shape),
                    CNI_SHOW_SHAPE(&model->inputs[0]->shape));
}

cn_status cni_features_run(cn_model *model, const cn_array *image, cni_features *out, cni_error *error)
{
    cni_shape shape;
    cni_tensor *x;
    CN_TRY(check_image(model, image, &shape, error));
    CN_TRY(cni_model_materialise(model, error));
    CN_TRY(plan(model, &shape, out, &x, error));
    float *pixels = cni_plan_data(out->plan, x);
    const int64_t count = cni_shape_count(&shape, 1);
    for (int64_t i = 0; i < count; i++) pixels[i] = (float)cn_array_value(image, i);
    cni_plan_run(out->plan, CNI_GRADIENTS, 1);
    for (int i = 0; i < out->count; i++) {
        out->items[i].values = cni_plan_data(out->plan, out->items[i].tensor);
        out->items[i].shape = out->items[i].tensor->shape;
    }
    return CN_OK;
}

void cni_features_free(cni_features *features)
{
    cni_plan_free(features->plan);
    free(features->items);
    *features = (cni_features){0};
}
