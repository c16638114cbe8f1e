/* SPDX-License-Identifier: Apache-2.0
 * The public calls: a source is read into a description, the description examined, the views laid out. */
#include "explain/explanation.h"
#include "explain/analysis/measure.h"

#include "base/take.h"
#include "formats/bytes.h"
#include "formats/json.h"
#include "formats/keras.h"
#include "formats/source/source.h"
#include "formats/zip.h"
#include "model/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The text of a failure that has no explanation to live in. */
static _Thread_local cni_error explain_error;

enum { TEXT_LIMIT = 1 << 20, DEFAULT_WIDTH = 80, LEAST_WIDTH = 60 };

/* ---- reading ---- */

static cn_status read_text(cn_explanation *e, const char *text, size_t size, const char *file)
{
    CN_TRY(cni_source_read(&e->arena, text, size, file, e->given.model, &e->description, &e->error));
    if (!e->description) return cni_fail(&e->error, CN_ERR_FORMAT, "%s: holds no network", file);
    /* Not the text's fault, but that of who chose. */
    const cni_remarks *remarks = &e->description->remarks;
    for (int i = 0; e->given.model && i < remarks->count; i++)
        if (strcmp(remarks->items[i].id, "I808") == 0 && strncmp(remarks->items[i].text, "there is no model", 17) == 0)
            return cni_fail(&e->error, CN_ERR_INVALID, "%s: %s", file, remarks->items[i].text);
    return CN_OK;
}

/* Weights are not looked at: a configuration is enough. */
static cn_status read_config(cn_explanation *e, cni_bytes bytes, const char *file)
{
    cni_value *value;
    cn_context *context = cn_default_context();
    if (!context) return cni_no_memory(&e->error, "a context");
    cn_status status = cni_json_read(&e->arena, bytes, NULL, &value, &e->error);
    if (!status) status = cni_model_from_value(context, value, false, &e->model, &e->error);
    if (status) return cni_fail_in(&e->error, "%s", file);
    CN_TRY(cni_description_of_model(&e->arena, e->model, &e->description, &e->error));
    e->description->file = file;
    return CN_OK;
}

static bool is_keras_2(cn_explanation *e, const cni_zip *zip)
{
    cni_bytes metadata;
    cni_error ignored = {0};
    const cni_zip_member *member = cni_zip_find(zip, "metadata.json");
    return member && !cni_zip_read(&e->arena, member, &metadata, &ignored) &&
           cni_keras_2(metadata, &e->arena, &e->error);
}

static cn_status read_archive(cn_explanation *e, cni_bytes bytes, const char *file)
{
    cni_zip zip;
    cni_bytes config;
    cn_status status = cni_zip_open(&e->arena, bytes, NULL, &zip, &e->error);
    if (status) return cni_fail_in(&e->error, "%s", file);
    const cni_zip_member *member = cni_zip_find(&zip, "config.json");
    if (!member)
        return cni_fail(&e->error, CN_ERR_FORMAT, "%s: an archive without config.json; a .keras file is expected",
                        file);
    status = cni_zip_read(&e->arena, member, &config, &e->error);
    if (status) return cni_fail_in(&e->error, "%s", file);
    status = read_config(e, config, file);
    return status && is_keras_2(e, &zip) ? cni_fail_in(&e->error, "%s", file) : status;
}

static cn_status read_bytes(cn_explanation *e, cni_bytes bytes, const char *file)
{
    const char *text = (const char *)bytes.data;
    size_t first = 0;
    if (cni_zip_detect(bytes)) return read_archive(e, bytes, file);
    while (first < bytes.size && strchr(" \t\r\n", text[first])) first++;
    if (first < bytes.size && text[first] == '{') return read_config(e, bytes, file);
    if (bytes.size > 8 && memcmp(text, "\x89HDF\r\n\x1a\n", 8) == 0)
        return cni_fail(&e->error, CN_ERR_UNSUPPORTED,
                        "%s: an HDF5 file, which cannot be explained yet; save the model as .keras", file);
    if (first == bytes.size && !cni_source_is_model_name(file)) return read_text(e, text, bytes.size, file);
    if (first == bytes.size)
        return cni_fail(&e->error, CN_ERR_FORMAT, "%s: is empty; Keras or PyTorch code or a model is expected", file);
    if (cni_source_is_model_name(file) || !cni_source_detect(text, bytes.size))
        return cni_fail(&e->error, CN_ERR_FORMAT,
                        "%s: no Keras or PyTorch code is in it, and it is no model file (.keras, .json)", file);
    return read_text(e, text, bytes.size, file);
}

