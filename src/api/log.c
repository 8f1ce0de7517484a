/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include "base/memory.h"

#include <string.h>

struct pcct_log {
    pcct_store *store;             /* borrowed */
    uint64_t next;                 /* version to tell next; 0: no more */
    uint64_t stop;                 /* the version before which it ends; 0: none */
    int all;                       /* by number, over all branches */
    struct base_vector list;       /* struct store_told: read at once */
    size_t told;                   /* of these */
    struct base_vector note;       /* message, keys and values of each */
    struct base_vector key;        /* struct pcct_key_value into note: of the last one told */
};

enum { AT_ONCE = 64 }; /* what it costs to begin to read is then little beside the records */

int pcct_resolve(uint64_t *version, pcct_store *store, const char *revision, struct pcct_error *err)
{
    return store_revision(version, store->store, revision ? revision : "main", err);
}

int pcct_common_ancestor(uint64_t *version, pcct_store *store, const char *a, const char *b, struct pcct_error *err)
{
    uint64_t first = 0, second = 0;
    int status = 0;

    TRY(pcct_resolve(&first, store, a, err));
    TRY(pcct_resolve(&second, store, b, err));
    TRY(store_common_ancestor(version, store->store, first, second, err));
done:
    return status;
}

/* "A..B": where A ends in `text`; NULL when it is one revision. A user key's value may have dots of its own, so the last ones count. */
static const char *range(const char *text)
{
    const char *dots = NULL;

    for (const char *next = text ? strstr(text, "..") : NULL; next; next = strstr(next + 1, "..")) dots = next;
    return dots;
}

static int find_ends(pcct_log *log, const char *revision, struct pcct_error *err)
{
    const char *dots = range(revision);
    char *first = NULL;
    uint64_t from = 0;
    int status = 0;

    if (!dots) return pcct_resolve(&log->next, log->store, revision, err);
    TRY(api_text_copy(&first, &log->store->env, revision, err));
    first[dots - revision] = '\0';
    TRY(pcct_resolve(&from, log->store, *first ? first : NULL, err));
    TRY(pcct_resolve(&log->next, log->store, dots[2] ? dots + 2 : NULL, err));
    TRY(store_common_ancestor(&log->stop, log->store->store, from, log->next, err));
    if (log->next == log->stop) log->next = 0;
done:
    base_free(&log->store->env, first);
    return status;
}

static int open_log(pcct_log **out, pcct_store *store, const char *revision, int all, struct pcct_error *err)
{
    pcct_log *log = NULL;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_log_open needs a place for the handle");
    *out = NULL;
    TRY(base_take_zero(&log, &store->env, 1, sizeof *log, err));
    log->store = store;
    log->list.item_bytes = sizeof(struct store_told);
    log->note.item_bytes = 1;
    log->key.item_bytes = sizeof(struct pcct_key_value);
    log->all = all;
    if (all) log->next = UINT64_MAX;
    else TRY(find_ends(log, revision, err));
    *out = log;
    log = NULL;
done:
    pcct_log_close(log);
    return status;
}

int pcct_log_open(pcct_log **out, pcct_store *store, const char *revision, struct pcct_error *err)
{
    return open_log(out, store, revision, 0, err);
}

int pcct_log_open_all(pcct_log **out, pcct_store *store, struct pcct_error *err)
{
    return open_log(out, store, NULL, 1, err);
}

/* message 0 key 0 value 0 ...: every string ends within the note, which the store has verified and which must end in 0. */
static int read_note(struct pcct_version *out, pcct_log *log, const struct store_told *told, struct pcct_error *err)
{
    const char *text = (const char *)log->note.memory.data + told->note_at, *end = text + told->note_bytes;
    struct pcct_key_value *pair = NULL;
    int status = 0;

    log->key.count = 0;
    if (told->note_bytes == 0 || end[-1] != '\0') {
        TRY(base_fail(err, PCCT_E_DAMAGED, "the note of version v%llu has no end", (unsigned long long)out->version));
    }
    out->message = text;
    text += strlen(text) + 1;
    while (text < end) {
        const char *value = text + strlen(text) + 1;

        if (value >= end) {
            TRY(base_fail(err, PCCT_E_DAMAGED, "the note of version v%llu has a key without a value", (unsigned long long)out->version));
        }
        TRY(base_vector_add(&pair, &log->key, &log->store->env, 1, err));
        *pair = (struct pcct_key_value){ text, value };
        text = value + strlen(value) + 1;
    }
    out->keys = log->key.memory.data;
    out->n_keys = log->key.count;
done:
    return status;
}

int pcct_log_next(struct pcct_version *out, pcct_log *log, struct pcct_error *err)
{
    const struct store_told *told;
    const struct store_version *record;
    int status = 0;

    memset(out, 0, sizeof *out);
    if (log->told == log->list.count) {
        log->told = log->list.count = 0;
        if (log->next == 0) return 0;
        status = store_history(&log->list, &log->note, &log->next, log->store->store, log->stop, log->all, AT_ONCE, err);
        if (status != 0) log->list.count = 0;
        if (log->list.count == 0) return status;
    }
    told = (const struct store_told *)log->list.memory.data + log->told;
    record = &told->version;
    out->version = record->version;
    out->parent = record->kept;
    memcpy(out->identity, record->identity.byte, sizeof out->identity);
    out->time_ns = record->time_ns;
    out->n_live = record->n_live;
    out->inserted = record->inserted;
    out->deleted = record->deleted;
    out->frame_bytes = record->bytes;
    out->state_parent = record->state_parent;
    out->generation = record->generation;
    TRY(read_note(out, log, told, err));
    log->told++;
done:
    return status != 0 ? status : 1;
}

void pcct_log_close(pcct_log *log)
{
    struct base_env env;

    if (!log) return;
    env = log->store->env;
    base_vector_free(&log->list, &env);
    base_vector_free(&log->note, &env);
    base_vector_free(&log->key, &env);
    base_free(&env, log);
}
