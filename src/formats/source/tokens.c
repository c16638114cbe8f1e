/* SPDX-License-Identifier: Apache-2.0
 * Cuts a Python-like text into words. */
#include "formats/source/tokens.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BRACKETS = 64 };

typedef struct lexer {
    cni_arena *arena;
    const char *text;
    size_t size, at;
    int line, column;
    cni_token *tokens;
    int count, room;
    int open[MAX_BRACKETS], depth; /* brackets that are not closed yet */
    bool prompts, session;         /* a >>> was seen; and since then no empty line */
    bool stop, no_memory;
    cni_remarks *remarks;
    cni_source_comments *comments;
} lexer;

/* ---- characters ---- */

static uint32_t peek(const lexer *l, size_t *size)
{
    uint32_t code = 0;
    *size = cni_utf8_read(l->text + l->at, l->size - l->at, &code);
    return code;
}

static char byte(const lexer *l, size_t ahead)
{
    return l->at + ahead < l->size ? l->text[l->at + ahead] : '\0';
}

static void pass(lexer *l, size_t bytes)
{
    l->at += bytes;
    l->column++;
}

static bool at_line_end(const lexer *l)
{
    return l->at >= l->size || l->text[l->at] == '\n' || l->text[l->at] == '\r';
}

static void pass_line_end(lexer *l)
{
    if (l->at >= l->size) return;
    l->at += l->text[l->at] == '\r' && byte(l, 1) == '\n' ? 2 : 1;
    l->line++;
    l->column = 1;
}

static void pass_to_line_end(lexer *l)
{
    while (!at_line_end(l)) {
        size_t size;
        peek(l, &size);
        pass(l, size ? size : 1);
    }
}

static bool is_space(uint32_t code)
{
    return code == ' ' || code == '\t' || code == '\f' || code == '\v' || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200B) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x2060 || code == 0x3000 || code == 0xFEFF;
}

/* ' and " and what word processors and web pages make of them. */
static char quote_of(uint32_t code)
{
    if (code == '"' || (code >= 0x201C && code <= 0x201F)) return '"';
    if (code == '\'' || (code >= 0x2018 && code <= 0x201B)) return '\'';
    return '\0';
}

static bool is_digit(uint32_t code)
{
    return code >= '0' && code <= '9';
}

static bool is_symbol(uint32_t code)
{
    return code < 0xAA || (code >= 0x2000 && code <= 0x2BFF) || (code >= 0x3000 && code <= 0x3004) ||
           (code >= 0xFF00 && code <= 0xFF0F) || (code >= 0xE000 && code <= 0xF8FF) || code == 0xD7 || code == 0xF7 ||
           code >= 0x1F000;
}

static bool is_letter(uint32_t code)
{
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_' ||
           (code >= 0x80 && !is_symbol(code) && !is_space(code) && !quote_of(code));
}

/* ---- tokens ---- */

static cni_token *add(lexer *l, cni_token_type type, size_t start, int line, int column)
{
    if (l->count == l->room) {
        const int room = l->room ? 2 * l->room : 256;
        cni_token *more = realloc(l->tokens, (size_t)room * sizeof *more);
        if (!more) {
            l->no_memory = l->stop = true;
            return NULL;
        }
        l->tokens = more;
        l->room = room;
    }
    cni_token *token = &l->tokens[l->count++];
    *token = (cni_token){.type = type,
                         .start = (uint32_t)start,
                         .size = (uint32_t)(l->at - start),
                         .span = {line, column, l->line, l->column}};
    return token;
}

static void add_error(lexer *l, size_t start, int line, int column, const char *message)
{
    cni_token *token = add(l, CNI_TOKEN_ERROR, start, line, column);
    if (!token) return;
    token->text = cni_arena_text(l->arena, message);
    if (!token->text) l->no_memory = l->stop = true;
}

/* ---- comments ---- */

