/* SPDX-License-Identifier: Apache-2.0
 * Expressions of Python-like texts, by precedence climbing. */
#include "formats/source/syntax_parser.h"

#include <math.h>

enum { MAX_NUMBER = 1000 /* characters */ };

static cni_syntax *binary(cni_parser *p, int lowest);

/* ---- brackets ---- */

/* From inside brackets to the one that closes the innermost. */
static bool jump_to_close(cni_parser *p)
{
    const int partner = p->tokens[p->open[p->brackets - 1]].partner;
    if (partner < p->at) {
        cni_syntax_unexpected(p, "a closing bracket");
        return false;
    }
    p->at = partner;
    return true;
}

static bool at_comprehension(const cni_parser *p)
{
    return at(p, "for") || (at(p, "async") && is_fixed(cni_syntax_following(p), "for"));
}

static const char loop_hint[] = "write the loop: for ... in ...: and the list's append()";

/* [x for ...]: the brackets are still open. */
static cni_syntax *comprehension(cni_parser *p, int first, const char *what, const char *bracket)
{
    if (!jump_to_close(p) || !cni_syntax_close(p, bracket, bracket)) return NULL;
    return cni_syntax_outside_node(p, first, what, loop_hint);
}

/* ---- atoms ---- */

static cni_syntax *constant(cni_parser *p, int first, const cni_value *value)
{
    if (!value) return cni_syntax_no_memory(p);
    cni_syntax *made = cni_syntax_node(p, CNI_SYNTAX_CONSTANT, first, NULL, NULL, 0);
    if (made) made->value = value;
    return made;
}

/* Digits of a base; *large when they are right and do not fit. */
static bool read_digits(const char *digits, size_t length, unsigned base, int64_t *out, bool *large)
{
    uint64_t number = 0;
    bool fits = true;
    for (size_t i = 0; i < length; i++) {
        const char c = digits[i];
        const unsigned digit = c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
        if (digit >= base) return false;
        fits = fits && number <= ((uint64_t)INT64_MAX - digit) / base;
        if (fits) number = number * base + digit;
    }
    *large = length && !fits;
    *out = (int64_t)number;
    return length && fits;
}

static unsigned base_of(const char *digits, size_t length)
{
    if (length < 2 || digits[0] != '0') return 10;
    const char c = (char)(digits[1] | 0x20);
    return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
}

