/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "store/journal.h"

/* What was found of one version. */
struct store_found {
    struct store_record record;
    uint8_t frame_sound;  /* its frame is whole */
    uint8_t anchor_sound; /* it has an anchor, and that is whole */
    uint8_t recorded;     /* the catalogue has its record */
    uint8_t listed;       /* the catalogue lists its anchor */
    uint64_t piece_bytes; /* of rows in pieces that were written for its anchor, when that is sound */
    size_t note;          /* its note's place in the payload of the base; 0: it is in its frame */
    uint8_t sound;        /* it can be read: an anchor, or its frame and its state parent */
};

/* What the file UNSYNCED tells (store/unsynced.h); all zero: it is not there. */
struct store_unsynced {
    int stale;                /* it is not of this boot of the machine, or cannot be made out: the catalogue is of no use */
    int none;                 /* frames behind that place were not flushed */
    uint64_t segment, offset; /* up to there the journal was on the disk when it was made; 0: it is not known */
};

/* Reading the files without the catalogue. */
struct store_scan {
    const struct store_folder *folder;
    void (*report)(void *ctx, int damaged, const char *text);
    int (*progress)(void *ctx, double done);
    void *ctx;
    /* Called after each mebibyte or so of an anchor that was read; other than 0 ends it. NULL: all of it is read at once. */
    int (*pause)(void *ctx, uint64_t bytes, struct pcct_error *err);
    void *pause_ctx;
    int fast;                    /* only the heads of frames and anchors are looked at */
    int strict;                  /* a place of the disk that cannot be read is an error (IO), not damage */
    const struct store_unsynced *unsynced; /* with none, the journal ends at the first frame that is not whole and was not flushed; else a last
                                            * one that is not whole was never acknowledged, and is left out; may be NULL */
    struct base_vector found;    /* struct store_found, ascending by version */
    struct base_vector event;    /* struct store_record: frames that make no version, in the order of the journal */
    struct base_vector base;     /* bytes: the payload of the last base (store/base.h); empty: there is none */
    struct store_record base_record; /* its frame */
    uint64_t base_prunes, base_removed, base_next, base_reflog; /* what it tells */
    struct base_vector segment;  /* struct store_segment: heads that are sound, ascending */
    struct store_tail tail;      /* behind the last frame that belongs to the chain */
    struct store_tail before;    /* before that frame */
    int torn;                    /* that frame is not whole */
    uint64_t frames, bytes, damaged;
    uint64_t left_out;           /* a last frame was, not whole and written when the machine went down: its version; 0: none */
};

void store_scan_init(struct store_scan *scan, const struct store_folder *folder);
void store_scan_free(struct store_scan *scan);
void store_scan_report(struct store_scan *scan, int damaged, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Follows the frames from the first segment on, each by the link to the one before. After a damaged head it looks for the next sound one. `end`:
 * where the catalogue says that the journal ends, so a version that is missing is noticed by comparing; NULL: it ends where no frame follows. Damage
 * is reported and counted, not returned. Errors: PERMISSION, IO (a folder), MEMORY, CANCELLED.
 */
int store_scan_journal(struct store_scan *scan, const struct store_tail *end, struct pcct_error *err);

/* Reads the anchor of a version, with what it shares with others: *sound, and reports when it is not. Sets found->piece_bytes. Errors: MEMORY,
 * PERMISSION, those of pause(). */
int store_scan_anchor(int *sound, struct store_scan *scan, struct store_found *found, struct pcct_error *err);
/* Calls each(ctx, version) for the files in data/ whose name is an anchor's; each one's error ends it. */
int store_scan_anchors(struct store_scan *scan, int (*each)(void *ctx, uint64_t version, struct pcct_error *err), void *ctx, struct pcct_error *err);

struct store_found *store_scan_find(const struct store_scan *scan, uint64_t version); /* NULL: none */
/* Sorts `found` after additions at its end. */
void store_scan_sort(struct store_scan *scan);

/* Makes the catalogue anew from the scan of a journal and from the anchor files; the caller holds the writer lock. */
struct store_rebuilding {
    int keep_old;          /* the old one is kept as catalogue.mdb.damaged, .damaged.2 and so on; else it goes when the new one is there */
    int old_readable;      /* the scan went to the end that the old catalogue tells, and that has old_versions; else it went without `end` */
    uint64_t old_versions;
};
/* Errors: DAMAGED when fewer versions than old_versions were found; then, as after any error, the old one stays. On a full disk the ballast is given
 * up for it (store/ballast.h); NOSPACE when that is not enough. */
int store_rebuild(struct store_scan *scan, const struct store_rebuilding *how, struct pcct_error *err);

#endif
