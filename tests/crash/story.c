/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include "guest.h"
#include "together.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    DIM = STORY_DIM, ADDED = 10, GONE = 4, BIG = 2400, LAST_BIG = 34, FIRST_OF_BIG = 1000000, FIRST_OF_BASE = 2000000, BASE = 4200, KEPT = 5,
    OPEN_THREADS = 1
};

/* Doing one thing after the other; the first that fails ends it. */
#define TRY(call)                  \
    do {                           \
        status = (call);           \
        if (status != 0) goto done; \
    } while (0)

static int writer_durability = PCCT_DURABLE_FULL;

int story_open(pcct_store **store, const char *path, struct pcct_error *err)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;

    options.threads = OPEN_THREADS;
    options.durability = writer_durability;
    return pcct_store_open(store, path, &options, err);
}

int story_create(const char *path, struct pcct_error *err)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;

    options.dim = DIM;
    options.seed = 5;
    return pcct_store_create(path, &options, err);
}

/* What a step does. Names of branches and tags tell the step that made them. */
enum deed { COMMIT, APPLY, REBUILD, BRANCH, RESTORE, RESET, UNBRANCH, TAG, UNTAG, PRUNE };

static enum deed deed_of(uint64_t step)
{
    switch (step % 16) {
    case 3: return APPLY;
    case 5: return BRANCH;
    case 7: return RESTORE;
    case 8: return RESET;
    case 11: return REBUILD;
    case 12: return TAG;
    case 13: return UNBRANCH;
    case 14: return UNTAG;
    case 15: return PRUNE;
    default: return COMMIT;
    }
}

/* A pruning is on the disk before it gives space back; before a rebuilding the store is closed. */
int story_flushes(uint64_t step)
{
    return step == 0 || deed_of(step) == PRUNE || deed_of(step) == REBUILD;
}

static int has_doubles = 1;

void story_of(int durability, int writes)
{
    writer_durability = writes ? durability : PCCT_DURABLE_FULL;
    has_doubles = durability == PCCT_DURABLE_FULL;
}

/* A step that makes two versions, by two threads, which are flushed together. Where the catalogue is not flushed a crash may leave the first of them
 * alone, which is the end of no step: there it makes one. */
int story_is_double(uint64_t step)
{
    return has_doubles && step % 16 == 9;
}

/* A pruning leaves what another process has in use. */
int story_is_alone(uint64_t step)
{
    return deed_of(step) == REBUILD || deed_of(step) == PRUNE;
}

int story_applies(uint64_t step)
{
    return deed_of(step) == APPLY;
}

int story_is_commit(uint64_t step)
{
    return deed_of(step) == COMMIT;
}

/* On branches of his own in turn with the first; at the same time with a commit to main: to main himself, to a branch of his, to main against two
 * that are flushed together. What has to be alone with the store, a rebuilding, comes when he has closed it. */
enum story_writer story_writer_of(uint64_t step)
{
    if (step > STORY_STEPS) return STORY_FIRST;
    switch (step % 16) {
    case 5:
    case 8: return STORY_OTHER;
    case 1:
    case 7:
    case 10: return step > 1 ? STORY_OTHER_AT_ONCE : STORY_FIRST;
    default: return STORY_FIRST;
    }
}

static uint64_t versions_made(uint64_t step)
{
    uint64_t n = 0;

    for (uint64_t s = 1; s <= step; s++) {
        enum deed deed = deed_of(s);

        n += (uint64_t)(deed == COMMIT || deed == APPLY || deed == RESTORE) + (uint64_t)story_is_double(s);
    }
    return n;
}

/* FNV-1a */
static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return hash;
}

static int add_ref(void *ctx, const struct pcct_ref *ref)
{
    uint64_t *hash = ctx;
    char text[100];

    *hash = add_bytes(*hash, text, (size_t)snprintf(text, sizeof text, "%s %d %" PRIu64, ref->name, ref->kind, ref->version));
    return 0;
}

static int read_history(struct story_outcome *outcome, struct story_history *history, pcct_store *store, struct pcct_error *err)
{
    struct pcct_version version;
    pcct_log *log = NULL;
    int status = 0, more = 0;

    history->n = 0;
    TRY(pcct_log_open(&log, store, "main", err));
    while (history->n < STORY_STEPS + STORY_MORE && (more = pcct_log_next(&version, log, err)) == 1) {
        if (history->n == 0) outcome->head = version.version;
        if (history->n == 0) outcome->live = version.n_live;
        outcome->history = add_bytes(outcome->history, &version.version, sizeof version.version);
        outcome->history = add_bytes(outcome->history, version.identity, sizeof version.identity);
        history->at[history->n].version = version.version;
        memcpy(history->at[history->n++].identity, version.identity, sizeof version.identity);
    }
    if (more < 0) status = more;
done:
    pcct_log_close(log);
    return status;
}

