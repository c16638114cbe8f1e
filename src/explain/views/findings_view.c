/* SPDX-License-Identifier: Apache-2.0
 * What was found, below the table.
 *
 *     warning K302  mnist.py:9:5  max_pooling2d_1 never reads row 10 and column 10
 *        of its 11x11 input (11 = 2*5 + 1). [...]
 *        fix   MaxPooling2D(2, padding='same')   6x6x64, params +7,040, MACs +0.3 % */
#include "explain/explanation.h"

#include "base/table.h"
#include "formats/source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cni_tint tint_of(cni_severity severity)
{
    static const cni_tint tints[] = {CNI_BLUE, CNI_GREEN, CNI_YELLOW, CNI_RED};
    return tints[severity];
}

/* A paragraph that begins where the line stands, at `column`. */
static void print_from(cni_page *page, const cni_page *within, int column, int indent, const char *text)
{
    cni_page own = *within;
    cni_text body = {0};
    own.out = &body;
    cni_page_paragraph(&own, column, indent, text); /* writes its own blanks */
    if (body.failed)
        page->out->failed = true;
    else
        cni_text_add(page->out, cni_text_get(&body) + column);
    cni_text_free(&body);
}

/* "warning K302  mnist.py:9:5  " and the text, narrower than the page so that fixes stand out. */
static void print_finding_head(cni_page *page, cni_severity severity, const char *id, const char *place,
                               const char *text)
{
    char head[500], line[64];
    cni_page narrow = *page;
    if (narrow.width > 60) narrow.width -= 2;
    cni_page_cell(page, tint_of(severity), 7, cni_severity_name(severity));
    snprintf(line, sizeof line, " %s  ", id);
    cni_page_text(page, CNI_PLAIN, line);
    snprintf(head, sizeof head, "%s%s", place, *place ? "  " : "");
    int column = 8 + (int)strlen(id) + 2;
    if (column + (int)cni_columns_of(head) + 20 > page->width && *place) {
        cni_page_cell(page, CNI_PLAIN, page->width - column, place);
        cni_text_add(page->out, "\n");
        cni_page_paragraph(&narrow, 3, 3, text);
        return;
    }
    cni_page_text(page, CNI_PLAIN, head);
    column += (int)cni_columns_of(head);
    print_from(page, &narrow, column, 3, text);
}

static void print_lines(cni_page *page, const char *lines)
{
    char line[600];
    while (lines && *lines) {
        const size_t length = strcspn(lines, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), lines);
        if ((int)cni_columns_of(line) + 3 <= page->width) {
            cni_text_add(page->out, "   ");
            cni_page_text(page, CNI_PLAIN, line + strspn(line, " "));
            cni_text_char(page->out, '\n');
        } else
            cni_page_paragraph(page, 3, 6, line);
        lines += length + (lines[length] == '\n');
    }
}

void cni_show_cost(const cni_fix *fix, char *text, size_t size)
{
    const bool distance = fix->result && strstr(fix->result, " px"); /* a number in a column of its own */
    snprintf(text, size, distance ? "%6s" : "%s", fix->result ? fix->result : "");
    if (!fix->result) *text = 0;
    if (fix->params)
        snprintf(text + strlen(text), size - strlen(text), "%sparams %s%s", *text ? ", " : "",
                 fix->params > 0 ? "+" : "", CNI_SHOW(count, fix->params));
    if (fix->macs)
        snprintf(text + strlen(text), size - strlen(text), "%sMACs %s", *text ? ", " : "",
                 CNI_SHOW(change, fix->macs_share));
}

static void print_fixes(cni_page *page, const cni_finding *finding)
{
    char cost[300];
    int widest = 0;
    for (int i = 0; i < finding->fix_count; i++) {
        const int columns_here = (int)cni_columns_of(finding->fixes[i].code);
        if (columns_here > widest) widest = columns_here;
    }
    for (int i = 0; i < finding->fix_count; i++) {
        const cni_fix *fix = &finding->fixes[i];
        const int code = (int)cni_columns_of(fix->code);
        cni_show_cost(fix, cost, sizeof cost);
        const int costs = (int)cni_columns_of(cost);
        cni_page_text(page, CNI_GREEN, "   fix   ");
        if (9 + widest + 3 + costs <= page->width) {
            cni_page_cell(page, CNI_PLAIN, *cost ? widest + 3 : code, fix->code);
            cni_page_printf(page, "%s\n", cost);
        } else if (9 + code + 3 + costs <= page->width) {
            cni_page_printf(page, "%s%s%s\n", fix->code, *cost ? "   " : "", cost);
        } else {
            print_from(page, page, 9, 9, fix->code);
            if (*cost) cni_page_paragraph(page, 9, 9, cost);
        }
    }
}

static void print_finding(cn_explanation *e, cni_page *page, const cni_finding *finding)
{
    char place[300];
    print_finding_head(page, finding->severity, finding->rule->id,
                       cni_show_finding_place(e, finding, place, sizeof place), finding->text);
    print_lines(page, finding->history);
    print_fixes(page, finding);
    if (finding->advice) {
        cni_text advice = {0};
        cni_text_printf(&advice, "try   %s", finding->advice);
        cni_page_paragraph(page, 3, 9, cni_text_get(&advice));
        cni_text_free(&advice);
    }
}

static void print_remark(cn_explanation *e, cni_page *page, const cni_remark *remark)
{
    char place[300], text[700];
    if (remark->severity == CNI_ERROR) {
        cni_text block = {0};
        cni_remark_print(&block, e->description, remark, page->width);
        for (const char *at = cni_text_get(&block); *at;) { /* what is wide in the source may still be cut */
            const size_t length = strcspn(at, "\n");
            char *line = strndup(at, length);
            const int columns_here = line ? (int)cni_columns_of(line) : 0;
            if (line) cni_page_cell(page, CNI_PLAIN, columns_here < page->width ? columns_here : page->width, line);
            cni_text_char(page->out, '\n');
            free(line);
            at += length + (at[length] == '\n');
        }
        cni_text_free(&block);
        return;
    }
    snprintf(text, sizeof text, "%s%s%s", remark->text, remark->hint ? "; " : "", remark->hint ? remark->hint : "");
    print_finding_head(page, remark->severity, remark->id, cni_show_place(e, remark->span, place, sizeof place), text);
}

/* The text's own remarks and the findings, by severity. */
bool cni_view_findings(cn_explanation *e, cni_page *page)
{
    static const cni_severity order[] = {CNI_ERROR, CNI_WARNING, CNI_NOTE, CNI_HINT};
    const cni_remarks *remarks = &e->description->remarks;
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        for (int i = 0; i < remarks->count; i++)
            if (remarks->items[i].severity == order[k]) print_remark(e, page, &remarks->items[i]);
        for (int i = 0; i < e->findings->count; i++)
            if (e->findings->items[i].severity == order[k]) print_finding(e, page, &e->findings->items[i]);
    }
    if (remarks->errors > CNI_MAX_ERRORS)
        cni_page_printf(page, "and %d more errors\n", remarks->errors - CNI_MAX_ERRORS);
    return true;
}
