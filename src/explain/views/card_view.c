/* SPDX-License-Identifier: Apache-2.0
 * The card of one layer: every number with the formula that gives it, and the windows at both ends of an axis.
 *
 *             ::   0   1   2   3   4   5   6  ..  123 124 125 126 127  ::  ::
 *     out 0   ()  ##  ##  ##  ##   .   .   .        .   .   .   .   .   .   .
 *
 * ## a tap on a pixel, () a tap on padding, -- the gap of a dilated window, :: padding, . not read by this output. */
#include "explain/explanation.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 200, MAP_COLUMNS = 56 };

typedef struct card {
    cn_explanation *e;
    cni_page *page;
    const cni_explained *node, *input; /* the first input, or NULL */
    bool windowed;                     /* WINDOW or TRANSPOSED */
    bool alike;                        /* all axes have the same numbers */
    int column;
} card;

static const char *const axis_names[CNI_MAX_SPATIAL][CNI_MAX_SPATIAL] = {{"x"}, {"y", "x"}, {"z", "y", "x"}};

static const char *axis_name(const card *c, int axis)
{
    return axis_names[c->node->view.spatial - 1][axis];
}

static unsigned traits(const cni_explained *node)
{
    return node->layer->kind ? node->layer->kind->traits : 0;
}

static bool same_axis(const cni_axis *a, const cni_axis *b)
{
    return a->n == b->n && a->k == b->k && a->s == b->s && a->d == b->d && a->before == b->before &&
           a->after == b->after && a->o == b->o;
}

/* ---- lines of pieces ---- */

static void begin(card *c, const char *label)
{
    cni_text_add(c->page->out, "  ");
    cni_page_text(c->page, CNI_BOLD, label);
    c->column = 2 + (int)strlen(label);
}

static void end(card *c)
{
    cni_text_char(c->page->out, '\n');
}

#define PIECE(...) cni_page_piece(c->page, &c->column, 9, __VA_ARGS__)

/* ---- sizes ---- */

static void head(card *c)
{
    char place[300];
    cni_text left = {0};
    const char *call = cni_show_call(&c->e->arena, c->e->flat, c->node->layer);
    cni_text_printf(&left, "%s   %s", c->node->name, call ? call : "");
    cni_show_site(c->e, c->node->layer, c->node->span, place, sizeof place);
    cni_page_sides(c->page, CNI_BOLD, cni_text_get(&left), place, 76);
    cni_text_free(&left);
}

/* With formulas where they are not too long for a line. */
static char *show_map(const cni_explained *node, char text[TEXT])
{
    char formulas[TEXT];
    cni_show_map(node, " x ", formulas, sizeof formulas);
    if (strlen(formulas) <= MAP_COLUMNS) return strcpy(text, formulas);
    return cni_show_sizes(&node->shape, " x ", text, TEXT);
}

static void sizes(card *c)
{
    char in[2 * TEXT] = "", one[TEXT];
    for (int i = 0; i < c->node->input_count && strlen(in) < 100; i++) {
        show_map(&c->e->analysis->nodes[c->node->inputs[i]], one);
        snprintf(in + strlen(in), sizeof in - strlen(in), "%s%s", i ? " and " : "", one);
    }
    begin(c, "in");
    PIECE("  %s", in);
    PIECE("      out  %s", show_map(c->node, one));
    PIECE("      activation %s", CNI_SHOW(bytes, c->node->bytes_out));
    end(c);
}

/* "out  = ceil(128/2) = 64                 both axes" */
static void output(card *c, int axis)
{
    char formula[TEXT], left[2 * TEXT];
    cni_axis_formula(&c->node->view, axis, &c->node->axis[axis], formula, sizeof formula);
    char *result = strstr(formula, " = ");
    if (result && strlen(result + 3) == (size_t)(result - formula) && !strncmp(formula, result + 3, strlen(result + 3)))
        *result = 0; /* 8 = 8 */
    snprintf(left, sizeof left, "  out%s%s  = %s", c->alike ? "" : " ", c->alike ? "" : axis_name(c, axis), formula);
    cni_page_sides(c->page, CNI_PLAIN, left, c->alike && c->node->view.spatial > 1 ? "both axes" : "", 74);
}

