/* SPDX-License-Identifier: Apache-2.0
 * Plan files: what is read is written and read again to the same bytes. */
#include "fuzz.h"
#include "round_trip.h"

#include "formats/plan_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cni_error error = {0};
    cni_choices first = {0}, second = {0};
    cni_buffer one = {0}, two = {0};
    const cn_status status = cni_plan_read((cni_bytes){data, size}, "plan", "avx512", &first, &error);
    if (status)
        must_tell(status, &error);
    else {
        cni_plan_write(&one, "avx512", &first);
        must(!cni_plan_read(cni_buffer_bytes(&one), "plan", "avx512", &second, &error), "cannot be read again",
             error.text);
        cni_plan_write(&two, "avx512", &second);
        must(first.count == second.count && one.size == two.size && memcmp(one.data, two.data, one.size) == 0,
             "plans differ", "after writing");
    }
    cni_buffer_free(&one);
    cni_buffer_free(&two);
    cni_choices_clear(&first);
    cni_choices_clear(&second);
    return 0;
}
