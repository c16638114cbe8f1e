/* SPDX-License-Identifier: Apache-2.0
 * The rows of all rules, and what a rule is written with.  A rule is one file, ID_NAME.c, in its family's folder. */
#ifndef CNI_RULES_H
#define CNI_RULES_H

#include "explain/analysis/whole.h"
#include "explain/rules/arguments.h"
#include "explain/rules/edits.h"
#include "explain/rules/finding.h"
#include "explain/rules/node_list.h"
#include "explain/rules/say.h"
#include "explain/rules/shape_causes.h"
#include "explain/rules/ways.h"

/* clang-format off */
#define CNI_RULES(R)                                                                            \
    /* shape */    R(s100) R(s101) R(s102) R(s103) R(s104) R(s105) R(s106) R(s107) R(s108)      \
                   R(s110) R(s111)                                                              \
    /* padding */  R(p201) R(p203) R(p204) R(p205) R(p207) R(p209)                              \
    /* coverage */ R(k301) R(k302) R(k303) R(k306) R(k308)                                      \
    /* field */    R(r401) R(r402)                                                              \
    /* cost */     R(c501)                                                                      \
    /* training */ R(t601) R(t604) R(t611)
/* clang-format on */

#define CNI_DECLARE_RULE(id) extern const cni_rule cni_rule_##id;
CNI_RULES(CNI_DECLARE_RULE)
#undef CNI_DECLARE_RULE

#endif
