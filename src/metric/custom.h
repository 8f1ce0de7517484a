/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_CUSTOM_H
#define METRIC_CUSTOM_H

#include "metric/metric.h"

/*
 * Custom metrics: the key is the distance that a function of the caller's returns. Nothing that it returns is trusted to be a number: what is none
 * counts as METRIC_FAR and is noted, and whoever asked looks into the notes before the result is used.
 */

/* Distances are below this, so that levels stay below METRIC_LEVEL_MAX. */
#define METRIC_DISTANCE_LIMIT 0x1p512
/* What a value that is no distance counts as meanwhile. */
#define METRIC_FAR 0x1p511
/* The triangle inequality holds up to this share of its right side: a promise of the caller's. */
#define METRIC_TRUST 0x1p-40

/*
 * The notes of one operation. Threads: any number may evaluate distances with one of these.
 * Of all faults the one with the least addresses stays, which is the same for every schedule.
 */
struct metric_calls {
    uint64_t evaluations;
    uint32_t locked;       /* 1: someone is at the fields below */
    int faulty;
    const double *a, *b;   /* the rows */
    double value;          /* what came back */
};
void metric_calls_clear(struct metric_calls *calls);

/* function NULL: its store is opened without it, and no key may be asked for. Its name and pointers are copied.
 * Errors: INVALID (a name that is none, or a built-in one's; a dimension; no function), naming what is allowed. */
int metric_custom_init(struct metric *metric, const char *name, uint32_t input_dim, const struct pcct_metric *function, struct pcct_error *err);

/* A distance, counted and checked. */
double metric_custom_key(const struct metric *metric, const double *a, const double *b);
/* key[n] of q and each row. */
void metric_custom_keys(double *key, const struct metric *metric, const double *q, const double *const *rows, size_t n);

#endif