static cn_status read_source(cn_explanation *e, const char *source)
{
    struct stat info;
    cni_bytes bytes;
    e->source = cni_arena_text(&e->arena, source);
    if (!e->source) return cni_no_memory(&e->error, "an explanation");
    const bool standard = strcmp(source, "-") == 0;
    if (standard) e->source = "<stdin>";
    if (!standard && cni_source_is_code(source)) {
        e->source = "<text>";
        return read_text(e, source, strlen(source), "<text>");
    }
    if (!standard && stat(source, &info) == 0 && S_ISDIR(info.st_mode)) {
        char path[4096];
        snprintf(path, sizeof path, "%s/config.json", source);
        CN_TRY(cni_file_read(&e->arena, path, TEXT_LIMIT * 64, &bytes, &e->error));
        return read_config(e, bytes, e->source);
    }
    CN_TRY(cni_file_read(&e->arena, source, (uint64_t)8 << 30, &bytes, &e->error));
    return read_bytes(e, bytes, e->source);
}

/* ---- options ---- */

static cn_status read_input(cn_explanation *e, cni_explain_options *options)
{
    const char *text = e->given.input ? e->given.input : e->description->comments.input;
    return cni_source_sizes(text, e->description->dialect, options->input, &options->input_count, &e->error);
}

/* "# cornu: off Z9" */
static void check_comments(cn_explanation *e)
{
    const cni_source_comments *comments = &e->description->comments;
    for (int i = 0; i < comments->off_count; i++)
        if (!cni_rule_find(comments->off[i].id) && strncmp(comments->off[i].id, "I8", 2) != 0)
            cni_remark_add(&e->description->remarks, "I806", CNI_NOTE, comments->off[i].span,
                           "findings are named as K302 is, parted by commas", "there is no finding %s",
                           comments->off[i].id);
}

static cn_status read_dtype(cn_explanation *e, cni_explain_options *options)
{
    static const struct {
        const char *name;
        int bytes;
    } types[] = {{"f32", 4}, {"f16", 2}, {"i8", 1}};
    options->bytes = 4;
    if (!e->given.dtype) return CN_OK;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, e->given.dtype) == 0) {
            options->bytes = types[i].bytes;
            return CN_OK;
        }
    return cni_fail(&e->error, CN_ERR_INVALID, "dtype '%s': expected f32, f16 or i8", e->given.dtype);
}

static cn_status read_like(cn_explanation *e)
{
    e->counting = cni_counting_find(e->given.like);
    if (e->counting) return CN_OK;
    return cni_fail(&e->error, CN_ERR_INVALID, "like '%s': expected cornu, torchinfo, tf or darknet", e->given.like);
}

/* ---- examining ---- */

/* In a context of its own, with the user's threads: no seed and no name of the user's is used up. */
static bool measure(cn_explanation *e)
{
    cni_error ignored = {0};
    cn_context *context = cn_context_new();
    if (!context) return false;
    const cn_context *users = cn_default_context();
    if (users) cn_set_threads(context, users->threads);
    if (e->given.measure)
        cni_measure_times(context, e->analysis, &e->unmeasured);
    else if (e->analysis->options.bytes == (int)sizeof(float))
        cni_measure_plan(context, e->analysis, &ignored);
    cn_context_free(context);
    return true;
}

