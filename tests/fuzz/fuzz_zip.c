/* SPDX-License-Identifier: Apache-2.0
 * ZIP archives: every member is read, as bytes and as an array. */
#include "fuzz.h"
#include "round_trip.h"

#include "formats/npy.h"
#include "formats/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cni_arena arena;
    cni_error error = {0};
    cni_zip zip;
    cni_arena_init(&arena, (size_t)256 << 20);
    cn_status status = cni_zip_open(&arena, (cni_bytes){data, size}, NULL, &zip, &error);
    if (status) must_tell(status, &error);
    for (size_t i = 0; !status && i < zip.count; i++) {
        cni_error own = {0};
        cni_bytes content;
        cn_array array;
        if (cni_zip_read(&arena, zip.members + i, &content, &own))
            must_tell(own.status, &own);
        else
            must(content.size == zip.members[i].size, "a member has another size", zip.members[i].name);
        cni_error_clear(&own);
        if (cni_npz_read(&arena, &zip, zip.members[i].name, NULL, &array, &own)) must_tell(own.status, &own);
    }
    cni_arena_free(&arena);
    return 0;
}
