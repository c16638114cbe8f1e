/* SPDX-License-Identifier: Apache-2.0
 * Scenes to files. */
#include "base/folders.h"
#include "explain/drawing.h"
#include "formats/bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const char *const names[] = {[CNI_PICTURE_PNG] = "png", [CNI_PICTURE_SVG] = "svg", [CNI_PICTURE_PDF] = "pdf"};

cn_status cni_picture_format_find(const char *name, cni_picture_format *format, cni_error *error)
{
    for (int i = 0; i < 3; i++)
        if (name && strcmp(names[i], name) == 0) {
            *format = (cni_picture_format)i;
            return CN_OK;
        }
    return cni_fail(error, CN_ERR_INVALID, "format \"%.20s\": svg, png or pdf expected", name ? name : "");
}

static bool take_bytes(void *user, const void *bytes, size_t size)
{
    cni_buffer *buffer = user;
    cni_buffer_add(buffer, bytes, size);
    return !buffer->failed;
}

static cn_status write_svg(const cni_scene *scene, cni_scene_theme theme, const char *path, cni_error *error)
{
    cni_text text = {0};
    cni_scene_svg(&text, scene, theme);
    const cn_status status =
        text.failed ? cni_no_memory(error, path)
                    : cni_file_write(path, (cni_bytes){(const uint8_t *)cni_text_get(&text), text.length}, error);
    cni_text_free(&text);
    return status;
}

static cn_status write_by_module(const cni_scene *scene, cni_scene_theme theme, cni_picture_format format,
                                 const char *path, cni_error *error)
{
    const cni_drawing *drawing;
    cni_scene_palette palette = {{0}};
    cni_buffer bytes = {0};
    char message[200] = "";
    CN_TRY(cni_drawing_open(&drawing, error));
    for (int i = 0; i < CNI_INKS; i++) palette.colours[i] = cni_scene_colour((cni_scene_ink)i, theme);
    cn_status status = drawing->scene(scene, &palette, format, take_bytes, &bytes, message, sizeof message);
    if (status)
        cni_fail(error, status, "%s: cannot be drawn: %s", path, message);
    else
        status = cni_file_write(path, cni_buffer_bytes(&bytes), error);
    cni_buffer_free(&bytes);
    return status;
}

cn_status cni_scene_write(const cni_scene *scene, cni_scene_theme theme, cni_picture_format format, const char *path,
                          cni_error *error)
{
    if (scene->failed) return cni_no_memory(error, path);
    if (format == CNI_PICTURE_SVG) return write_svg(scene, theme, path, error);
    return write_by_module(scene, theme, format, path, error);
}

cn_status cni_scene_save(const cni_scene *scene, cni_scene_theme theme, cni_picture_format format, const char *folder,
                         cni_error *error)
{
    const char *path =
        scene->name ? cni_arena_printf(scene->arena, "%s/%s.%s", folder, scene->name, names[format]) : NULL;
    return path ? cni_scene_write(scene, theme, format, path, error) : cni_no_memory(error, "a picture");
}

cn_status cni_picture_folder(const char *folder, cni_error *error)
{
    if (mkdir(folder, 0777) == 0 || errno == EEXIST) return CN_OK;
    if (errno == ENOENT) CN_TRY(cni_make_folders(folder, error));
    if (mkdir(folder, 0777) == 0 || errno == EEXIST) return CN_OK;
    return cni_fail(error, CN_ERR_IO, "%s: cannot make the folder: %s", folder, strerror(errno));
}
