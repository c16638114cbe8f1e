/* SPDX-License-Identifier: Apache-2.0
 * Numbers as views and findings write them. */
#include "explain/analysis/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *unseen(char *buffer)
{
    strcpy(buffer, "?");
    return buffer;
}

char *cni_show_count(int64_t number, char *buffer)
{
    char digits[24];
    if (number == CNI_UNSEEN) return unseen(buffer);
    const int length = snprintf(digits, sizeof digits, "%" PRIu64, number < 0 ? -(uint64_t)number : (uint64_t)number);
    char *to = buffer;
    if (number < 0) *to++ = '-';
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return buffer;
}

char *cni_show_short(int64_t number, char *buffer)
{
    static const char units[] = {'k', 'M', 'G', 'T', 'P', 'E'};
    if (number == CNI_UNSEEN) return unseen(buffer);
    double scaled = (double)number / 1000;
    size_t unit = 0;
    if (number < 1000 && number > -1000) {
        snprintf(buffer, CNI_FIGURE, "%" PRId64, number);
        return buffer;
    }
    for (; fabs(scaled) >= 999.5 && unit + 1 < sizeof units; unit++) scaled /= 1000;
    snprintf(buffer, CNI_FIGURE, "%.3g%c", scaled, units[unit]);
    return buffer;
}

char *cni_show_bytes(int64_t bytes, char *buffer)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes == CNI_UNSEEN) return unseen(buffer);
    double scaled = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024 && bytes > -1024) {
        snprintf(buffer, CNI_FIGURE, "%" PRId64 " B", bytes);
        return buffer;
    }
    for (; fabs(scaled) >= 1024 && unit < 5; unit++) scaled /= 1024;
    snprintf(buffer, CNI_FIGURE, unit ? "%.2f %s" : "%.1f %s", scaled, units[unit]);
    return buffer;
}

char *cni_show_ratio(int64_t num, int64_t den, char *buffer)
{
    if (num == CNI_UNSEEN || den == CNI_UNSEEN || !den) return unseen(buffer);
    int64_t a = llabs(num), b = llabs(den);
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    const int64_t top = den < 0 ? -num / a : num / a, bottom = llabs(den) / a;
    if (bottom == 1)
        snprintf(buffer, CNI_FIGURE, "%" PRId64, top);
    else if (bottom == 2 || bottom == 4)
        snprintf(buffer, CNI_FIGURE, "%.*f", bottom == 2 ? 1 : 2, (double)top / (double)bottom);
    else
        snprintf(buffer, CNI_FIGURE, "%" PRId64 "/%" PRId64, top, bottom);
    return buffer;
}

char *cni_show_share(double share, char *buffer)
{
    if (!isfinite(share)) return unseen(buffer);
    snprintf(buffer, CNI_FIGURE, "%.1f %%", 100 * share);
    return buffer;
}

char *cni_show_change(double share, char *buffer)
{
    if (!isfinite(share)) return unseen(buffer);
    snprintf(buffer, CNI_FIGURE, fabs(100 * share) < 9.95 ? "%+.1f %%" : "%+.0f %%", 100 * share);
    return buffer;
}

char *cni_show_time(double ms, char *buffer)
{
    if (!isfinite(ms)) return unseen(buffer);
    if (ms < 0.1)
        snprintf(buffer, CNI_FIGURE, "%.3g us", 1e3 * ms);
    else if (ms < 1000)
        snprintf(buffer, CNI_FIGURE, "%.3g ms", ms);
    else
        snprintf(buffer, CNI_FIGURE, "%.2f s", ms / 1000);
    return buffer;
}

char *cni_show_sizes(const cni_shape *shape, const char *by, char *buffer, size_t size)
{
    size_t at = 0;
    if (shape->rank < 2) return strcpy(buffer, shape->rank ? "1" : "?");
    for (int i = 1; i < shape->rank && at < size; i++) {
        const int64_t n = shape->dims[i];
        const char *join = i > 1 ? by : "";
        const int length = n < 0 ? snprintf(buffer + at, size - at, "%s?", join)
                                 : snprintf(buffer + at, size - at, "%s%" PRId64, join, n);
        at += (size_t)length;
    }
    return buffer;
}

char *cni_show_field(const cni_receptive_field *field, char *buffer)
{
    if (field->all) return strcpy(buffer, "all");
    if (field->affine) return cni_show_ratio(field->size, field->unit, buffer);
    if (field->least == CNI_UNSEEN || field->most == CNI_UNSEEN) return unseen(buffer);
    if (field->least == field->most)
        snprintf(buffer, CNI_FIGURE, "%" PRId64, field->most);
    else
        snprintf(buffer, CNI_FIGURE, "%" PRId64 "..%" PRId64, field->least, field->most);
    return buffer;
}

char *cni_show_jump(const cni_receptive_field *field, char *buffer)
{
    if (field->all) return strcpy(buffer, "-");
    return cni_show_ratio(field->jump, field->unit, buffer);
}

bool cni_centre_of(const cni_receptive_field *f, int64_t index, int64_t *num, int64_t *den)
{
    int64_t way, start;
    if (f->all || !f->affine || f->unit < 1 || f->start == CNI_UNSEEN || f->jump == CNI_UNSEEN || f->size == CNI_UNSEEN)
        return false;
    /* A + J * index + (r - 1) / 2, in halves of units */
    if (__builtin_mul_overflow(f->jump, index, &way) || __builtin_add_overflow(f->start, way, &start) ||
        __builtin_mul_overflow(start, 2, &start) || __builtin_add_overflow(start, f->size, &start) ||
        __builtin_sub_overflow(start, f->unit, &start) || f->unit > INT64_MAX / 2)
        return false;
    *num = start;
    *den = 2 * f->unit;
    return true;
}
