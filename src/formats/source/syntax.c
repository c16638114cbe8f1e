/* SPDX-License-Identifier: Apache-2.0
 * The parser of Python-like texts: precedence climbing for expressions, indentation for blocks.  A statement that
 * cannot be read is told once and left out, with its block; reading goes on with the next one. */
#include "formats/source/syntax.h"
#include "formats/source/tokens.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_TEXT = 1 << 20,
    MAX_BRACKETS = 64,
    MAX_BLOCKS = 64,
    MAX_DEPTH = 256 /* of the parser's own recursion in one expression */
};

typedef struct parser {
    cni_arena *arena;
    const char *text;
    const cni_token *tokens;
    int at;
    int open[MAX_BRACKETS], brackets; /* those around the token */
    int depth, blocks;
    bool failed; /* this statement; what failed was told */
    bool no_memory;
    cni_remarks *remarks;
    cni_syntax **stack; /* items of the lists that are being read */
    size_t stacked, room;
} parser;

static cni_syntax *expression(parser *p);
static cni_syntax *expressions(parser *p);

/* ---- tokens ---- */

static const cni_token *now(const parser *p)
{
    return &p->tokens[p->at];
}

static bool is_fixed(const cni_token *token, const char *text)
{
    return (token->type == CNI_TOKEN_OPERATOR || token->type == CNI_TOKEN_KEYWORD) && strcmp(token->text, text) == 0;
}

static bool at(const parser *p, const char *text)
{
    return is_fixed(now(p), text);
}

static void skip_lines(parser *p)
{
    while (p->brackets && now(p)->type == CNI_TOKEN_LINE) p->at++;
}

static void advance(parser *p)
{
    if (now(p)->type != CNI_TOKEN_END) p->at++;
    skip_lines(p);
}

static bool take(parser *p, const char *text)
{
    if (!at(p, text)) return false;
    advance(p);
    return true;
}

static const cni_token *following(const parser *p)
{
    int i = p->at;
    if (p->tokens[i].type != CNI_TOKEN_END) i++;
    while (p->brackets && p->tokens[i].type == CNI_TOKEN_LINE) i++;
    return &p->tokens[i];
}

/* The last word in front of the token. */
static const cni_token *before(const parser *p)
{
    int i = p->at;
    do i--;
    while (i > 0 && p->tokens[i].type == CNI_TOKEN_LINE);
    return &p->tokens[i < 0 ? 0 : i];
}

static cni_span span_from(const parser *p, int first)
{
    const cni_span *from = &p->tokens[first].span, *to = &before(p)->span;
    return (cni_span){from->line, from->column, to->end_line, to->end_column};
}

/* ---- telling ---- */

/* I801: the statement cannot be read. */
#define FAIL(p, span, hint, ...)                                                                                       \
    do {                                                                                                               \
        if (!(p)->failed) cni_remark_add((p)->remarks, "I801", CNI_ERROR, (span), (hint), __VA_ARGS__);                \
        (p)->failed = true;                                                                                            \
    } while (0)

static const char *show_token(const parser *p, const cni_token *token, char buffer[64])
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

/* The token cannot stand here.  Inside a bracket that nothing closes, that is what is wrong. */
static void *unexpected(parser *p, const char *expected)
{
    char shown[64];
    const cni_token *token = now(p);
    cni_span span = token->span;
    if (p->failed || p->no_memory) return NULL;
    if (token->type == CNI_TOKEN_LINE || token->type == CNI_TOKEN_END) {
        const cni_span *last = &before(p)->span;
        span = (cni_span){last->end_line, last->end_column, last->end_line, last->end_column};
    }
    const cni_token *open = p->brackets ? &p->tokens[p->open[p->brackets - 1]] : NULL;
    if (token->type == CNI_TOKEN_ERROR)
        FAIL(p, span, NULL, "%s", token->text);
    else if (open && open->partner < 0)
        FAIL(p, span, NULL, "the '%s' of line %d, column %d is never closed", open->text, open->span.line,
             open->span.column);
    else
        FAIL(p, span, NULL, "expected %s, got %s", expected, show_token(p, token, shown));
    return NULL;
}

static bool expect(parser *p, const char *text, const char *expected)
{
    if (take(p, text)) return true;
    unexpected(p, expected);
    return false;
}

/* I806: understood as Python, outside what is read. */
static void outside(parser *p, cni_span span, const char *what, const char *hint)
{
    cni_remark_add(p->remarks, "I806", CNI_ERROR, span, hint, "not read: %s", what);
}

/* ---- nodes ---- */

static void *no_memory(parser *p)
{
    p->no_memory = p->failed = true;
    return NULL;
}

/* A node over the tokens from `first` to the one before this. */
static cni_syntax *node(parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *const *items,
                        size_t count)
{
    if (p->failed) return NULL;
    cni_syntax *made = CNI_NEW(p->arena, cni_syntax);
    if (!made) return no_memory(p);
    *made = (cni_syntax){.type = type, .span = span_from(p, first), .text = text, .count = count, .height = 1};
    if (count && !(made->items = CNI_NEW_ARRAY(p->arena, cni_syntax *, count))) return no_memory(p);
    for (size_t i = 0; i < count; i++) {
        made->items[i] = items[i];
        if (items[i] && items[i]->height >= made->height) made->height = items[i]->height + 1;
    }
    if (type < CNI_SYNTAX_BLOCK && made->height > CNI_SYNTAX_HEIGHT) {
        FAIL(p, made->span, "give its parts names", "an expression of more than %d levels", CNI_SYNTAX_HEIGHT);
        return NULL;
    }
    return made;
}

static cni_syntax *node1(parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a)
{
    return a ? node(p, type, first, text, &a, 1) : NULL;
}

static cni_syntax *node2(parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a, cni_syntax *b)
{
    return a && b ? node(p, type, first, text, (cni_syntax *[]){a, b}, 2) : NULL;
}

static cni_syntax *node3(parser *p, cni_syntax_type type, int first, const char *text, cni_syntax *a, cni_syntax *b,
                         cni_syntax *c)
{
    return a && b && c ? node(p, type, first, text, (cni_syntax *[]){a, b, c}, 3) : NULL;
}

static cni_syntax *outside_node(parser *p, int first, const char *what, const char *hint)
{
    cni_syntax *made = node(p, CNI_SYNTAX_OUTSIDE, first, what, NULL, 0);
    if (made) outside(p, made->span, what, hint);
    return made;
}