/* Without _; what Python writes as 1. and .5 gets its zero.  0: the _ stand wrong, or it is too long. */
static size_t plain_number(const char *from, size_t length, char to[2 * MAX_NUMBER + 8])
{
    size_t n = 0;
    if (length > MAX_NUMBER || from[length - 1] == '_') return 0;
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

static size_t digits_at(const char *text)
{
    return strspn(text, "0123456789");
}

/* digits[.digits][e[+-]digits]: one that is too large is infinite, as in Python. */
static bool read_float(const char *text, size_t length, double *out)
{
    size_t i = digits_at(text);
    if (cni_read_real(text, length, out)) return true;
    if (!i) return false;
    if (text[i] == '.') {
        const size_t digits = digits_at(text + i + 1);
        if (!digits) return false;
        i += digits + 1;
    }
    if ((text[i] | 0x20) == 'e') {
        i += text[i + 1] == '+' || text[i + 1] == '-' ? 2 : 1;
        const size_t digits = digits_at(text + i);
        if (!digits) return false;
        i += digits;
    }
    *out = HUGE_VAL;
    return i == length;
}

/* 0x1F, 64, not 064; NULL with *large where it does not fit, or without where it is no integer. */
static cni_value *read_integer(cni_parser *p, const char *plain, size_t length, bool *large)
{
    int64_t integer;
    const unsigned base = base_of(plain, length);
    if (base != 10
            ? !read_digits(plain + 2, length - 2, base, &integer, large)
            : (plain[0] == '0' && strspn(plain, "0") != length) || !read_digits(plain, length, 10, &integer, large))
        return NULL;
    cni_value *value = cni_value_int(p->arena, integer);
    return value ? value : cni_syntax_no_memory(p);
}

static cni_value *read_number(cni_parser *p, const char *plain, size_t length, bool *large)
{
    double real;
    cni_value *value = read_integer(p, plain, length, large);
    if (value || p->failed || *large || base_of(plain, length) != 10 || only_digits(plain, length) ||
        !read_float(plain, length, &real))
        return value;
    value = cni_value_real(p->arena, real);
    return value ? value : cni_syntax_no_memory(p);
}

static cni_syntax *number(cni_parser *p)
{
    char plain[2 * MAX_NUMBER + 8], shown[64];
    const int first = p->at;
    const cni_token *token = now(p);
    bool large = false;
    const size_t length = plain_number(p->text + token->start, token->size, plain);
    if (length && (plain[length - 1] | 0x20) == 'j') {
        cni_syntax_advance(p);
        return cni_syntax_outside_node(p, first, "complex number", NULL);
    }
    cni_value *value = length ? read_number(p, plain, length, &large) : NULL;
    if (!value) {
        CNI_SYNTAX_FAIL(p, token->span, NULL, "%s %s", cni_syntax_show(p, token, shown),
                        large ? "does not fit in 64 bits" : "is not a number");
        return NULL;
    }
    value->line = (uint32_t)token->span.line;
    value->column = (uint32_t)token->span.column;
    cni_syntax_advance(p);
    return constant(p, first, value);
}

/* Adjacent texts are one. */
static cni_syntax *string(cni_parser *p)
{
    const int first = p->at;
    int prefixes = 0;
    size_t size = 0, written = 0;
    for (int i = first; p->tokens[i].type == CNI_TOKEN_STRING || (p->brackets && p->tokens[i].type == CNI_TOKEN_LINE);
         i++)
        if (p->tokens[i].type == CNI_TOKEN_STRING) {
            prefixes |= p->tokens[i].prefix;
            size += 2 * (size_t)p->tokens[i].size; /* an escape may become longer */
        }
    if (prefixes & (CNI_STRING_BYTES | CNI_STRING_FORMATTED)) {
        while (now(p)->type == CNI_TOKEN_STRING) cni_syntax_advance(p);
        if (prefixes & CNI_STRING_BYTES) return cni_syntax_outside_node(p, first, "bytes", "write the text without b");
        return cni_syntax_node(p, CNI_SYNTAX_FORMATTED, first, NULL, NULL, 0);
    }
    char *joined = cni_arena_alloc(p->arena, size + 8);
    if (!joined) return cni_syntax_no_memory(p);
    for (; now(p)->type == CNI_TOKEN_STRING; cni_syntax_advance(p)) {
        bool wrong;
        const char *part = cni_token_string(p->arena, p->text, now(p), &wrong);
        if (!part) return cni_syntax_no_memory(p);
        if (wrong) {
            CNI_SYNTAX_FAIL(p, now(p)->span, "r'...' takes backslashes as they are", "a wrong escape in this text");
            return NULL;
        }
        const size_t length = strlen(part);
        memcpy(joined + written, part, length);
        written += length;
    }
    joined[written] = '\0';
    cni_value *value = CNI_NEW(p->arena, cni_value);
    if (!value) return cni_syntax_no_memory(p);
    *value = (cni_value){.type = CNI_TEXT,
                         .text = joined,
                         .line = (uint32_t)p->tokens[first].span.line,
                         .column = (uint32_t)p->tokens[first].span.column};
    return constant(p, first, value);
}

/* *x outside of a call: [*a, b], (*a, b). */
static cni_syntax *starred(cni_parser *p)
{
    const int first = p->at;
    if (!cni_syntax_take(p, "*")) return cni_syntax_expression(p);
    cni_syntax *inner = cni_syntax_expression(p);
    return inner ? cni_syntax_outside_node(p, first, "unpacking with *", "write the items") : NULL;
}

/* (a), (a, b), (), (x for ...) */
static cni_syntax *parenthesis(cni_parser *p)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    bool tuple = at(p, "(") && is_fixed(cni_syntax_following(p), ")");
    if (!cni_syntax_open(p)) return NULL;
    if (at(p, "yield")) tuple = false;
    while (!at(p, ")")) {
        cni_syntax *item = starred(p);
        if (!item || !cni_syntax_push(p, item)) return NULL;
        if (at_comprehension(p)) {
            p->stacked = mark;
            return comprehension(p, first, "generator", ")");
        }
        if (at(p, ":=")) {
            if (!jump_to_close(p) || !cni_syntax_close(p, ")", "')'")) return NULL;
            p->stacked = mark;
            return cni_syntax_outside_node(p, first, "assignment with :=", "write the assignment as a line of its own");
        }
        if (!cni_syntax_take(p, ",")) break;
        tuple = true;
    }
    if (!cni_syntax_close(p, ")", "',' or ')'")) return NULL;
    if (tuple) return cni_syntax_node_above(p, CNI_SYNTAX_TUPLE, first, NULL, mark);
    cni_syntax *inner = p->stacked > mark ? p->stack[mark] : NULL;
    p->stacked = mark;
    return inner;
}

