/* SPDX-License-Identifier: Apache-2.0
 * The error slot: the first thing that went wrong, in one line.  Fixed buffer, no allocation. */
#ifndef CNI_ERROR_H
#define CNI_ERROR_H

#include <cornu/status.h>

typedef struct cni_error {
    cn_status status;
    char text[1000];
} cni_error;

/** Records a failure unless one is recorded already, and returns the status that is kept.  `error` may be NULL
 *  (then only the status travels).  The text is one line: control characters are escaped. */
cn_status cni_fail(cni_error *error, cn_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Puts "where: " before the text of a recorded failure (a file's name, a layer's), and returns the status. */
cn_status cni_fail_in(cni_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Out of memory while making `what`. */
cn_status cni_no_memory(cni_error *error, const char *what);

void cni_error_clear(cni_error *error);

#define CN_TRY(call)                                                                                                   \
    do {                                                                                                               \
        cn_status try_status_ = (call);                                                                                \
        if (try_status_) return try_status_;                                                                           \
    } while (0)

#endif
