/* SPDX-License-Identifier: Apache-2.0
 * A tree of plain values: making, looking up, printing, and reading it from Keras text. */
#include "base/value.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_TEXT = 1 << 20, MAX_NUMBER = 1000 };

/* ---- making ---- */

static cni_value *new_value(cni_arena *arena, cni_value_type type)
{
    cni_value *value = CNI_NEW(arena, cni_value);
    if (value) value->type = type;
    return value;
}

cni_value *cni_value_null(cni_arena *arena)
{
    return new_value(arena, CNI_NULL);
}

cni_value *cni_value_bool(cni_arena *arena, bool truth)
{
    cni_value *value = new_value(arena, CNI_BOOL);
    if (value) value->truth = truth;
    return value;
}

cni_value *cni_value_int(cni_arena *arena, int64_t integer)
{
    cni_value *value = new_value(arena, CNI_INT);
    if (value) {
        value->integer = integer;
        value->real = (double)integer;
    }
    return value;
}

cni_value *cni_value_real(cni_arena *arena, double real)
{
    cni_value *value = new_value(arena, CNI_REAL);
    if (value) value->real = real;
    return value;
}

static cni_value *named_value(cni_arena *arena, cni_value_type type, const char *text)
{
    cni_value *value = new_value(arena, type);
    if (!value) return NULL;
    value->text = cni_arena_text(arena, text);
    return value->text ? value : NULL;
}

cni_value *cni_value_text(cni_arena *arena, const char *text)
{
    return text ? named_value(arena, CNI_TEXT, text) : cni_value_null(arena);
}

cni_value *cni_value_list(cni_arena *arena)
{
    return new_value(arena, CNI_LIST);
}

cni_value *cni_value_dict(cni_arena *arena)
{
    return new_value(arena, CNI_DICT);
}

cni_value *cni_value_call(cni_arena *arena, const char *name)
{
    return named_value(arena, CNI_CALL, name);
}

/* The room for items follows from their count: 4, 8, 16, ... */
static bool make_room(cni_arena *arena, cni_value *to)
{
    size_t count = to->count;
    if (count && (count < 4 || (count & (count - 1)))) return true;
    size_t room = count ? 2 * count : 4;
    cni_value **items = CNI_NEW_ARRAY(arena, cni_value *, room);
    if (!items) return false;
    if (count) memcpy(items, to->items, count * sizeof *items);
    if (to->type != CNI_LIST) {
        const char **keys = CNI_NEW_ARRAY(arena, const char *, room);
        if (!keys) return false;
        if (count) memcpy(keys, to->keys, count * sizeof *keys);
        to->keys = keys;
    }
    to->items = items;
    return true;
}

bool cni_value_add(cni_arena *arena, cni_value *to, const char *key, cni_value *item)
{
    if (!to || !item) return false;
    const char *copy = NULL;
    if (key && to->type != CNI_LIST && !(copy = cni_arena_text(arena, key))) return false;
    if (!make_room(arena, to)) return false;
    to->items[to->count] = item;
    if (to->type != CNI_LIST) to->keys[to->count] = copy;
    to->count++;
    return true;
}

/* ---- looking up ---- */

cni_value *cni_value_alike(cni_arena *arena, const cni_value *value)
{
    cni_value *copy = value ? CNI_NEW(arena, cni_value) : NULL;
    if (!copy) return NULL;
    *copy = *value;
    copy->text = cni_arena_text(arena, value->text);
    if (value->text && !copy->text) return NULL;
    copy->count = 0;
    copy->items = NULL;
    copy->keys = NULL;
    return copy;
}

cni_value *cni_value_copy(cni_arena *arena, const cni_value *value)
{
    cni_value *copy = cni_value_alike(arena, value);
    if (!copy) return NULL;
    for (size_t i = 0; i < value->count; i++)
        if (!cni_value_add(arena, copy, value->keys ? value->keys[i] : NULL, cni_value_copy(arena, value->items[i])))
            return NULL;
    return copy;
}

const cni_value *cni_value_get(const cni_value *dict, const char *key)
{
    if (!dict || (dict->type != CNI_DICT && dict->type != CNI_CALL)) return NULL;
    for (size_t i = 0; i < dict->count; i++)
        if (dict->keys[i] && strcmp(dict->keys[i], key) == 0) return dict->items[i];
    return NULL;
}