static cni_syntax *list(cni_parser *p)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    if (!cni_syntax_open(p)) return NULL;
    while (!at(p, "]")) {
        cni_syntax *item = starred(p);
        if (!item || !cni_syntax_push(p, item)) return NULL;
        if (at_comprehension(p)) {
            p->stacked = mark;
            return comprehension(p, first, "list comprehension", "]");
        }
        if (!cni_syntax_take(p, ",")) break;
    }
    if (!cni_syntax_close(p, "]", "',' or ']'")) return NULL;
    return cni_syntax_node_above(p, CNI_SYNTAX_LIST, first, NULL, mark);
}

/* {'a': 1, **b}; a set {1, 2} is outside. */
static cni_syntax *dict(cni_parser *p)
{
    const int first = p->at;
    const size_t mark = p->stacked; /* key, value, key, value */
    bool set = false;
    if (!cni_syntax_open(p)) return NULL;
    while (!at(p, "}")) {
        const bool spread = cni_syntax_take(p, "**");
        cni_syntax *key = spread ? NULL : starred(p), *value = NULL;
        if (!spread && !key) return NULL;
        if (!spread && !at(p, ":"))
            set = true;
        else if (!spread)
            cni_syntax_advance(p);
        if (!set && !(value = cni_syntax_expression(p))) return NULL;
        if (!cni_syntax_push(p, key) || !cni_syntax_push(p, value)) return NULL;
        if (at_comprehension(p)) {
            p->stacked = mark;
            return comprehension(p, first, set ? "set comprehension" : "dict comprehension", "}");
        }
        if (!cni_syntax_take(p, ",")) break;
    }
    if (!cni_syntax_close(p, "}", "',' or '}'")) return NULL;
    if (set) {
        p->stacked = mark;
        return cni_syntax_outside_node(p, first, "set", "write a list");
    }
    const size_t count = (p->stacked - mark) / 2;
    cni_syntax **keys = CNI_NEW_ARRAY(p->arena, cni_syntax *, count ? count : 1);
    if (!keys) return cni_syntax_no_memory(p);
    int height = 0;
    for (size_t i = 0; i < count; i++) {
        keys[i] = p->stack[mark + 2 * i];
        if (keys[i] && keys[i]->height > height) height = keys[i]->height;
        p->stack[mark + i] = p->stack[mark + 2 * i + 1];
    }
    p->stacked = mark + count;
    cni_syntax *made = cni_syntax_node_above(p, CNI_SYNTAX_DICT, first, NULL, mark);
    if (!made) return NULL;
    made->keys = keys;
    if (made->height <= height) made->height = height + 1;
    return made;
}

static cni_syntax *fixed_atom(cni_parser *p)
{
    const int first = p->at;
    if (cni_syntax_take(p, "None")) return constant(p, first, cni_value_null(p->arena));
    if (cni_syntax_take(p, "True")) return constant(p, first, cni_value_bool(p->arena, true));
    if (cni_syntax_take(p, "False")) return constant(p, first, cni_value_bool(p->arena, false));
    if (cni_syntax_take(p, "...")) return cni_syntax_node(p, CNI_SYNTAX_ELLIPSIS, first, NULL, NULL, 0);
    return cni_syntax_unexpected(p, "an expression");
}

static cni_syntax *atom(cni_parser *p)
{
    const int first = p->at;
    const cni_token *token = now(p);
    if (token->type == CNI_TOKEN_NAME) {
        cni_syntax_advance(p);
        return cni_syntax_node(p, CNI_SYNTAX_NAME, first, token->text, NULL, 0);
    }
    if (token->type == CNI_TOKEN_NUMBER) return number(p);
    if (token->type == CNI_TOKEN_STRING) return string(p);
    if (at(p, "(")) return parenthesis(p);
    if (at(p, "[")) return list(p);
    if (at(p, "{")) return dict(p);
    return fixed_atom(p);
}

