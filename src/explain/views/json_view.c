/* SPDX-License-Identifier: Apache-2.0
 * Everything for programs: JSON, schema 1.  Integers are integers, fractions [numerator, denominator], what is not
 * known is null.  `y` is the height axis and `x` the width, whatever the data format; `output` is in the framework's
 * order. */
#include "explain/explanation.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

typedef struct json {
    cni_text *out;
    bool joined; /* a comma comes before the next member */
} json;

static void text(json *j, const char *string)
{
    if (!string) {
        cni_text_add(j->out, "null");
        return;
    }
    cni_text_char(j->out, '"');
    while (*string) {
        const unsigned char c = (unsigned char)*string;
        uint32_t code = 0;
        const size_t size = cni_utf8_read(string, strnlen(string, 4), &code);
        if (c == '"' || c == '\\')
            cni_text_printf(j->out, "\\%c", c);
        else if (c == '\n')
            cni_text_add(j->out, "\\n");
        else if (size && (code < 0x20 || (code >= 0x7f && code < 0xa0))) /* a terminal obeys these */
            cni_text_printf(j->out, "\\u%04x", (unsigned)code);
        else if (size)
            cni_text_bytes(j->out, string, size);
        else
            cni_text_add(j->out, "\\ufffd");
        string += size ? size : 1;
    }
    cni_text_char(j->out, '"');
}

void cni_json_string(cni_text *out, const char *string)
{
    text(&(json){.out = out}, string);
}

static void key(json *j, const char *name)
{
    cni_text_printf(j->out, "%s\"%s\": ", j->joined ? ", " : "", name);
    j->joined = true;
}

static void open_(json *j, char bracket)
{
    cni_text_char(j->out, bracket);
    j->joined = false;
}

static void close_(json *j, char bracket)
{
    cni_text_char(j->out, bracket);
    j->joined = true;
}

static void item(json *j)
{
    if (j->joined) cni_text_add(j->out, ", ");
    j->joined = true;
}

static void number(json *j, int64_t value)
{
    if (value == CNI_UNSEEN)
        cni_text_add(j->out, "null");
    else
        cni_text_printf(j->out, "%" PRId64, value);
}

static void real(json *j, double value)
{
    if (isfinite(value))
        cni_text_printf(j->out, "%.6g", value);
    else
        cni_text_add(j->out, "null");
}

/* A whole number, or [numerator, denominator] in lowest terms; `always` as a pair. */
static void fraction(json *j, int64_t num, int64_t den, bool always)
{
    if (num == CNI_UNSEEN || den == CNI_UNSEEN || den < 1) {
        cni_text_add(j->out, "null");
        return;
    }
    int64_t a = llabs(num), b = den;
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    if (!a) a = 1;
    if (den / a == 1 && !always)
        number(j, num / a);
    else
        cni_text_printf(j->out, "[%" PRId64 ", %" PRId64 "]", num / a, den / a);
}

static void member(json *j, const char *name, int64_t value)
{
    key(j, name);
    number(j, value);
}

static void text_member(json *j, const char *name, const char *value)
{
    key(j, name);
    text(j, value);
}

static void span_member(json *j, cni_span span)
{
    key(j, "span");
    if (span.line)
        cni_text_printf(j->out, "[%d, %d, %d, %d]", span.line, span.column, span.end_line, span.end_column);
    else
        cni_text_add(j->out, "null");
}

static void size_list(json *j, const cni_shape *shape)
{
    open_(j, '[');
    for (int i = 1; i < shape->rank; i++) {
        item(j);
        number(j, shape->dims[i] < 0 ? CNI_UNSEEN : shape->dims[i]);
    }
    close_(j, ']');
}

static void amount(json *j, const char *name, const cni_amount *amount_)
{
    key(j, name);
    open_(j, '{');
    member(j, "trainable", amount_->trainable);
    member(j, "other", amount_->other);
    close_(j, '}');
}

/* ---- layers ---- */

