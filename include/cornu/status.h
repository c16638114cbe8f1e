/* SPDX-License-Identifier: Apache-2.0
 * What a call of Cornu can answer.  Included by cornu.h; you need not include it yourself. */
#ifndef CORNU_STATUS_H
#define CORNU_STATUS_H

/* What the shared library exports: every function of the public headers, and nothing else. */
#if defined __GNUC__
#define CN_API __attribute__((visibility("default")))
#else
#define CN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Outcome of a call.  0 is success.  What has a model, a predictor, an explanation or an `error` to keep it also tells
 * the reason in one line of text (cn_error and its kin); of a context's setters (cn_set_math, cn_set_threads, ...) the
 * status says all. */
typedef enum cn_status {
    CN_OK = 0,
    CN_ERR_INVALID,     /* an argument or a value in a description is not acceptable */
    CN_ERR_SHAPE,       /* shapes do not fit */
    CN_ERR_VERSION,     /* an argument struct is newer than the library, or its struct_size is 0 */
    CN_ERR_MEMORY,      /* no memory */
    CN_ERR_IO,          /* a file cannot be opened, read or written */
    CN_ERR_FORMAT,      /* a file is malformed */
    CN_ERR_UNSUPPORTED, /* understood, but not supported; the text names it */
    CN_ERR_LIMIT,       /* a limit was passed; the text names it */
    CN_ERR_NUMERIC,     /* NaN, infinity or a label out of range where none may be */
    CN_ERR_STATE        /* called in the wrong order, e.g. fit before compile */
} cn_status;

/** Short name of a status, e.g. "E_SHAPE".  Static text; never NULL.  Any thread. */
CN_API const char *cn_status_name(cn_status status);

#ifdef __cplusplus
}
#endif
#endif
