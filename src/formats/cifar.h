/* SPDX-License-Identifier: Apache-2.0
 * The binary version of CIFAR-10 (cs.toronto.edu/~kriz/cifar.html): records of a label and 3 x 32 x 32 bytes. */
#ifndef CNI_CIFAR_H
#define CNI_CIFAR_H

#include "formats/bytes.h"

#include <cornu/cornu.h>

/** Images [n, 32, 32, 3] and labels [n, 1], both uint8, as keras.datasets.cifar10 gives them.  The file must consist of
 *  whole records with labels 0 to 9. */
cn_status cni_cifar10_read(cni_arena *arena, cni_bytes file, cn_array *images, cn_array *labels, cni_error *error);

#endif