const char *cni_value_as_text(const cni_value *value)
{
    return value && value->type == CNI_TEXT ? value->text : NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that a hostile file with a million keys costs n log n. */
bool cni_value_repeated_key(const cni_value *dict, const char **repeated)
{
    *repeated = NULL;
    if (!dict || !dict->keys) return true;
    const char *few[64], **sorted = few;
    if (dict->count > 64 && !(sorted = malloc(dict->count * sizeof *sorted))) return false;
    size_t count = 0;
    for (size_t i = 0; i < dict->count; i++)
        if (dict->keys[i]) sorted[count++] = dict->keys[i];
    qsort(sorted, count, sizeof *sorted, by_text);
    for (size_t i = 1; i < count && !*repeated; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0) *repeated = sorted[i];
    if (sorted != few) free(sorted);
    return true;
}

/* ---- numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* strtod wants the locale's decimal point; without any point the locale cannot matter: 1.25e-3 is read as 125e-5. */
bool cni_read_real(const char *text, size_t length, double *out)
{
    char plain[MAX_NUMBER + 32];
    if (length > MAX_NUMBER) return false;
    size_t i = 0, n = 0, digits = 0;
    long exponent = 0;
    if (i < length && (text[i] == '-' || text[i] == '+')) plain[n++] = text[i++];
    for (; i < length && is_digit(text[i]); digits++) plain[n++] = text[i++];
    if (i < length && text[i] == '.')
        for (i++; i < length && is_digit(text[i]); digits++, exponent--) plain[n++] = text[i++];
    if (!digits) return false;
    if (i < length && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        bool minus = i < length && text[i] == '-';
        if (i < length && (text[i] == '-' || text[i] == '+')) i++;
        if (i >= length) return false;
        long given = 0;
        for (; i < length && is_digit(text[i]); i++)
            if (given < 100000) given = given * 10 + (text[i] - '0');
        exponent += minus ? -given : given;
    }
    if (i != length) return false;
    snprintf(plain + n, sizeof plain - n, "e%ld", exponent);
    *out = strtod(plain, NULL);
    return isfinite(*out);
}

bool cni_read_int(const char *text, size_t length, int64_t *out)
{
    bool minus = length && text[0] == '-';
    size_t i = length && (text[0] == '-' || text[0] == '+');
    if (i == length) return false;
    int64_t value = 0; /* counts downwards: the smallest number has no positive twin */
    for (; i < length; i++)
        if (!is_digit(text[i]) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text[i] - '0', &value))
            return false;
    if (!minus && value == INT64_MIN) return false;
    *out = minus ? value : -value;
    return true;
}

typedef struct decimal {
    char digits[20];
    int count, point; /* 0.d1d2d3... * 10^point */
} decimal;

static decimal decimal_of(double real, int precision)
{
    decimal d = {.count = 0};
    char text[40];
    snprintf(text, sizeof text, "%.*e", precision - 1, real);
    const char *c = text;
    for (; *c != 'e'; c++) /* skips the point, whatever the locale makes of it */
        if (is_digit(*c)) d.digits[d.count++] = *c;
    d.point = (int)strtol(c + 1, NULL, 10) + 1;
    return d;
}

static bool is_same(const decimal *d, double real)
{
    char plain[40];
    snprintf(plain, sizeof plain, "%se%d", d->digits, d->point - d->count);
    return strtod(plain, NULL) == real;
}

/* Below a power of two doubles lie closer than above it, so the shortest decimal may be the neighbour of the nearest.
 */
static bool is_same_one_up(decimal *d, double real)
{
    decimal up = *d;
    int i = up.count - 1;
    while (i > 0 && up.digits[i] == '9') up.digits[i--] = '0';
    if (up.digits[i] == '9') return false;
    up.digits[i]++;
    if (!is_same(&up, real)) return false;
    *d = up;
    return true;
}

/* The shortest decimal that gives the same bits.  17 digits always do; up to 15 come back unchanged, so that a shorter
 * one shows as trailing zeros, except among the subnormal numbers. */
static decimal shortest(double real)
{
    int precision = real < 2.2250738585072014e-308 ? 1 : 15;
    decimal d = decimal_of(real, precision);
    while (precision < 17 && !is_same(&d, real) && !(precision == 16 && is_same_one_up(&d, real)))
        d = decimal_of(real, ++precision);
    while (d.count > 1 && d.digits[d.count - 1] == '0') d.digits[--d.count] = 0;
    if (real == 0) d.point = 1;
    return d;
}

