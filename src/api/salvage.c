/* SPDX-License-Identifier: Apache-2.0 */
#include "store/salvage.h"

#include "api/kernel_note.h"
#include "api/registration.h"
#include "base/memory.h"
#include "store/making.h"

#include <pcct/salvage.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_AT_ONCE = 65536 };

struct salvaging {
    const struct pcct_salvage_options *options;
    struct pcct_salvage_result result;
    pcct_store from;              /* of the damaged store: what is needed to open states */
    struct store_salvage salvage;
    struct store_super super;
    struct index_state state;     /* of the version that was taken */
    int has_state;
};

static void report(void *ctx, int damaged, const char *text)
{
    struct salvaging *s = ctx;

    s->result.damaged += damaged != 0;
    if (s->options->report) s->options->report(s->options->report_ctx, damaged, text);
}

static int progress(void *ctx, double done)
{
    const struct salvaging *s = ctx;

    return s->options->progress ? s->options->progress(s->options->progress_ctx, 0.5 * done) : 0;
}

/* Opens a version and proves it. A version that is not whole is DAMAGED, in words. */
static int open_version(struct salvaging *s, uint64_t version, struct pcct_error *err)
{
    struct metric_calls calls;
    struct index_state reader;
    int status = 0;

    if (version == 0) index_init(&s->state, &s->from.env, &s->from.metric, s->from.seed);
    else TRY(api_state_open(&s->state, NULL, NULL, &s->from, &s->from.env, version, err));
    s->has_state = 1;
    api_reader(&reader, &calls, &s->state);
    TRY(index_check(&reader, err));
    s->result.version = version;
done:
    if (status != 0 && s->has_state) index_free(&s->state);
    if (status != 0) s->has_state = 0;
    return status;
}

static int is_damage(int status)
{
    return status == PCCT_E_DAMAGED || status == PCCT_E_NOT_FOUND || status == PCCT_E_IO;
}

static int take_newest(struct salvaging *s, const char *path, struct pcct_error *err)
{
    const uint64_t *sound = s->salvage.sound.memory.data;
    struct pcct_error cause = { 0, "" };
    char line[PCCT_MESSAGE_BYTES + 32];
    int status = 0;

    for (size_t i = s->salvage.sound.count; i-- > 0;) {
        status = open_version(s, sound[i], &cause);
        if (status == 0) goto done;
        if (!is_damage(status)) TRY(base_fail(err, status, "%s", cause.message));
        snprintf(line, sizeof line, "v%" PRIu64 ": %s", sound[i], cause.message);
        report(s, 1, line);
    }
    status = base_fail(err, PCCT_E_DAMAGED, "no version of %s is whole", path);
done:
    return status;
}

static int take(struct salvaging *s, const char *path, struct pcct_error *err)
{
    uint64_t version = 0;
    int status = 0;

    TRY(api_metric_open(&s->from.metric, &s->super, s->options->custom, path, err));
    s->from.seed = s->super.seed;
    if (!s->options->at) TRY(take_newest(s, path, err));
    else {
        TRY(store_revision(&version, s->from.store, s->options->at, err));
        TRY(open_version(s, version, err));
    }
done:
    return status;
}

/* ---- the new store ------------------------------------------------------------------------------------------------------------------------ */

static int put_points(struct salvaging *s, pcct_batch *batch, struct pcct_error *err)
{
    const size_t dim = s->from.metric.input_dim;
    const struct index_state *state = &s->state;
    double *points = NULL;
    int64_t *labels = NULL;
    size_t n = 0;
    int status = 0;

    TRY(base_take(&points, &s->from.env, ROWS_AT_ONCE * dim, sizeof *points, err));
    TRY(base_take(&labels, &s->from.env, ROWS_AT_ONCE, sizeof *labels, err));
    for (uint32_t node = 0; node < state->n; node++) {
        if (!index_is_live(state, node)) continue;
        memcpy(points + n * dim, index_points(state) + node * dim, dim * sizeof *points);
        labels[n++] = index_label(state)[node];
        if (n < ROWS_AT_ONCE) continue;
        TRY(pcct_batch_insert(batch, points, n, labels, err));
        n = 0;
    }
    TRY(pcct_batch_insert(batch, points, n, labels, err));
done:
    base_free(&s->from.env, labels);
    base_free(&s->from.env, points);
    return status;
}

