/* SPDX-License-Identifier: Apache-2.0 */
#include "store/salvage.h"

#include "store/anchor.h"
#include "store/bytes.h"
#include "store/internal.h"
#include "store/scan.h"
#include "store/super.h"
#include "store/unsynced.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

/* Where the image's head of an anchor has what SUPER tells too. */
enum { IMAGE_METRIC = 4, IMAGE_DIM = 8, IMAGE_SEED = 32, IMAGE_LEAST_BYTES = 40 };

struct salvaging {
    struct store_salvage *salvage;
    struct store_folder folder; /* the damaged store's */
    struct store_scan scan;
    struct store_unsynced mark;
    struct store_super *super;
};

static int open_part(int *fd, const struct store_folder *folder, const char *name, struct pcct_error *err)
{
    *fd = base_os_open(folder->env->os, folder->top, name, O_RDONLY | O_DIRECTORY, 0);
    return *fd >= 0 ? 0 : base_fail_errno(err, errno, "cannot open %s/%s", folder->path, name);
}

/* As store_folder_open, but that SUPER may be missing. */
static int open_folder(struct store_folder *folder, const char *path, const struct base_env *env, struct pcct_error *err)
{
    const size_t length = strlen(path);
    int status = 0;

    *folder = (struct store_folder){env, env, NULL, -1, -1, -1, {0}, 1};
    TRY(base_take(&folder->path, env, length + 1, 1, err));
    memcpy(folder->path, path, length + 1);
    folder->top = base_os_open(env->os, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (folder->top < 0) TRY(base_fail_errno(err, errno, "cannot open %s", path));
    TRY(open_part(&folder->journal, folder, "journal", err));
    TRY(open_part(&folder->data, folder, "data", err));
done:
    return status;
}

/* ---- what SUPER told ---------------------------------------------------------------------------------------------------------------------- */

static int look_for_uuid(void *ctx, const char *name)
{
    struct store_folder *folder = ctx;
    char expected[STORE_FILE_NAME_BYTES];
    uint64_t number = 0;

    if (sscanf(name, "J%" SCNx64, &number) != 1) return 0;
    store_segment_name(expected, number);
    return strcmp(name, expected) == 0 && store_segment_uuid(folder->uuid, folder, number);
}

static int look_into_anchor(void *ctx, uint64_t version, struct pcct_error *err)
{
    struct salvaging *s = ctx;
    const struct store_folder *folder = &s->folder;
    struct base_vector head = {.item_bytes = 1}, table = {.item_bytes = sizeof(uint64_t)};
    struct store_anchor anchor;
    char name[STORE_FILE_NAME_BYTES];
    uint64_t bytes = 0;
    int status, fd = -1, found = 0;

    store_anchor_name(name, version);
    status = store_file_open(&fd, &bytes, folder, folder->data, "data/", name, O_RDONLY, err);
    if (status == 0) status = store_anchor_read(&anchor, &head, &table, folder, fd, bytes, version, err);
    if (status == 0 && head.count >= IMAGE_LEAST_BYTES) {
        const uint8_t *image = head.memory.data;

        s->super->metric = store_get32(image, IMAGE_METRIC);
        s->super->dim = store_get32(image, IMAGE_DIM);
        s->super->seed = store_get64(image, IMAGE_SEED);
        found = s->super->metric != METRIC_CUSTOM; /* its name was in SUPER alone */
    }
    base_vector_free(&head, folder->env);
    base_vector_free(&table, folder->env);
    if (fd >= 0) base_os_close(folder->env->os, fd);
    return status == PCCT_E_MEMORY ? status : found;
}

/* What was given stands in s->super; what is found goes before it. */
static int find_super(struct salvaging *s, struct pcct_error *err)
{
    const struct store_super given = *s->super;
    struct pcct_error cause = {0, ""};
    unsigned damaged = 0;
    int status = store_super_read(s->super, &damaged, &s->folder, &cause);

    if (status == 0) {
        memcpy(s->folder.uuid, s->super->uuid, sizeof(s->folder.uuid));
        if (damaged) store_scan_report(&s->scan, 1, "%s/SUPER is damaged: one of its copies; the other is in use", s->folder.path);
        return 0;
    }
    if (status == PCCT_E_FORMAT || status == PCCT_E_MEMORY || status == PCCT_E_PERMISSION) return base_fail(err, status, "%s", cause.message);
    store_scan_report(&s->scan, 1, "%s", cause.message);
    *s->super = given;
    if (base_os_list(s->folder.env->os, s->folder.journal, look_for_uuid, &s->folder) != 1)
        return base_fail(err, PCCT_E_DAMAGED, "nothing is left of %s: neither SUPER nor a segment of the journal is sound", s->folder.path);
    status = store_scan_anchors(&s->scan, look_into_anchor, s, err);
    if (status < 0) return status;
    if (status != 1) *s->super = given;
    memcpy(s->super->uuid, s->folder.uuid, sizeof(s->super->uuid));
    if (s->super->dim > 0) return 0;
    return base_fail(err, PCCT_E_DAMAGED, "neither SUPER nor an anchor of %s tells its dimension and metric; give them", s->folder.path);
}

/* ---- what is whole ------------------------------------------------------------------------------------------------------------------------ */

static int look_at_anchor(void *ctx, uint64_t version, struct pcct_error *err)
{
    struct salvaging *s = ctx;
    struct store_found *found = store_scan_find(&s->scan, version);
    int status = 0, sound = 0;

    if (!found) return 0;
    status = store_scan_anchor(&sound, &s->scan, found, err);
    found->anchor_sound = (uint8_t)sound;
    return status;
}

/* Ascending, so what a version rests on comes before it. */
static int tell_sound(struct salvaging *s, struct pcct_error *err)
{
    struct store_found *found = s->scan.found.memory.data;
    uint64_t *place = NULL;
    int status = 0;

    s->salvage->newest = s->scan.base_next > 0 ? s->scan.base_next - 1 : 0;
    for (size_t i = 0; i < s->scan.found.count; i++) {
        const struct store_version *v = &found[i].record.version;
        const struct store_found *parent = store_scan_find(&s->scan, v->state_parent);

        found[i].sound = found[i].anchor_sound || (found[i].frame_sound && (v->state_parent == 0 || (parent && parent->sound)));
        if (v->version > s->salvage->newest) s->salvage->newest = v->version;
        if (v->flags & STORE_PRUNED) continue;
        s->salvage->versions++;
        if (!found[i].sound) continue;
        TRY(base_vector_add(&place, &s->salvage->sound, s->folder.env, 1, err));
        *place = v->version;
    }
done:
    return status;
}

static int survey(struct salvaging *s, struct pcct_error *err)
{
    int status = 0;

    TRY(find_super(s, err));
    TRY(store_unsynced_look(&s->mark, &s->folder, err));
    s->scan.unsynced = &s->mark;
    s->scan.progress = s->salvage->progress;
    TRY(store_scan_journal(&s->scan, NULL, err));
    TRY(store_scan_anchors(&s->scan, look_at_anchor, s, err));
    TRY(tell_sound(s, err));
done:
    return status;
}

/* ---- a store of it ------------------------------------------------------------------------------------------------------------------------ */

/* The catalogue is made and opened by the scratch folder's name; afterwards files are named by the damaged store's. */
static int open_store(struct store **store, struct salvaging *s, const char *scratch, struct pcct_error *err)
{
    const struct base_env *env = s->folder.env;
    struct store_folder damaged = s->folder;
    char *path = NULL;
    struct store *made = NULL;
    int status = 0, top;

    TRY(store_new(&made, env, err));
    made->super = *s->super;
    TRY(base_take(&path, env, strlen(scratch) + 1, 1, err));
    memcpy(path, scratch, strlen(scratch) + 1);
    top = base_os_open(env->os, AT_FDCWD, scratch, O_RDONLY | O_DIRECTORY, 0);
    if (top < 0) TRY(base_fail_errno(err, errno, "cannot open %s", scratch));
    made->folder = s->folder; /* its descriptors are the store's from here on */
    made->folder.top = top;
    made->folder.path = path;
    made->folder.immutable = 0;
    s->folder.journal = s->folder.data = -1;
    s->scan.folder = &made->folder;
    s->scan.report = NULL; /* the damage has been told */
    s->scan.progress = NULL;
    status = store_rebuild(&s->scan, &(struct store_rebuilding){0, 0, 0}, err);
    made->folder.immutable = 1;
    if (status == 0) status = store_catalogue_open(&made->catalogue, &made->folder, STORE_CATALOGUE_NAME, 0, err);
    s->scan.folder = &s->folder;
    made->folder.path = damaged.path;
    s->folder.path = path;
    path = NULL;
done:
    base_free(env, path);
    if (status == 0) *store = made;
    else store_close(made);
    return status;
}

int store_salvage_begin(struct store **store, struct store_salvage *salvage, struct store_super *super, const char *path, const char *scratch,
                        const struct base_env *env, struct pcct_error *err)
{
    struct salvaging s = {.salvage = salvage, .super = super};
    int status = 0;

    *store = NULL;
    salvage->sound = (struct base_vector){.item_bytes = sizeof(uint64_t)};
    salvage->newest = salvage->versions = 0;
    store_scan_init(&s.scan, &s.folder);
    s.scan.report = salvage->report;
    s.scan.ctx = salvage->ctx;
    TRY(open_folder(&s.folder, path, env, err));
    TRY(survey(&s, err));
    TRY(open_store(store, &s, scratch, err));
done:
    store_scan_free(&s.scan);
    store_folder_close(&s.folder);
    return status;
}

void store_salvage_end(struct store *store, struct store_salvage *salvage, const char *scratch, const struct base_env *env)
{
    struct store_folder folder = {.env = env};

    store_close(store);
    base_vector_free(&salvage->sound, env);
    folder.top = base_os_open(env->os, AT_FDCWD, scratch, O_RDONLY | O_DIRECTORY, 0);
    if (folder.top < 0) return;
    store_catalogue_remove(&folder, STORE_CATALOGUE_NAME);
    base_os_close(env->os, folder.top);
}