/* ---- calls, attributes, subscripts ---- */

cni_syntax *cni_syntax_argument(cni_parser *p)
{
    const int first = p->at;
    const char *keyword = NULL;
    if (at(p, "**") || at(p, "*")) {
        keyword = now(p)->text;
        cni_syntax_advance(p);
    } else if (now(p)->type == CNI_TOKEN_NAME && is_fixed(cni_syntax_following(p), "=")) {
        keyword = now(p)->text;
        cni_syntax_advance(p);
        cni_syntax_advance(p);
    }
    cni_syntax *value = cni_syntax_expression(p);
    if (value && !keyword && at_comprehension(p)) {
        if (!jump_to_close(p)) return NULL;
        value = cni_syntax_outside_node(p, first, "generator", loop_hint);
    }
    if (value && at(p, ":=")) {
        if (!jump_to_close(p)) return NULL;
        value = cni_syntax_outside_node(p, first, "assignment with :=", "write the assignment as a line of its own");
    }
    return cni_syntax_node1(p, CNI_SYNTAX_ARGUMENT, first, keyword, value);
}

static cni_syntax *call(cni_parser *p, int first, cni_syntax *called)
{
    const size_t mark = p->stacked;
    bool keywords = false;
    if (!cni_syntax_push(p, called) || !cni_syntax_open(p)) return NULL;
    while (!at(p, ")")) {
        cni_syntax *item = cni_syntax_argument(p);
        if (!item || !cni_syntax_push(p, item)) return NULL;
        if (item->text && item->text[0] != '*')
            keywords = true;
        else if (!item->text && keywords)
            cni_remark_add(p->remarks, "I801", CNI_ERROR, item->span, "give it its name too",
                           "an argument without a name behind one with a name");
        if (!cni_syntax_take(p, ",")) break;
    }
    if (!cni_syntax_close(p, ")", "',' or ')'")) return NULL;
    return cni_syntax_node_above(p, CNI_SYNTAX_CALL, first, NULL, mark);
}

/* a, a:b, :, ::2 */
static cni_syntax *slice(cni_parser *p)
{
    const int first = p->at;
    cni_syntax *parts[3] = {0};
    int colons = 0;
    for (;; colons++) {
        if (!at(p, ":") && !at(p, ",") && !at(p, "]") && !(parts[colons] = starred(p))) return NULL;
        if (colons == 2 || !cni_syntax_take(p, ":")) break;
    }
    if (!colons && !parts[0]) return cni_syntax_unexpected(p, "an index");
    return colons ? cni_syntax_node(p, CNI_SYNTAX_SLICE, first, NULL, parts, 3) : parts[0];
}

static cni_syntax *subscript(cni_parser *p, int first, cni_syntax *of)
{
    const size_t mark = p->stacked;
    if (!cni_syntax_push(p, of) || !cni_syntax_open(p)) return NULL;
    do {
        cni_syntax *index = slice(p);
        if (!index || !cni_syntax_push(p, index)) return NULL;
    } while (cni_syntax_take(p, ",") && !at(p, "]"));
    if (!cni_syntax_close(p, "]", "',' or ']'")) return NULL;
    return cni_syntax_node_above(p, CNI_SYNTAX_SUBSCRIPT, first, NULL, mark);
}

