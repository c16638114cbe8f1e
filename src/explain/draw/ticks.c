/* SPDX-License-Identifier: Apache-2.0
 * Round numbers for axes: steps of 1, 2 or 5 times a power of ten. */
#include "explain/draw/ticks.h"

#include <math.h>
#include <stdio.h>

static double round_step(double span, int wanted)
{
    double rough = span / wanted, power = pow(10, floor(log10(rough)));
    static const double steps[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++)
        if (steps[i] * power >= rough * 0.999) return steps[i] * power;
    return 10 * power;
}

static void add_tick(cni_axis *axis, double value, int decimals)
{
    if (axis->count == CNI_MAX_TICKS) return;
    double size = fabs(value);
    char *text = axis->texts[axis->count];
    if (size != 0 && (size >= 1e6 || decimals > 6))
        snprintf(text, sizeof *axis->texts, "%.3g", value);
    else
        snprintf(text, sizeof *axis->texts, "%.*f", decimals, value);
    axis->ticks[axis->count++] = value;
}

static void add_steps(cni_axis *axis, double step)
{
    int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    for (double i = ceil(axis->low / step - 1e-9); i * step <= axis->high + 1e-9 * step; i++)
        add_tick(axis, i * step + 0.0, decimals);
}

/* 0.001, 0.01, ...; between them 2 and 5 too where there is room. */
static void add_decades(cni_axis *axis, int wanted)
{
    double decades = axis->high - axis->low;
    int every = (int)ceil(decades / wanted);
    for (int power = (int)floor(axis->low); power <= (int)ceil(axis->high); power++) {
        if (every > 1 && power % every) continue;
        for (int i = 0; i < (decades < 3.5 ? 3 : 1); i++) {
            double value = (i == 0 ? 1 : i == 1 ? 2 : 5) * pow(10, power), place = log10(value);
            if (place < axis->low - 1e-9 || place > axis->high + 1e-9 || axis->count == CNI_MAX_TICKS) continue;
            snprintf(axis->texts[axis->count], sizeof *axis->texts, "%g", value);
            axis->ticks[axis->count++] = value;
        }
    }
}

cni_axis cni_axis_of_values(double low, double high, int wanted)
{
    cni_axis axis = {0};
    if (low > 0 && high / low >= 100) {
        double margin = 0.04 * log10(high / low);
        axis.logarithmic = true;
        axis.low = log10(low) - margin;
        axis.high = log10(high) + margin;
        add_decades(&axis, wanted);
        return axis;
    }
    double span = high - low;
    if (span <= 0 || span < 1e-12 * fabs(high)) span = high != 0 ? fabs(high) * 0.1 : 1; /* all the same */
    double bottom = low - 0.05 * span, top = high + 0.05 * span;
    if (high <= low) bottom = low - span, top = high + span;
    if (low >= 0 && low < 0.3 * span) bottom = 0;
    axis.low = low >= 0 && bottom < 0 ? 0 : bottom;
    axis.high = top;
    add_steps(&axis, round_step(axis.high - axis.low, wanted));
    return axis;
}

cni_axis cni_axis_of_numbers(double low, double high, int wanted)
{
    cni_axis axis = {.low = low, .high = high};
    double step = round_step(high > low ? high - low : 1, wanted);
    if (high <= low) axis.low -= 0.5, axis.high += 0.5;
    add_steps(&axis, step < 1 ? 1 : step);
    if (axis.count && axis.ticks[0] - low >= 0.5 * step) add_tick(&axis, low, 0); /* the first one, too */
    double margin = 0.02 * (axis.high - axis.low); /* room for the marks of the first and the last */
    axis.low -= margin;
    axis.high += margin;
    return axis;
}

double cni_axis_place(const cni_axis *axis, double value)
{
    double at = axis->logarithmic ? log10(value) : value;
    return (at - axis->low) / (axis->high - axis->low);
}
