/* SPDX-License-Identifier: Apache-2.0
 * The loss of a batch.  Its entries are cut into slices, as many as the sizes alone say; each slice adds up in double,
 * and the slices are added up in their order. */
#include "graph/ops/loss.h"

#include "kernels/kernels.h"

enum { MAX_SLICES = 64, SLICE_ELEMENTS = 4096, CHUNK = 256 };

typedef struct partial {
    double sum, weights, valid;
} partial;

/* Real numbers of either size on the stack. */
typedef union reals {
    float f32[CHUNK];
    double f64[CHUNK];
} reals;

typedef struct work {
    const cni_run *run;
    const cni_loss_attributes *loss;
    const char *p, *y, *weights;
    char *dp;
    double factor;              /* of the gradient */
    size_t entries, per_weight; /* entries that share a weight */
    size_t slices;
    partial *partials;
} work;

static double real_at(const void *data, size_t i, size_t real_size)
{
    return real_size == sizeof(float) ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void set_real(void *data, size_t i, size_t real_size, double value)
{
    if (real_size == sizeof(float))
        ((float *)data)[i] = (float)value;
    else
        ((double *)data)[i] = value;
}

static size_t slices_of(size_t elements)
{
    const size_t slices = elements / SLICE_ELEMENTS;
    return slices < 1 ? 1 : slices > MAX_SLICES ? MAX_SLICES : slices;
}

static size_t slice_begin(const work *w, size_t slice)
{
    return w->entries / w->slices * slice + (slice < w->entries % w->slices ? slice : w->entries % w->slices);
}

static double weight_at(const work *w, size_t entry)
{
    return w->weights ? real_at(w->weights, entry / w->per_weight, w->run->kernels->real_size) : 1;
}

/* Some entries that lie evenly: elements from `at` on.  As many as the chunk and the inner dimension allow. */
typedef struct chunk {
    cni_loss_rows rows;
    size_t p, y; /* first element */
} chunk;

static chunk chunk_at(const work *w, size_t entry, size_t end)
{
    const cni_loss_attributes *loss = w->loss;
    const size_t column = entry % loss->inner, left = loss->inner == 1 ? end - entry : loss->inner - column;
    chunk c = {.rows = {.rows = end - entry,
                        .count = loss->count,
                        .pitch = loss->inner == 1 ? loss->count : 1,
                        .step = loss->inner}};
    if (c.rows.rows > left) c.rows.rows = left;
    if (c.rows.rows > CHUNK) c.rows.rows = CHUNK;
    c.p = entry / loss->inner * loss->count * loss->inner + column;
    c.y = loss->spec.function == CNI_SPARSE_CROSSENTROPY ? entry : c.p;
    return c;
}

static bool is_valid(const work *w, size_t entry)
{
    const cni_loss_spec *spec = &w->loss->spec;
    return !spec->ignores || real_at(w->y, entry, w->run->kernels->real_size) != spec->ignored;
}

/* The kernels for rows that lie one behind the other, where there are any. */
static const cni_flat_loss *flat_of(const work *w, const chunk *c)
{
    const cni_flat_loss *flat = &w->run->kernels->learning.flat[w->loss->spec.function];
    return flat->loss && c->rows.step == 1 && c->rows.pitch == c->rows.count ? flat : NULL;
}

static void values_of(const work *w, const chunk *c, void *values)
{
    const size_t size = w->run->kernels->real_size;
    const cni_flat_loss *flat = flat_of(w, c);
    const void *y = w->y + c->y * size, *p = w->p + c->p * size;
    if (flat)
        flat->loss(&w->loss->spec, c->rows.rows, c->rows.count, y, p, values);
    else
        w->run->kernels->learning.loss(&w->loss->spec, &c->rows, y, p, values);
}

static void slopes_of(const work *w, const chunk *c, const void *factors)
{
    const size_t size = w->run->kernels->real_size;
    const cni_flat_loss *flat = flat_of(w, c);
    const void *y = w->y + c->y * size, *p = w->p + c->p * size;
    if (flat)
        flat->gradient(&w->loss->spec, c->rows.rows, c->rows.count, y, p, factors, w->dp + c->p * size);
    else
        w->run->kernels->learning.loss_gradient(&w->loss->spec, &c->rows, y, p, factors, w->dp + c->p * size);
}

static void sum_slice(void *context, size_t slice, int thread)
{
    const work *w = context;
    const size_t size = w->run->kernels->real_size, end = slice_begin(w, slice + 1);
    partial total = {0};
    (void)thread;
    for (size_t entry = slice_begin(w, slice); entry < end;) {
        const chunk c = chunk_at(w, entry, end);
        reals values;
        values_of(w, &c, &values);
        for (size_t i = 0; i < c.rows.rows; i++, entry++) {
            const double weight = weight_at(w, entry), valid = is_valid(w, entry);
            total.sum += real_at(&values, i, size) * weight;
            total.weights += valid * weight;
            total.valid += valid;
        }
    }
    w->partials[slice] = total;
}

static double divisor_of(const work *w, const partial *total)
{
    if (w->loss->divisor == CNI_BY_ONE) return 1;
    if (w->loss->divisor == CNI_BY_ENTRIES || !w->weights) return total->valid;
    if (w->loss->spec.ignores) return total->weights;
    return total->weights / ((double)w->per_weight * w->loss->repeats);
}

/* in: predictions, targets, weights or NULL */
static work work_of(const cni_step *step, const cni_run *run)
{
    const cni_loss_attributes *loss = step->op->attributes;
    const size_t per_sample = loss->outer * loss->inner, entries = (size_t)run->n * per_sample;
    const cni_tensor *weights = step->op->in[2];
    const size_t given = weights ? cni_tensor_image(weights) : 1;
    return (work){.run = run,
                  .loss = loss,
                  .p = step->in[0],
                  .y = step->in[1],
                  .weights = step->in[2],
                  .entries = entries,
                  .per_weight = given == per_sample ? 1 : per_sample,
                  .slices = slices_of(entries * loss->count)};
}

/* out: the loss, and 1 / divisor for the gradient */
static void run_loss(cni_step *step, const cni_run *run)
{
    work w = work_of(step, run);
    partial total = {0};
    w.partials = step->workspace;
    cni_parallel(run->pool, w.slices, sum_slice, &w);
    for (size_t i = 0; i < w.slices; i++) {
        total.sum += w.partials[i].sum;
        total.weights += w.partials[i].weights;
        total.valid += w.partials[i].valid;
    }
    const double divisor = divisor_of(&w, &total);
    set_real(step->out[0], 0, run->kernels->real_size, divisor == 0 ? 0 : total.sum / divisor);
    set_real(step->out[1], 0, run->kernels->real_size, divisor == 0 ? 0 : 1 / divisor);
}

static size_t loss_workspace(const cni_op *op, const cni_run *most)
{
    (void)op, (void)most;
    return MAX_SLICES * sizeof(partial);
}

/* The gradient.  in: predictions, targets, weights or NULL, 1 / divisor, d(loss) */

static void gradient_slice(void *context, size_t slice, int thread)
{
    const work *w = context;
    const size_t size = w->run->kernels->real_size, end = slice_begin(w, slice + 1);
    (void)thread;
    for (size_t entry = slice_begin(w, slice); entry < end;) {
        const chunk c = chunk_at(w, entry, end);
        reals factors;
        for (size_t i = 0; i < c.rows.rows; i++, entry++) set_real(&factors, i, size, w->factor * weight_at(w, entry));
        slopes_of(w, &c, &factors);
    }
}

static void run_gradient(cni_step *step, const cni_run *run)
{
    const size_t size = run->kernels->real_size;
    work w = work_of(step, run);
    w.dp = step->out[0];
    w.factor = real_at(step->in[3], 0, size) * real_at(step->in[4], 0, size);
    cni_parallel(run->pool, w.slices, gradient_slice, &w);
}

static const cni_op_kind gradient_kind = {
    .name = "loss gradient",
    .attributes_size = sizeof(cni_loss_attributes),
    .run = run_gradient,
    .in_place = true,
};

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    if (!dout[0]) return;
    cni_tensor *const in[] = {op->in[0], op->in[1], op->in[2], op->out[1], dout[0]};
    din[0] = cni_append(graph, &gradient_kind, op->attributes, 5, in, 1, &op->in[0]->shape)->out[0];
}

static const cni_op_kind loss_kind = {
    .name = "loss",
    .attributes_size = sizeof(cni_loss_attributes),
    .gradient = gradient,
    .workspace = loss_workspace,
    .run = run_loss,
};

cni_tensor *cni_loss(cni_graph *graph, const cni_loss_attributes *attributes, cni_tensor *predictions,
                     cni_tensor *targets, cni_tensor *weights)
{
    cni_tensor *const in[] = {predictions, targets, weights};
    const cni_shape scalars[2] = {{.rank = 0}, {.rank = 0}};
    return cni_append(graph, &loss_kind, attributes, 3, in, 2, scalars)->out[0];
}
