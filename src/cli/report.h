/* SPDX-License-Identifier: Apache-2.0
 * How well each class is recognised: precision, recall, F1, and the confusion matrix. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <cornu/cornu.h>
#include <cornu/data.h>

#include <stdio.h>

typedef struct cli_report {
    int classes;
    int64_t rows, right;
    int64_t *counts; /* [true class, predicted class] */
} cli_report;

/** Compares predictions with labels (class numbers or one-hot rows).  False when they do not fit; *why tells. */
bool cli_report_make(cli_report *report, const cn_array *labels, const cn_array *predicted, int names,
                     const char **why);
void cli_report_free(cli_report *report);

/** `names` may hold no names: classes are then numbers. */
void cli_report_print(const cli_report *report, const cn_dataset *names);
void cli_report_json(const cli_report *report, const cn_dataset *names);

#endif
