/* SPDX-License-Identifier: Apache-2.0
 * Dense storage. */
#include "formats/hdf5/hdf5_internal.h"

cn_status cni_h5_read_dense(cni_h5_object *object, uint64_t heap, uint64_t tree, bool links, cni_error *error)
{
    (void)tree;
    return cni_h5_fail(object->file, error, CN_ERR_UNSUPPORTED, heap,
                       "%s in a fractal heap (dense storage); write the file with libver='earliest'",
                       links ? "links" : "attributes");
}
