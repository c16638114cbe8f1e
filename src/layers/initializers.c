/* SPDX-License-Identifier: Apache-2.0
 * Initializers.  Scale arithmetic in double, one rounding at the end, as Keras does (keras-random 3). */
#include "layers/initializers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct arguments {
    double a, b; /* value | gain | mean, stddev | minval, maxval | scale */
    const char *mode, *distribution;
    int seed;
} arguments;

typedef struct draw {
    const arguments *args;
    const cni_shape *shape;
    size_t count;
    cni_key key;
    float *out;
    cni_error *error;
} draw;

typedef struct initializer_kind {
    cni_kind kind;
    cn_status (*fill)(const draw *d);
    double scale; /* of the variance scaling kinds */
    const char *mode, *distribution;
} initializer_kind;

static void fans(const cni_shape *shape, double *in, double *out)
{
    double field = 1;
    *in = *out = 1;
    if (shape->rank == 1) *in = *out = (double)shape->dims[0];
    if (shape->rank < 2) return;
    for (int i = 0; i < shape->rank - 2; i++) field *= (double)shape->dims[i];
    *in = field * (double)shape->dims[shape->rank - 2];
    *out = field * (double)shape->dims[shape->rank - 1];
}

static cn_status fill_value(const draw *d)
{
    for (size_t i = 0; i < d->count; i++) d->out[i] = (float)d->args->a;
    return CN_OK;
}

static cn_status fill_zeros(const draw *d)
{
    memset(d->out, 0, d->count * sizeof *d->out);
    return CN_OK;
}

static cn_status fill_ones(const draw *d)
{
    for (size_t i = 0; i < d->count; i++) d->out[i] = 1;
    return CN_OK;
}

static cn_status fill_identity(const draw *d)
{
    if (d->shape->rank != 2)
        return cni_fail(d->error, CN_ERR_INVALID, "Identity makes matrices only; the weight has shape %s",
                        CNI_SHOW_SHAPE(d->shape));
    CN_TRY(fill_zeros(d));
    for (int64_t i = 0; i < d->shape->dims[0] && i < d->shape->dims[1]; i++)
        d->out[i * d->shape->dims[1] + i] = (float)d->args->a;
    return CN_OK;
}

static cn_status fill_normal(const draw *d)
{
    cni_fill_normal(d->out, 0, d->count, d->key, (float)d->args->a, (float)d->args->b);
    return CN_OK;
}

static cn_status fill_truncated(const draw *d)
{
    cni_fill_truncated_normal(d->out, 0, d->count, d->key, (float)d->args->a, (float)d->args->b);
    return CN_OK;
}

static cn_status fill_uniform(const draw *d)
{
    cni_fill_uniform(d->out, 0, d->count, d->key, (float)d->args->a, (float)d->args->b);
    return CN_OK;
}

static cn_status scale_variance(const draw *d, double scale, const char *mode, const char *distribution)
{
    double in, out;
    fans(d->shape, &in, &out);
    double fan = strcmp(mode, "fan_in") == 0 ? in : strcmp(mode, "fan_out") == 0 ? out : (in + out) / 2;
    double variance = scale / (fan > 1 ? fan : 1);
    if (strcmp(distribution, "uniform") == 0) {
        double limit = sqrt(3 * variance);
        cni_fill_uniform(d->out, 0, d->count, d->key, (float)-limit, (float)limit);
    } else if (strcmp(distribution, "untruncated_normal") == 0)
        cni_fill_normal(d->out, 0, d->count, d->key, 0, (float)sqrt(variance));
    else
        cni_fill_truncated_normal(d->out, 0, d->count, d->key, 0, (float)(sqrt(variance) / 0.87962566103423978));
    return CN_OK;
}

static cn_status fill_scaled(const draw *d)
{
    return scale_variance(d, d->args->a, d->args->mode, d->args->distribution);
}

/* Householder QR in double of the taller of a and its transpose, columns turned so that R's diagonal is positive.
 * Keras asks LAPACK in float, so this agrees to about 1e-6 and not to the bit. */
static void orthogonalise(double *a, double *q, int64_t rows, int64_t cols)
{
    for (int64_t j = 0; j < cols; j++) {
        double norm = 0;
        for (int64_t i = j; i < rows; i++) norm += a[i * cols + j] * a[i * cols + j];
        double alpha = a[j * cols + j] > 0 ? -sqrt(norm) : sqrt(norm), length = 0;
        for (int64_t i = 0; i < rows; i++) q[i * cols + j] = i < j ? 0 : a[i * cols + j];
        q[j * cols + j] -= alpha;
        for (int64_t i = j; i < rows; i++) length += q[i * cols + j] * q[i * cols + j];
        for (int64_t k = j; k < cols && length > 0; k++) {
            double dot = 0;
            for (int64_t i = j; i < rows; i++) dot += q[i * cols + j] * a[i * cols + k];
            for (int64_t i = j; i < rows; i++) a[i * cols + k] -= 2 * dot / length * q[i * cols + j];
        }
    }
}

