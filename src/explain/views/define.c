/* SPDX-License-Identifier: Apache-2.0
 * What the words mean that explanations print, and the reasoning behind findings. */
#include "explain/explanation.h"

#include "base/table.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct term {
    const char *name, *also; /* also: other spellings, parted by ", " */
    const char *text;
} term;

static const term terms[] = {
    {"activation", NULL, "Bytes of a layer's output: N * oh * ow * C * b, with b bytes per number (f32: 4)."},
    {"adaptive pool", "adaptive, to 7x7",
     "A pool that is told the size of its output, m: output y reads floor(y*n/m) .. ceil((y+1)*n/m)-1."},
    {"alignment", "out of register, aligned, misaligned",
     "Branches that meet at a merge are aligned when their positions 0 have their centres on the same pixel. "
     "Otherwise every position mixes what lies apart, by the same distance everywhere."},
    {"batch", "N", "Samples at once. Numbers are for one sample (N = 1) unless --batch is given."},
    {"blind outputs", "blind", "Outputs of which no tap meets a real pixel: they equal the bias."},
    {"border", "border outputs, touch padding",
     "Outputs whose window has at least one tap in the padding; in two dimensions oh*ow - (oh-Bh)*(ow-Bw)."},
    {"bytes moved", "bytes", "Input, output and weights of a layer, each once."},
    {"ceil mode", "ceil, overhang",
     "o = ceil((n + P - ke)/s) + 1, less one if the last window would start behind the input. The last window may hang "
     "over the end; the overhang counts as padding."},
    {"cell", "cells", "One position of a layer's map. Its distance to the next one, in image pixels, is the jump."},
    {"centre", "centres",
     "The middle of a position's receptive field: A + J*y + (r-1)/2. Pixel i has its centre at i."},
    {"cut", NULL,
     "Cells of the full result of a transposed convolution, (n-1)*s + ke of them, that are cut off before and after; "
     "negative where cells that hold the bias alone are added."},
    {"darknet", NULL,
     "As darknet counts (BFLOPs): 2 for each weight of a convolution and output position, the window for each output "
     "of a pool, one for each output of a shortcut; connected layers and biases count nothing."},
    {"dead MACs", "never used, wasted, macs_dead, dead computation",
     "MACs of positions that nothing behind them reads: MACs * (1 - needed/positions)."},
    {"dead taps", "dead weights, never meet data, live taps",
     "Taps that no output has on a real pixel. Dead weights = (kh*kw - live_h*live_w) * (Ci/g) * F: they never meet "
     "data."},
    {"dilation", "d, dilated, d2", "Steps between neighbouring taps of a window, d. With d = 1 there are no gaps."},
    {"drift", "grid drift",
     "How far the grid of the last map lies off the image's centre: (c(0) + c(o-1))/2 - (n-1)/2 pixels."},
    {"effective field", "width95, effective receptive field",
     "An estimate before training: contributions add like independent uniform variables, sigma^2 = sum of J^2 * d^2 * "
     "(k^2 - 1)/12, and 2*1.96*sigma pixels carry 95 % of the weight."},
    {"expected time", "expected",
     "The longer of two times: FLOPs at the peak that this machine reaches, and bytes moved at its bandwidth. Both are "
     "measured with --measure."},
    {"extent", "ke", "Length of the dilated window: ke = (k-1)*d + 1."},
    {"finding", "severity, error, warning, note, hint",
     "error: the framework would refuse it, or the result is meaningless; warning: almost surely unintended or "
     "wasteful; note: worth knowing; hint: an improvement that may be made. --why ID tells the reasoning."},
    {"fix", "try",
     "A change that was applied to a copy of the network and made the finding vanish, with its price. What is called "
     "'try' was not tried."},
    {"FLOPs", "FLOP, floating point operations",
     "2 * MACs + one addition for each output element with a bias. Other operations are not counted in."},
    {"formula", "output size, out",
     "Of a window: o = floor((n + P - ke)/s) + 1; with 'same' padding that is ceil(n/s)."},
    {"from", NULL, "The rows that a layer takes its inputs from, where they are not the row above."},
    {"grade", NULL,
     "A follows from the geometry and is always true. B and C rest on experiments; their texts say 'can', and --why "
     "names the study."},
    {"groups", "g", "Input channels are split into g groups, and each filter sees one of them: Ci/g channels."},
    {"holes", "gridding",
     "Offsets inside the receptive field that one output does not read, in a stack of dilated windows."},
    {"inference peak", "peak, peak memory",
     "The largest sum, over the steps of a depth-first order, of the bytes of all tensors that are live in a step: its "
     "inputs, its output, and what is still needed later. Batch norm and activation directly behind a convolution are "
     "part of it. Scratch space of kernels is not counted in."},
    {"intensity", "arithmetic intensity, FLOP/byte",
     "(2 * MACs + bias additions) / bytes moved. Below peak FLOP/s divided by bandwidth a layer waits for memory."},
    {"jump", "J, effective stride",
     "Distance in image pixels between the centres of neighbouring positions of a map: the product of the strides "
     "before it."},
    {"kernel", "k, tap, taps", "The weights of a window; a tap is one of its k positions along an axis."},
    {"leftover", "rem",
     "Cells of the padded axis behind the last window: n + P - ((o-1)*s + ke). Negative: the overhang of ceil mode."},
    {"local field", "r_min", "The smallest receptive field over all paths to a node."},
    {"MAC", "MACs, multiply-accumulate, mult-add, multiply-add",
     "One multiply and one add. FLOPs are twice as many, and bias additions."},
    {"measured time", "measured", "The shortest of several runs of the layer alone, on this machine, batch as given."},
    {"needed", "read mask, mask",
     "Positions of a map that can still influence the network's outputs, found by going back from the outputs through "
     "every window."},
    {"other operations", "other ops",
     "What is neither MAC nor bias, never added to them: for each output element kh*kw-1 comparisons of a max pool, "
     "kh*kw FLOPs of an average pool, one FLOP of an Add, one comparison of a ReLU."},
    {"pad tb/lr", "padding, pad, pads, pb, pa, before, after, top, bottom, left, right",
     "Cells added before and after the input: top,bottom/left,right. 1,2|2,2 are the cases of an even and of an odd "
     "size; 'varies': there are more cases. In comparisons 1/1>1/0 are 1 and 1 of which windows reach 1 and 0."},
    {"params", "parameters, trainable, other, weights count",
     "Numbers that a layer keeps: trainable ones, and others (the running mean and variance of batch norm, which Keras "
     "counts and PyTorch does not). Weights of a shared layer count once."},
    {"positions", NULL, "Rows times columns of a map; channels are not counted in."},
    {"read", "reads, reads per pixel",
     "How many windows have a tap on a pixel, along one axis. A reads value of 0 is printed as 0!."},
    {"real pixels", "macs_real, zero share",
     "MACs whose tap lies on a pixel and not on padding: real_h * real_w * F * (Ci/g). The zero share is the rest."},
    {"receptive field", "RF, field, r",
     "Width r of the part of the image that can influence one position of a map: r grows by (ke-1) * J with every "
     "window. It may be wider than the image. 'all': every position sees the whole image."},
    {"same", NULL,
     "Padding with which o = ceil(n/s): max((o-1)*s + ke - n, 0) cells, half of them before; the odd one goes behind. "
     "It depends on the size of the input."},
    {"saved for backward", "saved",
     "What training keeps of a forward pass, at least: inputs of convolutions and Dense, outputs of ReLU, sigmoid, "
     "softmax, an index for each output of a max pool, inputs of batch norm, masks of dropout; each tensor once."},
    {"start", "A, effective padding",
     "Left end of the receptive field of position 0 on the image; negative: it reaches into the padding."},
    {"stride", "s, step", "Input cells from one window to the next."},
    {"tail", NULL, "Real cells at the end that no window reaches."},
    {"tf", "TensorFlow",
     "As TensorFlow's profiler counts (float_operation): 2 for each multiply-add, one for each bias addition, the "
     "window for each output of a pool, the inputs of a mean, 5 for each value of a softmax; ReLU and batch norm count "
     "nothing."},
    {"torchinfo", NULL,
     "As torchinfo counts (Total mult-adds): weights and biases times the output positions of a convolution, weights "
     "and biases once for every other layer, norms included, times the batch."},
    {"training step", "train_macs",
     "3 * MACs - those of the first layer with weights: forward, gradient of the weights (as much), gradient of the "
     "input (as much, absent for the first)."},
    {"training total", "train",
     "Weights * (2 + slots) + saved * N + working gradients * N; slots: 0 SGD, 1 momentum and RMSprop, 2 Adam. Working "
     "gradients: the largest gradient of output and input of one layer."},
    {"unread", NULL, "Real cells of the input that no tap reads; in two dimensions nh*nw - Rh*Rw."},
    {"units", "k, M, G, KiB, MiB, GiB",
     "Counts: k, M, G are 10^3, 10^6, 10^9. Bytes: KiB, MiB, GiB are 2^10, 2^20, 2^30."},
    {"valid", NULL, "No padding: windows lie wholly on the input."},
    {"verdict", NULL,
     "Of a comparison: identical; same window, different numbers (at the border); same size, shifted by some pixels; "
     "different size."},
    {"weights", NULL, "Bytes of all parameters: their number times b, the bytes per number (f32: 4)."},
    {"window", NULL,
     "Rows x columns that one output sees, behind / the stride, behind d the dilation: 3x3/2, 3x3/1d2. ^2: the map "
     "grows by 2 (transposed convolution, up-sampling). A layer with * has a warning or an error."},
};
enum { TERMS = sizeof terms / sizeof *terms, WIDTH = 78 };

