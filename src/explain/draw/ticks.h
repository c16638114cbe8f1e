/* SPDX-License-Identifier: Apache-2.0
 * Axes: a range, round numbers on it, and how they are written. */
#ifndef CNI_TICKS_H
#define CNI_TICKS_H

#include <stdbool.h>

enum { CNI_MAX_TICKS = 16 };

typedef struct cni_axis {
    double low, high; /* of the values; of their logarithms when `logarithmic` */
    bool logarithmic;
    int count;
    double ticks[CNI_MAX_TICKS]; /* in the values' own measure */
    char texts[CNI_MAX_TICKS][24];
} cni_axis;

/** An axis for values from low to high, with about `wanted` ticks.  Values that are positive and span two decades or
 *  more go on a logarithmic one. */
cni_axis cni_axis_of_values(double low, double high, int wanted);

/** An axis of whole numbers (epochs). */
cni_axis cni_axis_of_numbers(double low, double high, int wanted);

/** Where a value lies, 0 to 1. */
double cni_axis_place(const cni_axis *axis, double value);

#endif
