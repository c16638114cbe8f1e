/* SPDX-License-Identifier: Apache-2.0
 * The context: what models share. */
#ifndef CNI_CONTEXT_H
#define CNI_CONTEXT_H

#include "base/cpu.h"
#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "graph/ops/choices.h"
#include "kernels/kernels.h"
#include "layers/kind.h"

typedef struct cni_name_count {
    struct cni_name_count *next;
    int count;
    char name[];
} cni_name_count;

enum { CNI_PLAN_PATH = 1000, CNI_PLAN_NAME = 128 };

struct cn_context {
    cni_mt19937 python; /* default seeds */
    cni_mt19937 numpy;  /* shuffling */
    cni_name_count *names;
    uint64_t wirings; /* of models: numbers given so far */
    uint64_t pools;   /* made so far */
    int running;      /* fits and evaluations under way: their threads must stay */
    cn_data_format data_format;
    double epsilon;
    cn_math math;
    cni_choices choices;           /* how convolutions are computed, where rules are not asked */
    cni_choices planned;           /* what was asked for since the plan file came */
    char plan_file[CNI_PLAN_PATH]; /* whence they came, or whither they were written; "": neither */
    int threads;                   /* 0 = as many as there are */
    cni_pool *pool;                /* made when first used */
    cni_isa isa;
    cni_kernels kernels;
    cni_error cpu_error; /* of an instruction set that the machine lacks: no model is made */
    cni_error error;     /* of cn_read_keras_json, cn_plan_file_load, cn_plan_file_save */
};

/** "conv2d", then "conv2d_1", ...: the next automatic name for a class, in the arena.  NULL when out of memory. */
const char *cni_context_name(cn_context *context, cni_arena *arena, const char *class_name);

cni_pool *cni_context_pool(cn_context *context);

#endif