static _Thread_local char answer[16384];

/* ---- terms ---- */

static bool same(const char *a, size_t length, const char *b)
{
    const size_t other = strlen(b);
    if (length == other && strncasecmp(a, b, length) == 0) return true;
    /* a plural will do */
    return length == other + 1 && (a[other] == 's' || a[other] == 'S') && strncasecmp(a, b, other) == 0;
}

static bool is_called(const term *t, const char *name)
{
    char word[64];
    if (same(name, strlen(name), t->name)) return true;
    for (const char *at = t->also; at && *at;) {
        const size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (same(name, strlen(name), word)) return true;
        at += length;
        at += strspn(at, ", ");
    }
    return false;
}

static void add_term(cni_text *out, const term *t)
{
    cni_text_add(out, t->name);
    if (t->also) cni_text_printf(out, "  (%s)", t->also);
    cni_text_char(out, '\n');
    cni_paragraph(out, t->text, 4, 4, WIDTH);
}

static const char *give(cni_text *text)
{
    snprintf(answer, sizeof answer, "%s", cni_text_get(text));
    const bool failed = text->failed;
    cni_text_free(text);
    return failed ? NULL : answer;
}

const char *cn_explain_define(const char *name)
{
    cni_text text = {0};
    if (!name) {
        for (int i = 0; i < TERMS; i++) add_term(&text, &terms[i]);
        return give(&text);
    }
    /* The exact case first: N and n, k and K may mean different things. */
    for (int i = 0; i < TERMS; i++)
        if (strcmp(terms[i].name, name) == 0) {
            add_term(&text, &terms[i]);
            return give(&text);
        }
    int found = 0;
    for (int i = 0; i < TERMS; i++)
        if (is_called(&terms[i], name)) {
            add_term(&text, &terms[i]);
            found++;
        }
    if (found) return give(&text);
    return NULL;
}

