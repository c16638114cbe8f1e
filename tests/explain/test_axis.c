/* SPDX-License-Identifier: Apache-2.0
 * The closed forms of one axis against loops over outputs and taps, which are the definition. */
#include "explain/analysis/analysis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { LONGEST = 256 };

static cni_view window(int64_t k, int64_t s, int64_t d, int64_t before, int64_t after)
{
    return (cni_view){.type = CNI_VIEW_WINDOW,
                      .spatial = 1,
                      .axis = {{.size = k, .stride = s, .dilation = d, .before = before, .after = after}}};
}

static cni_view transposed(int64_t k, int64_t s, int64_t d)
{
    cni_view view = window(k, s, d, 0, 0);
    view.type = CNI_VIEW_TRANSPOSED;
    return view;
}

static cni_axis axis_of(cni_view view, int64_t n)
{
    cni_axis axis;
    cni_axis_of(&view, 0, n, &axis);
    return axis;
}

static void assert_equal(const cni_axis *a, const char *what, int64_t got, int64_t wanted)
{
    if (got == wanted) return;
    fail_msg("%s is %lld, not %lld: n=%lld k=%lld s=%lld d=%lld before=%lld after=%lld o=%lld ceil=%d transposed=%d",
             what, (long long)got, (long long)wanted, (long long)a->n, (long long)a->k, (long long)a->s,
             (long long)a->d, (long long)a->before, (long long)a->after, (long long)a->o, a->ceil_mode, a->transposed);
}

/* Outputs by sliding: windows lie in the padded input; in ceil mode one more hangs over its end, if something is left
 * there.  Then, of the last one that begins behind the input, there is none. */
static int64_t slide(const cni_axis *a)
{
    const int64_t end = a->n + a->before + a->after;
    int64_t o = 0;
    while (o * a->s + a->extent <= end) o++;
    if (!a->ceil_mode) return o;
    const int64_t covered = o ? (o - 1) * a->s + a->extent : a->extent - a->s;
    if (covered < end) o++;
    return o && (o - 1) * a->s >= a->n + a->before ? o - 1 : o;
}

static void check_window(const cni_axis *a)
{
    int64_t real = 0, border = 0, blind = 0, live = 0, unread = 0, tail = 0, last = -1;
    int32_t reads[LONGEST] = {0}, told[LONGEST];
    bool lives[8] = {false};
    const int64_t n = a->n;
    for (int64_t y = 0; y < a->o; y++) {
        int64_t seen = 0;
        for (int64_t t = 0; t < a->k; t++) {
            const int64_t i = y * a->s - a->before + t * a->d;
            if (i < 0 || i >= n) continue;
            reads[i]++, seen++;
            lives[t] = true;
        }
        real += seen;
        blind += seen == 0;
        border += seen < a->k;
        last = y * a->s - a->before + a->extent - 1;
    }
    for (int t = 0; t < 8; t++) live += lives[t];
    for (int64_t i = 0; i < n; i++) unread += reads[i] == 0, tail += i > last;
    assert_equal(a, "rest", a->rest, n + a->after - 1 - last);
    assert_equal(a, "after_used", a->after_used, last - (n - 1) < -a->tail ? 0 : last >= n ? last - n + 1 : 0);
    assert_equal(a, "tail", a->tail, tail);
    assert_equal(a, "unread", a->unread, unread);
    assert_equal(a, "border", a->border, border);
    assert_equal(a, "blind", a->blind, blind);
    assert_equal(a, "real", a->real, real);
    assert_equal(a, "live", a->live, live);
    cni_axis_reads(a, told);
    assert_memory_equal(told, reads, (size_t)n * sizeof *reads);
}

static void windows_are_counted_as_by_loops(void **state)
{
    (void)state;
    for (int64_t k = 1; k <= 5; k++)
        for (int64_t s = 1; s <= 4; s++)
            for (int64_t d = 1; d <= 3; d++)
                for (int64_t before = 0; before <= 5; before++)
                    for (int64_t after = 0; after <= 5; after++)
                        for (int64_t n = 1; n <= 24; n++)
                            for (int ceil_mode = 0; ceil_mode < 2; ceil_mode++) {
                                cni_view view = window(k, s, d, before, after);
                                view.ceil_mode = ceil_mode;
                                const cni_axis a = axis_of(view, n);
                                assert_equal(&a, "o", a.o > 0 ? a.o : 0, slide(&a));
                                if (a.o > 0) check_window(&a);
                            }
}

