/* SPDX-License-Identifier: Apache-2.0
 * Folders on the way to a file. */
#ifndef CNI_FOLDERS_H
#define CNI_FOLDERS_H

#include "base/error.h"

/** Makes the folders of a file's path that are not there yet. */
cn_status cni_make_folders(const char *path, cni_error *error);

#endif
