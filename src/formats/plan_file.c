/* SPDX-License-Identifier: Apache-2.0
 * Plan files. */
#include "formats/plan_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1, MOST_BYTES = 1 << 20, MOST_WORDS = 16, MOST_SIZE = 1 << 20, PLACE = 400, SHOWN = 60 };

/* In the order of a row; times follow. */
enum { PASS, READS, WRITES, WINDOW, STRIDE, BATCH, WEIGHTS, ALGORITHM, WORDS };

static const char *const passes[CNI_PASSES] = {"forward", "data", "weights"};

/* ---- reading ---- */

typedef struct word {
    const char *at;
    size_t size;
} word;

typedef struct reader {
    const char *place; /* "file: line 3" */
    cni_error *error;
} reader;

static bool is_word(word w, const char *text)
{
    return strlen(text) == w.size && memcmp(w.at, text, w.size) == 0;
}

static cn_status unexpected(const reader *r, const char *what, word w, const char *expected)
{
    return cni_fail(r->error, CN_ERR_FORMAT, "%s: %s is \"%.*s\"%s; expected %s", r->place, what,
                    w.size < SHOWN ? (int)w.size : SHOWN, w.at, w.size > SHOWN ? "..." : "", expected);
}

/* A # begins what is for people. */
static int split(const char *line, size_t size, word words[MOST_WORDS + 1])
{
    int count = 0;
    for (size_t i = 0; i < size && line[i] != '#';) {
        const size_t first = i;
        while (i < size && !memchr(" \t\r#", line[i], 4)) i++;
        if (i > first && count <= MOST_WORDS) words[count++] = (word){line + first, i - first};
        if (i == first) i++;
    }
    return count;
}

/* "56x56x64" */
static bool read_sizes(word w, int *sizes, int count)
{
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        if (i && (at == w.size || w.at[at++] != 'x')) return false;
        const size_t first = at;
        int value = 0;
        while (at < w.size && w.at[at] >= '0' && w.at[at] <= '9' && value <= MOST_SIZE)
            value = 10 * value + (w.at[at++] - '0');
        if (at == first || value < 1 || value > MOST_SIZE) return false;
        sizes[i] = value;
    }
    return at == w.size;
}

static bool read_name(word w, const char *const *names, int count, int *index)
{
    for (*index = 0; *index < count; ++*index)
        if (is_word(w, names[*index])) return true;
    return false;
}

static bool read_algorithm(word w, cni_algorithm *algorithm)
{
    for (int i = 0; i < CNI_ALGORITHMS; i++)
        if (is_word(w, cni_algorithm_rows[i].name)) {
            *algorithm = (cni_algorithm)i;
            return true;
        }
    return false;
}

/* "direct, F(4x4,3x3), ..." */
static cn_status unknown_algorithm(const reader *r, word w)
{
    char names[200];
    size_t used = 0;
    for (int i = 0; i < CNI_ALGORITHMS && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                 !i                        ? ""
                                 : i == CNI_ALGORITHMS - 1 ? " or "
                                                           : ", ",
                                 cni_algorithm_rows[i].name);
    return unexpected(r, "the algorithm", w, names);
}

/* "direct=4012.5": digits, perhaps a point and more. */
static bool read_time(word w, cni_choice *choice)
{
    const char *equals = memchr(w.at, '=', w.size);
    cni_algorithm algorithm;
    if (!equals || !read_algorithm((word){w.at, (size_t)(equals - w.at)}, &algorithm)) return false;
    double value = 0, scale = 0;
    int digits = 0;
    for (const char *c = equals + 1; c < w.at + w.size; c++) {
        if (*c == '.' && scale == 0) {
            scale = 1;
            continue;
        }
        if (*c < '0' || *c > '9' || ++digits > 15) return false;
        value = 10 * value + (*c - '0');
        scale *= 10;
    }
    choice->microseconds[algorithm] = scale > 0 ? value / scale : value;
    return digits > 0;
}