static const char *kind_of(const cni_explained *node)
{
    static const struct {
        unsigned trait;
        const char *name;
    } by_trait[] = {{CNI_IS_INPUT, "input"},          {CNI_IS_DEPTHWISE, "depthwise"},
                    {CNI_IS_SEPARABLE, "separable"},  {CNI_IS_CONVOLUTION, "conv"},
                    {CNI_IS_DENSE, "dense"},          {CNI_IS_MAX_POOL, "maxpool"},
                    {CNI_IS_AVERAGE_POOL, "avgpool"}, {CNI_IS_GLOBAL_POOL, "globalpool"},
                    {CNI_IS_BATCH_NORM, "batchnorm"}, {CNI_IS_NORMALIZATION, "norm"},
                    {CNI_IS_DROPOUT, "dropout"},      {CNI_IS_FLATTEN, "flatten"},
                    {CNI_IS_PADDING, "pad"},          {CNI_IS_CROPPING, "crop"},
                    {CNI_IS_CONCATENATE, "concat"},   {CNI_IS_MERGE, "merge"},
                    {CNI_IS_SOFTMAX, "softmax"},      {CNI_IS_ACTIVATION, "activation"},
                    {CNI_IS_NOTHING, "identity"}};
    const cni_layer_kind *kind = node->layer->kind;
    if (!kind) return "unknown";
    if (node->view.type == CNI_VIEW_TRANSPOSED) return "conv_transpose";
    for (size_t i = 0; i < sizeof by_trait / sizeof *by_trait; i++)
        if (kind->traits & by_trait[i].trait) return by_trait[i].name;
    switch (node->view.type) {
    case CNI_VIEW_NEAREST:
    case CNI_VIEW_BILINEAR:
        return "upsample";
    case CNI_VIEW_ADAPTIVE:
        return "adaptivepool";
    case CNI_VIEW_SHIFT:
        return "pad";
    case CNI_VIEW_ALL:
        return "reshape";
    default:
        return "other";
    }
}

static void pair(json *j, const char *name, int64_t a, int64_t b)
{
    key(j, name);
    open_(j, '[');
    item(j);
    number(j, a);
    item(j);
    number(j, b);
    close_(j, ']');
}

static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return a == CNI_UNSEEN || b == CNI_UNSEEN || __builtin_mul_overflow(a, b, &product) ? CNI_UNSEEN : product;
}

static void axis(json *j, const char *name, const cni_explained *node, int index)
{
    char formula[200];
    key(j, name);
    const bool windowed = node->view.type == CNI_VIEW_WINDOW || node->view.type == CNI_VIEW_TRANSPOSED;
    if (!windowed || index < 0 || index >= node->view.spatial || node->suspect) {
        cni_text_add(j->out, "null");
        return;
    }
    const cni_axis *a = &node->axis[index];
    open_(j, '{');
    member(j, "n", a->n < 0 ? CNI_UNSEEN : a->n);
    member(j, "k", a->k);
    member(j, "s", a->s);
    member(j, "d", a->d);
    pair(j, "pad", a->before, a->after);
    pair(j, "used", a->before, a->after_used);
    member(j, "o", a->o);
    member(j, "rem", a->rest);
    member(j, "tail", a->tail);
    member(j, "unread", a->unread);
    member(j, "border", a->border);
    member(j, "blind", a->blind);
    member(j, "real", a->real);
    member(j, "taps", times(a->o, a->k));
    member(j, "dead_taps", a->live == CNI_UNSEEN ? CNI_UNSEEN : a->k - a->live);
    text_member(j, "formula", cni_axis_formula(&node->view, index, a, formula, sizeof formula));
    close_(j, '}');
}

static void field_axis(json *j, const char *name, const cni_receptive_field *f)
{
    key(j, name);
    open_(j, '[');
    item(j);
    if (f->affine)
        fraction(j, f->size, f->unit, false);
    else
        number(j, f->most);
    item(j);
    fraction(j, f->jump, f->unit, false);
    item(j);
    if (f->affine)
        fraction(j, f->start, f->unit, false);
    else
        number(j, CNI_UNSEEN);
    close_(j, ']');
}

static void field(json *j, const cni_analysis *analysis, const cni_explained *node)
{
    static const char *const names[CNI_MAX_SPATIAL][CNI_MAX_SPATIAL] = {{"x"}, {"y", "x"}, {"z", "y", "x"}};
    const int axes = analysis->image >= 0 ? analysis->nodes[analysis->image].spatial : 0;
    bool all = axes > 0, affine = true;
    key(j, "field");
    for (int i = 0; i < axes; i++) {
        all &= node->field[i].all;
        affine &= node->field[i].affine;
    }
    if (!axes || node->suspect || all || !node->field[0].unit || (!node->spatial && !all)) {
        cni_text_add(j->out, all && !node->suspect ? "\"all\"" : "null");
        return;
    }
    open_(j, '{');
    for (int i = 0; i < axes; i++) field_axis(j, names[axes - 1][i], &node->field[i]);
    key(j, "min");
    open_(j, '[');
    for (int i = 0; i < axes; i++) {
        item(j);
        if (affine)
            fraction(j, node->field[i].least_size, node->field[i].unit, false);
        else
            number(j, node->field[i].least);
    }
    close_(j, ']');
    key(j, affine ? "centre0" : "max");
    open_(j, '[');
    for (int i = 0; i < axes; i++) {
        const cni_receptive_field *f = &node->field[i];
        item(j);
        if (!affine)
            number(j, f->most);
        else {
            int64_t num = CNI_UNSEEN, den = 1;
            const bool known = cni_centre_of(f, 0, &num, &den);
            fraction(j, known ? num : CNI_UNSEEN, den, true);
        }
    }
    close_(j, ']');
    close_(j, '}');
}