static char *append(char *to, const char *text, int length)
{
    memcpy(to, text, (size_t)length);
    return to + length;
}

/* Python's float.__repr__: with an exponent below 1e-4 and from 1e16 upwards; at most 24 characters. */
char *cni_show_real(double real, char buffer[32])
{
    static const char zeros[] = "0000000000000000";
    char *to = buffer;
    if (signbit(real) && !isnan(real)) *to++ = '-';
    if (!isfinite(real)) {
        memcpy(to, isnan(real) ? "nan" : "inf", 4);
        return buffer;
    }
    decimal d = shortest(fabs(real));
    const int point = d.point, exponent = point - 1;
    if (exponent < -4 || exponent >= 16) {
        *to++ = d.digits[0];
        if (d.count > 1) *to++ = '.';
        to = append(to, d.digits + 1, d.count - 1);
        snprintf(to, 8, "e%c%02u", exponent < 0 ? '-' : '+', (unsigned)abs(exponent) % 1000);
        return buffer;
    }
    const int whole = point <= 0 ? 0 : d.count < point ? d.count : point;
    to = append(to, d.digits, whole);
    to = append(to, zeros, point <= 0 ? 1 : point - whole);
    *to++ = '.';
    to = append(to, zeros, point < 0 ? -point : 0);
    to = append(to, d.digits + whole, d.count - whole);
    if (d.count == whole) *to++ = '0';
    *to = 0;
    return buffer;
}

/* ---- printing ---- */

typedef struct printer {
    char *buffer;
    size_t size, used; /* used <= size: full when equal */
} printer;

static void put(printer *to, const char *text, size_t length)
{
    size_t room = to->size - to->used;
    if (length > room) length = room;
    memcpy(to->buffer + to->used, text, length);
    to->used += length;
}

static void put_text(printer *to, const char *text)
{
    put(to, text, strlen(text));
}

static void put_quoted(printer *to, const char *text)
{
    const char *quote = strchr(text, '\'') && !strchr(text, '"') ? "\"" : "'";
    put_text(to, quote);
    for (; *text && to->used < to->size; text++) {
        char escape[8];
        unsigned char c = (unsigned char)*text;
        const char *plain = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : c == '\\' ? "\\\\" : NULL;
        if (!plain && (c < 0x20 || c == 0x7f))
            snprintf(escape, sizeof escape, "\\x%02x", c), plain = escape;
        else if (!plain && *text == *quote)
            snprintf(escape, sizeof escape, "\\%c", c), plain = escape;
        if (plain)
            put_text(to, plain);
        else
            put(to, text, 1);
    }
    put_text(to, quote);
}

static void put_value(printer *to, const cni_value *value);

static void put_items(printer *to, const cni_value *value, const char *open, const char *close)
{
    put_text(to, open);
    for (size_t i = 0; i < value->count && to->used < to->size; i++) {
        if (i) put_text(to, ", ");
        if (value->type == CNI_DICT) {
            put_quoted(to, value->keys[i]);
            put_text(to, ": ");
        } else if (value->type == CNI_CALL && value->keys[i]) {
            put_text(to, value->keys[i]);
            put_text(to, "=");
        }
        put_value(to, value->items[i]);
    }
    put_text(to, close);
}

static void put_value(printer *to, const cni_value *value)
{
    char number[32];
    if (to->used == to->size) return;
    switch (value ? value->type : CNI_NULL) {
    case CNI_NULL:
        put_text(to, "None");
        break;
    case CNI_BOOL:
        put_text(to, value->truth ? "True" : "False");
        break;
    case CNI_INT:
        snprintf(number, sizeof number, "%" PRId64, value->integer);
        put_text(to, number);
        break;
    case CNI_REAL:
        put_text(to, cni_show_real(value->real, number));
        break;
    case CNI_TEXT:
        put_quoted(to, value->text);
        break;
    case CNI_LIST:
        put_items(to, value, "[", "]");
        break;
    case CNI_DICT:
        put_items(to, value, "{", "}");
        break;
    case CNI_CALL:
        put_text(to, value->text);
        put_items(to, value, "(", ")");
        break;
    }
}