/* Lists are read onto a stack: a mark, pushes, and a node from all above the mark. */
static bool push(parser *p, cni_syntax *item)
{
    if (p->failed) return false;
    if (p->stacked == p->room) {
        const size_t room = p->room ? 2 * p->room : 64;
        cni_syntax **more = realloc(p->stack, room * sizeof *more);
        if (!more) {
            no_memory(p);
            return false;
        }
        p->stack = more;
        p->room = room;
    }
    p->stack[p->stacked++] = item;
    return true;
}

static cni_syntax *node_above(parser *p, cni_syntax_type type, int first, const char *text, size_t mark)
{
    cni_syntax *made = node(p, type, first, text, p->stack + mark, p->stacked - mark);
    p->stacked = mark;
    return made;
}

/* ---- brackets ---- */

static bool open_bracket(parser *p)
{
    if (p->brackets == MAX_BRACKETS || p->depth >= MAX_DEPTH) {
        FAIL(p, now(p)->span, NULL, "nested too deeply");
        return false;
    }
    p->open[p->brackets++] = p->at;
    advance(p);
    return true;
}

static bool close_bracket(parser *p, const char *bracket, const char *expected)
{
    if (!at(p, bracket)) {
        unexpected(p, expected);
        return false;
    }
    p->brackets--;
    advance(p);
    return true;
}

/* From inside brackets to the one that closes the innermost. */
static bool jump_to_close(parser *p)
{
    const int partner = p->tokens[p->open[p->brackets - 1]].partner;
    if (partner < p->at) {
        unexpected(p, "a closing bracket");
        return false;
    }
    p->at = partner;
    return true;
}

static bool at_comprehension(const parser *p)
{
    return at(p, "for") || (at(p, "async") && is_fixed(following(p), "for"));
}

static const char loop_hint[] = "write the loop: for ... in ...: and the list's append()";

/* [x for ...]: the brackets are still open. */
static cni_syntax *comprehension(parser *p, int first, const char *what, const char *bracket)
{
    if (!jump_to_close(p) || !close_bracket(p, bracket, bracket)) return NULL;
    return outside_node(p, first, what, loop_hint);
}

/* ---- atoms ---- */

static cni_syntax *constant(parser *p, int first, const cni_value *value)
{
    if (!value) return no_memory(p);
    cni_syntax *made = node(p, CNI_SYNTAX_CONSTANT, first, NULL, NULL, 0);
    if (made) made->value = value;
    return made;
}

/* Digits of a base with single _ between them; false where they are none, or do not fit. */
static bool read_digits(const char *digits, size_t length, unsigned base, int64_t *out)
{
    uint64_t number = 0;
    if (!length) return false;
    for (size_t i = 0; i < length; i++) {
        const char c = digits[i];
        if (c == '_') continue;
        const unsigned digit = c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
        if (digit >= base || number > ((uint64_t)INT64_MAX - digit) / base) return false;
        number = number * base + digit;
    }
    *out = (int64_t)number;
    return true;
}

static unsigned base_of(const char *digits, size_t length)
{
    if (length < 2 || digits[0] != '0') return 10;
    const char c = (char)(digits[1] | 0x20);
    return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
}

/* Without _; what Python writes as 1. and .5 gets its zero.  0: the _ stand wrong, or it is too long. */
static size_t plain_number(const char *from, size_t length, char to[2008])
{
    size_t n = 0;
    if (length > 1000 || from[length - 1] == '_') return 0;
    if (from[0] == '.') to[n++] = '0';
    for (size_t i = 0; i < length; i++) {
        if (from[i] == '_') {
            if (!i || from[i - 1] == '_' || from[i - 1] == '.' || from[i + 1] == '.') return 0;
            continue;
        }
        to[n++] = from[i];
        if (from[i] == '.' && (i + 1 == length || (from[i + 1] | 0x20) == 'e')) to[n++] = '0';
    }
    to[n] = '\0';
    return n;
}

static bool only_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9') return false;
    return length > 0;
}

/* digits[.digits][e[+-]digits]: a double that overflows is infinite, as in Python. */
static bool read_float(const char *text, size_t length, double *out)
{
    if (cni_read_real(text, length, out)) return true;
    size_t i = 0;
    const char *dot = memchr(text, '.', length), *e = memchr(text, 'e', length);
    if (!e) e = memchr(text, 'E', length);
    const size_t whole = dot ? (size_t)(dot - text) : e ? (size_t)(e - text) : length;
    if (!only_digits(text, whole)) return false;
    i = whole;
    if (dot) {
        const size_t stop = e ? (size_t)(e - text) : length;
        if (stop < i + 1 || !only_digits(text + i + 1, stop - i - 1)) return false;
    }
    if (e) {
        i = (size_t)(e - text) + 1;
        if (i < length && (text[i] == '+' || text[i] == '-')) i++;
        if (!only_digits(text + i, length - i)) return false;
    }
    *out = HUGE_VAL;
    return true;
}

static cni_syntax *number(parser *p)
{
    char plain[2008], shown[64];
    const int first = p->at;
    const cni_token *token = now(p);
    const char *digits = p->text + token->start;
    const unsigned base = base_of(digits, token->size);
    int64_t integer;
    double real;
    const size_t length = plain_number(digits, token->size, plain);
    cni_value *value = NULL;
    if (length && base != 10 ? read_digits(plain + 2, length - 2, base, &integer)
                             : length && (plain[0] != '0' || strspn(plain, "0") == length) &&
                                   only_digits(plain, length) && read_digits(plain, length, 10, &integer))
        value = cni_value_int(p->arena, integer);
    else if (length && base == 10 && !only_digits(plain, length) && read_float(plain, length, &real))
        value = cni_value_real(p->arena, real);
    else if (length && base == 10 && (plain[length - 1] | 0x20) == 'j') {
        advance(p);
        return outside_node(p, first, "complex number", NULL);
    } else {
        const bool large = length && base == 10 && only_digits(plain, length) && plain[0] != '0';
        FAIL(p, token->span, NULL, large ? "%s does not fit in 64 bits" : "%s is not a number",
             show_token(p, token, shown));
        return NULL;
    }
    advance(p);
    cni_syntax *made = constant(p, first, value);
    if (made) {
        value->line = (uint32_t)made->span.line;
        value->column = (uint32_t)made->span.column;
    }
    return made;
}

