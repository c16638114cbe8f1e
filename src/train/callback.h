/* SPDX-License-Identifier: Apache-2.0
 * Callbacks: what happens round epochs and batches.  A kind is one file that ends with its row. */
#ifndef CNI_CALLBACK_H
#define CNI_CALLBACK_H

#include "train/fit.h"

typedef struct cni_callback_kind cni_callback_kind;

struct cni_callback {
    const cni_callback_kind *kind;
    const void *args; /* the kind's struct, defaults filled in */
    void *state;      /* kind->state_size zeroed bytes */
    cni_fit *fit;
};

/** Functions may be NULL. */
struct cni_callback_kind {
    cni_kind kind;
    size_t state_size;
    bool has_pointers; /* the struct holds functions: it is taken as it stands */
    cn_status (*train_begin)(cni_callback *callback);
    cn_status (*epoch_begin)(cni_callback *callback, int epoch);
    cn_status (*batch_begin)(cni_callback *callback, int64_t batch);
    cn_status (*batch_end)(cni_callback *callback, int64_t batch, const cn_logs *logs);
    cn_status (*epoch_end)(cni_callback *callback, int epoch);
    cn_status (*train_end)(cni_callback *callback);
    void (*release)(cni_callback *callback); /* whatever happened */
};

extern const cni_family cni_callbacks;

/** Which way `monitor` is better: from `mode`, or from its name.  +1 up, -1 down. */
cn_status cni_callback_direction(const cni_callback *callback, const char *monitor, const char *mode, int *direction);

/** Keras' MonitorCallback: whether `value` beats `than` by `delta`.  Logs are float32 there, and so are they compared.
 */
static inline bool cni_callback_better(int direction, double delta, double value, double than)
{
    return direction > 0 ? (float)(value - delta) > (float)than : (float)(value + delta) < (float)than;
}

#endif
