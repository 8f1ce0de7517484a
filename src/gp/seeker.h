/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GP_SEEKER_H
#define GP_SEEKER_H

#include "base/memory.h"
#include "base/topk.h"
#include "gp/coarse.h"
#include "gp/flats.h"
#include "gp/residual.h"

/*
 * The search of one thread: the queries of one block after another, up to 64 at a time. Each holds all points that may be among its k nearest, with
 * bounds of their |rho|, in a buffer that is cut down now and then; no |rho| below `least` belongs to an answer. What is left in the end is
 * decided by keys in double precision.
 */
struct gp_candidate {
    float key;       /* the pivots' angle less the block's tail: what a query's angle and tail together must come to */
    uint32_t block;
    uint32_t gram;   /* its place in `gram` */
};

struct gp_seeker {
    const struct base_env *env;
    const struct gp_ask *ask;
    const struct gp_space *from, *to;   /* queries, points */
    const struct gp_rounded *filter_from, *filter_to; /* NULL: no filter */
    const struct gp_coarse *coarse_from, *coarse_to;  /* by principal coordinates, before the filter; NULL: no cascade */
    const uint32_t *row_of;             /* by point: its row among the members; NULL: queries are from outside */
    const struct gp_flats *flats;       /* of queries that are the points; NULL: not known */
    size_t k, capacity;                 /* the latter a multiple of 16 */
    /* of the block at work */
    uint32_t block;
    uint64_t active;                    /* lanes that are queries now */
    uint32_t id[GP_BLOCK], rank[GP_BLOCK];
    uint32_t most_rank;                 /* greatest of the active ones */
    struct gp_row row[GP_BLOCK];
    float *low, *high;                  /* [64][capacity] of what is held: bounds of |rho|, */
    uint32_t *held;                     /* and which points */
    size_t count[GP_BLOCK];
    double least[GP_BLOCK];
    struct base_topk_entry *entry;      /* [2 capacity] answers of one query, by gp_seeker_decide() */
    float *sorted;                      /* [capacity] scratch */
    uint64_t changed;                   /* lanes whose `least` is newer than cosine, sine */
    _Alignas(64) float cosine[GP_BLOCK], sine[GP_BLOCK]; /* of the angle to reach: that of `least` and the query's tail */
    double tail_cosine[GP_BLOCK], tail_sine[GP_BLOCK];
    struct base_vector candidate;       /* struct gp_candidate */
    struct base_vector gram;            /* float [256] each */
    struct base_vector waiting;         /* uint32_t nodes */
    struct base_vector left;            /* uint32_t by leaf: where the gram stands that it left for this block; GP_NOTES_NONE */
    struct base_vector place;           /* uint32_t places for grams that nobody needs any more */
    uint32_t near[8];                   /* blocks that were evaluated first */
    unsigned nears;
    uint64_t inner, inner_passed;       /* nodes that are no leaves: tested, passed over */
    uint64_t pairs, pairs_passed;       /* the same of pairs of nodes */
    uint64_t tried, helped;             /* the envelope's record: it is left alone where it does not help */
    uint64_t meetings, offered, kept;   /* blocks tried point by point, pairs that panels left them, what was left of these */
    int met;                            /* 1: those of the block at work were tried */
    struct gp_work work;
    int bad;                            /* a custom kernel gave what is no number */
};

int gp_seeker_start(struct gp_seeker *seeker, const struct gp_ask *ask, const struct base_env *env, struct pcct_error *err);
void gp_seeker_free(struct gp_seeker *seeker);

/* Finds the neighbours of a block's queries, those of rank `lowest` and above. Errors: MEMORY. */
int gp_seek(struct gp_seeker *seeker, uint32_t block, uint32_t lowest, struct pcct_error *err);

/* Tries a block: which share of the pairs of its queries and points their bounds leave, by every step-th leaf; the mean of what the k-th |rho| is at
 * least. Errors: MEMORY. */
int gp_seek_sample(double *share, double *least, struct gp_seeker *seeker, uint32_t block, uint32_t step, struct pcct_error *err);

/* Evaluates a panel of 16 for the lanes in `mask`, or by the filter one of 32, and holds what may belong to their answers. */
void gp_seeker_evaluate(struct gp_seeker *seeker, size_t panel, uint64_t mask);
void gp_seeker_filter(struct gp_seeker *seeker, size_t panel, uint64_t mask);
/* The queries of `mask` that come after some point of a panel of 16; without an order all. */
uint64_t gp_seeker_after(const struct gp_seeker *seeker, size_t panel, uint64_t mask);
/* Whether a lane of a panel may be among the answers of a query at all. */
int gp_seeker_may_find(const struct gp_seeker *seeker, unsigned lane, size_t at);
/* Holds it, by rho or by the filter's, which is off by `error` at most. */
void gp_seeker_hold(struct gp_seeker *seeker, unsigned lane, size_t at, double rho);
void gp_seeker_hold_filtered(struct gp_seeker *seeker, unsigned lane, size_t at, float rho, float error);
/* The points of a block, each for the lanes in its mask, a panel at a time or one by one. */
void gp_seeker_meet(struct gp_seeker *seeker, uint32_t block, const uint64_t who[GP_BLOCK]);
/* A block by principal coordinates, and what these leave by the filter. */
void gp_seeker_cascade(struct gp_seeker *seeker, uint32_t block, uint64_t mask);
/* The panels of a block, each for the lanes in its mask, in the way that is faster. */
void gp_seeker_look(struct gp_seeker *seeker, uint32_t block, const uint64_t mask[GP_PANELS]);
/* A block for all queries. */
void gp_seeker_evaluate_block(struct gp_seeker *seeker, uint32_t block);
/* The answer of a query, in order: into entry[], with labels. Returns how many. */
size_t gp_seeker_decide(struct gp_seeker *seeker, unsigned lane);
/* Cuts the buffers of some lanes down to what may be among the k nearest. */
void gp_seeker_tighten(struct gp_seeker *seeker, uint64_t mask);
/* The same of those that have grown. */
void gp_seeker_tighten_full(struct gp_seeker *seeker, uint64_t mask);

/* Everything that its bounds do not exclude, leaf by leaf, the most promising first. Errors: MEMORY. */
int gp_seeker_descend(struct gp_seeker *seeker, struct pcct_error *err);

/* All leaves that their envelopes do not exclude, for all queries, nearest middles first. Errors: MEMORY. */
int gp_seeker_sweep(struct gp_seeker *seeker, struct pcct_error *err);
/* The share of gp_seek_sample(), once `least` is known. Errors: MEMORY. */
int gp_seeker_survivors(double *share, struct gp_seeker *seeker, uint32_t step, struct pcct_error *err);

/* With PCCT_AUDIT every pair that was passed over is evaluated, and the program ends if one of them belongs to an answer. */
#ifdef PCCT_AUDIT
void gp_audit(const struct gp_seeker *seeker, uint32_t first_block, uint32_t blocks, uint64_t mask, const char *why);
void gp_audit_panel(const struct gp_seeker *seeker, size_t panel, uint64_t mask, const char *why);
void gp_audit_filter(const struct gp_seeker *seeker, size_t panel, unsigned lane, uint32_t found);
void gp_audit_pair(const struct gp_seeker *seeker, size_t at, uint64_t mask, const char *why);
#else
#define gp_audit(seeker, first_block, blocks, mask, why) ((void)0)
#define gp_audit_panel(seeker, panel, mask, why) ((void)0)
#define gp_audit_filter(seeker, panel, lane, found) ((void)0)
#define gp_audit_pair(seeker, at, mask, why) ((void)0)
#endif

#endif