char *cni_value_show(const cni_value *value, char *buffer, size_t size)
{
    if (!size) return buffer;
    printer to = {buffer, size, 0};
    put_value(&to, value);
    if (to.used < size) {
        buffer[to.used] = 0;
        return buffer;
    }
    size_t end = size > 4 ? size - 4 : 0; /* the cut must not halve a UTF-8 character */
    while (end && ((unsigned char)buffer[end] & 0xC0) == 0x80) end--;
    snprintf(buffer + end, size - end, "...");
    return buffer;
}

/* ---- reading Keras text ---- */

typedef struct reader {
    cni_arena *arena;
    const char *at, *line_start, *what;
    uint32_t line;
    int depth;
    cni_error *error;
} reader;

static cn_status read_value(reader *in, cni_value **out);

static uint32_t column(const reader *in)
{
    return (uint32_t)(in->at - in->line_start) + 1;
}

static cn_status unexpected(reader *in, const char *expected)
{
    char found[40] = "the end";
    int length = (int)strcspn(in->at, "\n");
    if (length > 20) length = 20;
    if (*in->at) snprintf(found, sizeof found, "\"%.*s\"", length, in->at);
    return cni_fail(in->error, CN_ERR_INVALID, "%s, line %u, column %u: expected %s, found %s", in->what,
                    (unsigned)in->line, (unsigned)column(in), expected, found);
}

static void skip_space(reader *in)
{
    for (;; in->at++) {
        if (*in->at == '#') in->at += strcspn(in->at, "\n");
        if (*in->at == '\n') {
            in->line++;
            in->line_start = in->at + 1;
        } else if (*in->at != ' ' && *in->at != '\t' && *in->at != '\r') {
            return;
        }
    }
}