static void sides(card *c, int axis)
{
    static const char *const names[CNI_MAX_SPATIAL][2] = {{"front", "back"}, {"top", "bottom"}, {"left", "right"}};
    const int count = c->node->view.spatial;
    const char *gap = "   ";
    for (int i = c->alike ? 0 : axis; i < (c->alike ? count : axis + 1); i++) {
        const cni_axis *a = &c->node->axis[i];
        const char *const *name = names[CNI_MAX_SPATIAL - count + i];
        PIECE("%s%s %" PRId64, gap, count == 1 ? "before" : name[0], a->before);
        PIECE("  %s %" PRId64, count == 1 ? "after" : name[1], a->after);
        gap = "  ";
    }
}

/* The pads of 'same' for each remainder of an unknown size. */
static void pad_cases(card *c, int axis)
{
    const cni_view_axis *v = &c->node->view.axis[axis];
    const int64_t extent = (v->size - 1) * v->dilation + 1;
    PIECE("  depends on the size:");
    for (int64_t q = 0; q < v->stride && q < 4; q++) {
        const int64_t total = extent - (q ? q : v->stride) > 0 ? extent - (q ? q : v->stride) : 0;
        PIECE("%s n mod %" PRId64 " = %" PRId64 ": %" PRId64 "/%" PRId64, q ? "  " : "", v->stride, q, total / 2,
              total - total / 2);
    }
}

static void pads(card *c, int axis)
{
    const cni_axis *a = &c->node->axis[axis];
    const cni_view_axis *v = &c->node->view.axis[axis];
    const bool same = v->rule == CNI_PAD_SAME || v->rule == CNI_PAD_SAME_LOWER;
    char label[16];
    const bool cut = c->node->view.type == CNI_VIEW_TRANSPOSED;
    snprintf(label, sizeof label, "%s%s%s", cut ? "cut" : "pad", c->alike ? "" : " ",
             c->alike ? "" : axis_name(c, axis));
    begin(c, label);
    if (a->before == CNI_UNSEEN || a->after == CNI_UNSEEN) {
        if (same && !cut)
            pad_cases(c, axis);
        else
            PIECE("  ?");
    } else if (!a->before && !a->after && !(same && !cut)) {
        PIECE("  none");
    } else {
        if (same && !cut && a->o > 0)
            PIECE("  = max((%" PRId64 "-1)*%" PRId64 " + %" PRId64 " - %" PRId64 ", 0) = %" PRId64, a->o, a->s,
                  a->extent, a->n, a->before + a->after);
        else
            PIECE("  %s", cut ? "of the full result" : v->rule == CNI_PAD_CAUSAL ? "causal" : "as given");
        sides(c, axis);
    }
    if (!cut && a->after_used != CNI_UNSEEN && a->after != CNI_UNSEEN && a->after_used != a->after)
        PIECE("   behind, %" PRId64 " of %" PRId64 " reached", a->after_used, a->after);
    end(c);
}

static void join(char *text, size_t size, const cni_view *view, bool extent)
{
    *text = 0;
    for (int i = 0; i < view->spatial; i++) {
        const cni_view_axis *a = &view->axis[i];
        const size_t at = strlen(text);
        snprintf(text + at, size - at, "%s%" PRId64, i ? "x" : "", extent ? (a->size - 1) * a->dilation + 1 : a->size);
    }
}

static void window(card *c)
{
    char taps[TEXT], extent[TEXT];
    join(taps, sizeof taps, &c->node->view, false);
    join(extent, sizeof extent, &c->node->view, true);
    begin(c, "window");
    PIECE(" %s (extent %s)", taps, extent);
    for (int i = 0; i < (c->alike ? 1 : c->node->view.spatial); i++) {
        const cni_axis *a = &c->node->axis[i];
        if (c->node->view.type != CNI_VIEW_WINDOW || a->o == CNI_UNSEEN || a->o < 1 || a->before == CNI_UNSEEN) break;
        const int64_t last = (a->o - 1) * a->s - a->before;
        PIECE("   %s%sfirst at %" PRId64 "..%" PRId64, c->alike ? "" : axis_name(c, i), c->alike ? "" : " ", -a->before,
              -a->before + a->extent - 1);
        PIECE("   last at %" PRId64 "..%" PRId64, last, last + a->extent - 1);
        PIECE("   leftover %" PRId64, a->rest > 0 ? a->rest : 0);
        if (a->rest < 0) PIECE("   overhang %" PRId64, -a->rest);
    }
    end(c);
}

