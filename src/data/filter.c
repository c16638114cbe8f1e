/* SPDX-License-Identifier: Apache-2.0
 * Filters: the picture gets a border, then Conv2D goes over each channel. */
#include "data/filter.h"

#include "base/take.h"
#include "data/dataset.h"

#include <math.h>
#include <string.h>

/* ---- borders ---- */

/* Which cell of 0..n-1 a cell outside repeats; -1: a zero. */
typedef int border_rule(int i, int n);

static int at_edge(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

static int at_zero(int i, int n)
{
    return i >= 0 && i < n ? i : -1;
}

/* ... 2 1 | 0 1 2 ... : the edge itself is not repeated. */
static int at_mirror(int i, int n)
{
    return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i;
}

static const struct border {
    const char *name;
    border_rule *rule; /* NULL: no border, the result is smaller */
} borders[] = {{"edge", at_edge}, {"zero", at_zero}, {"reflect", at_mirror}, {"valid", NULL}};

static const struct border *find_border(const char *name, cni_error *error)
{
    for (size_t i = 0; i < sizeof borders / sizeof *borders; i++)
        if (strcmp(borders[i].name, name ? name : "edge") == 0) return borders + i;
    cni_fail(error, CN_ERR_INVALID, "border \"%.20s\": expected edge, zero, reflect or valid", name);
    return NULL;
}

static cn_status check_size(const cni_filter *filter, const struct border *border, const cni_image *image,
                            cni_error *error)
{
    const int least_height = border->rule ? filter->rows / 2 + 1 : filter->rows;
    const int least_width = border->rule ? filter->columns / 2 + 1 : filter->columns;
    if (border->rule && border->rule != at_mirror) return CN_OK;
    if (image->height >= least_height && image->width >= least_width) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "a %dx%d kernel with border %s needs %dx%d pixels at least; there are %dx%d",
                    filter->rows, filter->columns, border->name, least_height, least_width, image->height,
                    image->width);
}

/* ---- the convolution ---- */

typedef struct filtering {
    const cni_filter *filter;
    const cni_image *image;
    const struct border *border;
    int top, left;     /* cells before the picture, as Keras' 'same' puts them */
    int height, width; /* with the border */
} filtering;

static filtering begin(const cni_filter *filter, const struct border *border, const cni_image *image)
{
    filtering f = {.filter = filter, .image = image, .border = border, .height = image->height, .width = image->width};
    if (!border->rule) return f;
    f.top = (filter->rows - 1) / 2;
    f.left = (filter->columns - 1) / 2;
    f.height += filter->rows - 1;
    f.width += filter->columns - 1;
    return f;
}

/* One channel, [height, width]. */
static void spread(const filtering *f, int channel, float *to)
{
    const cni_image *image = f->image;
    for (int y = 0; y < f->height; y++) {
        const int row = f->border->rule ? f->border->rule(y - f->top, image->height) : y;
        for (int x = 0; x < f->width; x++, to++) {
            const int column = f->border->rule ? f->border->rule(x - f->left, image->width) : x;
            const size_t at = ((size_t)row * (size_t)image->width + (size_t)column) * (size_t)image->channels;
            *to = row < 0 || column < 0 ? 0.0F : (float)image->pixels[at + (size_t)channel];
        }
    }
}

static cn_model *convolution(cn_context *context, cni_arena *arena, const filtering *f)
{
    const cni_filter *filter = f->filter;
    cn_model *model = cn_sequential_in(context, "filter");
    if (!model) return NULL;
    const int taps = filter->rows * filter->columns;
    float *kernel = CNI_NEW_ARRAY(arena, float, (size_t)(taps * filter->kernels));
    for (int i = 0; kernel && i < taps * filter->kernels; i++)
        kernel[i] = filter->numbers[i % filter->kernels][i / filter->kernels];
    cn_add(model, cn_input({f->height, f->width, 1}));
    cn_add(model, cn_conv2d(filter->kernels, {filter->rows, filter->columns}, .no_bias = true,
                            .data_format = CN_CHANNELS_LAST));
    const cn_array weights = {kernel, CN_FLOAT32, 4, {filter->rows, filter->columns, 1, filter->kernels}};
    if (kernel && !cn_failed(model)) cn_set_weight(model, 0, weights);
    return model;
}

