/* SPDX-License-Identifier: Apache-2.0
 * History. */
#include "train/history.h"

#include <stdlib.h>
#include <string.h>

typedef struct column {
    char *name;
    double *values;
    int count, capacity;
} column;

struct cn_history {
    column *columns;
    int column_count;
    int *epochs;
    int epoch_count, epoch_capacity;
};

cn_history *cni_history_new(void)
{
    return calloc(1, sizeof(cn_history));
}

void cni_history_free(void *data)
{
    cn_history *history = data;
    if (!history) return;
    for (int i = 0; i < history->column_count; i++) {
        free(history->columns[i].name);
        free(history->columns[i].values);
    }
    free(history->columns);
    free(history->epochs);
    free(history);
}

static void *room(void *items, size_t size, int count, int *capacity)
{
    if (count < *capacity) return items;
    int wanted = *capacity ? 2 * *capacity : 16;
    void *larger = realloc(items, (size_t)wanted * size);
    if (larger) *capacity = wanted;
    return larger;
}

static column *find_column(cn_history *history, const char *name)
{
    for (int i = 0; i < history->column_count; i++)
        if (strcmp(history->columns[i].name, name) == 0) return history->columns + i;
    column *larger = realloc(history->columns, (size_t)(history->column_count + 1) * sizeof *larger);
    if (!larger) return NULL;
    history->columns = larger;
    larger += history->column_count;
    *larger = (column){.name = strdup(name)};
    if (!larger->name) return NULL;
    history->column_count++;
    return larger;
}

cn_status cni_history_add(cn_history *history, int epoch, const cn_logs *logs, cni_error *error)
{
    int *epochs = room(history->epochs, sizeof *epochs, history->epoch_count, &history->epoch_capacity);
    if (!epochs) return cni_no_memory(error, "the history");
    history->epochs = epochs;
    epochs[history->epoch_count++] = epoch;
    for (int i = 0; i < logs->count; i++) {
        column *c = find_column(history, logs->names[i]);
        double *values = c ? room(c->values, sizeof *values, c->count, &c->capacity) : NULL;
        if (!values) return cni_no_memory(error, "the history");
        c->values = values;
        values[c->count++] = logs->values[i];
    }
    return CN_OK;
}

int cn_history_count(const cn_history *history)
{
    return history ? history->column_count : 0;
}

const char *cn_history_name(const cn_history *history, int index)
{
    return index >= 0 && index < cn_history_count(history) ? history->columns[index].name : NULL;
}

const double *cn_history_values(const cn_history *history, int index, int *count)
{
    if (index < 0 || index >= cn_history_count(history)) return NULL;
    if (count) *count = history->columns[index].count;
    return history->columns[index].values;
}

const int *cn_history_epochs(const cn_history *history, int *count)
{
    if (count) *count = history ? history->epoch_count : 0;
    return history ? history->epochs : NULL;
}
