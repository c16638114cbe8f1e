/* SPDX-License-Identifier: Apache-2.0
 * Findings: what is wrong with a network, or worth knowing, and how it is mended.  A rule is one function and one row
 * of cni_rules.  A fix is printed only after it was applied to a copy of the description and the finding was gone. */
#ifndef CNI_FINDING_H
#define CNI_FINDING_H

#include "explain/analysis/analysis.h"

/** A change that makes a finding vanish, with its price. */
typedef struct cni_fix {
    const cni_edit *edits; /* one for each layer of a finding that lists many */
    int edit_count;
    const char *code;     /* as the user would write it: "MaxPooling2D(2, padding='same')" */
    const char *result;   /* "6x6x64" or "28>14>12>6": what becomes of the sizes; NULL: nothing */
    int64_t params, macs; /* differences */
    double macs_share;    /* difference / before; NaN: the network had errors, and there is nothing to compare with */
} cni_fix;

enum { CNI_MAX_FIXES = 4 };

typedef struct cni_rule cni_rule;

typedef struct cni_finding {
    const cni_rule *rule;
    cni_severity severity;
    int node;         /* of the analysis, or -1 for the whole network */
    const int *nodes; /* all that it concerns, when more than one; else NULL */
    int node_count;
    cni_span span;
    const char *text;    /* sentences, one paragraph; they begin with the layer's name */
    const char *history; /* further lines: sizes on the way, branches; or NULL */
    cni_fix fixes[CNI_MAX_FIXES];
    int fix_count;
    const char *advice; /* where no edit can be tried: a sentence, or NULL */
} cni_finding;

typedef struct cni_findings {
    cni_arena *arena;
    const cni_analysis *analysis;
    cni_finding *items; /* errors first, then warnings, notes, hints; in the order of the nodes */
    int count, capacity;
    bool try_fixes; /* false while a fix is being tried */
    int tries;      /* that are left to the whole network */
    bool failed;    /* out of memory */
} cni_findings;

struct cni_rule {
    const char *id, *name; /* "K302", "dead-computation" */
    cni_severity severity; /* the usual one */
    const char *or_else;   /* what it is where less depends on it, or more: "hint"; NULL: always the same */
    char grade;            /* 'A' follows from the geometry, 'B' and 'C' rest on experiments */
    bool whole;            /* its one finding stands for the whole network: a fix leaves nothing of it */
    void (*look)(cni_findings *findings, const cni_rule *rule);
    const char *why;    /* the reasoning, for --why: a few sentences */
    const char *source; /* papers, threads */
};

/** The rows, in the order of their ids within a family (rules.h). */
extern const cni_rule *const cni_rules[];
extern const int cni_rule_count;
const cni_rule *cni_rule_find(const char *id);

/** Adds a finding and returns it, to be filled in further; texts are formatted into the arena.  NULL without memory. */
cni_finding *cni_finding_add(cni_findings *findings, const cni_rule *rule, cni_severity severity, int node,
                             const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Tries edits on a copy; when the finding's rule no longer finds anything at this node and no error is new, adds the
 *  fix with its price.  Where PyTorch's Linear counts values that the edits change, its in_features follow.  `code`: as
 *  the user would write it; NULL: made of the edits.  False when it does not help. */
bool cni_finding_try(cni_findings *findings, cni_finding *finding, const cni_edit *edits, int count, const char *code);

/** The same for edits that the text cannot say, since the layers come from one place of it (a function) and not all of
 *  them are meant: what helps becomes the finding's advice. */
bool cni_finding_advise(cni_findings *findings, cni_finding *finding, const cni_edit *edits, int count);

/** Whether a comment in the text turns the rule off for this node, or (-1) anywhere. */
bool cni_finding_off(const cni_findings *findings, const cni_rule *rule, int node);

/** All rules over an analysis; `off` (comma-separated ids, or NULL) and the text's own comments are left out.  The
 *  findings live in the analysis' arena. */
cn_status cni_find(const cni_analysis *analysis, const char *off, const char *only, cni_findings **out,
                   cni_error *error);

#endif
