/* SPDX-License-Identifier: Apache-2.0
 * .keras files.  The mutator changes what is in the archive and packs it again, so that sizes and CRCs are right; one
 * time in eight it changes the archive itself. */
#include "fuzz.h"
#include "round_trip.h"

#include "formats/zip.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cni_arena arena;
    cni_error error = {0};
    cn_model *model = NULL;
    cn_context *context = cn_context_new();
    cn_load_options options = {.struct_size = sizeof options, .context = context};
    cni_arena_init(&arena, (size_t)256 << 20);
    cn_status status = cni_keras_read("file", (cni_bytes){data, size}, &options, &arena, &model, &error);
    if (status)
        must_tell(status, &error);
    else
        round_trip(model);
    cn_model_free(model);
    cn_context_free(context);
    cni_arena_free(&arena);
    return 0;
}

#ifdef CORNU_FUZZER
static bool mutate_member(const cni_zip *zip, size_t chosen, cni_arena *arena, cni_zip_writer *to, size_t most)
{
    cni_error error = {0};
    for (size_t i = 0; i < zip->count; i++) {
        cni_bytes content;
        if (cni_zip_read(arena, zip->members + i, &content, &error)) return false;
        if (i == chosen) {
            uint8_t *room = cni_arena_alloc(arena, most);
            if (!room || content.size > most) return false;
            if (content.size) memcpy(room, content.data, content.size);
            content = (cni_bytes){room, LLVMFuzzerMutate(room, content.size, most)};
        }
        if (cni_zip_add(to, zip->members[i].name, content, &error)) return false;
    }
    return !cni_zip_finish(to, &error);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    cni_arena arena;
    cni_error error = {0};
    cni_zip zip;
    cni_zip_writer to = {0};
    size_t made = 0;
    cni_arena_init(&arena, (size_t)64 << 20);
    if (seed % 8 && !cni_zip_open(&arena, (cni_bytes){data, size}, NULL, &zip, &error) && zip.count &&
        mutate_member(&zip, seed / 8 % zip.count, &arena, &to, most) && to.bytes.size <= most) {
        made = to.bytes.size;
        memcpy(data, to.bytes.data, made);
    }
    cni_zip_writer_free(&to);
    cni_arena_free(&arena);
    return made ? made : LLVMFuzzerMutate(data, size, most);
}
#endif