static bool is_told_better(const cni_findings *findings, const cni_remark *remark)
{
    for (int i = 0; i < findings->count; i++) {
        const cni_finding *finding = findings->items + i;
        if (finding->severity == CNI_ERROR && finding->span.line == remark->span.line &&
            finding->span.column == remark->span.column)
            return true;
    }
    return false;
}

/* Arguments that exclude each other are refused by the reader, and mended by a finding: one of them is enough. */
static void drop_what_findings_tell(cn_explanation *e)
{
    cni_remarks *remarks = &e->description->remarks;
    int kept = 0;
    for (int i = 0; i < remarks->count; i++) {
        const cni_remark *remark = remarks->items + i;
        const bool dropped =
            remark->severity == CNI_ERROR && strcmp(remark->id, "I804") == 0 && is_told_better(e->findings, remark);
        remarks->errors -= dropped;
        if (!dropped) remarks->items[kept++] = *remark;
    }
    remarks->count = kept;
}

static cn_status examine(cn_explanation *e)
{
    cni_explain_options options = {.batch = e->batched ? e->given.batch : 0, .inplace = e->given.inplace};
    check_comments(e);
    CN_TRY(read_input(e, &options));
    CN_TRY(read_dtype(e, &options));
    CN_TRY(cni_description_flatten(&e->arena, e->description, &e->flat, &e->error));
    CN_TRY(cni_analyse(&e->arena, e->flat, &options, &e->analysis, &e->error));
    if (!measure(e)) return cni_no_memory(&e->error, "a context");
    CN_TRY(cni_find(e->analysis, e->given.off, e->given.only, &e->findings, &e->error));
    drop_what_findings_tell(e);
    return CN_OK;
}

static const char *keep(cn_explanation *e, const char *text)
{
    return cni_arena_text(&e->arena, text);
}

static cn_status take_options(cn_explanation *e, const cn_explain_options *options)
{
    cn_explain_options *given = &e->given;
    if (options) CN_TRY(cni_take_args(given, sizeof *given, options, sizeof(size_t), "cn_explain", &e->error));
    if (given->batch < 0) return cni_fail(&e->error, CN_ERR_INVALID, "batch %d: expected 1 or more", given->batch);
    e->batched = given->batch > 0;
    if (!given->batch) given->batch = 1;
    const char **texts[] = {&given->input, &given->model, &given->off, &given->only, &given->like, &given->dtype};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i] && !(*texts[i] = keep(e, *texts[i]))) return cni_no_memory(&e->error, "options");
    return read_like(e);
}

static cn_status explain(cn_explanation *e, const char *source, const cn_explain_options *options)
{
    CN_TRY(take_options(e, options));
    CN_TRY(read_source(e, source));
    return examine(e);
}

cn_status cn_explain(const char *source, const cn_explain_options *options, cn_explanation **explanation,
                     const char **error)
{
    cni_error_clear(&explain_error);
    if (error) *error = NULL;
    if (explanation) *explanation = NULL;
    cn_explanation *e = source && explanation ? calloc(1, sizeof *e) : NULL;
    cn_status status = e ? explain(e, source, options)
                         : cni_fail(&explain_error, source && explanation ? CN_ERR_MEMORY : CN_ERR_INVALID,
                                    source && explanation ? "no memory for an explanation"
                                                          : "cn_explain: no source or place given (NULL)");
    if (!status) {
        *explanation = e;
        return CN_OK;
    }
    if (e) explain_error = e->error;
    cn_explanation_free(e);
    if (error) *error = explain_error.text;
    return status;
}

void cn_explanation_free(cn_explanation *explanation)
{
    if (!explanation) return;
    cn_model_free(explanation->model);
    cni_text_free(&explanation->text);
    cni_arena_free(&explanation->arena);
    free(explanation);
}

/* ---- asking ---- */

int cn_explanation_count(const cn_explanation *explanation, int severity)
{
    int count = 0;
    if (!explanation) return 0;
    const cni_remarks *remarks = &explanation->description->remarks;
    for (int i = 0; i < remarks->count; i++)
        count += (int)remarks->items[i].severity == severity && severity != CNI_ERROR;
    for (int i = 0; i < explanation->findings->count; i++)
        count += (int)explanation->findings->items[i].severity == severity;
    return count + (severity == CNI_ERROR ? remarks->errors : 0);
}

