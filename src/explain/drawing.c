/* SPDX-License-Identifier: Apache-2.0
 * Finding and loading the drawing module.  Nothing is kept: dlopen itself counts, and gives the same one again. */
#include "explain/drawing.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "cornu-draw.so"

/* The folder of the file that this code is in: the shared library, or the program that the archive was linked into. */
static bool own_folder(char folder[PATH_MAX])
{
    Dl_info info;
    char program[PATH_MAX], *slash;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    const char *file = NULL;
    program[length > 0 ? length : 0] = 0;
    if (dladdr((const void *)(size_t)&cni_drawing_open, &info) && info.dli_fname && strstr(info.dli_fname, ".so"))
        file = info.dli_fname;
    else if (length > 0)
        file = program;
    if (!file || !realpath(file, folder) || !(slash = strrchr(folder, '/'))) return false;
    *slash = 0;
    return true;
}

static void *open_in(const char *folder, const char *below)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s%s/" MODULE, folder, below);
    if (length < 0 || (size_t)length >= sizeof path || access(path, R_OK) != 0) return NULL;
    /* What cairo brings along does not like to be unloaded. */
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

/* Beside us (a build folder), below the library, and beside the folder of programs. */
static void *open_module(void)
{
    static const char *const below[] = {"", "/cornu", CORNU_MODULES_FROM_PROGRAMS};
    const char *chosen = secure_getenv("CORNU_MODULES");
    char folder[PATH_MAX];
    if (chosen && *chosen) return open_in(chosen, "");
    void *module = NULL;
    bool known = own_folder(folder);
    for (size_t i = 0; known && !module && i < sizeof below / sizeof *below; i++) module = open_in(folder, below[i]);
    return module ? module : open_in(CORNU_MODULES_INSTALLED, "");
}

cn_status cni_drawing_open(const cni_drawing **drawing, cni_error *error)
{
    void *module = open_module();
    if (!module) {
        const char *why = dlerror(), *chosen = secure_getenv("CORNU_MODULES");
        return cni_fail(error, CN_ERR_UNSUPPORTED,
                        "drawing needs the module " MODULE ", which is not %s%s%s%s; install it, or let CORNU_MODULES "
                        "name the folder that it is in",
                        chosen && *chosen ? "in " : "beside the program or in " CORNU_MODULES_INSTALLED,
                        chosen && *chosen ? chosen : "", why ? ", or cannot be loaded: " : "", why ? why : "");
    }
    const cni_drawing *found = dlsym(module, CNI_DRAWING_SYMBOL);
    if (!found || found->version != CNI_DRAWING_VERSION) {
        dlclose(module);
        return cni_fail(error, CN_ERR_VERSION, "the drawing module " MODULE " belongs to another version of Cornu");
    }
    *drawing = found;
    return CN_OK;
}