/* Adjacent texts are one. */
static cni_syntax *string(parser *p)
{
    const int first = p->at;
    int prefixes = 0;
    size_t size = 0, written = 0;
    for (int i = first; p->tokens[i].type == CNI_TOKEN_STRING || (p->brackets && p->tokens[i].type == CNI_TOKEN_LINE);
         i++)
        if (p->tokens[i].type == CNI_TOKEN_STRING) {
            prefixes |= p->tokens[i].prefix;
            size += p->tokens[i].size;
        }
    if (prefixes & (CNI_STRING_BYTES | CNI_STRING_FORMATTED)) {
        while (now(p)->type == CNI_TOKEN_STRING) advance(p);
        if (prefixes & CNI_STRING_BYTES) return outside_node(p, first, "bytes", "write the text without b");
        return node(p, CNI_SYNTAX_FORMATTED, first, NULL, NULL, 0);
    }
    char *joined = cni_arena_alloc(p->arena, size + 8);
    if (!joined) return no_memory(p);
    for (; now(p)->type == CNI_TOKEN_STRING; advance(p)) {
        bool wrong;
        const char *part = cni_token_string(p->arena, p->text, now(p), &wrong);
        if (!part) return no_memory(p);
        if (wrong) {
            FAIL(p, now(p)->span, "r'...' takes backslashes as they are", "a wrong escape in this text");
            return NULL;
        }
        const size_t length = strlen(part);
        memcpy(joined + written, part, length);
        written += length;
    }
    joined[written] = '\0';
    cni_value *value = CNI_NEW(p->arena, cni_value);
    if (!value) return no_memory(p);
    *value = (cni_value){.type = CNI_TEXT,
                         .text = joined,
                         .line = (uint32_t)p->tokens[first].span.line,
                         .column = (uint32_t)p->tokens[first].span.column};
    return constant(p, first, value);
}

/* *x outside of a call: [*a, b], (*a, b). */
static cni_syntax *starred(parser *p)
{
    const int first = p->at;
    if (!take(p, "*")) return expression(p);
    cni_syntax *inner = expression(p);
    return inner ? outside_node(p, first, "unpacking with *", "write the items") : NULL;
}

/* (a), (a, b), (), (x for ...) */
static cni_syntax *parenthesis(parser *p)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    bool tuple = at(p, "(") && is_fixed(following(p), ")");
    if (!open_bracket(p)) return NULL;
    if (at(p, "yield")) tuple = false;
    while (!at(p, ")")) {
        cni_syntax *item = starred(p);
        if (!item || !push(p, item)) return NULL;
        if (at_comprehension(p)) {
            p->stacked = mark;
            return comprehension(p, first, "generator", ")");
        }
        if (at(p, ":=")) {
            if (!jump_to_close(p) || !close_bracket(p, ")", "')'")) return NULL;
            p->stacked = mark;
            return outside_node(p, first, "assignment with :=", "write the assignment as a line of its own");
        }
        if (!take(p, ",")) break;
        tuple = true;
    }
    if (!close_bracket(p, ")", "',' or ')'")) return NULL;
    if (tuple) return node_above(p, CNI_SYNTAX_TUPLE, first, NULL, mark);
    cni_syntax *inner = p->stacked > mark ? p->stack[mark] : NULL;
    p->stacked = mark;
    return inner;
}

static cni_syntax *list(parser *p)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    if (!open_bracket(p)) return NULL;
    while (!at(p, "]")) {
        cni_syntax *item = starred(p);
        if (!item || !push(p, item)) return NULL;
        if (at_comprehension(p)) {
            p->stacked = mark;
            return comprehension(p, first, "list comprehension", "]");
        }
        if (!take(p, ",")) break;
    }
    if (!close_bracket(p, "]", "',' or ']'")) return NULL;
    return node_above(p, CNI_SYNTAX_LIST, first, NULL, mark);
}

/* {'a': 1, **b}; a set {1, 2} is outside. */
static cni_syntax *dict(parser *p)
{
    const int first = p->at;
    const size_t mark = p->stacked; /* key, value, key, value */
    bool set = false;
    if (!open_bracket(p)) return NULL;
    while (!at(p, "}")) {
        const bool spread = take(p, "**");
        cni_syntax *key = spread ? NULL : starred(p), *value = NULL;
        if (!spread && !key) return NULL;
        if (!spread && !at(p, ":"))
            set = true;
        else if (!spread)
            advance(p);
        if (!set && !(value = expression(p))) return NULL;
        if (!push(p, key) || !push(p, value)) return NULL;
        if (at_comprehension(p)) {
            p->stacked = mark;
            return comprehension(p, first, set ? "set comprehension" : "dict comprehension", "}");
        }
        if (!take(p, ",")) break;
    }
    if (!close_bracket(p, "}", "',' or '}'")) return NULL;
    if (set) {
        p->stacked = mark;
        return outside_node(p, first, "set", "write a list");
    }
    const size_t count = (p->stacked - mark) / 2;
    cni_syntax **keys = CNI_NEW_ARRAY(p->arena, cni_syntax *, count ? count : 1);
    if (!keys) return no_memory(p);
    int height = 0;
    for (size_t i = 0; i < count; i++) {
        keys[i] = p->stack[mark + 2 * i];
        if (keys[i] && keys[i]->height > height) height = keys[i]->height;
        p->stack[mark + i] = p->stack[mark + 2 * i + 1];
    }
    p->stacked = mark + count;
    cni_syntax *made = node_above(p, CNI_SYNTAX_DICT, first, NULL, mark);
    if (!made) return NULL;
    made->keys = keys;
    if (made->height <= height) made->height = height + 1;
    return made;
}

static cni_syntax *fixed_atom(parser *p)
{
    const int first = p->at;
    if (take(p, "None")) return constant(p, first, cni_value_null(p->arena));
    if (take(p, "True")) return constant(p, first, cni_value_bool(p->arena, true));
    if (take(p, "False")) return constant(p, first, cni_value_bool(p->arena, false));
    if (take(p, "...")) return node(p, CNI_SYNTAX_ELLIPSIS, first, NULL, NULL, 0);
    return unexpected(p, "an expression");
}