/* ---- field ---- */

static bool same_field(const cni_receptive_field *a, const cni_receptive_field *b)
{
    return a->all == b->all && a->affine == b->affine && a->unit == b->unit && a->size == b->size &&
           a->jump == b->jump && a->start == b->start && a->least == b->least && a->most == b->most &&
           a->count == b->count;
}

static void centres(card *c, const cni_receptive_field *f)
{
    const int64_t shown[] = {0, 1, f->count > 0 ? f->count - 1 : 0};
    char text[3][CNI_FIGURE];
    for (int i = 0; i < 3; i++) {
        int64_t num, den;
        if (!cni_centre_of(f, shown[i] > 0 ? shown[i] : 0, &num, &den)) return;
        cni_show_ratio(num, den, text[i]);
    }
    if (f->count > 2)
        PIECE("   centres %s, %s, .. %s", text[0], text[1], text[2]);
    else if (f->count == 2)
        PIECE("   centres %s, %s", text[0], text[1]);
    else if (f->count == 1)
        PIECE("   centre %s", text[0]);
    else
        PIECE("   first centre %s", text[0]);
}

/* "field  r = 1 + (5-1)*1 = 5   jump 2   start -1   centres 1, 3, .. 127" */
static void field_axis(card *c, int axis, const char *name)
{
    const cni_receptive_field *f = &c->node->field[axis];
    const cni_receptive_field *in = c->input ? &c->input->field[axis] : NULL;
    char label[16];
    snprintf(label, sizeof label, "field%s%s", *name ? " " : "", name);
    begin(c, label);
    if (f->all && f->local && f->affine) {
        PIECE("  local r = %s, gated by the whole image", CNI_SHOW(ratio, f->size, f->unit));
        PIECE("   jump %s", CNI_SHOW(ratio, f->jump, f->unit));
    } else if (f->all) {
        PIECE("  the whole image");
    } else if (!f->affine) {
        PIECE("  r = %s px, depending on the position", CNI_SHOW(field, f));
        PIECE("   jump %s", CNI_SHOW(jump, f));
    } else {
        const cni_axis *a = &c->node->axis[axis];
        if (c->node->view.type == CNI_VIEW_WINDOW && in && in->affine && a->extent > 1)
            PIECE("  r = %s + (%" PRId64 "-1)*%s = %s", CNI_SHOW(ratio, in->size, in->unit), a->extent,
                  CNI_SHOW(ratio, in->jump, in->unit), CNI_SHOW(field, f));
        else
            PIECE("  r = %s", CNI_SHOW(field, f));
        PIECE("   jump %s", CNI_SHOW(jump, f));
        if (f->start != CNI_UNSEEN) {
            PIECE("   start %s", CNI_SHOW(ratio, f->start, f->unit));
            centres(c, f);
        }
    }
    if (f->holes > 0) PIECE("   %" PRId64 " of these offsets are not read", f->holes);
    end(c);
}

static void field(card *c)
{
    const int image = c->e->analysis->image;
    const int axes = image >= 0 ? c->e->analysis->nodes[image].spatial : 0;
    if (!axes || c->node->suspect) return;
    bool alike = true;
    for (int i = 1; i < axes; i++) alike &= same_field(&c->node->field[0], &c->node->field[i]);
    for (int i = 0; i < (alike ? 1 : axes); i++) field_axis(c, i, alike ? "" : axis_names[axes - 1][i]);
}

/* ---- costs ---- */

/* A product as it is written and its value; a term that is not known spoils it. */
typedef struct product {
    char text[TEXT];
    int64_t value;
} product;

static void times(product *p, int64_t number)
{
    const size_t at = strlen(p->text);
    snprintf(p->text + at, sizeof p->text - at, "%s%" PRId64, at ? "*" : "", number);
    if (!at) p->value = 1;
    if (number < 0 || p->value < 0 || __builtin_mul_overflow(p->value, number, &p->value)) p->value = -1;
}

