/* SPDX-License-Identifier: Apache-2.0
 * JSON, as Python's json module reads and writes it.
 *
 * A library's tree would have to be scanned before (depth, counts, NaN), and walked after (to values that know their
 * line and column); reading straight into values is shorter than either. */
#include "formats/json.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

typedef struct reader {
    cni_arena *arena;
    cni_cursor at;
    const cni_limits *limits;
    size_t line, line_start; /* line counts from 1; line_start is where it begins */
    uint64_t depth, values;
    cni_error *error;
} reader;

static cn_status read_value(reader *in, cni_value **out);

static cn_status refuse(reader *in, cn_status status, const char *message)
{
    return cni_fail(in->error, status, "line %zu, column %zu: %s", in->line, in->at.at - in->line_start + 1, message);
}

static cn_status no_memory(reader *in)
{
    return cni_no_memory(in->error, "values of a JSON text");
}

/* The byte ahead; 0 at the end, where no token begins with 0. */
static char peek(const reader *in)
{
    return in->at.at < in->at.size ? (char)in->at.data[in->at.at] : 0;
}

static cn_status expected(reader *in, const char *what)
{
    char message[100];
    const unsigned char c = (unsigned char)peek(in);
    if (in->at.at == in->at.size)
        snprintf(message, sizeof message, "expected %s, found the end", what);
    else if (c < 0x20 || c >= 0x7f)
        snprintf(message, sizeof message, "expected %s, found byte 0x%02x", what, c);
    else
        snprintf(message, sizeof message, "expected %s, found '%c'", what, c);
    return refuse(in, CN_ERR_FORMAT, message);
}