static cni_syntax *atom(parser *p)
{
    const int first = p->at;
    const cni_token *token = now(p);
    if (token->type == CNI_TOKEN_NAME) {
        advance(p);
        return node(p, CNI_SYNTAX_NAME, first, token->text, NULL, 0);
    }
    if (token->type == CNI_TOKEN_NUMBER) return number(p);
    if (token->type == CNI_TOKEN_STRING) return string(p);
    if (at(p, "(")) return parenthesis(p);
    if (at(p, "[")) return list(p);
    if (at(p, "{")) return dict(p);
    return fixed_atom(p);
}

/* ---- calls, attributes, subscripts ---- */

static cni_syntax *argument(parser *p)
{
    const int first = p->at;
    const char *keyword = NULL;
    if (at(p, "**") || at(p, "*")) {
        keyword = now(p)->text;
        advance(p);
    } else if (now(p)->type == CNI_TOKEN_NAME && is_fixed(following(p), "=")) {
        keyword = now(p)->text;
        advance(p);
        advance(p);
    }
    cni_syntax *value = expression(p);
    if (value && !keyword && at_comprehension(p)) {
        if (!jump_to_close(p)) return NULL;
        value = outside_node(p, first, "generator", loop_hint);
    }
    if (value && at(p, ":=")) {
        if (!jump_to_close(p)) return NULL;
        value = outside_node(p, first, "assignment with :=", "write the assignment as a line of its own");
    }
    return node1(p, CNI_SYNTAX_ARGUMENT, first, keyword, value);
}

static cni_syntax *call(parser *p, int first, cni_syntax *called)
{
    const size_t mark = p->stacked;
    bool keywords = false;
    if (!push(p, called) || !open_bracket(p)) return NULL;
    while (!at(p, ")")) {
        cni_syntax *item = argument(p);
        if (!item || !push(p, item)) return NULL;
        if (item->text && item->text[0] != '*')
            keywords = true;
        else if (!item->text && keywords)
            cni_remark_add(p->remarks, "I801", CNI_ERROR, item->span, "give it its name too",
                           "an argument without a name behind one with a name");
        if (!take(p, ",")) break;
    }
    if (!close_bracket(p, ")", "',' or ')'")) return NULL;
    return node_above(p, CNI_SYNTAX_CALL, first, NULL, mark);
}

/* a, a:b, :, ::2 */
static cni_syntax *slice(parser *p)
{
    const int first = p->at;
    cni_syntax *parts[3] = {0};
    int colons = 0;
    for (;; colons++) {
        if (!at(p, ":") && !at(p, ",") && !at(p, "]") && !(parts[colons] = starred(p))) return NULL;
        if (colons == 2 || !take(p, ":")) break;
    }
    if (!colons && !parts[0]) return unexpected(p, "an index");
    return colons ? node(p, CNI_SYNTAX_SLICE, first, NULL, parts, 3) : parts[0];
}

static cni_syntax *subscript(parser *p, int first, cni_syntax *of)
{
    const size_t mark = p->stacked;
    if (!push(p, of) || !open_bracket(p)) return NULL;
    do {
        cni_syntax *index = slice(p);
        if (!index || !push(p, index)) return NULL;
    } while (take(p, ",") && !at(p, "]"));
    if (!close_bracket(p, "]", "',' or ']'")) return NULL;
    return node_above(p, CNI_SYNTAX_SUBSCRIPT, first, NULL, mark);
}

static cni_syntax *postfix(parser *p)
{
    const int first = p->at;
    cni_syntax *of = atom(p);
    while (of) {
        if (at(p, "("))
            of = call(p, first, of);
        else if (at(p, "["))
            of = subscript(p, first, of);
        else if (take(p, ".")) {
            const char *name = now(p)->text;
            if (now(p)->type != CNI_TOKEN_NAME) return unexpected(p, "a name behind '.'");
            advance(p);
            of = node1(p, CNI_SYNTAX_ATTRIBUTE, first, name, of);
        } else
            break;
    }
    return of;
}

/* ---- operators ---- */

enum { OR = 1, AND, NOT, COMPARISON, BITS_OR, BITS_XOR, BITS_AND, SHIFT, SUM, PRODUCT, SIGN, POWER };

static const struct {
    const char *text;
    int level;
} binaries[] = {
    {"or", OR},         {"and", AND},      {"==", COMPARISON}, {"!=", COMPARISON}, {"<", COMPARISON},
    {"<=", COMPARISON}, {">", COMPARISON}, {">=", COMPARISON}, {"in", COMPARISON}, {"not", COMPARISON},
    {"is", COMPARISON}, {"|", BITS_OR},    {"^", BITS_XOR},    {"&", BITS_AND},    {"<<", SHIFT},
    {">>", SHIFT},      {"+", SUM},        {"-", SUM},         {"*", PRODUCT},     {"/", PRODUCT},
    {"//", PRODUCT},    {"%", PRODUCT},    {"@", PRODUCT},
};

static cni_syntax *binary(parser *p, int lowest);

static int level_now(const parser *p)
{
    const cni_token *token = now(p);
    if (token->type != CNI_TOKEN_OPERATOR && token->type != CNI_TOKEN_KEYWORD) return 0;
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (strcmp(binaries[i].text, token->text) == 0)
            return strcmp(token->text, "not") != 0 || is_fixed(following(p), "in") ? binaries[i].level : 0;
    return 0;
}

/* The operator, "is not" and "not in" included; passes it. */
static const char *operator_now(parser *p)
{
    const char *text = now(p)->text;
    advance(p);
    if (strcmp(text, "not") == 0 && take(p, "in")) return "not in";
    if (strcmp(text, "is") == 0 && take(p, "not")) return "is not";
    return text;
}

static bool enter(parser *p)
{
    if (p->depth++ < MAX_DEPTH) return true;
    FAIL(p, now(p)->span, "give its parts names", "nested too deeply");
    return false;
}

static cni_syntax *power(parser *p)
{
    const int first = p->at;
    if (at(p, "await")) {
        advance(p);
        return outside_node(p, first, "await", NULL);
    }
    cni_syntax *base = postfix(p);
    if (!base || !take(p, "**")) return base;
    return node2(p, CNI_SYNTAX_BINARY, first, "**", base, binary(p, SIGN));
}

