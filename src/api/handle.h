/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HANDLE_H
#define API_HANDLE_H

#include <pcct/pcct.h>

#include "base/os.h"
#include "base/watch.h"
#include "index/state.h"
#include "metric/custom.h"
#include "store/store.h"

#include <pthread.h>

/* What stands behind the public handles, and what the files of this folder share. */

struct pcct_store {
    struct base_os os;
    struct base_env env;
    struct store *store;
    struct metric metric;
    uint64_t seed;
    /* The state that commits are planned on: that of version head_version. Only touched with the writer lock held. */
    struct base_env head_env;    /* its own, so that a commit can watch it while views are read */
    struct index_state *head;
    uint64_t head_version;
    struct metric_calls calls;   /* of the commit that is under way; with the writer lock held */
};

struct pcct_view {
    pcct_store *store;           /* borrowed */
    struct index_state state;
    struct store_version record;
    uint64_t anchor;
    uint32_t frames;
    pthread_mutex_t label_lock;  /* around the making of the label table at its first use */
    int labels_ready;            /* written under label_lock */
};

struct pcct_batch {
    pcct_store *store;           /* borrowed */
    char *branch;
    int on_duplicate, no_wait, has_write_id, timing;
    char *expect;                /* NULL: any head */
    char *restore;               /* a revision whose state it begins from; NULL: the head's */
    uint8_t write_id[16];
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
    struct base_vector point;    /* double */
    struct base_vector label;    /* int64_t: one a point; unused where the counter gives it */
    struct base_vector counted;  /* uint8_t, one a point: 1 when the store-wide counter gives the label */
    struct base_vector gone;     /* int64_t */
    struct base_vector key;      /* struct batch_key */
    struct pcct_batch_result result;
    struct pcct_stats stats;
    struct base_vector schedule; /* uint64_t: sizes of the last commit's sub-batches */
};

struct batch_key {
    char *key, *value;           /* owned */
};

/* Copies an option structure of the caller's size into one of ours: missing bytes are zero, unknown ones must be. NULL options: all zero.
 * Errors: INVALID. */
int api_options_read(void *out, size_t out_size, const void *options, const char *what, struct pcct_error *err);

/* The same for a result structure: writes at most the caller's size. */
int api_result_write(void *out, const void *ours, size_t ours_size);

/* The structure from what was counted. */
void api_stats_read(struct pcct_stats *stats, const struct base_watch *watch);

/* Fills an uninitialised state, whose env will be `env`, with version `version`: the nearest sound anchor, then frames. *anchor and *frames say what
 * was used; NULL is fine.
 * After a failure the state need not be freed. */
int api_state_open(struct index_state *state, uint64_t *anchor, uint32_t *frames, pcct_store *store, const struct base_env *env, uint64_t version,
                   struct pcct_error *err);

/* Brings the writer's state to `version`. The lock is held. */
int api_head_follow(pcct_store *store, uint64_t version, struct pcct_error *err);
/* Forgets it, after a failure that left it half changed. */
void api_head_drop(pcct_store *store);

/* Copies a string with the store's memory. */
int api_text_copy(char **out, const struct base_env *env, const char *text, struct pcct_error *err);

/* Makes the label table of a view if it is not there yet; any thread. */
int api_view_labels(pcct_view *view, struct pcct_error *err);
/* Nodes of labels; UNKNOWN names the first that is not live. */
int api_view_nodes(uint32_t *nodes, const pcct_view *view, const int64_t *labels, size_t n, struct pcct_error *err);

#endif