static uint8_t to_pixel(double value)
{
    const double rounded = rint(value);
    return rounded <= 0 ? 0 : rounded >= 255 ? 255 : (uint8_t)rounded;
}

/* From [height, width, kernels] to the pixels of one channel. */
static void collect(const filtering *f, int channel, const float *from, cni_image *out)
{
    const int kernels = f->filter->kernels;
    const size_t count = (size_t)out->height * (size_t)out->width;
    for (size_t i = 0; i < count; i++, from += kernels)
        out->pixels[i * (size_t)out->channels + (size_t)channel] =
            to_pixel(kernels == 1 ? (double)from[0] : hypot((double)from[0], (double)from[1]));
}

/* The alpha of what is left of the picture. */
static void collect_alpha(const filtering *f, const uint8_t *alpha, cni_image *out)
{
    const int top = f->border->rule ? 0 : (f->filter->rows - 1) / 2;
    const int left = f->border->rule ? 0 : (f->filter->columns - 1) / 2;
    uint8_t *to = out->pixels + out->channels - 1;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++, to += out->channels)
            *to = alpha[(size_t)(y + top) * (size_t)f->image->width + (size_t)(x + left)];
}

/* Channel after channel: a large picture takes memory enough. */
static cn_status convolve(cni_arena *arena, const filtering *f, const uint8_t *alpha, cni_image *out, cn_model *model,
                          cni_error *error)
{
    const int channels = f->image->channels;
    float *x = cni_arena_array(arena, (size_t)f->height, (size_t)f->width * sizeof *x);
    out->height = f->height - f->filter->rows + 1;
    out->width = f->width - f->filter->columns + 1;
    out->channels = channels + (alpha != NULL);
    out->pixels = cni_arena_array(arena, (size_t)out->height * (size_t)out->width, (size_t)out->channels);
    if (!model || !x || !out->pixels) return cni_no_memory(error, "a filtered picture");
    const cn_array image = {x, CN_FLOAT32, 4, {1, f->height, f->width, 1}};
    for (int c = 0; c < channels; c++) {
        spread(f, c, x);
        const cn_array *y = cn_failed(model) ? NULL : cn_predict(model, image);
        if (!y) return cni_fail(error, cn_error_status(model), "%s", cn_error(model));
        collect(f, c, y->data, out);
    }
    if (alpha) collect_alpha(f, alpha, out);
    return CN_OK;
}

cn_status cni_filter_run(cni_arena *arena, const cni_filter *filter, const char *border, const cni_image *image,
                         const uint8_t *alpha, cni_image *out, cni_error *error)
{
    const struct border *found = find_border(border, error);
    if (!found) return error->status;
    CN_TRY(check_size(filter, found, image, error));
    const filtering f = begin(filter, found, image);
    cn_context *context = cn_context_new();
    if (!context) return cni_no_memory(error, "a filter");
    cn_model *model = convolution(context, arena, &f);
    const cn_status status = convolve(arena, &f, alpha, out, model, error);
    cn_model_free(model);
    cn_context_free(context);
    return status;
}

/* ---- files ---- */

static cn_status filter_file(cni_arena *arena, const char *path, const char *out, const cn_filter_options *options,
                             cni_error *error)
{
    cni_filter filter;
    cni_bytes file;
    cni_image image, result;
    uint8_t *alpha;
    cni_buffer png = {0};
    CN_TRY(cni_filter_read(arena, options->kernel ? options->kernel : "identity", &filter, error));
    CN_TRY(cni_file_read(arena, path, (uint64_t)1 << 30, &file, error));
    if (cni_image_read_alpha(arena, file, NULL, &image, &alpha, error) ||
        cni_filter_run(arena, &filter, options->border, &image, alpha, &result, error))
        return cni_fail_in(error, "%s", path);
    cn_status status = cni_png_write(&png, &result, error);
    if (!status) status = cni_file_write(out, cni_buffer_bytes(&png), error);
    cni_buffer_free(&png);
    return status;
}

cn_status cn_filter(const char *image, const char *out, const cn_filter_options *options, const char **error)
{
    cni_error *slot = cni_data_error(error);
    cn_filter_options own = {0};
    cni_arena arena = {0};
    if (!options || !cni_take_args(&own, sizeof own, options, sizeof(size_t), "cn_filter_options", slot))
        filter_file(&arena, image, out, &own, slot);
    cni_arena_free(&arena);
    return cni_tell_error(slot, error);
}