static cni_syntax *postfix(cni_parser *p)
{
    const int first = p->at;
    cni_syntax *of = atom(p);
    while (of) {
        if (at(p, "("))
            of = call(p, first, of);
        else if (at(p, "["))
            of = subscript(p, first, of);
        else if (cni_syntax_take(p, ".")) {
            const char *name = now(p)->text;
            if (now(p)->type != CNI_TOKEN_NAME) return cni_syntax_unexpected(p, "a name behind '.'");
            cni_syntax_advance(p);
            of = cni_syntax_node1(p, CNI_SYNTAX_ATTRIBUTE, first, name, of);
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

static int level_now(const cni_parser *p)
{
    const cni_token *token = now(p);
    if (token->type != CNI_TOKEN_OPERATOR && token->type != CNI_TOKEN_KEYWORD) return 0;
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (strcmp(binaries[i].text, token->text) == 0)
            return strcmp(token->text, "not") != 0 || is_fixed(cni_syntax_following(p), "in") ? binaries[i].level : 0;
    return 0;
}

/* The operator, "is not" and "not in" included; passes it. */
static const char *operator_now(cni_parser *p)
{
    const char *text = now(p)->text;
    cni_syntax_advance(p);
    if (strcmp(text, "not") == 0 && cni_syntax_take(p, "in")) return "not in";
    if (strcmp(text, "is") == 0 && cni_syntax_take(p, "not")) return "is not";
    return text;
}

static bool enter(cni_parser *p)
{
    if (p->depth++ < CNI_PARSER_DEPTH) return true;
    CNI_SYNTAX_FAIL(p, now(p)->span, "give its parts names", "nested too deeply");
    return false;
}

static cni_syntax *power(cni_parser *p)
{
    const int first = p->at;
    if (cni_syntax_take(p, "await")) {
        if (!postfix(p)) return NULL;
        return cni_syntax_outside_node(p, first, "await", NULL);
    }
    cni_syntax *base = postfix(p);
    if (!base || !cni_syntax_take(p, "**")) return base;
    return cni_syntax_node2(p, CNI_SYNTAX_BINARY, first, "**", base, binary(p, SIGN));
}

static cni_syntax *prefix(cni_parser *p, int lowest)
{
    static const char *const signs[] = {"-", "+", "~"};
    const int first = p->at;
    if (at(p, "not") && lowest <= NOT) {
        cni_syntax_advance(p);
        return cni_syntax_node1(p, CNI_SYNTAX_UNARY, first, "not", binary(p, NOT));
    }
    for (size_t i = 0; i < 3; i++)
        if (cni_syntax_take(p, signs[i]))
            return cni_syntax_node1(p, CNI_SYNTAX_UNARY, first, signs[i], binary(p, SIGN));
    return power(p);
}

/* a < b < c is a < b and b < c. */
static cni_syntax *comparison(cni_parser *p, int first, cni_syntax *left)
{
    cni_syntax *all = NULL;
    while (left && level_now(p) == COMPARISON) {
        const char *text = operator_now(p);
        cni_syntax *right = binary(p, BITS_OR);
        cni_syntax *one = cni_syntax_node2(p, CNI_SYNTAX_COMPARE, first, text, left, right);
        all = all ? cni_syntax_node2(p, CNI_SYNTAX_AND, first, NULL, all, one) : one;
        if (!all) return NULL;
        left = right;
    }
    return left ? all : NULL;
}

static cni_syntax *binary(cni_parser *p, int lowest)
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
            left = cni_syntax_node2(p, level == OR ? CNI_SYNTAX_OR : CNI_SYNTAX_AND, first, NULL, left, right);
        else if (level >= BITS_OR && level <= SHIFT)
            left = right ? cni_syntax_outside_node(p, first, "bit arithmetic", "write the number") : NULL;
        else
            left = cni_syntax_node2(p, CNI_SYNTAX_BINARY, first, text, left, right);
    }
    p->depth--;
    return left;
}

/* lambda x: x, as a function that gives back what it is given. */
static cni_syntax *identity(cni_parser *p, int first, cni_syntax *body)
{
    cni_syntax *result = cni_syntax_node1(p, CNI_SYNTAX_RETURN, first, NULL, body);
    cni_syntax *block = cni_syntax_node1(p, CNI_SYNTAX_BLOCK, first, NULL, result);
    return cni_syntax_node2(p, CNI_SYNTAX_DEF, first, "lambda", block,
                            cni_syntax_node(p, CNI_SYNTAX_PARAMETER, first, body->text, NULL, 0));
}

static bool shape_is_told(const cni_parser *p, int first)
{
    const cni_span span = cni_syntax_span(p, first);
    for (int i = 0; p->comments && i < p->comments->told_count; i++)
        if (p->comments->told[i].line >= span.line && p->comments->told[i].line <= span.end_line) return true;
    return false;
}

/* lambda a, b=1: x */
static cni_syntax *lambda(cni_parser *p)
{
    const int first = p->at;
    cni_syntax_advance(p);
    const char *parameter = now(p)->type == CNI_TOKEN_NAME ? now(p)->text : NULL;
    while (!at(p, ":")) {
        if (at(p, "*") || at(p, "**")) cni_syntax_advance(p);
        if (now(p)->type == CNI_TOKEN_NAME) cni_syntax_advance(p);
        if (cni_syntax_take(p, "=") && !cni_syntax_expression(p)) return NULL;
        if (!cni_syntax_take(p, ",")) break;
    }
    const bool one = parameter && p->at == first + 2;
    if (!cni_syntax_expect(p, ":", "':' behind the lambda's parameters")) return NULL;
    cni_syntax *body = cni_syntax_expression(p);
    if (!body) return NULL;
    if (one && body->type == CNI_SYNTAX_NAME && strcmp(body->text, parameter) == 0) return identity(p, first, body);
    if (shape_is_told(p, first)) return cni_syntax_node(p, CNI_SYNTAX_OUTSIDE, first, "lambda", NULL, 0);
    return cni_syntax_outside_node(p, first, "lambda", "give the output shape with a comment: # cornu: shape 32x32x3");
}

static cni_syntax *yielded(cni_parser *p)
{
    const int first = p->at;
    cni_syntax_advance(p);
    cni_syntax_take(p, "from");
    if (now(p)->type != CNI_TOKEN_LINE && now(p)->type != CNI_TOKEN_END && !at(p, ")") && !at(p, ";") &&
        !cni_syntax_expressions(p))
        return NULL;
    return cni_syntax_outside_node(p, first, "yield", NULL);
}

cni_syntax *cni_syntax_expression(cni_parser *p)
{
    const int first = p->at;
    if (!enter(p)) return NULL;
    cni_syntax *value = at(p, "lambda") ? lambda(p) : at(p, "yield") ? yielded(p) : binary(p, OR);
    if (value && at(p, "if")) {
        cni_syntax_advance(p);
        cni_syntax *condition = binary(p, OR);
        cni_syntax *other = condition && cni_syntax_expect(p, "else", "'else'") ? cni_syntax_expression(p) : NULL;
        value = cni_syntax_node3(p, CNI_SYNTAX_CONDITIONAL, first, NULL, value, condition, other);
    }
    p->depth--;
    return value;
}

bool cni_syntax_ends_expressions(const cni_parser *p)
{
    const cni_token *token = now(p);
    return token->type == CNI_TOKEN_LINE || token->type == CNI_TOKEN_END || at(p, "=") || at(p, ":") || at(p, ")") ||
           at(p, ";") || at(p, "in");
}

static cni_syntax *items_with(cni_parser *p, cni_syntax *(*item)(cni_parser *))
{
    const int first = p->at;
    const size_t mark = p->stacked;
    cni_syntax *one = item(p);
    if (!one || !at(p, ",")) return one;
    if (!cni_syntax_push(p, one)) return NULL;
    while (cni_syntax_take(p, ",") && !cni_syntax_ends_expressions(p)) {
        one = item(p);
        if (!one || !cni_syntax_push(p, one)) return NULL;
    }
    return cni_syntax_node_above(p, CNI_SYNTAX_TUPLE, first, NULL, mark);
}

cni_syntax *cni_syntax_expressions(cni_parser *p)
{
    return items_with(p, starred);
}

/* ---- targets ---- */

cni_syntax *cni_syntax_target(cni_parser *p)
{
    const int first = p->at;
    if (cni_syntax_take(p, "*"))
        return postfix(p) ? cni_syntax_outside_node(p, first, "unpacking with *", "write the items") : NULL;
    return postfix(p);
}

bool cni_syntax_check_target(cni_parser *p, cni_syntax *target)
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
            if (!cni_syntax_check_target(p, target->items[i])) return false;
        return true;
    default: {
        const char *name = (size_t)target->type < sizeof names / sizeof *names ? names[target->type] : NULL;
        CNI_SYNTAX_FAIL(p, target->span, NULL, "%s is nothing that can be assigned to", name ? name : "an expression");
        return false;
    }
    }
}

cni_syntax *cni_syntax_targets(cni_parser *p)
{
    return items_with(p, cni_syntax_target);
}
