/* SPDX-License-Identifier: Apache-2.0
 * A fuzzer without the fuzzing: runs the target on the files of folders, and on every cut of the short ones. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUTS = 64 };

static int replay(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rbe");
    if (!file) return 1;
    uint8_t *bytes = malloc(1 << 20);
    size_t size = bytes ? fread(bytes, 1, 1 << 20, file) : 0;
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(bytes, size);
    for (size_t i = 0; i < CUTS; i++) { /* in a block of its own size, so that a read past the end is seen */
        size_t cut = size * i / CUTS;
        uint8_t *part = malloc(cut + !cut);
        if (!part) break;
        memcpy(part, bytes, cut);
        LLVMFuzzerTestOneInput(part, cut);
        free(part);
    }
    free(bytes);
    return 0;
}

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    int failed = 0, files = 0;
    if (!folder) return 1;
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') {
            failed += replay(path, entry->d_name);
            files++;
        }
    closedir(folder);
    return failed || !files;
}

int main(int count, char **arguments)
{
    int failed = count < 2;
    for (int i = 1; i < count; i++) failed += replay_folder(arguments[i]);
    return failed != 0;
}
