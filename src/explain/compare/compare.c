/* SPDX-License-Identifier: Apache-2.0
 * Two networks side by side (explain-spec 6): windows are paired in their order, and for each pair it is told what they
 * read, how far the sampling grids part, and what would make them equal. */
#include "explain/compare/compare.h"

#include <string.h>

static void print_differences(comparison *c, const cni_differences *d)
{
    for (int i = 0; i < d->count; i++) cni_page_paragraph(c->page, 2, 4, d->lines[i]);
}

static bool compare(comparison *c, bool full)
{
    pair worst = {0}, final = {0};
    cni_differences d;
    if (!cni_compare_pair_up(c) || !cni_compare_find(c, &d)) return false;
    const verdict v = cni_compare_judge(c, &worst, &final);
    cni_compare_print_pairs(c, full);
    cni_compare_print_singles(c, &c->a, c->single_a, c->single_a_count);
    cni_compare_print_singles(c, &c->b, c->single_b, c->single_b_count);
    if (!c->pair_count) {
        cni_page_printf(c->page, "  no window of one stands where one of the other does\n");
        print_differences(c, &d);
        if (cni_compare_crosses(c)) cni_compare_weights(c);
        return true;
    }
    const bool uneven = v == IDENTICAL && cni_compare_print_uneven(c);
    if (!uneven) cni_compare_print_verdict(c, v, &d, &worst, &final);
    if (v != IDENTICAL) {
        cni_compare_print_recipe(c, &c->b, 0);
        cni_compare_print_recipe(c, &c->a, 1);
        if (cni_compare_same_inputs(c)) cni_compare_print_agreement(c, &final);
    }
    print_differences(c, &d);
    if (cni_compare_crosses(c) && !uneven) cni_compare_weights(c);
    return true;
}

enum { ONE_LINE = 100000 };

/* For programs and reports: the same in other words. */
static bool tell_data(comparison *c, bool json)
{
    cni_text *out = c->page->out, sentence = {0};
    cni_page line = {.out = &sentence, .width = ONE_LINE};
    pair worst = {0}, final = {0};
    cni_differences d;
    if (!cni_compare_pair_up(c) || !cni_compare_find(c, &d)) return false;
    const verdict v = cni_compare_judge(c, &worst, &final);
    c->page = &line;
    if (!c->pair_count)
        cni_text_add(&sentence, "no windows to compare");
    else if (v == IDENTICAL && cni_compare_print_uneven(c))
        d.outputs++;
    else
        cni_compare_print_verdict(c, v, &d, &worst, &final);
    const char *text = cni_text_get(&sentence);
    text += strspn(text, " ");
    if (strncmp(text, "verdict: ", 9) == 0) text += 9;
    char *kept = cni_arena_text(&c->arena, text);
    if (kept) kept[strcspn(kept, "\n")] = 0;
    if (kept && *kept && kept[strlen(kept) - 1] == ':') kept[strlen(kept) - 1] = '.';
    if (kept && json) cni_compare_json(c, out, &d, v, kept);
    if (kept && !json) cni_compare_markdown(c, out, &d, kept);
    cni_text_free(&sentence);
    return kept != NULL;
}

bool cni_view_compare(cn_explanation *a, cn_explanation *b, cn_explain_view view, bool full, cni_page *page)
{
    comparison c = {.page = page};
    const cn_explanation *both[] = {a, b};
    for (int i = 0; i < 2; i++)
        if (both[i]->description->remarks.errors) {
            cni_fail(&a->error, CN_ERR_INVALID, "%s: cannot be understood; explain it alone to see why",
                     both[i]->source);
            return false;
        }
    c.a = (side){.e = a, .analysis = a->analysis};
    c.b = (side){.e = b, .analysis = b->analysis};
    bool done = !cni_compare_take_size(&c, &c.b, &c.a, &a->error) && !cni_compare_take_size(&c, &c.a, &c.b, &a->error);
    if (done) {
        const bool json = view == CN_EXPLAIN_JSON, data = json || view == CN_EXPLAIN_MARKDOWN;
        done = cni_compare_collect(&c, &c.a) && cni_compare_collect(&c, &c.b) &&
               (data ? tell_data(&c, json) : compare(&c, full));
        if (!done) cni_no_memory(&a->error, "a comparison");
    }
    cni_arena_free(&c.arena);
    return done;
}
