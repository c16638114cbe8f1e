/* SPDX-License-Identifier: Apache-2.0
 * Folders on the way to a file. */
#include "base/folders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

cn_status cni_make_folders(const char *path, cni_error *error)
{
    char *way = strdup(path);
    cn_status status = way ? CN_OK : cni_fail(error, CN_ERR_MEMORY, "%s: no memory for its name", path);
    for (char *slash = way; !status && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (*way && mkdir(way, 0777) && errno != EEXIST)
            status = cni_fail(error, CN_ERR_IO, "%s: cannot make the folder %s: %m", path, way);
        *slash = '/';
    }
    free(way);
    return status;
}
