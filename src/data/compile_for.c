/* SPDX-License-Identifier: Apache-2.0
 * Compiling for data: what the user named, then what the model was compiled with, then what suits both.
 *
 *   last layer            targets                        loss                                      metric
 *   softmax               whole numbers, one a row       sparse_categorical_crossentropy           accuracy
 *   softmax               as wide as the output          categorical_crossentropy                  accuracy
 *   sigmoid               any                            binary_crossentropy                       accuracy
 *   other, units > 1      whole numbers, one a row       sparse_categorical_crossentropy(from_logits=True)
 *   other                 any                            mse                                       mae */
#include "base/text.h"
#include "model/compile.h"
#include "train/samples.h"

#include <cornu/data.h>

#include <stdlib.h>
#include <string.h>

typedef struct choice {
    const char *loss, *metric;
} choice;

static const choice classes = {"sparse_categorical_crossentropy", "accuracy"};
static const choice one_hot = {"categorical_crossentropy", "accuracy"};
static const choice yes_or_no = {"binary_crossentropy", "accuracy"};
static const choice logits = {"sparse_categorical_crossentropy(from_logits=True)", "accuracy"};
static const choice values = {"mse", "mae"};

/* ---- the last layer ---- */

/* What the values of an output went through: "softmax", "sigmoid", ..., "" when nothing is known. */
static const char *last_activation(const cn_model *model)
{
    const cn_layer *layer = model->outputs[0]->call->layer;
    while (layer->inner && layer->inner->output_count) layer = layer->inner->outputs[0]->call->layer;
    if (strcmp(layer->kind->kind.name, "Softmax") == 0) return "softmax";
    const cni_object *activation = layer->config ? cni_object_of(layer->config, "activation") : NULL;
    return activation ? activation->kind->name : "";
}

static bool are_whole(const cn_array *y)
{
    return y->dtype != CN_FLOAT32 && y->dtype != CN_FLOAT64;
}

static bool one_a_row(const cn_array *y)
{
    return y->rank == 1 || (y->rank > 1 && y->shape[y->rank - 1] == 1);
}

static const choice *choose(const cn_model *model, const cn_array *y)
{
    const cni_shape *out = &model->outputs[0]->shape;
    const int64_t width = out->dims[out->rank - 1];
    const char *activation = last_activation(model);
    if (strcasecmp(activation, "sigmoid") == 0) return &yes_or_no;
    if (strcasecmp(activation, "softmax") == 0) return one_a_row(y) && width != 1 ? &classes : &one_hot;
    return are_whole(y) && one_a_row(y) && width > 1 ? &logits : &values;
}

/* ---- what the user named ---- */

typedef struct parts {
    cni_arena arena;
    cni_error *error;
    cni_value *config;
} parts;

static cni_value *read_text(parts *p, const char *text, const char *what)
{
    cni_value *value = NULL;
    return cni_value_read(&p->arena, text, what, &value, p->error) ? NULL : value;
}

static cni_value *read_texts(parts *p, const char *const *texts, const char *what)
{
    cni_value *list = cni_value_list(&p->arena);
    for (int i = 0; list && i < CN_MAX_ARRAYS && texts[i]; i++)
        if (!cni_value_add(&p->arena, list, NULL, read_text(p, texts[i], what))) return NULL;
    return list;
}

static cn_status put(parts *p, const char *key, cni_value *value)
{
    if (p->error->status) return p->error->status;
    return cni_value_add(&p->arena, p->config, key, value) ? CN_OK : cni_no_memory(p->error, "compile");
}

static cn_status put_losses(parts *p, const cn_compile_args *args)
{
    if (args->loss) return put(p, "loss", read_text(p, args->loss, "loss"));
    return args->losses[0] ? put(p, "loss", read_texts(p, args->losses, "loss")) : CN_OK;
}

/* An optimizer given as a struct is not read here: the command and its like have texts. */
static cn_status put_optimizer(parts *p, const cn_model *model, const cn_compile_args *args)
{
    const cn_text_args *text = (const cn_text_args *)(const void *)args->optimizer;
    if (text && *text->head.class_name)
        return cni_fail(p->error, CN_ERR_UNSUPPORTED,
                        "compile: give the optimizer as text here: cn_optimizer(\"adam\")");
    if (text && text->text) return put(p, "optimizer", read_text(p, text->text, "optimizer"));
    if (model->compiled) return put(p, "optimizer", cni_object_write(&p->arena, model->compiled->optimizer));
    return CN_OK;
}

