/* SPDX-License-Identifier: Apache-2.0
 * Layers whose output is their input when a model is used: noise, augmentation of images.  Described, not run. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

typedef struct noise_args {
    cn_layer_args head;
    double rate, fill_value, l1, l2; /* rate: stddev too */
    double factor[16], other[16], value_range[16];
    int noise_shape[8], seed;
    const char *fill_mode, *interpolation, *mode;
    cn_data_format data_format;
    const char *name;
    bool frozen;
} noise_args;

#define ARGS noise_args
#define SEED                                                                                                           \
    CNI_FIELD(seed, "seed", CNI_NULLABLE, "None", 0, 2147483647, "fixes what is drawn; drawn itself when absent")
#define FORMAT                                                                                                         \
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,                                                             \
              "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)")
#define RATE CNI_FIELD(rate, "rate", CNI_REQUIRED, NULL, 0, 1, "share that is left out, 0 to 1")

/* Keras draws a seed where noise is possible. */
static bool is_noisy(const cn_layer *layer)
{
    const noise_args *args = layer->config->args;
    const bool has_rate = cni_object_member(layer->config, "rate") || cni_object_member(layer->config, "stddev");
    return cni_object_member(layer->config, "seed") && (!has_rate || args->rate > 0);
}

#define PLAIN(name_, lazily, rows, order_, check_, traits_, rank, help_, keras_, formula_)                             \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(noise_args),                                                                      \
                 CNI_FIELDS(rows),                                                                                     \
                 .order = order_,                                                                                      \
                 .check = check_,                                                                                      \
                 .help = help_,                                                                                        \
                 .keras = keras_,                                                                                      \
                 .formula = formula_},                                                                                 \
        .min_rank = rank > 0 ? rank : 1, .max_rank = rank, .lazily_built = lazily,                                     \
        .traits = CNI_IS_NOTHING | (traits_), .output_shape = cni_same_shape, .seeded = is_noisy                       \
    }

/* ---- noise ---- */

