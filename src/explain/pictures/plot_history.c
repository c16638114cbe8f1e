/* SPDX-License-Identifier: Apache-2.0
 * The curves of a training: which belong into which panel, and what the legend says of them. */
#include <cornu/explain.h>

#include "explain/drawing.h"
#include "formats/bytes.h"
#include "learning/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum subject { LOSSES, SHARES, OTHERS, RATES, SUBJECTS } subject;

typedef struct plot {
    const cn_history *history;
    const int *epochs;
    int epoch_count;
    cni_chart *chart;
    cni_error *error;
} plot;

/* ---- names ---- */

static const char *base_of(const char *name)
{
    return strncmp(name, "val_", 4) == 0 ? name + 4 : name;
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* Whether all that is finite of a name, with and without val_, lies between 0 and 1: a share, a probability. */
static bool is_share(const cn_history *history, const char *base)
{
    for (int i = 0; i < cn_history_count(history); i++) {
        int count;
        const double *values = cn_history_values(history, i, &count);
        if (strcmp(base_of(cn_history_name(history, i)), base) != 0) continue;
        for (int j = 0; j < count; j++)
            if (isfinite(values[j]) && (values[j] < 0 || values[j] > 1)) return false;
    }
    return true;
}

static subject subject_of(const plot *p, const char *name)
{
    const char *base = base_of(name);
    if (strcmp(base, "loss") == 0 || ends_with(base, "_loss")) return LOSSES;
    if (strcmp(base, "learning_rate") == 0) return RATES;
    return is_share(p->history, base) ? SHARES : OTHERS;
}

/* +1 when more is better, -1 when less is, 0 when nobody knows. */
static int direction_of(const char *name, subject about)
{
    if (about == LOSSES) return -1;
    return about == RATES ? 0 : cni_metric_direction(base_of(name));
}

/* ---- one curve ---- */

/* With validation_freq a validated value belongs to every f-th epoch, counted from 1: the f that gives this count. */
static int frequency(const plot *p, int count)
{
    for (int f = 1; f <= p->epoch_count; f++) {
        int hits = 0;
        for (int i = 0; i < p->epoch_count; i++) hits += (p->epochs[i] + 1) % f == 0;
        if (hits == count) return f;
    }
    return 0;
}

static void set_epochs(const plot *p, cni_series *series)
{
    int f = frequency(p, series->count), at = 0;
    for (int i = 0; i < p->epoch_count && at < series->count; i++)
        if (f ? (p->epochs[i] + 1) % f == 0 : i >= p->epoch_count - series->count) series->x[at++] = p->epochs[i] + 1;
}

static int best_of(const cni_series *series, int direction)
{
    int best = -1;
    for (int i = 0; i < series->count; i++)
        if (isfinite(series->y[i]) && (best < 0 || direction * (series->y[i] - series->y[best]) > 0)) best = i;
    return best;
}

/* The last value, and the best one where that is another. */
static void set_note(cni_series *series, int direction)
{
    int last = series->count - 1, best = direction ? best_of(series, direction) : -1;
    if (last < 0) return;
    int length = snprintf(series->note, sizeof series->note, "%.4g", series->y[last]);
    if (!series->second || best < 0 || best == last) return;
    series->best = best;
    snprintf(series->note + length, sizeof series->note - (size_t)length, " (best %.4g, epoch %g)", series->y[best],
             series->x[best]);
}

static cn_status add_series(plot *p, cni_panel *panel, int index, subject about)
{
    const char *name = cn_history_name(p->history, index);
    int count;
    const double *values = cn_history_values(p->history, index, &count);
    if (count > p->epoch_count) count = p->epoch_count;
    cni_series *series = panel->series + panel->count++;
    *series = (cni_series){.name = name, .second = base_of(name) != name, .best = -1, .count = count};
    series->x = calloc((size_t)count + 1, sizeof *series->x);
    series->y = calloc((size_t)count + 1, sizeof *series->y);
    if (!series->x || !series->y) return cni_no_memory(p->error, "a picture");
    memcpy(series->y, values, (size_t)count * sizeof *values);
    set_epochs(p, series);
    set_note(series, direction_of(name, about));
    return CN_OK;
}

/* ---- panels ---- */

/* A curve and its validation are told apart by colour where they are alone, else by dashes: then colours tell names. */
static void set_colours(cni_panel *panel)
{
    int names = 0;
    for (int i = 0; i < panel->count; i++) {
        cni_series *series = panel->series + i;
        series->colour = -1;
        for (int j = 0; j < i; j++)
            if (strcmp(base_of(panel->series[j].name), base_of(series->name)) == 0)
                series->colour = panel->series[j].colour;
        if (series->colour < 0) series->colour = names++;
    }
    for (int i = 0; i < panel->count; i++) {
        cni_series *series = panel->series + i;
        if (names == 1)
            series->colour = series->second;
        else
            series->dashed = series->second;
    }
}

static bool changes(const plot *p, int index)
{
    int count;
    const double *values = cn_history_values(p->history, index, &count);
    for (int i = 1; i < count; i++)
        if (values[i] != values[0]) return true;
    return false;
}

static bool is_wanted(const plot *p, int index, subject about)
{
    return subject_of(p, cn_history_name(p->history, index)) == about && (about != RATES || changes(p, index));
}

static cn_status add_panel(plot *p, subject about)
{
    static const char *const labels[SUBJECTS] = {"loss", "metrics", "metrics", "learning rate"};
    cni_panel *panel = p->chart->panels + p->chart->count;
    int columns = cn_history_count(p->history);
    panel->series = calloc((size_t)columns + 1, sizeof *panel->series);
    if (!panel->series) return cni_no_memory(p->error, "a picture");
    p->chart->count++;
    for (int i = 0; i < columns; i++)
        if (is_wanted(p, i, about)) CN_TRY(add_series(p, panel, i, about));
    set_colours(panel);
    bool one = true;
    for (int i = 1; i < panel->count; i++)
        one &= strcmp(base_of(panel->series[i].name), base_of(panel->series[0].name)) == 0;
    snprintf(panel->label, sizeof panel->label, "%s",
             panel->count && one && about != RATES ? base_of(panel->series[0].name) : labels[about]);
    if (!panel->count) { /* nothing of this subject */
        free(panel->series);
        panel->series = NULL;
        p->chart->count--;
    }
    return CN_OK;
}

cn_status cni_chart_of_history(const cn_history *history, cni_chart *chart, cni_error *error)
{
    plot p = {.history = history, .chart = chart, .error = error};
    p.epochs = cn_history_epochs(history, &p.epoch_count);
    *chart = (cni_chart){.x_label = "epoch"};
    for (int about = 0; about < SUBJECTS; about++) CN_TRY(add_panel(&p, (subject)about));
    return chart->count ? CN_OK : cni_fail(error, CN_ERR_INVALID, "the history is empty: nothing to draw");
}

void cni_chart_free(cni_chart *chart)
{
    for (int i = 0; i < CNI_MAX_PANELS; i++) {
        for (int j = 0; j < chart->panels[i].count; j++) {
            free(chart->panels[i].series[j].x);
            free(chart->panels[i].series[j].y);
        }
        free(chart->panels[i].series);
    }
}

/* ---- the file ---- */

static bool take_bytes(void *user, const void *bytes, size_t size)
{
    cni_buffer *buffer = user;
    cni_buffer_add(buffer, bytes, size);
    return !buffer->failed;
}

static cn_status find_format(const char *path, cni_picture_format *format, cni_error *error)
{
    static const char *const suffixes[] = {".png", ".svg", ".pdf"};
    size_t length = strlen(path);
    for (int i = 0; i < 3; i++)
        if (length > 4 && strcasecmp(path + length - 4, suffixes[i]) == 0) {
            *format = (cni_picture_format)i;
            return CN_OK;
        }
    return cni_fail(error, CN_ERR_INVALID, "%s: a picture's name ends in .png, .svg or .pdf", path);
}

static cn_status write_chart(const cni_chart *chart, const char *path, cni_picture_format format, cni_error *error)
{
    const cni_drawing *drawing;
    cni_buffer bytes = {0};
    char message[200] = "";
    CN_TRY(cni_drawing_open(&drawing, error));
    cn_status status = drawing->chart(chart, format, take_bytes, &bytes, message, sizeof message);
    if (status)
        cni_fail(error, status, "%s: cannot be drawn: %s", path, message);
    else
        status = cni_file_write(path, cni_buffer_bytes(&bytes), error);
    cni_buffer_free(&bytes);
    return status;
}

static cn_status plot_history(const cn_history *history, const char *path, cni_error *error)
{
    if (!history || !path)
        return cni_fail(error, CN_ERR_INVALID, "cn_plot_history: no %s given (NULL)", history ? "path" : "history");
    cni_picture_format format = CNI_PICTURE_PNG;
    cni_chart chart;
    CN_TRY(find_format(path, &format, error));
    cn_status status = cni_chart_of_history(history, &chart, error);
    if (!status) status = write_chart(&chart, path, format, error);
    cni_chart_free(&chart);
    return status;
}

cn_status cn_plot_history(const cn_history *history, const char *path, const char **error)
{
    static _Thread_local cni_error slot;
    cni_error_clear(&slot);
    cn_status status = plot_history(history, path, &slot);
    if (error) *error = status ? slot.text : NULL;
    return status;
}
