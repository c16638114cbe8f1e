/* SPDX-License-Identifier: Apache-2.0
 * Where a test finds its material: files of this project, and the outside collection that not everybody has. */
#ifndef CORNU_TEST_PATHS_H
#define CORNU_TEST_PATHS_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Path of a file of this project, e.g. source_path(path, "tests/golden/conv2d.npz"); returns `path`. */
static inline const char *source_path(char path[static 4096], const char *name)
{
    snprintf(path, 4096, "%s/%s", CORNU_SOURCE_DIR, name);
    return path;
}

/** Path of a file of the outside collection (environment CORNU_SHARED, else ../shared beside the project), or NULL
 *  where it is absent: a test then says so and calls skip(). */
static inline const char *shared_path(char path[static 4096], const char *name)
{
    const char *shared = getenv("CORNU_SHARED");
    if (shared && *shared)
        snprintf(path, 4096, "%s/%s", shared, name);
    else
        snprintf(path, 4096, "%s/../shared/%s", CORNU_SOURCE_DIR, name);
    if (access(path, R_OK) == 0) return path;
    fprintf(stderr, "not here: %s (CORNU_SHARED names the folder)\n", path);
    return NULL;
}

#endif
