/* SPDX-License-Identifier: Apache-2.0 */
#include "plant.h"

#include <pcct/pcct.h>

enum { PAGE = 4096, META_BYTES = 2 * PAGE, MAIN_ROOT_AT = 8 + 48 + 40 };

enum role { OTHER, JOURNAL, CATALOGUE, ANCHOR, FOLDER };

struct roles {
    struct {
        uint64_t node;
        enum role role;
    } *of;
    size_t n, capacity;
};

static int begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static enum role role_by_name(const struct op *op)
{
    size_t n = strlen(op->name);

    if (op->head.flags & OP_FOLDER) return FOLDER;
    if (n > 5 && strcmp(op->name + n - 5, "-lock") == 0) return OTHER;
    if (begins(op->name, "catalogue.mdb")) return CATALOGUE;
    if (begins(op->name, "J0")) return JOURNAL;
    return begins(op->name, "A0") || begins(op->name, "P0") ? ANCHOR : OTHER;
}

/* The role of the node that a call is about; to be asked of the calls in their order. */
static enum role role_of(struct roles *roles, const struct op *op)
{
    if (op->head.kind == OP_ROOT || op->head.kind == OP_MAKE) {
        roles->of = grown(roles->of, &roles->capacity, roles->n + 1, sizeof *roles->of);
        roles->of[roles->n].node = op->head.kind == OP_ROOT ? op->head.node : op->head.other;
        roles->of[roles->n++].role = op->head.kind == OP_ROOT ? FOLDER : role_by_name(op);
    }
    if (op->head.kind == OP_MAKE) return role_by_name(op);
    if (op->head.kind == OP_RENAME) return role_by_name(op); /* belongs to what is renamed, not to the folder */
    for (size_t i = roles->n; i-- > 0;) {
        if (roles->of[i].node == op->head.node) return roles->of[i].role;
    }
    return OTHER;
}

/* The store has been made: mistakes come after that, where they are rarer. */
static int is_made(const struct op *op)
{
    return op->head.kind == OP_MARK && op->head.flags & OP_DONE;
}

/* Calls each(role, op) on all of them; those for which it is 0 are left out. */
static void filter(struct oplog *log, int (*each)(enum role role, struct op *op))
{
    struct roles roles = { NULL, 0, 0 };
    size_t kept = 0;
    int made = 0;

    for (size_t i = 0; i < log->n; i++) {
        struct op op = log->op[i];
        enum role role = role_of(&roles, &op);

        made |= is_made(&op);
        if (!made || each(role, &op)) log->op[kept++] = op;
    }
    log->n = kept;
    free(roles.of);
}

static int no_journal_sync(enum role role, struct op *op)
{
    return !(role == JOURNAL && op->head.kind == OP_SYNC);
}

static int no_catalogue_sync(enum role role, struct op *op)
{
    if (role == CATALOGUE) op->head.flags &= ~(uint32_t)OP_SYNCHRONOUS;
    return !(role == CATALOGUE && op->head.kind == OP_SYNC);
}

static int no_meta_sync(enum role role, struct op *op)
{
    if (role == CATALOGUE) op->head.flags &= ~(uint32_t)OP_SYNCHRONOUS;
    return 1;
}

static int no_anchor_sync(enum role role, struct op *op)
{
    return !(role == ANCHOR && op->head.kind == OP_SYNC);
}

static int no_folder_sync(enum role role, struct op *op)
{
    return !(role == FOLDER && op->head.kind == OP_SYNC);
}

static void journal_not_synced(struct oplog *log) { filter(log, no_journal_sync); }
static void catalogue_not_synced(struct oplog *log) { filter(log, no_catalogue_sync); }
static void meta_not_synced(struct oplog *log) { filter(log, no_meta_sync); }
static void anchor_not_synced(struct oplog *log) { filter(log, no_anchor_sync); }
static void folder_not_synced(struct oplog *log) { filter(log, no_folder_sync); }

/* Within each step the calls about files of one role come last. */
static void last_of_step(struct oplog *log, enum role late)
{
    struct roles roles = { NULL, 0, 0 };
    struct op *held = calloc(log->n, sizeof *held);
    size_t kept = 0, n_held = 0;
    int made = 0;

    NEED(held, "memory");
    for (size_t i = 0; i < log->n; i++) {
        struct op op = log->op[i];

        if (op.head.kind == OP_MARK) {
            memcpy(log->op + kept, held, n_held * sizeof op);
            kept += n_held;
            n_held = 0;
        }
        made |= is_made(&op);
        if (role_of(&roles, &op) == late && made) held[n_held++] = op;
        else log->op[kept++] = op;
    }
    memcpy(log->op + kept, held, n_held * sizeof *held);
    free(held);
    free(roles.of);
}

static void catalogue_before_journal(struct oplog *log) { last_of_step(log, JOURNAL); }
static void anchor_listed_first(struct oplog *log) { last_of_step(log, ANCHOR); }

static int is_sweeping(const struct op *op)
{
    return op->head.kind == OP_REMOVE && (begins(op->name, "J0") || begins(op->name, "A0") || begins(op->name, "P0"));
}

