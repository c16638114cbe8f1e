/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CNI_DRAW_SCENE_H
#define CNI_DRAW_SCENE_H

#include "explain/drawing.h"

cn_status cni_draw_scene(const cni_scene *scene, const cni_scene_palette *palette, cni_picture_format format,
                         cni_picture_sink *sink, void *user, char *message, size_t message_size);

#endif
