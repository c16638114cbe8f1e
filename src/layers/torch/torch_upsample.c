/* SPDX-License-Identifier: Apache-2.0
 * Upsample, UpsamplingNearest2d, UpsamplingBilinear2d, the function interpolate; PixelShuffle and PixelUnshuffle, which
 * turn channels into rows and columns and back; ChannelShuffle. */
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- up-sampling ---- */

typedef struct upsample_args {
    cn_layer_args head;
    cni_tuple size;
    double scale_factor[16];
    const char *mode; /* NULL: the module's name says it */
    bool align_corners, recompute_scale_factor, antialias;
} upsample_args;
#define ARGS upsample_args

static const char *const modes[] = {"nearest", "linear",    "bilinear",      "bicubic",
                                    "area",    "trilinear", "nearest-exact", NULL};
#define SIZE                                                                                                           \
    CNI_FIELD(size, "size", CNI_NULLABLE, "None", 1, 1e6, "size of the output"),                                       \
        CNI_FIELD(scale_factor, "scale_factor", CNI_NULLABLE, "None", 0, 0, "size of the output / size of the input")
#define MODE                                                                                                           \
    CNI_CHOICE(mode, "mode", modes, "'nearest'", "how numbers between pixels are made"),                               \
        CNI_FIELD(align_corners, "align_corners", CNI_NULLABLE, "None", 0, 0,                                          \
                  "whether the corner pixels of input and output lie on each other"),                                  \
        CNI_FIELD(recompute_scale_factor, "recompute_scale_factor", CNI_NULLABLE, "None", 0, 0,                        \
                  "whether sizes, once rounded, decide")
static const cni_field upsample_fields[] = {SIZE, MODE};
static const cni_field plain_fields[] = {SIZE};
static const cni_field interpolate_fields[] = {
    SIZE, MODE, CNI_FIELD(antialias, "antialias", 0, "False", 0, 0, "whether making smaller takes means")};

static cn_status check(void *given, cni_error *error)
{
    const upsample_args *args = given;
    const int scales = cni_reals_count(args->scale_factor);
    if (!args->size.count == !scales)
        return cni_fail(error, CN_ERR_INVALID, "size and scale_factor are %s; give one of them",
                        scales ? "both given" : "both None");
    if (args->size.count > CNI_MAX_SPATIAL || scales > CNI_MAX_SPATIAL)
        return cni_fail(error, CN_ERR_INVALID, "%s has %d numbers; expected one, or one for each of up to 3 axes",
                        scales ? "scale_factor" : "size", scales ? scales : args->size.count);
    for (int i = 0; i < scales; i++)
        if (!(args->scale_factor[i] > 0))
            return cni_fail(error, CN_ERR_INVALID, "scale_factor=%g; expected a number above 0", args->scale_factor[i]);
    return CN_OK;
}

static bool is_kind(const cni_object *config, const char *name)
{
    return strcmp(config->kind->name, name) == 0;
}

static const char *mode_of(const cni_object *config)
{
    const upsample_args *args = config->args;
    if (args->mode) return args->mode;
    return is_kind(config, "UpsamplingBilinear2d") ? "bilinear" : "nearest";
}

static bool is_linear(const char *mode)
{
    return strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0 || strcmp(mode, "trilinear") == 0;
}

static bool aligns_corners(const cni_object *config)
{
    const upsample_args *args = config->args;
    return is_kind(config, "UpsamplingBilinear2d") || (args->align_corners && is_linear(mode_of(config)));
}

static double scale_of(const upsample_args *args, int axis)
{
    return args->scale_factor[cni_reals_count(args->scale_factor) == 1 ? 0 : axis];
}

/* How many axes the arguments speak of; 0: they do not say. */
static int axes_of(const cni_object *config)
{
    static const struct {
        const char *mode;
        int axes;
    } modes_of[] = {{"linear", 1}, {"bilinear", 2}, {"bicubic", 2}, {"trilinear", 3}};
    const upsample_args *args = config->args;
    const int scales = cni_reals_count(args->scale_factor);
    for (size_t i = 0; i < sizeof modes_of / sizeof *modes_of; i++)
        if (strcmp(modes_of[i].mode, mode_of(config)) == 0) return modes_of[i].axes;
    if (cni_torch_spatial(config)) return cni_torch_spatial(config);
    return args->size.count > 1 ? args->size.count : scales > 1 ? scales : 0;
}

