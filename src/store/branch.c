/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A name must not read as another kind of revision: v17, an ancestor, a range; nor as an option. */
static int name_fits(const char *name)
{
    size_t length = strlen(name);

    if (length < 1 || length >= STORE_NAME_BYTES || strspn(name, "-./") > 0 || name[length - 1] == '/' || strstr(name, "..")) return 0;
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("._-/", name[i])) return 0;
    }
    if (name[0] == 'v' && length > 1 && strspn(name + 1, "0123456789") == length - 1) return 0;
    return 1;
}

/* Such a name would hide the version whose identity begins so. Only new ones are held to it: one that is there can be moved and deleted. */
static int is_identity(const char *name)
{
    size_t length = strlen(name);

    return length >= STORE_DIGITS_LEAST && length <= STORE_DIGITS_MOST && strspn(name, "0123456789abcdefABCDEF") == length;
}

static int is_tag(enum store_operation operation)
{
    return operation == STORE_TAG_MADE || operation == STORE_TAG_DELETED;
}

/* That the change can be made to what is there. *before: where the ref stands. */
static int check(uint64_t *before, struct store_txn *txn, const struct store_ref_change *change, struct pcct_error *err)
{
    const int makes = change->operation == STORE_BRANCH_MADE || change->operation == STORE_TAG_MADE;
    const char *kind = is_tag(change->operation) ? "tag" : "branch";
    struct store_record record;
    struct store_ref ref = {.version = 0};
    int status = 0, found = 0;

    *before = 0;
    if (!name_fits(change->name) || (makes && is_identity(change->name))) {
        return base_fail(err, PCCT_E_INVALID,
                         "\"%.64s\" cannot be the name of a %s: 1 to %d of letters, digits and . _ - /, not like v17 or an identity "
                         "(%d or more hex digits)", change->name, kind, STORE_NAME_BYTES - 1, STORE_DIGITS_LEAST);
    }
    TRY(store_ref_get(&found, &ref, txn, change->name, err));
    if (makes && found) {
        return base_fail(err, PCCT_E_EXISTS, "there is a %s \"%s\" already, at v%" PRIu64, ref.kind == STORE_TAG ? "tag" : "branch", change->name,
                         ref.version);
    }
    if (!makes && !found) return base_fail(err, PCCT_E_NOT_FOUND, "there is no %s \"%s\"", kind, change->name);
    if (!makes && (ref.kind == STORE_TAG) != is_tag(change->operation)) {
        return base_fail(err, PCCT_E_INVALID, "\"%s\" is a %s, not a %s", change->name, ref.kind == STORE_TAG ? "tag" : "branch", kind);
    }
    if (change->operation == STORE_BRANCH_DELETED && strcmp(change->name, "main") == 0)
        return base_fail(err, PCCT_E_INVALID, "branch main stays: every store has it");
    if (!makes && change->expect != UINT64_MAX && change->expect != ref.version) {
        return base_fail(err, PCCT_E_CONFLICT, "%s %s stands at v%" PRIu64 ", not at v%" PRIu64 " as expected; look at the log and try again", kind,
                         change->name, ref.version, change->expect);
    }
    if (makes || change->operation == STORE_BRANCH_MOVED) {
        if (change->version != 0) TRY(store_record_get(&record, NULL, txn, change->version, err));
    }
    *before = ref.version;
done:
    return status;
}

struct changing {
    const struct store_ref_change *change;
    const struct store_record *record;
};

static int put_change(void *ctx, struct store_txn *txn, struct store_state *after, struct pcct_error *err)
{
    const struct changing *c = ctx;
    uint64_t before = 0;
    int status = 0;

    (void)after;
    TRY(check(&before, txn, c->change, err));
    TRY(store_ref_redo(txn, c->record, err));
done:
    return status;
}

int store_ref_change(uint64_t *before, struct store *store, const struct store_ref_change *change, struct pcct_error *err)
{
    struct store_record record = {.operation = change->operation};
    struct changing changing = {change, &record};
    struct store_txn txn = {0};
    struct store_state state;
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_state_get(&state, &txn, err));
    TRY(check(&record.version.parent, &txn, change, err));
    store_txn_abort(&txn);
    snprintf(record.ref, sizeof(record.ref), "%s", change->name);
    record.version.version = state.next_version - 1;
    if (change->operation != STORE_BRANCH_DELETED && change->operation != STORE_TAG_DELETED) record.version.state_parent = change->version;
    TRY(store_write(&(struct store_writing){&record, &state, "", "", 0, put_change, &changing}, store, err));
    if (before) *before = record.version.parent;
done:
    store_txn_abort(&txn);
    return status;
}
