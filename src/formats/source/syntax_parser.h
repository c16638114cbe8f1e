/* SPDX-License-Identifier: Apache-2.0
 * What the parts of the parser share: the place in the tokens, telling what is wrong, making nodes. */
#ifndef CNI_SYNTAX_PARSER_H
#define CNI_SYNTAX_PARSER_H

#include "formats/source/syntax.h"
#include "formats/source/tokens.h"

#include <string.h>

enum {
    CNI_PARSER_BRACKETS = 64,
    CNI_PARSER_BLOCKS = 64,
    CNI_PARSER_DEPTH = 256 /* of the parser's own recursion in one expression */
};

typedef struct cni_parser {
    cni_arena *arena;
    const char *text;
    const cni_token *tokens;
    int at;
    int open[CNI_PARSER_BRACKETS], brackets; /* those around the token */
    int depth, blocks;
    bool failed; /* this statement; what failed was told */
    bool no_memory;
    cni_remarks *remarks;
    const cni_source_comments *comments; /* may be NULL */
    cni_syntax **stack;                  /* items of the lists that are being read */
    size_t stacked, room;
} cni_parser;

/* ---- tokens ---- */

static inline const cni_token *now(const cni_parser *p)
{
    return &p->tokens[p->at];
}

static inline bool is_fixed(const cni_token *token, const char *text)
{
    return (token->type == CNI_TOKEN_OPERATOR || token->type == CNI_TOKEN_KEYWORD) && strcmp(token->text, text) == 0;
}

static inline bool at(const cni_parser *p, const char *text)
{
    return is_fixed(now(p), text);
}

/** To the next token; inside brackets line ends are passed over. */
void cni_syntax_advance(cni_parser *p);
bool cni_syntax_take(cni_parser *p, const char *text);
const cni_token *cni_syntax_following(const cni_parser *p);

/** The last word in front of the token. */
const cni_token *cni_syntax_before(const cni_parser *p);

/** From token `first` to the last word in front of this one. */
cni_span cni_syntax_span(const cni_parser *p, int first);

/* ---- telling ---- */

/** I801: the statement cannot be read. */
#define CNI_SYNTAX_FAIL(p, span, hint, ...)                                                                            \
    do {                                                                                                               \
        if (!(p)->failed) cni_remark_add((p)->remarks, "I801", CNI_ERROR, (span), (hint), __VA_ARGS__);                \
        (p)->failed = true;                                                                                            \
    } while (0)

/** The token cannot stand here.  Inside a bracket that nothing closes, that is what is wrong.  NULL. */
void *cni_syntax_unexpected(cni_parser *p, const char *expected);
bool cni_syntax_expect(cni_parser *p, const char *text, const char *expected);

/** I806: understood as Python, outside what is read. */
void cni_syntax_outside(cni_parser *p, cni_span span, const char *what, const char *hint);
const char *cni_syntax_show(const cni_parser *p, const cni_token *token, char buffer[64]);
void *cni_syntax_no_memory(cni_parser *p);

/* ---- nodes: NULL where the statement failed, or an item is NULL ---- */

/** A node over the tokens from `first` to the one before this; its items may be NULL. */
cni_syntax *cni_syntax_node(cni_parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *const *items,
                            size_t count);
cni_syntax *cni_syntax_node1(cni_parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a);
cni_syntax *cni_syntax_node2(cni_parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a,
                             cni_syntax *b);
cni_syntax *cni_syntax_node3(cni_parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a,
                             cni_syntax *b, cni_syntax *c);
cni_syntax *cni_syntax_outside_node(cni_parser *p, int first, const char *what, const char *hint);

/** Lists are read onto a stack: a mark, pushes, and a node from all above the mark. */
bool cni_syntax_push(cni_parser *p, cni_syntax *item);
cni_syntax *cni_syntax_node_above(cni_parser *p, cni_syntax_type type, int first, const char *text, size_t mark);

/* ---- brackets ---- */

bool cni_syntax_open(cni_parser *p);
bool cni_syntax_close(cni_parser *p, const char *bracket, const char *expected);

/* ---- expressions ---- */

cni_syntax *cni_syntax_expression(cni_parser *p);

/** a or a, b without brackets */
cni_syntax *cni_syntax_expressions(cni_parser *p);

/** Whether nothing more of a list without brackets can follow: the end of the line, =, :, ) and the like. */
bool cni_syntax_ends_expressions(const cni_parser *p);

/** a, name=a, *a or **a */
cni_syntax *cni_syntax_argument(cni_parser *p);

/** What stands between for and in; one of them; whether an expression can be assigned to. */
cni_syntax *cni_syntax_targets(cni_parser *p);
cni_syntax *cni_syntax_target(cni_parser *p);
bool cni_syntax_check_target(cni_parser *p, cni_syntax *target);

#endif
