/* SPDX-License-Identifier: Apache-2.0
 * Phases and their taps, and rectangles with zeros around the image. */
#include "graph/ops/taps.h"

#include <stdint.h>
#include <string.h>

int cni_axis_phases(const cni_axis_shape *shape)
{
    return shape->transposed ? shape->stride : 1;
}

size_t cni_axis_bytes(const cni_axis_shape *shape)
{
    return cni_round_up((size_t)cni_axis_phases(shape) * sizeof(cni_phase) + 2 * (size_t)shape->window * sizeof(int));
}

/* Every tap reads from some phase: all together have `window` taps. */
static cni_phase *forward(const cni_axis_shape *shape, cni_phase *phase, int *memory)
{
    *phase = (cni_phase){.count = shape->to,
                         .out_step = 1,
                         .step = shape->stride,
                         .taps = shape->window,
                         .position = memory,
                         .index = memory + shape->window};
    for (int t = 0; t < shape->window; t++) {
        phase->position[t] = t * shape->dilation - shape->padding;
        phase->index[t] = t;
    }
    return phase;
}

static void transposed_phase(const cni_axis_shape *shape, int rest, cni_phase *phase, int *memory)
{
    int64_t stride = shape->stride;
    int first = (int)((rest + stride - shape->padding % stride) % stride);
    *phase = (cni_phase){.count = first < shape->to ? (shape->to - 1 - first) / shape->stride + 1 : 0,
                         .first = first,
                         .out_step = shape->stride,
                         .step = 1};
    for (int t = shape->window - 1; t >= 0; t--) phase->taps += (int64_t)t * shape->dilation % stride == rest;
    phase->position = memory;
    phase->index = memory + phase->taps;
    int at = 0;
    for (int t = shape->window - 1; t >= 0; t--) {
        if ((int64_t)t * shape->dilation % stride != rest) continue;
        phase->position[at] = (int)((first + (int64_t)shape->padding - (int64_t)t * shape->dilation) / stride);
        phase->index[at++] = t;
    }
}

cni_phase *cni_axis_init(const cni_axis_shape *shape, void *memory)
{
    cni_phase *phases = memory;
    int count = cni_axis_phases(shape), *rest = (int *)(phases + count);
    if (!shape->transposed) return forward(shape, phases, rest);
    for (int i = 0; i < count; i++) {
        transposed_phase(shape, i, &phases[i], rest);
        rest += 2 * phases[i].taps;
    }
    return phases;
}

bool cni_phase_dense(const cni_phase *phase)
{
    for (int t = 1; t < phase->taps; t++)
        if (phase->position[t] != phase->position[t - 1] + 1) return false;
    return true;
}

/* Positions ascend, so the taps inside are neighbours. */
static void taps_inside(const cni_phase *phase, int size, int output, int *tap, int *last_tap)
{
    int at = output * phase->step, t = 0;
    while (t < phase->taps && at + phase->position[t] < 0) t++;
    *tap = t;
    while (t < phase->taps && at + phase->position[t] < size) t++;
    *last_tap = t;
}

int cni_phase_segment(const cni_phase *phase, int size, int first, int last, int *tap, int *last_tap)
{
    taps_inside(phase, size, first, tap, last_tap);
    int end = first + 1, next, last_next;
    for (; end < last; end++) {
        taps_inside(phase, size, end, &next, &last_next);
        if (next != *tap || last_next != *last_tap) break;
    }
    return end;
}

bool cni_rectangle_inside(const cni_rectangle *rectangle, int h, int w)
{
    return rectangle->top >= 0 && rectangle->left >= 0 && rectangle->top + rectangle->rows <= h &&
           rectangle->left + rectangle->columns <= w;
}

static void copy_pixels(const cni_rectangle *r, const char *from, size_t pitch, int pixels, size_t real_size, char *to)
{
    size_t run = (size_t)r->channels * real_size;
    if (r->repeat == 1 && pitch == run) {
        memcpy(to, from, run * (size_t)pixels);
        return;
    }
    for (int p = 0; p < pixels; p++, from += pitch) {
        if (r->repeat == 1) {
            memcpy(to, from, run);
            to += run;
            continue;
        }
        for (int k = 0; k < r->channels; k++)
            for (int m = 0; m < r->repeat; m++, to += real_size) memcpy(to, from + (size_t)k * real_size, real_size);
    }
}

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

/* Elements of 4 or 8 bytes; a call for two or three of them would take longer than they do. */
static char *zero(char *to, size_t bytes)
{
    enum { FEW_BYTES = 64 };
    if (bytes > FEW_BYTES) {
        memset(to, 0, bytes);
        return to + bytes;
    }
    for (const char *end = to + bytes; to < end; to += sizeof(float)) memset(to, 0, sizeof(float));
    return to;
}

/* What is right of one row and left of the next is one run of zeros. */
void cni_rectangle_copy(const cni_rectangle *r, const void *image, int h, int w, int c, size_t real_size, void *to)
{
    const size_t pixel = (size_t)r->channels * (size_t)r->repeat * real_size, pitch = (size_t)c * real_size;
    const int left = clamp(-r->left, 0, r->columns), right = clamp(w - r->left, left, r->columns);
    const int top = clamp(-r->top, 0, r->rows), bottom = clamp(h - r->top, top, r->rows);
    const size_t row = pixel * (size_t)r->columns, before = pixel * (size_t)left,
                 after = pixel * (size_t)(r->columns - right), copied = pixel * (size_t)(right - left);
    if (left == right || top == bottom) {
        memset(to, 0, row * (size_t)r->rows);
        return;
    }
    const char *from = (const char *)image + ((size_t)(r->top + top) * (size_t)w + (size_t)(r->left + left)) * pitch +
                       (size_t)r->channel * real_size;
    char *at = zero(to, row * (size_t)top + before);
    for (int i = top; i < bottom; i++, from += (size_t)w * pitch) {
        copy_pixels(r, from, pitch, right - left, real_size, at);
        at = zero(at + copied, after + (i + 1 < bottom ? before : row * (size_t)(r->rows - bottom)));
    }
}
