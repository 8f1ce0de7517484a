/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"
#include "store/backup.h"

#include <pcct/exchange.h>

/* The view keeps the state as it is, whatever becomes of its files. */
static int copy_version(uint64_t *bytes, pcct_store *store, const char *path, const char *revision, const struct base_env *env,
                        struct pcct_error *err)
{
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    pcct_view *view = NULL;
    int status = 0;

    TRY(pcct_view_open(&view, store, revision, err));
    if (view->record.version == 0) TRY(base_fail(err, PCCT_E_INVALID, "version 0 is empty: a new store has it (`pcct create`)"));
    TRY(index_image_of(&image, &head, &view->state, err));
    TRY(store_backup_version(bytes, store->store, view->record.version, &image, head.memory.data, head.count, path, env, err));
done:
    base_vector_free(&head, &store->env);
    pcct_view_close(view);
    return status;
}

int pcct_backup(struct pcct_backup_result *result, pcct_store *store, const char *path, const struct pcct_backup_options *options,
                struct pcct_error *err)
{
    struct pcct_backup_options o;
    struct pcct_backup_result ours = { .versions = 1 };
    struct base_env env = store->env;
    struct base_watch watch;
    int status = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_backup", err));
    if (!path) TRY(base_fail(err, PCCT_E_INVALID, "a backup needs a path"));
    base_watch_begin(&watch, NULL, o.progress, o.progress_ctx);
    env.watch = &watch;
    if (o.revision) TRY(copy_version(&ours.bytes, store, path, o.revision, &env, err));
    else TRY(store_backup(&ours.versions, &ours.bytes, store->store, path, &env, err));
    base_watch_part(&env, (struct base_span){ 0, 1 }, 1, 1);
    if (result && api_result_write(result, &ours, sizeof ours) != 0)
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_backup: set the result's size to sizeof first"));
done:
    return status;
}
