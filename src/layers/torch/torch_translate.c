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

static int64_t positive(int64_t n)
{
    return n > 0 ? n : 0;
}

/* One layer with what its padding has of this sign: "((1, 1), (2, 2))", or "(1, 1)" for one axis. */
static cn_status say_sides(cni_torch_call *call, const cni_view *view, const char *class_name, const char *argument,
                           int64_t sign)
{
    char sides[200] = "";
    size_t used = 0;
    int64_t total = 0;
    for (int i = 0; i < view->spatial && used < sizeof sides; i++) {
        const int64_t before = positive(sign * view->axis[i].before), after = positive(sign * view->axis[i].after);
        total += before + after;
        used += (size_t)snprintf(sides + used, sizeof sides - used, "%s(%" PRId64 ", %" PRId64 ")", i ? ", " : "",
                                 before, after);
    }
    if (!total) return CN_OK;
    return cni_torch_say(call, "%s%dD(%s=%s%s%s, data_format='channels_first')", class_name, view->spatial, argument,
                         view->spatial > 1 ? "(" : "", sides, view->spatial > 1 ? ")" : "");
}

/* Keras' Cropping1D knows no data_format. */
static cn_status say_cropping(cni_torch_call *call, const cni_view *view)
{
    const int64_t before = positive(-view->axis[0].before), after = positive(-view->axis[0].after);
    if (view->spatial != 1) return say_sides(call, view, "Cropping", "cropping", -1);
    if (!before && !after) return CN_OK;
    CN_TRY(cni_torch_say(call, "Permute((2, 1))"));
    CN_TRY(cni_torch_say(call, "Cropping1D((%" PRId64 ", %" PRId64 "))", before, after));
    return cni_torch_say(call, "Permute((2, 1))");
}

cn_status cni_torch_say_padding(cni_torch_call *call, const cni_view *view)
{
    CN_TRY(say_sides(call, view, "ZeroPadding", "padding", 1));
    return say_cropping(call, view);
}

char *cni_torch_option(const char *key, const cni_tuple *tuple, int spatial, int otherwise, char *buffer, size_t size)
{
    char numbers[80];
    bool usual = true;
    for (int i = 0; i < spatial; i++) usual &= cni_torch_at(tuple, i) == otherwise;
    buffer[0] = 0;
    if (!usual) snprintf(buffer, size, ", %s=%s", key, cni_torch_show(tuple, spatial, numbers, sizeof numbers));
    return buffer;
}

cn_status cni_torch_say_nothing(cni_torch_call *call)
{
    (void)call;
    return CN_OK;
}

/* Both are uniform in +-1 / sqrt(fan_in). */
char *cni_torch_initializers(const cni_torch_call *call, double fan_in, bool bias, char *buffer, size_t size)
{
    char limit[32];
    buffer[0] = 0;
    if (!call->place->initializers) return buffer;
    const int used = snprintf(buffer, size,
                              ", kernel_initializer=VarianceScaling(scale=0.3333333333333333, mode='fan_in', "
                              "distribution='uniform')");
    if (!bias || fan_in < 1) return buffer;
    cni_show_real(1 / sqrt(fan_in), limit);
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
