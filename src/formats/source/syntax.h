/* SPDX-License-Identifier: Apache-2.0
 * The syntax tree of a Python-like text: what Keras and PyTorch users write to describe a network.  The text is parsed,
 * never run.  Statements and expressions are one kind of node; trees live in an arena and never change.
 *
 *     x = layers.Conv2D(32, 3, padding="same")(inp)
 *
 *     ASSIGN( NAME x ; CALL( CALL( ATTRIBUTE(NAME layers) Conv2D ; 32, 3, padding= ) ; NAME inp ) )
 */
#ifndef CNI_SYNTAX_H
#define CNI_SYNTAX_H

#include "base/arena.h"
#include "base/error.h"
#include "model/description.h"

typedef enum cni_syntax_type {
    /* expressions */
    CNI_SYNTAX_CONSTANT,  /* `value`: a number, text, True, False, None */
    CNI_SYNTAX_NAME,      /* `text` */
    CNI_SYNTAX_ELLIPSIS,  /* ... */
    CNI_SYNTAX_TUPLE,     /* items */
    CNI_SYNTAX_LIST,      /* items */
    CNI_SYNTAX_DICT,      /* items: values; `keys`: expressions, NULL for a **dict */
    CNI_SYNTAX_CALL,      /* items[0] is called; then its ARGUMENTs, in the order written */
    CNI_SYNTAX_ARGUMENT,  /* items[0]; `text` the keyword or NULL, "**" for a dict, "*" for a list */
    CNI_SYNTAX_ATTRIBUTE, /* items[0].text */
    CNI_SYNTAX_SUBSCRIPT, /* items[0][items[1..]]: more than one where commas part them */
    CNI_SYNTAX_SLICE,     /* items[0]:items[1]:items[2]; NULL where absent */
    CNI_SYNTAX_UNARY,     /* `text` "-", "+", "~" or "not"; items[0] */
    CNI_SYNTAX_BINARY,    /* `text` "+", "-", "*", "/", "//", "%", "**", "@"; items[0], items[1] */
    CNI_SYNTAX_COMPARE,   /* `text` "==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"; a chain
                             a < b < c comes as AND of two */
    CNI_SYNTAX_AND,       /* items[0], items[1] */
    CNI_SYNTAX_OR,
    CNI_SYNTAX_CONDITIONAL, /* items[0] if items[1] else items[2] */
    CNI_SYNTAX_FORMATTED,   /* an f-string; its content is not read */
    CNI_SYNTAX_OUTSIDE,     /* what the grammar leaves out; `text` names it: "list comprehension", "lambda" */
    /* statements */
    CNI_SYNTAX_BLOCK,      /* items: statements */
    CNI_SYNTAX_EXPRESSION, /* items[0] */
    CNI_SYNTAX_ASSIGN,     /* items[0..count-2] targets (NAME, TUPLE, ATTRIBUTE, SUBSCRIPT), the last one the value */
    CNI_SYNTAX_AUGMENTED,  /* `text` "+", "-", "*", "//", ...; items[0] target, items[1] value */
    CNI_SYNTAX_IMPORT,     /* import a.b as c: `text` "a.b", `alias` "c" or NULL; one node for each name */
    CNI_SYNTAX_FROM,       /* from a.b import c as d: `text` "a.b", `name` "c" ("*" for all), `alias` "d" or NULL */
    CNI_SYNTAX_FOR,        /* items[0] target, items[1] what is gone through, items[2] BLOCK */
    CNI_SYNTAX_IF,         /* items[0] condition, items[1] BLOCK, items[2] BLOCK, or absent; elif is an IF in there */
    CNI_SYNTAX_DEF,        /* `text` name; items[0] BLOCK, then its PARAMETERs */
    CNI_SYNTAX_PARAMETER,  /* `text` name ("*rest", "**rest" with the stars); items[0] default, or count 0 */
    CNI_SYNTAX_CLASS,      /* `text` name; items[0] BLOCK, then its bases */
    CNI_SYNTAX_RETURN,     /* items[0], or count 0 */
    CNI_SYNTAX_WITH,       /* items[0] the (first) context expression, items[1] BLOCK */
    CNI_SYNTAX_PASS,       /* pass, an alone-standing text, a docstring */
    CNI_SYNTAX_UNREAD      /* a statement outside the grammar, skipped with its block; `text` names it: "while" */
} cni_syntax_type;

typedef struct cni_syntax cni_syntax;
struct cni_syntax {
    cni_syntax_type type;
    cni_span span; /* from the first character to behind the last */
    const char *text, *name, *alias;
    const cni_value *value; /* CNI_SYNTAX_CONSTANT */
    size_t count;
    cni_syntax **items;
    cni_syntax **keys; /* CNI_SYNTAX_DICT */
    int height;        /* levels of the tree from here down: who walks it may recurse */
};

enum { CNI_SYNTAX_HEIGHT = 200 }; /* of an expression; blocks are at most 64 inside each other */

/** Reads a text: always gives a BLOCK (NULL only without memory), with what could be read; errors (I801 syntax, I806
 *  outside the grammar, at most 20) and notes go to `remarks`.  Nesting at most 64, text at most 1 MiB.  The special
 *  comments (# cornu: off K302 / input 32x32x3 / name MODEL) go to `comments`. */
cni_syntax *cni_syntax_read(cni_arena *arena, const char *text, size_t size, cni_remarks *remarks,
                            cni_source_comments *comments);

#endif