static void times_window(product *p, const cni_view *view)
{
    for (int i = 0; i < view->spatial; i++) times(p, view->axis[i].size);
}

static void times_map(product *p, const cni_explained *node)
{
    for (int i = 0; i < node->spatial; i++) times(p, node->map[i]);
}

static int64_t total_params(const cni_explained *node)
{
    return cni_amount_sum(node->params);
}

/* What the arguments tell when nothing is known of the input: Linear(2048, 10). */
static int64_t told(const card *c, const char *key)
{
    const int *value = c->node->layer->config ? cni_object_member(c->node->layer->config, key) : NULL;
    return value && *value > 0 ? *value : -1;
}

static int64_t input_channels(const card *c)
{
    if (!c->input) return -1;
    if (!c->input->shape.rank) return told(c, "in_features");
    if (c->input->channels >= 0) return c->input->channels;
    return c->input->shape.rank > 1 ? c->input->shape.dims[c->input->shape.rank - 1] : -1;
}

static int64_t output_channels(const card *c)
{
    if (!c->node->shape.rank) return told(c, "out_features");
    return c->node->channels >= 0 ? c->node->channels
                                  : (c->node->shape.rank > 1 ? c->node->shape.dims[c->node->shape.rank - 1] : -1);
}

/* The kernel's weights: window * input channels of a group * filters, in the order of Keras' kernel. */
static product kernel_of(const card *c)
{
    product p = {0};
    const int64_t in = input_channels(c), out = output_channels(c), groups = c->node->view.groups;
    const unsigned is = traits(c->node);
    if (in < 1 || out < 1) return p;
    if (is & CNI_IS_CONVOLUTION) times_window(&p, &c->node->view);
    if (is & CNI_IS_DEPTHWISE) {
        times(&p, in);
        times(&p, out / in);
    } else if (c->node->view.type == CNI_VIEW_TRANSPOSED) {
        times(&p, groups > 1 ? out / groups : out);
        times(&p, in);
    } else {
        times(&p, groups > 1 ? in / groups : in);
        times(&p, out);
    }
    return p;
}

static void params(card *c)
{
    const int64_t total = total_params(c->node);
    const unsigned is = traits(c->node);
    product kernel = is & (CNI_IS_CONVOLUTION | CNI_IS_DENSE) && !(is & CNI_IS_SEPARABLE) ? kernel_of(c) : (product){0};
    const bool known = total != CNI_UNSEEN && c->node->kernel_weights != CNI_UNSEEN;
    const int64_t bias = known ? total - c->node->kernel_weights : 0;
    begin(c, "params");
    if (c->node->params.trainable == CNI_UNSEEN)
        PIECE(" ?");
    else if (c->node->shared_with >= 0)
        PIECE(" those of call %d", c->node->shared_with);
    else if (!total)
        PIECE(" none");
    else if (kernel.value > 0 && kernel.value == c->node->kernel_weights && bias == 0)
        PIECE(" = %s = %s", kernel.text, CNI_SHOW(count, total));
    else if (kernel.value > 0 && kernel.value == c->node->kernel_weights && bias > 0)
        PIECE(" = %s + %" PRId64 " = %s", kernel.text, bias, CNI_SHOW(count, total));
    else
        PIECE(" = %s", CNI_SHOW(count, total));
    if (c->node->params.other > 0)
        PIECE("   trainable %s, other %s", CNI_SHOW(count, c->node->params.trainable),
              CNI_SHOW(count, c->node->params.other));
    if (c->node->dead_weights > 0) PIECE("   never meet data %s", CNI_SHOW(count, c->node->dead_weights));
    end(c);
}

