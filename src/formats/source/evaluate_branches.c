/* SPDX-License-Identifier: Apache-2.0
 * Branches whose condition is not known.  None of them is chosen: where a network could come out differently that is an
 * error at the condition; else what they set is unknown from there on. */
#include "formats/source/evaluate.h"

#include <string.h>

enum { MAX_WALKED = 1000000 };

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0) return true;
    return false;
}

static const cni_thing *meaning(cni_evaluator *e, const cni_syntax *node)
{
    const cni_syntax *root = node;
    while (root->type == CNI_SYNTAX_ATTRIBUTE) root = root->items[0];
    if (root->type != CNI_SYNTAX_NAME || !cni_evaluate_name(e, root->text, root->span)) return NULL;
    e->quiet++;
    const cni_thing *thing = cni_evaluate(e, node);
    e->quiet--;
    return thing;
}

/* ---- what a network could depend on ---- */

static bool holds_tensor(cni_evaluator *e, const cni_syntax *node)
{
    if (!node || e->walked++ > MAX_WALKED) return false;
    if (node->type == CNI_SYNTAX_NAME || node->type == CNI_SYNTAX_ATTRIBUTE) {
        const cni_thing *thing = meaning(e, node);
        if (thing && thing->type == CNI_THING_TENSOR) return true;
    }
    for (size_t i = 0; i < node->count; i++)
        if (holds_tensor(e, node->items[i])) return true;
    return false;
}

/* model = model.cuda(), x = x.to(device), net = nn.DataParallel(net): the same as before. */
static bool keeps(const cni_syntax *value)
{
    static const char *const names[] = {"to",      "cuda",         "cpu",   "half",          "float",
                                        "double",  "contiguous",   "clone", "detach",        "train",
                                        "compile", "DataParallel", "eval",  "to_device",     "DistributedDataParallel",
                                        "prepare", "share_memory", "numpy", "channels_last", NULL};
    if (value->type != CNI_SYNTAX_CALL) return false;
    const cni_syntax *callee = value->items[0];
    return callee->text && is_one_of(callee->text, names);
}

/* model.add(layer), blocks.append(layer) */
static bool grows(cni_evaluator *e, const cni_syntax *call)
{
    static const char *const names[] = {"add",    "pop",    "append",          "add_module",
                                        "insert", "extend", "register_module", NULL};
    const cni_syntax *callee = call->items[0];
    if (callee->type != CNI_SYNTAX_ATTRIBUTE || !is_one_of(callee->text, names)) return false;
    const cni_thing *of = meaning(e, callee->items[0]);
    if (!of) return false;
    if (cni_thing_is_list(of))
        for (size_t i = 0; i < of->count; i++)
            if (cni_thing_is_module(of->items[i]) || of->items[i]->type == CNI_THING_TENSOR) return true;
    return cni_thing_is_module(of) || (cni_thing_is_list(of) && of->modules);
}

static bool decides(cni_evaluator *e, const cni_syntax *node);

static bool assignment_decides(cni_evaluator *e, const cni_syntax *node)
{
    const cni_syntax *value = node->items[node->count - 1];
    if (keeps(value)) return false;
    for (size_t i = 0; i + 1 < node->count; i++) {
        const cni_thing *old = meaning(e, node->items[i]);
        if (old && (cni_thing_is_module(old) || old->type == CNI_THING_TENSOR)) return true;
    }
    return holds_tensor(e, value) || decides(e, value);
}

static bool decides(cni_evaluator *e, const cni_syntax *node)
{
    if (!node || e->walked++ > MAX_WALKED) return false;
    if (node->type == CNI_SYNTAX_ASSIGN || node->type == CNI_SYNTAX_AUGMENTED) return assignment_decides(e, node);
    if (node->type == CNI_SYNTAX_RETURN && node->count && holds_tensor(e, node->items[0])) return true;
    if (node->type == CNI_SYNTAX_CALL && grows(e, node)) return true;
    if (node->type == CNI_SYNTAX_DEF || node->type == CNI_SYNTAX_CLASS) return false;
    for (size_t i = 0; i < node->count; i++)
        if (decides(e, node->items[i])) return true;
    return false;
}

static bool branch_decides(cni_evaluator *e, const cni_syntax *branch)
{
    if (!branch) return false;
    const bool value = branch->type != CNI_SYNTAX_BLOCK; /* of "a if condition else b" */
    return cni_builds_layers(e, branch) || decides(e, branch) || (value && holds_tensor(e, branch));
}

cni_thing *cni_branch_doubt(cni_evaluator *e, cni_thing *condition, const cni_syntax *node, const cni_syntax *a,
                            const cni_syntax *b)
{
    cni_thing *doubt = condition;
    if (!cni_thing_is_doubtful(condition))
        doubt = cni_evaluate_doubt(e, "I806", node->span, "write the branch that is meant",
                                   "this condition is not constant");
    if (branch_decides(e, a) || branch_decides(e, b)) cni_thing_matters(e, doubt);
    return doubt;
}

/* ---- what is unknown from there on ---- */

static void forget_target(cni_evaluator *e, const cni_syntax *target, cni_thing *doubt)
{
    const bool list = target->type == CNI_SYNTAX_TUPLE || target->type == CNI_SYNTAX_LIST;
    for (size_t i = 0; list && i < target->count; i++) forget_target(e, target->items[i], doubt);
    if (target->type != CNI_SYNTAX_NAME && target->type != CNI_SYNTAX_ATTRIBUTE) return;
    const cni_thing *old = meaning(e, target);
    if (old && (cni_thing_is_module(old) || old->type == CNI_THING_TENSOR)) return;
    cni_thing *unknown = cni_thing_follows(e, doubt, target->span);
    if (unknown == e->broken) return;
    cni_evaluate_assign(e, target, unknown);
}

/* Names that the branch sets; a function that returns in it gives something unknown. */
void cni_branch_forget(cni_evaluator *e, const cni_syntax *branch, cni_thing *doubt)
{
    for (size_t i = 0; branch && i < branch->count; i++) {
        const cni_syntax *node = branch->items[i];
        if (!node) continue;
        const bool assigns = node->type == CNI_SYNTAX_ASSIGN || node->type == CNI_SYNTAX_AUGMENTED;
        for (size_t j = 0; assigns && !keeps(node->items[node->count - 1]) && j + 1 < node->count; j++)
            forget_target(e, node->items[j], doubt);
        const bool nests = node->type == CNI_SYNTAX_FOR || node->type == CNI_SYNTAX_IF || node->type == CNI_SYNTAX_WITH;
        for (size_t j = 0; nests && j < node->count; j++)
            if (node->items[j] && node->items[j]->type == CNI_SYNTAX_BLOCK) cni_branch_forget(e, node->items[j], doubt);
        if (node->type == CNI_SYNTAX_RETURN && node->count && e->frame && !e->frame->result)
            e->frame->result = cni_thing_follows(e, doubt, node->span);
    }
}
