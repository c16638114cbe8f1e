/* SPDX-License-Identifier: Apache-2.0
 * S100: errors of shapes that no other rule speaks of. */
#include "explain/rules/rules.h"

#include <inttypes.h>
#include <string.h>

/* The message of an error without the layer's own label: Conv2D "conv2d": kernel_size=... */
static const char *message_of(const cni_explained *node)
{
    const char *text = node->error.text, *label = strstr(text, "\": ");
    const size_t length = strlen(node->name);
    const bool own = label && (size_t)(label - text) > length && strncmp(label - length, node->name, length) == 0;
    return own ? label + 3 : text;
}

/* The input of the network that comes to this node as it is, without its axis of channels (grey images); else NULL. */
static const cni_explained *without_channels(const cni_findings *findings, const cni_explained *node)
{
    const int spatial = node->view.spatial;
    if (!spatial || !cni_is(node, CNI_IS_CONVOLUTION | CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL)) return NULL;
    while (node->input_count == 1) {
        node = cni_input_of(findings, node, 0);
        if (node->input_count && node->view.type != CNI_VIEW_POINT) return NULL;
    }
    return !node->input_count && node->shape.rank == spatial + 1 ? node : NULL;
}

static void mend_channels(cni_findings *findings, cni_finding *finding, const cni_explained *node,
                          const cni_explained *image)
{
    const int count = image->shape.rank - 1;
    const bool first = node->view.format == CN_CHANNELS_FIRST;
    const char *shape = cni_say_shape(findings, &image->shape), *list = first ? "1" : "";
    for (int i = 0; i < count; i++) {
        const int64_t size = image->shape.dims[i + 1];
        const char *text = size < 0 ? "None" : cni_say(findings, "%" PRId64, size);
        list = cni_say(findings, "%s%s%s", list, *list ? ", " : "", text);
    }
    shape = cni_say(findings, first ? "1x%s" : "%sx1", shape);
    finding->advice = cni_say(findings, "%s: the channel axis is missing; grey images have one channel.", shape);
    if (cni_is_torch(findings) || !findings->try_fixes) return;
    cni_edits edits = {.count = 0};
    cni_edit_argument(&edits, image, "shape", cni_say(findings, first ? "(%s)" : "(%s, 1)", list));
    if (!edits.failed)
        cni_finding_try(findings, finding, edits.items, edits.count, cni_say(findings, "input %s", shape));
}

static void tell_other(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    cni_finding *finding =
        cni_finding_add(findings, rule, CNI_ERROR, node->id, "%s: %s.", cni_say_node(findings, node), message_of(node));
    const cni_explained *image = without_channels(findings, node);
    if (finding && image) mend_channels(findings, finding, node, image);
}

static void look_s100(cni_findings *findings, const cni_rule *rule)
{
    cni_each_cause(findings, rule, CNI_CAUSE_OTHER, tell_other);
}

const cni_rule cni_rule_s100 = {
    .id = "S100",
    .name = "does-not-fit",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s100,
    .why = "Each layer asks for an input of a certain form: Conv2D for (height, width, channels), a Reshape for as "
           "many values as its target has. What arrives here has another form, so the framework refuses to build the "
           "network. Most often a layer between is missing (Flatten before Dense, the channel axis of grey images: "
           "28x28x1, not 28x28), or a size was computed by hand for another input.",
    .source = "Keras' and PyTorch's own checks of shapes",
};