static bool accept(reader *in, char c)
{
    skip_space(in);
    if (*in->at != c) return false;
    in->at++;
    return true;
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool in_name(char c)
{
    return starts_name(c) || is_digit(c);
}

static cn_status made(reader *in, cni_value *value, cni_value **out)
{
    if (!value) return cni_no_memory(in->error, in->what);
    *out = value;
    return CN_OK;
}

/* The character after a backslash; 0 bytes when it is none that we know. */
static size_t read_escape(reader *in, char *to)
{
    static const char names[] = "nrtabfv\\'\"", codes[] = "\n\r\t\a\b\f\v\\'\"";
    const char *known = *in->at ? strchr(names, *in->at) : NULL;
    if (known) return in->at++, *to = codes[known - names], 1;
    int digits = *in->at == 'x' ? 2 : *in->at == 'u' ? 4 : 0;
    uint32_t code = 0;
    for (int i = 1; i <= digits; i++) {
        static const char hex[] = "0123456789abcdefABCDEF";
        const char *digit = in->at[i] ? strchr(hex, in->at[i]) : NULL;
        if (!digit) return 0;
        code = code * 16 + (uint32_t)(digit - hex > 15 ? digit - hex - 6 : digit - hex);
    }
    if (!code || (code >= 0xD800 && code < 0xE000)) return 0;
    in->at += digits + 1;
    return cni_utf8_write(to, code);
}

static cn_status read_quoted(reader *in, char **out)
{
    const char quote = *in->at++;
    char *copy = cni_arena_alloc(in->arena, strcspn(in->at, "\n") + 1); /* an escape never grows */
    size_t n = 0;
    if (!copy) return cni_no_memory(in->error, in->what);
    while (*in->at != quote) {
        if (!*in->at || *in->at == '\n') return unexpected(in, quote == '"' ? "a closing \"" : "a closing '");
        if (*in->at == '\\') {
            in->at++;
            size_t added = read_escape(in, copy + n);
            if (!added) return unexpected(in, "an escape such as \\n or \\\\ after the backslash");
            n += added;
        } else {
            copy[n++] = *in->at++;
        }
    }
    in->at++;
    copy[n] = 0;
    *out = copy;
    return CN_OK;
}

static cn_status read_number(reader *in, cni_value **out)
{
    char digits[MAX_NUMBER + 1];
    size_t n = 0;
    bool real = false;
    const char *start = in->at;
    for (const char *c = start; in_name(*c) || *c == '.' || *c == '+' || *c == '-'; c++) {
        bool sign = *c == '+' || *c == '-';
        if (sign && c > start && c[-1] != 'e' && c[-1] != 'E') break;
        if (*c == '_' && c > start && is_digit(c[-1]) && is_digit(c[1])) continue; /* 1_000 */
        if (n == MAX_NUMBER) return unexpected(in, "a number of at most 1000 digits");
        real |= !is_digit(*c) && !sign;
        digits[n++] = *c;
        in->at = c + 1;
    }
    int64_t integer;
    double number;
    if (!real && cni_read_int(digits, n, &integer)) return made(in, cni_value_int(in->arena, integer), out);
    if (real && cni_read_real(digits, n, &number)) return made(in, cni_value_real(in->arena, number), out);
    in->at = start;
    return unexpected(in, real ? "a number that fits a double" : "a whole number that fits 64 bits");
}

/* A name as written, a.b.name giving "name". */
static cn_status read_name(reader *in, char **out)
{
    const char *start = in->at;
    for (;;) {
        if (!starts_name(*in->at)) return unexpected(in, "a name");
        start = in->at;
        while (in_name(*in->at)) in->at++;
        if (*in->at != '.') break;
        in->at++;
    }
    *out = cni_arena_text_n(in->arena, start, (size_t)(in->at - start));
    return *out ? CN_OK : cni_no_memory(in->error, in->what);
}

static cn_status add(reader *in, cni_value *to, const char *key, cni_value *item)
{
    return cni_value_add(in->arena, to, key, item) ? CN_OK : cni_no_memory(in->error, in->what);
}

/* The inside of (..) or [..] up to its end; a single (x) without a comma is x itself. */
static cn_status read_list(reader *in, char end, cni_value **out)
{
    cni_value *list = cni_value_list(in->arena), *item;
    bool comma = false;
    if (!list) return cni_no_memory(in->error, in->what);
    while (!accept(in, end)) {
        if (list->count && !comma) return unexpected(in, end == ')' ? "',' or ')'" : "',' or ']'");
        CN_TRY(read_value(in, &item));
        CN_TRY(add(in, list, NULL, item));
        comma = accept(in, ',');
    }
    *out = end == ')' && list->count == 1 && !comma ? list->items[0] : list;
    return CN_OK;
}

/* 'key' or 3 before the ':' of a dict. */
static cn_status read_key(reader *in, char **out)
{
    skip_space(in);
    if (*in->at == '\'' || *in->at == '"') return read_quoted(in, out);
    if (starts_name(*in->at)) return read_name(in, out);
    if (!is_digit(*in->at) && *in->at != '-') return unexpected(in, "a key or '}'");
    cni_value *number;
    char shown[32];
    CN_TRY(read_number(in, &number));
    *out = cni_arena_text(in->arena, cni_value_show(number, shown, sizeof shown));
    return *out ? CN_OK : cni_no_memory(in->error, in->what);
}

static cn_status no_repeated_key(reader *in, const cni_value *value)
{
    const char *key;
    if (!cni_value_repeated_key(value, &key)) return cni_no_memory(in->error, in->what);
    if (!key) return CN_OK;
    return cni_fail(in->error, CN_ERR_INVALID, "%s, line %u, column %u: \"%.64s\" is given twice; give it once",
                    in->what, (unsigned)in->line, (unsigned)column(in), key);
}

static cn_status read_dict(reader *in, cni_value **out)
{
    cni_value *dict = cni_value_dict(in->arena), *item;
    bool comma = true;
    if (!dict) return cni_no_memory(in->error, in->what);
    while (!accept(in, '}')) {
        char *key;
        if (!comma) return unexpected(in, "',' or '}'");
        CN_TRY(read_key(in, &key));
        if (!accept(in, ':')) return unexpected(in, "':' after the key");
        CN_TRY(read_value(in, &item));
        CN_TRY(add(in, dict, key, item));
        comma = accept(in, ',');
    }
    *out = dict;
    return no_repeated_key(in, dict);
}

/* `key` of key=value, else NULL with the cursor where it was. */
static cn_status read_keyword(reader *in, char **key)
{
    *key = NULL;
    skip_space(in);
    const char *end = in->at;
    if (!starts_name(*end)) return CN_OK;
    while (in_name(*end)) end++;
    const char *equals = end + strspn(end, " \t");
    if (*equals != '=' || equals[1] == '=') return CN_OK;
    *key = cni_arena_text_n(in->arena, in->at, (size_t)(end - in->at));
    in->at = equals + 1;
    return *key ? CN_OK : cni_no_memory(in->error, in->what);
}

static cn_status read_call(reader *in, const char *name, cni_value **out)
{
    cni_value *call = cni_value_call(in->arena, name), *item;
    bool comma = true, keyed = false;
    if (!call) return cni_no_memory(in->error, in->what);
    while (!accept(in, ')')) {
        char *key;
        if (!comma) return unexpected(in, "',' or ')'");
        CN_TRY(read_keyword(in, &key));
        if (keyed && !key) return unexpected(in, "keyword=value, as after the first keyword");
        keyed = key;
        CN_TRY(read_value(in, &item));
        CN_TRY(add(in, call, key, item));
        comma = accept(in, ',');
    }
    *out = call;
    return no_repeated_key(in, call);
}

/* Names that are values by themselves, in Python's spelling and in JSON's. */
static cni_value *constant(cni_arena *arena, const char *name)
{
    static const struct {
        const char *name;
        cni_value_type type;
        double real;
    } constants[] = {
        {"None", CNI_NULL, 0},       {"null", CNI_NULL, 0},
        {"True", CNI_BOOL, 1},       {"true", CNI_BOOL, 1},
        {"False", CNI_BOOL, 0},      {"false", CNI_BOOL, 0},
        {"nan", CNI_REAL, NAN},      {"NaN", CNI_REAL, NAN},
        {"inf", CNI_REAL, INFINITY}, {"Infinity", CNI_REAL, INFINITY},
    };
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(name, constants[i].name) == 0)
            return constants[i].type == CNI_NULL   ? cni_value_null(arena)
                   : constants[i].type == CNI_BOOL ? cni_value_bool(arena, constants[i].real != 0)
                                                   : cni_value_real(arena, constants[i].real);
    return cni_value_text(arena, name);
}