/* Every factor is a whole number. */
static bool is_whole(const upsample_args *args)
{
    for (int i = 0; i < cni_reals_count(args->scale_factor); i++)
        if (args->scale_factor[i] < 1 || args->scale_factor[i] > 1e6 ||
            args->scale_factor[i] > floor(args->scale_factor[i]))
            return false;
    return cni_reals_count(args->scale_factor) > 0;
}

static cni_view_type view_type(const cni_object *config)
{
    const upsample_args *args = config->args;
    const char *mode = mode_of(config);
    if (strcmp(mode, "bicubic") == 0) return CNI_VIEW_UNKNOWN;
    if (args->size.count) return CNI_VIEW_ADAPTIVE;
    if (!is_whole(args)) return CNI_VIEW_UNKNOWN;
    return is_linear(mode) ? CNI_VIEW_BILINEAR : CNI_VIEW_NEAREST;
}

/* What a given size sees depends on the input's: between the pixels that it covers, as an adaptive pool. */
static void view(const cni_object *config, cni_view *view)
{
    const upsample_args *args = config->args;
    const int axes = axes_of(config);
    *view = (cni_view){.type = view_type(config),
                       .border = CNI_BORDER_EDGE,
                       .corners = aligns_corners(config),
                       .groups = 1,
                       .format = CN_CHANNELS_FIRST};
    if (view->type == CNI_VIEW_UNKNOWN) return;
    view->spatial = axes ? axes : 2;
    for (int i = 0; i < view->spatial; i++) {
        view->axis[i] = (cni_view_axis){.size = 1, .stride = 1, .dilation = 1};
        if (view->type == CNI_VIEW_ADAPTIVE)
            view->axis[i].size = cni_torch_at(&args->size, i);
        else
            view->axis[i].stride = (int64_t)scale_of(args, i);
    }
}

static cn_status expect_axes(const cn_layer *layer, const cni_shape *in, cni_error *error)
{
    const int axes = axes_of(layer->config);
    if (in->rank >= 3 && in->rank <= 5 && (!axes || in->rank == axes + 2)) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "mode='%s' expects an input of %s dimensions, batch and channels included; got one of shape %s",
                    mode_of(layer->config),
                    axes ? (const char *const[]){"", "3", "4", "5"}[axes < 4 ? axes : 0] : "3 to 5",
                    CNI_SHOW_SHAPE(in));
}

static cn_status check_counts(const upsample_args *args, const cni_shape *in, cni_error *error)
{
    const int scales = cni_reals_count(args->scale_factor), count = args->size.count ? args->size.count : scales;
    if (count == 1 || count == in->rank - 2) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "%s has %d numbers; the input, shape %s, has %d axes behind its channels",
                    args->size.count ? "size" : "scale_factor", count, CNI_SHOW_SHAPE(in), in->rank - 2);
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const upsample_args *args = layer->config->args;
    CN_TRY(expect_axes(layer, in, error));
    CN_TRY(check_counts(args, in, error));
    *out = *in;
    for (int i = 2; i < in->rank; i++) {
        const int64_t n = in->dims[i];
        if (args->size.count)
            out->dims[i] = cni_torch_at(&args->size, i - 2);
        else
            out->dims[i] = n < 0 ? CNI_UNKNOWN : (int64_t)fmin((double)n * scale_of(args, i - 2), 0x1p40);
        if (out->dims[i] == 0)
            return cni_fail(error, CN_ERR_SHAPE, "scale_factor=%g leaves nothing of axis %d of the input, shape %s",
                            scale_of(args, i - 2), i, CNI_SHOW_SHAPE(in));
    }
    return CN_OK;
}

/* The whole factors that a size is of a known input's. */
static void find_factors(const cni_torch_call *call, cni_view *v)
{
    const cni_shape *in = call->place->in;
    if (v->type != CNI_VIEW_ADAPTIVE || !in || in->rank != 4) return;
    for (int i = 0; i < 2; i++) {
        const int64_t n = in->dims[i + 2], m = v->axis[i].size;
        if (n < 1 || m % n) return;
        v->axis[i].stride = m / n;
    }
    v->type = is_linear(mode_of(call->config)) ? CNI_VIEW_BILINEAR : CNI_VIEW_NEAREST;
}

