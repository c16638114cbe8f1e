/* SPDX-License-Identifier: Apache-2.0
 * JSON: what is read is written and read again to the same bytes. */
#include "fuzz.h"
#include "round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cni_arena arena;
    cni_error error = {0};
    cni_value *value, *again;
    cni_bytes first, second;
    cni_arena_init(&arena, (size_t)256 << 20);
    cn_status status = cni_json_read(&arena, (cni_bytes){data, size}, NULL, &value, &error);
    if (status)
        must_tell(status, &error);
    else {
        must(!cni_json_write(&arena, value, 0, &first, &error), "cannot be written", error.text);
        must(!cni_json_read(&arena, first, NULL, &again, &error), "cannot be read again", error.text);
        must(!cni_json_write(&arena, again, 0, &second, &error), "cannot be written again", error.text);
        must(first.size == second.size && memcmp(first.data, second.data, first.size) == 0, "JSON differs",
             (const char *)second.data);
    }
    cni_arena_free(&arena);
    return 0;
}
