/* SPDX-License-Identifier: Apache-2.0
 * The parser of Python-like texts: statements, and indentation for blocks.  A statement that
 * cannot be read is told once and left out, with its block; reading goes on with the next one. */
#include "formats/source/syntax_parser.h"
#include "base/utf8.h"

#include <stdlib.h>

enum { MAX_TEXT = 1 << 20, MAX_PARTS = 64 /* of a module's name */ };

/* ---- simple statements ---- */

static const char *assigning_operator(const cni_parser *p)
{
    static const char *const texts[][2] = {{"+=", "+"},   {"-=", "-"},   {"*=", "*"}, {"/=", "/"},
                                           {"//=", "//"}, {"**=", "**"}, {"%=", "%"}, {"@=", "@"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (at(p, texts[i][0])) return texts[i][1];
    return NULL;
}

static cni_syntax *assignment(cni_parser *p, int first, cni_syntax *target)
{
    const size_t mark = p->stacked;
    if (!cni_syntax_push(p, target)) return NULL;
    while (cni_syntax_take(p, "=")) {
        if (!cni_syntax_check_target(p, p->stack[p->stacked - 1])) return NULL;
        cni_syntax *value = cni_syntax_expressions(p);
        if (!value || !cni_syntax_push(p, value)) return NULL;
    }
    return cni_syntax_node_above(p, CNI_SYNTAX_ASSIGN, first, NULL, mark);
}

/* x: int = 3: what is said of the type is passed over. */
static cni_syntax *annotated(cni_parser *p, int first, cni_syntax *target)
{
    cni_syntax_advance(p);
    if (!cni_syntax_check_target(p, target) || !cni_syntax_expression(p)) return NULL;
    return at(p, "=") ? assignment(p, first, target) : cni_syntax_node(p, CNI_SYNTAX_PASS, first, NULL, NULL, 0);
}

static cni_syntax *expression_statement(cni_parser *p)
{
    static const char *const bits[] = {"|=", "&=", "^=", "<<=", ">>="};
    const int first = p->at;
    cni_syntax *value = cni_syntax_expressions(p);
    if (!value) return NULL;
    if (at(p, "=")) return assignment(p, first, value);
    if (at(p, ":")) return annotated(p, first, value);
    const char *operator= assigning_operator(p);
    if (operator) {
        if (!cni_syntax_check_target(p, value)) return NULL;
        cni_syntax_advance(p);
        return cni_syntax_node2(p, CNI_SYNTAX_AUGMENTED, first, operator, value, cni_syntax_expressions(p));
    }
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (cni_syntax_take(p, bits[i])) {
            if (!cni_syntax_expressions(p)) return NULL;
            cni_syntax *unread = cni_syntax_node(p, CNI_SYNTAX_UNREAD, first, bits[i], NULL, 0);
            if (unread) cni_syntax_outside(p, unread->span, "bit arithmetic", "write the number");
            return unread;
        }
    if (value->type == CNI_SYNTAX_CONSTANT && value->value->type == CNI_TEXT)
        return cni_syntax_node(p, CNI_SYNTAX_PASS, first, NULL, NULL, 0);
    return cni_syntax_node1(p, CNI_SYNTAX_EXPRESSION, first, NULL, value);
}

/* a.b.c; dots in front are kept. */
static const char *dotted(cni_parser *p, bool relative)
{
    char *path = cni_arena_text(p->arena, "");
    for (int dots = 0; path && relative && (at(p, ".") || at(p, "...")); dots++) {
        if (dots == MAX_PARTS) return cni_syntax_unexpected(p, "fewer dots");
        path = cni_arena_printf(p->arena, "%s%s", path, now(p)->text);
        cni_syntax_advance(p);
    }
    if (path && *path && at(p, "import")) return path;
    for (int parts = 0; path; parts++) {
        if (now(p)->type != CNI_TOKEN_NAME) return cni_syntax_unexpected(p, "a module's name");
        if (parts == MAX_PARTS) return cni_syntax_unexpected(p, "a shorter name");
        path = cni_arena_printf(p->arena, parts ? "%s.%s" : "%s%s", path, now(p)->text);
        cni_syntax_advance(p);
        if (!cni_syntax_take(p, ".")) return path ? path : cni_syntax_no_memory(p);
    }
    return cni_syntax_no_memory(p);
}

static bool alias(cni_parser *p, const char **out)
{
    *out = NULL;
    if (!cni_syntax_take(p, "as")) return true;
    if (now(p)->type != CNI_TOKEN_NAME) {
        cni_syntax_unexpected(p, "a name behind 'as'");
        return false;
    }
    *out = now(p)->text;
    cni_syntax_advance(p);
    return true;
}

static bool add_import(cni_parser *p, cni_syntax_type type, int first, const char *module, const char *name,
                       const char *as)
{
    cni_syntax *made = cni_syntax_node(p, type, first, module, NULL, 0);
    if (!made) return false;
    made->name = name;
    made->alias = as;
    return cni_syntax_push(p, made);
}

/* import a.b as c, d */
static void import(cni_parser *p)
{
    const int first = p->at;
    const char *as;
    cni_syntax_advance(p);
    do {
        const char *module = dotted(p, false);
        if (!module || !alias(p, &as) || !add_import(p, CNI_SYNTAX_IMPORT, first, module, NULL, as)) return;
    } while (cni_syntax_take(p, ","));
}

/* from a.b import c as d, e;  from a import (b, c,);  from a import * */
static void from_import(cni_parser *p)
{
    const int first = p->at;
    const char *as;
    cni_syntax_advance(p);
    const char *module = dotted(p, true);
    if (!module || !cni_syntax_expect(p, "import", "'import'")) return;
    if (cni_syntax_take(p, "*")) {
        add_import(p, CNI_SYNTAX_FROM, first, module, "*", NULL);
        return;
    }
    const bool bracket = at(p, "(");
    if (bracket && !cni_syntax_open(p)) return;
    do {
        if (bracket && at(p, ")")) break;
        const char *name = now(p)->text;
        if (now(p)->type != CNI_TOKEN_NAME) {
            cni_syntax_unexpected(p, "a name to import");
            return;
        }
        cni_syntax_advance(p);
        if (!alias(p, &as) || !add_import(p, CNI_SYNTAX_FROM, first, module, name, as)) return;
    } while (cni_syntax_take(p, ","));
    if (bracket) cni_syntax_close(p, ")", "',' or ')'");
}

static cni_syntax *return_statement(cni_parser *p)
{
    const int first = p->at;
    cni_syntax_advance(p);
    if (cni_syntax_ends_expressions(p)) return cni_syntax_node(p, CNI_SYNTAX_RETURN, first, NULL, NULL, 0);
    return cni_syntax_node1(p, CNI_SYNTAX_RETURN, first, NULL, cni_syntax_expressions(p));
}

/* Statements that are passed over: with an error where what they do matters, with a note where it hardly can. */
static const struct {
    const char *keyword;
    cni_severity severity;
    bool block;
    const char *hint;
    bool silent; /* who goes through the tree knows what to do */
} unread[] = {
    {"while", CNI_ERROR, true, "for ... in range(...) is read", false},
    {"try", CNI_ERROR, true, NULL, false},
    {"async", CNI_ERROR, true, NULL, false},
    {"match", CNI_ERROR, true, "if and elif are read", false},
    {"global", CNI_ERROR, false, "hand it over as an argument", false},
    {"nonlocal", CNI_ERROR, false, "hand it over as an argument", false},
    {"assert", CNI_NOTE, false, NULL, false},
    {"del", CNI_NOTE, false, NULL, false},
    {"raise", CNI_NOTE, false, NULL, false},
    {"break", CNI_NOTE, false, NULL, true},
    {"continue", CNI_NOTE, false, NULL, true},
};

/* ---- passing over ---- */

/* From `i` behind the end of a statement with this indentation: the next LINE or ; outside of brackets.  A bracket
 * without a partner ends with a line that is not indented further than the statement. */
static int statement_end(const cni_parser *p, int i, int indent)
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

static int line_end(const cni_parser *p, int i, int indent)
{
    while (i = statement_end(p, i, indent), p->tokens[i].type == CNI_TOKEN_OPERATOR) i++;
    return i;
}

/* Lines that are indented further than `indent`. */
static void skip_block(cni_parser *p, int indent)
{
    while (now(p)->type == CNI_TOKEN_LINE && now(p)->indent > indent) p->at = line_end(p, p->at + 1, now(p)->indent);
}

static bool starts_clause(const cni_token *token)
{
    return is_fixed(token, "except") || is_fixed(token, "finally") || is_fixed(token, "else") ||
           is_fixed(token, "elif");
}

/* Behind the header of a statement that is left out: its block, and its further clauses. */
static void skip_statement_rest(cni_parser *p, int indent)
{
    skip_block(p, indent);
    while (now(p)->type == CNI_TOKEN_LINE && now(p)->indent == indent && starts_clause(now(p) + 1)) {
        p->at = line_end(p, p->at + 1, indent);
        skip_block(p, indent);
    }
}

/* Behind a failed statement. */
static void recover(cni_parser *p, int indent)
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

static cni_syntax *unread_statement(cni_parser *p, size_t row, int indent)
{
    const int first = p->at;
    const char *keyword = unread[row].keyword;
    if (unread[row].block) {
        p->at = line_end(p, p->at, indent);
        skip_statement_rest(p, indent);
    } else
        p->at = statement_end(p, p->at, indent);
    cni_syntax *made = cni_syntax_node(p, CNI_SYNTAX_UNREAD, first, keyword, NULL, 0);
    if (made && !unread[row].silent)
        cni_remark_add(p->remarks, "I806", unread[row].severity, p->tokens[first].span, unread[row].hint,
                       unread[row].severity == CNI_NOTE ? "passed over: '%s'" : "not read: '%s'", keyword);
    return made;
}

/* match x: the word is a name elsewhere */
static bool at_match(const cni_parser *p, int indent)
{
    const cni_token *token = now(p);
    return token->type == CNI_TOKEN_NAME && strcmp(token->text, "match") == 0 &&
           is_fixed(&p->tokens[line_end(p, p->at, indent) - 1], ":") && cni_syntax_following(p)->type == CNI_TOKEN_NAME;
}

/* ---- blocks ---- */

/* Pushes what the statement gives. */
static void simple_statement(cni_parser *p, int indent)
{
    const int first = p->at;
    cni_syntax *made = NULL;
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
        if (at(p, unread[i].keyword) || (at_match(p, indent) && strcmp(unread[i].keyword, "match") == 0)) {
            made = unread_statement(p, i, indent);
            if (made) cni_syntax_push(p, made);
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
    if (cni_syntax_take(p, "pass"))
        made = cni_syntax_node(p, CNI_SYNTAX_PASS, first, NULL, NULL, 0);
    else if (at(p, "return"))
        made = return_statement(p);
    else
        made = expression_statement(p);
    if (made) cni_syntax_push(p, made);
}

static bool ends_statement(const cni_parser *p)
{
    return now(p)->type == CNI_TOKEN_LINE || now(p)->type == CNI_TOKEN_END;
}

/* The statements of one line: a; b; c */
static void simple_statements(cni_parser *p, int indent)
{
    while (!p->no_memory && !ends_statement(p)) {
        const size_t mark = p->stacked;
        simple_statement(p, indent);
        if (!p->failed && !ends_statement(p) && !at(p, ";")) cni_syntax_unexpected(p, "the end of the line");
        if (p->failed) {
            p->stacked = mark;
            recover(p, indent);
            p->failed = p->no_memory;
        }
        while (at(p, ";")) p->at++;
    }
}

static void statements(cni_parser *p, int indent);

static bool enter_block(cni_parser *p)
{
    if (p->blocks++ < CNI_PARSER_BLOCKS) return true;
    CNI_SYNTAX_FAIL(p, now(p)->span, NULL, "more than %d blocks inside each other", CNI_PARSER_BLOCKS);
    return false;
}

/* What stands behind the ':' of a header with this indentation: the rest of its line, or the lines below. */
static cni_syntax *block(cni_parser *p, int indent)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    if (!cni_syntax_expect(p, ":", "':'")) return NULL;
    if (!ends_statement(p))
        simple_statements(p, indent);
    else if (now(p)->type == CNI_TOKEN_LINE && now(p)->indent > indent) {
        if (!enter_block(p)) return NULL;
        statements(p, now(p)->indent);
        p->blocks--;
    } else {
        const cni_span *last = &cni_syntax_before(p)->span;
        cni_remark_add(p->remarks, "I801", CNI_ERROR,
                       (cni_span){last->end_line, last->end_column, last->end_line, last->end_column}, NULL,
                       "expected an indented block behind ':'");
    }
    return cni_syntax_node_above(p, CNI_SYNTAX_BLOCK, first, NULL, mark);
}

/* The next line has this indentation and begins with the keyword: passes its LINE. */
static bool clause(cni_parser *p, const char *keyword, int indent)
{
    if (now(p)->type != CNI_TOKEN_LINE || now(p)->indent != indent || !is_fixed(now(p) + 1, keyword)) return false;
    p->at++;
    return true;
}

static cni_syntax *if_statement(cni_parser *p, int indent)
{
    const int first = p->at;
    cni_syntax *parts[3] = {0};
    size_t count = 2;
    cni_syntax_advance(p);
    if (!(parts[0] = cni_syntax_expression(p)) || !(parts[1] = block(p, indent))) return NULL;
    if (clause(p, "elif", indent)) {
        const int place = p->at;
        if (!enter_block(p)) return NULL;
        parts[2] = cni_syntax_node1(p, CNI_SYNTAX_BLOCK, place, NULL, if_statement(p, indent));
        p->blocks--;
        count = 3;
    } else if (clause(p, "else", indent)) {
        cni_syntax_advance(p);
        parts[2] = block(p, indent);
        count = 3;
    }
    return count == 3 && !parts[2] ? NULL : cni_syntax_node(p, CNI_SYNTAX_IF, first, NULL, parts, count);
}

static cni_syntax *for_statement(cni_parser *p, int indent)
{
    const int first = p->at;
    cni_syntax_advance(p);
    cni_syntax *target = cni_syntax_targets(p);
    if (!cni_syntax_check_target(p, target) || !cni_syntax_expect(p, "in", "'in'")) return NULL;
    cni_syntax *through = cni_syntax_expressions(p);
    cni_syntax *made =
        through ? cni_syntax_node3(p, CNI_SYNTAX_FOR, first, NULL, target, through, block(p, indent)) : NULL;
    if (made && clause(p, "else", indent)) {
        const cni_span span = now(p)->span;
        cni_syntax_advance(p);
        if (block(p, indent)) cni_syntax_outside(p, span, "'else' of a loop", "write it behind the loop");
    }
    return made;
}

/* name, name: type, name=default, *rest, **rest; a bare * or / only says how arguments are given. */
static bool parameter(cni_parser *p)
{
    const int first = p->at;
    const char *stars = at(p, "*") || at(p, "**") ? now(p)->text : "";
    if (*stars) cni_syntax_advance(p);
    if (*stars && !stars[1] && (at(p, ",") || at(p, ")"))) return true;
    if (!*stars && cni_syntax_take(p, "/")) return true;
    if (now(p)->type != CNI_TOKEN_NAME) {
        cni_syntax_unexpected(p, "a parameter");
        return false;
    }
    const char *name = now(p)->text;
    cni_syntax_advance(p);
    if (*stars && !(name = cni_arena_printf(p->arena, "%s%s", stars, name))) {
        cni_syntax_no_memory(p);
        return false;
    }
    if (cni_syntax_take(p, ":") && !cni_syntax_expression(p)) return false;
    cni_syntax *made;
    if (cni_syntax_take(p, "="))
        made = cni_syntax_node1(p, CNI_SYNTAX_PARAMETER, first, name, cni_syntax_expression(p));
    else
        made = cni_syntax_node(p, CNI_SYNTAX_PARAMETER, first, name, NULL, 0);
    return made && cni_syntax_push(p, made);
}

static cni_syntax *def_statement(cni_parser *p, int indent)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    cni_syntax_advance(p);
    const char *name = now(p)->text;
    if (now(p)->type != CNI_TOKEN_NAME) return cni_syntax_unexpected(p, "the function's name");
    cni_syntax_advance(p);
    if (!at(p, "(")) return cni_syntax_unexpected(p, "'(' behind the function's name");
    if (!cni_syntax_push(p, NULL) || !cni_syntax_open(p)) return NULL; /* room for the block */
    while (!at(p, ")"))
        if (!parameter(p) || !cni_syntax_take(p, ",")) break;
    if (p->failed || !cni_syntax_close(p, ")", "',' or ')'")) return NULL;
    if (cni_syntax_take(p, "->") && !cni_syntax_expression(p)) return NULL;
    cni_syntax *body = block(p, indent);
    if (!body) return NULL;
    p->stack[mark] = body;
    return cni_syntax_node_above(p, CNI_SYNTAX_DEF, first, name, mark);
}

static cni_syntax *class_statement(cni_parser *p, int indent)
{
    const int first = p->at;
    const size_t mark = p->stacked;
    cni_syntax_advance(p);
    const char *name = now(p)->text;
    if (now(p)->type != CNI_TOKEN_NAME) return cni_syntax_unexpected(p, "the class's name");
    cni_syntax_advance(p);
    if (!cni_syntax_push(p, NULL)) return NULL;
    if (at(p, "(")) {
        if (!cni_syntax_open(p)) return NULL;
        while (!at(p, ")")) {
            cni_syntax *base = cni_syntax_argument(p);
            if (!base || (!base->text && !cni_syntax_push(p, base->items[0]))) return NULL;
            if (!cni_syntax_take(p, ",")) break;
        }
        if (!cni_syntax_close(p, ")", "',' or ')'")) return NULL;
    }
    cni_syntax *body = block(p, indent);
    if (!body) return NULL;
    p->stack[mark] = body;
    return cni_syntax_node_above(p, CNI_SYNTAX_CLASS, first, name, mark);
}

/* a as b, c: only the first is kept */
static cni_syntax *contexts(cni_parser *p)
{
    cni_syntax *kept = NULL;
    do {
        if (kept && at(p, ")")) break;
        cni_syntax *context = cni_syntax_expression(p);
        if (!context) return NULL;
        if (!kept) kept = context;
        if (cni_syntax_take(p, "as") && !cni_syntax_check_target(p, cni_syntax_target(p))) return NULL;
    } while (cni_syntax_take(p, ","));
    return kept;
}

/* with a as b: ...;  with (a as b, c as d): ... */
static cni_syntax *with_statement(cni_parser *p, int indent)
{
    const int first = p->at;
    cni_syntax_advance(p);
    const int partner = at(p, "(") ? now(p)->partner : -1;
    const bool bracket = partner > 0 && is_fixed(&p->tokens[partner + 1], ":");
    if (bracket && !cni_syntax_open(p)) return NULL;
    cni_syntax *kept = contexts(p);
    if (!kept || (bracket && !cni_syntax_close(p, ")", "',' or ')'"))) return NULL;
    return cni_syntax_node2(p, CNI_SYNTAX_WITH, first, NULL, kept, block(p, indent));
}

/* @name(...): what follows is read all the same */
static void decorator(cni_parser *p, int indent)
{
    const int first = p->at;
    p->at = line_end(p, p->at, indent);
    cni_syntax_outside(p, cni_syntax_span(p, first), "a decorator", NULL);
}

static const struct {
    const char *keyword;
    cni_syntax *(*read)(cni_parser *, int indent);
} compounds[] = {
    {"if", if_statement},       {"for", for_statement},   {"def", def_statement},
    {"class", class_statement}, {"with", with_statement},
};

static void statement(cni_parser *p, int indent)
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
            cni_syntax_push(p, made);
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
static void statements(cni_parser *p, int indent)
{
    while (!p->no_memory && now(p)->type == CNI_TOKEN_LINE && now(p)->indent >= indent) {
        const int own = now(p)->indent;
        if (own > indent)
            cni_remark_add(p->remarks, "I801", CNI_ERROR, p->tokens[p->at + 1].span, NULL,
                           "this line is indented further than the one above");
        const int start = p->at++;
        if (own > indent && p->blocks < CNI_PARSER_BLOCKS) {
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
    cni_parser p = {.arena = arena, .text = text, .remarks = remarks, .comments = comments};
    cni_tokens tokens;
    if (size > MAX_TEXT || !cni_utf8_valid(text, size)) {
        cni_remark_add(remarks, "I801", CNI_ERROR, (cni_span){1, 1, 1, 1}, NULL,
                       size > MAX_TEXT ? "the text is larger than 1 MiB" : "the text is not UTF-8");
        size = 0;
    }
    if (!cni_tokens_read(arena, text, size, remarks, comments, &tokens)) return NULL;
    p.tokens = tokens.items;
    while (!p.no_memory && now(&p)->type == CNI_TOKEN_LINE) statements(&p, now(&p)->indent);
    cni_syntax *module = cni_syntax_node_above(&p, CNI_SYNTAX_BLOCK, 0, NULL, 0);
    free(p.stack);
    cni_tokens_free(&tokens);
    return module;
}