static cn_status read_shape(const reader *r, const word *words, cni_conv_shape *s)
{
    static const char *const kept[] = {"anew", "kept"};
    int pass = 0, keeps = 0;
    if (!read_name(words[PASS], passes, CNI_PASSES, &pass))
        return unexpected(r, "the pass", words[PASS], "forward, data or weights");
    if (!read_sizes(words[READS], s->from, 3))
        return unexpected(r, "the image that is read", words[READS], "height x width x channels, as 56x56x64");
    if (!read_sizes(words[WRITES], s->to, 3))
        return unexpected(r, "the image that is written", words[WRITES], "height x width x channels, as 56x56x64");
    if (!read_sizes(words[WINDOW], s->window, 2)) return unexpected(r, "the window", words[WINDOW], "sizes as 3x3");
    if (!read_sizes(words[STRIDE], s->strides, 2)) return unexpected(r, "the stride", words[STRIDE], "sizes as 1x1");
    if (pass == CNI_PASS_WEIGHTS ? !is_word(words[WEIGHTS], "-") : !read_name(words[WEIGHTS], kept, 2, &keeps))
        return unexpected(r, "what is done with weights", words[WEIGHTS],
                          pass == CNI_PASS_WEIGHTS ? "- for this pass" : "kept or anew");
    s->pass = (cni_conv_pass)pass;
    s->keeps = keeps == 1;
    return CN_OK;
}

static cn_status read_words(const reader *r, const word *words, int count, cni_choice *choice)
{
    if (count < WORDS || count > MOST_WORDS)
        return cni_fail(r->error, CN_ERR_FORMAT,
                        "%s: %s%d words; expected %d (pass, image read, image written, window, stride, batch, weights, "
                        "algorithm) and times",
                        r->place, count > MOST_WORDS ? "more than " : "", count > MOST_WORDS ? MOST_WORDS : count,
                        WORDS);
    *choice = (cni_choice){.shape = {.dilation = {1, 1}, .groups = 1}};
    CN_TRY(read_shape(r, words, &choice->shape));
    if (!read_sizes(words[BATCH], &choice->batch, 1))
        return unexpected(r, "the batch", words[BATCH], "a whole number from 1 to 1048576");
    if (!read_algorithm(words[ALGORITHM], &choice->algorithm)) return unknown_algorithm(r, words[ALGORITHM]);
    for (int i = WORDS; i < count; i++)
        if (!read_time(words[i], choice)) return unexpected(r, "a time", words[i], "ALGORITHM=MICROSECONDS");
    if (!cni_algorithm_serves(choice->algorithm, &choice->shape))
        return cni_fail(r->error, CN_ERR_INVALID,
                        "%s: %s does not serve the pass %s with a window of %dx%d and stride %dx%d", r->place,
                        cni_algorithm_rows[choice->algorithm].name, passes[choice->shape.pass], choice->shape.window[0],
                        choice->shape.window[1], choice->shape.strides[0], choice->shape.strides[1]);
    return CN_OK;
}

cn_status cni_plan_row_read(const char *row, size_t size, const char *place, cni_choice *choice, cni_error *error)
{
    word words[MOST_WORDS + 1];
    const reader r = {place, error};
    return read_words(&r, words, split(row, size, words), choice);
}

static cn_status read_head(const reader *r, const word *words, int count, const char *isa)
{
    if (count < 4 || !is_word(words[0], "cornu") || !is_word(words[1], "plan"))
        return cni_fail(r->error, CN_ERR_FORMAT, "%s: this is no plan file; expected \"cornu plan %d %s\"", r->place,
                        VERSION, isa);
    int version;
    if (!read_sizes(words[2], &version, 1) || version != VERSION)
        return unexpected(r, "the version", words[2], "1: a newer Cornu wrote it, perhaps");
    if (is_word(words[3], isa)) return CN_OK;
    return cni_fail(r->error, CN_ERR_INVALID,
                    "%s: choices for the instruction set \"%.*s\"; here it is %s: measure a file of its own", r->place,
                    words[3].size < SHOWN ? (int)words[3].size : SHOWN, words[3].at, isa);
}

static cn_status add_row(const reader *r, const word *words, int count, cni_choices *choices)
{
    cni_choice choice;
    CN_TRY(read_words(r, words, count, &choice));
    if (cni_choices_find(choices, &choice.shape, choice.batch))
        return cni_fail(r->error, CN_ERR_FORMAT, "%s: the same convolution stands in an earlier line", r->place);
    return cni_choices_put(choices, &choice) ? CN_OK : cni_no_memory(r->error, "a plan file");
}