static bool is_item_end(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static void add_off(lexer *l, const char *list, size_t length, cni_span span)
{
    cni_source_comments *to = l->comments;
    for (size_t i = 0; i < length;) {
        while (i < length && is_item_end(list[i])) i++;
        size_t start = i;
        while (i < length && !is_item_end(list[i])) i++;
        if (i == start || i - start >= sizeof to->off[0].id || to->off_count >= CNI_MAX_OFF) continue;
        to->off[to->off_count].line = l->line;
        to->off[to->off_count].span = span;
        memcpy(to->off[to->off_count].id, list + start, i - start);
        to->off[to->off_count++].id[i - start] = '\0';
    }
}

static void keep(char out[64], const char *value, size_t length)
{
    if (length > 63)
        for (length = 63; length && ((unsigned char)value[length] & 0xC0) == 0x80;) length--; /* whole characters */
    memcpy(out, value, length);
    out[length] = '\0';
}

static size_t trim(const char **text, size_t length)
{
    while (length && (**text == ' ' || **text == '\t')) (*text)++, length--;
    while (length && ((*text)[length - 1] == ' ' || (*text)[length - 1] == '\t')) length--;
    return length;
}

static void add_told(lexer *l, const char *sizes, size_t length)
{
    cni_source_comments *to = l->comments;
    if (to->told_count >= CNI_MAX_TOLD || !length || length >= sizeof to->told[0].sizes) return;
    to->told[to->told_count].line = l->line;
    memcpy(to->told[to->told_count].sizes, sizes, length);
    to->told[to->told_count++].sizes[length] = '\0';
}

static void special_comment(lexer *l, const char *text, size_t length, cni_span span)
{
    if (!l->comments) return;
    length = trim(&text, length);
    size_t word = 0;
    while (word < length && text[word] != ' ' && text[word] != '\t') word++;
    const char *value = text + word;
    const size_t size = trim(&value, length - word);
    if (word == 3 && memcmp(text, "off", 3) == 0)
        add_off(l, value, size, span);
    else if (word == 5 && memcmp(text, "input", 5) == 0)
        keep(l->comments->input, value, size), l->comments->input_span = span;
    else if (word == 4 && memcmp(text, "name", 4) == 0)
        keep(l->comments->name, value, size);
    else if (word == 5 && memcmp(text, "shape", 5) == 0)
        add_told(l, value, size);
    else if (l->remarks)
        cni_remark_add(l->remarks, "I806", CNI_NOTE, span,
                       "off K302, input 32x32x3, shape 32x32x3 and name MODEL are known",
                       "'# cornu: %.*s' means nothing here", (int)(word < 40 ? word : 40), text);
}

static void comment(lexer *l)
{
    const size_t start = l->at;
    cni_span span = {l->line, l->column, l->line, l->column};
    pass_to_line_end(l);
    span.end_column = l->column;
    const char *text = l->text + start + 1;
    size_t length = trim(&text, l->at - start - 1);
    if (length >= 6 && memcmp(text, "cornu:", 6) == 0) special_comment(l, text + 6, length - 6, span);
}

/* ---- words ---- */

static const char *const keywords[] = {"False",  "None",   "True",    "and",      "as",       "assert", "async",
                                       "await",  "break",  "class",   "continue", "def",      "del",    "elif",
                                       "else",   "except", "finally", "for",      "from",     "global", "if",
                                       "import", "in",     "is",      "lambda",   "nonlocal", "not",    "or",
                                       "pass",   "raise",  "return",  "try",      "while",    "with",   "yield"};

static const char *const operators[] = {"**=", "//=", ">>=", "<<=", "...", "->", ":=", "==", "!=", "<=", ">=", "+=",
                                        "-=",  "*=",  "/=",  "%=",  "@=",  "&=", "|=", "^=", "**", "//", "<<", ">>",
                                        "+",   "-",   "*",   "/",   "%",   "@",  "&",  "|",  "^",  "~",  "<",  ">",
                                        "(",   ")",   "[",   "]",   "{",   "}",  ",",  ":",  ".",  ";",  "="};

static void string(lexer *l, size_t start, int line, int column, int prefix);

static int prefix_of(const char *word, size_t length)
{
    int prefix = 0;
    if (length > 2) return -1;
    for (size_t i = 0; i < length; i++) {
        const char c = (char)(word[i] | 0x20);
        const int flag = c == 'r' ? CNI_STRING_RAW : c == 'b' ? CNI_STRING_BYTES : c == 'f' ? CNI_STRING_FORMATTED : 0;
        if ((!flag && c != 'u') || (prefix & flag)) return -1;
        prefix |= flag;
    }
    return prefix;
}

static void word(lexer *l)
{
    const size_t start = l->at;
    const int line = l->line, column = l->column;
    size_t size;
    for (uint32_t code; l->at < l->size && ((code = peek(l, &size)), is_letter(code) || is_digit(code));) pass(l, size);
    const char *text = l->text + start;
    const size_t length = l->at - start;
    const int prefix = prefix_of(text, length);
    if (prefix >= 0 && l->at < l->size && quote_of(peek(l, &size))) {
        string(l, start, line, column, prefix);
        return;
    }
    cni_token *token = add(l, CNI_TOKEN_NAME, start, line, column);
    if (!token) return;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strlen(keywords[i]) == length && memcmp(keywords[i], text, length) == 0) {
            token->type = CNI_TOKEN_KEYWORD;
            token->text = keywords[i];
            return;
        }
    token->text = cni_arena_text_n(l->arena, text, length);
    if (!token->text) l->no_memory = l->stop = true;
}