/* ---- what nobody named ---- */

static cn_status put_choices(parts *p, cn_model *model, const cn_data *data, cni_text *chosen)
{
    const bool all_named = cni_value_get(p->config, "optimizer") && cni_value_get(p->config, "loss");
    if (model->compiled || all_named) return CN_OK;
    if (model->compile_error.status) return cni_compiled_check(model, cn_model_name(model), p->error);
    if (!cni_value_get(p->config, "optimizer")) {
        CN_TRY(put(p, "optimizer", cni_value_text(&p->arena, "adam")));
        cni_text_add(chosen, "optimizer adam");
    }
    if (cni_value_get(p->config, "loss")) return CN_OK;
    if (model->output_count != 1 || !data->y.data)
        return cni_fail(p->error, CN_ERR_STATE,
                        "the model was never compiled and has %d outputs: name their losses (--loss)",
                        model->output_count);
    const choice *suits = choose(model, &data->y);
    CN_TRY(put(p, "loss", cni_value_text(&p->arena, suits->loss)));
    if (strchr(suits->loss, '(')) p->config->items[p->config->count - 1] = read_text(p, suits->loss, "loss");
    cni_text_printf(chosen, "%sloss %s", chosen->length ? ", " : "", suits->loss);
    if (cni_value_get(p->config, "metrics")) return CN_OK;
    const char *const metrics[CN_MAX_ARRAYS] = {suits->metric};
    CN_TRY(put(p, "metrics", read_texts(p, metrics, "metrics")));
    cni_text_printf(chosen, ", metrics %s", suits->metric);
    return CN_OK;
}

/* A Sequential that waits for its first input has no last layer to look at yet. */
static cn_status build(cn_model *model, const cn_data *data, cni_error *error)
{
    cni_samples rows = {.inputs = data->x.data ? 1 : 0};
    rows.x[0] = data->x;
    return cni_build_for_rows(model, &rows, "compile", error);
}

/* A file's compile_config that cannot be read is kept with the model; ours is refused, and leaves no trace. */
static cn_status take(parts *p, cn_model *model)
{
    const cni_error before = model->compile_error;
    cni_value *unread = model->unread_compile;
    CN_TRY(cni_compile_read(model, p->config, p->error));
    const cni_error refused = model->compile_error;
    if (!refused.status) return CN_OK;
    model->compile_error = before;
    model->unread_compile = unread;
    return cni_fail(p->error, refused.status, "%s", refused.text);
}

static cn_status compile(parts *p, cn_model *model, const cn_data *data, const cn_compile_args *args, cni_text *chosen)
{
    p->config = cni_value_dict(&p->arena);
    if (!p->config) return cni_no_memory(p->error, "compile");
    CN_TRY(build(model, data, p->error));
    CN_TRY(put_optimizer(p, model, args));
    CN_TRY(put_losses(p, args));
    if (args->metrics[0]) CN_TRY(put(p, "metrics", read_texts(p, args->metrics, "metrics")));
    if (args->weighted_metrics[0])
        CN_TRY(put(p, "weighted_metrics", read_texts(p, args->weighted_metrics, "weighted_metrics")));
    CN_TRY(put_choices(p, model, data, chosen));
    return take(p, model);
}

cn_status cn_compile_for(cn_model *model, const cn_data *data, const cn_compile_args *args, const char **chosen)
{
    static const cn_compile_args nothing = {.struct_size = sizeof nothing};
    if (!args) args = &nothing;
    if (chosen) *chosen = NULL;
    if (!model) return CN_ERR_MEMORY;
    if (model->error.status) return model->error.status;
    cni_error_clear(&model->call_error);
    if (args->struct_size != sizeof *args)
        return cni_fail(&model->call_error, CN_ERR_VERSION,
                        "compile: struct_size=%zu; set it to sizeof(cn_compile_args)", args->struct_size);
    if (model->compiled && !args->optimizer && !args->loss && !args->losses[0] && !args->metrics[0] &&
        !args->weighted_metrics[0])
        return CN_OK;
    cni_text text = {0};
    parts p = {.error = &model->call_error};
    const cn_status status = compile(&p, model, data, args, &text);
    cni_arena_free(&p.arena);
    free(model->text);
    model->text = cni_text_take(&text);
    if (chosen && !status) *chosen = model->text && *model->text ? model->text : NULL;
    return status;
}
