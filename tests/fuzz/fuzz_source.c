/* SPDX-License-Identifier: Apache-2.0
 * Texts with Keras and PyTorch code: whatever they hold, positions lie in the text and remarks can be printed. */
#include "fuzz.h"
#include "formats/source/source.h"
#include "formats/syntax_places.h"

#include <stdio.h>
#include <stdlib.h>

static void check_syntax(const char *text, size_t size)
{
    cni_arena arena;
    cni_arena_init(&arena, (size_t)1 << 30);
    cni_remarks remarks = {.arena = &arena};
    cni_source_comments comments = {0};
    const cni_syntax *module = cni_syntax_read(&arena, text, size, &remarks, &comments);
    const char *wrong = module ? misplaced(text, size, module, &remarks) : NULL;
    cni_description description = {.text = text, .text_size = size, .file = "fuzz.py"};
    cni_text printed = {0};
    for (int i = 0; i < remarks.count; i++) cni_remark_print(&printed, &description, &remarks.items[i]);
    cni_text_free(&printed);
    cni_arena_free(&arena);
    if (!wrong) return;
    fprintf(stderr, "%s\n", wrong);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)cni_source_detect((const char *)data, size);
    check_syntax((const char *)data, size);
    return 0;
}