static cn_status read_word(reader *in, cni_value **out)
{
    char *name;
    CN_TRY(read_name(in, &name));
    if (accept(in, '(')) return read_call(in, name, out);
    return made(in, constant(in->arena, name), out);
}

static cn_status read_signed_word(reader *in, cni_value **out)
{
    in->at++;
    CN_TRY(read_word(in, out));
    if ((*out)->type != CNI_REAL) return unexpected(in, "a number after the sign");
    (*out)->real = -(*out)->real;
    return CN_OK;
}

static cn_status read_any(reader *in, cni_value **out)
{
    char c = *in->at, *text;
    if (c == '\'' || c == '"') {
        CN_TRY(read_quoted(in, &text));
        return made(in, cni_value_text(in->arena, text), out);
    }
    if (c == '[' || c == '(') return in->at++, read_list(in, c == '[' ? ']' : ')', out);
    if (c == '{') return in->at++, read_dict(in, out);
    if (c == '-' && starts_name(in->at[1])) return read_signed_word(in, out);
    if (is_digit(c) || c == '-' || c == '+' || c == '.') return read_number(in, out);
    if (starts_name(c)) return read_word(in, out);
    return unexpected(in, "a value");
}

static cn_status read_value(reader *in, cni_value **out)
{
    skip_space(in);
    if (in->depth == MAX_DEPTH)
        return cni_fail(in->error, CN_ERR_LIMIT, "%s, line %u, column %u: nested deeper than %d", in->what,
                        (unsigned)in->line, (unsigned)column(in), MAX_DEPTH);
    uint32_t at_line = in->line, at_column = column(in);
    in->depth++;
    CN_TRY(read_any(in, out));
    in->depth--;
    (*out)->line = at_line;
    (*out)->column = at_column;
    return CN_OK;
}

cn_status cni_value_read(cni_arena *arena, const char *text, const char *what, cni_value **out, cni_error *error)
{
    reader in = {.arena = arena, .at = text, .line_start = text, .what = what, .line = 1, .error = error};
    cni_value *value;
    if (strnlen(text, MAX_TEXT + 1) > MAX_TEXT)
        return cni_fail(error, CN_ERR_LIMIT, "%s: text is longer than %d bytes", what, MAX_TEXT);
    CN_TRY(read_value(&in, &value));
    skip_space(&in);
    if (*in.at) return unexpected(&in, "nothing after the value");
    *out = value;
    return CN_OK;
}