/* `status`, but that it was there (or gone) already. */
static int unless(int code, int status)
{
    return status == code ? 0 : status;
}

static int read_newest(struct story_outcome *outcome, pcct_store *store, uint64_t newest, struct pcct_error *err)
{
    struct pcct_version version;
    pcct_log *log = NULL;
    char revision[32];
    int status = 0, more;

    snprintf(revision, sizeof revision, "v%" PRIu64, newest);
    TRY(pcct_log_open(&log, store, revision, err));
    more = pcct_log_next(&version, log, err);
    if (more < 0) status = more;
    if (more == 1) memcpy(outcome->identity, version.identity, sizeof outcome->identity);
done:
    pcct_log_close(log);
    return unless(PCCT_E_NOT_FOUND, status);
}

int story_outcome(struct story_outcome *outcome, struct story_history *history, pcct_store *store, uint64_t step, struct pcct_error *err)
{
    int status = 0;

    memset(outcome, 0, sizeof *outcome);
    TRY(read_history(outcome, history, store, err));
    TRY(read_newest(outcome, store, versions_made(step), err));
    TRY(pcct_refs_each(store, add_ref, &outcome->refs, err));
done:
    return status;
}

/* The labels that a step takes away: the least ones there are, from the second commit on. Labels ascend from commit to commit. */
static size_t labels_to_go(int64_t gone[GONE], uint64_t step)
{
    uint64_t commits = 0, at = 1;

    for (uint64_t s = 1; s < step; s++) commits += deed_of(s) == COMMIT;
    if (commits == 0) return 0;
    for (uint64_t i = 0; i < GONE; i++) {
        uint64_t place = (commits - 1) * GONE + i, nth = place / ADDED, seen = 0;

        for (at = 1; seen < nth + 1; at++) seen += deed_of(at) == COMMIT;
        gone[i] = (int64_t)((at - 1) * ADDED + place % ADDED);
    }
    return GONE;
}

static int is_big(uint64_t step)
{
    return step % 6 == 4 && step <= LAST_BIG && deed_of(step) == COMMIT;
}

/* The big step whose many points the next commit, which is this one, takes away again; 0: none. */
static uint64_t big_before(uint64_t step)
{
    uint64_t before = step - 1;

    while (before > 0 && deed_of(before) != COMMIT) before--;
    return is_big(before) ? before : 0;
}

static int many(pcct_batch *batch, uint64_t step, int insert, struct pcct_error *err)
{
    static double points[BIG * DIM];
    static int64_t labels[BIG];
    struct random_numbers r = { step };

    for (int i = 0; i < BIG * DIM; i++) points[i] = (double)random_below(&r, 65536) / 64;
    for (int i = 0; i < BIG; i++) labels[i] = FIRST_OF_BIG + (int64_t)step * BIG + i;
    return insert ? pcct_batch_insert(batch, points, BIG, labels, err) : pcct_batch_delete(batch, labels, BIG, err);
}

/* Points that are never taken away: rows that stay, enough of them to be shared between anchors. */
static int insert_base(pcct_batch *batch, struct pcct_error *err)
{
    static double points[BASE * DIM];
    static int64_t labels[BASE];
    struct random_numbers r = { 77 };

    for (int i = 0; i < BASE * DIM; i++) points[i] = (double)random_below(&r, 65536) / 64;
    for (int i = 0; i < BASE; i++) labels[i] = FIRST_OF_BASE + i;
    return pcct_batch_insert(batch, points, BASE, labels, err);
}

/* Ten points more and four less; the first time those that stay. Some commits have many more, which the next one takes away, so that anchors are due,
 * the journal goes on in another segment, and frames begin with a renumbering. Of two versions in a step the second has nothing of its own. */
