/* SPDX-License-Identifier: Apache-2.0
 * Keras' model.summary(): the same table and footer (keras/src/utils/summary_utils.py, 3.15). */
#include "model/compile.h"
#include "model/model.h"

#include "base/table.h"
#include "base/take.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SUMMARY_COLUMNS = 5 };

typedef struct summary {
    cn_model *model;
    bool expand_nested, show_trainable;
    bool chain; /* no "Connected to" */
    cni_column columns[SUMMARY_COLUMNS];
    int column_count;
    cni_text out;
    bool begun; /* a row is there */
    cni_error *error;
} summary;

/* The calls of each layer of one model, in their order: head[layer->index], then next[call->id]; -1 ends. */
typedef struct call_lists {
    int *head, *next;
} call_lists;

static cn_status list_calls(cn_model *model, call_lists *lists, cni_error *error)
{
    lists->head = malloc(((size_t)model->layer_count + 1) * sizeof *lists->head);
    lists->next = malloc(((size_t)model->call_count + 1) * sizeof *lists->next);
    if (!lists->head || !lists->next) return cni_no_memory(error, "a summary");
    for (int i = 0; i < model->layer_count; i++) {
        model->layers[i]->index = i;
        lists->head[i] = -1;
    }
    for (int i = model->call_count - 1; i >= 0; i--) {
        int *head = lists->head + model->calls[i]->layer->index;
        model->calls[i]->id = i;
        lists->next[i] = *head;
        *head = i;
    }
    return CN_OK;
}

static void free_lists(call_lists *lists)
{
    free(lists->head);
    free(lists->next);
}

/* ---- is it a chain? ---- */

static bool one_call_per_depth(const cn_model *model, int *depths, int *seen)
{
    for (int i = model->call_count - 1; i >= 0; i--) {
        const cni_call *call = model->calls[i];
        if (seen[depths[i]]++) return false;
        for (int j = 0; j < call->input_count; j++) {
            int *below = depths + call->inputs[j]->call->id;
            if (*below < depths[i] + 1) *below = depths[i] + 1;
        }
    }
    return true;
}

/* Keras: no more than one call at every depth, of one input at most, and no layer called twice. */
static cn_status find_chain(summary *s, const call_lists *lists)
{
    const cn_model *model = s->model;
    s->chain = true;
    if (model->sequential) return CN_OK;
    for (int i = 0; i < model->call_count && s->chain; i++)
        s->chain = model->calls[i]->input_count <= 1 && lists->next[i] < 0;
    if (!s->chain) return CN_OK;
    int *depths = calloc((size_t)model->call_count + 1, sizeof *depths);
    int *seen = calloc((size_t)model->call_count + 1, sizeof *seen);
    cn_status status = depths && seen ? CN_OK : cni_no_memory(s->error, "a summary");
    if (!status) s->chain = one_call_per_depth(model, depths, seen);
    free(depths);
    free(seen);
    return status;
}

/* ---- widths ---- */

/* Keras gives each column a share of the line, and rich then takes the excess off the columns evenly, rounding what is
 * left to the nearest even number: two blanks in each cell and the bars have to fit too. */
static cn_status set_widths(summary *s, int width)
{
    static const double chain_ends[] = {0.45, 0.80, 1.0}, graph_ends[] = {0.3, 0.56, 0.74, 1.0};
    const double *ends = s->chain ? chain_ends : graph_ends;
    int own = s->chain ? 3 : 4, count = s->column_count;
    int line = (s->chain ? 88 : 108) + (s->show_trainable ? 12 : 0), used = 0;
    if (line > width - 4) line = width - 4;
    for (int i = 0; i < count; i++) {
        double end = i == own ? 1.0 : s->show_trainable ? ends[i] * 0.90 : ends[i];
        s->columns[i].width = (int)(end * line) - used;
        used += s->columns[i].width;
        if (s->columns[i].width < 4) goto narrow;
    }
    int excess = used + 2 * count - (line - count - 1);
    for (int i = 0; i < count; i++) {
        int share = (int)nearbyint((double)excess / (count - i));
        excess -= share;
        s->columns[i].width -= share;
        if (s->columns[i].width < 1) goto narrow;
    }
    return CN_OK;
narrow:
    return cni_fail(s->error, CN_ERR_INVALID, "summary: %d columns are too few for the table; 80 are usual", width);
}