cn_status cni_plan_read(cni_bytes file, const char *name, const char *isa, cni_choices *choices, cni_error *error)
{
    char place[PLACE];
    const reader r = {place, error};
    const char *line = (const char *)file.data, *end = line + file.size;
    bool begun = false;
    for (int number = 1; line < end; number++) {
        word words[MOST_WORDS + 1];
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const size_t size = (size_t)((stop ? stop : end) - line);
        const int count = split(line, size, words);
        snprintf(place, sizeof place, "%.300s: line %d", name, number);
        if (memchr(line, 0, size)) return cni_fail(error, CN_ERR_FORMAT, "%s: a zero byte; expected text", place);
        if (count) {
            CN_TRY(begun ? add_row(&r, words, count, choices) : read_head(&r, words, count, isa));
            begun = true;
        }
        line = stop ? stop + 1 : end;
    }
    if (begun) return CN_OK;
    return cni_fail(error, CN_ERR_FORMAT, "%s: is empty; expected a line \"cornu plan %d %s\"", name, VERSION, isa);
}

cn_status cni_plan_file_read(const char *path, const char *isa, cni_choices *choices, cni_error *error)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return cni_fail(error, CN_ERR_IO,
                        "%s: there is no such plan file; --plan measure makes it (CN_PLAN_MEASURE, cn_plan_file_save)",
                        path);
    cni_arena arena = {0};
    cni_bytes file;
    cn_status status = cni_file_read(&arena, path, MOST_BYTES, &file, error);
    if (!status) status = cni_plan_read(file, path, isa, choices, error);
    cni_arena_free(&arena);
    return status;
}

/* ---- writing ---- */

static void add(cni_buffer *buffer, int width, const char *text)
{
    cni_buffer_text(buffer, text);
    cni_buffer_text(buffer, " ");
    for (int i = (int)strlen(text) + 1; i < width; i++) cni_buffer_text(buffer, " ");
}

static const char *sizes(const int *values, int count, char text[48])
{
    size_t used = 0;
    for (int i = 0; i < count; i++) used += (size_t)snprintf(text + used, 48 - used, "%s%d", i ? "x" : "", values[i]);
    return text;
}

void cni_plan_row_write(cni_buffer *buffer, const cni_choice *c)
{
    const cni_conv_shape *s = &c->shape;
    char text[48];
    add(buffer, 8, passes[s->pass]);
    add(buffer, 12, sizes(s->from, 3, text));
    add(buffer, 12, sizes(s->to, 3, text));
    add(buffer, 7, sizes(s->window, 2, text));
    add(buffer, 7, sizes(s->strides, 2, text));
    add(buffer, 6, sizes(&c->batch, 1, text));
    add(buffer, 8, s->pass == CNI_PASS_WEIGHTS ? "-" : s->keeps ? "kept" : "anew");
    cni_buffer_text(buffer, cni_algorithm_rows[c->algorithm].name);
    for (int a = 0; a < CNI_ALGORITHMS; a++) {
        if (c->microseconds[a] <= 0) continue;
        const uint64_t tenths = c->microseconds[a] < 1e12 ? (uint64_t)llround(10 * c->microseconds[a]) : 0;
        char time[64]; /* a decimal point, whatever the program's locale says */
        snprintf(time, sizeof time, " %s=%" PRIu64 ".%" PRIu64, cni_algorithm_rows[a].name, tenths / 10, tenths % 10);
        cni_buffer_text(buffer, time);
    }
}

void cni_plan_write(cni_buffer *buffer, const char *isa, const cni_choices *choices)
{
    char head[64];
    snprintf(head, sizeof head, "cornu plan %d %s\n", VERSION, isa);
    cni_buffer_text(buffer, head);
    cni_buffer_text(buffer,
                    "# pass  reads       writes      window stride batch weights algorithm, microseconds of each\n");
    for (int i = 0; i < choices->count; i++) {
        cni_plan_row_write(buffer, &choices->rows[i]);
        cni_buffer_text(buffer, "\n");
    }
}

cn_status cni_plan_file_write(const char *path, const char *isa, const cni_choices *choices, cni_error *error)
{
    cni_buffer buffer = {0};
    cni_plan_write(&buffer, isa, choices);
    cn_status status =
        buffer.failed ? cni_no_memory(error, path) : cni_file_write(path, cni_buffer_bytes(&buffer), error);
    cni_buffer_free(&buffer);
    return status;
}
