/* SPDX-License-Identifier: Apache-2.0
 * S104: other values arrive than a Linear, or a view before it, counts on. */
#include "explain/rules/rules.h"

#include <inttypes.h>
#include <string.h>

/* The last map before, when its values are those that arrive: "32x6x6 = ". */
static const char *map_of(cni_findings *findings, const cni_explained *map, int64_t arriving)
{
    const bool all = map->spatial && cni_shape_count(&map->shape, 1) == arriving;
    return all ? cni_say(findings, "%s = ", cni_say_shape(findings, &map->shape)) : "";
}

/* Adaptive pooling gives `expected` values: for square maps, and no larger ones than arrive. */
static void try_pooling(cni_findings *findings, cni_finding *finding, const cni_explained *flatten,
                        const cni_explained *map, int64_t expected)
{
    int64_t side = 1;
    cni_edits edits = {.count = 0};
    if (map->spatial != 2 || map->channels < 1 || expected % map->channels) return;
    while (side * side < expected / map->channels) side++;
    if (side * side != expected / map->channels || side > map->map[0] || side > map->map[1]) return;
    cni_edit_before(&edits, flatten, cni_say(findings, "AdaptiveAvgPool2d(%" PRId64 ")", side));
    cni_try(findings, finding, &edits);
}

/* How the text calls it: the last of both words before the end of the span. */
static const char *method_of(const cni_findings *findings, const cni_span *span)
{
    const cni_description *d = findings->analysis->description;
    const char *at = d->text, *end = at ? at + d->text_size : NULL, *word = "view";
    for (int line = 1; at && line <= span->end_line; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        if (line == span->end_line && stop - at >= span->end_column) stop = at + span->end_column - 1;
        for (const char *c = at; line >= span->line && c + 8 <= stop; c++) {
            if (memcmp(c, ".view", 5) == 0) word = "view";
            if (memcmp(c, ".reshape", 8) == 0) word = "reshape";
        }
        at = newline ? newline + 1 : NULL;
    }
    return word;
}

/* x.view(-1, 2048) of 32x6x6: the number stands here, and once more in the Linear behind. */
static void tell_view(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const cni_explained *in = cni_input_of(findings, node, 0), *linear = cni_linear_behind(findings, node);
    const int64_t arriving = cni_shape_count(&in->shape, 1);
    int64_t batch, values, features = 0;
    if (!cni_flat_view(node, &batch, &values)) return;
    const bool too = linear && cni_config_int(linear, "in_features", &features) && features == values;
    cni_finding *finding =
        cni_finding_add(findings, rule, CNI_ERROR, node->id, "%s expects %" PRId64 " values%s; %s%" PRId64 " arrive.",
                        cni_say_node(findings, node), values,
                        too ? cni_say(findings, ", and so does %s behind it", cni_say_node(findings, linear)) : "",
                        map_of(findings, in, arriving), arriving);
    if (!finding) return;
    finding->advice = "torch.flatten(x, 1) takes all values of an image, and nn.LazyLinear their number from the first "
                      "batch.";
    if (!findings->try_fixes) return;
    const char *rows = batch == CNI_UNSEEN ? "None" : cni_say(findings, "%" PRId64, batch);
    const char *method = method_of(findings, &node->span);
    cni_edits number = {.count = 0};
    cni_edit_argument(&number, node, "shape", cni_say(findings, "(%s, %" PRId64 ")", rows, arriving));
    if (!number.failed)
        cni_finding_try(
            findings, finding, number.items, number.count,
            cni_say(findings, "%s(%s, %" PRId64 ")", method, batch == CNI_UNSEEN ? "x.size(0)" : rows, arriving));
    try_pooling(findings, finding, node, in, values);
}

static void tell_linear(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const char *key = NULL;
    int64_t expected = 0, arriving = 0;
    if (!cni_is(node, CNI_IS_DENSE)) {
        tell_view(findings, rule, node);
        return;
    }
    if (!cni_expected(findings->analysis, node, &key, &expected, &arriving)) return;
    const cni_explained *in = cni_input_of(findings, node, 0), *map = in;
    while (map->input_count == 1 && !map->spatial) map = cni_input_of(findings, map, 0);
    const int64_t all = map->shape.rank > 1 ? cni_shape_count(&map->shape, 1) : -1;
    const char *of = cni_say_shape(findings, &map->shape);
    cni_finding *finding;
    if (in->spatial)
        finding =
            cni_finding_add(findings, rule, CNI_ERROR, node->id,
                            "%s expects %" PRId64 " values; the last axis of %s, which arrives, has %" PRId64 "%s.",
                            cni_say_node(findings, node), expected, of, arriving,
                            all == expected ? ": Flatten is missing before it" : "");
    else
        finding =
            cni_finding_add(findings, rule, CNI_ERROR, node->id, "%s expects %" PRId64 " values; %s%" PRId64 " arrive.",
                            cni_say_node(findings, node), expected, map_of(findings, map, arriving), arriving);
    if (!finding) return;
    finding->advice = "nn.LazyLinear, which takes the number from the first batch.";
    if (!findings->try_fixes) return;
    if (in->spatial) {
        cni_edits flatten = {.count = 0};
        cni_edit_before(&flatten, node, "Flatten()");
        if (all > 0 && all != expected)
            cni_edit_argument(&flatten, node, "in_features", cni_say(findings, "%" PRId64, all));
        cni_try(findings, finding, &flatten);
        return;
    }
    cni_edits number = {.count = 0};
    cni_edit_argument(&number, node, "in_features", cni_say(findings, "%" PRId64, arriving));
    cni_try(findings, finding, &number);
    if (in->view.type == CNI_VIEW_ALL) try_pooling(findings, finding, in, map, expected);
}

static void look_s104(cni_findings *findings, const cni_rule *rule)
{
    cni_each_cause(findings, rule, CNI_CAUSE_LINEAR, tell_linear);
}

const cni_rule cni_rule_s104 = {
    .id = "S104",
    .name = "linear-size",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s104,
    .why = "nn.Linear has a column of weights for each value that comes in, and in_features says how many. Behind "
           "Flatten that is channels * height * width of the last map, so it changes with the size of the image and "
           "with every padding and stride before. Adaptive pooling before Flatten makes it independent of them; "
           "nn.LazyLinear counts by itself.",
    .source = "PyTorch reference of Linear, LazyLinear and AdaptiveAvgPool2d",
};