/* q holds the reflectors; becomes their product's first columns, times the sign of R's diagonal (in a). */
static void accumulate_reflectors(const double *a, double *q, double *column, int64_t rows, int64_t cols)
{
    double *vectors = q + rows * cols; /* a copy, since q is overwritten */
    memcpy(vectors, q, (size_t)(rows * cols) * sizeof *q);
    for (int64_t k = 0; k < cols; k++) {
        memset(column, 0, (size_t)rows * sizeof *column);
        column[k] = 1;
        for (int64_t j = cols - 1; j >= 0; j--) {
            double dot = 0, length = 0;
            for (int64_t i = j; i < rows; i++) {
                dot += vectors[i * cols + j] * column[i];
                length += vectors[i * cols + j] * vectors[i * cols + j];
            }
            for (int64_t i = j; i < rows && length > 0; i++) column[i] -= 2 * dot / length * vectors[i * cols + j];
        }
        double sign = a[k * cols + k] < 0 ? -1 : 1;
        for (int64_t i = 0; i < rows; i++) q[i * cols + k] = sign * column[i];
    }
}

static cn_status fill_orthogonal(const draw *d)
{
    if (d->shape->rank < 2)
        return cni_fail(d->error, CN_ERR_INVALID, "Orthogonal needs two dimensions or more; the weight has shape %s",
                        CNI_SHOW_SHAPE(d->shape));
    int64_t cols = d->shape->dims[d->shape->rank - 1], rows = cols ? (int64_t)d->count / cols : 0;
    int64_t tall = rows > cols ? rows : cols, wide = rows > cols ? cols : rows;
    double *a = calloc((size_t)(3 * tall * wide + tall) + 1, sizeof *a);
    float *normal = calloc(d->count + 1, sizeof *normal);
    if (a && normal) {
        double *q = a + tall * wide, *column = q + 2 * tall * wide;
        cni_fill_normal(normal, 0, d->count, d->key, 0, 1);
        for (size_t i = 0; i < d->count; i++) a[i] = (double)normal[i];
        orthogonalise(a, q, tall, wide);
        accumulate_reflectors(a, q, column, tall, wide);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++)
                d->out[i * cols + j] = (float)d->args->a * (float)(rows < cols ? q[j * wide + i] : q[i * wide + j]);
    }
    cn_status status = a && normal ? CN_OK : cni_no_memory(d->error, "an orthogonal weight");
    free(a);
    free(normal);
    return status;
}

cn_status cni_initialize(const cni_object *object, const cni_shape *shape, float *out, cni_error *error)
{
    const initializer_kind *kind = (const initializer_kind *)object->kind;
    int64_t count = cni_shape_count(shape, 0);
    draw d = {object->args, shape, (size_t)count, {object->seed, 0}, out, error};
    if (count <= 0) return CN_OK;
    return kind->fill ? kind->fill(&d) : scale_variance(&d, kind->scale, kind->mode, kind->distribution);
}

/* ---- the table ---- */

#define ARGS arguments
#define SEED                                                                                                           \
    {                                                                                                                  \
        .key = "seed", .offset = offsetof(ARGS, seed), .type = CNI_FIELD_INT, .flags = CNI_NULLABLE,                   \
        .otherwise = "None", .min = 0, .max = 2147483647, .help = "fixes the numbers; drawn when absent"               \
    }
#define AXES CNI_ONLY("input_axes", "None", CNI_READ_ONLY), CNI_ONLY("output_axes", "None", CNI_READ_ONLY)

static const char *const modes[] = {"fan_in", "fan_out", "fan_avg", NULL};
static const char *const distributions[] = {"truncated_normal", "normal", "uniform", "untruncated_normal", NULL};

static const cni_field nothing[] = {CNI_ONLY("dtype", "None", CNI_READ_ONLY)};
static const cni_field constant[] = {CNI_FIELD(a, "value", CNI_REQUIRED, NULL, 0, 0, "the value of every element")};
static const cni_field identity[] = {CNI_FIELD(a, "gain", CNI_UNWRITTEN, "1.0", 0, 0, "factor of the identity matrix")};
static const cni_field normal[] = {CNI_FIELD(a, "mean", 0, "0.0", 0, 0, "mean of the normal distribution"),
                                   CNI_FIELD(b, "stddev", 0, "0.05", 0, 0, "its standard deviation"), SEED};
static const cni_field uniform[] = {CNI_FIELD(a, "minval", 0, "-0.05", 0, 0, "lower end of the range"),
                                    CNI_FIELD(b, "maxval", 0, "0.05", 0, 0, "upper end of the range"), SEED};
