/* SPDX-License-Identifier: Apache-2.0
 * Progress on standard error: Keras' bar on a terminal, a line for each epoch elsewhere. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <cornu/cornu.h>

typedef struct cli_progress {
    bool quiet, bar;
    const char *cell; /* of the bar */
    int columns;      /* of the terminal */
    double drawn;     /* when the bar was drawn last, in seconds since the epoch began */
    double first;     /* when the first step was done */
    bool open;        /* the cursor stands in a line that is not ended */
} cli_progress;

void cli_progress_init(cli_progress *progress, bool quiet);

/** For the library: user is the cli_progress. */
void cli_progress_write(void *user, const cn_progress *progress);

/** Ends a line that an interrupted epoch left open. */
void cli_progress_end(cli_progress *progress);

#endif
