/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_CHECK_H
#define PCCT_CHECK_H

#include <pcct/view.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Answers of the index against brute force over all live points, for `sample` live points chosen by `seed` (all if there are fewer). */
struct pcct_verify_options {
    size_t size;
    uint64_t sample;   /* 0: 1000 */
    uint64_t k;        /* 0: 10 */
    uint64_t seed;
    int threads;
    int tree;          /* 1: also prove the invariants T1 to T6 of the version (0: also; -1: leave it out) */
};
#define PCCT_VERIFY_OPTIONS_INIT { sizeof(struct pcct_verify_options), 0, 0, 0, 0, 0 }
struct pcct_verify_result {
    size_t size;
    uint64_t queries, k;
    uint64_t differences;   /* answers (label or distance) that differ */
    uint64_t violations;    /* 1 when an invariant is broken; `first` names it */
    char first[256];        /* the first difference or violation in words; "" if none */
};
/* Returns 0 also when differences were found: look at the result. Errors: INVALID, MEMORY. */
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
};
#define PCCT_FSCK_OPTIONS_INIT { sizeof(struct pcct_fsck_options), 0, 0, NULL, NULL, NULL, NULL }
struct pcct_fsck_result {
    size_t size;
    uint64_t versions, frames, anchors, bytes; /* read */
    uint64_t damaged;                          /* findings that are damage */
    uint64_t versions_readable;                /* versions whose whole chain of files is sound */
};
/* Returns 0 also when damage was found: look at the result. Errors: NOT_FOUND, NOT_A_STORE, FORMAT, DAMAGED (nothing could be read, or see
 * rebuild), PERMISSION, NOSPACE, IO, MEMORY, CANCELLED, BUSY. */
PCCT_PUBLIC int pcct_fsck(struct pcct_fsck_result *result, const char *path, const struct pcct_fsck_options *options, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
