/* SPDX-License-Identifier: Apache-2.0
 * Stand-ins for what is being written elsewhere: the real functions take their place when they are linked. */
#include "explain/explanation.h"
#include "formats/source/source.h"

#define STAND_IN __attribute__((weak))

STAND_IN cn_status cni_source_read(cni_arena *arena, const char *text, size_t size, const char *file, const char *model,
                                   cni_description **out, cni_error *error)
{
    (void)arena, (void)text, (void)size, (void)model, (void)out;
    return cni_fail(error, CN_ERR_UNSUPPORTED, "%s: texts cannot be read yet", file);
}

STAND_IN bool cni_source_detect(const char *text, size_t size)
{
    (void)text, (void)size;
    return true;
}

STAND_IN void cni_remark_print(cni_text *out, const cni_description *description, const cni_remark *remark)
{
    (void)description;
    cni_text_printf(out, "%s: %s\n", remark->id, remark->text);
}

STAND_IN cn_status cni_find(const cni_analysis *analysis, const char *off, const char *only, cni_findings **out,
                            cni_error *error)
{
    (void)off, (void)only;
    *out = CNI_NEW(analysis->arena, cni_findings);
    if (!*out) return cni_no_memory(error, "findings");
    (*out)->analysis = analysis;
    return CN_OK;
}

STAND_IN const cni_rule *cni_rule_find(const char *id)
{
    (void)id;
    return NULL;
}

STAND_IN const cni_rule *const cni_rules[1] = {0};
STAND_IN const int cni_rule_count = 0;
