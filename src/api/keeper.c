/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keeper.h"

#include "api/head.h"
#include "api/kernel_note.h"
#include "index/image.h"

#include <signal.h>

void api_keeper_start(pcct_store *store)
{
    pthread_mutex_init(&store->keeper.mutex, NULL);
    pthread_cond_init(&store->keeper.changed, NULL);
}

static void write_anchor(pcct_view *view)
{
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    uint64_t bytes = 0;

    /* reads only, though what it lists could be written to */
    if (index_image_of(&image, &head, &view->state, NULL) == 0) {
        (void)store_anchor_write(&bytes, view->store->store, view->record.version, &image, head.memory.data, head.count, 0, NULL);
    }
    base_vector_free(&head, &view->env);
}

/* How many commits a pruning that failed is not tried for again, and how many may come, when one is due, before they wait for it. */
enum { PUT_OFF = 64, AHEAD = 64 };

static void stand(pcct_store *store, enum api_keeper_at at)
{
    struct api_keeper *keeper = &store->keeper;

    pthread_mutex_lock(&keeper->mutex);
    keeper->at = at;
    pthread_cond_broadcast(&keeper->changed);
    pthread_mutex_unlock(&keeper->mutex);
}

static void prune(pcct_store *store, uint64_t since)
{
    struct store_prune by_policy = { .by_policy = 1, .lasting = API_KERNEL_KEY };
    int status;

    stand(store, API_KEEPER_WAITS);
    status = store_lock(store->store, 1, NULL);
    if (status == 0) {
        stand(store, API_KEEPER_PRUNES);
        status = store_prune(&by_policy, store->store, NULL);
        store_unlock(store->store);
    }
    pthread_mutex_lock(&store->keeper.mutex);
    store->keeper.prune_from = status == 0 ? 0 : since + PUT_OFF;
    store->keeper.overdue = 0;
    store->keeper.prune = 0; /* what was asked for meanwhile has been done */
    pthread_mutex_unlock(&store->keeper.mutex);
    stand(store, API_KEEPER_ELSEWHERE);
}

static void *run(void *ctx)
{
    pcct_store *store = ctx;
    struct api_keeper *keeper = &store->keeper;

    pthread_mutex_lock(&keeper->mutex);
    for (;;) {
        pcct_view *view = keeper->due;
        uint64_t prune_since = keeper->prune;
        int catch_up = keeper->catch_up;

        keeper->catch_up = 0;
        keeper->prune = 0;
        keeper->due = NULL;
        keeper->busy = view || catch_up || prune_since > 0;
        keeper->anchoring = view != NULL;
        if (!keeper->busy) {
            pthread_cond_broadcast(&keeper->changed);
            if (keeper->stop) break;
            pthread_cond_wait(&keeper->changed, &keeper->mutex);
            continue;
        }
        pthread_mutex_unlock(&keeper->mutex);
        if (catch_up) api_head_catch_up(store);
        if (view) write_anchor(view);
        pcct_view_close(view);
        if (prune_since > 0) prune(store, prune_since); /* when the anchor is there that lets frames go */
        pthread_mutex_lock(&keeper->mutex);
    }
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

/* Under the mutex. 1: it runs. */
static int begin(pcct_store *store)
{
    struct api_keeper *keeper = &store->keeper;
    sigset_t all, before;

    if (keeper->started) return 1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    keeper->started = pthread_create(&keeper->thread, NULL, run, store) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return keeper->started;
}

int api_keeper_anchor(pcct_store *store, uint64_t version)
{
    struct api_keeper *keeper = &store->keeper;
    pcct_view *view = api_view_find(store, version);
    int taken = 0;

    if (!view) return 0;
    pthread_mutex_lock(&keeper->mutex);
    if (!keeper->anchoring && !keeper->due && begin(store)) {
        keeper->due = view;
        taken = 1;
        pthread_cond_broadcast(&keeper->changed);
    }
    pthread_mutex_unlock(&keeper->mutex);
    if (!taken) pcct_view_close(view);
    return taken;
}

void api_keeper_catch_up(pcct_store *store)
{
    struct api_keeper *keeper = &store->keeper;

    pthread_mutex_lock(&keeper->mutex);
    if (begin(store)) {
        keeper->catch_up = 1;
        pthread_cond_broadcast(&keeper->changed);
    }
    pthread_mutex_unlock(&keeper->mutex);
}

void api_keeper_prune(pcct_store *store, uint64_t version)
{
    struct api_keeper *keeper = &store->keeper;
    struct store_policy policy;

    if (store_policy(&policy, store->store, NULL) != 0 || policy.due == 0 || version < policy.due) return;
    pthread_mutex_lock(&keeper->mutex);
    if (version >= keeper->prune_from && begin(store)) {
        keeper->prune = version;
        keeper->overdue = version >= policy.due + AHEAD;
        pthread_cond_broadcast(&keeper->changed);
    }
    pthread_mutex_unlock(&keeper->mutex);
}

int api_keeper_lock(pcct_store *store, int wait, struct pcct_error *err)
{
    struct api_keeper *keeper = &store->keeper;

    if (!store_forked(store->store)) {
        pthread_mutex_lock(&keeper->mutex);
        while (keeper->at == API_KEEPER_PRUNES || (wait && (keeper->at == API_KEEPER_WAITS || keeper->overdue)))
            pthread_cond_wait(&keeper->changed, &keeper->mutex);
        pthread_mutex_unlock(&keeper->mutex);
    }
    return store_lock(store->store, wait, err);
}

void api_keeper_wait(pcct_store *store)
{
    struct api_keeper *keeper = &store->keeper;

    pthread_mutex_lock(&keeper->mutex);
    while (keeper->started && (keeper->busy || keeper->due || keeper->catch_up || keeper->prune)) pthread_cond_wait(&keeper->changed, &keeper->mutex);
    pthread_mutex_unlock(&keeper->mutex);
}

void api_keeper_stop(pcct_store *store)
{
    struct api_keeper *keeper = &store->keeper;

    if (store->store && store_forked(store->store)) { /* a view that was due is the child's copy of it */
        pcct_view_close(keeper->due);
        return;
    }
    pthread_mutex_lock(&keeper->mutex);
    keeper->stop = 1;
    pthread_cond_broadcast(&keeper->changed);
    pthread_mutex_unlock(&keeper->mutex);
    if (keeper->started) pthread_join(keeper->thread, NULL);
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->mutex);
}