static cn_status set_columns(summary *s, int width)
{
    s->columns[s->column_count++] = (cni_column){.header = "Layer (type)"};
    s->columns[s->column_count++] = (cni_column){.header = "Output Shape"};
    s->columns[s->column_count++] = (cni_column){.header = "Param #", .align = CNI_ALIGN_RIGHT};
    if (!s->chain) s->columns[s->column_count++] = (cni_column){.header = "Connected to"};
    if (s->show_trainable)
        s->columns[s->column_count++] = (cni_column){.header = "Trainable", .align = CNI_ALIGN_CENTER};
    return set_widths(s, width);
}

/* ---- cells ---- */

/* 1,234,567 */
static void add_count(cni_text *text, int64_t count)
{
    if (count >= 1000) {
        add_count(text, count / 1000);
        cni_text_printf(text, ",%03d", (int)(count % 1000));
    } else {
        cni_text_printf(text, "%d", (int)count);
    }
}

static void add_shapes(cni_text *text, cn_node *const *nodes, int count)
{
    if (count > 1) cni_text_char(text, '[');
    for (int i = 0; i < count; i++) {
        if (i) cni_text_add(text, ", ");
        cni_text_add(text, CNI_SHOW_SHAPE(&nodes[i]->shape));
    }
    if (count > 1) cni_text_char(text, ']');
}

static bool is_built(const cn_layer *layer)
{
    if (layer->inner) return layer->inner->complete;
    return layer->built || !layer->kind->lazily_built;
}

/* The shape of the last call; of a model that was not called, its own. */
static void write_shape(cni_text *text, const cn_layer *layer, const call_lists *lists)
{
    const cni_call *last = NULL;
    for (int i = lists->head[layer->index]; i >= 0; i = lists->next[i]) last = layer->model->calls[i];
    if (last)
        add_shapes(text, last->outputs, last->output_count);
    else if (layer->inner && layer->inner->complete)
        add_shapes(text, layer->inner->outputs, layer->inner->output_count);
    else
        cni_text_char(text, '?');
}

static void write_connections(cni_text *text, const cn_layer *layer, const call_lists *lists)
{
    for (int i = lists->head[layer->index]; i >= 0; i = lists->next[i]) {
        const cni_call *call = layer->model->calls[i];
        for (int j = 0; j < call->input_count; j++) {
            const cn_node *node = call->inputs[j];
            if (text->length) cni_text_add(text, ", ");
            cni_text_printf(text, "%s[%d][%d]", node->call->layer->name, node->call->node_index, node->tensor_index);
        }
    }
}

static void write_cells(summary *s, const cn_layer *layer, const call_lists *lists, int level, cni_text *cells)
{
    int at = 0;
    for (int i = 0; i < level; i++) cni_text_add(cells + at, "   ");
    cni_text_printf(cells + at++, "%s%s (%s)", level ? "└ " : "", layer->name, layer->kind->kind.name);
    write_shape(cells + at++, layer, lists);
    add_count(cells + at, cn_layer_count_params(layer));
    cni_text_add(cells + at++, is_built(layer) ? "" : " (unbuilt)");
    if (!s->chain) {
        if (!level) write_connections(cells + at, layer, lists);
        if (!cells[at].length) cni_text_char(cells + at, '-');
        at++;
    }
    if (s->show_trainable)
        cni_text_char(cells + at, !cn_layer_weight_count(layer) ? '-' : layer->trainable ? 'Y' : 'N');
}

static void add_row(summary *s, const cn_layer *layer, const call_lists *lists, int level)
{
    cni_text cells[SUMMARY_COLUMNS] = {0};
    const char *texts[SUMMARY_COLUMNS];
    write_cells(s, layer, lists, level, cells);
    for (int i = 0; i < s->column_count; i++) {
        texts[i] = cni_text_get(cells + i);
        s->out.failed |= cells[i].failed;
    }
    cni_table_row(&s->out, s->columns, s->column_count, texts, !s->begun);
    s->begun = true;
    for (int i = 0; i < s->column_count; i++) cni_text_free(cells + i);
}

static cn_status add_rows(summary *s, cn_model *model, const call_lists *lists, int level);

