/* SPDX-License-Identifier: Apache-2.0
 * What the pairs come to, in a sentence. */
#include "explain/compare/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void cni_compare_print_singles(comparison *c, const side *s, const int *nodes, int count)
{
    cni_text text = {0};
    if (!count) return;
    cni_text_printf(&text, "windows only in %s: ", cni_compare_name(c, s));
    for (int i = 0; i < count && i < 8; i++)
        cni_text_printf(&text, "%s%s", i ? ", " : "", s->analysis->nodes[nodes[i]].name);
    if (count > 8) cni_text_printf(&text, " and %d more", count - 8);
    cni_page_paragraph(c->page, 2, 4, cni_text_get(&text));
    cni_text_free(&text);
}

static void sizes_of(const cni_explained *node, char *text)
{
    *text = 0;
    for (int i = 0; i < node->view.spatial; i++)
        snprintf(text + strlen(text), TEXT - strlen(text), "%s%" PRId64, i ? "x" : "", node->axis[i].o);
}

/* The first pair whose kernels hold different numbers of weights (other channels come in), or -1. */
static int uneven_pair(const comparison *c)
{
    for (int i = 0; i < c->pair_count; i++) {
        const int64_t a = c->a.analysis->nodes[c->pairs[i][0]].kernel_weights,
                      b = c->b.analysis->nodes[c->pairs[i][1]].kernel_weights;
        if (a > 0 && b > 0 && a != b) return i;
    }
    return -1;
}

bool cni_compare_print_uneven(comparison *c)
{
    const int i = uneven_pair(c);
    char text[4 * TEXT];
    if (i < 0) return false;
    const cni_explained *a = &c->a.analysis->nodes[c->pairs[i][0]], *b = &c->b.analysis->nodes[c->pairs[i][1]];
    snprintf(text, sizeof text,
             "verdict: other channels: the kernel of %s has %s weights, that of %s %s; they cannot be copied.", a->name,
             CNI_SHOW(count, a->kernel_weights), b->name, CNI_SHOW(count, b->kernel_weights));
    cni_page_paragraph(c->page, 2, 2, text);
    return true;
}

void cni_compare_print_verdict(comparison *c, verdict v, const cni_differences *d, const pair *worst, const pair *final)
{
    char text[4 * TEXT], far_[TEXT], a[TEXT], b[TEXT];
    const bool complete = !c->single_a_count && !c->single_b_count;
    const char *copied =
        cni_compare_reorders(c) ? "copied (rows of a Dense behind Flatten in another order, see below)" : "copied";
    switch (v) {
    case IDENTICAL:
        snprintf(text, sizeof text, "verdict: %s.%s%s%s",
                 complete ? "all windows read the same pixels" : "what is paired reads the same pixels",
                 complete ? " Weights can be " : "", complete ? copied : "",
                 !complete    ? ""
                 : d->outputs ? ", outputs differ:"
                 : d->count   ? ", and outputs agree; trainings will differ:"
                              : ", and outputs agree.");
        break;
    case OTHER_NUMBERS:
        snprintf(text, sizeof text,
                 "verdict: same windows, different numbers. Weights can be %s, outputs will differ at the border.",
                 copied);
        break;
    case SHIFTED: {
        int64_t num[CNI_MAX_SPATIAL];
        const int count = final->a->view.spatial;
        bool apart = final->shifts;
        for (int i = 0; i < count; i++) {
            num[i] = final->far_num[i] < 0 ? -final->far_num[i] : final->far_num[i];
            apart = apart && (i == 0 || num[i] || num[0]);
        }
        cni_compare_shift(num, final->far_den, count, far_);
        snprintf(text, sizeof text,
                 apart ? "verdict: same sizes, sampling grids %s apart. Weights can be %s, outputs will differ."
                       : "verdict: same sizes, windows at other places%.0s. Weights can be %s, outputs will differ.",
                 *far_ == '+' ? far_ + 1 : far_, copied);
        break;
    }
    case OTHER_SIZE:
        sizes_of(worst->a, a);
        sizes_of(worst->b, b);
        snprintf(text, sizeof text,
                 "verdict: different sizes: %s gives %s in %s and %s in %s. Weights of convolutions can be copied, "
                 "those of a Dense behind Flatten cannot.",
                 worst->a->name, a, cni_compare_name(c, &c->a), b, cni_compare_name(c, &c->b));
        break;
    }
    cni_page_paragraph(c->page, 2, 2, text);
}
