/* SPDX-License-Identifier: Apache-2.0
 * Published networks, as lines for describe.h. */
#ifndef NETWORKS_H
#define NETWORKS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/** What text is written to: grows, and is freed by network_free. */
typedef struct network {
    char *text;
    size_t size;
    FILE *to;
    int lines;
} network;

static void network_begin(network *n)
{
    *n = (network){0};
    n->to = open_memstream(&n->text, &n->size);
}

__attribute__((format(printf, 2, 3))) static void line(network *n, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (n->lines++) fputc('\n', n->to);
    vfprintf(n->to, format, arguments);
    va_end(arguments);
}

static const char *network_end(network *n)
{
    fclose(n->to);
    return n->text;
}

static inline const char *vgg16(network *n, int size, bool top)
{
    static const int widths[] = {64, 128, 256, 512, 512}, depths[] = {2, 2, 3, 3, 3};
    network_begin(n);
    line(n, "Input(shape=(%d, %d, 3))", size, size);
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < depths[i]; j++)
            line(n, "conv%d_%d: Conv2D(%d, 3, padding='same', activation='relu')", i + 1, j + 1, widths[i]);
        line(n, "pool%d: MaxPooling2D(2)", i + 1);
    }
    if (!top) return network_end(n);
    line(n, "Flatten()");
    line(n, "Dense(4096, activation='relu')");
    line(n, "Dense(4096, activation='relu')");
    line(n, "Dense(1000, activation='softmax')");
    return network_end(n);
}

/** Where a block halves its map: in its first 1x1 (Keras), in its 3x3 (torchvision), or in the 3x3 of its last unit
 *  (TF-Slim). */
typedef enum resnet_style { RESNET_KERAS, RESNET_TORCHVISION, RESNET_SLIM } resnet_style;

static void resnet_convolution(network *n, resnet_style style, const char *name, const char *from, int filters, int k,
                               int stride, bool activated)
{
    const char *bias = style == RESNET_KERAS ? "" : ", use_bias=False";
    if (k > 1 && (style == RESNET_TORCHVISION || stride > 1)) {
        line(n, "%s_pad <- %s: ZeroPadding2D(%d)", name, from, k / 2);
        line(n, "%s: Conv2D(%d, %d, strides=%d%s)", name, filters, k, stride, bias);
    } else {
        line(n, "%s <- %s: Conv2D(%d, %d, strides=%d, padding='same'%s)", name, from, filters, k, stride, bias);
    }
    line(n, "%s_bn: BatchNormalization()", name);
    if (activated) line(n, "%s_relu: ReLU()", name);
}

static void resnet_unit(network *n, resnet_style style, const char *name, const char *from, int filters, int stride,
                        bool first)
{
    char a[64], b[64], c[64], shortcut[64], last[80];
    snprintf(a, sizeof a, "%s_1", name);
    snprintf(b, sizeof b, "%s_2", name);
    snprintf(c, sizeof c, "%s_3", name);
    snprintf(shortcut, sizeof shortcut, "%s_0", name);
    resnet_convolution(n, style, a, from, filters, 1, style == RESNET_KERAS ? stride : 1, true);
    snprintf(last, sizeof last, "%s_relu", a);
    resnet_convolution(n, style, b, last, filters, 3, style == RESNET_KERAS ? 1 : stride, true);
    snprintf(last, sizeof last, "%s_relu", b);
    resnet_convolution(n, style, c, last, 4 * filters, 1, 1, false);
    snprintf(last, sizeof last, "%s", from);
    if (first) {
        resnet_convolution(n, style, shortcut, from, 4 * filters, 1, stride, false);
        snprintf(last, sizeof last, "%s_bn", shortcut);
    } else if (stride > 1) {
        line(n, "%s <- %s: MaxPooling2D(1, %d)", shortcut, from, stride);
        snprintf(last, sizeof last, "%s", shortcut);
    }
    line(n, "%s_add <- %s, %s_bn: Add()", name, last, c);
    line(n, "%s: ReLU()", name);
}

