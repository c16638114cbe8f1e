/* SPDX-License-Identifier: Apache-2.0
 * The report: one page that needs nothing from elsewhere and runs no script. */
#include "explain/explanation.h"
#include "explain/pictures/scenes.h"

#include <cornu/cornu.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_CARDS_WITH_PICTURES = 16 };

static const char style[] =
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--paper);color:var(--text);font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:64rem;margin:0 auto;padding:1.2rem 1rem 4rem}"
    "h1{font-size:1.6rem;margin:.4rem 0;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:2.2rem 0 "
    ".6rem;border-bottom:1px solid var(--grid)}"
    "a{color:var(--input-edge)}.quiet,figcaption,th{color:var(--quiet)}"
    "code,pre,td.n,.call{font-family:ui-monospace,monospace}"
    "pre{background:var(--grid);padding:.7rem "
    ".8rem;border-radius:.4rem;overflow-x:auto;font-size:.82rem;line-height:1.45}"
    ".facts{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0;padding:0;list-style:none}"
    ".facts li{border:1px solid var(--grid);border-radius:.5rem;padding:.4rem .8rem;min-width:7.5rem}"
    ".facts b{display:block;font-size:1.15rem}"
    /* Shadows at the edges behind which there is more to scroll to. */
    ".scroll{overflow-x:auto;background:linear-gradient(90deg,var(--paper) 30%,transparent),"
    "linear-gradient(90deg,transparent,var(--paper) 70%) 100% 0,"
    "radial-gradient(farthest-side at 0 50%,var(--line),transparent),"
    "radial-gradient(farthest-side at 100% 50%,var(--line),transparent) 100% 0;background-repeat:no-repeat;"
    "background-size:2.5rem 100%,2.5rem 100%,.8rem 100%,.8rem 100%;background-attachment:local,local,scroll,scroll}"
    "table{border-collapse:collapse;font-size:.9rem;width:100%}"
    "th{text-align:left;font-weight:600;white-space:nowrap}td,th{padding:.25rem .6rem;border-bottom:1px solid "
    "var(--grid)}"
    "td.n,th.n{text-align:right;white-space:nowrap}td.s{white-space:nowrap}"
    ".finding{border-left:.35rem solid var(--line);padding:.1rem 0 .1rem .9rem;margin:1rem 0}"
    ".finding h3{font-size:1rem;margin:.2rem 0;overflow-wrap:anywhere}.error,.warning{border-color:var(--unread-edge)}"
    ".badge{display:inline-block;border:1px solid currentColor;border-radius:.3rem;padding:0 .4rem;font-size:.8rem;"
    "margin-right:.4rem}"
    "figure{margin:1rem 0}figcaption{display:none;font-size:.9rem}"
    "figure svg{display:block;max-width:100%;min-width:min(100%,40rem);height:auto;border:1px solid "
    "var(--grid);border-radius:.4rem}"
    "summary{cursor:pointer;padding:.3rem 0}details.layer{border-bottom:1px solid var(--grid)}"
    "@media(max-width:44rem){figcaption{display:block}figure svg{max-width:none;min-width:40rem}}"
    "@media print{details>*{display:block}}";

typedef struct report {
    cn_explanation *explanation;
    cni_text *out;
    int pictures; /* cards that have had theirs */
} report;

/* ---- pieces ---- */

static void add(const report *r, const char *markup)
{
    cni_text_add(r->out, markup);
}

static void add_text(const report *r, const char *text)
{
    cni_markup_text(r->out, text ? text : "");
}

/* A paragraph, or several where the text has lines. */
static void add_lines(const report *r, const char *text, const char *open, const char *close)
{
    if (!text || !*text) return;
    add(r, open);
    for (const char *at = text; *at;) {
        const size_t length = strcspn(at, "\n");
        char line[1200];
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), at);
        add_text(r, line);
        at += length;
        if (*at) cni_text_char(r->out, *at++);
    }
    add(r, close);
}

static void add_cell(const report *r, const char *class_name, const char *text)
{
    cni_text_printf(r->out, "<td class=\"%s\">", class_name);
    add_text(r, text);
    add(r, "</td>");
}

static bool add_picture(const report *r, const cni_picture *picture, const cni_explained *node)
{
    cni_arena arena = {0};
    const cni_sitting sitting = {&arena, r->explanation, node, NULL};
    const bool fits = picture->fits(&sitting);
    const cni_scene *scene = fits ? picture->draw(&sitting) : NULL;
    if (scene) {
        cni_text_printf(r->out, "<figure><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"%s\">\n",
                        picture->what);
        cni_scene_inline(r->out, scene);
        add(r, "</div><figcaption>");
        add_text(r, scene->caption);
        add(r, "</figcaption></figure>\n");
    }
    r->out->failed |= fits && !scene;
    cni_arena_free(&arena);
    return scene != NULL;
}

