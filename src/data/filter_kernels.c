/* SPDX-License-Identifier: Apache-2.0
 * The kernels that have names, and how kernels are read. */
#include "data/filter.h"

#include "base/text.h"
#include "base/value.h"

#include <stdlib.h>
#include <string.h>

typedef struct named {
    const char *name, *numbers, *across, *help; /* across: the second kernel, of a magnitude */
} named;

#define SOBEL_X   "-1 0 1; -2 0 2; -1 0 1"
#define SOBEL_Y   "-1 -2 -1; 0 0 0; 1 2 1"
#define PREWITT_X "-1 0 1; -1 0 1; -1 0 1"
#define PREWITT_Y "-1 -1 -1; 0 0 0; 1 1 1"
#define BOX       "1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9"
#define OUTLINE   "-1 -1 -1; -1 8 -1; -1 -1 -1"
static const named kernels[] = {
    {"identity", "0 0 0; 0 1 0; 0 0 0", NULL, "the picture as it is"},
    {"blur", BOX, NULL, "the mean of nine pixels"},
    {"box", BOX, NULL, "another name of blur"},
    {"gaussian", "1/16 2/16 1/16; 2/16 4/16 2/16; 1/16 2/16 1/16", NULL, "a soft blur, 3x3"},
    {"gaussian5",
     "1/256 4/256 6/256 4/256 1/256; 4/256 16/256 24/256 16/256 4/256; 6/256 24/256 36/256 24/256 6/256; "
     "4/256 16/256 24/256 16/256 4/256; 1/256 4/256 6/256 4/256 1/256",
     NULL, "a softer blur, 5x5"},
    {"sharpen", "0 -1 0; -1 5 -1; 0 -1 0", NULL, "each pixel against its four neighbours"},
    {"emboss", "-2 -1 0; -1 1 1; 0 1 2", NULL, "light from the upper left"},
    {"edges", OUTLINE, NULL, "edges in every direction"},
    {"outline", OUTLINE, NULL, "another name of edges"},
    {"laplacian", "0 1 0; 1 -4 1; 0 1 0", NULL, "the second derivative"},
    {"sobel", SOBEL_X, SOBEL_Y, "strength of edges: the magnitude of sobel-x and sobel-y"},
    {"sobel-x", SOBEL_X, NULL, "change from left to right"},
    {"sobel-y", SOBEL_Y, NULL, "change from top to bottom"},
    {"prewitt", PREWITT_X, PREWITT_Y, "the same with equal weights: the magnitude of both"},
    {"prewitt-x", PREWITT_X, NULL, "change from left to right"},
    {"prewitt-y", PREWITT_Y, NULL, "change from top to bottom"},
};
enum { KERNELS = sizeof kernels / sizeof *kernels };

bool cn_filter_kernel(int index, const char **name, const char **numbers, const char **help)
{
    if (index < 0 || index >= KERNELS) return false;
    if (name) *name = kernels[index].name;
    if (numbers) *numbers = kernels[index].numbers;
    if (help) *help = kernels[index].help;
    return true;
}

/* ---- reading numbers ---- */

static bool read_number(const char *text, size_t length, float *out)
{
    const char *slash = memchr(text, '/', length);
    const size_t head = slash ? (size_t)(slash - text) : length;
    double above, below = 1;
    if (!cni_read_real(text, head, &above)) return false;
    if (slash && (!cni_read_real(slash + 1, length - head - 1, &below) || below == 0)) return false;
    *out = (float)(above / below);
    return true;
}

static cn_status bad_kernel(const char *text, const char *why, cni_error *error)
{
    return cni_fail(error, CN_ERR_INVALID,
                    "kernel \"%.60s\": %s; give a name (sharpen, gaussian, ...) or rows of numbers: "
                    "\"0 -1 0; -1 5 -1; 0 -1 0\"",
                    text, why);
}

static cn_status read_rows(cni_arena *arena, const char *text, cni_filter *out, float **numbers, cni_error *error)
{
    int columns = 0, rows = 0;
    *numbers = CNI_NEW_ARRAY(arena, float, (size_t)CNI_MAX_FILTER *CNI_MAX_FILTER);
    if (!*numbers) return cni_no_memory(error, "a kernel");
    for (const char *at = text; *at;) {
        const size_t length = strcspn(at, " ,;\t\n");
        if (length) {
            if (rows == CNI_MAX_FILTER || columns == CNI_MAX_FILTER)
                return bad_kernel(text, "more than 99 rows or columns", error);
            if (!read_number(at, length, *numbers + (rows * (out->columns ? out->columns : CNI_MAX_FILTER) + columns)))
                return bad_kernel(text, cni_arena_printf(arena, "\"%.*s\" is no number", (int)length, at), error);
            columns++;
            if (out->columns && columns > out->columns) return bad_kernel(text, "rows of different lengths", error);
        }
        at += length;
        at += strspn(at, " ,\t\n");
        const bool end = !*at || *at == ';';
        if (end && columns) {
            if (out->columns && columns != out->columns) return bad_kernel(text, "rows of different lengths", error);
            out->columns = columns;
            columns = 0;
            rows++;
        }
        if (*at == ';') at++;
    }
    out->rows = rows;
    return rows ? CN_OK : bad_kernel(text, "no numbers", error);
}

static const char *nearest_kernel(const char *text)
{
    const char *names[KERNELS];
    for (int i = 0; i < KERNELS; i++) names[i] = kernels[i].name;
    return cni_nearest(text, names, KERNELS);
}

cn_status cni_filter_read(cni_arena *arena, const char *text, cni_filter *out, cni_error *error)
{
    *out = (cni_filter){.kernels = 1};
    for (int i = 0; i < KERNELS; i++) {
        if (strcmp(kernels[i].name, text) != 0) continue;
        out->name = kernels[i].name;
        CN_TRY(read_rows(arena, kernels[i].numbers, out, out->numbers, error));
        if (!kernels[i].across) return CN_OK;
        out->kernels = 2;
        return read_rows(arena, kernels[i].across, out, out->numbers + 1, error);
    }
    const char *near = nearest_kernel(text);
    if (near) return bad_kernel(text, cni_arena_printf(arena, "did you mean %s?", near), error);
    return read_rows(arena, text, out, out->numbers, error);
}
