/* SPDX-License-Identifier: Apache-2.0
 * Which positions of an input one output position reads, on one axis. */
#include "explain/analysis/reads.h"
#include "explain/analysis/whole.h"

static bool is_joined(const cni_explained *node, const cni_link *link)
{
    return link->n != link->o && link->n > 0 && link->o > 0 && node->layer->kind &&
           node->layer->kind->traits & CNI_IS_CONCATENATE;
}

/* Positions that the inputs before this one give, when an axis of the map is joined. */
static int64_t joined_before(const cni_analysis *analysis, const cni_explained *node, int input, int axis)
{
    int64_t sum = 0;
    for (int i = 0; i < input; i++) sum += analysis->nodes[node->inputs[i]].map[axis];
    return sum;
}

/* Maps brought to a given size (stride 0): by a whole factor where there is one; the middle of what is cropped. */
static bool fit_to_size(cni_link *link)
{
    if (link->n <= 0 || link->o <= 0) return false;
    if (link->type == CNI_VIEW_SHIFT) {
        link->before = -((link->n - link->o) / 2);
        return link->o <= link->n;
    }
    if (link->o % link->n == 0) link->s = link->o / link->n;
    return true;
}

bool cni_link_of(const cni_analysis *analysis, const cni_explained *node, int input, int axis, cni_link *link)
{
    const cni_explained *from = analysis->nodes + node->inputs[input];
    const cni_view *view = &node->view;
    const cni_view_axis *v = view->axis + axis;
    if (view->type == CNI_VIEW_ALL || view->type == CNI_VIEW_UNKNOWN || from->spatial != node->spatial) return false;
    if (view->spatial && view->spatial != node->spatial) return false;
    *link = (cni_link){.type = view->type,
                       .border = view->border,
                       .corners = view->corners,
                       .n = from->map[axis],
                       .o = node->map[axis],
                       .k = v->size,
                       .s = v->stride,
                       .d = v->dilation};
    if (view->type == CNI_VIEW_WINDOW || view->type == CNI_VIEW_TRANSPOSED) link->before = node->axis[axis].before;
    if (view->type == CNI_VIEW_SHIFT) link->before = v->before;
    if (view->type == CNI_VIEW_ADAPTIVE && !v->size) link->k = link->n; /* as many as come in */
    if (view->spatial && v->stride == 0 && !fit_to_size(link)) return false;
    if (view->type != CNI_VIEW_POINT) return true;
    link->stretched = link->n == 1 && link->o > 1 && !is_joined(node, link);
    if (is_joined(node, link)) link->before = joined_before(analysis, node, input, axis);
    return true;
}

/* x s + t d = z for some t in 0..k-1.  If t is one answer, the others lie s / gcd(s, d) apart. */
static cni_taps transposed(const cni_link *link, int64_t z)
{
    const int64_t s = link->s, d = link->d, divisor = cni_common_divisor(s, d), turn = s / divisor;
    int64_t t = d == 1 ? (z % s + s) % s : 0;
    while (t < link->k && t < turn && (z - t * d) % s != 0) t++;
    if (t >= link->k || t >= turn) return (cni_taps){0, 1, 0};
    const int64_t count = (link->k - 1 - t) / turn + 1, step = d / divisor;
    return (cni_taps){(z - t * d) / s - (count - 1) * step, step, count};
}

/* Output y lies at (y + 1/2) n / o - 1/2 of the input, n / o being 1 / s where that is known; with corners on each
 * other at y (n-1) / (o-1).  That is between two inputs, or on one. */
static cni_taps bilinear(const cni_link *link, int64_t y)
{
    const int64_t n = link->s ? 1 : link->n, o = link->s ? link->s : link->o;
    const bool corners = link->corners && link->o > 1;
    const int64_t u = corners ? y * (link->n - 1) : (2 * y + 1) * n - o, of = corners ? link->o - 1 : 2 * o;
    return (cni_taps){cni_divide_down(u, of), 1, u % of == 0 ? 1 : 2};
}

static cni_taps nearest(const cni_link *link, int64_t y)
{
    const int64_t at = link->s ? cni_divide_down(y, link->s) : cni_divide_down((2 * y + 1) * link->n, 2 * link->o);
    return (cni_taps){at, 1, 1};
}

cni_taps cni_reads(const cni_link *link, int64_t y)
{
    switch (link->type) {
    case CNI_VIEW_WINDOW:
        return (cni_taps){y * link->s - link->before, link->d, link->k};
    case CNI_VIEW_TRANSPOSED:
        return transposed(link, y + link->before);
    case CNI_VIEW_NEAREST:
        return nearest(link, y);
    case CNI_VIEW_BILINEAR:
        return bilinear(link, y);
    case CNI_VIEW_ADAPTIVE: {
        const int64_t first = cni_divide_down(y * link->n, link->k), end = cni_divide_up((y + 1) * link->n, link->k);
        return (cni_taps){first, 1, end - first};
    }
    default:
        return (cni_taps){link->stretched ? 0 : y - link->before, 1, 1};
    }
}

static int64_t clamp(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Padding that repeats pixels: the hull of what is read through it.  Edges are repeated endlessly, reflections once;
 * what wraps round reads both ends. */
static cni_taps reads_through(const cni_link *link, cni_taps taps)
{
    const int64_t n = link->n, last = taps.first + (taps.count - 1) * taps.step;
    int64_t low = clamp(taps.first, n), high = clamp(last, n);
    if (link->border == CNI_BORDER_WRAP) return (cni_taps){0, 1, n};
    if (link->border == CNI_BORDER_REFLECT) {
        const int64_t left = clamp(-taps.first, n), right = clamp(2 * (n - 1) - last, n);
        if (last < 0)
            low = clamp(-last, n), high = left;
        else if (taps.first >= n)
            low = right, high = clamp(2 * (n - 1) - taps.first, n);
        if (taps.first < 0 && left > high) high = left;
        if (last >= n && right < low) low = right;
    }
    return (cni_taps){low, 1, high - low + 1};
}

cni_taps cni_reads_inside(const cni_link *link, int64_t y)
{
    cni_taps taps = cni_reads(link, y);
    const int64_t n = link->n, last = taps.first + (taps.count - 1) * taps.step;
    if (!taps.count || (taps.first >= 0 && last < n)) return taps;
    if (link->type == CNI_VIEW_BILINEAR || (cni_repeats_pixels(link->border) && link->type != CNI_VIEW_POINT))
        return reads_through(link, taps);
    const int64_t skipped = taps.first < 0 ? cni_divide_up(-taps.first, taps.step) : 0;
    const int64_t end = taps.first >= n ? 0 : cni_divide_down(n - 1 - taps.first, taps.step) + 1;
    taps.first += skipped * taps.step;
    taps.count = (end < taps.count ? end : taps.count) - skipped;
    if (taps.count <= 0) return (cni_taps){0, 1, 0};
    return taps;
}
