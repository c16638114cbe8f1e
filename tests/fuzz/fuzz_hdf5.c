/* SPDX-License-Identifier: Apache-2.0
 * HDF5: everything in the file is read. */
#include "fuzz.h"

#include "formats/hdf5_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walked w = {0};
    (void)walk_bytes((cni_bytes){data, size}, &w);
    return 0;
}
