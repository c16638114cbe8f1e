/* SPDX-License-Identifier: Apache-2.0
 * What the parts of the parser share. */
#include "formats/source/syntax_parser.h"

#include <stdlib.h>

/* ---- tokens ---- */

static void skip_lines(cni_parser *p)
{
    while (p->brackets && now(p)->type == CNI_TOKEN_LINE) p->at++;
}

void cni_syntax_advance(cni_parser *p)
{
    if (now(p)->type != CNI_TOKEN_END) p->at++;
    skip_lines(p);
}

bool cni_syntax_take(cni_parser *p, const char *text)
{
    if (!at(p, text)) return false;
    cni_syntax_advance(p);
    return true;
}

const cni_token *cni_syntax_following(const cni_parser *p)
{
    int i = p->at;
    if (p->tokens[i].type != CNI_TOKEN_END) i++;
    while (p->brackets && p->tokens[i].type == CNI_TOKEN_LINE) i++;
    return &p->tokens[i];
}

const cni_token *cni_syntax_before(const cni_parser *p)
{
    int i = p->at;
    do i--;
    while (i > 0 && p->tokens[i].type == CNI_TOKEN_LINE);
    return &p->tokens[i < 0 ? 0 : i];
}

cni_span cni_syntax_span(const cni_parser *p, int first)
{
    const cni_span *from = &p->tokens[first].span, *to = &cni_syntax_before(p)->span;
    return (cni_span){from->line, from->column, to->end_line, to->end_column};
}

/* ---- telling ---- */

const char *cni_syntax_show(const cni_parser *p, const cni_token *token, char buffer[64])
{
    size_t size = token->size;
    if (token->type == CNI_TOKEN_END) return "the end of the text";
    if (token->type == CNI_TOKEN_LINE) return "the end of the line";
    if (token->type == CNI_TOKEN_STRING) return "a text";
    if (size > 40)
        for (size = 40; size && ((unsigned char)p->text[token->start + size] & 0xC0) == 0x80;) size--;
    buffer[0] = '\'';
    memcpy(buffer + 1, p->text + token->start, size);
    strcpy(buffer + 1 + size, "'");
    return buffer;
}

void *cni_syntax_unexpected(cni_parser *p, const char *expected)
{
    char shown[64];
    const cni_token *token = now(p);
    cni_span span = token->span;
    if (p->failed || p->no_memory) return NULL;
    if (token->type == CNI_TOKEN_LINE || token->type == CNI_TOKEN_END) {
        const cni_span *last = &cni_syntax_before(p)->span;
        span = (cni_span){last->end_line, last->end_column, last->end_line, last->end_column};
    }
    const cni_token *open = p->brackets ? &p->tokens[p->open[p->brackets - 1]] : NULL;
    if (token->type == CNI_TOKEN_ERROR)
        CNI_SYNTAX_FAIL(p, span, NULL, "%s", token->text);
    else if (open && open->partner < 0)
        CNI_SYNTAX_FAIL(p, span, NULL, "the '%s' of line %d, column %d is never closed", open->text, open->span.line,
                        open->span.column);
    else
        CNI_SYNTAX_FAIL(p, span, NULL, "expected %s, got %s", expected, cni_syntax_show(p, token, shown));
    return NULL;
}

bool cni_syntax_expect(cni_parser *p, const char *text, const char *expected)
{
    if (cni_syntax_take(p, text)) return true;
    cni_syntax_unexpected(p, expected);
    return false;
}

void cni_syntax_outside(cni_parser *p, cni_span span, const char *what, const char *hint)
{
    cni_remark_add(p->remarks, "I806", CNI_ERROR, span, hint, "not read: %s", what);
}

/* ---- nodes ---- */

void *cni_syntax_no_memory(cni_parser *p)
{
    p->no_memory = p->failed = true;
    return NULL;
}

cni_syntax *cni_syntax_node(cni_parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *const *items,
                            size_t count)
{
    if (p->failed) return NULL;
    cni_syntax *made = CNI_NEW(p->arena, cni_syntax);
    if (!made) return cni_syntax_no_memory(p);
    *made = (cni_syntax){.type = type, .span = cni_syntax_span(p, first), .text = text, .count = count, .height = 1};
    if (count && !(made->items = CNI_NEW_ARRAY(p->arena, cni_syntax *, count))) return cni_syntax_no_memory(p);
    for (size_t i = 0; i < count; i++) {
        made->items[i] = items[i];
        if (items[i] && items[i]->height >= made->height) made->height = items[i]->height + 1;
    }
    if (type < CNI_SYNTAX_BLOCK && made->height > CNI_SYNTAX_HEIGHT) {
        CNI_SYNTAX_FAIL(p, made->span, "give its parts names", "an expression of more than %d levels",
                        CNI_SYNTAX_HEIGHT);
        return NULL;
    }
    return made;
}

cni_syntax *cni_syntax_node1(cni_parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a)
{
    return a ? cni_syntax_node(p, type, first, text, &a, 1) : NULL;
}

cni_syntax *cni_syntax_node2(cni_parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a,
                             cni_syntax *b)
{
    return a && b ? cni_syntax_node(p, type, first, text, (cni_syntax *[]){a, b}, 2) : NULL;
}

cni_syntax *cni_syntax_node3(cni_parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a,
                             cni_syntax *b, cni_syntax *c)
{
    return a && b && c ? cni_syntax_node(p, type, first, text, (cni_syntax *[]){a, b, c}, 3) : NULL;
}

cni_syntax *cni_syntax_outside_node(cni_parser *p, int first, const char *what, const char *hint)
{
    cni_syntax *made = cni_syntax_node(p, CNI_SYNTAX_OUTSIDE, first, what, NULL, 0);
    if (made) cni_syntax_outside(p, made->span, what, hint);
    return made;
}

bool cni_syntax_push(cni_parser *p, cni_syntax *item)
{
    if (p->failed) return false;
    if (p->stacked == p->room) {
        const size_t room = p->room ? 2 * p->room : 64;
        cni_syntax **more = realloc(p->stack, room * sizeof *more);
        if (!more) {
            cni_syntax_no_memory(p);
            return false;
        }
        p->stack = more;
        p->room = room;
    }
    p->stack[p->stacked++] = item;
    return true;
}

cni_syntax *cni_syntax_node_above(cni_parser *p, cni_syntax_type type, int first, const char *text, size_t mark)
{
    cni_syntax *made = cni_syntax_node(p, type, first, text, p->stack ? p->stack + mark : NULL, p->stacked - mark);
    p->stacked = mark;
    return made;
}

/* ---- brackets ---- */

bool cni_syntax_open(cni_parser *p)
{
    if (p->brackets == CNI_PARSER_BRACKETS || p->depth >= CNI_PARSER_DEPTH) {
        CNI_SYNTAX_FAIL(p, now(p)->span, NULL, "nested too deeply");
        return false;
    }
    p->open[p->brackets++] = p->at;
    cni_syntax_advance(p);
    return true;
}

bool cni_syntax_close(cni_parser *p, const char *bracket, const char *expected)
{
    if (!at(p, bracket)) {
        cni_syntax_unexpected(p, expected);
        return false;
    }
    p->brackets--;
    cni_syntax_advance(p);
    return true;
}