/* The keys of a note, or those alone that tell a kernel. *kernel: 1 when one does. */
static int put_keys(int *kernel, pcct_batch *batch, const struct base_vector *note, int all, struct pcct_error *err)
{
    const char *at = note->memory.data, *end = at + note->count;
    int status = 0;

    *kernel = 0;
    if (note->count == 0 || end[-1] != '\0') goto done;
    for (at += strlen(at) + 1; at < end; at += strlen(at) + 1) {
        const char *key = at;
        const int is_kernel = strncmp(key, API_KERNEL_KEY, strlen(API_KERNEL_KEY)) == 0;

        at += strlen(at) + 1;
        if (at >= end) break;
        *kernel |= is_kernel;
        if (all || is_kernel) TRY(api_batch_set(batch, key, at, err));
    }
done:
    return status;
}

/* The kernel of a version may be an older one's. Those that were pruned set none that still holds; those that were lost may have. */
static int put_older_kernel(struct salvaging *s, pcct_batch *batch, const struct store_version *of, struct pcct_error *err)
{
    struct base_vector note = { .item_bytes = 1 };
    struct store_version version = *of;
    struct pcct_error cause = { 0, "" };
    int status = 0, found = 0;

    while (!found && version.parent != 0) {
        status = version.kept == 0 ? PCCT_E_NOT_FOUND : store_version(&version, &note, s->from.store, version.kept, &cause);
        if (is_damage(status)) {
            report(s, 0, "versions before the one that is taken are missing, and with them perhaps its kernel");
            status = 0;
            break;
        }
        if (status != 0) TRY(base_fail(err, status, "%s", cause.message));
        TRY(put_keys(&found, batch, &note, 0, err));
    }
done:
    base_vector_free(&note, &s->from.env);
    return status;
}

/* Message and keys as they were, the library's own too. */
static int put_note(const char **message, struct base_vector *note, struct salvaging *s, pcct_batch *batch, struct pcct_error *err)
{
    struct store_version record;
    int status = 0, kernel = 0;

    *message = "";
    if (s->result.version == 0) goto done;
    TRY(store_version(&record, note, s->from.store, s->result.version, err));
    TRY(put_keys(&kernel, batch, note, 1, err));
    if (!kernel) TRY(put_older_kernel(s, batch, &record, err));
    if (note->count > 0 && ((const char *)note->memory.data)[note->count - 1] == '\0') *message = note->memory.data;
done:
    return status;
}

static int put_version(struct salvaging *s, const char *new_path, struct pcct_error *err)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_batch_options how = PCCT_BATCH_OPTIONS_INIT;
    struct base_vector note = { .item_bytes = 1 };
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    const char *message;
    int status = 0;

    create.dim = s->super.dim;
    create.seed = s->super.seed;
    create.custom = s->options->custom;
    if (!create.custom) create.metric = metric_called(&s->from.metric);
    TRY(pcct_store_create(new_path, &create, err));
    open.threads = s->options->threads;
    open.custom = s->options->custom;
    TRY(pcct_store_open(&store, new_path, &open, err));
    how.progress = s->options->progress;
    how.progress_ctx = s->options->progress_ctx;
    TRY(pcct_batch_begin(&batch, store, "main", &how, err));
    TRY(put_note(&message, &note, s, batch, err));
    TRY(put_points(s, batch, err));
    TRY(pcct_batch_commit(NULL, batch, message, err));
    s->result.points = s->state.n_live;
done:
    pcct_batch_close(batch);
    pcct_store_close(store);
    base_vector_free(&note, &s->from.env);
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------------------- */

/* The folder in which the new store is made, and the store's name in it: what a process that was killed leaves is in nobody's way. */
static int name_scratch(char **scratch, char **fresh, struct salvaging *s, const char *new_path, struct pcct_error *err)
{
    size_t length = strlen(new_path);
    uint8_t random[4];
    int status = 0;

    while (length > 1 && new_path[length - 1] == '/') length--;
    if (base_os_random(&s->from.os, random, sizeof random) != 0) return base_fail_errno(err, errno, "cannot get random bytes for %s", new_path);
    TRY(base_take(scratch, &s->from.env, length + 32, 1, err));
    TRY(base_take(fresh, &s->from.env, length + 32, 1, err));
    snprintf(*scratch, length + 32, "%.*s.salvage-%02x%02x%02x%02x", (int)length, new_path, random[0], random[1], random[2], random[3]);
    snprintf(*fresh, length + 32, "%s/new", *scratch);
done:
    return status;
}

