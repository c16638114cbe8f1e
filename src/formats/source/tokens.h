/* SPDX-License-Identifier: Apache-2.0
 * The words of a Python-like text (explain-spec 11.1).  Every physical line that holds something begins with a LINE
 * token that knows its indentation; the parser passes over those inside brackets and makes blocks of the others, so
 * that it can go on behind a bracket that is never closed. */
#ifndef CNI_TOKENS_H
#define CNI_TOKENS_H

#include "base/arena.h"
#include "model/description.h"

typedef enum cni_token_type {
    CNI_TOKEN_LINE,     /* `indent` */
    CNI_TOKEN_NAME,     /* `text` */
    CNI_TOKEN_KEYWORD,  /* `text`: "for", "True" */
    CNI_TOKEN_OPERATOR, /* `text`: "(", "//=" */
    CNI_TOKEN_NUMBER,   /* start, size */
    CNI_TOKEN_STRING,   /* start, size: what is between the quotes; `prefix` */
    CNI_TOKEN_ERROR,    /* `text`: a message; the parser tells it when it comes here */
    CNI_TOKEN_END
} cni_token_type;

enum { CNI_STRING_RAW = 1, CNI_STRING_BYTES = 2, CNI_STRING_FORMATTED = 4 };

typedef struct cni_token {
    cni_token_type type;
    uint32_t start, size; /* bytes of the text */
    cni_span span;
    union {
        int indent;  /* LINE: columns, a tab reaches to the next multiple of 8 */
        int partner; /* a bracket: the token that it is a pair with, -1 where there is none */
        int prefix;  /* STRING */
    };
    const char *text;
} cni_token;

typedef struct cni_tokens {
    cni_token *items; /* the last one is END */
    int count;
} cni_tokens;

/** Cuts a well-formed UTF-8 text of at most 1 MiB.  Special comments go to `comments`, what is wrong with one to
 *  `remarks`.  Names and messages lie in the arena, the tokens are freed with cni_tokens_free.  False: no memory. */
bool cni_tokens_read(cni_arena *arena, const char *text, size_t size, cni_remarks *remarks,
                     cni_source_comments *comments, cni_tokens *out);
void cni_tokens_free(cni_tokens *tokens);

/** The text of a STRING with its escapes read; NULL without memory, "" and `*wrong` where an escape is malformed. */
char *cni_token_string(cni_arena *arena, const char *text, const cni_token *token, bool *wrong);

#endif