/* "64*64*64 * 5*5*3": positions and filters, then what each takes. */
static bool macs_formula(const card *c, char *text, size_t size)
{
    product positions = {0}, each = {0};
    const int64_t in = input_channels(c), out = output_channels(c), groups = c->node->view.groups;
    const unsigned is = traits(c->node);
    if (in < 1 || out < 1 || is & CNI_IS_SEPARABLE || !(is & (CNI_IS_CONVOLUTION | CNI_IS_DENSE))) return false;
    const bool transposed = c->node->view.type == CNI_VIEW_TRANSPOSED;
    times_map(&positions, transposed ? c->input : c->node);
    if (is & CNI_IS_DENSE) {
        times(&each, in);
        times(&each, out);
    } else {
        times(&positions, transposed ? in : out);
        times_window(&each, &c->node->view);
        if (!(is & CNI_IS_DEPTHWISE)) times(&each, (transposed ? out : in) / (groups > 1 ? groups : 1));
    }
    int64_t value = each.value;
    if (*positions.text && (positions.value < 0 || __builtin_mul_overflow(value, positions.value, &value)))
        return false;
    snprintf(text, size, "%s%s%s", positions.text, *positions.text ? " * " : "", each.text);
    return value == c->node->macs;
}

static void macs(card *c)
{
    const cni_explained *node = c->node;
    char formula[2 * TEXT + 8];
    begin(c, "MACs");
    if (node->macs == CNI_UNSEEN)
        PIECE("   ?");
    else if (!node->macs)
        PIECE("   none");
    else if (macs_formula(c, formula, sizeof formula))
        PIECE("   = %s = %s", formula, CNI_SHOW(count, node->macs));
    else
        PIECE("   = %s", CNI_SHOW(count, node->macs));
    if (node->macs > 0 && node->macs_real != CNI_UNSEEN && node->view.type == CNI_VIEW_WINDOW)
        PIECE("   on real pixels %s (%s)", CNI_SHOW(count, node->macs_real),
              CNI_SHOW(share, (double)node->macs_real / (double)node->macs));
    if (node->macs > 0 && node->macs_dead != CNI_UNSEEN && node->macs_dead > 0)
        PIECE("   never used %s (%s)", CNI_SHOW(count, node->macs_dead),
              CNI_SHOW(share, (double)node->macs_dead / (double)node->macs));
    if (node->other_ops != CNI_UNSEEN && node->other_ops > 0)
        PIECE("   other operations %s", CNI_SHOW(count, node->other_ops));
    end(c);
}

static void bytes(card *c)
{
    begin(c, "bytes");
    PIECE("  in %s", CNI_SHOW(bytes, c->node->bytes_in));
    PIECE("  out %s", CNI_SHOW(bytes, c->node->bytes_out));
    PIECE("  weights %s", CNI_SHOW(bytes, c->node->bytes_weights));
    if (isfinite(c->node->intensity) && c->node->intensity > 0) PIECE("   %.3g FLOP/byte", c->node->intensity);
    end(c);
}

static void time_taken(card *c)
{
    if (!isfinite(c->node->measured_ms) && !isfinite(c->node->expected_ms)) return;
    begin(c, "time");
    if (isfinite(c->node->expected_ms)) PIECE("   expected %s", CNI_SHOW(time, c->node->expected_ms));
    if (isfinite(c->node->measured_ms)) PIECE("   measured %s", CNI_SHOW(time, c->node->measured_ms));
    end(c);
}

/* ---- reads ---- */

static void reads_of(const cni_axis *a, char *text, size_t size)
{
    if (a->least_reads == a->most_reads)
        snprintf(text, size, "%" PRId64, a->least_reads);
    else
        snprintf(text, size, "%" PRId64 " %s %" PRId64, a->least_reads,
                 a->most_reads == a->least_reads + 1 ? "or" : "to", a->most_reads);
}

static void border(card *c)
{
    int64_t all = 1, clean = 1;
    char one[TEXT], reads[4 * TEXT] = "";
    const int count = c->node->view.spatial;
    const bool transposed = c->node->view.type == CNI_VIEW_TRANSPOSED;
    for (int i = 0; i < count; i++) {
        const cni_axis *a = &c->node->axis[i];
        if (a->o == CNI_UNSEEN || a->o < 1 || a->border == CNI_UNSEEN) return;
        if (__builtin_mul_overflow(all, a->o, &all)) return;
        clean *= a->o - a->border;
        reads_of(a, one, sizeof one);
        if (c->alike ? !i : true)
            snprintf(reads + strlen(reads), sizeof reads - strlen(reads), "%s%s%s%s", i ? ", " : "", one,
                     c->alike ? "" : " along ", c->alike ? "" : axis_name(c, i));
    }
    begin(c, "border");
    if (transposed)
        PIECE(" contributions per output, inside:");
    else if (all == clean)
        PIECE(" no output touches padding;");
    else
        PIECE(" %s of %s outputs touch padding;", CNI_SHOW(count, all - clean), CNI_SHOW(count, all));
    PIECE(" %s%s%s", transposed ? "" : "reads per pixel ", reads, c->alike && count > 1 ? " per axis" : "");
    end(c);
}