static cn_status translate(cni_torch_call *call)
{
    const cni_shape *in = call->place->in;
    cni_view v = {0};
    view(call->config, &v);
    find_factors(call, &v);
    if (v.type != CNI_VIEW_NEAREST && v.type != CNI_VIEW_BILINEAR)
        return cni_torch_refuse(call, "its up-sampling takes whole factors, 'nearest' or 'bilinear'");
    if (v.corners) return cni_torch_refuse(call, "its up-sampling has no align_corners=True");
    if ((in && in->rank != 4) || v.spatial != 2) return cni_torch_refuse(call, "it has UpSampling2D for this only");
    const cni_tuple factors = {.count = 2, .at = {(int)v.axis[0].stride, (int)v.axis[1].stride}};
    return cni_torch_say(call, "UpSampling2D(%s, data_format='channels_first'%s)", CNI_TORCH_SHOW(&factors, 2),
                         v.type == CNI_VIEW_BILINEAR ? ", interpolation='bilinear'" : "");
}

#define UPSAMPLE(variable, name_, fields_, spatial_, module_, help_)                                                   \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .module = (module_),                                           \
                                                        .args_size = sizeof(upsample_args),                            \
                                                        CNI_FIELDS(fields_),                                           \
                                                        .check = check,                                                \
                                                        .help = (help_)},                                              \
                                               .output_shape = output_shape,                                           \
                                               .view = view,                                                           \
                                               .keras = cni_torch_keras},                                              \
                                     .spatial = (spatial_),                                                            \
                                     .translate = translate}

UPSAMPLE(cni_torch_upsample, "Upsample", upsample_fields, 0, NULL, "more rows and columns, copied or interpolated");
UPSAMPLE(cni_torch_upsampling_nearest2d, "UpsamplingNearest2d", plain_fields, 2, NULL, "more rows and columns, copied");
UPSAMPLE(cni_torch_upsampling_bilinear2d, "UpsamplingBilinear2d", plain_fields, 2, NULL,
         "more rows and columns, interpolated, corners aligned");
UPSAMPLE(cni_torch_interpolate, "Interpolate", interpolate_fields, 0, "torch.nn.functional",
         "more or fewer rows and columns: F.interpolate");
#undef ARGS

/* ---- shuffling ---- */

typedef struct shuffle_args {
    cn_layer_args head;
    int factor;
} shuffle_args;
#define ARGS shuffle_args

static const cni_field up_fields[] = {
    CNI_FIELD(factor, "upscale_factor", CNI_REQUIRED, NULL, 1, 1e4, "rows and columns become so many times more")};
static const cni_field down_fields[] = {
    CNI_FIELD(factor, "downscale_factor", CNI_REQUIRED, NULL, 1, 1e4, "rows and columns become so many times fewer")};
static const cni_field group_fields[] = {
    CNI_FIELD(factor, "groups", CNI_REQUIRED, NULL, 1, 1e9, "groups whose channels are mixed")};

static void view_up(const cni_object *config, cni_view *view)
{
    const int64_t r = ((const shuffle_args *)config->args)->factor;
    *view = (cni_view){.type = CNI_VIEW_NEAREST,
                       .spatial = 2,
                       .axis = {{.size = 1, .stride = r, .dilation = 1}, {.size = 1, .stride = r, .dilation = 1}},
                       .groups = 1,
                       .format = CN_CHANNELS_FIRST};
}

static void view_down(const cni_object *config, cni_view *view)
{
    const int64_t r = ((const shuffle_args *)config->args)->factor;
    *view = (cni_view){.type = CNI_VIEW_WINDOW,
                       .spatial = 2,
                       .axis = {{.size = r, .stride = r, .dilation = 1}, {.size = r, .stride = r, .dilation = 1}},
                       .groups = 1,
                       .format = CN_CHANNELS_FIRST};
}

