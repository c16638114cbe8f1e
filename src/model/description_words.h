/* SPDX-License-Identifier: Apache-2.0
 * The words of a source text, as far as an edit of the text must tell them apart: names, numbers, texts, brackets in
 * pairs.  Comments are left out.  (Reading a text for what it means is formats/source's work.) */
#ifndef CNI_DESCRIPTION_WORDS_H
#define CNI_DESCRIPTION_WORDS_H

#include "model/description.h"

typedef struct cni_word {
    size_t start, end;
    char type;   /* 'n' name or number, 's' text in quotes, otherwise the character itself */
    int partner; /* of a bracket: its pair, -1 where there is none */
} cni_word;

typedef struct cni_words {
    const char *text;
    size_t size;
    cni_word *items;
    int count;
    size_t *lines; /* where they begin */
    int line_count;
} cni_words;

/** Several words: from the first to the last. */
typedef struct cni_phrase {
    int first, last;
} cni_phrase;

cn_status cni_words_read(cni_arena *arena, const char *text, size_t size, cni_words *out, cni_error *error);

/** The words of a span; false when it begins or ends within a word, or is not known. */
bool cni_words_of(const cni_words *words, cni_span span, cni_phrase *out);

/** Type of a word; 0 outside of the text. */
static inline char cni_word_type(const cni_words *words, int index)
{
    return index >= 0 && index < words->count ? words->items[index].type : '\0';
}

bool cni_word_is(const cni_words *words, int index, const char *text);

/** The bracket that is opened round a word; -1: none. */
int cni_words_round(const cni_words *words, int index);

/** The first word behind a bracket that is opened, up to the comma or bracket behind it; false when there is none. */
bool cni_words_item(const cni_words *words, int open, cni_phrase *out);

/** The item behind this one, within the same bracket. */
bool cni_words_next_item(const cni_words *words, int open, cni_phrase *item);

/** Where the line of an offset begins, and whether only blanks stand before the offset there. */
size_t cni_line_start(const cni_words *words, size_t offset);
bool cni_is_first_on_line(const cni_words *words, size_t offset);
/** Where the line of an offset ends, and whether only blanks (no comment) stand behind the offset there. */
size_t cni_line_end(const cni_words *words, size_t offset);
bool cni_is_last_on_line(const cni_words *words, size_t offset);

#endif