/* ---- sections ---- */

static void add_fact(const report *r, const char *name, const char *value)
{
    add(r, "<li><b>");
    add_text(r, value);
    add(r, "</b><span class=\"quiet\">");
    add_text(r, name);
    add(r, "</span></li>\n");
}

static void add_facts(const report *r)
{
    const cni_analysis *a = r->explanation->analysis;
    const cni_explained *last = cni_last_map(r->explanation);
    char input[64] = "?", field[100];
    if (a->count) cni_show_sizes(&a->nodes[0].shape, "x", input, sizeof input);
    add(r, "<ul class=\"facts\">\n");
    add_fact(r, "input", input);
    add_fact(r, "parameters", CNI_SHOW(count, cni_amount_sum(a->params)));
    add_fact(r, "multiply-adds", CNI_SHOW(short, a->macs));
    add_fact(r, "FLOPs", CNI_SHOW(short, a->flops));
    add_fact(r, "weights", CNI_SHOW(bytes, a->weights_bytes));
    add_fact(r, "inference peak", CNI_SHOW(bytes, a->memory.peak));
    if (last) {
        snprintf(field, sizeof field, "%s px", CNI_SHOW(field, last->field + last->spatial - 1));
        add_fact(r, "field of the last map", field);
    }
    add(r, "</ul>\n");
}

static void add_fix(const report *r, const cni_fix *fix)
{
    char cost[200];
    add(r, "<li><code>");
    add_text(r, fix->code);
    add(r, "</code>");
    cni_show_cost(fix, cost, sizeof cost);
    if (*cost) add(r, ": ");
    add_text(r, cost);
    add(r, "</li>\n");
}

static void add_finding(const report *r, const cni_finding *finding)
{
    const char *severity = cni_severity_name(finding->severity);
    char place[300];
    cni_text_printf(r->out,
                    "<article class=\"finding %s\"><h3><span class=\"badge\">%s</span>%s <span class=\"quiet\">%s",
                    severity, severity, finding->rule->id, finding->rule->name);
    cni_show_finding_place(r->explanation, finding, place, sizeof place);
    if (*place) {
        add(r, " &middot; ");
        add_text(r, place);
    }
    add(r, "</span></h3>\n");
    add_lines(r, finding->text, "<p>", "</p>\n");
    add_lines(r, finding->history, "<pre>", "</pre>\n");
    if (finding->fix_count) add(r, "<p>Tried, and the finding was gone:</p><ul>\n");
    for (int i = 0; i < finding->fix_count; i++) add_fix(r, finding->fixes + i);
    if (finding->fix_count) add(r, "</ul>\n");
    add_lines(r, finding->advice, "<p>", "</p>\n");
    add(r, "<details><summary>Why</summary>");
    add_lines(r, finding->rule->why, "<p>", "</p>");
    add_lines(r, finding->rule->source, "<p class=\"quiet\">", "</p>");
    add(r, "</details></article>\n");
}

static void add_findings(const report *r)
{
    const cni_findings *findings = r->explanation->findings;
    add(r, "<section><h2 id=\"findings\">Findings</h2>\n");
    if (!findings->count) add(r, "<p>Nothing to mend.</p>\n");
    for (int i = 0; i < findings->count; i++) add_finding(r, findings->items + i);
    add(r, "</section>\n");
}

static void add_anchor(const report *r, const char *what, const cni_explained *node)
{
    cni_text_printf(r->out, "%s\"%slayer-%d\"", what, strcmp(what, "href=") == 0 ? "#" : "", node->id);
}

/* Nothing is shown as a hyphen, the unknown as a question mark. */
static void add_amount(const report *r, int64_t amount, bool exact)
{
    add_cell(r, "n", !amount ? "-" : exact ? CNI_SHOW(count, amount) : CNI_SHOW(short, amount));
}

static void add_row(const report *r, const cni_explained *node)
{
    char output[64], window[64], pads[64];
    const cni_receptive_field *field = node->spatial ? node->field + node->spatial - 1 : NULL;
    cni_show_sizes(&node->shape, "x", output, sizeof output);
    cni_text_printf(r->out, "<tr><td class=\"n\">%d</td><td class=\"s\"><a ", node->id);
    add_anchor(r, "href=", node);
    add(r, ">");
    add_text(r, node->name);
    add(r, cni_node_severity(r->explanation, node) >= CNI_WARNING ? "</a> *</td>" : "</a></td>");
    add_cell(r, "s", output);
    add_cell(r, "s", cni_show_window(node, window, sizeof window));
    add_cell(r, "s", cni_show_pads(node, pads, sizeof pads));
    add_cell(r, "n", field ? CNI_SHOW(field, field) : "all");
    add_cell(r, "n", field && !field->all ? CNI_SHOW(jump, field) : "-");
    add_amount(r, cni_amount_sum(node->params), true);
    add_amount(r, node->macs, false);
    add(r, "</tr>\n");
}