static cni_syntax *prefix(parser *p, int lowest)
{
    static const char *const signs[] = {"-", "+", "~"};
    const int first = p->at;
    if (at(p, "not") && lowest <= NOT) {
        advance(p);
        return node1(p, CNI_SYNTAX_UNARY, first, "not", binary(p, NOT));
    }
    for (size_t i = 0; i < 3; i++)
        if (take(p, signs[i])) return node1(p, CNI_SYNTAX_UNARY, first, signs[i], binary(p, SIGN));
    return power(p);
}

/* a < b < c is a < b and b < c. */
static cni_syntax *comparison(parser *p, int first, cni_syntax *left)
{
    cni_syntax *all = NULL;
    while (left && level_now(p) == COMPARISON) {
        const char *text = operator_now(p);
        cni_syntax *right = binary(p, BITS_OR);
        cni_syntax *one = node2(p, CNI_SYNTAX_COMPARE, first, text, left, right);
        all = all ? node2(p, CNI_SYNTAX_AND, first, NULL, all, one) : one;
        if (!all) return NULL;
        left = right;
    }
    return left ? all : NULL;
}

static cni_syntax *binary(parser *p, int lowest)
{
    const int first = p->at;
    if (!enter(p)) return NULL;
    cni_syntax *left = prefix(p, lowest);
    for (int level; left && (level = level_now(p)) >= lowest && level;) {
        if (level == COMPARISON) {
            left = comparison(p, first, left);
            continue;
        }
        const char *text = operator_now(p);
        cni_syntax *right = binary(p, level + 1);
        if (level == OR || level == AND)
            left = node2(p, level == OR ? CNI_SYNTAX_OR : CNI_SYNTAX_AND, first, NULL, left, right);
        else if (level >= BITS_OR && level <= SHIFT)
            left = right ? outside_node(p, first, "bit arithmetic", "write the number") : NULL;
        else
            left = node2(p, CNI_SYNTAX_BINARY, first, text, left, right);
    }
    p->depth--;
    return left;
}

/* lambda a, b=1: x */
static cni_syntax *lambda(parser *p)
{
    const int first = p->at;
    advance(p);
    while (!at(p, ":")) {
        if (at(p, "*") || at(p, "**")) advance(p);
        if (now(p)->type == CNI_TOKEN_NAME) advance(p);
        if (take(p, "=") && !expression(p)) return NULL;
        if (!take(p, ",")) break;
    }
    if (!expect(p, ":", "':' behind the lambda's parameters") || !expression(p)) return NULL;
    return outside_node(p, first, "lambda", "give the output shape with a comment: # cornu: shape 32x32x3");
}

static cni_syntax *yielded(parser *p)
{
    const int first = p->at;
    advance(p);
    take(p, "from");
    if (now(p)->type != CNI_TOKEN_LINE && now(p)->type != CNI_TOKEN_END && !at(p, ")") && !at(p, ";") &&
        !expressions(p))
        return NULL;
    return outside_node(p, first, "yield", NULL);
}

static cni_syntax *expression(parser *p)
{
    const int first = p->at;
    if (!enter(p)) return NULL;
    cni_syntax *value = at(p, "lambda") ? lambda(p) : at(p, "yield") ? yielded(p) : binary(p, OR);
    if (value && at(p, "if")) {
        advance(p);
        cni_syntax *condition = binary(p, OR);
        cni_syntax *other = condition && expect(p, "else", "'else'") ? expression(p) : NULL;
        value = node3(p, CNI_SYNTAX_CONDITIONAL, first, NULL, value, condition, other);
    }
    p->depth--;
    return value;
}

static bool ends_expressions(const parser *p)
{
    const cni_token *token = now(p);
    return token->type == CNI_TOKEN_LINE || token->type == CNI_TOKEN_END || at(p, "=") || at(p, ":") || at(p, ")") ||
           at(p, ";") || at(p, "in");
}

static cni_syntax *items_with(parser *p, cni_syntax *(*item)(parser *))
{
    const int first = p->at;
    const size_t mark = p->stacked;
    cni_syntax *one = item(p);
    if (!one || !at(p, ",")) return one;
    if (!push(p, one)) return NULL;
    while (take(p, ",") && !ends_expressions(p)) {
        one = item(p);
        if (!one || !push(p, one)) return NULL;
    }
    return node_above(p, CNI_SYNTAX_TUPLE, first, NULL, mark);
}

/* a or a, b without brackets */
static cni_syntax *expressions(parser *p)
{
    return items_with(p, starred);
}

/* ---- targets ---- */

static cni_syntax *target_item(parser *p)
{
    const int first = p->at;
    if (take(p, "*")) return postfix(p) ? outside_node(p, first, "unpacking with *", "write the items") : NULL;
    return postfix(p);
}

static bool check_target(parser *p, cni_syntax *target)
{
    static const char *const names[] = {[CNI_SYNTAX_CONSTANT] = "a constant", [CNI_SYNTAX_CALL] = "a call"};
    if (!target) return false;
    switch (target->type) {
    case CNI_SYNTAX_NAME:
    case CNI_SYNTAX_ATTRIBUTE:
    case CNI_SYNTAX_SUBSCRIPT:
    case CNI_SYNTAX_OUTSIDE:
        return true;
    case CNI_SYNTAX_TUPLE:
    case CNI_SYNTAX_LIST:
        target->type = CNI_SYNTAX_TUPLE;
        for (size_t i = 0; i < target->count; i++)
            if (!check_target(p, target->items[i])) return false;
        return true;
    default: {
        const char *name = (size_t)target->type < sizeof names / sizeof *names ? names[target->type] : NULL;
        FAIL(p, target->span, NULL, "%s is nothing that can be assigned to", name ? name : "an expression");
        return false;
    }
    }
}

/* ---- simple statements ---- */