static void skip_space(reader *in)
{
    for (;; in->at.at++) {
        const char c = peek(in);
        if (c == '\n') {
            in->line++;
            in->line_start = in->at.at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

static bool accept(reader *in, char c)
{
    skip_space(in);
    if (!c || peek(in) != c) return false;
    in->at.at++;
    return true;
}

static bool accept_word(reader *in, const char *word)
{
    const size_t length = strlen(word);
    if (cni_cursor_left(&in->at) < length || memcmp(in->at.data + in->at.at, word, length) != 0) return false;
    in->at.at += length;
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The XXXX of \uXXXX. */
static bool read_unit(reader *in, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        const int digit = hex_digit(peek(in));
        if (digit < 0) return false;
        *unit = *unit * 16 + (uint32_t)digit;
        in->at.at++;
    }
    return true;
}

static cn_status read_unicode(reader *in, uint32_t *code)
{
    uint32_t low;
    if (!read_unit(in, code)) return expected(in, "four hexadecimal digits");
    if (!*code) return refuse(in, CN_ERR_UNSUPPORTED, "a zero byte in a string");
    if (*code < 0xD800 || *code >= 0xE000) return CN_OK;
    if (*code >= 0xDC00 || !accept_word(in, "\\u") || !read_unit(in, &low) || low < 0xDC00 || low >= 0xE000)
        return refuse(in, CN_ERR_FORMAT, "a surrogate without its other half");
    *code = 0x10000 + (*code - 0xD800) * 0x400 + (low - 0xDC00);
    return CN_OK;
}

static cn_status read_escape(reader *in, cni_buffer *text)
{
    static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
    const char c = peek(in), *known = c ? strchr(names, c) : NULL;
    if (!known && c != 'u') return expected(in, "an escape such as \\n or \\u00e9");
    in->at.at++;
    if (known) return cni_buffer_u8(text, (unsigned char)codes[known - names]), CN_OK;
    uint32_t code;
    char bytes[4];
    CN_TRY(read_unicode(in, &code));
    cni_buffer_add(text, bytes, cni_utf8_write(bytes, code));
    return CN_OK;
}

/* Bytes that stand for themselves. */
static cn_status read_plain(reader *in, cni_buffer *text)
{
    const char *rest = (const char *)in->at.data + in->at.at;
    const size_t left = cni_cursor_left(&in->at);
    size_t length = 0;
    while (length < left && rest[length] != '"' && rest[length] != '\\' && (unsigned char)rest[length] >= 0x20) {
        const size_t size = cni_utf8_read(rest + length, left - length, NULL);
        if (!size) {
            in->at.at += length;
            return refuse(in, CN_ERR_FORMAT, "malformed UTF-8");
        }
        length += size;
    }
    if (!length) return expected(in, "a closing '\"'");
    in->at.at += length;
    cni_buffer_add(text, rest, length);
    return CN_OK;
}

static cn_status fill_string(reader *in, cni_buffer *text)
{
    while (peek(in) != '"') {
        const bool escape = peek(in) == '\\';
        if (escape) in->at.at++;
        CN_TRY(escape ? read_escape(in, text) : read_plain(in, text));
        if (text->failed) return no_memory(in);
        if (text->size > in->limits->json_string_bytes)
            return refuse(in, CN_ERR_LIMIT, "a string longer than the limit");
    }
    in->at.at++;
    return CN_OK;
}

static cn_status read_string(reader *in, char **out)
{
    cni_buffer text = {0};
    in->at.at++;
    cn_status status = fill_string(in, &text);
    if (!status) {
        *out = cni_arena_text_n(in->arena, (const char *)text.data, text.size);
        if (!*out) status = no_memory(in);
    }
    cni_buffer_free(&text);
    return status;
}

static size_t digits_at(const reader *in, size_t at)
{
    size_t count = 0;
    while (at + count < in->at.size && in->at.data[at + count] >= '0' && in->at.data[at + count] <= '9') count++;
    return count;
}

static bool is_at(const reader *in, size_t at, const char *set)
{
    return at < in->at.size && in->at.data[at] && strchr(set, in->at.data[at]);
}

/* -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static cn_status read_number(reader *in, cni_value **out)
{
    const size_t start = in->at.at, whole = start + is_at(in, start, "-"), whole_digits = digits_at(in, whole);
    size_t end = whole + whole_digits, digits = 1;
    bool real = false;
    if (is_at(in, end, ".")) {
        digits = digits_at(in, end + 1);
        end += 1 + digits;
        real = true;
    }
    if (digits && is_at(in, end, "eE")) {
        end += 1 + is_at(in, end + 1, "+-");
        digits = digits_at(in, end);
        end += digits;
        real = true;
    }
    const bool leading_zero = whole_digits > 1 && in->at.data[whole] == '0';
    if (!whole_digits || !digits || leading_zero) return expected(in, "a number as in JSON");
    const char *text = (const char *)in->at.data + start;
    int64_t integer = 0;
    double number = 0;
    if (real ? !cni_read_real(text, end - start, &number) : !cni_read_int(text, end - start, &integer))
        return refuse(in, CN_ERR_LIMIT, real ? "a number too large for a double" : "a whole number beyond 64 bits");
    in->at.at = end;
    *out = real ? cni_value_real(in->arena, number) : cni_value_int(in->arena, integer);
    return CN_OK;
}

static cn_status read_list(reader *in, cni_value **out)
{
    cni_value *list = cni_value_list(in->arena), *item;
    in->at.at++;
    if (accept(in, ']')) return *out = list, CN_OK;
    do {
        CN_TRY(read_value(in, &item));
        if (!cni_value_add(in->arena, list, NULL, item)) return no_memory(in);
    } while (accept(in, ','));
    *out = list;
    return accept(in, ']') ? CN_OK : expected(in, "',' or ']'");
}

static cn_status check_keys(reader *in, const cni_value *dict)
{
    const char *key;
    if (!cni_value_repeated_key(dict, &key)) return no_memory(in);
    if (!key) return CN_OK;
    return cni_fail(in->error, CN_ERR_FORMAT, "line %zu, column %zu: the object that ends here has \"%.64s\" twice",
                    in->line, in->at.at - in->line_start, key);
}

static cn_status read_dict(reader *in, cni_value **out)
{
    cni_value *dict = cni_value_dict(in->arena), *item;
    char *key;
    in->at.at++;
    if (accept(in, '}')) return *out = dict, CN_OK;
    do {
        skip_space(in);
        if (peek(in) != '"') return expected(in, "a key in '\"'");
        CN_TRY(read_string(in, &key));
        if (!accept(in, ':')) return expected(in, "':'");
        CN_TRY(read_value(in, &item));
        if (!cni_value_add(in->arena, dict, key, item)) return no_memory(in);
    } while (accept(in, ','));
    *out = dict;
    return accept(in, '}') ? check_keys(in, dict) : expected(in, "',' or '}'");
}

static cn_status read_text(reader *in, cni_value **out)
{
    char *text;
    CN_TRY(read_string(in, &text));
    *out = cni_value_text(in->arena, text);
    return CN_OK;
}

static cn_status read_word(reader *in, cni_value **out)
{
    static const struct {
        const char *word;
        cni_value_type type;
        double real;
    } words[] = {{"null", CNI_NULL, 0},
                 {"true", CNI_BOOL, 1},
                 {"false", CNI_BOOL, 0},
                 {"NaN", CNI_REAL, NAN},
                 {"Infinity", CNI_REAL, INFINITY},
                 {"-Infinity", CNI_REAL, -INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (accept_word(in, words[i].word)) {
            *out = words[i].type == CNI_NULL   ? cni_value_null(in->arena)
                   : words[i].type == CNI_BOOL ? cni_value_bool(in->arena, words[i].real != 0)
                                               : cni_value_real(in->arena, words[i].real);
            return CN_OK;
        }
    return expected(in, "a value");
}

static cn_status read_any(reader *in, cni_value **out)
{
    const char c = peek(in);
    if (c == '{') return read_dict(in, out);
    if (c == '[') return read_list(in, out);
    if (c == '"') return read_text(in, out);
    if ((c >= '0' && c <= '9') || (c == '-' && !is_at(in, in->at.at + 1, "I"))) return read_number(in, out);
    return read_word(in, out);
}

static cn_status read_value(reader *in, cni_value **out)
{
    skip_space(in);
    const bool nests = peek(in) == '{' || peek(in) == '[';
    if (nests && in->depth == in->limits->json_depth) return refuse(in, CN_ERR_LIMIT, "nested deeper than the limit");
    if (++in->values > in->limits->json_values) return refuse(in, CN_ERR_LIMIT, "more values than the limit");
    const size_t line = in->line, column = in->at.at - in->line_start + 1;
    in->depth += nests;
    CN_TRY(read_any(in, out));
    in->depth -= nests;
    if (!*out) return no_memory(in);
    (*out)->line = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    (*out)->column = column < UINT32_MAX ? (uint32_t)column : UINT32_MAX;
    return CN_OK;
}

cn_status cni_json_read(cni_arena *arena, cni_bytes text, const cni_limits *limits, cni_value **out, cni_error *error)
{
    if (!limits) limits = &cni_default_limits;
    reader in = {.arena = arena, .at = cni_cursor_of(text), .limits = limits, .line = 1, .error = error};
    cni_value *value;
    if (text.size > limits->json_bytes)
        return cni_fail(error, CN_ERR_LIMIT, "%zu bytes of JSON; the limit is %" PRIu64, text.size, limits->json_bytes);
    CN_TRY(read_value(&in, &value));
    skip_space(&in);
    if (cni_cursor_left(&in.at)) return expected(&in, "nothing more");
    *out = value;
    return CN_OK;
}

/* ---- writing ---- */

typedef struct writer {
    cni_buffer to;
    int indent, depth;
} writer;

static cn_status write_value(writer *out, const cni_value *value, cni_error *error);

/* ensure_ascii: everything but printable ASCII is escaped, beyond 16 bits as two surrogates. */
static void write_code(cni_buffer *to, uint32_t code)
{
    static const char names[] = "\"\\bfnrt", codes[] = "\"\\\b\f\n\r\t";
    const char *known = code && code < 0x80 ? strchr(codes, (int)code) : NULL;
    char text[16];
    if (known)
        snprintf(text, sizeof text, "\\%c", names[known - codes]);
    else if (code >= 0x20 && code < 0x7f)
        snprintf(text, sizeof text, "%c", (int)code);
    else if (code < 0x10000)
        snprintf(text, sizeof text, "\\u%04x", (unsigned)code);
    else
        snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xD800u + ((unsigned)code - 0x10000) / 0x400,
                 0xDC00u + ((unsigned)code - 0x10000) % 0x400);
    cni_buffer_text(to, text);
}

static cn_status write_string(writer *out, const char *text, cni_error *error)
{
    uint32_t code;
    cni_buffer_text(&out->to, "\"");
    for (size_t left = strlen(text), size; left; text += size, left -= size) {
        size = cni_utf8_read(text, left, &code);
        if (!size) return cni_fail(error, CN_ERR_INVALID, "a text to be saved is not UTF-8: \"%.64s\"", text);
        write_code(&out->to, code);
    }
    cni_buffer_text(&out->to, "\"");
    return CN_OK;
}

static void write_break(writer *out)
{
    if (!out->indent) return;
    cni_buffer_text(&out->to, "\n");
    for (int i = 0; i < out->indent * out->depth; i++) cni_buffer_text(&out->to, " ");
}

static cn_status write_items(writer *out, const cni_value *value, const char *brackets, cni_error *error)
{
    cni_buffer_add(&out->to, brackets, 1);
    out->depth++;
    for (size_t i = 0; i < value->count; i++) {
        if (i) cni_buffer_text(&out->to, out->indent ? "," : ", ");
        write_break(out);
        if (value->type == CNI_DICT) {
            CN_TRY(write_string(out, value->keys[i], error));
            cni_buffer_text(&out->to, ": ");
        }
        CN_TRY(write_value(out, value->items[i], error));
    }
    out->depth--;
    if (value->count) write_break(out);
    cni_buffer_add(&out->to, brackets + 1, 1);
    return CN_OK;
}

static void write_real(writer *out, double real)
{
    char number[32];
    cni_buffer_text(&out->to, isnan(real)      ? "NaN"
                              : isfinite(real) ? cni_show_real(real, number)
                              : real > 0       ? "Infinity"
                                               : "-Infinity");
}

static cn_status write_value(writer *out, const cni_value *value, cni_error *error)
{
    char number[32];
    switch (value->type) {
    case CNI_NULL:
        cni_buffer_text(&out->to, "null");
        break;
    case CNI_BOOL:
        cni_buffer_text(&out->to, value->truth ? "true" : "false");
        break;
    case CNI_INT:
        snprintf(number, sizeof number, "%" PRId64, value->integer);
        cni_buffer_text(&out->to, number);
        break;
    case CNI_REAL:
        write_real(out, value->real);
        break;
    case CNI_TEXT:
        return write_string(out, value->text, error);
    case CNI_LIST:
        return write_items(out, value, "[]", error);
    case CNI_DICT:
        return write_items(out, value, "{}", error);
    case CNI_CALL:
        return cni_fail(error, CN_ERR_INVALID, "%.64s(...) cannot be written as JSON", value->text);
    }
    return CN_OK;
}

cn_status cni_json_write(cni_arena *arena, const cni_value *value, int indent, cni_bytes *out, cni_error *error)
{
    writer writing = {.indent = indent};
    cn_status status = write_value(&writing, value, error);
    const cni_buffer *text = &writing.to;
    const char *copy = NULL;
    if (!status && !text->failed) copy = cni_arena_text_n(arena, (const char *)text->data, text->size);
    if (!status && !copy) status = cni_no_memory(error, "a JSON text");
    if (!status) *out = (cni_bytes){(const uint8_t *)copy, text->size};
    cni_buffer_free(&writing.to);
    return status;
}