/* To its place, and the place to the disk. What fails leaves nothing. */
static int finish(struct salvaging *s, const char *scratch, const char *fresh, const char *new_path, struct pcct_error *err)
{
    struct base_os *os = &s->from.os;
    char *above = NULL;
    int status = 0, folder = -1, renamed = 0;

    TRY(base_take(&above, &s->from.env, strlen(scratch) + sizeof "/..", 1, err));
    snprintf(above, strlen(scratch) + sizeof "/..", "%s/..", scratch);
    folder = base_os_open(os, AT_FDCWD, above, O_RDONLY | O_DIRECTORY, 0);
    if (folder < 0) TRY(base_fail_errno(err, errno, "cannot open the folder of %s", new_path));
    if (base_os_rename(os, AT_FDCWD, fresh, new_path) != 0) TRY(base_fail_errno(err, errno, "cannot rename %s to %s", fresh, new_path));
    renamed = 1;
    if (base_os_fsync(os, folder) != 0) TRY(base_fail_errno(err, errno, "cannot write the folder of %s to the disk", new_path));
done:
    if (status != 0 && renamed) store_unmake(os, AT_FDCWD, new_path);
    if (folder >= 0) base_os_close(os, folder);
    base_free(&s->from.env, above);
    return status;
}

static int salvage(struct salvaging *s, const char *path, const char *new_path, const char *scratch, const char *fresh,
                   struct pcct_error *err)
{
    int status = 0;

    TRY(store_salvage_begin(&s->from.store, &s->salvage, &s->super, path, scratch, &s->from.env, err));
    s->result.newest = s->salvage.newest;
    s->result.versions = s->salvage.versions;
    s->result.versions_whole = s->salvage.sound.count;
    TRY(take(s, path, err));
    TRY(put_version(s, fresh, err));
    TRY(finish(s, scratch, fresh, new_path, err));
done:
    if (status != 0) store_unmake(&s->from.os, AT_FDCWD, fresh);
    if (s->has_state) index_free(&s->state);
    store_salvage_end(s->from.store, &s->salvage, scratch, &s->from.env);
    return status;
}

static int check_options(const struct pcct_salvage_options *o, const char *path, const char *new_path, struct pcct_error *err)
{
    if (!path || !new_path || !*new_path)
        return base_fail(err, PCCT_E_INVALID, "salvage needs the path of the damaged store and that of the new one");
    if (o->threads < 0) return base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", o->threads);
    return 0;
}

int pcct_salvage(struct pcct_salvage_result *out, const char *path, const char *new_path, const struct pcct_salvage_options *options,
                 struct pcct_error *err)
{
    struct pcct_salvage_options o;
    struct salvaging s = { .options = &o, .salvage = { .report = report, .progress = progress, .ctx = &s } };
    char *scratch = NULL, *fresh = NULL;
    struct stat there;
    int status = 0, made = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_salvage", err));
    TRY(check_options(&o, path, new_path, err));
    base_os_init(&s.from.os);
    base_env_init(&s.from.env, &s.from.os, o.threads);
    s.super.dim = o.dim;
    s.super.seed = o.seed;
    if (o.dim > 0) TRY(api_metric_create(&s.super, o.metric, o.custom, err));
    if (base_os_fstatat(&s.from.os, AT_FDCWD, new_path, &there) == 0)
        TRY(base_fail(err, PCCT_E_EXISTS, "%s exists already", new_path));
    TRY(name_scratch(&scratch, &fresh, &s, new_path, err));
    if (base_os_mkdir(&s.from.os, AT_FDCWD, scratch, 0700) != 0) TRY(base_fail_errno(err, errno, "cannot make the folder %s", scratch));
    made = 1;
    TRY(salvage(&s, path, new_path, scratch, fresh, err));
    if (out && api_result_write(out, &s.result, sizeof s.result) != 0)
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_salvage: set the result's size to sizeof first"));
done:
    if (made) (void)base_os_rmdir(&s.from.os, AT_FDCWD, scratch);
    if (scratch) base_free(&s.from.env, scratch);
    if (fresh) base_free(&s.from.env, fresh);
    return status;
}
