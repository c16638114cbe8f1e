/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transform of what tiles of dy send back, with vectors of channels.  Tiles overlap: each is added to what
 * the ones before it left. */
#include "winograd_lines.h"

/* B S^-1 m: the rows of input_line as columns, those of points p and -p together. */
ALWAYS_INLINE void overlap_line(const lanes *m, lanes *r)
{
    const lanes even = m[1] + m[2], odd = m[1] - m[2], second_even = m[3] + m[4], second_odd = m[3] - m[4];
    r[0] = m[0];
    r[1] = m[5] + 3 * HALF_ROOT * odd - 3 * ROOT * second_odd;
    r[2] = 3 * even - 2.5f * m[0] - 3 * second_even;
    r[3] = 6 * ROOT * second_odd - 1.5f * HALF_ROOT * odd - 2.5f * m[5];
    r[4] = m[0] - 1.5f * even + 6 * second_even;
    r[5] = m[5];
}

ALWAYS_INLINE void channels(const cni_winograd_job *job, const float *m, float *x, int some)
{
    enum { N = 6 };
    lanes half[N][N];
    UNROLL for (int j = 0; j < N; j++)
    {
        lanes column[N], r[N];
        UNROLL for (int i = 0; i < N; i++)
        {
            const float *from = m + (N * i + j) * job->position;
            column[i] = some >= LANES ? load(from) : load_some(from, some);
        }
        overlap_line(column, r);
        UNROLL for (int i = 0; i < N; i++) half[i][j] = r[i];
    }
    UNROLL for (int i = 0; i < N; i++)
    {
        lanes r[N];
        overlap_line(half[i], r);
        UNROLL for (int j = 0; j < N; j++)
        {
            float *at = x + i * job->row + j * job->column;
            if (some >= LANES)
                store(at, load(at) + r[j]);
            else
                store_some(at, load_some(at, some) + r[j], some);
        }
    }
}

static void overlap_6(const cni_winograd_job *job, const void *transform, void *image)
{
    const float *m = transform;
    for (size_t t = 0; t < job->count; t++, m += job->tile) {
        float *x = (float *)image + job->tiles[t].at;
        int c = 0;
        for (; c + LANES <= job->channels; c += LANES) channels(job, m + c, x + c, LANES);
        if (c < job->channels) channels(job, m + c, x + c, job->channels - c);
    }
}

void CNI_FOR_ISA(cni_winograd_overlap_part)(cni_winograd_kernels *kernels)
{
    kernels->overlap[6] = overlap_6;
}
