/* SPDX-License-Identifier: Apache-2.0
 * Numbers as views and findings write them.  Each function writes into the caller's buffer of CNI_FIGURE bytes and
 * returns it; CNI_UNSEEN gives "?", never 0. */
#ifndef CNI_FIGURES_H
#define CNI_FIGURES_H

#include "explain/analysis/analysis.h"

enum { CNI_FIGURE = 48 };

char *cni_show_count(int64_t number, char *buffer);           /* 19,660,800 */
char *cni_show_short(int64_t number, char *buffer);           /* 195k, 2.23M: three digits, no zeros behind */
char *cni_show_bytes(int64_t bytes, char *buffer);            /* 784 B, 136.0 KiB, 1.00 MiB */
char *cni_show_ratio(int64_t num, int64_t den, char *buffer); /* 5, -1, 0.5, 1/3 */
char *cni_show_share(double share, char *buffer);             /* 98.1 %, of 0.981 */
char *cni_show_change(double share, char *buffer);            /* +0.3 %, +19 % */
char *cni_show_time(double milliseconds, char *buffer);       /* 12 us, 1.23 ms */

/** "128x128x3", without the batch, joined by `by`; "?" for what is not known. */
char *cni_show_sizes(const cni_shape *shape, const char *by, char *buffer, size_t size);

/** r, J and A of a node on one axis: "10", "all", "2..4". */
char *cni_show_field(const cni_receptive_field *field, char *buffer);
char *cni_show_jump(const cni_receptive_field *field, char *buffer);

/** The centre of position `index` in image pixels, as a fraction; false where it is not known. */
bool cni_centre_of(const cni_receptive_field *field, int64_t index, int64_t *num, int64_t *den);

#define CNI_SHOW(what, ...) cni_show_##what(__VA_ARGS__, (char[CNI_FIGURE]){0})

#endif