static void unread(card *c)
{
    int64_t all = 1, read = 1;
    for (int i = 0; i < c->node->view.spatial; i++) {
        const cni_axis *a = &c->node->axis[i];
        if (a->n == CNI_UNSEEN || a->n < 1 || a->unread == CNI_UNSEEN) return;
        if (__builtin_mul_overflow(all, a->n, &all)) return;
        read *= a->n - a->unread;
    }
    if (read == all) return;
    begin(c, "unread");
    PIECE(" %s of %s input positions (%s)", CNI_SHOW(count, all - read), CNI_SHOW(count, all),
          CNI_SHOW(share, (double)(all - read) / (double)all));
    end(c);
}

static void needed(card *c)
{
    const cni_explained *node = c->node;
    if (node->needed == CNI_UNSEEN || node->positions == CNI_UNSEEN || node->needed >= node->positions) return;
    begin(c, "needed");
    PIECE(" %s of %s positions by the network's outputs", CNI_SHOW(count, node->needed),
          CNI_SHOW(count, node->positions));
    end(c);
}

/* ---- the walk of the window ---- */

typedef struct walk {
    const cni_axis *axis;
    int64_t first, left_end, right, end; /* cells first..left_end-1, then right..end-1; no break when they meet */
    int label, cell;                     /* widths */
} walk;

static int digits(int64_t number)
{
    return snprintf(NULL, 0, "%" PRId64, number);
}

/* Where cells are left out: behind the second window, before the last but one; less where the line is too short. */
static walk plan(const cni_axis *a, int width)
{
    walk w = {.axis = a, .first = -a->before};
    const int64_t behind = (a->o - 1) * a->s - a->before + a->extent, cells_end = a->n + a->after;
    w.end = behind > cells_end ? behind : cells_end;
    w.label = 6 + digits(a->o - 1) < 8 ? 8 : 6 + digits(a->o - 1);
    w.cell = digits(a->n) < 4 ? 4 : digits(a->n) + 1;
    const int64_t whole = (width - w.label) / w.cell;
    w.left_end = w.right = w.end;
    if (w.end - w.first <= whole) return w;
    const int64_t room = (width - w.label - w.cell - 1) / w.cell;
    w.left_end = -a->before + (a->o > 1 ? a->s : 0) + a->extent + 1;
    w.right = (a->o > 1 ? a->o - 2 : 0) * a->s - a->before;
    if (w.left_end - w.first > (room + 1) / 2) w.left_end = w.first + (room + 1) / 2;
    if (w.end - w.right > room / 2) w.right = w.end - room / 2;
    if (w.right <= w.left_end) { /* cannot be: the line was too short for all */
        w.left_end = w.first + (room + 1) / 2;
        w.right = w.end - room / 2;
    }
    return w;
}

typedef void show_cell(const walk *w, int64_t index, int64_t row, char *text);

static void walk_row(card *c, const walk *w, const char *label, const char *between, show_cell *show, int64_t row)
{
    char text[CNI_FIGURE];
    cni_page_cell(c->page, CNI_PLAIN, w->label, label);
    for (int64_t i = w->first; i < w->end; i++) {
        if (i == w->left_end) {
            i = w->right;
            cni_page_cell(c->page, CNI_PLAIN, -w->cell, between);
            cni_text_char(c->page->out, ' ');
        }
        show(w, i, row, text);
        cni_page_cell(c->page, *text == '#' ? CNI_YELLOW : strchr(".:", *text) ? CNI_FAINT : CNI_PLAIN, -w->cell, text);
    }
    cni_page_end(c->page);
}