/* Formulas of sizes that are not known, rows first; null where the size is known. */
static void symbols(json *j, const cni_explained *node)
{
    bool open = false;
    for (int i = 0; i < node->spatial; i++) open |= node->map[i] < 0 && node->symbol[i];
    if (!open) return;
    key(j, "formulas");
    open_(j, '[');
    for (int i = 0; i < node->spatial; i++) {
        item(j);
        text(j, node->map[i] < 0 ? node->symbol[i] : NULL);
    }
    close_(j, ']');
}

/* What the layer holds, computes and moves. */
static void costs(json *j, const cni_explained *node)
{
    const cni_amount none = {0};
    amount(j, "params", node->shared_with >= 0 ? &none : &node->params);
    if (node->shared_with >= 0) member(j, "shared_with", node->shared_with);
    member(j, "macs", node->macs);
    member(j, "macs_real", node->macs_real);
    member(j, "macs_dead", node->macs_dead);
    /* 0 of a layer whose work is not known is no number. */
    const bool known = node->macs != CNI_UNSEEN;
    member(j, "bias_adds", known || node->bias_adds ? node->bias_adds : CNI_UNSEEN);
    member(j, "other_ops", known || node->other_ops ? node->other_ops : CNI_UNSEEN);
    member(j, "dead_weights", node->dead_weights);
    member(j, "needed", node->needed);
    member(j, "positions", node->positions);
    key(j, "bytes");
    open_(j, '{');
    member(j, "in", node->bytes_in);
    member(j, "out", node->bytes_out);
    member(j, "weights", node->bytes_weights);
    close_(j, '}');
    key(j, "intensity");
    real(j, node->intensity);
}

static void layer(json *j, cn_explanation *e, const cni_explained *node)
{
    const char *error = node->error.status ? node->error.text : NULL;
    char path[40];
    open_(j, '{');
    member(j, "id", node->id);
    text_member(j, "name", node->name);
    text_member(j, "kind", kind_of(node));
    text_member(j, "class", node->layer->class_name);
    key(j, "inputs");
    open_(j, '[');
    for (int i = 0; i < node->input_count; i++) {
        item(j);
        number(j, node->inputs[i]);
    }
    close_(j, ']');
    span_member(j, node->span);
    snprintf(path, sizeof path, "layers[%d]", node->layer_index);
    if (!node->span.line) text_member(j, "path", path);
    key(j, "output");
    if (node->shape.rank > 0)
        size_list(j, &node->shape);
    else
        cni_text_add(j->out, "null");
    symbols(j, node);
    if (node->spatial)
        text_member(j, "data_format", node->format == CN_CHANNELS_FIRST ? "channels_first" : "channels_last");
    if (error) text_member(j, "error", error);
    const int count = node->view.spatial;
    if (count == 3) axis(j, "z", node, 0);
    axis(j, "y", node, count - 2);
    axis(j, "x", node, count - 1);
    field(j, e->analysis, node);
    costs(j, node);
    if (isfinite(node->measured_ms)) {
        key(j, "expected_ms");
        real(j, node->expected_ms);
        key(j, "measured_ms");
        real(j, node->measured_ms);
    }
    if (e->counting != cni_countings) member(j, "counted", e->counting->count(e->analysis, node));
    close_(j, '}');
}

/* ---- the whole ---- */

static void totals(json *j, const cn_explanation *e)
{
    const cni_analysis *a = e->analysis;
    key(j, "totals");
    open_(j, '{');
    amount(j, "params", &a->params);
    member(j, "macs", a->macs);
    member(j, "macs_real", a->macs_real);
    member(j, "macs_dead", a->macs_dead);
    member(j, "flops", a->flops);
    member(j, "train_macs", a->train_macs);
    member(j, "weights_bytes", a->weights_bytes);
    member(j, "dead_pixels", a->dead_pixels);
    key(j, "width95");
    real(j, a->width95);
    if (e->counting != cni_countings) text_member(j, "counting", e->counting->what);
    close_(j, '}');
}

