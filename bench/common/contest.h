/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { BENCH_PEERS = 32 };

/* An index of a peer, made of a workload's points and waiting to be asked. It takes no processor time until then. */
struct bench_peer {
    char name[64];
    size_t leaf;            /* points in a leaf; 0: there are none */
    double build_seconds;
    FILE *to, *from;        /* of its program */
    int place;              /* among the indices of the program */
    int last;               /* of them */
    int process;
};

/* What they are asked about, in files of `folder`: WORK.points.npy, WORK.queries.npy and WORK.sample.npy, the queries that are checked. */
struct bench_contest {
    const char *folder, *work;
    size_t n, dim, nq, sample, k; /* nq: queries of all sets */
    struct bench_peer peer[BENCH_PEERS];
    size_t peers;
};

/* Starts every peer that is installed (see peers.h), one after the other, until its indices are made. The fields before `peer` are the caller's. */
void bench_contest_open(struct bench_contest *contest);
void bench_contest_close(struct bench_contest *contest);

/* The answers of a peer to the sample: labels[sample][k], distances[sample][k]. */
void bench_contest_answers(int64_t *labels, double *distances, const struct bench_contest *contest, const struct bench_peer *peer);

/* Queries a second over about so many seconds. */
double bench_contest_rate(const struct bench_peer *peer, int threads, double seconds);

#endif
