/* SPDX-License-Identifier: Apache-2.0
 * The bar and the line (keras-semantics 5.6, "Verbose").
 *
 *     Epoch 2/3
 *     1875/1875 ━━━━━━━━━━━━━━━━━━━━ 5s 2ms/step - accuracy: 0.8740 - loss: 0.4306 - val_accuracy: 0.9021
 *
 * Unlike Keras, a line that is wider than the terminal loses its last values while the epoch runs: a wrapped line
 * cannot be drawn over. */
#include "cli/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CELLS = 20, LINE = 2000 };
static const double redraw_every = 0.05; /* seconds */

static bool is_utf8(void)
{
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
    }
    return false;
}

void cli_progress_init(cli_progress *progress, bool quiet)
{
    struct winsize size;
    *progress = (cli_progress){.quiet = quiet, .bar = isatty(STDERR_FILENO) != 0};
    progress->cell = is_utf8() ? "━" : "=";
    progress->columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20 ? 80 : size.ws_col;
}

/* ---- the parts of a line: text with its visible width ---- */

typedef struct line {
    char text[LINE];
    size_t length;
    int width;
} line;

__attribute__((format(printf, 3, 4))) static void add(line *to, int escapes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(to->text + to->length, LINE - to->length, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= LINE - to->length) return;
    to->length += (size_t)length;
    to->width += length - escapes;
}

static void add_cells(line *to, const char *cell, const char *colour, int count)
{
    if (!count) return;
    add(to, 5, "%s", colour);
    for (int i = 0; i < count; i++) add(to, (int)strlen(cell) - 1, "%s", cell);
    add(to, 4, "\x1b[0m");
}

static void add_eta(line *to, double seconds)
{
    const long s = seconds > 0 ? (long)seconds : 0;
    if (s > 3600)
        add(to, 8, " \x1b[1m%ld:%02ld:%02ld\x1b[0m", s / 3600, s / 60 % 60, s % 60);
    else if (s > 60)
        add(to, 8, " \x1b[1m%ld:%02ld\x1b[0m", s / 60, s % 60);
    else
        add(to, 8, " \x1b[1m%lds\x1b[0m", s);
}

static void add_step_time(line *to, double seconds)
{
    if (seconds >= 1 || seconds == 0)
        add(to, 0, "%.0fs/step", seconds);
    else if (seconds >= 1e-3)
        add(to, 0, "%.0fms/step", seconds * 1e3);
    else
        add(to, 0, "%.0fus/step", seconds * 1e6);
}

/* `columns` > 0: values that would not fit are left out. */
static void add_values(line *to, const cn_logs *logs, int columns)
{
    for (int i = 0; i < logs->count; i++) {
        line value = {.length = 0};
        const double number = isnan(logs->values[i]) ? (double)NAN : logs->values[i]; /* never "-nan" */
        add(&value, 0, fabs(number) > 1e-3 ? " - %s: %.4f" : " - %s: %.4e", logs->names[i], number);
        if (columns && to->width + value.width >= columns) return;
        add(to, 0, "%s", value.text);
    }
}

/* ---- time ---- */

/* Keras leaves the first step, which compiles, out of the average. */
static double step_time(const cli_progress *p, const cn_progress *now)
{
    if (now->step <= 1) return now->seconds;
    return (now->seconds - p->first) / (double)(now->step - 1);
}

/* ---- the two forms ---- */

static void draw_bar(cli_progress *p, const cn_progress *now, double per_step, bool final)
{
    line out = {.length = 0};
    if (now->steps > 0) {
        const int digits = snprintf(NULL, 0, "%" PRId64, now->steps);
        const int done = (int)((double)CELLS * (double)now->step / (double)now->steps);
        add(&out, 8, "\x1b[1m%*" PRId64 "/%" PRId64 "\x1b[0m ", digits, now->step, now->steps);
        add_cells(&out, p->cell, "\x1b[32m", done);
        add_cells(&out, p->cell, "\x1b[37m", CELLS - done);
    } else {
        add(&out, 0, "%7" PRId64 "/Unknown", now->step);
    }
    if (now->steps > 0 && !final)
        add_eta(&out, per_step * (double)(now->steps - now->step));
    else
        add(&out, 8, " \x1b[1m%.0fs\x1b[0m", now->seconds);
    add(&out, 0, " ");
    add_step_time(&out, per_step);
    add_values(&out, &now->logs, final ? 0 : p->columns);
    fprintf(stderr, "\r%s\x1b[K%s", out.text, final ? "\n" : "");
    p->open = !final;
}

static void write_line(const cn_progress *now, double per_step)
{
    line out = {.length = 0};
    if (now->epochs > 1) add(&out, 0, "Epoch %d/%d - ", now->epoch + 1, now->epochs);
    add(&out, 0, "%" PRId64 "/%" PRId64 " - %.0fs - ", now->step, now->steps, now->seconds);
    add_step_time(&out, per_step);
    add_values(&out, &now->logs, 0);
    fprintf(stderr, "%s\n", out.text);
}

static void begin_epoch(const cli_progress *p, const cn_progress *now)
{
    if (p->bar && now->epochs > 1) fprintf(stderr, "Epoch %d/%d\n", now->epoch + 1, now->epochs);
}

void cli_progress_end(cli_progress *p)
{
    if (p->open) fputc('\n', stderr);
    p->open = false;
}

void cli_progress_write(void *user, const cn_progress *now)
{
    cli_progress *p = user;
    const bool measuring = now->evaluating || now->predicting;
    if (p->quiet) return;
    if (now->message) {
        cli_progress_end(p);
        fprintf(stderr, "cornu: %s\n", now->message);
        return;
    }
    const bool final = now->end_of_epoch || (measuring && now->steps > 0 && now->step == now->steps);
    if (now->step == 1 && !measuring && !final) begin_epoch(p, now);
    if (now->step == 1 && !final) {
        p->drawn = -1;
        p->first = now->seconds;
    }
    const double per_step = step_time(p, now);
    if (p->bar && (final || now->seconds - p->drawn >= redraw_every)) {
        p->drawn = now->seconds;
        draw_bar(p, now, per_step, final);
    } else if (!p->bar && now->end_of_epoch && !measuring) {
        write_line(now, per_step);
    }
}