static cn_status up_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const int64_t r = ((const shuffle_args *)layer->config->args)->factor;
    CN_TRY(cni_torch_expect_map(layer, in, error));
    const int64_t channels = in->dims[1];
    if (channels >= 0 && channels % (r * r))
        return cni_fail(error, CN_ERR_SHAPE,
                        "upscale_factor=%" PRId64 " takes channels by %" PRId64 "; the %" PRId64
                        " of the input, shape %s, are no multiple of it",
                        r, r * r, channels, CNI_SHOW_SHAPE(in));
    return cni_torch_map(layer, in, channels < 0 ? CNI_UNKNOWN : channels / (r * r), out, error);
}

static cn_status down_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const int64_t r = ((const shuffle_args *)layer->config->args)->factor;
    CN_TRY(cni_torch_expect_map(layer, in, error));
    for (int i = 2; i < 4; i++)
        if (in->dims[i] >= 0 && in->dims[i] % r)
            return cni_fail(error, CN_ERR_SHAPE,
                            "downscale_factor=%" PRId64 " does not divide axis %d of the input, shape %s", r, i,
                            CNI_SHOW_SHAPE(in));
    return cni_torch_map(layer, in, cni_shape_count(&CNI_SHAPE(in->dims[1], r, r), 0), out, error);
}

static cn_status channel_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const int groups = ((const shuffle_args *)layer->config->args)->factor;
    *out = *in;
    if (in->rank > 2 && (in->dims[1] < 0 || in->dims[1] % groups == 0)) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "groups=%d does not divide the channels of the input, shape %s", groups,
                    CNI_SHOW_SHAPE(in));
}

/* [c r r, h, w] -> [c, r, r, h, w] -> [c, h, r, w, r] -> [c, h r, w r] */
static cn_status translate_up(cni_torch_call *call)
{
    const cni_shape *in = call->place->in;
    const int64_t r = ((const shuffle_args *)call->config->args)->factor;
    if (!in || in->rank != 4 || cni_shape_count(in, 1) < 0)
        return cni_torch_refuse(call, "it takes three layers, which need the size of the input");
    const int64_t c = in->dims[1] / (r * r), h = in->dims[2], w = in->dims[3];
    CN_TRY(cni_torch_say(call, "Reshape((%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "))", c, r, r, h,
                         w));
    CN_TRY(cni_torch_say(call, "Permute((1, 4, 2, 5, 3))"));
    return cni_torch_say(call, "Reshape((%" PRId64 ", %" PRId64 ", %" PRId64 "))", c, h * r, w * r);
}

/* [c, h r, w r] -> [c, h, r, w, r] -> [c, r, r, h, w] -> [c r r, h, w] */
static cn_status translate_down(cni_torch_call *call)
{
    const cni_shape *in = call->place->in;
    const int64_t r = ((const shuffle_args *)call->config->args)->factor;
    if (!in || in->rank != 4 || cni_shape_count(in, 1) < 0)
        return cni_torch_refuse(call, "it takes three layers, which need the size of the input");
    const int64_t c = in->dims[1], h = in->dims[2] / r, w = in->dims[3] / r;
    CN_TRY(cni_torch_say(call, "Reshape((%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "))", c, h, r, w,
                         r));
    CN_TRY(cni_torch_say(call, "Permute((1, 3, 5, 2, 4))"));
    return cni_torch_say(call, "Reshape((%" PRId64 ", %" PRId64 ", %" PRId64 "))", c * r * r, h, w);
}

#define SHUFFLE(variable, name_, fields_, shape_, view_, translate_, help_)                                            \
    const cni_torch_kind variable = {                                                                                  \
        .layer = {.kind = {.name = (name_), .args_size = sizeof(shuffle_args), CNI_FIELDS(fields_), .help = (help_)},  \
                  .output_shape = (shape_),                                                                            \
                  .view = (view_),                                                                                     \
                  .keras = cni_torch_keras},                                                                           \
        .spatial = 2,                                                                                                  \
        .translate = (translate_)}

SHUFFLE(cni_torch_pixel_shuffle, "PixelShuffle", up_fields, up_shape, view_up, translate_up,
        "channels become rows and columns");
SHUFFLE(cni_torch_pixel_unshuffle, "PixelUnshuffle", down_fields, down_shape, view_down, translate_down,
        "rows and columns become channels");
SHUFFLE(cni_torch_channel_shuffle, "ChannelShuffle", group_fields, channel_shape, NULL, NULL,
        "mixes the channels of groups");
