/* SPDX-License-Identifier: Apache-2.0
 * The report of a classifier, with the definitions of scikit-learn's classification_report: a quotient without a
 * divisor is 0. */
#include "cli/report.h"
#include "cli/command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The class of a row: the place of the largest of several values; of one value, for predictions, whether it passes
 * 1/2, and for labels the value itself.  -1 when it is no class. */
static int class_of(const cn_array *array, int64_t row, bool predicted)
{
    const int64_t size = cli_row_size(array);
    int64_t best = 0;
    if (size == 1) {
        const double value = cn_array_value(array, row);
        if (predicted) return value > 0.5;
        return value >= 0 && value < 1e6 ? (int)value : -1;
    }
    for (int64_t i = 1; i < size; i++)
        if (cn_array_value(array, row * size + i) > cn_array_value(array, row * size + best)) best = i;
    return (int)best;
}

bool cli_report_make(cli_report *report, const cn_array *labels, const cn_array *predicted, int names, const char **why)
{
    const int64_t width = cli_row_size(predicted);
    *report = (cli_report){.rows = predicted->shape[0]};
    *why = "--report needs a model with one output of shape (rows, classes), and labels for its rows";
    if (predicted->rank != 2 || !labels->data || labels->shape[0] != report->rows) return false;
    report->classes = width > 1 ? (int)width : 2;
    if (names > report->classes) report->classes = names;
    *why = "--report: more than 10,000 classes";
    if (report->classes > 10000) return false;
    report->counts = calloc((size_t)report->classes * (size_t)report->classes, sizeof *report->counts);
    *why = "no memory for the report";
    for (int64_t i = 0; report->counts && i < report->rows; i++) {
        const int truth = class_of(labels, i, false), guess = class_of(predicted, i, true);
        if (truth < 0 || truth >= report->classes) {
            *why = "--report: a label is no class of this model";
            return false;
        }
        report->counts[truth * report->classes + guess]++;
        report->right += truth == guess;
    }
    return report->counts != NULL;
}

void cli_report_free(cli_report *report)
{
    free(report->counts);
}

/* ---- scores ---- */

typedef struct scores {
    double precision, recall, f1;
    int64_t support;
} scores;

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static scores scores_of(const cli_report *r, int class)
{
    int64_t guessed = 0, support = 0;
    for (int i = 0; i < r->classes; i++) {
        guessed += r->counts[i * r->classes + class];
        support += r->counts[class * r->classes + i];
    }
    const double right = (double)r->counts[class * r->classes + class];
    const scores s = {ratio(right, (double)guessed), ratio(right, (double)support), 0, support};
    return (scores){s.precision, s.recall, ratio(2 * s.precision * s.recall, s.precision + s.recall), support};
}

/* Over classes: each alike, or as often as it occurs. */
static scores mean_of(const cli_report *r, bool weighted)
{
    scores sum = {.support = r->rows};
    for (int i = 0; i < r->classes; i++) {
        const scores s = scores_of(r, i);
        const double weight = weighted ? ratio((double)s.support, (double)r->rows) : 1.0 / r->classes;
        sum.precision += weight * s.precision;
        sum.recall += weight * s.recall;
        sum.f1 += weight * s.f1;
    }
    return sum;
}

/* ---- for people ---- */

static const char *name_of(const cn_dataset *names, int class, char buffer[16])
{
    const char *name = names ? cn_dataset_class_name(names, class) : NULL;
    snprintf(buffer, 16, "%d", class);
    return name ? name : buffer;
}

static int digits_of(int64_t value)
{
    return snprintf(NULL, 0, "%" PRId64, value);
}

/* Letters of UTF-8, not bytes. */
static int letters_of(const char *text)
{
    int count = 0;
    for (; *text; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void print_name(const char *name, int width)
{
    const int letters = letters_of(name);
    cli_print_text(stdout, name);
    printf("%*s", width > letters ? width - letters : 0, "");
}

static void print_scores(const char *name, int width, scores s)
{
    print_name(name, width);
    printf("  %9.4f  %6.4f  %6.4f  %7" PRId64 "\n", s.precision, s.recall, s.f1, s.support);
}

static int name_width(const cli_report *r, const cn_dataset *names)
{
    char buffer[16];
    int width = (int)strlen("weighted mean");
    for (int i = 0; i < r->classes; i++) {
        const int length = letters_of(name_of(names, i, buffer));
        if (length > width) width = length;
    }
    return width < 40 ? width : 40;
}

static void print_confusion(const cli_report *r, const cn_dataset *names, int width)
{
    char buffer[16];
    int64_t largest = r->classes - 1;
    for (int i = 0; i < r->classes * r->classes; i++)
        if (r->counts[i] > largest) largest = r->counts[i];
    const int cell = digits_of(largest) + 1;
    printf("\nconfusion: rows are true classes, columns predicted ones\n%*s", width, "");
    for (int i = 0; i < r->classes; i++) printf(" %*d", cell, i);
    putchar('\n');
    for (int i = 0; i < r->classes; i++) {
        print_name(name_of(names, i, buffer), width);
        for (int k = 0; k < r->classes; k++) printf(" %*" PRId64, cell, r->counts[i * r->classes + k]);
        putchar('\n');
    }
}

void cli_report_print(const cli_report *r, const cn_dataset *names)
{
    char buffer[16];
    const int width = name_width(r, names);
    printf("\n%*s  precision  recall      f1  support\n", width, "");
    for (int i = 0; i < r->classes; i++) print_scores(name_of(names, i, buffer), width, scores_of(r, i));
    print_scores("mean", width, mean_of(r, false));
    print_scores("weighted mean", width, mean_of(r, true));
    printf("%" PRId64 " of %" PRId64 " right: %.4f\n", r->right, r->rows, ratio((double)r->right, (double)r->rows));
    print_confusion(r, names, width);
}

/* ---- for programs ---- */

static void json_scores(scores s)
{
    fputs("\"precision\": ", stdout);
    cli_json_real(stdout, s.precision);
    fputs(", \"recall\": ", stdout);
    cli_json_real(stdout, s.recall);
    fputs(", \"f1\": ", stdout);
    cli_json_real(stdout, s.f1);
    printf(", \"support\": %" PRId64 "}", s.support);
}

void cli_report_json(const cli_report *r, const cn_dataset *names)
{
    char buffer[16];
    fputs("{\"classes\": [", stdout);
    for (int i = 0; i < r->classes; i++) {
        printf("%s{\"label\": %d, \"name\": ", i ? ", " : "", i);
        cli_json_text(stdout, name_of(names, i, buffer));
        fputs(", ", stdout);
        json_scores(scores_of(r, i));
    }
    fputs("], \"mean\": {", stdout);
    json_scores(mean_of(r, false));
    fputs(", \"weighted_mean\": {", stdout);
    json_scores(mean_of(r, true));
    fputs(", \"accuracy\": ", stdout);
    cli_json_real(stdout, ratio((double)r->right, (double)r->rows));
    fputs(", \"confusion\": [", stdout);
    for (int i = 0; i < r->classes; i++) {
        fputs(i ? ", [" : "[", stdout);
        for (int k = 0; k < r->classes; k++) printf("%s%" PRId64, k ? ", " : "", r->counts[i * r->classes + k]);
        putchar(']');
    }
    fputs("]}", stdout);
}
