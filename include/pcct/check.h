/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_CHECK_H
#define PCCT_CHECK_H

#include <pcct/view.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Answers of the index against brute force over all live points, for `sample` live points chosen by `seed` (all if there are fewer): their k nearest,
 * and for a tenth of them (100 at least) the other kinds of queries: within a radius, counted, predecessors by node and by label, among a net, among
 * a random half in a random order; each with its bounds. */
struct pcct_verify_options {
    size_t size;
    uint64_t sample;   /* 0: 1000 */
    uint64_t k;        /* 0: 10 */
    uint64_t seed;
    int threads;
    int tree;          /* 1: also prove the invariants T1 to T6 of the version (0: also; -1: leave it out) */
    int kinds;         /* 1: also the other kinds of queries (0: also; -1: leave them out) */
};
#define PCCT_VERIFY_OPTIONS_INIT { sizeof(struct pcct_verify_options), 0, 0, 0, 0, 0, 0 }
struct pcct_verify_result {
    size_t size;
    uint64_t queries, k;
    uint64_t differences;   /* answers (label, distance, bound or number) that differ, of any kind of query */
    uint64_t violations;    /* 1 when an invariant is broken; `first` names it */
    char first[256];        /* the first difference or violation in words; "" if none */
    int structure_only;     /* 1: the store's custom metric is not registered, so no query was made and nothing proved that needs distances */
    int reserved;
    uint64_t other_queries; /* of each other kind */
};
/* Returns 0 also when differences were found: look at the result. Errors: INVALID (also: a custom metric returned what is no distance), MEMORY. */
PCCT_PUBLIC int pcct_verify(struct pcct_verify_result *result, const pcct_view *view, const struct pcct_verify_options *options,
                            struct pcct_error *err);

/* Reads every byte that a store's versions rest on and says what is damaged. Changes nothing unless `rebuild` is set. */
struct pcct_fsck_options {
    size_t size;
    int threads;
    int rebuild;          /* 1: write the catalogue anew from the journal first (the old one is kept as catalogue.mdb.damaged or
                           * .damaged.2 and so on); refused with DAMAGED when an old one that can be read has more versions */
    /* One line per finding; damaged: 1 for damage, 0 for a remark. Borrowed text. */
    void (*report)(void *ctx, int damaged, const char *text);
    void *report_ctx;
    int (*progress)(void *ctx, double done); /* other than 0 stops */
    void *progress_ctx;
    const struct pcct_metric *custom; /* the function of the store's custom metric; NULL: what needs distances is left out, and a remark says so */
    int fast;             /* 1: no more than the heads of frames and anchors and the catalogue; not what they hold */
    int reserved;
};
#define PCCT_FSCK_OPTIONS_INIT { sizeof(struct pcct_fsck_options), 0, 0, NULL, NULL, NULL, NULL, NULL, 0, 0 }
struct pcct_fsck_result {
    size_t size;
    uint64_t versions, frames, anchors, bytes; /* read */
    uint64_t damaged;                          /* findings that are damage */
    uint64_t versions_readable;                /* versions whose whole chain of files is sound */
};
/* Returns 0 also when damage was found: look at the result. Errors: NOT_FOUND, NOT_A_STORE, FORMAT, DAMAGED (nothing could be read, or see
 * rebuild), PERMISSION, NOSPACE, IO, MEMORY, CANCELLED, BUSY, INVALID (another custom metric than the store's, or it returned what is no
 * distance). */
PCCT_PUBLIC int pcct_fsck(struct pcct_fsck_result *result, const char *path, const struct pcct_fsck_options *options, struct pcct_error *err);

/*
 * Reads every frame and anchor that the store's versions rest on, beside those who use it, at a rate that leaves them the disk. A damaged anchor is
 * dropped and made anew from the frames: an anchor that is lost loses nothing. A damaged frame, or an anchor that is all there is of a version's
 * state, is named and stays as it is: pcct_fsck tells which versions are hit, pcct_salvage takes out what is whole.
 */
struct pcct_scrub_options {
    size_t size;
    uint64_t rate;   /* bytes a second at most, a frame or about 1 MiB of an anchor at once; time that is lost is not made up for; 0: any */
    /* One line per finding; damaged: 1. Borrowed text. */
    void (*report)(void *ctx, int damaged, const char *text);
    int (*progress)(void *ctx, double done); /* other than 0 stops */
    void *ctx;
};
#define PCCT_SCRUB_OPTIONS_INIT { sizeof(struct pcct_scrub_options), 0, NULL, NULL, NULL }
struct pcct_scrub_result {
    size_t size;
    uint64_t frames, anchors, bytes; /* read */
    uint64_t dropped, renewed;       /* anchors */
    uint64_t damaged;                /* findings that are damage and stay so */
};
/* Returns 0 also when damage was found: look at the result. Errors: DAMAGED (the catalogue), IO, MEMORY, CANCELLED, PERMISSION, NOSPACE, FORKED. */
PCCT_PUBLIC int pcct_scrub(struct pcct_scrub_result *result, pcct_store *store, const struct pcct_scrub_options *options, struct pcct_error *err);

/*
 * Tries a custom metric on live points of a view: d(a, a) = 0, symmetry, the triangle inequality, both forms of the function the same (metric.h), for
 * triples of points chosen by `seed`, every second one a point with its parent in the tree. Sound as far as it goes: a sample proves nothing.
 * Errors: INVALID (what was broken: the message names the points by label and the values; or a built-in metric; or one that is not registered),
 * MEMORY.
 */
struct pcct_metric_check_options {
    size_t size;
    uint64_t triples; /* 0: 10000 */
    uint64_t seed;
};
#define PCCT_METRIC_CHECK_OPTIONS_INIT { sizeof(struct pcct_metric_check_options), 0, 0 }
PCCT_PUBLIC int pcct_metric_check(const pcct_view *view, const struct pcct_metric_check_options *options, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