/* Digits, letters and dots that hang together, with the sign of an exponent: whether that is a number is seen when it
 * is read. */
static void number(lexer *l)
{
    const size_t start = l->at;
    const int line = l->line, column = l->column;
    const bool hex = byte(l, 0) == '0' && (byte(l, 1) | 0x20) == 'x';
    size_t size;
    for (uint32_t code; l->at < l->size; pass(l, size)) {
        code = peek(l, &size);
        const bool sign = (code == '+' || code == '-') && !hex && l->at > start && (l->text[l->at - 1] | 0x20) == 'e';
        if (!is_letter(code) && !is_digit(code) && code != '.' && !sign) break;
    }
    add(l, CNI_TOKEN_NUMBER, start, line, column);
}

/* ---- texts ---- */

static size_t quotes_ahead(const lexer *l, char quote, bool plain, size_t sizes[3])
{
    size_t count = 0, at = l->at;
    for (uint32_t code; count < 3 && at < l->size; count++) {
        const size_t size = cni_utf8_read(l->text + at, l->size - at, &code);
        if (quote_of(code) != quote || (plain && code >= 0x80)) break;
        sizes[count] = size;
        at += size;
    }
    return count;
}

static void end_string(lexer *l, size_t start, size_t end, int line, int column, int prefix)
{
    cni_token *token = add(l, CNI_TOKEN_STRING, start, line, column);
    if (!token) return;
    token->size = (uint32_t)(end - start);
    token->prefix = prefix;
}

/* A text that a plain quote opened ends with a plain one; what a curly quote opened ends with any of its kind.  A plain
 * one on a line without its partner makes do with a curly one. */
