/* SPDX-License-Identifier: Apache-2.0
 * Tables of choices: sorted rows. */
#include "graph/ops/choices.h"

#include <stdlib.h>
#include <string.h>

static int order(const int *a, const int *b, int count)
{
    for (int i = 0; i < count; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static void key_of(const cni_choice *c, int key[16])
{
    const cni_conv_shape *s = &c->shape;
    const int values[16] = {(int)s->pass,   c->batch,       s->from[0],   s->from[1],   s->from[2],    s->to[0],
                            s->to[1],       s->to[2],       s->window[0], s->window[1], s->strides[0], s->strides[1],
                            s->dilation[0], s->dilation[1], s->groups,    s->keeps};
    memcpy(key, values, sizeof values);
}

int cni_choice_order(const cni_choice *a, const cni_choice *b)
{
    int keys[2][16];
    key_of(a, keys[0]);
    key_of(b, keys[1]);
    return order(keys[0], keys[1], 16);
}

/* The first row that does not stand before this one. */
static int place_of(const cni_choices *choices, const cni_choice *choice)
{
    int low = 0, high = choices->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (cni_choice_order(&choices->rows[middle], choice) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const cni_choices *choices, int at, const cni_choice *choice)
{
    return at < choices->count && cni_choice_order(&choices->rows[at], choice) == 0;
}

const cni_choice *cni_choices_find(const cni_choices *choices, const cni_conv_shape *shape, int batch)
{
    const cni_choice wanted = {.shape = *shape, .batch = batch};
    const int at = place_of(choices, &wanted);
    return is_at(choices, at, &wanted) ? &choices->rows[at] : NULL;
}

bool cni_choices_put(cni_choices *choices, const cni_choice *choice)
{
    const int at = place_of(choices, choice);
    if (is_at(choices, at, choice)) {
        choices->rows[at] = *choice;
        return true;
    }
    if (choices->count == choices->capacity) {
        const int capacity = choices->capacity ? 2 * choices->capacity : 32;
        cni_choice *rows = realloc(choices->rows, (size_t)capacity * sizeof *rows);
        if (!rows) return false;
        choices->rows = rows;
        choices->capacity = capacity;
    }
    memmove(choices->rows + at + 1, choices->rows + at, (size_t)(choices->count - at) * sizeof *choices->rows);
    choices->rows[at] = *choice;
    choices->count++;
    return true;
}

void cni_choices_clear(cni_choices *choices)
{
    free(choices->rows);
    choices->rows = NULL;
    choices->count = choices->capacity = 0;
}