/* Within each step segments and anchors are removed before all else. */
static void swept_first(struct oplog *log)
{
    struct op *moved = calloc(log->n, sizeof *moved);
    size_t step = 0, n = 0; /* where the step's calls begin in moved */
    int made = 0;

    NEED(moved, "memory");
    for (size_t i = 0; i < log->n; i++) {
        const struct op op = log->op[i];

        made |= is_made(&op);
        if (made && is_sweeping(&op)) {
            memmove(moved + step + 1, moved + step, (n - step) * sizeof op);
            moved[step] = op;
            n++;
        } else moved[n++] = op;
        if (op.head.kind == OP_MARK) step = n;
    }
    memcpy(log->op, moved, n * sizeof *moved);
    free(moved);
}

/* ---- early reuse -------------------------------------------------------------------------------------------------------------------------- */

/* The write of LMDB's meta page: *root is the page at which the tables begin from then on. */
static int meta_root(uint64_t *root, enum role role, const struct op *op)
{
    if (role != CATALOGUE || op->head.kind != OP_WRITE || op->head.at >= META_BYTES || op->head.data_bytes < MAIN_ROOT_AT + 8) return 0;
    if (op->head.data_bytes >= PAGE) return 0; /* both pages, when the file is made */
    memcpy(root, op->data + MAIN_ROOT_AT, 8);
    return 1;
}

static const struct op *write_of_page(const struct oplog *log, size_t from, size_t to, uint64_t page)
{
    const struct op *found = NULL;

    for (size_t i = from; i < to; i++) {
        const struct op_head *head = &log->op[i].head;

        if (head->kind != OP_WRITE || head->at > page * PAGE || head->at + head->data_bytes < (page + 1) * PAGE) continue;
        found = &log->op[i];
    }
    return found;
}

/* A transaction writes its new root also over the one that it replaces and frees, before it is the newest one: at the flush before its meta page. */
static void early_reuse(struct oplog *log)
{
    struct roles roles = { NULL, 0, 0 };
    struct oplog out = { NULL, 0, 0, log->file, log->bytes };
    size_t flush = 0, before = 0; /* of the transaction under way; where its calls begin */
    int made = 0;
    uint64_t old = 0, root = 0;

    for (size_t i = 0; i < log->n; i++) {
        const struct op *source = NULL;
        enum role role = role_of(&roles, &log->op[i]);

        made |= is_made(&log->op[i]);
        out.op = grown(out.op, &out.capacity, out.n + 2, sizeof *out.op);
        if (role == CATALOGUE && log->op[i].head.kind == OP_SYNC) flush = out.n;
        out.op[out.n++] = log->op[i];
        if (!meta_root(&root, role, &log->op[i])) continue;
        if (made && old != 0 && old != root && flush > before) source = write_of_page(&out, before, out.n, root);
        if (source) {
            struct op copy = *source;

            copy.data += root * PAGE - source->head.at;
            copy.head.at = old * PAGE;
            copy.head.data_bytes = PAGE;
            memmove(out.op + flush + 1, out.op + flush, (out.n - flush) * sizeof copy);
            out.op[flush] = copy;
            out.n++;
        }
        old = root;
        before = out.n;
    }
    free(log->op);
    free(roles.of);
    *log = out;
}

enum { FULL = 1 << PCCT_DURABLE_FULL, WAL = 1 << PCCT_DURABLE_WAL, NONE = 1 << PCCT_DURABLE_NONE };

const struct plant plants[] = {
    { "journal-not-synced", "fdatasync of the journal is left out", journal_not_synced, 0, FULL | WAL },
    { "catalogue-not-synced", "LMDB writes without any flush (MDB_NOSYNC)", catalogue_not_synced, 0, FULL },
    { "meta-not-synced", "LMDB's meta page is not flushed (MDB_NOMETASYNC)", meta_not_synced, 0, FULL },
    { "anchor-not-synced", "an anchor is listed without having been flushed", anchor_not_synced, 1, FULL },
    { "folder-not-synced", "folders are not flushed after a file was made or renamed", folder_not_synced, 1, FULL | NONE },
    { "catalogue-first", "LMDB commits before the journal is written", catalogue_before_journal, 0, FULL },
    { "anchor-listed-first", "an anchor is listed before it is written", anchor_listed_first, 0, FULL },
    { "swept-first", "a pruning removes files before the catalogue says so", swept_first, 0, FULL | NONE },
    { "early-reuse", "a page of the catalogue is written again before the transaction that frees it is on the disk", early_reuse, 0, FULL },
};
const size_t plant_count = sizeof plants / sizeof plants[0];

size_t plant_told(const struct oplog *log, size_t from)
{
    struct roles roles = { NULL, 0, 0 };
    size_t at = from;

    for (size_t i = 0; i < log->n; i++) {
        const enum role role = role_of(&roles, &log->op[i]);

        at = i;
        if (i >= from && role == CATALOGUE && log->op[i].head.kind == OP_WRITE) break;
    }
    free(roles.of);
    return at;
}
