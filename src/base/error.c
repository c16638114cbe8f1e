/* SPDX-License-Identifier: Apache-2.0
 * The error slot. */
#include "base/error.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *cn_status_name(cn_status status)
{
    static const char *const names[] = {
        [CN_OK] = "OK",
        [CN_ERR_INVALID] = "E_INVALID",
        [CN_ERR_SHAPE] = "E_SHAPE",
        [CN_ERR_VERSION] = "E_VERSION",
        [CN_ERR_MEMORY] = "E_MEMORY",
        [CN_ERR_IO] = "E_IO",
        [CN_ERR_FORMAT] = "E_FORMAT",
        [CN_ERR_UNSUPPORTED] = "E_UNSUPPORTED",
        [CN_ERR_LIMIT] = "E_LIMIT",
        [CN_ERR_NUMERIC] = "E_NUMERIC",
        [CN_ERR_STATE] = "E_STATE",
    };
    return (unsigned)status < sizeof names / sizeof *names ? names[status] : "E_UNKNOWN";
}

/* Names from files must not drive the user's terminal: controls (C1 too) and what is not UTF-8 become '?'. */
static void escape_controls(char *text)
{
    uint32_t code;
    for (size_t left = strlen(text), size; left; text += size, left -= size) {
        size = cni_utf8_read(text, left, &code);
        if (size && code >= 0x20 && (code < 0x7f || code >= 0xa0)) continue;
        if (!size) size = 1;
        memset(text, '?', size);
    }
}

cn_status cni_fail(cni_error *error, cn_status status, const char *format, ...)
{
    if (!error) return status;
    if (error->status) return error->status;
    error->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    escape_controls(error->text);
    return status;
}

cn_status cni_fail_in(cni_error *error, const char *format, ...)
{
    if (!error || !error->status) return error ? error->status : CN_ERR_INVALID;
    char where[300];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    escape_controls(where);
    char text[sizeof error->text];
    memcpy(text, error->text, sizeof text);
    int n = snprintf(error->text, sizeof error->text, "%s: ", where);
    size_t room = sizeof error->text - (size_t)n - 1, length = strlen(text);
    if (length > room) length = room;
    memcpy(error->text + n, text, length);
    error->text[(size_t)n + length] = 0;
    return error->status;
}

cn_status cni_no_memory(cni_error *error, const char *what)
{
    return cni_fail(error, CN_ERR_MEMORY, "out of memory while making %s", what);
}

void cni_error_clear(cni_error *error)
{
    error->status = CN_OK;
    error->text[0] = 0;
}