static void add_table(const report *r)
{
    const cni_analysis *a = r->explanation->analysis;
    add(r, "<section><h2 id=\"layers\">Layers</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
           "aria-label=\"layers\"><table><thead><tr><th class=\"n\">#</th><th>layer</th><th>output</th><th>window</th>"
           "<th>pad tb/lr</th><th class=\"n\">field</th><th class=\"n\">jump</th><th class=\"n\">params</th>"
           "<th class=\"n\">MACs</th></tr></thead><tbody>\n");
    for (int i = 0; i < a->count; i++) add_row(r, a->nodes + i);
    add(r, "<tr><td></td><td><b>total</b></td><td></td><td></td><td></td><td></td><td></td>");
    add_amount(r, cni_amount_sum(a->params), true);
    add_amount(r, a->macs, false);
    add(r, "</tr></tbody></table></div>\n<p class=\"quiet\">window: size/stride; pad: top,bottom/left,right; field and "
           "jump in image pixels; * has a warning. A MAC is one multiplication and one addition.</p></section>\n");
}

static void add_pictures(const report *r)
{
    static const cni_picture *const shown[] = {&cni_picture_network, &cni_picture_field, &cni_picture_costs,
                                               &cni_picture_dead, &cni_picture_border};
    add(r, "<section><h2 id=\"pictures\">Pictures</h2>\n");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) add_picture(r, shown[i], NULL);
    add(r, "</section>\n");
}

/* Pictures of layers that have something to show: those with findings, and the first ones. */
static void add_card(report *r, const cni_explained *node)
{
    static const cni_picture *const shown[] = {&cni_picture_window, &cni_picture_ruler, &cni_picture_comb,
                                               &cni_picture_paint, &cni_picture_merge};
    const bool noted = cni_node_severity(r->explanation, node) >= CNI_WARNING;
    cni_text card = {0};
    cni_page page = {.out = &card, .width = 80};
    char output[64];
    if (node->error.status || node->suspect || !node->input_count) return;
    if (!cni_view_card(r->explanation, node, &page)) r->out->failed = true;
    add(r, "<details class=\"layer\" ");
    add_anchor(r, "id=", node);
    add(r, "><summary><b>");
    add_text(r, node->name);
    add(r, "</b> <span class=\"call quiet\">");
    add_text(r, node->layer->class_name);
    add(r, " &rarr; ");
    add_text(r, cni_show_sizes(&node->shape, "x", output, sizeof output));
    add(r, "</span></summary>\n<pre>");
    add_text(r, "");
    add_lines(r, cni_text_get(&card), "", "");
    add(r, "</pre>\n");
    cni_text_free(&card);
    if (r->pictures < MOST_CARDS_WITH_PICTURES || noted) {
        bool any = false;
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) any |= add_picture(r, shown[i], node);
        r->pictures += any;
    }
    add(r, "</details>\n");
}

static void add_cards(report *r)
{
    const cni_analysis *a = r->explanation->analysis;
    add(r, "<section><h2 id=\"cards\">Layer by layer</h2>\n");
    for (int i = 0; i < a->count; i++) add_card(r, a->nodes + i);
    if (r->pictures >= MOST_CARDS_WITH_PICTURES)
        add(r, "<p class=\"quiet\">The first layers, and those with warnings, have pictures; <code>cornu explain MODEL "
               "--svg DIR</code> draws all of them.</p>\n");
    add(r, "</section>\n");
}

bool cni_view_html(cn_explanation *explanation, cni_page *page)
{
    report r = {.explanation = explanation, .out = page->out};
    add(&r, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
            "img-src data:\">\n<title>");
    add_text(&r, explanation->source);
    add(&r, " explained</title>\n<style>\n");
    cni_scene_style(r.out);
    add(&r, style);
    add(&r, "\n</style></head>\n<body><main>\n<h1>");
    add_text(&r, explanation->source);
    add(&r, "</h1>\n<p class=\"quiet\">What every layer does, sees and costs. Made by cornu explain.</p>\n");
    add_facts(&r);
    add_findings(&r);
    add_table(&r);
    add_pictures(&r);
    add_cards(&r);
    add(&r, "</main></body></html>\n");
    return !r.out->failed;
}
