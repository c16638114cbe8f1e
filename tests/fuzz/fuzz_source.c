/* SPDX-License-Identifier: Apache-2.0
 * Texts with Keras and PyTorch code: whatever they hold, positions lie in the text, remarks can be printed, and what
 * was described can be flattened and built. */
#include "fuzz.h"
#include "formats/source/source.h"
#include "formats/syntax_places.h"
#include "round_trip.h"

#include <stdio.h>
#include <stdlib.h>

static void print_remarks(const cni_description *description, const cni_remarks *remarks)
{
    cni_text printed = {0};
    for (int i = 0; i < remarks->count; i++) cni_remark_print(&printed, description, &remarks->items[i], 0);
    cni_text_free(&printed);
}

static void check_syntax(const char *text, size_t size)
{
    cni_arena arena;
    cni_arena_init(&arena, (size_t)1 << 30);
    cni_remarks remarks = {.arena = &arena};
    cni_source_comments comments = {0};
    const cni_syntax *module = cni_syntax_read(&arena, text, size, &remarks, &comments);
    const char *wrong = module ? misplaced(text, size, module, &remarks) : NULL;
    cni_description description = {.text = text, .text_size = size, .file = "fuzz.py"};
    print_remarks(&description, &remarks);
    cni_arena_free(&arena);
    must(!wrong, "misplaced", wrong);
}

static void build(const cni_description *description)
{
    cni_error error = {0};
    cn_model *model;
    cn_context *context = cn_context_new();
    const cn_status status = cni_model_from_description(context, description, &model, &error);
    if (status)
        must_tell(status, &error);
    else
        cn_model_free(model);
    cn_context_free(context);
}

static void check_source(const char *text, size_t size)
{
    cni_arena arena;
    cni_error error = {0};
    cni_description *description = NULL, *flat;
    cni_arena_init(&arena, (size_t)1 << 30);
    const cn_status status = cni_source_read(&arena, text, size, "fuzz.py", NULL, &description, &error);
    if (status)
        must_tell(status, &error);
    else if (description) {
        print_remarks(description, &description->remarks);
        if (cni_description_flatten(&arena, description, &flat, &error)) must_tell(error.status, &error);
        build(description);
    }
    cni_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)cni_source_detect((const char *)data, size);
    check_syntax((const char *)data, size);
    check_source((const char *)data, size);
    return 0;
}