static void show_index(const walk *w, int64_t index, int64_t row, char *text)
{
    (void)row;
    if (index < 0 || index >= w->axis->n)
        strcpy(text, "::");
    else
        snprintf(text, CNI_FIGURE, "%" PRId64, index);
}

static void show_tap(const walk *w, int64_t index, int64_t row, char *text)
{
    const cni_axis *a = w->axis;
    const int64_t from = index - (row * a->s - a->before);
    if (from < 0 || from >= a->extent)
        strcpy(text, ".");
    else if (from % a->d)
        strcpy(text, "--");
    else
        strcpy(text, index < 0 || index >= a->n ? "()" : "##");
}

static void show_reads(const walk *w, int64_t index, int64_t row, char *text)
{
    const cni_axis *a = w->axis;
    int64_t count = 0;
    (void)row;
    *text = 0;
    if (index < 0 || index >= a->n) return;
    for (int64_t t = 0; t < a->k; t++) {
        const int64_t at = index + a->before - t * a->d;
        count += at >= 0 && at % a->s == 0 && at / a->s < a->o;
    }
    snprintf(text, CNI_FIGURE, "%" PRId64 "%s", count, count ? "" : "!");
}

enum { WALK_TAPS = 4096 }; /* wider windows cannot be shown */

static void walk_axis(card *c, int axis)
{
    const cni_axis *a = &c->node->axis[axis];
    char label[40];
    if (a->n == CNI_UNSEEN || a->n < 1 || a->o == CNI_UNSEEN || a->o < 1 || a->k > WALK_TAPS) return;
    const walk w = plan(a, c->page->width);
    cni_text_char(c->page->out, '\n');
    begin(c, c->alike ? "x" : axis_name(c, axis));
    PIECE(" axis  %" PRId64 " px, window %" PRId64 ", step %" PRId64, a->n, a->k, a->s);
    if (a->d > 1) PIECE(", dilation %" PRId64, a->d);
    PIECE(", padding %" PRId64 " before / %" PRId64 " after -> %" PRId64, a->before, a->after, a->o);
    end(c);
    walk_row(c, &w, "", "..", show_index, 0);
    for (int64_t row = 0; row < a->o; row++) {
        if (a->o > 6 && row == 2) row = a->o - 2;
        snprintf(label, sizeof label, "  out %" PRId64, row);
        walk_row(c, &w, label, "", show_tap, row);
    }
    walk_row(c, &w, "  reads", "", show_reads, 0);
}

/* ---- the card ---- */

static void geometry(card *c)
{
    const int count = c->alike ? 1 : c->node->view.spatial;
    for (int i = 0; i < count; i++) output(c, i);
    for (int i = 0; i < count; i++) pads(c, i);
    window(c);
}

bool cni_view_card(cn_explanation *e, const cni_explained *node, cni_page *page)
{
    const cni_view_type type = node->view.type;
    card card_ = {.e = e, .page = page, .node = node, .alike = true}, *c = &card_;
    c->input = node->input_count ? &e->analysis->nodes[node->inputs[0]] : NULL;
    c->windowed =
        (type == CNI_VIEW_WINDOW || type == CNI_VIEW_TRANSPOSED) && node->view.spatial && c->input && !node->suspect;
    for (int i = 1; c->windowed && i < node->view.spatial; i++) c->alike &= same_axis(&node->axis[0], &node->axis[i]);
    head(c);
    if (c->input) sizes(c);
    if (node->error.status) {
        cni_text message = {0};
        cni_text_printf(&message, "error  %s", node->error.text);
        cni_page_paragraph(page, 2, 9, cni_text_get(&message));
        cni_text_free(&message);
    }
    if (c->windowed) geometry(c);
    field(c);
    if (!c->input) return true;
    params(c);
    macs(c);
    bytes(c);
    time_taken(c);
    if (c->windowed) border(c);
    if (c->windowed) unread(c);
    needed(c);
    if (!c->windowed || type != CNI_VIEW_WINDOW) return true;
    if (c->alike)
        walk_axis(c, node->view.spatial - 1);
    else
        for (int i = 0; i < node->view.spatial; i++) walk_axis(c, i);
    return true;
}
