/* SPDX-License-Identifier: Apache-2.0 */
#include "api/head.h"

#include "api/keeper.h"

#include <assert.h>

/* So many commits without anybody asking for the head, and its second view is given up. */
enum { QUIET_COMMITS = 64 };

int api_head_start(pcct_store *store, struct pcct_error *err)
{
    pthread_mutex_init(&store->heads.mutex, NULL);
    return store_publish_new(&store->heads.publish, &store->env, err);
}

/* Under the mutex: what is shown from here on (NULL: nothing), and what was. */
static pcct_view *show(struct api_head *head, pcct_view *view)
{
    pcct_view *before = head->shown;

    (void)store_publish_swap(head->publish, view ? &view->shown : NULL);
    head->shown = view;
    return before;
}

void api_head_stop(pcct_store *store)
{
    struct api_head *head = &store->heads;

    assert(!head->writing);
    if (!head->publish) return; /* it was never started */
    if (head->shown) {
        if (store_forked(store->store)) pcct_view_close(head->shown); /* the other threads that might look are the parent's */
        else pcct_view_close(show(head, NULL));
    }
    pcct_view_close(head->spare);
    store_publish_free(head->publish, &store->env);
    pthread_mutex_destroy(&head->mutex);
}

static void note_asked(struct api_head *head)
{
    __atomic_add_fetch(&head->asked, 1, __ATOMIC_RELAXED); /* a count, with which nothing else is told */
}

pcct_view *api_head_look(pcct_store *store, uint64_t version)
{
    pcct_view *view = (pcct_view *)store_publish_take(store->heads.publish);

    if (!view) return NULL;
    if (view->record.version == version) {
        note_asked(&store->heads);
        return view;
    }
    pcct_view_close(view);
    return NULL;
}

/* Under the mutex: the spare, if nobody has it; one that somebody has is left to him. */
static pcct_view *take_spare(struct api_head *head)
{
    pcct_view *view = head->spare;

    head->spare = NULL;
    if (!view || api_view_withdraw(view)) return view;
    pcct_view_close(view);
    return NULL;
}

/* Under the mutex: what is shown, if nobody has it; it is not shown any more then. */
static pcct_view *take_shown(struct api_head *head)
{
    pcct_view *view = head->shown;

    if (!view) return NULL;
    (void)show(head, NULL);
    if (api_view_withdraw(view)) return view;
    (void)show(head, view);
    return NULL;
}

/* Brings *view to a version, or frees it: then the version is to be opened, which knows better what is wrong, if anything is (a frame may have been
 * pruned on the way). */
static int bring(pcct_view **view, uint64_t version, struct pcct_error *err)
{
    int followed = 0, status = api_view_follow(&followed, *view, version, err);

    if (status == 0 && followed) return 0;
    pcct_view_close(*view);
    *view = NULL;
    return status == PCCT_E_DAMAGED || status == PCCT_E_NOT_FOUND ? 0 : status;
}

/* ---- readers ------------------------------------------------------------------------------------------------------------------------------ */

/* Whether there is a newer anchor on the way: mapping that gives back the memory of all that was changed since the old one. */
static int rests_on_old_anchor(const pcct_view *view, uint64_t version)
{
    struct store_version record;

    return version > 0 && store_version(&record, NULL, view->store->store, version, NULL) == 0 && record.redo_frames < view->frames;
}

/* Under the mutex. *view NULL: what is shown is not to be replaced by that version. */
static int advance(pcct_view **view, pcct_store *store, uint64_t version, struct pcct_error *err)
{
    struct base_vector path = { .item_bytes = sizeof(uint64_t) };
    struct api_head *head = &store->heads;
    pcct_view *before = NULL;
    int status = 0, ahead = 0;

    if (head->writing) goto done; /* it will show its own */
    if (head->shown) TRY(api_way(&ahead, &path, store, head->shown->record.version, version, err));
    if (!ahead && head->writer) goto done; /* another branch: a writer's own is worth more */
    *view = take_spare(head);
    if (!*view && ahead) *view = take_shown(head);
    if (*view && rests_on_old_anchor(*view, version)) {
        pcct_view_close(*view);
        *view = NULL;
    }
    if (*view) TRY(bring(view, version, err));
    if (!*view) TRY(api_view_new(view, store, version, NULL, err));
    store_shown_take(&(*view)->shown); /* for the caller */
    api_view_list(*view);
    before = show(head, *view);
    if (before && ahead) head->spare = before; /* somebody has it: followers that run one after the other do with one view */
    else pcct_view_close(before);
done:
    base_vector_free(&path, &store->env);
    return status;
}

