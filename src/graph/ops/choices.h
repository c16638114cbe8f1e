/* SPDX-License-Identifier: Apache-2.0
 * What is known of the ways to compute convolutions: a table with a row for each shape, which a plan follows where it
 * has one.  A user may ship it (formats/plan_file.h); plans may be asked to measure what is missing
 * (measure_algorithm.h). */
#ifndef CNI_CHOICES_H
#define CNI_CHOICES_H

#include "graph/ops/algorithm.h"

typedef struct cni_choice {
    cni_conv_shape shape; /* its padding is not looked at */
    int batch;
    cni_algorithm algorithm;
    double microseconds[CNI_ALGORITHMS]; /* 0: not measured */
} cni_choice;

/** Rows in the order of cni_choice_order, each shape once. */
struct cni_choices {
    cni_choice *rows;
    int count, capacity;
    bool measure;     /* what is missing is measured while plans are made */
    bool measured;    /* rows have come in this way since somebody cleared this */
    uint64_t version; /* another number, whenever plans made before may no longer be those that would be made now */
};

/** What a plan asks while it chooses. */
struct cni_choosing {
    cni_choices *known; /* NULL: the rules alone decide */
    cni_choices *used;  /* takes what is answered; NULL: nobody */
    bool measures;      /* what `known` lacks is measured and put into it */
    bool far;           /* the network is larger than the caches */
};

/** Below, equal to or above 0 as the first stands before the second; 0: they are about the same convolution. */
int cni_choice_order(const cni_choice *a, const cni_choice *b);

/** The row of a convolution, or NULL. */
const cni_choice *cni_choices_find(const cni_choices *choices, const cni_conv_shape *shape, int batch);

/** Adds a row, or replaces the one of the same convolution.  False: no memory. */
bool cni_choices_put(cni_choices *choices, const cni_choice *choice);

/** Frees the rows; all else stays. */
void cni_choices_clear(cni_choices *choices);

#endif
