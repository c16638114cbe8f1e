/* SPDX-License-Identifier: Apache-2.0
 * Two tensors walked together, NumPy's way. */
#include "graph/ops/pairs.h"

/* Dimension i of a shape seen as one of `rank` dimensions. */
static int64_t dim_of(const cni_shape *shape, int rank, int i)
{
    const int own = i - (rank - shape->rank);
    return own < 0 ? 1 : shape->dims[own];
}

bool cni_pair_shape(const cni_shape *a, const cni_shape *b, cni_shape *out)
{
    cni_shape shape = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 0; i < shape.rank; i++) {
        const int64_t of_a = dim_of(a, shape.rank, i), of_b = dim_of(b, shape.rank, i);
        if (of_a != of_b && of_a != 1 && of_b != 1) return false;
        shape.dims[i] = of_a == 1 ? of_b : of_a;
        if (i > 0 && shape.dims[i] == CNI_UNKNOWN) return false;
    }
    *out = shape;
    return true;
}

/* Distances between elements of a dense tensor along the dimensions of the result, 0 where it is repeated. */
static void steps_of(const cni_shape *shape, int rank, int n, size_t *steps)
{
    size_t step = 1;
    for (int i = rank - 1; i >= 0; i--) {
        const int64_t dim = dim_of(shape, rank, i);
        steps[i] = dim == 1 ? 0 : step;
        step *= dim == CNI_UNKNOWN ? (size_t)n : (size_t)dim;
    }
}

cni_pair cni_pair_of(const cni_shape *out, const cni_shape *a, const cni_shape *b, int n)
{
    size_t of_a[CNI_MAX_RANK], of_b[CNI_MAX_RANK];
    steps_of(a, out->rank, n, of_a);
    steps_of(b, out->rank, n, of_b);
    cni_pair pair = {.rank = 0};
    for (int i = 0; i < out->rank; i++) {
        const size_t dim = out->dims[i] == CNI_UNKNOWN ? (size_t)n : (size_t)out->dims[i];
        const int last = pair.rank - 1;
        if (dim == 1) continue;
        const bool joins = last >= 0 && pair.a[last] == of_a[i] * dim && pair.b[last] == of_b[i] * dim;
        const int at = joins ? last : pair.rank++;
        pair.dims[at] = joins ? pair.dims[at] * dim : dim;
        pair.a[at] = of_a[i];
        pair.b[at] = of_b[i];
    }
    if (pair.rank == 0) pair = (cni_pair){1, {1}, {0}, {0}};
    return pair;
}

/* Running: the last dimension is a row, the last but one counts rows, those before are walked. */

typedef struct walk {
    const cni_kernels *kernels;
    const cni_pair *pair;
    cni_binary_function f;
    const cni_epilogue *epilogue;
    const char *a, *b;
    char *y;
    size_t rows, c; /* of one call of the kernel */
} walk;

/* With an epilogue the pieces are small enough for its second look to find them in the cache. */
enum { EPILOGUE_PIECE = 4096 };

static void run_rows(const walk *w, cni_rows a, cni_rows b, char *y, size_t rows, size_t c)
{
    w->kernels->elementwise.binary(w->f, a, b, y, rows, c);
    if (w->epilogue->function != CNI_LINEAR) w->kernels->elementwise.unary(w->epilogue, y, y, rows * c);
}

/* One row, or part of one: elements begin .. end - 1. */
static void run_elements(void *context, size_t begin, size_t end)
{
    const walk *w = context;
    const size_t a_step = w->pair->a[0], b_step = w->pair->b[0], size = w->kernels->real_size;
    const size_t piece = w->epilogue->function == CNI_LINEAR ? end - begin : EPILOGUE_PIECE;
    for (size_t i = begin; i < end; i += piece)
        run_rows(w, (cni_rows){w->a + i * a_step * size, 0, (int)a_step},
                 (cni_rows){w->b + i * b_step * size, 0, (int)b_step}, w->y + i * size, 1,
                 end - i < piece ? end - i : piece);
}

/* Where row `row` of the walk begins in an operand. */
static size_t offset_of(const cni_pair *pair, const size_t *steps, size_t row)
{
    size_t offset = 0;
    for (int i = pair->rank - 2; i >= 0; i--) {
        offset += row % pair->dims[i] * steps[i];
        row /= pair->dims[i];
    }
    return offset;
}

static void run_row_range(void *context, size_t begin, size_t end)
{
    const walk *w = context;
    const cni_pair *p = w->pair;
    const size_t size = w->kernels->real_size;
    const int row = p->rank - 2, last = p->rank - 1;
    size_t piece = w->epilogue->function == CNI_LINEAR ? end - begin : EPILOGUE_PIECE / w->c + 1;
    for (size_t r = begin, count; r < end; r += count) {
        const size_t left = w->rows - r % w->rows;
        count = end - r < left ? end - r : left;
        if (count > piece) count = piece;
        run_rows(w, (cni_rows){w->a + offset_of(p, p->a, r) * size, p->a[row], (int)p->a[last]},
                 (cni_rows){w->b + offset_of(p, p->b, r) * size, p->b[row], (int)p->b[last]}, w->y + r * w->c * size,
                 count, w->c);
    }
}

void cni_pair_run(const cni_kernels *kernels, cni_pool *pool, const cni_pair *pair, cni_binary_function f,
                  const cni_epilogue *epilogue, const void *a, const void *b, void *y)
{
    walk w = {kernels, pair, f, epilogue, a, b, y, 0, pair->dims[pair->rank - 1]};
    if (pair->rank == 1) {
        cni_ranges(pool, w.c, CNI_GRAIN, run_elements, &w);
        return;
    }
    size_t rows = 1;
    for (int i = 0; i < pair->rank - 1; i++) rows *= pair->dims[i];
    w.rows = pair->dims[pair->rank - 2];
    cni_ranges(pool, rows, cni_grain_of(w.c), run_row_range, &w);
}
