/* SPDX-License-Identifier: Apache-2.0
 * The summary: a row for each layer, and the totals.
 *
 *       #  layer             output     window  pad tb/lr    RF jump    params    MACs
 *       1  conv2d            26x26x32   3x3/1   0,0/0,0       3    1       320    195k */
#include "explain/explanation.h"

#include "base/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- cells ---- */

enum { NUMBER, LAYER, OUTPUT, WINDOW, PADS, FIELD, JUMP, PARAMS, MACS, COLUMNS };
enum { CELL = 80 };

typedef struct column {
    const char *header;
    int usual;  /* width where nothing is wider */
    int gap;    /* blanks before it */
    bool right; /* right-aligned */
    int least;  /* may be cut to this */
} column;

static const column columns[COLUMNS] = {
    {"#", 3, 0, true, 3},       {"layer", 16, 2, false, 9},    {"output", 9, 2, false, 9},
    {"window", 6, 2, false, 6}, {"pad tb/lr", 9, 2, false, 9}, {"RF", 4, 2, true, 2},
    {"jump", 4, 1, true, 4},    {"params", 9, 1, true, 6},     {NULL, 7, 1, true, 4},
};

static char *dash_for_zero(char *cell, bool zero)
{
    return zero ? strcpy(cell, "-") : cell;
}

/* ---- sizes that are not known ---- */

/* Formulas that are short stand in the table; longer ones get a letter, which a line below the table explains:
 *
 *     Hb x Wb x 32          Hb = floor((H-4)/2), Wb likewise
 *
 * A formula is told in the letters of those before it. */
enum { MOST_LETTERS = 26, SHORT = 14, SHORTEST = 9, FORMULAS = 1000 };

typedef struct letters {
    const char *formula[MOST_LETTERS][CNI_MAX_SPATIAL]; /* of every axis of a map */
    int spatial[MOST_LETTERS], count;
    size_t longest; /* of sizes that stand in the table */
} letters;

static const char axis_letters[CNI_MAX_SPATIAL + 1][CNI_MAX_SPATIAL + 1] = {"", "L", "HW", "DHW"};

/* 64xHbxWb */
static void show_letter(const cni_explained *node, int letter, char *cell)
{
    const bool first = node->format == CN_CHANNELS_FIRST;
    *cell = 0;
    for (int i = 0; i <= node->spatial; i++) {
        const int axis = first ? i - 1 : i;
        const bool channels = first ? !i : i == node->spatial;
        const int64_t n = channels ? node->channels : node->map[axis];
        if (i) snprintf(cell + strlen(cell), CELL - strlen(cell), "x");
        const size_t at = strlen(cell);
        if (n >= 0)
            snprintf(cell + at, CELL - at, "%" PRId64, n);
        else if (channels)
            snprintf(cell + at, CELL - at, "?");
        else
            snprintf(cell + at, CELL - at, "%c%c", axis_letters[node->spatial][axis], 'a' + letter);
    }
}