static void memory(json *j, const cni_memory *m)
{
    static const char *const names[] = {"sgd", "momentum", "adam"};
    key(j, "memory");
    open_(j, '{');
    member(j, "peak", m->peak);
    member(j, "saved", m->saved);
    member(j, "working", m->working);
    key(j, "train");
    if (m->train[0] == CNI_UNSEEN) {
        cni_text_add(j->out, "null");
    } else {
        open_(j, '{');
        for (int i = 0; i < 3; i++) member(j, names[i], m->train[i]);
        close_(j, '}');
    }
    member(j, "plan", m->plan);
    close_(j, '}');
}

static void fix(json *j, const cni_fix *f)
{
    item(j);
    open_(j, '{');
    text_member(j, "edit", f->code);
    key(j, "cost");
    open_(j, '{');
    member(j, "params", f->params);
    member(j, "macs", f->macs);
    key(j, "macs_share");
    real(j, f->macs_share);
    text_member(j, "output", f->result);
    close_(j, '}');
    close_(j, '}');
}

static void finding(json *j, const cni_finding *f)
{
    const char grade[2] = {f->rule->grade, 0};
    open_(j, '{');
    text_member(j, "id", f->rule->id);
    text_member(j, "severity", cni_severity_name(f->severity));
    member(j, "layer", f->node < 0 ? CNI_UNSEEN : f->node);
    if (f->nodes) {
        key(j, "layers");
        open_(j, '[');
        for (int i = 0; i < f->node_count; i++) {
            item(j);
            number(j, f->nodes[i]);
        }
        close_(j, ']');
    }
    span_member(j, f->span);
    text_member(j, "text", f->text);
    if (f->history) text_member(j, "history", f->history);
    text_member(j, "grade", grade);
    key(j, "fixes");
    open_(j, '[');
    for (int i = 0; i < f->fix_count; i++) fix(j, &f->fixes[i]);
    close_(j, ']');
    if (f->advice) text_member(j, "advice", f->advice);
    close_(j, '}');
}

static void remark(json *j, const cni_remark *r)
{
    open_(j, '{');
    text_member(j, "id", r->id);
    text_member(j, "severity", cni_severity_name(r->severity));
    member(j, "layer", CNI_UNSEEN);
    span_member(j, r->span);
    text_member(j, "text", r->text);
    text_member(j, "grade", "A");
    key(j, "fixes");
    cni_text_add(j->out, "[]");
    if (r->hint) text_member(j, "advice", r->hint);
    close_(j, '}');
}

static void line(json *j)
{
    cni_text_add(j->out, j->joined ? ",\n    " : "\n    ");
    j->joined = true;
}

static void findings(json *j, const cn_explanation *e)
{
    static const cni_severity order[] = {CNI_ERROR, CNI_WARNING, CNI_NOTE, CNI_HINT};
    const cni_remarks *remarks = &e->description->remarks;
    open_(j, '[');
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        for (int i = 0; i < remarks->count; i++)
            if (remarks->items[i].severity == order[k]) {
                line(j);
                remark(j, &remarks->items[i]);
            }
        for (int i = 0; i < e->findings->count; i++)
            if (e->findings->items[i].severity == order[k]) {
                line(j);
                finding(j, &e->findings->items[i]);
            }
    }
    close_(j, ']');
}

bool cni_view_json(cn_explanation *e, cni_page *page)
{
    json json_ = {.out = page->out}, *j = &json_;
    const cni_analysis *analysis = e->analysis;
    open_(j, '{');
    member(j, "schema", 1);
    text_member(j, "dialect", e->flat->dialect == CNI_TORCH ? "torch" : "keras");
    text_member(j, "source", e->source);
    text_member(j, "name", e->description->name);
    key(j, "input");
    open_(j, '[');
    for (int i = 0; i < analysis->count; i++)
        if (!analysis->nodes[i].input_count) {
            item(j);
            size_list(j, &analysis->nodes[i].shape);
        }
    close_(j, ']');
    text_member(j, "dtype", e->given.dtype ? e->given.dtype : "f32");
    member(j, "batch", e->given.batch);
    cni_text_add(page->out, ",\n  \"layers\": [");
    j->joined = false;
    for (int i = 0; i < analysis->count; i++) {
        line(j);
        layer(j, e, &analysis->nodes[i]);
    }
    cni_text_add(page->out, "],\n  ");
    j->joined = false;
    totals(j, e);
    cni_text_add(page->out, ",\n  ");
    j->joined = false;
    memory(j, &analysis->memory);
    cni_text_add(page->out, ",\n  \"findings\": ");
    findings(j, e);
    cni_text_add(page->out, "}\n");
    return true;
}