static const char *assigning_operator(const parser *p)
{
    static const char *const texts[][2] = {{"+=", "+"},   {"-=", "-"},   {"*=", "*"}, {"/=", "/"},
                                           {"//=", "//"}, {"**=", "**"}, {"%=", "%"}, {"@=", "@"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (at(p, texts[i][0])) return texts[i][1];
    return NULL;
}

static cni_syntax *assignment(parser *p, int first, cni_syntax *target)
{
    const size_t mark = p->stacked;
    if (!push(p, target)) return NULL;
    while (take(p, "=")) {
        if (!check_target(p, p->stack[p->stacked - 1])) return NULL;
        cni_syntax *value = expressions(p);
        if (!value || !push(p, value)) return NULL;
    }
    return node_above(p, CNI_SYNTAX_ASSIGN, first, NULL, mark);
}

/* x: int = 3: what is said of the type is passed over. */
static cni_syntax *annotated(parser *p, int first, cni_syntax *target)
{
    advance(p);
    if (!check_target(p, target) || !expression(p)) return NULL;
    return at(p, "=") ? assignment(p, first, target) : node(p, CNI_SYNTAX_PASS, first, NULL, NULL, 0);
}

static cni_syntax *expression_statement(parser *p)
{
    static const char *const bits[] = {"|=", "&=", "^=", "<<=", ">>="};
    const int first = p->at;
    cni_syntax *value = expressions(p);
    if (!value) return NULL;
    if (at(p, "=")) return assignment(p, first, value);
    if (at(p, ":")) return annotated(p, first, value);
    const char *operator= assigning_operator(p);
    if (operator) {
        if (!check_target(p, value)) return NULL;
        advance(p);
        return node2(p, CNI_SYNTAX_AUGMENTED, first, operator, value, expressions(p));
    }
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (take(p, bits[i])) {
            if (!expressions(p)) return NULL;
            cni_syntax *unread = node(p, CNI_SYNTAX_UNREAD, first, bits[i], NULL, 0);
            if (unread) outside(p, unread->span, "bit arithmetic", "write the number");
            return unread;
        }
    if (value->type == CNI_SYNTAX_CONSTANT && value->value->type == CNI_TEXT)
        return node(p, CNI_SYNTAX_PASS, first, NULL, NULL, 0);
    return node1(p, CNI_SYNTAX_EXPRESSION, first, NULL, value);
}

/* a.b.c; dots in front are kept. */
static const char *dotted(parser *p, bool relative)
{
    char *path = cni_arena_text(p->arena, "");
    while (path && relative && (at(p, ".") || at(p, "..."))) {
        path = cni_arena_printf(p->arena, "%s%s", path, now(p)->text);
        advance(p);
    }
    if (path && *path && at(p, "import")) return path;
    for (int parts = 0; path; parts++) {
        if (now(p)->type != CNI_TOKEN_NAME) return unexpected(p, "a module's name");
        if (parts == MAX_DEPTH) return unexpected(p, "a shorter name");
        path = cni_arena_printf(p->arena, parts ? "%s.%s" : "%s%s", path, now(p)->text);
        advance(p);
        if (!take(p, ".")) return path ? path : no_memory(p);
    }
    return no_memory(p);
}

static bool alias(parser *p, const char **out)
{
    *out = NULL;
    if (!take(p, "as")) return true;
    if (now(p)->type != CNI_TOKEN_NAME) {
        unexpected(p, "a name behind 'as'");
        return false;
    }
    *out = now(p)->text;
    advance(p);
    return true;
}

static bool add_import(parser *p, cni_syntax_type type, int first, const char *module, const char *name, const char *as)
{
    cni_syntax *made = node(p, type, first, module, NULL, 0);
    if (!made) return false;
    made->name = name;
    made->alias = as;
    return push(p, made);
}

/* import a.b as c, d */
static void import(parser *p)
{
    const int first = p->at;
    const char *as;
    advance(p);
    do {
        const char *module = dotted(p, false);
        if (!module || !alias(p, &as) || !add_import(p, CNI_SYNTAX_IMPORT, first, module, NULL, as)) return;
    } while (take(p, ","));
}

/* from a.b import c as d, e;  from a import (b, c,);  from a import * */
static void from_import(parser *p)
{
    const int first = p->at;
    const char *as;
    advance(p);
    const char *module = dotted(p, true);
    if (!module || !expect(p, "import", "'import'")) return;
    if (take(p, "*")) {
        add_import(p, CNI_SYNTAX_FROM, first, module, "*", NULL);
        return;
    }
    const bool bracket = at(p, "(");
    if (bracket && !open_bracket(p)) return;
    do {
        if (bracket && at(p, ")")) break;
        const char *name = now(p)->text;
        if (now(p)->type != CNI_TOKEN_NAME) {
            unexpected(p, "a name to import");
            return;
        }
        advance(p);
        if (!alias(p, &as) || !add_import(p, CNI_SYNTAX_FROM, first, module, name, as)) return;
    } while (take(p, ","));
    if (bracket) close_bracket(p, ")", "',' or ')'");
}

static cni_syntax *return_statement(parser *p)
{
    const int first = p->at;
    advance(p);
    if (ends_expressions(p)) return node(p, CNI_SYNTAX_RETURN, first, NULL, NULL, 0);
    return node1(p, CNI_SYNTAX_RETURN, first, NULL, expressions(p));
}

/* Statements that are passed over: with an error where what they do matters, with a note where it hardly can. */
static const struct {
    const char *keyword;
    cni_severity severity;
    bool block;
    const char *hint;
} unread[] = {
    {"while", CNI_ERROR, true, "for ... in range(...) is read"},
    {"try", CNI_ERROR, true, NULL},
    {"async", CNI_ERROR, true, NULL},
    {"global", CNI_ERROR, false, "hand it over as an argument"},
    {"nonlocal", CNI_ERROR, false, "hand it over as an argument"},
    {"break", CNI_ERROR, false, "give the loop the range that it shall have"},
    {"continue", CNI_ERROR, false, "put what follows into an if"},
    {"assert", CNI_NOTE, false, NULL},
    {"del", CNI_NOTE, false, NULL},
    {"raise", CNI_NOTE, false, NULL},
};

/* ---- passing over ---- */

/* From `i` behind the end of a statement with this indentation: the next LINE or ; outside of brackets.  A bracket
 * without a partner ends with a line that is not indented further than the statement. */
static int statement_end(const parser *p, int i, int indent)
{
    bool broken = false;
    for (;; i++) {
        const cni_token *token = &p->tokens[i];
        if (token->type == CNI_TOKEN_END) return i;
        if (token->type == CNI_TOKEN_LINE && (!broken || token->indent <= indent)) return i;
        if (token->type != CNI_TOKEN_OPERATOR) continue;
        if (*token->text == ';' && !broken) return i;
        if (!strchr("([{", *token->text)) continue;
        if (token->partner > i)
            i = token->partner;
        else
            broken = true;
    }
}

static int line_end(const parser *p, int i, int indent)
{
    while (i = statement_end(p, i, indent), p->tokens[i].type == CNI_TOKEN_OPERATOR) i++;
    return i;
}

/* Lines that are indented further than `indent`. */
static void skip_block(parser *p, int indent)
{
    while (now(p)->type == CNI_TOKEN_LINE && now(p)->indent > indent) p->at = line_end(p, p->at + 1, now(p)->indent);
}

static bool starts_clause(const cni_token *token)
{
    return is_fixed(token, "except") || is_fixed(token, "finally") || is_fixed(token, "else") ||
           is_fixed(token, "elif");
}

/* Behind the header of a statement that is left out: its block, and its further clauses. */
static void skip_statement_rest(parser *p, int indent)
{
    skip_block(p, indent);
    while (now(p)->type == CNI_TOKEN_LINE && now(p)->indent == indent && starts_clause(now(p) + 1)) {
        p->at = line_end(p, p->at + 1, indent);
        skip_block(p, indent);
    }
}

/* Behind a failed statement. */
static void recover(parser *p, int indent)
{
    int i = p->at;
    bool broken = false;
    for (int k = 0; k < p->brackets; k++) {
        const int partner = p->tokens[p->open[k]].partner;
        if (partner >= i) { /* out of the outermost bracket that is closed */
            i = partner + 1;
            break;
        }
        broken = true;
    }
    while (broken && p->tokens[i].type != CNI_TOKEN_END) { /* the line on which it was seen is the next statement */
        const cni_token *line = &p->tokens[i > 0 && p->tokens[i - 1].type == CNI_TOKEN_LINE ? i - 1 : i];
        if (line->type == CNI_TOKEN_LINE && line->indent <= indent) {
            i = (int)(line - p->tokens);
            break;
        }
        i++;
    }
    p->brackets = 0;
    p->depth = 0;
    p->at = broken ? i : statement_end(p, i, indent);
    skip_statement_rest(p, indent);
}

static cni_syntax *unread_statement(parser *p, size_t row, int indent)
{
    const int first = p->at;
    const char *keyword = unread[row].keyword;
    if (unread[row].block) {
        p->at = line_end(p, p->at, indent);
        skip_statement_rest(p, indent);
    } else
        p->at = statement_end(p, p->at, indent);
    cni_syntax *made = node(p, CNI_SYNTAX_UNREAD, first, keyword, NULL, 0);
    if (made)
        cni_remark_add(p->remarks, "I806", unread[row].severity, p->tokens[first].span, unread[row].hint,
                       unread[row].severity == CNI_NOTE ? "passed over: '%s'" : "not read: '%s'", keyword);
    return made;
}

/* ---- blocks ---- */

/* Pushes what the statement gives. */
static void simple_statement(parser *p, int indent)
{
    const int first = p->at;
    cni_syntax *made = NULL;
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
        if (at(p, unread[i].keyword)) {
            made = unread_statement(p, i, indent);
            if (made) push(p, made);
            return;
        }
    if (at(p, "import")) {
        import(p);
        return;
    }
    if (at(p, "from")) {
        from_import(p);
        return;
    }
    if (take(p, "pass"))
        made = node(p, CNI_SYNTAX_PASS, first, NULL, NULL, 0);
    else if (at(p, "return"))
        made = return_statement(p);
    else
        made = expression_statement(p);
    if (made) push(p, made);
}

static bool ends_statement(const parser *p)
{
    return now(p)->type == CNI_TOKEN_LINE || now(p)->type == CNI_TOKEN_END;
}

/* The statements of one line: a; b; c */
static void simple_statements(parser *p, int indent)
{
    while (!p->no_memory && !ends_statement(p)) {
        const size_t mark = p->stacked;
        simple_statement(p, indent);
        if (!p->failed && !ends_statement(p) && !at(p, ";")) unexpected(p, "the end of the line");
        if (p->failed) {
            p->stacked = mark;
            recover(p, indent);
            p->failed = p->no_memory;
        }
        while (at(p, ";")) p->at++;
    }
}

static void statements(parser *p, int indent);

static bool enter_block(parser *p)
{
    if (p->blocks++ < MAX_BLOCKS) return true;
    FAIL(p, now(p)->span, NULL, "more than %d blocks inside each other", MAX_BLOCKS);
    return false;
}

/* What stands behind the ':' of a header with this indentation: the rest of its line, or the lines below. */
static cni_syntax *block(parser *p, int indent)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    if (!expect(p, ":", "':'")) return NULL;
    if (!ends_statement(p))
        simple_statements(p, indent);
    else if (now(p)->type == CNI_TOKEN_LINE && now(p)->indent > indent) {
        if (!enter_block(p)) return NULL;
        statements(p, now(p)->indent);
        p->blocks--;
    } else {
        const cni_span *last = &before(p)->span;
        cni_remark_add(p->remarks, "I801", CNI_ERROR,
                       (cni_span){last->end_line, last->end_column, last->end_line, last->end_column}, NULL,
                       "expected an indented block behind ':'");
    }
    return node_above(p, CNI_SYNTAX_BLOCK, first, NULL, mark);
}

/* The next line has this indentation and begins with the keyword: passes its LINE. */
static bool clause(parser *p, const char *keyword, int indent)
{
    if (now(p)->type != CNI_TOKEN_LINE || now(p)->indent != indent || !is_fixed(now(p) + 1, keyword)) return false;
    p->at++;
    return true;
}

static cni_syntax *if_statement(parser *p, int indent)
{
    const int first = p->at;
    cni_syntax *parts[3] = {0};
    size_t count = 2;
    advance(p);
    if (!(parts[0] = expression(p)) || !(parts[1] = block(p, indent))) return NULL;
    if (clause(p, "elif", indent)) {
        const int place = p->at;
        if (!enter_block(p)) return NULL;
        parts[2] = node1(p, CNI_SYNTAX_BLOCK, place, NULL, if_statement(p, indent));
        p->blocks--;
        count = 3;
    } else if (clause(p, "else", indent)) {
        advance(p);
        parts[2] = block(p, indent);
        count = 3;
    }
    return count == 3 && !parts[2] ? NULL : node(p, CNI_SYNTAX_IF, first, NULL, parts, count);
}

static cni_syntax *for_statement(parser *p, int indent)
{
    const int first = p->at;
    advance(p);
    cni_syntax *target = items_with(p, target_item);
    if (!check_target(p, target) || !expect(p, "in", "'in'")) return NULL;
    cni_syntax *through = expressions(p);
    cni_syntax *made = through ? node3(p, CNI_SYNTAX_FOR, first, NULL, target, through, block(p, indent)) : NULL;
    if (made && clause(p, "else", indent)) {
        const cni_span span = now(p)->span;
        advance(p);
        if (block(p, indent)) outside(p, span, "'else' of a loop", "write it behind the loop");
    }
    return made;
}

/* name, name: type, name=default, *rest, **rest; a bare * or / only says how arguments are given. */
static bool parameter(parser *p)
{
    const int first = p->at;
    const char *stars = at(p, "*") || at(p, "**") ? now(p)->text : "";
    if (*stars) advance(p);
    if (*stars && !stars[1] && (at(p, ",") || at(p, ")"))) return true;
    if (!*stars && take(p, "/")) return true;
    if (now(p)->type != CNI_TOKEN_NAME) {
        unexpected(p, "a parameter");
        return false;
    }
    const char *name = now(p)->text;
    advance(p);
    if (*stars && !(name = cni_arena_printf(p->arena, "%s%s", stars, name))) {
        no_memory(p);
        return false;
    }
    if (take(p, ":") && !expression(p)) return false;
    cni_syntax *made;
    if (take(p, "="))
        made = node1(p, CNI_SYNTAX_PARAMETER, first, name, expression(p));
    else
        made = node(p, CNI_SYNTAX_PARAMETER, first, name, NULL, 0);
    return made && push(p, made);
}

static cni_syntax *def_statement(parser *p, int indent)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    advance(p);
    const char *name = now(p)->text;
    if (now(p)->type != CNI_TOKEN_NAME) return unexpected(p, "the function's name");
    advance(p);
    if (!at(p, "(")) return unexpected(p, "'(' behind the function's name");
    if (!push(p, NULL) || !open_bracket(p)) return NULL; /* room for the block */
    while (!at(p, ")"))
        if (!parameter(p) || !take(p, ",")) break;
    if (p->failed || !close_bracket(p, ")", "',' or ')'")) return NULL;
    if (take(p, "->") && !expression(p)) return NULL;
    cni_syntax *body = block(p, indent);
    if (!body) return NULL;
    p->stack[mark] = body;
    return node_above(p, CNI_SYNTAX_DEF, first, name, mark);
}