static bool same_formula(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int letter_of(const letters *l, const cni_explained *node)
{
    for (int k = 0; k < l->count; k++) {
        bool same = l->spatial[k] == node->spatial;
        for (int i = 0; same && i < node->spatial; i++)
            same = node->map[i] >= 0 || same_formula(l->formula[k][i], node->symbol[i]);
        if (same) return k;
    }
    return -1;
}

static bool has_formulas(const cni_explained *node)
{
    bool open = false;
    for (int i = 0; i < node->spatial; i++) {
        if (node->map[i] < 0 && !node->symbol[i]) return false;
        open |= node->map[i] < 0;
    }
    return open && node->spatial <= CNI_MAX_SPATIAL && node->shape.rank == node->spatial + 2;
}

static bool needs_letter(const letters *l, const cni_explained *node)
{
    char sizes[FORMULAS];
    return has_formulas(node) && strlen(cni_show_map(node, "x", sizes, sizeof sizes)) > l->longest;
}

static void find_letters(const cn_explanation *e, size_t longest, letters *l)
{
    *l = (letters){.longest = longest};
    for (int i = 0; i < e->analysis->count && l->count < MOST_LETTERS; i++) {
        const cni_explained *node = &e->analysis->nodes[i];
        if (!needs_letter(l, node) || letter_of(l, node) >= 0) continue;
        for (int k = 0; k < node->spatial; k++) l->formula[l->count][k] = node->symbol[k];
        l->spatial[l->count++] = node->spatial;
    }
}

static void show_output(const letters *l, const cni_explained *node, char *cell)
{
    char sizes[FORMULAS];
    const int letter = needs_letter(l, node) ? letter_of(l, node) : -1;
    cni_show_sizes(&node->shape, "x", cell, CELL);
    if (letter >= 0)
        show_letter(node, letter, cell);
    else if (has_formulas(node) && !needs_letter(l, node))
        snprintf(cell, CELL, "%s", cni_show_map(node, "x", sizes, sizeof sizes));
}

/* "floor((H-7)/2)+1": how long the part before the number at its end is, and that number. */
static size_t base_of(const char *formula, int64_t *more)
{
    size_t length = strlen(formula), digits = 0;
    while (digits < length && strchr("0123456789", formula[length - digits - 1])) digits++;
    *more = 0;
    if (!digits || digits >= length || !strchr("+-", formula[length - digits - 1])) return length;
    *more = strtoll(formula + length - digits - 1, NULL, 10);
    return length - digits - 1;
}

/* The longest part of a formula that a letter before `letter` stands for, but for a number that is added. */
typedef struct known_part {
    const char *at;
    size_t length; /* with the number */
    int letter;    /* -1: none */
    int64_t more;  /* to be added to what the letter stands for */
} known_part;

static known_part find_part(const letters *l, int letter, int axis)
{
    const char *formula = l->formula[letter][axis];
    known_part best = {.letter = -1};
    size_t longest = 0;
    for (int k = 0; k < letter; k++) {
        const char *other = l->spatial[k] == l->spatial[letter] ? l->formula[k][axis] : NULL;
        int64_t own, here = 0;
        const size_t length = other ? base_of(other, &own) : 0;
        if (!length || length < longest) continue; /* the nearest of equal ones */
        for (const char *at = formula; *at; at++) {
            if (strncmp(at, other, length) != 0) continue;
            char *end = (char *)(uintptr_t)(at + length);
            if (*end == '+' || *end == '-') here = strtoll(end, &end, 10);
            best = (known_part){at, (size_t)(end - at), k, here - own};
            longest = length;
            break;
        }
    }
    return best;
}

/* The formula with what has a letter already written by it: "ceil(Ha/2)", "floor((Ha-3)/2)+1". */
static void add_formula(const letters *l, int letter, int axis, cni_text *out)
{
    const char *formula = l->formula[letter][axis];
    if (!formula) return;
    const known_part part = find_part(l, letter, axis);
    if (part.letter < 0) {
        cni_text_add(out, formula);
        return;
    }
    const char *end = part.at + part.length;
    const bool whole = part.at == formula && !*end;
    const bool inside = part.at > formula && part.at[-1] == '(' && *end == ')';
    /* 2*(Hc) needs no brackets; those of ceil(Hc) are its own. */
    const bool bare = inside && !part.more && part.at > formula + 1 && strchr("*(", part.at[-2]);
    const bool brackets = part.more && !whole && !inside;
    cni_text_printf(out, "%.*s%s%c%c", (int)(part.at - formula) - bare, formula, brackets ? "(" : "",
                    axis_letters[l->spatial[letter]][axis], 'a' + part.letter);
    if (part.more) cni_text_printf(out, "%+" PRId64, part.more);
    cni_text_printf(out, "%s%s", brackets ? ")" : "", end + bare);
}

/* Whether the formula of an axis is that of the first with another letter. */
static bool is_likewise(const letters *l, int letter, int axis)
{
    const char *a = l->formula[letter][0], *b = l->formula[letter][axis], *names = axis_letters[l->spatial[letter]];
    for (; a && b && *a && *b; a++, b++)
        if (*a != *b && !(*a == names[0] && *b == names[axis])) return false;
    return a && b && *a == *b;
}

static void print_letters(const letters *l, cni_page *page)
{
    cni_text text = {0};
    if (!l->count) return;
    for (int k = 0; k < l->count; k++) {
        cni_text_printf(&text, "%s%c%c = ", k ? "; " : "", axis_letters[l->spatial[k]][0], 'a' + k);
        add_formula(l, k, 0, &text);
        for (int i = 1; i < l->spatial[k]; i++) {
            cni_text_printf(&text, ", %c%c", axis_letters[l->spatial[k]][i], 'a' + k);
            if (is_likewise(l, k, i)) {
                cni_text_add(&text, " likewise");
            } else {
                cni_text_add(&text, " = ");
                add_formula(l, k, i, &text);
            }
        }
    }
    cni_page_paragraph(page, 2, 2, cni_text_get(&text));
    cni_text_free(&text);
}

/* Both axes: "10", or "10x4" where they differ. */
static void join_axes(const char *a, const char *b, char *cell)
{
    if (*b && strcmp(a, b) != 0)
        snprintf(cell, CELL, "%sx%s", a, b);
    else
        snprintf(cell, CELL, "%s", a);
}

static void show_fields(const cn_explanation *e, const cni_explained *node, char *field, char *jump)
{
    char a[CNI_FIGURE], b[CNI_FIGURE] = "";
    strcpy(field, "-");
    strcpy(jump, "-");
    const int axes = e->analysis->image >= 0 ? e->analysis->nodes[e->analysis->image].spatial : 0;
    if (!axes || node->suspect || (!node->spatial && !node->field[0].all)) return;
    cni_show_field(&node->field[0], a);
    if (axes > 1) cni_show_field(&node->field[1], b);
    join_axes(a, b, field);
    cni_show_jump(&node->field[0], a);
    if (axes > 1) cni_show_jump(&node->field[1], b);
    join_axes(a, b, jump);
}

/* With measured times their columns stand where the field is told otherwise. */
static void show_times(const cni_explained *node, char *expected, char *measured)
{
    strcpy(expected, "-");
    strcpy(measured, "-");
    if (node->input_count && isfinite(node->expected_ms)) cni_show_time(node->expected_ms, expected);
    if (isfinite(node->measured_ms)) cni_show_time(node->measured_ms, measured);
}

static const char *header_of(const cn_explanation *e, int c)
{
    if (c == MACS) return e->counting->column;
    if (e->given.measure && c == FIELD) return "expected";
    if (e->given.measure && c == JUMP) return "measured";
    return columns[c].header;
}

/* A merge, or what does not follow the row above, tells where it comes from. */
static bool show_from(const cni_explained *node, char *cell)
{
    if (!node->input_count || (node->input_count == 1 && node->inputs[0] == node->id - 1)) return false;
    strcpy(cell, "from");
    for (int i = 0; i < node->input_count && strlen(cell) < 40; i++)
        snprintf(cell + strlen(cell), CELL - strlen(cell), "%s%d", i ? "," : " ", node->inputs[i]);
    return true;
}

static void fill(const cn_explanation *e, const letters *l, const cni_explained *node, char cells[COLUMNS][CELL])
{
    char from[CELL];
    snprintf(cells[NUMBER], CELL, "%d", node->id);
    const bool star = cni_node_severity(e, node) >= CNI_WARNING;
    snprintf(cells[LAYER], CELL, "%.*s%s", CELL - 2, cni_shown_name(e, node), star ? "*" : "");
    show_output(l, node, cells[OUTPUT]);
    cni_show_window(node, cells[WINDOW], CELL);
    cni_show_pads(node, cells[PADS], CELL);
    if (!strcmp(cells[PADS], "-") && !strcmp(cells[WINDOW], "-") && show_from(node, from)) {
        strcpy(cells[WINDOW], from);
        *cells[PADS] = 0;
    }
    if (e->given.measure)
        show_times(node, cells[FIELD], cells[JUMP]);
    else
        show_fields(e, node, cells[FIELD], cells[JUMP]);
    const int64_t params = cni_counted_params(e, node);
    dash_for_zero(cni_show_count(params, cells[PARAMS]), !params);
    const int64_t count = e->counting->count(e->analysis, node);
    dash_for_zero(cni_show_short(count, cells[MACS]), !count);
}

static int64_t sum_counted(const cn_explanation *e)
{
    int64_t sum = 0;
    for (int i = 0; i < e->analysis->count; i++) {
        const int64_t count = e->counting->count(e->analysis, &e->analysis->nodes[i]);
        if (count == CNI_UNSEEN) return CNI_UNSEEN;
        sum += count;
    }
    return sum;
}

static void total_cells(const cn_explanation *e, char cells[COLUMNS][CELL])
{
    const cni_analysis *analysis = e->analysis;
    for (int c = 0; c < COLUMNS; c++) *cells[c] = 0;
    strcpy(cells[LAYER], "total");
    cni_show_count(cni_counted_params(e, NULL), cells[PARAMS]);
    cni_show_short(e->counting == cni_countings ? analysis->macs : sum_counted(e), cells[MACS]);
}

/* ---- widths ---- */

typedef struct table {
    cn_explanation *e;
    cni_page *page;
    letters letters;
    int width[COLUMNS];
    bool hidden[COLUMNS]; /* where the page is narrow */
} table;

static void measure(table *t)
{
    char cells[COLUMNS][CELL];
    const cni_analysis *analysis = t->e->analysis;
    for (int c = 0; c < COLUMNS; c++) t->width[c] = 0;
    for (int i = 0; i < analysis->count; i++) {
        fill(t->e, &t->letters, &analysis->nodes[i], cells);
        for (int c = 0; c < COLUMNS; c++) {
            if (c == WINDOW && !*cells[PADS]) continue; /* goes on into the next column */
            const int columns_here = (int)cni_columns_of(cells[c]);
            if (columns_here > t->width[c]) t->width[c] = columns_here;
        }
    }
    total_cells(t->e, cells);
    for (int c = 0; c < COLUMNS; c++)
        if ((int)strlen(cells[c]) > t->width[c]) t->width[c] = (int)strlen(cells[c]);
}

static int room(const table *t)
{
    int sum = 0;
    for (int c = 0; c < COLUMNS; c++)
        if (!t->hidden[c]) sum += t->width[c] + columns[c].gap;
    return t->page->width - sum;
}

/* Columns are as wide as they usually are, or as their content; where that is too much, first what is usual gives way,
 * then the longest names, and at last whole columns.  False when names were cut. */
static bool fit(table *t)
{
    static const int gives[] = {PARAMS, MACS, FIELD, PADS, JUMP, LAYER, OUTPUT};
    static const int cut[] = {LAYER, OUTPUT, PADS}, hide[] = {JUMP, PADS, OUTPUT};
    int content[COLUMNS];
    memset(t->hidden, 0, sizeof t->hidden);
    measure(t);
    for (int c = 0; c < COLUMNS; c++) {
        const int wanted = (int)strlen(header_of(t->e, c));
        if (wanted > t->width[c]) t->width[c] = wanted;
        content[c] = t->width[c];
        if (columns[c].usual > t->width[c]) t->width[c] = columns[c].usual;
    }
    for (size_t i = 0; i < sizeof gives / sizeof *gives; i++)
        while (room(t) < 0 && t->width[gives[i]] > content[gives[i]]) t->width[gives[i]]--;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
        while (room(t) < 0 && t->width[cut[i]] > columns[cut[i]].least) t->width[cut[i]]--;
    for (size_t i = 0; i < sizeof hide / sizeof *hide && room(t) < 0; i++) t->hidden[hide[i]] = true;
    return t->width[LAYER] >= content[LAYER];
}

/* ---- printing ---- */

static void print_row(table *t, const cni_tint *tints, char cells[COLUMNS][CELL])
{
    int left = t->page->width;
    for (int c = 0; c < COLUMNS && left > 0; c++) {
        int width = t->width[c], gap = columns[c].gap;
        if (t->hidden[c]) continue;
        if (c == PADS && !*cells[PADS] && *cells[WINDOW] == 'f') continue;
        if (c == WINDOW && !*cells[PADS] && *cells[WINDOW] == 'f' && !t->hidden[PADS])
            width += columns[PADS].gap + t->width[PADS];
        if (gap > left) gap = left;
        left -= gap;
        if (width > left) width = left;
        left -= width;
        cni_text_repeat(t->page->out, ' ', (size_t)gap);
        if (width && c == LAYER)
            cni_page_name(t->page, tints[c], width, cells[c]);
        else if (width)
            cni_page_cell(t->page, tints[c], columns[c].right ? -width : width, cells[c]);
    }
    cni_page_end(t->page);
}

static void print_header(table *t)
{
    char cells[COLUMNS][CELL];
    static const cni_tint bold[COLUMNS] = {CNI_BOLD, CNI_BOLD, CNI_BOLD, CNI_BOLD, CNI_BOLD,
                                           CNI_BOLD, CNI_BOLD, CNI_BOLD, CNI_BOLD};
    for (int c = 0; c < COLUMNS; c++) strcpy(cells[c], header_of(t->e, c));
    print_row(t, bold, cells);
}

static void print_node(table *t, const cni_explained *node)
{
    char cells[COLUMNS][CELL];
    cni_tint tints[COLUMNS] = {CNI_FAINT};
    const int severity = cni_node_severity(t->e, node);
    fill(t->e, &t->letters, node, cells);
    tints[LAYER] = severity == CNI_ERROR ? CNI_RED : severity == CNI_WARNING ? CNI_YELLOW : CNI_PLAIN;
    print_row(t, tints, cells);
}

static void print_total(table *t)
{
    static const cni_tint tints[COLUMNS];
    char cells[COLUMNS][CELL];
    total_cells(t->e, cells);
    print_row(t, tints, cells);
}

static void print_field(cn_explanation *e, cni_page *page, int *at)
{
    const cni_explained *last = cni_last_map(e);
    char a[CNI_FIGURE], b[CNI_FIGURE] = "", field[CELL], image[CELL];
    if (!last || e->analysis->image < 0) return;
    const cni_explained *from = &e->analysis->nodes[e->analysis->image];
    for (int i = 0; i < from->spatial; i++)
        if (from->map[i] < 0) return;
    /* Behind a gate the numbers tell of the paths that see a part. */
    cni_receptive_field rows = last->field[0], across = last->field[from->spatial > 1];
    const bool gated = rows.all && rows.local && rows.affine && across.local && across.affine;
    if (gated) rows.all = across.all = false;
    cni_show_field(&rows, a);
    if (from->spatial > 1) cni_show_field(&across, b);
    join_axes(a, b, field);
    if (gated) {
        const bool square = from->spatial > 1 && !strchr(field, 'x');
        cni_page_piece(page, at, 2, "   field local %s%s%s, gated by whole image", field, square ? "x" : "",
                       square ? field : "");
        return;
    }
    snprintf(a, sizeof a, "%" PRId64, from->map[0]);
    *b = 0;
    if (from->spatial > 1) snprintf(b, sizeof b, "%" PRId64, from->map[1]);
    join_axes(a, b, image);
    const bool twice = strchr(image, 'x') && !strchr(field, 'x'); /* 10x10 of 28x20 */
    cni_page_piece(page, at, 2, "   field %s%s%s of %s", field, twice ? "x" : "", twice ? field : "", image);
}

static bool size_unknown(const cn_explanation *e)
{
    for (int i = 0; i < e->analysis->count; i++) {
        const cni_explained *node = &e->analysis->nodes[i];
        if (node->input_count || node->suspect) continue;
        bool unknown = node->shape.rank < 2;
        for (int k = 1; k < node->shape.rank; k++) unknown |= node->shape.dims[k] < 0;
        if (unknown) return true;
    }
    return false;
}

static void print_times(const cn_explanation *e, cni_page *page)
{
    const cni_explain_options *options = &e->analysis->options;
    double expected = 0, measured = 0;
    int at = 2;
    for (int i = 0; i < e->analysis->count; i++) {
        const cni_explained *node = &e->analysis->nodes[i];
        if (!isfinite(node->measured_ms)) continue;
        measured += node->measured_ms;
        if (isfinite(node->expected_ms)) expected += node->expected_ms;
    }
    cni_text_add(page->out, "  ");
    if (e->unmeasured.status)
        cni_page_piece(page, &at, 2, "not measured: %s", e->unmeasured.text);
    else
        cni_page_piece(page, &at, 2, "expected %s, measured %s", CNI_SHOW(time, expected), CNI_SHOW(time, measured));
    cni_page_piece(page, &at, 2, "   machine %.3g GFLOP/s, %.3g GB/s", options->peak_flops / 1e9,
                   options->bandwidth / 1e9);
    cni_text_char(page->out, '\n');
}

static void print_footer(cn_explanation *e, const letters *l, cni_page *page)
{
    const cni_analysis *analysis = e->analysis;
    int at = 2;
    cni_text_add(page->out, "  ");
    cni_page_piece(page, &at, 2, "FLOPs %s", CNI_SHOW(short, analysis->flops));
    cni_page_piece(page, &at, 2, "   weights %s", CNI_SHOW(bytes, analysis->weights_bytes));
    cni_page_piece(page, &at, 2, "   inference peak %s", CNI_SHOW(bytes, analysis->memory.peak));
    print_field(e, page, &at);
    if (analysis->params.other > 0)
        cni_page_piece(page, &at, 2, "   trainable %s, %s %s", CNI_SHOW(count, analysis->params.trainable),
                       e->flat->dialect == CNI_TORCH ? "running statistics" : "other",
                       CNI_SHOW(count, analysis->params.other));
    cni_text_char(page->out, '\n');
    if (e->counting != cni_countings) cni_page_paragraph(page, 2, 4, e->counting->what);
    if (e->given.measure) print_times(e, page);
    print_letters(l, page);
    if (size_unknown(e))
        cni_page_paragraph(
            page, 2, 2,
            "Sizes are not known, and shown as formulas: give them with --input, keras.Input(shape=...), "
            "or a comment # cornu: input 32x32x3.");
}

static void headline(cn_explanation *e, cni_page *page)
{
    char left[400], right[300] = "";
    const cni_analysis *analysis = e->analysis;
    snprintf(left, sizeof left, "cornu explain  %s", e->source);
    for (int i = 0, shown = 0; i < analysis->count; i++) {
        char sizes[CELL];
        const cni_explained *node = &analysis->nodes[i];
        if (node->input_count || !node->layer->kind || !(node->layer->kind->traits & CNI_IS_INPUT)) continue;
        show_output(&(letters){.longest = SHORT}, node, sizes);
        const size_t at = strlen(right);
        snprintf(right + at, sizeof right - at, "%s%s", shown++ ? ", " : "input ", sizes);
    }
    const size_t at = strlen(right);
    snprintf(right + at, sizeof right - at, "  %s", e->given.dtype ? e->given.dtype : "f32");
    if (e->given.batch > 1) snprintf(right + strlen(right), sizeof right - strlen(right), "  batch %d", e->given.batch);
    snprintf(right + strlen(right), sizeof right - strlen(right), "  %s",
             e->flat->dialect == CNI_TORCH ? "PyTorch" : "Keras");
    const char *slash = strrchr(e->source, '/');
    if (slash && (int)cni_columns_of(left) + 2 + (int)cni_columns_of(right) > page->width)
        snprintf(left, sizeof left, "cornu explain  %s", slash + 1);
    cni_page_sides(page, CNI_BOLD, left, right, 74);
}

static bool anything_found(const cn_explanation *e)
{
    return e->description->remarks.count || e->findings->count;
}

/* An error in the text may leave a table of question marks. */
static bool anything_known(const cn_explanation *e)
{
    for (int i = 0; i < e->analysis->count; i++)
        if (e->analysis->nodes[i].input_count && e->analysis->nodes[i].shape.rank) return true;
    return false;
}

bool cni_view_summary(cn_explanation *e, cni_page *page)
{
    table t = {.e = e, .page = page};
    if (e->description->remarks.errors && !anything_known(e)) return cni_view_findings(e, page);
    headline(e, page);
    find_letters(e, SHORT, &t.letters);
    if (!fit(&t)) { /* formulas give way to names */
        find_letters(e, SHORTEST, &t.letters);
        fit(&t);
    }
    print_header(&t);
    for (int i = 0; i < e->analysis->count; i++) print_node(&t, &e->analysis->nodes[i]);
    print_total(&t);
    print_footer(e, &t.letters, page);
    if (!anything_found(e)) return true;
    cni_text_char(page->out, '\n');
    return cni_view_findings(e, page);
}
