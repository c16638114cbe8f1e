/* SPDX-License-Identifier: Apache-2.0
 * Matrices with few columns, for the vector sources: some rows that follow each other are taken for one long row, whose
 * columns are whole vectors, and what there is for each column is repeated as often.  Everything is static. */
#ifndef CNI_JOINED_ROWS_H
#define CNI_JOINED_ROWS_H

#include "kernels/vector.h"

#include <stddef.h>

enum { JOINED_COLUMNS = 512, ENOUGH_COLUMNS = 8 * LANES };

/* How many of `rows` rows are joined: 1 where nothing is won. */
static inline size_t joined_rows(size_t rows, size_t c)
{
    size_t whole = LANES; /* rows that are whole vectors */
    for (size_t left = c; left % 2 == 0 && whole > 1; left /= 2) whole /= 2;
    size_t count = whole;
    while (count * c < ENOUGH_COLUMNS) count += whole;
    return c == 0 || c >= ENOUGH_COLUMNS || count * c > JOINED_COLUMNS || rows < 2 * count ? 1 : count;
}

/* Writes the c numbers `times` times and answers where they stand; NULL stays NULL, and once is enough where it is. */
static inline const float *repeated(const float *from, size_t c, size_t times, float *to)
{
    if (!from || times == 1) return from;
    for (size_t i = 0; i < times; i++) memcpy(to + i * c, from, c * sizeof *to);
    return to;
}

#endif
