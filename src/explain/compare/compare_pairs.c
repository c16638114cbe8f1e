/* SPDX-License-Identifier: Apache-2.0
 * Which window of one network is which of the other: the longest common subsequence of their windows. */
#include "explain/compare/compare.h"

enum { MOST_PAIRED = 2000 }; /* windows of either; more are paired one by one */

static bool is_window(const cni_explained *node)
{
    return (node->view.type == CNI_VIEW_WINDOW || node->view.type == CNI_VIEW_TRANSPOSED) && node->view.spatial;
}

bool cni_compare_collect(comparison *c, side *s)
{
    s->windows = CNI_NEW_ARRAY(&c->arena, int, (size_t)s->analysis->count + 1);
    for (int i = 0; s->windows && i < s->analysis->count; i++)
        if (is_window(&s->analysis->nodes[i])) s->windows[s->count++] = i;
    return s->windows != NULL;
}

static const cni_explained *window_of(const side *s, int i)
{
    return &s->analysis->nodes[s->windows[i]];
}

cn_status cni_compare_take_size(comparison *c, side *to, const side *from, cni_error *error)
{
    const cni_analysis *own = to->e->analysis, *other = from->e->analysis;
    if (own->image != 0 || other->image != 0 || own->description->input_count != 1) return CN_OK;
    const cni_explained *image = &own->nodes[0], *given = &other->nodes[0];
    const int spatial = image->spatial;
    cni_explain_options options = own->options;
    if (options.input_count || spatial != given->spatial || image->shape.rank != spatial + 2) return CN_OK;
    for (int i = 0; i < spatial; i++)
        if (image->map[i] >= 0 || given->map[i] < 1) return CN_OK;
    const bool first = image->format == CN_CHANNELS_FIRST;
    const int64_t channels = image->channels > 0 ? image->channels : given->channels;
    if (channels < 1) return CN_OK;
    options.input_count = 1;
    options.input[0][first ? 0 : spatial] = channels;
    for (int i = 0; i < spatial; i++) options.input[0][first ? i + 1 : i] = given->map[i];
    cni_analysis *sized = NULL;
    CN_TRY(cni_analyse(&c->arena, own->description, &options, &sized, error));
    to->analysis = sized;
    return CN_OK;
}

/* What must agree for two windows to be the same layer: what it does, its filters, its kernel. */
static bool alike(const cni_explained *a, const cni_explained *b)
{
    const unsigned kinds =
        CNI_IS_CONVOLUTION | CNI_IS_DEPTHWISE | CNI_IS_SEPARABLE | CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL;
    if ((cni_traits_of(a) & CNI_IS_CONVOLUTION) != (cni_traits_of(b) & CNI_IS_CONVOLUTION)) return false;
    /* A depthwise convolution is a Conv2d with groups in PyTorch. */
    if ((cni_traits_of(a) & kinds & ~CNI_IS_DEPTHWISE) != (cni_traits_of(b) & kinds & ~CNI_IS_DEPTHWISE)) return false;
    if (a->view.type != b->view.type || a->view.spatial != b->view.spatial || a->channels != b->channels) return false;
    for (int i = 0; i < a->view.spatial; i++)
        if (a->view.axis[i].size != b->view.axis[i].size) return false;
    return true;
}

/* lengths[i][j] is that of what follows i and j. */
bool cni_compare_pair_up(comparison *c)
{
    const int m = c->a.count, n = c->b.count;
    const size_t row = (size_t)n + 1;
    c->pairs = cni_arena_array(&c->arena, (size_t)(m < n ? m : n) + 1, sizeof *c->pairs);
    c->single_a = CNI_NEW_ARRAY(&c->arena, int, (size_t)m + 1);
    c->single_b = CNI_NEW_ARRAY(&c->arena, int, (size_t)n + 1);
    const bool small = m <= MOST_PAIRED && n <= MOST_PAIRED;
    int16_t *lengths = small ? cni_arena_array(&c->arena, ((size_t)m + 1) * row, sizeof *lengths) : NULL;
    if (!c->pairs || !c->single_a || !c->single_b || (small && !lengths)) return false;
    for (int i = m - 1; small && i >= 0; i--)
        for (int j = n - 1; j >= 0; j--) {
            const size_t at = (size_t)i * row + (size_t)j;
            const int16_t down = lengths[at + row], right = lengths[at + 1];
            lengths[at] = alike(window_of(&c->a, i), window_of(&c->b, j)) ? (int16_t)(lengths[at + row + 1] + 1)
                                                                          : (down > right ? down : right);
        }
    int i = 0, j = 0;
    while (i < m && j < n) {
        const size_t at = (size_t)i * row + (size_t)j;
        if (!small || alike(window_of(&c->a, i), window_of(&c->b, j))) {
            c->pairs[c->pair_count][0] = c->a.windows[i++];
            c->pairs[c->pair_count++][1] = c->b.windows[j++];
        } else if (lengths[at + row] >= lengths[at + 1])
            c->single_a[c->single_a_count++] = c->a.windows[i++];
        else
            c->single_b[c->single_b_count++] = c->b.windows[j++];
    }
    while (i < m) c->single_a[c->single_a_count++] = c->a.windows[i++];
    while (j < n) c->single_b[c->single_b_count++] = c->b.windows[j++];
    return true;
}
