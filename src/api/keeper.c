/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keeper.h"

#include "api/head.h"
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
        (void)store_anchor_write(&bytes, view->store->store, view->record.version, &image, head.memory.data, head.count, NULL);
    }
    base_vector_free(&head, &view->env);
}

static void *run(void *ctx)
{
    pcct_store *store = ctx;
    struct api_keeper *keeper = &store->keeper;

    pthread_mutex_lock(&keeper->mutex);
    for (;;) {
        pcct_view *view = keeper->due;
        int catch_up = keeper->catch_up;

        keeper->catch_up = 0;
        keeper->due = NULL;
        keeper->busy = view || catch_up;
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

void api_keeper_wait(pcct_store *store)
{
    struct api_keeper *keeper = &store->keeper;

    pthread_mutex_lock(&keeper->mutex);
    while (keeper->started && (keeper->busy || keeper->due || keeper->catch_up)) pthread_cond_wait(&keeper->changed, &keeper->mutex);
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
