/* SPDX-License-Identifier: Apache-2.0
 * Gathering while one writes: an op that is computed slice by slice of its first input (cni_slicing) follows the op
 * that writes this.  Whoever writes the last cell of a slice computes it at once, while its cells are near:
 *
 *     host       |wwwwwwwwwwwwwww|wwwwwwwwwwwwwww|wwwwwwwww ...     w: writes, in any order
 *     follower               slice 0         slice 1
 *
 * What a slice holds follows from the shape, so neither threads nor order change a bit. */
#ifndef CNI_GATHER_H
#define CNI_GATHER_H

#include "graph/graph.h"

#include <stdatomic.h>

typedef struct cni_gather {
    const cni_step *follower; /* NULL: nobody follows, and nothing is to be done */
    const cni_run *run;
    size_t rows, slices;
    atomic_size_t *left; /* cells of each slice that are yet to be written */
} cni_gather;

/** At the begin of the host's run; `run` outlives the gathering. */
cni_gather cni_gather_begin(const cni_step *host, const cni_run *run);

/** So many channels of the pixels first, first + step, ... (`count` of them, counted through all images) are written,
 *  for good.  Any thread may call. */
void cni_gather_wrote(const cni_gather *gather, size_t first, size_t count, size_t step, size_t channels);

/** The follower's own: memory for so many slices (persistent), and its run, which does what no host has done. */
size_t cni_gather_bytes(size_t slices);
void cni_gather_run(cni_step *step, const cni_run *run);

/** Bytes of what is written at a time, so that it is still near when it is gathered. */
enum { CNI_GATHER_BYTES = 256 * 1024 };

#endif
