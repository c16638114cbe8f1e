/* SPDX-License-Identifier: Apache-2.0
 * The context: seeds, names, defaults, threads. */
#include "model/context.h"

#include "base/text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static cn_context *default_context;

static void seed_both(cn_context *context, uint32_t seed)
{
    cni_mt_seed_python(&context->python, seed);
    cni_mt_seed_numpy(&context->numpy, seed);
}

static void seed_from_system(cn_context *context)
{
    uint32_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = (uint32_t)time(NULL);
    seed_both(context, seed);
}

cn_context *cn_context_new(void)
{
    cn_context *context = calloc(1, sizeof *context);
    if (!context) return NULL;
    context->data_format = CN_CHANNELS_LAST;
    context->epsilon = 1e-7;
    context->isa = cni_cpu_isa(&context->cpu_error);
    cni_kernels_init(&context->kernels, context->isa);
    seed_from_system(context);
    return context;
}

void cn_clear_names(cn_context *context)
{
    if (!context) context = cn_default_context();
    if (!context) return;
    for (cni_name_count *entry = context->names, *next; entry; entry = next) {
        next = entry->next;
        free(entry);
    }
    context->names = NULL;
}

void cn_context_free(cn_context *context)
{
    if (!context || context == default_context) return; /* that one lives as long as the program */
    cn_clear_names(context);
    cni_pool_free(context->pool);
    cni_choices_clear(&context->choices);
    cni_choices_clear(&context->planned);
    free(context);
}

static pthread_once_t default_context_once = PTHREAD_ONCE_INIT;

static void make_default(void)
{
    default_context = cn_context_new();
}

cn_context *cn_default_context(void)
{
    pthread_once(&default_context_once, make_default);
    return default_context;
}

void cn_set_random_seed(uint32_t seed)
{
    cn_context_set_random_seed(cn_default_context(), seed);
}

void cn_context_set_random_seed(cn_context *context, uint32_t seed)
{
    if (!context) context = cn_default_context();
    if (context) seed_both(context, seed);
}

cn_status cn_set_threads(cn_context *context, int threads)
{
    if (!context) context = cn_default_context();
    if (!context) return CN_ERR_MEMORY;
    if (threads < 0 || threads > 1024) return CN_ERR_INVALID;
    if (context->running) return CN_ERR_STATE;
    cni_pool_free(context->pool);
    context->pool = NULL;
    context->threads = threads;
    return CN_OK;
}

cn_status cn_set_math(cn_context *context, cn_math math)
{
    if (!context) context = cn_default_context();
    if (!context) return CN_ERR_MEMORY;
    if (math != CN_MATH_FAST && math != CN_MATH_DIRECT) return CN_ERR_INVALID;
    if (context->running) return CN_ERR_STATE;
    context->math = math;
    return CN_OK;
}

cn_status cn_set_plan(cn_context *context, cn_plan plan)
{
    if (!context) context = cn_default_context();
    if (!context) return CN_ERR_MEMORY;
    if (plan != CN_PLAN_ESTIMATE && plan != CN_PLAN_MEASURE) return CN_ERR_INVALID;
    if (context->running) return CN_ERR_STATE;
    const bool measure = plan == CN_PLAN_MEASURE;
    if (context->choices.measure != measure) context->choices.version++;
    context->choices.measure = measure;
    return CN_OK;
}

cni_pool *cni_context_pool(cn_context *context)
{
    if (context->pool) return context->pool;
    context->pool = cni_pool_new(context->threads);
    context->pools++;
    return context->pool;
}

int cn_threads(cn_context *context)
{
    if (!context) context = cn_default_context();
    return context ? cni_pool_threads(cni_context_pool(context)) : 1;
}

cn_status cn_set_data_format(cn_context *context, cn_data_format format)
{
    if (!context) context = cn_default_context();
    if (!context) return CN_ERR_MEMORY;
    if (format != CN_CHANNELS_LAST && format != CN_CHANNELS_FIRST) return CN_ERR_INVALID;
    context->data_format = format;
    return CN_OK;
}

const char *cn_instruction_set(cn_context *context)
{
    if (!context) context = cn_default_context();
    return context ? context->kernels.name : "";
}

const char *cni_context_name(cn_context *context, cni_arena *arena, const char *class_name)
{
    char name[256];
    cni_snake_case(class_name, name, sizeof name);
    cni_name_count *entry = context->names;
    while (entry && strcmp(entry->name, name) != 0) entry = entry->next;
    if (entry) return cni_arena_printf(arena, "%s_%d", name, ++entry->count);
    entry = calloc(1, sizeof *entry + strlen(name) + 1);
    if (!entry) return NULL;
    strcpy(entry->name, name);
    entry->next = context->names;
    context->names = entry;
    return cni_arena_text(arena, name);
}
