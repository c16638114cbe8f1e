/* SPDX-License-Identifier: Apache-2.0
 * Goes through the files of a folder of the outside collection. */
#ifndef CORNU_TEST_SWEEP_H
#define CORNU_TEST_SWEEP_H

#include "formats/bytes.h"
#include "paths.h"

#include <dirent.h>
#include <string.h>

/** Calls `visit` for every file of shared/data/`folder` whose name begins with `prefix`; returns how many, -1 when the
 *  folder is absent. */
static inline int sweep(const char *folder, const char *prefix,
                        void (*visit)(const char *name, cni_bytes file, void *user), void *user)
{
    char path[4096], where[300], full[4500];
    snprintf(where, sizeof where, "data/%s", folder);
    if (!shared_path(path, where)) return -1;
    DIR *entries = opendir(path);
    int count = 0;
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        cni_arena arena = {0};
        cni_bytes file;
        snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            cni_file_read(&arena, full, UINT64_C(1) << 30, &file, NULL) == CN_OK) {
            visit(entry->d_name, file, user);
            count++;
        }
        cni_arena_free(&arena);
    }
    if (entries) closedir(entries);
    return count;
}

#endif
