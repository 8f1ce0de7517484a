/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCCT_SALVAGE_H
#define PCCT_SALVAGE_H

#include <pcct/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Takes the newest whole version out of a damaged store and commits its points, with their labels, message, keys and kernel, to a new store. Whole:
 * its frames or an anchor have their checksums, and the invariants of the tree and the digests of the arrays are proved for the state that comes of
 * them. The damaged store is only read: not its catalogue, but the journal and the anchors by themselves; SUPER, or what stands for it, in the
 * segments and in an anchor. The new store has another identity and no history; the label that it would give next may be one that was used by points
 * since deleted.
 */
struct pcct_salvage_options {
    size_t size;
    const char *at;       /* the revision to take instead of the newest whole one, by what is left of branches and tags; NULL: that */
    /* What to go by where neither SUPER nor an anchor tells; else not looked at. */
    uint32_t dim;
    int threads;
    const char *metric;
    uint64_t seed;
    const struct pcct_metric *custom; /* the function of the store's custom metric */
    /* As of pcct_fsck. */
    void (*report)(void *ctx, int damaged, const char *text);
    void *report_ctx;
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
};
#define PCCT_SALVAGE_OPTIONS_INIT { sizeof(struct pcct_salvage_options), NULL, 0, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL }
struct pcct_salvage_result {
    size_t size;
    uint64_t version;         /* that was taken */
    uint64_t points;
    uint64_t newest;          /* the newest that the damaged store tells of */
    uint64_t versions;        /* that it tells of, and can be named */
    uint64_t versions_whole;  /* of which the files are whole */
    uint64_t damaged;         /* findings that are damage */
};
/* Makes the store new_path, which must not be there; it is there when it is whole, or not at all. Until then it is made in a folder beside it, named
 * new_path.salvage-... , which a process that is killed leaves. Errors: NOT_FOUND, DAMAGED (no version is whole, or
 * not the one asked for, or nothing tells what the points are), EXISTS, PERMISSION, NOSPACE, IO, MEMORY, CANCELLED, INVALID, FORMAT. */
PCCT_PUBLIC int pcct_salvage(struct pcct_salvage_result *result, const char *path, const char *new_path,
                             const struct pcct_salvage_options *options, struct pcct_error *err);

#ifdef __cplusplus
}
#endif
#endif