/* A model within the model; nesting is bounded where models are read. */
static cn_status add_inner(summary *s, cn_model *inner, int level)
{
    call_lists lists;
    cn_status status = list_calls(inner, &lists, s->error);
    if (!status) status = add_rows(s, inner, &lists, level);
    free_lists(&lists);
    return status;
}

static cn_status add_rows(summary *s, cn_model *model, const call_lists *lists, int level)
{
    for (int i = 0; i < model->layer_count; i++) {
        const cn_layer *layer = model->layers[i];
        if (!cni_layer_is_listed(layer)) continue;
        add_row(s, layer, lists, level);
        if (s->expand_nested && layer->inner) CN_TRY(add_inner(s, layer->inner, level + 1));
    }
    return CN_OK;
}

/* ---- what stands round the table ---- */

static void add_total(summary *s, const char *what, int64_t count, int width)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double size = 4.0 * (double)count;
    int unit = 0;
    for (; unit < 5 && size / 1024 >= 1; unit++) size /= 1024;
    cni_text line = {0};
    cni_text_printf(&line, " %s params: ", what);
    add_count(&line, count);
    cni_text_printf(&line, " (%.2f %s)", size, units[unit]);
    cni_wrapped(&s->out, cni_text_get(&line), width);
    s->out.failed |= line.failed;
    cni_text_free(&line);
}

typedef struct totals {
    int64_t trainable, frozen;
} totals;

static void count_weight(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)layer;
    totals *t = user;
    *(frozen || !weight->trainable ? &t->frozen : &t->trainable) += cni_shape_count(&weight->shape, 0);
}

/* Everything that the optimizer keeps, its counter of steps and learning rate too; -1 when it is not built. */
static int64_t count_optimizer(const cn_model *model)
{
    cni_optimizer_state *state = model->compiled ? model->compiled->state : NULL;
    int64_t sum = 0;
    if (!state) return -1;
    for (int i = 0; i < cni_optimizer_variable_count(state); i++) {
        cni_optimizer_variable variable = cni_optimizer_variable_at(state, i);
        sum += cni_shape_count(&variable.shape, 0);
    }
    return sum;
}

static void add_footer(summary *s, int width)
{
    totals t = {0};
    cni_model_weights(s->model, count_weight, &t);
    int64_t optimizer = count_optimizer(s->model);
    add_total(s, "Total", t.trainable + t.frozen + (optimizer > 0 ? optimizer : 0), width);
    add_total(s, "Trainable", t.trainable, width);
    add_total(s, "Non-trainable", t.frozen, width);
    if (optimizer >= 0) add_total(s, "Optimizer", optimizer, width);
}

static cn_status write_summary(summary *s, const call_lists *lists, int width)
{
    CN_TRY(find_chain(s, lists));
    CN_TRY(set_columns(s, width));
    cni_text title = {0};
    cni_text_printf(&title, "Model: \"%s\"", s->model->name);
    cni_wrapped(&s->out, cni_text_get(&title), width);
    s->out.failed |= title.failed;
    cni_text_free(&title);
    cni_table_begin(&s->out, s->columns, s->column_count);
    CN_TRY(add_rows(s, s->model, lists, 0));
    cni_table_end(&s->out, s->columns, s->column_count);
    add_footer(s, width);
    return CN_OK;
}

const char *cn_summary(cn_model *model, const cn_summary_options *given)
{
    cn_summary_options options = {0};
    if (!model || model->error.status) return NULL;
    cni_error_clear(&model->call_error);
    if (given && cni_take_args(&options, sizeof options, given, sizeof(size_t), "cn_summary", &model->call_error))
        return NULL;
    summary s = {.model = model,
                 .expand_nested = options.expand_nested,
                 .show_trainable = options.show_trainable,
                 .error = &model->call_error};
    call_lists lists = {0};
    cn_status status = list_calls(model, &lists, s.error);
    if (!status) status = write_summary(&s, &lists, options.width > 0 ? options.width : 80);
    free_lists(&lists);
    char *text = status ? NULL : cni_text_take(&s.out);
    if (!text && !status) cni_no_memory(s.error, "a summary");
    cni_text_free(&s.out);
    if (!text) return NULL;
    free(model->text);
    return model->text = text;
}