/* ---- findings ---- */

/* What a reader of texts says; rules have their reasons themselves. */
static const struct {
    const char *id, *name, *why;
} remarks[] = {
    {"I801", "syntax", "The text is not Python, or ends within brackets. Nothing is guessed behind it."},
    {"I802", "unknown-layer",
     "Neither Keras nor PyTorch has a layer of this name, or Cornu does not describe it yet. "
     "What follows it has no known shape, and is not judged."},
    {"I803", "unknown-argument",
     "The layer has no argument of this name. Often it is the other framework's: stride "
     "and strides, bias and use_bias, pool_size and kernel_size."},
    {"I804", "wrong-value",
     "An argument has a type or a number of values that the layer does not take, or there are "
     "too many of them."},
    {"I805", "not-constant", "A number is needed here, and the value is only known when the program runs."},
    {"I806", "unsupported",
     "The text is read and never run. What depends on data, on files or on other code cannot be "
     "followed: comprehensions, lambdas, while, try, exec, unknown functions."},
    {"I807", "unused-layer", "The layer is made and no output of the model needs it."},
    {"I808", "several-models", "The text defines several models; the last is explained. --model NAME takes another."},
    {"I809", "not-defined", "The name has no value here."},
    {"I810", "missing-argument", "An argument without a default is not given: a Conv2D needs filters and kernel_size."},
    {"I811", "duplicate-argument", "An argument is given twice, by place and by name or twice by name."},
    {"I812", "limit", "Functions call themselves, are nested deeper than 8, or loops take more than 10,000 steps."},
};
enum { REMARKS = sizeof remarks / sizeof *remarks };

static void add_rule(cni_text *out, const cni_rule *rule)
{
    cni_text_printf(out, "%s %s  (%s%s%s, grade %c)\n", rule->id, rule->name, cni_severity_name(rule->severity),
                    rule->or_else ? " or " : "", rule->or_else ? rule->or_else : "", rule->grade);
    if (rule->why) cni_paragraph(out, rule->why, 4, 4, WIDTH);
    if (rule->source) {
        cni_text source = {0};
        cni_text_printf(&source, "Source: %s", rule->source);
        cni_paragraph(out, cni_text_get(&source), 4, 4, WIDTH);
        cni_text_free(&source);
    }
}

const char *cn_explain_why(const char *id)
{
    cni_text text = {0};
    char upper[16];
    if (!id) {
        for (int i = 0; i < cni_rule_count; i++)
            cni_text_printf(&text, "%s  %-28s %s%s%s\n", cni_rules[i]->id, cni_rules[i]->name,
                            cni_severity_name(cni_rules[i]->severity), cni_rules[i]->or_else ? " or " : "",
                            cni_rules[i]->or_else ? cni_rules[i]->or_else : "");
        for (int i = 0; i < REMARKS; i++) cni_text_printf(&text, "%s  %-28s text\n", remarks[i].id, remarks[i].name);
        return give(&text);
    }
    snprintf(upper, sizeof upper, "%s", id);
    if (*upper >= 'a' && *upper <= 'z') *upper = (char)(*upper - 'a' + 'A');
    for (int i = 0; i < REMARKS; i++)
        if (strcmp(remarks[i].id, upper) == 0) {
            cni_text_printf(&text, "%s %s  (reading the text)\n", remarks[i].id, remarks[i].name);
            cni_paragraph(&text, remarks[i].why, 4, 4, WIDTH);
            return give(&text);
        }
    const cni_rule *rule = cni_rule_find(upper);
    if (!rule) return NULL;
    add_rule(&text, rule);
    return give(&text);
}
