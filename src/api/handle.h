/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HANDLE_H
#define API_HANDLE_H

#include <pcct/pcct.h>

#include "api/line.h"
#include "base/os.h"
#include "base/watch.h"
#include "index/state.h"
#include "metric/custom.h"
#include "store/pins.h"
#include "store/publish.h"
#include "store/store.h"

#include <pthread.h>

/* What stands behind the public handles, and what the files of this folder share. */

/*
 * The views of the head, kept by api/head.h. One is shown to readers; a writer plans on another, which it then shows, and the one before becomes the
 * spare, on which the next commit is planned when the frame has been applied to it too. While nobody asks for the head one view is enough for both.
 */
struct api_head {
    pthread_mutex_t mutex;          /* around all but `publish` and `asked`, for readers and the writer */
    struct store_publish *publish;  /* holds a reference to `shown` */
    pcct_view *shown, *spare;       /* owned; NULL: none. Others may have either */
    pcct_view *writing;             /* the writer's alone, from api_head_begin to api_head_end */
    uint64_t asked;                 /* atomic: how often the head was asked for */
    uint64_t asked_before;          /* the same at the last commit */
    uint32_t quiet;                 /* commits since then */
    int writer;                     /* this handle has committed */
};

/* A thread of the store's own for what no commit is to wait for (api/keeper.h). */
struct api_keeper {
    pthread_mutex_t mutex;          /* around all of this */
    pthread_cond_t changed;
    pthread_t thread;
    int started, stop, busy, anchoring;
    int catch_up;                   /* the spare of the head is behind */
    uint64_t prune;                 /* versions are to be pruned by the policy, since this one; 0: they are not */
    enum api_keeper_at { API_KEEPER_ELSEWHERE, API_KEEPER_WAITS, API_KEEPER_PRUNES } at; /* the writer lock */
    int overdue;                    /* commits wait for it */
    uint64_t prune_from;            /* not before this version: it failed */
    pcct_view *due;                 /* of which an anchor is to be written; with a reference */
};

struct pcct_store {
    struct base_os os;
    struct base_env env;
    struct store *store;
    struct metric metric;
    uint64_t seed;
    struct api_head heads;
    struct api_keeper keeper;
    struct api_line line;           /* of those who commit */
    pthread_mutex_t views_mutex;    /* around the list of views, and the taking of one out of use for changing it */
    pcct_view *views;               /* those that anybody uses, newest first */
    /* The state that a commit is planned on: that of version head_version. Only during a commit, with the writer lock held; else NULL. */
    struct index_state *head;
    uint64_t head_version;
    struct base_env head_env;       /* of the commit, so that it can be watched while views are read */
    struct metric_calls calls;      /* of the commit that is under way; with the writer lock held */
};

/* One version, counted: those who open the same version share it. */
struct pcct_view {
    struct store_shown shown;    /* first */
    pcct_store *store;           /* borrowed */
    struct base_env env;         /* the state's own: a commit watches through it while it plans on the state */
    struct index_state state;
    struct store_version record; /* all zero: version 0 */
    uint64_t anchor;
    uint32_t frames;
    int pin;                     /* in the store's table of readers */
    int listed;                  /* it is in store->views */
    pcct_view *next, *previous;
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

/* The versions after `from` up to `to`, oldest first; *short_way = 0 when they are more than it pays to apply, or there is none. */
int api_way(int *short_way, struct base_vector *path, pcct_store *store, uint64_t from, uint64_t to, struct pcct_error *err);
/* Applies the frames of these versions. apart 1: the state was just opened, and what is added may be laid out beside what is there, which is soonest
 * done; 0: it has been queried and will be for long. After a failure the state is of no use. */
int api_state_follow(struct index_state *state, pcct_store *store, const struct base_vector *path, int apart, struct pcct_error *err);

/* A view of a version, with one reference, in no list. Pinned before anything is looked up. watch: of the commit that it is for; NULL: none. */
int api_view_new(pcct_view **view, pcct_store *store, uint64_t version, struct base_watch *watch, struct pcct_error *err);
/* The same as a copy of another view that nobody changes. */
int api_view_copy(pcct_view **view, const pcct_view *from, struct pcct_error *err);
/* Brings a view that nobody else has to another version; *followed = 0: there is no short way, and nothing was done. After a failure it is of no
 * use. */
int api_view_follow(int *followed, pcct_view *view, uint64_t version, struct pcct_error *err);
/* Lists a view, so that others who ask for its version get it. */
void api_view_list(pcct_view *view);
/* 1: nobody else has it, and from here on nobody gets it; 0: it is as before. It must not be shown. */
int api_view_withdraw(pcct_view *view);
/* A listed view of the version, with a reference; NULL: there is none. */
pcct_view *api_view_find(pcct_store *store, uint64_t version);

/* Copies a string with the store's memory. */
int api_text_copy(char **out, const struct base_env *env, const char *text, struct pcct_error *err);

/* Makes the label table of a view if it is not there yet; any thread. */
int api_view_labels(pcct_view *view, struct pcct_error *err);
/* Nodes of labels; UNKNOWN names the first that is not live. */
int api_view_nodes(uint32_t *nodes, const pcct_view *view, const int64_t *labels, size_t n, struct pcct_error *err);

#endif
