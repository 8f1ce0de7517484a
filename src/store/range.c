/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <assert.h>
#include <inttypes.h>

/* What leads to a version. */
enum { BEHIND_TO = 1, BEHIND_FROM = 2 };

struct walk {
    struct store_txn txn;
    uint8_t *mark;
    uint64_t open; /* versions below the one at hand that only BEHIND_TO leads to */
};

static void reach(struct walk *w, uint64_t version, uint8_t by)
{
    uint8_t *mark = &w->mark[version];

    if (version == 0) return;
    if (*mark != BEHIND_TO && (*mark | by) == BEHIND_TO) w->open++;
    if (*mark == BEHIND_TO && (*mark | by) != BEHIND_TO) w->open--;
    *mark |= by;
}

static int gone(struct pcct_error *err, uint64_t version)
{
    return base_fail(err, PCCT_E_NOT_FOUND, "v%" PRIu64 " is needed for the range and was pruned; begin the range at a version behind it, or copy "
                     "the store with `pcct backup`", version);
}

/* Parents and state parents are older than their children: when a version's turn comes, all that leads to it is known. */
static int go(struct base_vector *versions, struct walk *w, uint64_t newest, const struct base_env *env, struct pcct_error *err)
{
    struct store_version *item = NULL;
    int status = 0;

    for (uint64_t v = newest; v > 0 && w->open > 0; v--) {
        const int wanted = w->mark[v] == BEHIND_TO;
        struct store_record record;

        if (w->mark[v] == 0) continue;
        w->open -= (uint64_t)wanted;
        status = store_record_get(&record, NULL, &w->txn, v, err);
        if (status == PCCT_E_NOT_FOUND && !wanted) { /* nothing is known to be behind it */
            status = 0;
            continue;
        }
        if (status == PCCT_E_NOT_FOUND || (status == 0 && wanted && record.version.flags & STORE_DROPPED)) TRY(gone(err, v));
        TRY(status);
        reach(w, record.version.parent, w->mark[v]);
        reach(w, record.version.state_parent, w->mark[v]);
        if (!wanted) continue;
        TRY(base_vector_add(&item, versions, env, 1, err));
        *item = record.version;
    }
    base_vector_reverse(versions);
done:
    return status;
}

int store_range(struct base_vector *versions, struct store *store, uint64_t from, const uint64_t *to, size_t n, struct pcct_error *err)
{
    struct walk w = {.mark = NULL};
    struct store_state state;
    int status = 0;

    assert(versions->item_bytes == sizeof(struct store_version));
    versions->count = 0;
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&w.txn, store->catalogue, &store->folder, 0, err));
    TRY(store_txn_walk(&w.txn, err));
    TRY(store_state_get(&state, &w.txn, err));
    TRY(base_take_zero(&w.mark, store->folder.env, state.next_version, 1, err));
    for (size_t i = 0; i < n; i++) {
        assert(to[i] < state.next_version);
        reach(&w, to[i], BEHIND_TO);
    }
    assert(from < state.next_version);
    reach(&w, from, BEHIND_FROM);
    TRY(go(versions, &w, state.next_version - 1, store->folder.env, err));
done:
    store_txn_abort(&w.txn);
    base_free(store->folder.env, w.mark);
    return status;
}