static int commit(pcct_store *store, uint64_t step, uint64_t seen, struct pcct_error *err)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct random_numbers r = { step };
    double points[ADDED * DIM];
    int64_t labels[ADDED], gone[GONE];
    uint8_t write_id[16] = { 1 };
    char expect[32];
    pcct_batch *batch[2] = { NULL, NULL };
    uint64_t made = 0;
    size_t n_gone = labels_to_go(gone, step);
    int status = 0;

    memcpy(write_id + 8, &step, sizeof step);
    options.write_id = write_id;
    for (int i = 0; i < ADDED * DIM; i++) points[i] = (double)random_below(&r, 4096) / 64;
    for (int i = 0; i < ADDED; i++) labels[i] = (int64_t)step * ADDED + i;
    snprintf(expect, sizeof expect, "v%" PRIu64, seen);
    if (seen) options.expect = expect;
    TRY(pcct_batch_begin(&batch[0], store, "main", &options, err));
    if (step == 1) TRY(insert_base(batch[0], err));
    TRY(pcct_batch_insert(batch[0], points, ADDED, labels, err));
    if (n_gone > 0) TRY(pcct_batch_delete(batch[0], gone, n_gone, err));
    if (is_big(step)) TRY(many(batch[0], step, 1, err));
    if (big_before(step)) TRY(many(batch[0], big_before(step), 0, err));
    TRY(pcct_batch_set(batch[0], "step", "done", err));
    if (story_is_double(step)) {
        write_id[0] = 2;
        options.expect = NULL;
        TRY(pcct_batch_begin(&batch[1], store, "main", &options, err));
        TRY(together(store, batch, 2, err));
    } else {
        TRY(pcct_batch_commit(&made, batch[0], "a step", err));
    }
done:
    pcct_batch_close(batch[0]);
    pcct_batch_close(batch[1]);
    return status;
}

/* What a rebuilding keeps of the old catalogue is removed, as a caller would who sees that all is well. */
static int rebuild(pcct_store **store, const char *path, struct pcct_error *err)
{
    char kept[600];
    struct pcct_fsck_options options = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result result = { .size = sizeof result };
    int status = 0;

    pcct_store_close(*store);
    *store = NULL;
    options.threads = OPEN_THREADS;
    options.rebuild = 1;
    TRY(pcct_fsck(&result, path, &options, err));
    snprintf(kept, sizeof kept, "%s/catalogue.mdb.damaged", path);
    (void)unlinkat(AT_FDCWD, kept, 0);
    TRY(story_open(store, path, err));
done:
    return status;
}

/* A version on a branch of its own that is as another was. */
static int restore(pcct_store *store, uint64_t step, const char *branch, struct pcct_error *err)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    uint8_t write_id[16] = { 1 };
    pcct_batch *batch = NULL;
    uint64_t made = 0;
    int status = 0;

    memcpy(write_id + 8, &step, sizeof step);
    options.write_id = write_id;
    TRY(pcct_batch_begin(&batch, store, branch, &options, err));
    TRY(pcct_batch_restore(batch, "main~2", err));
    TRY(pcct_batch_commit(&made, batch, "as it was", err));
done:
    pcct_batch_close(batch);
    return status;
}

static int prune(pcct_store *store, struct pcct_error *err)
{
    struct pcct_prune_options options = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_prune_result result = { .size = sizeof result };

    options.keep_last = KEPT;
    return pcct_prune(&result, store, &options, err);
}

int story_step(pcct_store **store, const char *path, uint64_t step, uint64_t seen, struct pcct_error *err)
{
    char branch[32], made[32], tag[32];
    int status = 0;

    snprintf(branch, sizeof branch, "branch%" PRIu64, step / 16);
    snprintf(made, sizeof made, "tag%" PRIu64, step);
    snprintf(tag, sizeof tag, "tag%" PRIu64, step - 2);
    switch (deed_of(step)) {
    case APPLY: TRY(guest_apply(*store, path, step, err)); break;
    case REBUILD: TRY(rebuild(store, path, err)); break;
    case BRANCH: TRY(unless(PCCT_E_EXISTS, pcct_branch_create(*store, branch, "main~1", NULL, err))); break;
    case RESTORE: TRY(restore(*store, step, branch, err)); break;
    case RESET: TRY(pcct_branch_reset(NULL, *store, branch, "main", NULL, err)); break;
    case UNBRANCH: TRY(unless(PCCT_E_NOT_FOUND, pcct_branch_delete(*store, branch, NULL, err))); break;
    case TAG: TRY(unless(PCCT_E_EXISTS, pcct_tag_create(*store, made, "main", NULL, err))); break;
    case UNTAG: TRY(unless(PCCT_E_NOT_FOUND, pcct_tag_delete(*store, tag, NULL, err))); break;
    case PRUNE: TRY(prune(*store, err)); break;
    default: TRY(commit(*store, step, seen, err));
    }
done:
    return status;
}
