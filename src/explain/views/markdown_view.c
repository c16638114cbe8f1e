/* SPDX-License-Identifier: Apache-2.0
 * The summary as Markdown, for reports and issues: one table, then a list of what was found. */
#include "explain/explanation.h"

#include <stdio.h>
#include <string.h>

/* U+0080 to U+009F, which terminals obey, too. */
static bool is_late_control(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    return at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
}

/* Text in which nothing is markup; code in backquotes is left as it is. */
static void plain(cni_text *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            cni_text_char(out, ' ');
            continue;
        }
        if (strchr("\\`*_|<>[]", *text)) cni_text_char(out, '\\');
        const bool control = (unsigned char)*text < 0x20 || *text == 0x7f || is_late_control(text);
        if (is_late_control(text)) text++;
        cni_text_char(out, control ? '?' : *text);
    }
}

void cni_markdown_plain(cni_text *out, const char *text)
{
    plain(out, text);
}

static void code(cni_text *out, const char *text)
{
    size_t longest = 0; /* run of ticks: the marks are longer, so that nothing in the text ends it */
    for (const char *at = text; *at; at++) {
        const size_t run = strspn(at, "`");
        if (run > longest) longest = run;
        if (run) at += run - 1;
    }
    for (size_t i = 0; i <= longest; i++) cni_text_char(out, '`');
    if (longest) cni_text_char(out, ' ');
    for (; *text; text++) {
        if (*text == '|') cni_text_char(out, '\\'); /* in a table it would end the cell */
        const bool control = (unsigned char)*text < 0x20 || *text == 0x7f || is_late_control(text);
        if (is_late_control(text)) text++;
        cni_text_char(out, control ? ' ' : *text);
    }
    if (longest) cni_text_char(out, ' ');
    for (size_t i = 0; i <= longest; i++) cni_text_char(out, '`');
}

static void row(cn_explanation *e, const cni_explained *node, cni_text *out)
{
    char one[200], pads[80];
    const int64_t params = cni_counted_params(e, node);
    const int64_t count = e->counting->count(e->analysis, node);
    const bool mapped = node->spatial && e->analysis->image >= 0 && !node->suspect;
    const bool all = node->field[0].all && !node->suspect;
    cni_text_printf(out, "| %d | ", node->id);
    plain(out, cni_shown_name(e, node));
    cni_text_printf(out, "%s | ", cni_node_severity(e, node) >= CNI_WARNING ? " **!**" : "");
    plain(out, cni_show_map(node, "x", one, sizeof one));
    cni_text_printf(out, " | %s", cni_show_window(node, one, sizeof one));
    cni_text_add(out, " | ");
    plain(out, cni_show_pads(node, pads, sizeof pads));
    cni_text_printf(out, " | %s | %s", mapped || all ? CNI_SHOW(field, &node->field[0]) : "-",
                    mapped && !all ? CNI_SHOW(jump, &node->field[0]) : "-");
    cni_text_printf(out, " | %s | %s |\n", params ? CNI_SHOW(count, params) : "-",
                    count ? CNI_SHOW(count, count) : "-");
}

static void found(cni_text *out, cni_severity severity, const char *id, const char *place, const char *text)
{
    cni_text_printf(out, "- **%s %s** ", cni_severity_name(severity), id);
    if (*place) {
        code(out, place);
        cni_text_char(out, ' ');
    }
    plain(out, text);
    cni_text_char(out, '\n');
}

static void finding(cn_explanation *e, const cni_finding *f, cni_text *out)
{
    char place[300];
    found(out, f->severity, f->rule->id, cni_show_finding_place(e, f, place, sizeof place), f->text);
    for (const char *at = f->history; at && *at;) {
        char line[600];
        const size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), at);
        cni_text_add(out, "  - ");
        plain(out, line + strspn(line, " "));
        cni_text_char(out, '\n');
        at += length + (at[length] == '\n');
    }
    for (int i = 0; i < f->fix_count; i++) {
        const cni_fix *fix = &f->fixes[i];
        cni_text_add(out, "  - fix: ");
        code(out, fix->code);
        if (fix->result) {
            cni_text_add(out, ", ");
            plain(out, fix->result);
        }
        if (fix->params)
            cni_text_printf(out, ", params %s%s", fix->params > 0 ? "+" : "", CNI_SHOW(count, fix->params));
        if (fix->macs) cni_text_printf(out, ", MACs %s", CNI_SHOW(change, fix->macs_share));
        cni_text_char(out, '\n');
    }
    if (f->advice) {
        cni_text_add(out, "  - try: ");
        plain(out, f->advice);
        cni_text_char(out, '\n');
    }
}

bool cni_view_markdown(cn_explanation *e, cni_page *page)
{
    cni_text *out = page->out;
    const cni_analysis *analysis = e->analysis;
    const cni_remarks *remarks = &e->description->remarks;
    char place[300];
    cni_text_add(out, "# ");
    plain(out, e->source);
    cni_text_add(out, "\n\n");
    if (!remarks->errors) {
        cni_text_printf(out, "| # | layer | output | window | pad tb/lr | RF | jump | params | %s |\n",
                        e->counting->column);
        cni_text_add(out, "|--:|-------|--------|--------|-----------|---:|-----:|-------:|-----:|\n");
        for (int i = 0; i < analysis->count; i++) row(e, &analysis->nodes[i], out);
        int64_t counted = 0;
        for (int i = 0; i < analysis->count && counted != CNI_UNSEEN; i++) {
            const int64_t count = e->counting->count(analysis, &analysis->nodes[i]);
            counted = count == CNI_UNSEEN ? CNI_UNSEEN : counted + count;
        }
        const int64_t params = cni_counted_params(e, NULL);
        cni_text_printf(out, "| | total | | | | | | %s | %s |\n\n", CNI_SHOW(count, params), CNI_SHOW(count, counted));
        cni_text_printf(out, "FLOPs %s, weights %s, inference peak %s, batch %d, %s.\n",
                        CNI_SHOW(short, analysis->flops), CNI_SHOW(bytes, analysis->weights_bytes),
                        CNI_SHOW(bytes, analysis->memory.peak), e->given.batch,
                        e->given.dtype ? e->given.dtype : "f32");
        if (analysis->params.other > 0)
            cni_text_printf(out, "Trainable %s, %s %s.\n", CNI_SHOW(count, analysis->params.trainable),
                            e->flat->dialect == CNI_TORCH ? "running statistics" : "other",
                            CNI_SHOW(count, analysis->params.other));
        if (e->counting != cni_countings) cni_text_printf(out, "Counted %s.\n", e->counting->what);
        if (remarks->count + e->findings->count) cni_text_char(out, '\n');
    }
    for (int i = 0; i < remarks->count; i++) {
        const cni_remark *remark = &remarks->items[i];
        found(out, remark->severity, remark->id, cni_show_place(e, remark->span, place, sizeof place), remark->text);
        if (!remark->hint) continue;
        cni_text_add(out, "  - ");
        plain(out, remark->hint);
        cni_text_char(out, '\n');
    }
    for (int i = 0; i < e->findings->count; i++) finding(e, &e->findings->items[i], out);
    return true;
}