static const cni_field spatial_fields[] = {RATE, FORMAT, SEED, CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field spatial1_fields[] = {RATE, SEED, CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field gaussian_noise_fields[] = {
    CNI_FIELD(rate, "stddev", CNI_REQUIRED, NULL, 0, 1, "standard deviation of the noise, 0 to 1"), SEED,
    CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field gaussian_dropout_fields[] = {RATE, SEED, CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field alpha_fields[] = {
    RATE,
    CNI_FIELD(noise_shape, "noise_shape", CNI_NULLABLE | CNI_NONES, "None", 0, 0,
              "shape of what is drawn, with the batch; None is the input's size"),
    SEED,
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

#define WHOLE_CHANNELS "in training leaves out whole channels, at random"
#define SPATIAL_ORDER  "rate seed name dtype"
const cni_layer_kind cni_spatial_dropout1d_layer =
    PLAIN("SpatialDropout1D", false, spatial1_fields, SPATIAL_ORDER, NULL, CNI_IS_DROPOUT | CNI_NAME_HAS_PLACE, 3,
          WHOLE_CHANNELS, "SpatialDropout1D(0.2)", NULL);
const cni_layer_kind cni_spatial_dropout3d_layer =
    PLAIN("SpatialDropout3D", false, spatial_fields, SPATIAL_ORDER " data_format", NULL,
          CNI_IS_DROPOUT | CNI_NAME_HAS_PLACE, 5, WHOLE_CHANNELS, "SpatialDropout3D(0.2)", NULL);
const cni_layer_kind cni_gaussian_noise_layer =
    PLAIN("GaussianNoise", false, gaussian_noise_fields, NULL, NULL, 0, 0, "in training adds normal noise",
          "GaussianNoise(0.1)", "training: in + normal(0, stddev);  otherwise: in");
const cni_layer_kind cni_gaussian_dropout_layer =
    PLAIN("GaussianDropout", false, gaussian_dropout_fields, NULL, NULL, CNI_IS_DROPOUT, 0,
          "in training multiplies by normal noise around 1", "GaussianDropout(0.2)",
          "training: in * normal(1, sqrt(rate / (1 - rate)));  otherwise: in");
const cni_layer_kind cni_alpha_dropout_layer =
    PLAIN("AlphaDropout", false, alpha_fields, "name trainable dtype rate seed noise_shape", NULL, CNI_IS_DROPOUT, 0,
          "dropout that keeps mean and variance, for networks of selu", "AlphaDropout(0.1)", NULL);

/* ---- a penalty ---- */

static const cni_field activity_fields[] = {
    CNI_FIELD(l1, "l1", 0, "0.0", 0, 0, "factor of the sum of absolute values"),
    CNI_FIELD(l2, "l2", 0, "0.0", 0, 0, "factor of the sum of squares"),
    CNI_LAYER_FIELDS,
};
const cni_layer_kind cni_activity_regularization_layer =
    PLAIN("ActivityRegularization", false, activity_fields, NULL, NULL, 0, 0,
          "its input as it is; adds a penalty on it to the loss", "ActivityRegularization(l2=0.01)", "out = in");

/* ---- augmentation of images ---- */

static const char *const modes[] = {"horizontal", "vertical", "horizontal_and_vertical", NULL};
static const char *const fills[] = {"constant", "nearest", "reflect", "wrap", NULL};
static const char *const interpolations[] = {"nearest", "bilinear", NULL};
#define FACTOR(m, key_, flags_, default_, help_) CNI_FIELD(m, key_, flags_, default_, 0, 0, help_)
#define FILL_MODE                                CNI_CHOICE(fill_mode, "fill_mode", fills, "'reflect'", "what lies outside the image")
#define INTERPOLATION                            CNI_CHOICE(interpolation, "interpolation", interpolations, "'bilinear'", "between the pixels")
#define FILL_VALUE                               CNI_FIELD(fill_value, "fill_value", 0, "0.0", 0, 0, "outside, with fill_mode 'constant'")
#define FILL_AND_REST                            FILL_MODE, INTERPOLATION, SEED, FILL_VALUE, FORMAT, CNI_LAYER_FIELDS, CNI_ACTIVITY
#define VALUE_RANGE                                                                                                    \
    CNI_FIELD(value_range, "value_range", 0, "[0, 255]", 0, 0, "smallest and largest value of the images")
#define COLOUR_AND_END VALUE_RANGE, SEED, CNI_LAYER_FIELDS, CNI_ACTIVITY, FORMAT

static const cni_field flip_fields[] = {
    CNI_CHOICE(mode, "mode", modes, "'horizontal_and_vertical'", "which way images may be mirrored"), SEED, FORMAT,
    CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field rotation_fields[] = {
    FACTOR(factor, "factor", CNI_REQUIRED, NULL, "largest turn, as a share of a full one; or two bounds"),
    FILL_AND_REST};
static const cni_field zoom_fields[] = {
    FACTOR(factor, "height_factor", CNI_REQUIRED, NULL, "largest change of the height; or two bounds"),
    FACTOR(other, "width_factor", CNI_NULLABLE, "None", "the same of the width; None: as the height"), FILL_AND_REST};
static const cni_field translation_fields[] = {
    FACTOR(factor, "height_factor", CNI_REQUIRED, NULL, "largest shift up or down, as a share; or two bounds"),
    FACTOR(other, "width_factor", CNI_REQUIRED, NULL, "largest shift to a side, as a share; or two bounds"),
    FILL_AND_REST};
static const cni_field colour_fields[] = {
    FACTOR(factor, "factor", CNI_REQUIRED, NULL, "largest change, as a share; or two bounds"), COLOUR_AND_END};

/* CN_ZERO stands for 0 in a list of reals. */
static double kept(double real)
{
    return real == 0 ? CN_ZERO : real;
}

/* Keras keeps a single factor f as the bounds (-f, f), of which none lies below `lowest`. */
static cn_status bounds(double *factor, double lowest, double highest, cni_error *error)
{
    const int count = cni_reals_count(factor);
    double low = factor[0], high = factor[count == 2];
    if (count < 1 || count > 2)
        return cni_fail(error, CN_ERR_INVALID, "factor holds %d numbers; expected one or two", count);
    if (low < lowest || low > highest || high < lowest || high > highest)
        return cni_fail(error, CN_ERR_INVALID, "factor=(%g, %g); expected numbers from %g to %g", low, high, lowest,
                        highest);
    if (count == 1) {
        high = low < 0 ? -low : low;
        low = -high < lowest ? lowest : -high;
    }
    factor[0] = kept(low < high ? low : high);
    factor[1] = kept(low < high ? high : low);
    return CN_OK;
}

static cn_status check_range(const noise_args *args, cni_error *error)
{
    const int count = cni_reals_count(args->value_range);
    if (count == 2) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "value_range holds %d numbers; expected two", count);
}

static cn_status check_rotation(void *given, cni_error *error)
{
    return bounds(((noise_args *)given)->factor, -1, 1, error);
}

static cn_status check_contrast(void *given, cni_error *error)
{
    CN_TRY(check_range(given, error));
    return bounds(((noise_args *)given)->factor, 0, 1, error);
}

static cn_status check_brightness(void *given, cni_error *error)
{
    noise_args *args = given;
    double *range = args->value_range;
    CN_TRY(check_range(args, error));
    if (range[0] > range[1]) {
        const double larger = range[0];
        range[0] = range[1], range[1] = larger;
    }
    return bounds(args->factor, -1, 1, error);
}

static cn_status check_two(void *given, cni_error *error)
{
    const noise_args *args = given;
    const int counts[2] = {cni_reals_count(args->factor), cni_reals_count(args->other)};
    if (counts[0] >= 1 && counts[0] <= 2 && counts[1] <= 2) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "height_factor and width_factor hold %d and %d numbers; expected one or two",
                    counts[0], counts[1]);
}

#define BASE "name trainable dtype data_format "
#define AUGMENTATION(name_, rows, order_, check_, help_, keras_)                                                       \
    PLAIN(name_, true, rows, BASE order_, check_, 0, 4, "in training " help_, keras_, NULL)
const cni_layer_kind cni_random_flip_layer =
    AUGMENTATION("RandomFlip", flip_fields, "seed mode", NULL, "mirrors images at random", "RandomFlip('horizontal')");
const cni_layer_kind cni_random_rotation_layer =
    AUGMENTATION("RandomRotation", rotation_fields, "factor fill_mode fill_value interpolation seed", check_rotation,
                 "turns images at random", "RandomRotation(0.1)");
const cni_layer_kind cni_random_zoom_layer =
    AUGMENTATION("RandomZoom", zoom_fields, "height_factor width_factor fill_mode interpolation seed fill_value",
                 check_two, "makes images larger or smaller at random", "RandomZoom(0.2)");
const cni_layer_kind cni_random_translation_layer = AUGMENTATION(
    "RandomTranslation", translation_fields, "height_factor width_factor fill_mode interpolation seed fill_value",
    check_two, "shifts images at random", "RandomTranslation(0.1, 0.1)");
const cni_layer_kind cni_random_contrast_layer =
    AUGMENTATION("RandomContrast", colour_fields, "factor value_range seed", check_contrast,
                 "changes the contrast of images at random", "RandomContrast(0.2)");
const cni_layer_kind cni_random_brightness_layer =
    AUGMENTATION("RandomBrightness", colour_fields, "factor value_range seed", check_brightness,
                 "changes the brightness of images at random", "RandomBrightness(0.2)");
