/* SPDX-License-Identifier: Apache-2.0
 * .npy: every element of an array that was read is there, and comes back. */
#include "fuzz.h"
#include "round_trip.h"

#include "formats/npy.h"
#include "tensor/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cni_arena arena;
    cni_error error = {0};
    cn_array array, again;
    cni_buffer buffer = {0};
    cni_arena_init(&arena, (size_t)256 << 20);
    cn_status status = cni_npy_read(&arena, (cni_bytes){data, size}, NULL, &array, &error);
    if (status)
        must_tell(status, &error);
    else {
        size_t bytes = cni_dtype_size(array.dtype);
        for (int i = 0; i < array.rank; i++) bytes *= (size_t)array.shape[i];
        must(!cni_npy_write(&buffer, &array, &error), "cannot be written", error.text);
        must(!cni_npy_read(&arena, cni_buffer_bytes(&buffer), NULL, &again, &error), "cannot be read again",
             error.text);
        must(again.rank == array.rank && again.dtype == array.dtype &&
                 (!bytes || !memcmp(array.data, again.data, bytes)),
             "an array differs", "after writing");
    }
    cni_buffer_free(&buffer);
    cni_arena_free(&arena);
    return 0;
}