static cni_syntax *class_statement(parser *p, int indent)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    advance(p);
    const char *name = now(p)->text;
    if (now(p)->type != CNI_TOKEN_NAME) return unexpected(p, "the class's name");
    advance(p);
    if (!push(p, NULL)) return NULL;
    if (at(p, "(")) {
        if (!open_bracket(p)) return NULL;
        while (!at(p, ")")) {
            cni_syntax *base = argument(p);
            if (!base || (!base->text && !push(p, base->items[0]))) return NULL;
            if (!take(p, ",")) break;
        }
        if (!close_bracket(p, ")", "',' or ')'")) return NULL;
    }
    cni_syntax *body = block(p, indent);
    if (!body) return NULL;
    p->stack[mark] = body;
    return node_above(p, CNI_SYNTAX_CLASS, first, name, mark);
}

/* with a as b, c: only the first is kept */
static cni_syntax *with_statement(parser *p, int indent)
{
    const int first = p->at;
    cni_syntax *kept = NULL;
    advance(p);
    do {
        cni_syntax *context = expression(p);
        if (!context) return NULL;
        if (!kept) kept = context;
        if (take(p, "as") && !check_target(p, target_item(p))) return NULL;
    } while (take(p, ","));
    return node2(p, CNI_SYNTAX_WITH, first, NULL, kept, block(p, indent));
}