static void string(lexer *l, size_t begin, int line, int column, int prefix)
{
    size_t size, sizes[3];
    const uint32_t opening = peek(l, &size);
    const char quote = quote_of(opening);
    bool plain = opening < 0x80;
    const size_t quotes = quotes_ahead(l, quote, plain, sizes) == 3 ? 3 : 1;
    for (size_t i = 0; i < quotes; i++) pass(l, sizes[i]);
    const size_t start = l->at;
    const int start_column = l->column;
    while (l->at < l->size) {
        if (at_line_end(l)) {
            if (quotes == 1) break;
            pass_line_end(l);
            continue;
        }
        const uint32_t code = peek(l, &size);
        if (code == '\\' && l->at + 1 < l->size) {
            pass(l, 1);
            if (at_line_end(l))
                pass_line_end(l);
            else {
                peek(l, &size);
                pass(l, size);
            }
            continue;
        }
        if (quotes_ahead(l, quote, plain, sizes) >= quotes) {
            const size_t end = l->at;
            for (size_t i = 0; i < quotes; i++) pass(l, sizes[i]);
            end_string(l, start, end, line, column, prefix);
            return;
        }
        pass(l, size);
    }
    if (quotes == 1 && plain && l->line == line) {
        const size_t stop = l->at;
        const int stop_column = l->column;
        l->at = start;
        l->column = start_column;
        while (l->at < stop) {
            if (quote_of(peek(l, &size)) == quote) {
                const size_t end = l->at;
                pass(l, size);
                end_string(l, start, end, line, column, prefix);
                return;
            }
            pass(l, size);
        }
        l->column = stop_column;
    }
    add_error(l, begin, line, column,
              quotes == 3 ? "this text in triple quotes is never closed"
                          : "this text is never closed: its quote is missing");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What cannot stand in a C string, or in UTF-8, or has a name, comes as U+FFFD. */
static size_t write_code(char *to, uint32_t code)
{
    return cni_utf8_write(to, !code || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0xFFFD : code);
}

/* \x41, \u00E9, \U0001F600: how many characters were read, 0 where digits are missing. */
static size_t hex_escape(const char *from, size_t left, char *to, size_t *written)
{
    const size_t digits = from[0] == 'x' ? 2 : from[0] == 'u' ? 4 : 8;
    uint32_t code = 0;
    if (left <= digits) return 0;
    for (size_t i = 1; i <= digits; i++) {
        const int digit = hex_digit(from[i]);
        if (digit < 0) return 0;
        code = code * 16 + (uint32_t)digit;
    }
    *written = write_code(to, code);
    return digits + 1;
}

/* \101 */
static size_t octal_escape(const char *from, size_t left, char *to, size_t *written)
{
    uint32_t code = 0;
    size_t i = 0;
    for (; i < 3 && i < left && from[i] >= '0' && from[i] <= '7'; i++) code = code * 8 + (uint32_t)(from[i] - '0');
    *written = write_code(to, code);
    return i;
}

/* \N{BULLET} */
static size_t named_escape(const char *from, size_t left, char *to, size_t *written)
{
    const char *stop = left > 1 && from[1] == '{' ? memchr(from, '}', left) : NULL;
    *written = write_code(to, 0);
    return stop ? (size_t)(stop - from) + 1 : 0;
}

/* The characters behind a backslash, `left` of them before the text ends: how many were read; 0 where they are
 * malformed. */
static size_t escape(const char *from, size_t left, char *to, size_t *written)
{
    static const char letters[] = "\\'\"abfnrtv", meanings[] = "\\'\"\a\b\f\n\r\t\v";
    const char *found = memchr(letters, from[0], sizeof letters - 1);
    *written = 0;
    if (found) {
        to[(*written)++] = meanings[found - letters];
        return 1;
    }
    if (from[0] == '\n') return 1;
    if (from[0] == '\r') return left > 1 && from[1] == '\n' ? 2 : 1;
    if (from[0] >= '0' && from[0] <= '7') return octal_escape(from, left, to, written);
    if (strchr("xuU", from[0])) return hex_escape(from, left, to, written);
    if (from[0] == 'N') return named_escape(from, left, to, written);
    to[(*written)++] = '\\'; /* as in Python: an unknown escape stays */
    to[(*written)++] = from[0];
    return 1;
}

char *cni_token_string(cni_arena *arena, const char *text, const cni_token *token, bool *wrong)
{
    const char *from = text + token->start, *end = from + token->size;
    char *out = cni_arena_alloc(arena, 2 * (size_t)token->size + 8), *to = out;
    *wrong = false;
    if (!out) return NULL;
    while (from < end) {
        if (*from == '\\' && end - from > 1 && !(token->prefix & CNI_STRING_RAW)) {
            size_t written, read = escape(from + 1, (size_t)(end - from - 1), to, &written);
            if (!read) {
                *wrong = true;
                *out = '\0';
                return out;
            }
            from += read + 1;
            to += written;
        } else if (*from == '\r') {
            *to++ = '\n';
            from += end - from > 1 && from[1] == '\n' ? 2 : 1;
        } else
            *to++ = *from++;
    }
    *to = '\0';
    return out;
}

/* ---- brackets ---- */

static char closing(char open)
{
    return open == '(' ? ')' : open == '[' ? ']' : '}';
}

static void open_bracket(lexer *l, cni_token *token)
{
    token->partner = -1;
    if (l->depth < MAX_BRACKETS) {
        l->open[l->depth++] = l->count - 1;
        return;
    }
    token->type = CNI_TOKEN_ERROR;
    token->text = "more than 64 brackets inside each other: reading ends here";
    l->stop = true;
}

/* A bracket closes the nearest open one of its kind; those in between stay open for ever. */
static void close_bracket(lexer *l, cni_token *token)
{
    token->partner = -1;
    for (int i = l->depth; i-- > 0;) {
        cni_token *open = &l->tokens[l->open[i]];
        if (closing(*open->text) != *token->text) continue;
        open->partner = l->count - 1;
        token->partner = l->open[i];
        l->depth = i;
        return;
    }
}

static void operator_or_error(lexer *l)
{
    const size_t start = l->at;
    const int column = l->column;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        const size_t length = strlen(operators[i]);
        if (length > l->size - l->at || memcmp(l->text + l->at, operators[i], length) != 0) continue;
        for (size_t k = 0; k < length; k++) pass(l, 1);
        cni_token *token = add(l, CNI_TOKEN_OPERATOR, start, l->line, column);
        if (!token) return;
        token->text = operators[i];
        if (length == 1 && strchr("([{", *operators[i])) open_bracket(l, token);
        if (length == 1 && strchr(")]}", *operators[i])) close_bracket(l, token);
        return;
    }
    size_t size;
    const uint32_t code = peek(l, &size);
    char message[80];
    if (code < 0x20 || code == 0x7F)
        snprintf(message, sizeof message, "a control character (U+%04X)", (unsigned)code);
    else
        snprintf(message, sizeof message, "the character '%.*s' (U+%04X) has no meaning here", (int)size,
                 l->text + l->at, (unsigned)code);
    pass(l, size);
    add_error(l, start, l->line, column, message);
}