/* Keras: as many windows as strides begin in the input, the padding as even as can be, the odd cell behind. */
static void same_pads_evenly(void **state)
{
    (void)state;
    for (int64_t k = 1; k <= 7; k++)
        for (int64_t s = 1; s <= 4; s++)
            for (int64_t d = 1; d <= 3; d++)
                for (int64_t n = 1; n <= 24; n++)
                    for (int lower = 0; lower < 2; lower++) {
                        cni_view view = window(k, s, d, 0, 0);
                        view.axis[0].rule = lower ? CNI_PAD_SAME_LOWER : CNI_PAD_SAME;
                        const cni_axis a = axis_of(view, n);
                        int64_t o = 0, total = 0;
                        for (int64_t at = 0; at < n; at += s) o++;
                        while ((o - 1) * s + a.extent > n + total) total++;
                        assert_equal(&a, "o", a.o, o);
                        assert_equal(&a, "padding", a.before + a.after, total);
                        assert_equal(&a, "odd cell", lower ? a.before - a.after : a.after - a.before, total % 2);
                        check_window(&a);
                    }
}

static void causal_pads_before(void **state)
{
    (void)state;
    cni_view view = window(3, 1, 2, 0, 0);
    view.axis[0].rule = CNI_PAD_CAUSAL;
    const cni_axis a = axis_of(view, 10);
    assert_int_equal(a.before, 4);
    assert_int_equal(a.after, 0);
    assert_int_equal(a.o, 10);
}

/* Every input x, also those that are not there, reaches x s + t d - before. */
static void check_transposed(const cni_axis *a)
{
    int64_t real = 0, live = 0, unread = 0, border = 0, blind = 0, least = LONGEST, most = 0;
    bool lives[8] = {false};
    int32_t told[LONGEST];
    cni_axis_reads(a, told);
    for (int64_t x = 0; x < a->n; x++) {
        int64_t outputs = 0;
        for (int64_t t = 0; t < a->k; t++) {
            const int64_t y = x * a->s + t * a->d - a->before;
            if (y < 0 || y >= a->o) continue;
            outputs++;
            lives[t] = true;
        }
        real += outputs;
        unread += outputs == 0;
        assert_equal(a, "reads", told[x], outputs);
    }
    for (int64_t y = 0; y < a->o; y++) {
        int64_t inside = 0, outside = 0;
        for (int64_t x = -40; x < a->n + 40; x++)
            for (int64_t t = 0; t < a->k; t++)
                if (x * a->s + t * a->d - a->before == y) *(x < 0 || x >= a->n ? &outside : &inside) += 1;
        border += outside > 0;
        blind += inside == 0;
        least = inside + outside < least ? inside + outside : least;
        most = inside + outside > most ? inside + outside : most;
    }
    for (int t = 0; t < 8; t++) live += lives[t];
    assert_equal(a, "real", a->real, real);
    assert_equal(a, "live", a->live, live);
    assert_equal(a, "unread", a->unread, unread);
    assert_equal(a, "border", a->border, border);
    assert_equal(a, "blind", a->blind, blind);
    if (a->o >= a->s) assert_equal(a, "least_reads", a->least_reads, least);
    if (a->o >= a->s) assert_equal(a, "most_reads", a->most_reads, most);
    assert_equal(a, "o", a->o, (a->n - 1) * a->s + a->extent - a->before - a->after);
}

static void transposed_windows_are_counted_as_by_loops(void **state)
{
    (void)state;
    for (int64_t k = 1; k <= 5; k++)
        for (int64_t s = 1; s <= 4; s++)
            for (int64_t d = 1; d <= 3; d++)
                for (int64_t cut = 0; cut <= 3; cut++)
                    for (int64_t more = -1; more < 3; more++)
                        for (int64_t n = 1; n <= 9; n++)
                            for (int same = 0; same < 2; same++) {
                                cni_view view = transposed(k, s, d);
                                if (same && cut) continue;
                                view.axis[0].rule = same ? CNI_PAD_SAME : CNI_PAD_GIVEN;
                                view.axis[0].before = view.axis[0].after = cut;
                                view.axis[0].extends = more >= 0;
                                view.axis[0].output_padding = more;
                                const cni_axis a = axis_of(view, n);
                                if (a.o > 0) check_transposed(&a);
                            }
}

