/* SPDX-License-Identifier: Apache-2.0
 * CSVLogger: a row per epoch in a file of comma-separated values. */
#include "train/callback.h"

#include "base/folders.h"
#include "base/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGS cn_csv_logger_args
static const cni_field fields[] = {
    CNI_FIELD(filename, "filename", CNI_REQUIRED, NULL, 0, 0, "file to write"),
    CNI_FIELD(separator, "separator", 0, "','", 0, 0, "what stands between values"),
    CNI_FIELD(append, "append", 0, "False", 0, 0, "go on at the end of an existing file"),
};

enum { MAX_COLUMNS = 2 * CNI_MAX_SCORES };

typedef struct logger {
    FILE *file;
    bool has_header;
    const char *columns[MAX_COLUMNS];
    int column_count;
} logger;

static cn_status failed(const cni_callback *callback)
{
    const ARGS *args = callback->args;
    return cni_fail(callback->fit->error, CN_ERR_IO, "CSVLogger: %s: %s", args->filename, strerror(errno));
}

static cn_status train_begin(cni_callback *callback)
{
    const ARGS *args = callback->args;
    logger *l = callback->state;
    CN_TRY(cni_make_folders(args->filename, callback->fit->error));
    l->file = fopen(args->filename, args->append ? "ae" : "we");
    if (!l->file) return failed(callback);
    l->has_header = args->append && fseek(l->file, 0, SEEK_END) == 0 && ftell(l->file) > 0;
    return CN_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool add_column(logger *l, const char *name)
{
    if (name && l->column_count < MAX_COLUMNS) l->columns[l->column_count++] = name;
    return name != NULL;
}

/* Without validation in the first epoch Keras still keeps room for it. */
static cn_status choose_columns(cni_callback *callback, logger *l)
{
    const cn_logs *logs = &callback->fit->logs;
    bool validated = false, made = true;
    for (int i = 0; i < logs->count && made; i++) {
        validated |= strncmp(logs->names[i], "val_", 4) == 0;
        made = add_column(l, cni_arena_text(&callback->fit->arena, logs->names[i]));
    }
    qsort(l->columns, (size_t)l->column_count, sizeof *l->columns, compare);
    for (int i = 0, count = l->column_count; i < count && !validated && made; i++)
        made = add_column(l, cni_arena_printf(&callback->fit->arena, "val_%s", l->columns[i]));
    return made ? CN_OK : cni_no_memory(callback->fit->error, "CSVLogger");
}

static void write_header(logger *l, const char *separator)
{
    fprintf(l->file, "epoch");
    for (int i = 0; i < l->column_count; i++) fprintf(l->file, "%s%s", separator, l->columns[i]);
    fprintf(l->file, "\r\n");
    l->has_header = true;
}

/* A value may be NaN, which is not the same as none. */
static const double *value_of(const cn_logs *logs, const char *name)
{
    for (int i = 0; i < logs->count; i++)
        if (strcmp(logs->names[i], name) == 0) return logs->values + i;
    return NULL;
}

static cn_status epoch_end(cni_callback *callback, int epoch)
{
    const ARGS *args = callback->args;
    logger *l = callback->state;
    if (!l->column_count) {
        CN_TRY(choose_columns(callback, l));
        if (!l->has_header) write_header(l, args->separator);
    }
    fprintf(l->file, "%d", epoch);
    for (int i = 0; i < l->column_count; i++) {
        char shown[32];
        const double *value = value_of(&callback->fit->logs, l->columns[i]);
        fprintf(l->file, "%s%s", args->separator, value ? cni_show_real(*value, shown) : "NA");
    }
    fprintf(l->file, "\r\n");
    return fflush(l->file) || ferror(l->file) ? failed(callback) : CN_OK;
}

static void release(cni_callback *callback)
{
    logger *l = callback->state;
    if (l->file) fclose(l->file);
}

const cni_callback_kind cni_csv_logger = {
    .kind = {.name = "CSVLogger",
             .args_size = sizeof(ARGS),
             CNI_FIELDS(fields),
             .help = "writes a row per epoch to a CSV file",
             .keras = "CSVLogger('log.csv')",
             .example = "cn_csv_logger(\"log.csv\")"},
    .state_size = sizeof(logger),
    .train_begin = train_begin,
    .epoch_end = epoch_end,
    .release = release,
};