/* @name(...): what follows is read all the same */
static void decorator(parser *p, int indent)
{
    const int first = p->at;
    p->at = line_end(p, p->at, indent);
    outside(p, span_from(p, first), "a decorator", NULL);
}

static const struct {
    const char *keyword;
    cni_syntax *(*read)(parser *, int indent);
} compounds[] = {
    {"if", if_statement},       {"for", for_statement},   {"def", def_statement},
    {"class", class_statement}, {"with", with_statement},
};

static void statement(parser *p, int indent)
{
    const size_t mark = p->stacked;
    const int blocks = p->blocks;
    if (at(p, "@")) {
        decorator(p, indent);
        return;
    }
    for (size_t i = 0; i < sizeof compounds / sizeof *compounds; i++) {
        if (!at(p, compounds[i].keyword)) continue;
        cni_syntax *made = compounds[i].read(p, indent);
        p->blocks = blocks;
        if (made) {
            push(p, made);
            return;
        }
        p->stacked = mark;
        if (p->failed) recover(p, indent);
        p->failed = p->no_memory;
        return;
    }
    simple_statements(p, indent);
}

/* Lines with this indentation, pushed.  A line that is indented further without reason is told, and read with them. */
static void statements(parser *p, int indent)
{
    while (!p->no_memory && now(p)->type == CNI_TOKEN_LINE && now(p)->indent >= indent) {
        const int own = now(p)->indent;
        if (own > indent)
            cni_remark_add(p->remarks, "I801", CNI_ERROR, p->tokens[p->at + 1].span, NULL,
                           "this line is indented further than the one above");
        const int start = p->at++;
        if (own > indent && p->blocks < MAX_BLOCKS) {
            p->at = start;
            p->blocks++;
            statements(p, own);
            p->blocks--;
        } else
            statement(p, own);
    }
}

cni_syntax *cni_syntax_read(cni_arena *arena, const char *text, size_t size, cni_remarks *remarks,
                            cni_source_comments *comments)
{
    parser p = {.arena = arena, .text = text, .remarks = remarks};
    cni_tokens tokens;
    if (size > MAX_TEXT || !cni_utf8_valid(text, size)) {
        cni_remark_add(remarks, "I801", CNI_ERROR, (cni_span){1, 1, 1, 1}, NULL,
                       size > MAX_TEXT ? "the text is larger than 1 MiB" : "the text is not UTF-8");
        size = 0;
    }
    if (!cni_tokens_read(arena, text, size, remarks, comments, &tokens)) return NULL;
    p.tokens = tokens.items;
    while (!p.no_memory && now(&p)->type == CNI_TOKEN_LINE) statements(&p, now(&p)->indent);
    cni_syntax *module = node_above(&p, CNI_SYNTAX_BLOCK, 0, NULL, 0);
    free(p.stack);
    cni_tokens_free(&tokens);
    return module;
}