static inline const char *resnet50(network *n, int size, resnet_style style)
{
    static const int depths[] = {3, 4, 6, 3};
    char from[32] = "pool", name[32];
    network_begin(n);
    line(n, "Input(shape=(%d, %d, 3))", size, size);
    line(n, "stem_pad: ZeroPadding2D(3)");
    line(n, "stem: Conv2D(64, 7, strides=2%s)", style == RESNET_KERAS ? "" : ", use_bias=False");
    line(n, "BatchNormalization()");
    line(n, "stem_relu: ReLU()");
    if (style != RESNET_SLIM) line(n, "pool_pad: ZeroPadding2D(1)");
    line(n, "pool: MaxPooling2D(3, strides=2%s)", style == RESNET_SLIM ? ", padding='same'" : "");
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < depths[i]; j++) {
            const bool halves = style == RESNET_SLIM ? i < 3 && j == depths[i] - 1 : i > 0 && j == 0;
            snprintf(name, sizeof name, "b%du%d", i + 1, j + 1);
            resnet_unit(n, style, name, from, 64 << i, halves ? 2 : 1, j == 0);
            snprintf(from, sizeof from, "%s", name);
        }
    line(n, "GlobalAveragePooling2D()");
    line(n, "Dense(1000, activation='softmax')");
    return network_end(n);
}

/** `padded`: with one row of zeros on each side, as PyTorch users write it. */
static inline const char *mobilenet(network *n, int size, bool padded)
{
    static const int filters[] = {64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024};
    const char *same = padded ? "" : ", padding='same'";
    network_begin(n);
    line(n, "Input(shape=(%d, %d, 3))", size, size);
    if (padded) line(n, "ZeroPadding2D(1)");
    line(n, "Conv2D(32, 3, strides=2, use_bias=False%s)", same);
    line(n, "BatchNormalization()");
    line(n, "conv0: ReLU(6.)");
    for (int i = 0; i < 13; i++) {
        const bool halves = i == 1 || i == 3 || i == 5 || i == 11;
        if (padded) line(n, "ZeroPadding2D(1)");
        line(n, "DepthwiseConv2D(3, strides=%d, use_bias=False%s)", halves ? 2 : 1, same);
        line(n, "BatchNormalization()");
        line(n, "ReLU(6.)");
        line(n, "Conv2D(%d, 1, use_bias=False)", filters[i]);
        line(n, "BatchNormalization()");
        line(n, "conv%d: ReLU(6.)", i + 1);
    }
    line(n, "GlobalAveragePooling2D()");
    line(n, "Dense(1000, activation='softmax')");
    return network_end(n);
}

/** ResNet-20 for images of 32x32, 3 units in each of 3 stages. */
static inline const char *resnet20(network *n, int size, bool padded)
{
    char from[32] = "stem", name[32];
    network_begin(n);
    line(n, "Input(shape=(%d, %d, 3))", size, size);
    line(n, "stem: Conv2D(16, 3, padding='same')");
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            const int stride = i && !j ? 2 : 1, filters = 16 << i;
            const char *same = padded ? "" : ", padding='same'", *shortcut = from;
            snprintf(name, sizeof name, "s%du%d", i + 1, j + 1);
            line(n, "%s_in <- %s: ReLU()", name, from);
            if (padded) line(n, "ZeroPadding2D(1)");
            line(n, "Conv2D(%d, 3, strides=%d%s)", filters, stride, same);
            if (padded) line(n, "ZeroPadding2D(1)");
            line(n, "%s_out: Conv2D(%d, 3%s)", name, filters, same);
            if (stride > 1) {
                line(n, "shortcut <- %s: Conv2D(%d, 1, strides=2%s)", from, filters, same);
                shortcut = "shortcut";
            }
            line(n, "%s <- %s, %s_out: Add()", name, shortcut, name);
            snprintf(from, sizeof from, "%s", name);
        }
    return network_end(n);
}

#endif
