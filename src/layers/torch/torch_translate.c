/* SPDX-License-Identifier: Apache-2.0
 * PyTorch's modules in Keras' words: the same numbers from the same weights, images channels first. */
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

cn_status cni_torch_say(cni_torch_call *call, const char *format, ...)
{
    char text[800];
    cni_value *value = NULL;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    CN_TRY(cni_value_read(call->arena, text, call->config->kind->name, &value, call->error));
    if (value->type == CNI_TEXT) value = cni_value_call(call->arena, value->text);
    return cni_value_add(call->arena, call->list, NULL, value) ? CN_OK : cni_no_memory(call->error, "a translation");
}

cn_status cni_torch_refuse(cni_torch_call *call, const char *format, ...)
{
    char text[500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cni_fail(call->error, CN_ERR_UNSUPPORTED, "%s has no equal in Keras: %s", call->config->kind->name, text);
}

bool cni_torch_is_padded(const cni_view *view)
{
    for (int i = 0; i < view->spatial; i++)
        if (view->axis[i].before || view->axis[i].after) return true;
    return false;
}

/* "((1, 1), (2, 2))", or "(1, 1)" for one axis */
static const char *sides(const cni_view *view, int64_t sign, char buffer[160])
{
    size_t used = 0;
    for (int i = 0; i < view->spatial; i++)
        used += (size_t)snprintf(buffer + used, 160 - used, "%s(%" PRId64 ", %" PRId64 ")",
                                 i                   ? ", "
                                 : view->spatial > 1 ? "("
                                                     : "",
                                 sign * view->axis[i].before, sign * view->axis[i].after);
    if (view->spatial > 1) snprintf(buffer + used, 160 - used, ")");
    return buffer;
}

cn_status cni_torch_say_padding(cni_torch_call *call, const cni_view *view)
{
    char buffer[160];
    bool adds = false, cuts = false;
    for (int i = 0; i < view->spatial; i++) {
        adds |= view->axis[i].before > 0 || view->axis[i].after > 0;
        cuts |= view->axis[i].before < 0 || view->axis[i].after < 0;
    }
    if (adds && cuts) return cni_torch_refuse(call, "no layer pads one side and cuts another");
    if (adds)
        return cni_torch_say(call, "ZeroPadding%dD(padding=%s, data_format='channels_first')", view->spatial,
                             sides(view, 1, buffer));
    if (cuts)
        return cni_torch_say(call, "Cropping%dD(cropping=%s, data_format='channels_first')", view->spatial,
                             sides(view, -1, buffer));
    return CN_OK;
}

cn_status cni_torch_say_nothing(cni_torch_call *call)
{
    (void)call;
    return CN_OK;
}

/* Both are uniform in +-1 / sqrt(fan_in). */
char *cni_torch_initializers(const cni_torch_call *call, int64_t fan_in, bool bias, char *buffer, size_t size)
{
    char limit[32];
    buffer[0] = 0;
    if (!call->place->initializers) return buffer;
    const int used = snprintf(buffer, size,
                              ", kernel_initializer=VarianceScaling(scale=0.3333333333333333, mode='fan_in', "
                              "distribution='uniform')");
    if (!bias || fan_in < 1) return buffer;
    cni_show_real(1 / sqrt((double)fan_in), limit);
    snprintf(buffer + used, size - (size_t)used, ", bias_initializer=RandomUniform(minval=-%s, maxval=%s)", limit,
             limit);
    return buffer;
}

cn_status cni_torch_translate(const cni_object *config, const cni_torch_place *place, cni_arena *arena,
                              cni_value **list, cni_error *error)
{
    static const cni_torch_place nowhere = {0};
    cni_torch_call call = {config, place ? place : &nowhere, arena, cni_value_list(arena), error};
    if (!call.list) return cni_no_memory(error, "a translation");
    const cni_torch_kind *kind = (const cni_torch_kind *)config->kind;
    if (!kind->translate) return cni_torch_refuse(&call, "Keras has no such layer");
    CN_TRY(kind->translate(&call));
    *list = call.list;
    return CN_OK;
}

cn_status cni_torch_keras(const cni_object *config, cni_arena *arena, cni_value **list, cni_error *error)
{
    return cni_torch_translate(config, NULL, arena, list, error);
}
