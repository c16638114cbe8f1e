/* SPDX-License-Identifier: Apache-2.0
 * The words and numbers of which findings are made. */
#include "explain/rules/say.h"
#include "explain/analysis/figures.h"
#include "explain/analysis/whole.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kept(cni_findings *findings, const char *text)
{
    if (!text) findings->failed = true;
    return text ? text : "";
}

const char *cni_say(cni_findings *findings, const char *format, ...)
{
    char text[4000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return kept(findings, cni_arena_text(findings->arena, text));
}

const char *cni_say_count(cni_findings *findings, int64_t count)
{
    return kept(findings, cni_arena_text(findings->arena, CNI_SHOW(count, count)));
}

const char *cni_say_percent(cni_findings *findings, double share)
{
    const double percent = 100 * share, size = fabs(percent);
    int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    if (size == 0) decimals = 0;
    return cni_say(findings, "%.*f %%", decimals, percent);
}

const char *cni_say_fraction(cni_findings *findings, int64_t num, int64_t den)
{
    const int64_t common = num ? llabs(cni_common_divisor(num, den)) : den;
    num /= common;
    den /= common;
    if (den == 1) return cni_say(findings, "%" PRId64, num);
    for (int64_t power = 10; power <= 1000; power *= 10) /* 2, 4, 5, 8: as a decimal fraction */
        if (power % den == 0)
            return cni_say(findings, "%.*f", (int)(log10((double)power) + 0.5), (double)num / (double)den);
    return cni_say(findings, "%" PRId64 "/%" PRId64, num, den);
}

const char *cni_say_node(cni_findings *findings, const cni_explained *node)
{
    const char *last = strrchr(node->name, '.');
    last = last ? last + 1 : node->name;
    const bool number = *last && last[strspn(last, "0123456789")] == 0;
    if (!number || !node->layer->class_name) return node->name;
    return cni_say(findings, "%s (%s)", node->name, node->layer->class_name);
}

const char *cni_say_names(cni_findings *findings, const int *nodes, int count)
{
    enum { SHOWN = 4 };
    char text[1000] = "";
    const int shown = count > SHOWN + 1 ? SHOWN : count;
    size_t at = 0;
    for (int i = 0; i < shown && at < sizeof text; i++) {
        const char *link = i == 0 ? "" : i == count - 1 ? " and " : ", ";
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.160s", link,
                               cni_say_node(findings, findings->analysis->nodes + nodes[i]));
    }
    if (shown < count && at < sizeof text) snprintf(text + at, sizeof text - at, " and %d more", count - shown);
    return kept(findings, cni_arena_text(findings->arena, text));
}

const char *cni_say_likewise(cni_findings *findings, const cni_node_list *list)
{
    if (list->count < 2) return "";
    return cni_say(findings, " Likewise %s.", cni_say_names(findings, list->nodes + 1, list->count - 1));
}

static const char *by_times(cni_findings *findings, const int64_t *sizes, int count)
{
    char text[200] = "";
    size_t at = 0;
    for (int i = 0; i < count && at < sizeof text; i++)
        at += (size_t)(sizes[i] < 0 ? snprintf(text + at, sizeof text - at, "%s?", i ? "x" : "")
                                    : snprintf(text + at, sizeof text - at, "%s%" PRId64, i ? "x" : "", sizes[i]));
    return kept(findings, cni_arena_text(findings->arena, text));
}

const char *cni_say_shape(cni_findings *findings, const cni_shape *shape)
{
    return by_times(findings, shape->dims + 1, shape->rank > 1 ? shape->rank - 1 : 0);
}

const char *cni_say_map(cni_findings *findings, const cni_explained *node)
{
    return by_times(findings, node->map, node->spatial);
}

const char *cni_say_sizes(cni_findings *findings, const int64_t *sizes, int count)
{
    return by_times(findings, sizes, count);
}

const char *cni_say_axis(int spatial, int axis, bool plural)
{
    static const char *const words[3][2] = {{"plane", "planes"}, {"row", "rows"}, {"column", "columns"}};
    if (spatial == 1) return plural ? "positions" : "position";
    return words[spatial == 2 ? axis + 1 : axis][plural];
}

const char *cni_say_way(cni_findings *findings, const cni_analysis *analysis, int from, int to, int axis,
                        const char *link)
{
    enum { MOST = 24 };
    int64_t sizes[MOST];
    int count = 0;
    for (int i = to; i >= 0 && i < analysis->count && count < MOST; i = analysis->nodes[i].inputs[0]) {
        const cni_explained *node = analysis->nodes + i;
        const bool pads = node->view.type == CNI_VIEW_SHIFT && i != to;
        const int64_t size = axis < node->spatial && !pads ? node->map[axis] : -1;
        if (size > 0 && (!count || sizes[count - 1] != size)) sizes[count++] = size;
        if (i == from || !node->input_count) break;
    }
    char text[400] = "";
    size_t at = 0;
    for (int i = count - 1; i >= 0 && at < sizeof text; i--)
        at += (size_t)snprintf(text + at, sizeof text - at, "%" PRId64 "%s", sizes[i], i ? link : "");
    return kept(findings, cni_arena_text(findings->arena, text));
}