/* Seven inputs; Keras and PyTorch agree with the framework's own outputs. */
static void transposed_sizes_and_cuts_of_the_dialects(void **state)
{
    (void)state;
    static const struct {
        int64_t k, s;
        cni_pad_rule rule;
        int64_t padding;
        int64_t output_padding; /* -1: not given */
        int64_t o, before, after, least, most;
    } rows[] = {
        {3, 2, CNI_PAD_SAME, 0, -1, 14, 0, 1, 1, 2},  {4, 2, CNI_PAD_SAME, 0, -1, 14, 1, 1, 2, 2},
        {5, 2, CNI_PAD_SAME, 0, -1, 14, 1, 2, 2, 3},  {2, 2, CNI_PAD_SAME, 0, -1, 14, 0, 0, 1, 1},
        {3, 2, CNI_PAD_GIVEN, 0, -1, 15, 0, 0, 1, 2}, {2, 3, CNI_PAD_GIVEN, 0, -1, 21, 0, -1, 0, 1},
        {3, 2, CNI_PAD_SAME, 0, 0, 13, 1, 1, 1, 2},   {3, 2, CNI_PAD_GIVEN, 1, 1, 14, 1, 0, 1, 2},
        {4, 2, CNI_PAD_GIVEN, 1, 0, 14, 1, 1, 2, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cni_view view = transposed(rows[i].k, rows[i].s, 1);
        view.axis[0].rule = rows[i].rule;
        view.axis[0].before = view.axis[0].after = rows[i].padding;
        view.axis[0].extends = rows[i].output_padding >= 0;
        view.axis[0].output_padding = rows[i].output_padding;
        const cni_axis a = axis_of(view, 7);
        assert_equal(&a, "o", a.o, rows[i].o);
        assert_equal(&a, "before", a.before, rows[i].before);
        assert_equal(&a, "after", a.after, rows[i].after);
        assert_equal(&a, "least", a.least_reads, rows[i].least);
        assert_equal(&a, "most", a.most_reads, rows[i].most);
    }
}

static void ceil_mode_begins_no_window_behind_the_input(void **state)
{
    (void)state;
    static const int64_t rows[][5] = {{7, 2, 2, 0, 4}, {6, 3, 2, 1, 4}, {9, 4, 4, 2, 3}, {2, 3, 3, 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cni_view view = window(rows[i][1], rows[i][2], 1, rows[i][3], rows[i][3]);
        view.ceil_mode = true;
        assert_int_equal(axis_of(view, rows[i][0]).o, rows[i][4]);
    }
    assert_int_equal(axis_of(window(3, 2, 1, 1, 1), 6).o, 3);
}

/* Far from the borders a share of min(k, s / gcd(s, d)) / s of the pixels is read. */
static void share_of_pixels_that_are_read(void **state)
{
    (void)state;
    enum { PERIODS = 8 };
    for (int64_t k = 1; k <= 5; k++)
        for (int64_t s = 1; s <= 6; s++)
            for (int64_t d = 1; d <= 6; d++) {
                const cni_axis a = axis_of(window(k, s, d, 0, 0), 240);
                int32_t reads[240];
                int64_t read = 0, gcd = 1;
                cni_axis_reads(&a, reads);
                for (int64_t i = 0; i < PERIODS * s; i++) read += reads[60 + i] > 0;
                for (int64_t g = 1; g <= s; g++)
                    if (s % g == 0 && d % g == 0) gcd = g;
                assert_int_equal(read, PERIODS * (k < s / gcd ? k : s / gcd));
                for (int64_t i = 60; i < 120; i++) {
                    assert_true(reads[i] >= a.least_reads);
                    assert_true(reads[i] <= a.most_reads);
                }
            }
}

static void inputs_for_an_output(void **state)
{
    (void)state;
    for (int mode = 0; mode < 4; mode++)
        for (int64_t k = 1; k <= 5; k++)
            for (int64_t s = 1; s <= 4; s++)
                for (int64_t pad = 0; pad <= 2; pad++)
                    for (int64_t o = 1; o <= 6; o++) {
                        cni_view view = window(k, s, 1, pad, pad);
                        if (mode == 1 && pad > k / 2) continue; /* as PyTorch wants it */
                        view.ceil_mode = mode == 1;
                        if (mode == 2) view.axis[0].rule = CNI_PAD_SAME;
                        if (mode == 3) view.type = CNI_VIEW_TRANSPOSED;
                        int64_t least, most, first = 0, last = -1;
                        cni_axis_inputs(&view, 0, o, &least, &most);
                        for (int64_t n = 1; n < 60; n++) {
                            if (axis_of(view, n).o != o) continue;
                            if (!first) first = n;
                            last = n;
                        }
                        if (last < 0) assert_true(most < least);
                        if (last >= 0) assert_int_equal(least, first);
                        if (last >= 0) assert_int_equal(most, last);
                    }
}

static void unknown_sizes_leave_what_does_not_depend_on_them(void **state)
{
    (void)state;
    cni_view view = window(5, 1, 1, 0, 0);
    view.axis[0].rule = CNI_PAD_SAME;
    cni_axis a = axis_of(view, CNI_UNSEEN);
    assert_true(a.n == CNI_UNSEEN && a.o == CNI_UNSEEN && a.real == CNI_UNSEEN && a.unread == CNI_UNSEEN);
    assert_int_equal(a.before, 2);
    view.axis[0].stride = 2;
    a = axis_of(view, -1);
    assert_true(a.before == CNI_UNSEEN && a.after == CNI_UNSEEN);
    assert_int_equal(a.extent, 5);
}

static void formulas_have_the_numbers_in_them(void **state)
{
    (void)state;
    cni_view view = window(3, 1, 1, 0, 0);
    const struct {
        int64_t k, s, d, pad, n;
        cni_pad_rule rule;
        cni_view_type type;
        bool ceil_mode;
        const char *formula;
    } rows[] = {
        {3, 1, 1, 0, 28, CNI_PAD_GIVEN, CNI_VIEW_WINDOW, false, "floor((28-3)/1)+1 = 26"},
        {5, 2, 1, 0, 128, CNI_PAD_SAME, CNI_VIEW_WINDOW, false, "ceil(128/2) = 64"},
        {5, 1, 1, 2, 32, CNI_PAD_GIVEN, CNI_VIEW_WINDOW, false, "floor((32+4-5)/1)+1 = 32"},
        {3, 1, 2, 0, 32, CNI_PAD_GIVEN, CNI_VIEW_WINDOW, false, "floor((32-5)/1)+1 = 28"},
        {2, 2, 1, 0, 7, CNI_PAD_GIVEN, CNI_VIEW_WINDOW, true, "ceil((7-2)/2)+1 = 4"},
        {4, 4, 1, 2, 9, CNI_PAD_GIVEN, CNI_VIEW_WINDOW, true, "ceil((9+4-4)/4)+1-1 = 3"},
        {3, 2, 1, 0, 7, CNI_PAD_SAME, CNI_VIEW_TRANSPOSED, false, "7*2 = 14"},
        {2, 3, 1, 0, 7, CNI_PAD_GIVEN, CNI_VIEW_TRANSPOSED, false, "(7-1)*3+2+1 = 21"},
        {3, 2, 1, 0, CNI_UNSEEN, CNI_PAD_SAME, CNI_VIEW_WINDOW, false, "ceil(n/2)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[100];
        view = window(rows[i].k, rows[i].s, rows[i].d, rows[i].pad, rows[i].pad);
        view.axis[0].rule = rows[i].rule;
        view.type = rows[i].type;
        view.ceil_mode = rows[i].ceil_mode;
        const cni_axis a = axis_of(view, rows[i].n);
        assert_string_equal(cni_axis_formula(&view, 0, &a, text, sizeof text), rows[i].formula);
    }
}

/* Nothing here may take longer, or leave 64 bits, because numbers are large. */
static void hostile_sizes_cost_nothing(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 99999, 1000003, INT64_C(1) << 30, INT64_C(2147483647)};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int n = 0; n < SIZES; n++)
        for (int k = 0; k < 4; k++)
            for (int s = 0; s < SIZES; s++)
                for (int d = 0; d < 4; d++)
                    for (int type = 0; type < 3; type++) {
                        cni_view view = window(sizes[k], sizes[s], sizes[d], type ? 0 : 5, type ? 0 : 99999);
                        if (type == 1) view.axis[0].rule = CNI_PAD_SAME;
                        if (type == 2) view.type = CNI_VIEW_TRANSPOSED;
                        const cni_axis a = axis_of(view, sizes[n]);
                        if (a.o <= 0 || a.real == CNI_UNSEEN) continue;
                        if (a.real < 0 || a.live < 0 || a.live > a.k) assert_equal(&a, "real", a.real, a.live);
                        if (a.unread < 0 || a.unread > a.n) assert_equal(&a, "unread", a.unread, a.n);
                        if (a.blind < 0 || a.blind > a.o) assert_equal(&a, "blind", a.blind, a.o);
                        if (a.border < 0 || a.border > a.o) assert_equal(&a, "border", a.border, a.o);
                    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_counted_as_by_loops),
        cmocka_unit_test(same_pads_evenly),
        cmocka_unit_test(causal_pads_before),
        cmocka_unit_test(transposed_windows_are_counted_as_by_loops),
        cmocka_unit_test(transposed_sizes_and_cuts_of_the_dialects),
        cmocka_unit_test(ceil_mode_begins_no_window_behind_the_input),
        cmocka_unit_test(share_of_pixels_that_are_read),
        cmocka_unit_test(inputs_for_an_output),
        cmocka_unit_test(unknown_sizes_leave_what_does_not_depend_on_them),
        cmocka_unit_test(formulas_have_the_numbers_in_them),
        cmocka_unit_test(hostile_sizes_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