int api_head_ask(pcct_view **view, pcct_store *store, uint64_t version, struct pcct_error *err)
{
    struct api_head *head = &store->heads;
    int status = 0;

    *view = NULL;
    note_asked(head);
    pthread_mutex_lock(&head->mutex);
    *view = api_view_find(store, version); /* somebody brought it here meanwhile */
    if (!*view) status = advance(view, store, version, err);
    pthread_mutex_unlock(&head->mutex);
    return status;
}

/* ---- the writer ---------------------------------------------------------------------------------------------------------------------------- */

/* Under the mutex, once a commit. */
static int is_asked_for(struct api_head *head)
{
    uint64_t now = __atomic_load_n(&head->asked, __ATOMIC_RELAXED);

    if (now != head->asked_before) head->quiet = 0;
    else if (head->quiet < QUIET_COMMITS) head->quiet++;
    head->asked_before = now;
    return now > 0 && head->quiet < QUIET_COMMITS;
}

int api_head_begin(pcct_store *store, uint64_t version, struct pcct_error *err)
{
    struct api_head *head = &store->heads;
    pcct_view *view = NULL;
    int status = 0, asked = 0;

    assert(!head->writing);
    pthread_mutex_lock(&head->mutex);
    head->writer = 1;
    asked = is_asked_for(head);
    view = take_spare(head);
    if (!view && !asked) view = take_shown(head);
    if (!view && head->shown && head->shown->record.version == version) TRY(api_view_copy(&view, head->shown, err));
    if (view) view->env.watch = store->head_env.watch;
    if (view) TRY(bring(&view, version, err));
    if (!view) TRY(api_view_new(&view, store, version, store->head_env.watch, err));
    head->writing = view;
    store->head = &view->state;
    store->head_version = version;
done:
    pthread_mutex_unlock(&head->mutex);
    return status;
}

/* The writer's view, which is it no more. */
static pcct_view *give_up_writing(pcct_store *store)
{
    pcct_view *view = store->heads.writing;

    store->heads.writing = NULL;
    store->head = NULL;
    store->head_version = 0;
    if (!view) return NULL;
    view->env.watch = NULL;
    view->state.metric.calls = NULL;
    return view;
}

void api_head_watch(pcct_store *store, struct base_watch *watch)
{
    store->head_env.watch = watch;
    if (store->heads.writing) store->heads.writing->env.watch = watch;
}

void api_head_end(pcct_store *store, const struct store_version *record, uint32_t frames)
{
    struct api_head *head = &store->heads;
    pcct_view *view = NULL, *before = NULL;

    pthread_mutex_lock(&head->mutex);
    view = give_up_writing(store);
    if (view && record) {
        view->record = *record;
        view->frames += frames;
        store_pin_move(store_pins(store->store), view->pin, record->version);
    }
    if (view && (record || !head->shown)) {
        api_view_list(view);
        before = show(head, view);
        view = NULL;
    }
    if (view) head->spare = view;
    else if (before && head->asked_before > 0 && head->quiet < QUIET_COMMITS) head->spare = before;
    else pcct_view_close(before);
    if (head->spare) api_keeper_catch_up(store);
    pthread_mutex_unlock(&head->mutex);
}

void api_head_catch_up(pcct_store *store)
{
    struct api_head *head = &store->heads;
    pcct_view *view = NULL;

    pthread_mutex_lock(&head->mutex);
    if (!head->writing && head->shown && head->spare) view = take_spare(head);
    if (view) (void)bring(&view, head->shown->record.version, NULL);
    if (view) head->spare = view;
    pthread_mutex_unlock(&head->mutex);
}

void api_head_drop(pcct_store *store)
{
    pcct_view *view = NULL;

    pthread_mutex_lock(&store->heads.mutex);
    view = give_up_writing(store);
    pthread_mutex_unlock(&store->heads.mutex);
    pcct_view_close(view);
}