double cn_explanation_flops(const cn_explanation *explanation, bool training)
{
    if (!explanation) return NAN;
    const int64_t macs = training ? explanation->analysis->train_macs : explanation->analysis->macs;
    return macs == CNI_UNSEEN ? NAN : 2 * (double)macs;
}

const char *cn_explanation_error(const cn_explanation *explanation)
{
    return explanation ? explanation->error.text : "no explanation given (NULL)";
}

static bool view_layer(cn_explanation *e, const char *name, cni_page *page)
{
    const cni_explained *node = name ? cni_shown_find(e, name) : NULL;
    if (node) return cni_view_card(e, node, page);
    const char **names = CNI_NEW_ARRAY(&e->arena, const char *, (size_t)e->analysis->count + 1);
    for (int i = 0; names && i < e->analysis->count; i++) names[i] = cni_shown_name(e, &e->analysis->nodes[i]);
    const char *nearest = names && name ? cni_nearest(name, names, (size_t)e->analysis->count) : NULL;
    cni_fail(&e->error, CN_ERR_INVALID, "there is no layer '%s'%s%s%s", name ? name : "",
             nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return false;
}

static bool view_full(cn_explanation *e, cni_page *page)
{
    if (!cni_view_summary(e, page)) return false;
    if (e->description->remarks.errors) return true;
    for (int i = 0; i < e->analysis->count; i++) {
        if (!e->analysis->nodes[i].input_count) continue;
        cni_text_char(page->out, '\n');
        if (!cni_view_card(e, &e->analysis->nodes[i], page)) return false;
    }
    return true;
}

static bool begin_page(cn_explanation *e, const cn_explain_style *style, cn_explain_style *own, cni_page *page)
{
    cni_error_clear(&e->error);
    cni_text_free(&e->text);
    if (style && cni_take_args(own, sizeof *own, style, sizeof(size_t), "cn_explanation_text", &e->error)) return false;
    if (!own->width) own->width = DEFAULT_WIDTH;
    if (own->width < LEAST_WIDTH) own->width = LEAST_WIDTH;
    *page = (cni_page){.out = &e->text, .width = own->width, .ascii = own->ascii, .colour = own->colour};
    return true;
}

static const char *finish_page(cn_explanation *e, bool done)
{
    if (done && e->text.failed) {
        cni_no_memory(&e->error, "a view");
        done = false;
    }
    return done ? cni_text_get(&e->text) : NULL;
}

const char *cn_explanation_text(cn_explanation *e, cn_explain_view view, const cn_explain_style *style)
{
    cn_explain_style own = {0};
    cni_page page;
    bool done = false;
    if (!e || !begin_page(e, style, &own, &page)) return NULL;
    switch (view) {
    case CN_EXPLAIN_SUMMARY:
        done = cni_view_summary(e, &page);
        break;
    case CN_EXPLAIN_LAYER:
        done = view_layer(e, own.layer, &page);
        break;
    case CN_EXPLAIN_FULL:
        done = view_full(e, &page);
        break;
    case CN_EXPLAIN_JSON:
        done = cni_view_json(e, &page);
        break;
    case CN_EXPLAIN_MARKDOWN:
        done = cni_view_markdown(e, &page);
        break;
    case CN_EXPLAIN_HTML:
        done = cni_view_html(e, &page);
        break;
    default:
        cni_fail(&e->error, CN_ERR_UNSUPPORTED, "this view is not supported");
    }
    return finish_page(e, done);
}

const char *cn_explanation_compare(cn_explanation *a, cn_explanation *b, const cn_explain_style *style)
{
    cn_explain_style own = {0};
    cni_page page;
    if (!a || !b || !begin_page(a, style, &own, &page)) return NULL;
    return finish_page(a, cni_view_compare(a, b, own.view, own.full, &page));
}
