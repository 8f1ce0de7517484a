/* SPDX-License-Identifier: Apache-2.0 */
#include "store/salvage.h"

#include "api/kernel_note.h"
#include "api/registration.h"
#include "base/memory.h"

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

/* Message and keys as they were, the library's own too. */
static int put_note(const char **message, struct base_vector *note, struct salvaging *s, pcct_batch *batch, struct pcct_error *err)
{
    struct store_version record;
    const char *at, *end;
    int status = 0;

    *message = "";
    if (s->result.version == 0) goto done;
    TRY(store_version(&record, note, s->from.store, s->result.version, err));
    at = note->memory.data;
    end = at + note->count;
    if (note->count == 0 || end[-1] != '\0') goto done;
    *message = at;
    for (at += strlen(at) + 1; at < end; at += strlen(at) + 1) {
        const char *key = at;

        at += strlen(at) + 1;
        if (at < end) TRY(api_batch_set(batch, key, at, err));
    }
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

static int name_scratch(char **scratch, struct salvaging *s, const char *new_path, struct pcct_error *err)
{
    size_t length = strlen(new_path);
    int status = 0;

    while (length > 1 && new_path[length - 1] == '/') length--;
    TRY(base_take(scratch, &s->from.env, length + sizeof ".salvage", 1, err));
    snprintf(*scratch, length + sizeof ".salvage", "%.*s.salvage", (int)length, new_path);
done:
    return status;
}

static int salvage(struct salvaging *s, const char *path, const char *new_path, const char *scratch, struct pcct_error *err)
{
    int status = 0;

    TRY(store_salvage_begin(&s->from.store, &s->salvage, &s->super, path, scratch, &s->from.env, err));
    s->result.newest = s->salvage.newest;
    s->result.versions = s->salvage.versions;
    s->result.versions_whole = s->salvage.sound.count;
    TRY(take(s, path, err));
    TRY(put_version(s, new_path, err));
done:
    if (s->has_state) index_free(&s->state);
    store_salvage_end(s->from.store, &s->salvage, scratch, &s->from.env);
    return status;
}

static int check_options(const struct pcct_salvage_options *o, const char *path, const char *new_path, struct pcct_error *err)
{
    if (!path || !new_path) return base_fail(err, PCCT_E_INVALID, "salvage needs the path of the damaged store and that of the new one");
    if (o->threads < 0) return base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", o->threads);
    return 0;
}

int pcct_salvage(struct pcct_salvage_result *out, const char *path, const char *new_path, const struct pcct_salvage_options *options,
                 struct pcct_error *err)
{
    struct pcct_salvage_options o;
    struct salvaging s = { .options = &o, .salvage = { .report = report, .progress = progress, .ctx = &s } };
    char *scratch = NULL;
    int status = 0, made = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_salvage", err));
    TRY(check_options(&o, path, new_path, err));
    base_os_init(&s.from.os);
    base_env_init(&s.from.env, &s.from.os, o.threads);
    s.super.dim = o.dim;
    s.super.seed = o.seed;
    if (o.dim > 0) TRY(api_metric_create(&s.super, o.metric, o.custom, err));
    TRY(name_scratch(&scratch, &s, new_path, err));
    if (base_os_mkdir(&s.from.os, AT_FDCWD, scratch, 0700) != 0) TRY(base_fail_errno(err, errno, "cannot make the folder %s", scratch));
    made = 1;
    TRY(salvage(&s, path, new_path, scratch, err));
    if (out && api_result_write(out, &s.result, sizeof s.result) != 0)
        TRY(base_fail(err, PCCT_E_INVALID, "pcct_salvage: set the result's size to sizeof first"));
done:
    if (made) (void)base_os_rmdir(&s.from.os, AT_FDCWD, scratch);
    if (scratch) base_free(&s.from.env, scratch);
    return status;
}