static const cni_field orthogonal[] = {CNI_FIELD(a, "gain", 0, "1.0", 0, 0, "factor of the orthogonal matrix"), SEED};
static const cni_field scaling[] = {
    CNI_FIELD(a, "scale", CNI_OPEN, "1.0", 0, INFINITY, "variance times the fan"),
    CNI_CHOICE(mode, "mode", modes, "'fan_in'", "which fan divides the scale"),
    CNI_CHOICE(distribution, "distribution", distributions, "'truncated_normal'", "what is drawn from"), SEED, AXES};
static const cni_field seeded[] = {SEED, AXES};

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ROW(var, name_, alias_, rows, draws_, order_, help_, ...)                                                      \
    static const initializer_kind var = {.kind = {.name = name_,                                                       \
                                                  .aliases = alias_,                                                   \
                                                  .args_size = sizeof(arguments),                                      \
                                                  CNI_FIELDS(rows),                                                    \
                                                  .draws_seed = draws_,                                                \
                                                  .order = order_,                                                     \
                                                  .help = help_},                                                      \
                                         __VA_ARGS__}

ROW(zeros, "Zeros", NAMES("zeros", "zero"), nothing, false, "", "all 0", .fill = fill_zeros);
ROW(ones, "Ones", NAMES("ones", "one"), nothing, false, "", "all 1", .fill = fill_ones);
ROW(constant_row, "Constant", NAMES("constant"), constant, false, NULL, "all the same value", .fill = fill_value,
    .kind.keras = "Constant(0.1)");
ROW(identity_row, "Identity", NAMES("identity", "IdentityInitializer"), identity, false, NULL,
    "gain times the identity matrix", .fill = fill_identity);
ROW(random_normal, "RandomNormal", NAMES("random_normal", "normal"), normal, true, "seed mean stddev",
    "normal distribution", .fill = fill_normal, .kind.keras = "RandomNormal(stddev=0.01)");
ROW(truncated_normal, "TruncatedNormal", NAMES("truncated_normal"), normal, true, "seed mean stddev",
    "normal distribution cut at two standard deviations", .fill = fill_truncated,
    .kind.keras = "TruncatedNormal(stddev=0.01)");
ROW(random_uniform, "RandomUniform", NAMES("random_uniform", "uniform"), uniform, true, "seed minval maxval",
    "uniform distribution", .fill = fill_uniform, .kind.keras = "RandomUniform(-0.1, 0.1)");
ROW(orthogonal_row, "Orthogonal", NAMES("orthogonal", "OrthogonalInitializer"), orthogonal, true, "seed gain",
    "orthogonal matrix", .fill = fill_orthogonal);
ROW(variance_scaling, "VarianceScaling", NAMES("variance_scaling"), scaling, true, "seed scale mode distribution",
    "variance = scale / fan", .fill = fill_scaled, .kind.keras = "VarianceScaling(2.0, 'fan_out')");
ROW(glorot_uniform, "GlorotUniform", NAMES("glorot_uniform"), seeded, true, NULL,
    "uniform, limit sqrt(6 / (fan_in + fan_out))", .scale = 1, .mode = "fan_avg", .distribution = "uniform");
ROW(glorot_normal, "GlorotNormal", NAMES("glorot_normal"), seeded, true, NULL,
    "truncated normal, variance 2 / (fan_in + fan_out)", .scale = 1, .mode = "fan_avg", .distribution = "");
ROW(he_normal, "HeNormal", NAMES("he_normal"), seeded, true, NULL, "truncated normal, variance 2 / fan_in", .scale = 2,
    .mode = "fan_in", .distribution = "", .kind.keras = "HeNormal(seed=1)");
ROW(he_uniform, "HeUniform", NAMES("he_uniform"), seeded, true, NULL, "uniform, limit sqrt(6 / fan_in)", .scale = 2,
    .mode = "fan_in", .distribution = "uniform");
ROW(lecun_normal, "LecunNormal", NAMES("lecun_normal"), seeded, true, NULL, "truncated normal, variance 1 / fan_in",
    .scale = 1, .mode = "fan_in", .distribution = "");
ROW(lecun_uniform, "LecunUniform", NAMES("lecun_uniform"), seeded, true, NULL, "uniform, limit sqrt(3 / fan_in)",
    .scale = 1, .mode = "fan_in", .distribution = "uniform");

static const cni_kind *const kinds[] = {
    &zeros.kind,          &ones.kind,           &constant_row.kind,     &identity_row.kind,
    &random_normal.kind,  &random_uniform.kind, &truncated_normal.kind, &variance_scaling.kind,
    &glorot_uniform.kind, &glorot_normal.kind,  &he_normal.kind,        &he_uniform.kind,
    &lecun_normal.kind,   &lecun_uniform.kind,  &orthogonal_row.kind};

const cni_family cni_initializers = {
    .what = "initializer", .module = "keras.initializers", .kinds = kinds, .count = sizeof kinds / sizeof *kinds};