/* ---- lines ---- */

static size_t pass_spaces(lexer *l, int *indent)
{
    size_t size, passed = 0;
    for (uint32_t code; l->at < l->size && is_space(code = peek(l, &size)); passed++) {
        pass(l, size);
        if (indent) *indent = code == '\t' ? (*indent / 8 + 1) * 8 : code == '\f' ? 0 : *indent + 1;
    }
    return passed;
}

static bool is_prompt(const lexer *l, const char *prompt)
{
    if (l->size - l->at < 3 || memcmp(l->text + l->at, prompt, 3) != 0) return false;
    const char next = byte(l, 3);
    return next == ' ' || next == '\n' || next == '\r' || next == '\0';
}

/* %matplotlib inline, !pip install keras.  Inside brackets a line may begin with the operator % or !=. */
static bool is_notebook_command(const lexer *l)
{
    const char next = byte(l, 1);
    if (byte(l, 0) == '!') return !l->depth || next != '=';
    return byte(l, 0) == '%' && (!l->depth || next == '%' || is_letter((unsigned char)next));
}

/* The beginning of a line, up to its first word.  False: nothing in it is meant for us. */
static bool begin_line(lexer *l)
{
    int indent = 0;
    pass_spaces(l, &indent);
    if (at_line_end(l)) {
        l->session = false;
        return false;
    }
    const bool prompt = is_prompt(l, ">>>");
    if (prompt || (l->prompts && is_prompt(l, "..."))) {
        l->prompts = l->session = true;
        for (int i = 0; i < 3; i++) pass(l, 1);
        if (byte(l, 0) == ' ') pass(l, 1);
        indent = 0;
        pass_spaces(l, &indent);
    } else if (l->session && !l->depth) { /* what the interpreter answered */
        pass_to_line_end(l);
        return false;
    }
    if (at_line_end(l)) return false;
    if (is_notebook_command(l)) {
        pass_to_line_end(l);
        return false;
    }
    if (byte(l, 0) == '#') {
        comment(l);
        return false;
    }
    cni_token *token = add(l, CNI_TOKEN_LINE, l->at, l->line, l->column);
    if (token) token->indent = indent;
    return true;
}

static void rest_of_line(lexer *l)
{
    while (!l->stop) {
        size_t size;
        pass_spaces(l, NULL);
        if (at_line_end(l)) return;
        if (byte(l, 0) == '#') {
            comment(l);
            return;
        }
        if (byte(l, 0) == '\\' && l->at + 1 < l->size && (byte(l, 1) == '\n' || byte(l, 1) == '\r')) {
            pass(l, 1);
            pass_line_end(l);
            continue;
        }
        const uint32_t code = peek(l, &size);
        if (quote_of(code))
            string(l, l->at, l->line, l->column, 0);
        else if (is_digit(code) || (code == '.' && is_digit((unsigned char)byte(l, 1))))
            number(l);
        else if (is_letter(code))
            word(l);
        else
            operator_or_error(l);
    }
}

/* The end stands right behind the last word, so that its position lies in the text. */
static void end(lexer *l)
{
    cni_span span = {1, 1, 1, 1};
    if (l->count) {
        const cni_span *last = &l->tokens[l->count - 1].span;
        span = (cni_span){last->end_line, last->end_column, last->end_line, last->end_column};
    }
    cni_token *token = add(l, CNI_TOKEN_END, l->at, l->line, l->column);
    if (token) token->span = span;
}

bool cni_tokens_read(cni_arena *arena, const char *text, size_t size, cni_remarks *remarks,
                     cni_source_comments *comments, cni_tokens *out)
{
    lexer l = {
        .arena = arena, .text = text, .size = size, .line = 1, .column = 1, .remarks = remarks, .comments = comments};
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) l.at = 3;
    while (!l.stop && l.at < size) {
        if (begin_line(&l)) rest_of_line(&l);
        if (at_line_end(&l)) pass_line_end(&l);
    }
    l.stop = false;
    end(&l);
    *out = (cni_tokens){l.tokens, l.count};
    if (!l.no_memory) return true;
    cni_tokens_free(out);
    return false;
}

void cni_tokens_free(cni_tokens *tokens)
{
    free(tokens->items);
    *tokens = (cni_tokens){0};
}
