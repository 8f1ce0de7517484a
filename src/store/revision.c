/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bytes.h"
#include "store/internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SHOWN = 6, LIST_BYTES = 256, KEY_BYTES = 65, VALUE_BYTES = 4097 };

struct revision {
    const char *text;
    char name[STORE_NAME_BYTES + KEY_BYTES]; /* what stands before ~: a name, or a key */
    char value[VALUE_BYTES];     /* of a user key (key:value); else "" */
    int by_key, by_time;
    int64_t until_ns;            /* by_time: where the branch `name` stood then */
    uint64_t back;               /* the number after ~ */
};

/* Digits only, nothing around them; 0 and errno when they are not or are too many. */
static uint64_t parse_number(const char *text, const char *end)
{
    uint64_t value = 0;

    errno = text == end ? EINVAL : 0;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
            errno = EINVAL;
            return 0;
        }
    }
    return value;
}

static int not_a_revision(struct pcct_error *err, const char *text)
{
    return base_fail(err, PCCT_E_INVALID,
                     "\"%.64s\" is not a revision; give a branch or tag (main), a version (v17), the first digits of an identity, a user key "
                     "(epoch:12) or a time (main@{2026-11-20}), perhaps with ~k for the k-th ancestor",
                     text);
}

/* YYYY-MM-DD, which stands for the end of that day, or that with THH:MM or THH:MM:SS; UTC. */
static int parse_time(int64_t *until_ns, const char *text, size_t length)
{
    struct tm when = {.tm_isdst = 0}, told;
    char copy[32], *end;
    int64_t seconds;

    if (length < 10 || length >= sizeof(copy)) return 0;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (copy[length - 1] == 'Z') copy[--length] = '\0';
    end = strptime(copy, length == 10 ? "%Y-%m-%d" : length == 16 ? "%Y-%m-%dT%H:%M" : "%Y-%m-%dT%H:%M:%S", &when);
    if (!end || *end || when.tm_year < 70 || when.tm_year > 360) return 0;
    told = when;
    seconds = (int64_t)timegm(&when); /* makes 1 March of 30 February */
    if (when.tm_mday != told.tm_mday || when.tm_sec != told.tm_sec) return 0;
    *until_ns = seconds * 1000000000 + (length == 10 ? INT64_C(86400) * 1000000000 - 1 : 0);
    return 1;
}

static int parse_name(struct revision *r, const char *text, size_t length)
{
    const char *colon, *at = memchr(text, '@', length);
    size_t used = length;

    if (at) {
        used = (size_t)(at - text);
        if (length - used < 3 || at[1] != '{' || text[length - 1] != '}' || !parse_time(&r->until_ns, at + 2, length - used - 3)) return 0;
        r->by_time = 1;
        if (used == 0) return snprintf(r->name, sizeof(r->name), "main") > 0;
    }
    colon = memchr(text, ':', used);
    if (colon) {
        size_t value = length - (size_t)(colon + 1 - text);

        used = (size_t)(colon - text);
        if (at || used >= KEY_BYTES || value >= VALUE_BYTES) return 0;
        r->by_key = 1;
        memcpy(r->value, colon + 1, value);
    }
    if (used == 0 || used >= STORE_NAME_BYTES + (r->by_key ? KEY_BYTES - STORE_NAME_BYTES : 0)) return 0;
    for (size_t i = 0; i < used; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr("._-/", text[i])) return 0;
    }
    memcpy(r->name, text, used);
    return !strstr(r->name, ".."); /* a range is no revision */
}

static int parse(struct revision *r, const char *text, struct pcct_error *err)
{
    const char *tilde = strrchr(text, '~');
    size_t length = tilde ? (size_t)(tilde - text) : strlen(text);

    memset(r, 0, sizeof(*r));
    r->text = text;
    if (tilde) {
        r->back = parse_number(tilde + 1, text + strlen(text));
        if (errno != 0) return not_a_revision(err, text);
    }
    return parse_name(r, text, length) ? 0 : not_a_revision(err, text);
}

/* ---- identities --------------------------------------------------------------------------------------------------------------------------- */

struct search {
    uint8_t prefix[16];
    size_t digits;
    uint64_t version[SHOWN];
    struct base_hash128 identity[SHOWN];
    size_t matches;
};

/* 0 when the name is no prefix of an identity. */
static int parse_identity(struct search *search, const char *name)
{
    size_t length = strlen(name);

    memset(search, 0, sizeof(*search));
    if (length < STORE_DIGITS_LEAST || length > STORE_DIGITS_MOST) return 0;
    for (size_t i = 0; i < length; i++) {
        int c = tolower((unsigned char)name[i]);
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0) return 0;
        search->prefix[i / 2] = (uint8_t)(search->prefix[i / 2] | digit << (i % 2 ? 0 : 4));
    }
    search->digits = length;
    return 1;
}

static int match(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct search *s = ctx;

    (void)bytes;
    if (key_bytes != 24 || !value)
        return base_fail(err, PCCT_E_DAMAGED, STORE_CATALOGUE_NAME " is damaged: an identity; `pcct fsck --rebuild-catalogue` makes it anew");
    if (memcmp(key, s->prefix, s->digits / 2) != 0) return 1;
    if (s->digits % 2 && (key[s->digits / 2] ^ s->prefix[s->digits / 2]) & 0xf0) return 1;
    if (s->matches < SHOWN) {
        s->version[s->matches] = store_get_key(key + 16);
        memcpy(s->identity[s->matches].byte, key, 16);
    }
    s->matches++;
    return s->matches > SHOWN;
}

static int find_identity(int *found, uint64_t *version, struct store_txn *txn, struct search *search, const char *name, struct pcct_error *err)
{
    char list[LIST_BYTES] = "";
    size_t length = 0;
    int status = 0;

    *found = 0;
    TRY(store_txn_each(txn, STORE_IDENTITIES, search->prefix, sizeof(search->prefix), match, search, err));
    if (search->matches == 0) return 0;
    if (search->matches == 1) {
        *found = 1;
        *version = search->version[0];
        return 0;
    }
    for (size_t i = 0; i < search->matches && i < SHOWN; i++) {
        length += (size_t)snprintf(list + length, sizeof(list) - length, "%sv%" PRIu64 " (", i ? ", " : "", search->version[i]);
        for (size_t j = 0; j < 6; j++) length += (size_t)snprintf(list + length, sizeof(list) - length, "%02x", search->identity[i].byte[j]);
        length += (size_t)snprintf(list + length, sizeof(list) - length, ")");
    }
    status = base_fail(err, PCCT_E_AMBIGUOUS, "%s fits several versions: %s%s; give more digits, or the number", name, list,
                       search->matches > SHOWN ? ", ..." : "");
done:
    return status;
}

/* ---- names -------------------------------------------------------------------------------------------------------------------------------- */

struct names {
    char list[LIST_BYTES];
    size_t length;
};

static int add_name(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct names *names = ctx;

    (void)value;
    (void)bytes;
    (void)err;
    if (names->length + key_bytes + 3 > sizeof(names->list)) return 1;
    names->length += (size_t)snprintf(names->list + names->length, sizeof(names->list) - names->length, "%s%.*s", names->length ? ", " : "",
                                      (int)key_bytes, (const char *)key);
    return 0;
}

static int nothing_found(struct store_txn *txn, const char *name, struct pcct_error *err)
{
    struct names names = {"", 0};
    int status = 0;

    TRY(store_txn_each(txn, STORE_REFS, NULL, 0, add_name, &names, err));
    status = base_fail(err, PCCT_E_NOT_FOUND,
                       "there is no branch, tag or version \"%s\"; branches and tags: %s; versions are written v17 or by at least %d digits of "
                       "their identity",
                       name, names.list, STORE_DIGITS_LEAST);
done:
    return status;
}

/* ---- user keys and times ------------------------------------------------------------------------------------------------------------------ */

/* Whether a note has the key with this value: message, 0, then key, 0, value, 0, ... */
static int note_has(const uint8_t *note, uint64_t bytes, const char *key, const char *value)
{
    const char *text = (const char *)note, *end = text + bytes;

    if (bytes == 0 || end[-1] != '\0') return 0;
    for (text += strlen(text) + 1; text < end;) {
        const char *here = text;

        text += strlen(text) + 1;
        if (text >= end) return 0;
        if (strcmp(here, key) == 0 && strcmp(text, value) == 0) return 1;
        text += strlen(text) + 1;
    }
    return 0;
}

struct key_search {
    const struct revision *r;
    uint64_t version; /* the newest so far; 0: none */
};

static int match_key(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct key_search *s = ctx;
    struct store_record record;

    (void)key;
    (void)key_bytes;
    (void)err;
    /* a damaged record is no match; fsck tells of it */
    if (!value || store_record_decode(&record, value, bytes)) return 0;
    if (record.version.flags & STORE_PRUNED) return 0;
    if (note_has(value + STORE_RECORD_BYTES, record.note_bytes, s->r->name, s->r->value)) s->version = record.version.version;
    return 0;
}

static int find_key(uint64_t *version, struct store_txn *txn, const struct revision *r, struct pcct_error *err)
{
    struct key_search search = {r, 0};
    int status = 0;

    TRY(store_txn_each(txn, STORE_VERSIONS, NULL, 0, match_key, &search, err));
    *version = search.version;
    if (search.version == 0) status = base_fail(err, PCCT_E_NOT_FOUND, "no version has the user key %s with the value \"%.64s\"", r->name, r->value);
done:
    return status;
}

struct time_search {
    const struct revision *r;
    struct store_reflog_entry last; /* of the branch, up to that time */
    int found;
};

static int match_time(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value, size_t bytes, struct pcct_error *err)
{
    struct time_search *s = ctx;
    struct store_reflog_entry entry;

    (void)err;
    if (!store_reflog_decode(&entry, key, key_bytes, value, bytes) || strcmp(entry.name, s->r->name) != 0 || entry.time_ns > s->r->until_ns) return 0;
    s->last = entry;
    s->found = 1;
    return 0;
}

static int find_time(uint64_t *version, struct store_txn *txn, const struct revision *r, struct pcct_error *err)
{
    struct time_search search = {.r = r};
    int status = 0;

    TRY(store_txn_each(txn, STORE_REFLOG, NULL, 0, match_time, &search, err));
    if (!search.found || search.last.operation == STORE_BRANCH_DELETED || search.last.operation == STORE_TAG_DELETED)
        return base_fail(err, PCCT_E_NOT_FOUND, "%s: the reflog tells of nothing that %s stood at then", r->text, r->name);
    *version = search.last.after;
done:
    return status;
}

/* ---- ancestors ---------------------------------------------------------------------------------------------------------------------------- */

static int find_name(uint64_t *version, struct store_txn *txn, const char *name, struct pcct_error *err)
{
    struct store_ref ref;
    struct search search;
    uint64_t number;
    int status = 0, found = 0;

    TRY(store_ref_get(&found, &ref, txn, name, err));
    if (found) *version = ref.version;
    if (!found && name[0] == 'v') {
        number = parse_number(name + 1, name + strlen(name));
        if (errno == 0) {
            *version = number;
            found = 1;
        }
    }
    if (!found && parse_identity(&search, name)) TRY(find_identity(&found, version, txn, &search, name, err));
    if (!found) status = nothing_found(txn, name, err);
done:
    return status;
}

static int pruned(struct pcct_error *err, uint64_t version)
{
    return base_fail(err, PCCT_E_NOT_FOUND, "v%" PRIu64 " is not there any more: it was pruned", version);
}

/* *generation: of the version found. */
static int find(uint64_t *version, uint64_t *generation, struct store_txn *txn, const struct revision *r, struct pcct_error *err)
{
    struct store_record record;
    int status = 0;

    *generation = 0;
    if (r->by_key) TRY(find_key(version, txn, r, err));
    else if (r->by_time) TRY(find_time(version, txn, r, err));
    else TRY(find_name(version, txn, r->name, err));
    if (*version == 0) return 0;
    TRY(store_record_get(&record, NULL, txn, *version, err));
    if (record.version.flags & STORE_PRUNED) return pruned(err, *version);
    *generation = record.version.generation;
done:
    return status;
}

/* Goes back to the ancestor of generation `target`: by jumps as long as they do not lead past it, so O(log) records are read. A jump whose record is
 * lost is not taken. */
static int go_back(uint64_t *version, struct store_txn *txn, uint64_t generation, uint64_t target, struct pcct_error *err)
{
    struct store_record here, there;
    int status = 0, far;

    while (generation > target) {
        memset(&there, 0, sizeof(there));
        TRY(store_record_get(&here, NULL, txn, *version, err));
        far = here.version.jump != 0 && store_record_get(&there, NULL, txn, here.version.jump, NULL) != 0;
        *version = here.version.jump;
        if (far || there.version.generation < target) {
            memset(&there, 0, sizeof(there));
            *version = here.version.kept;
            if (here.version.kept != 0) TRY(store_record_get(&there, NULL, txn, here.version.kept, err));
        }
        if (there.version.generation < target && here.version.kept != here.version.parent) {
            return base_fail(err, PCCT_E_NOT_FOUND, "the ancestor of v%" PRIu64 " that was asked for is not there any more: it was pruned",
                             here.version.version);
        }
        if (there.version.generation >= generation || there.version.generation < target) {
            status = base_fail(err, PCCT_E_DAMAGED, "%s/" STORE_CATALOGUE_NAME " is damaged: the ancestors of v%" PRIu64 " cannot be; "
                               "`pcct fsck --rebuild-catalogue` makes it anew", txn->folder->path, here.version.version);
            goto done;
        }
        generation = there.version.generation;
    }
done:
    return status;
}

int store_revision(uint64_t *version, struct store *store, const char *text, struct pcct_error *err)
{
    struct revision r;
    struct store_record record;
    struct store_txn txn = {0};
    uint64_t generation = 0, found = 0;
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(parse(&r, text, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(find(&found, &generation, &txn, &r, err));
    if (r.back > generation) {
        status = base_fail(err, PCCT_E_NOT_FOUND, "there is no %s: %.*s is v%" PRIu64 ", which has %" PRIu64 " ancestors down to the empty v0", text,
                           (int)(strrchr(text, '~') - text), text, found, generation);
        goto done;
    }
    TRY(go_back(&found, &txn, generation, generation - r.back, err));
    if (found != 0) TRY(store_record_get(&record, NULL, &txn, found, err));
    if (found != 0 && record.version.flags & STORE_PRUNED) {
        status = pruned(err, found);
        goto done;
    }
    *version = found;
done:
    store_txn_abort(&txn);
    return status;
}

static int same_generation(struct store_txn *txn, uint64_t a, uint64_t b)
{
    struct store_record of_a, of_b;

    return a != 0 && b != 0 && store_record_get(&of_a, NULL, txn, a, NULL) == 0 && store_record_get(&of_b, NULL, txn, b, NULL) == 0 &&
           of_a.version.generation == of_b.version.generation;
}

/* Both go back to one generation, then together, by jumps while these differ: versions of one generation have jumps of one generation, unless records
 * were lost or pruned; then they go step by step. */
static int meet(uint64_t *version, struct store_txn *txn, uint64_t a, uint64_t b, struct pcct_error *err)
{
    struct store_record of_a = {0}, of_b = {0};
    uint64_t least;
    int status = 0, jump;

    if (a != 0) TRY(store_record_get(&of_a, NULL, txn, a, err));
    if (b != 0) TRY(store_record_get(&of_b, NULL, txn, b, err));
    least = of_a.version.generation < of_b.version.generation ? of_a.version.generation : of_b.version.generation;
    TRY(go_back(&a, txn, of_a.version.generation, least, err));
    TRY(go_back(&b, txn, of_b.version.generation, least, err));
    while (a != b) {
        TRY(store_record_get(&of_a, NULL, txn, a, err));
        TRY(store_record_get(&of_b, NULL, txn, b, err));
        jump = of_a.version.jump != of_b.version.jump && same_generation(txn, of_a.version.jump, of_b.version.jump);
        a = jump ? of_a.version.jump : of_a.version.parent;
        b = jump ? of_b.version.jump : of_b.version.parent;
    }
    if (a != 0) TRY(store_record_get(&of_a, NULL, txn, a, err));
    if (a != 0 && of_a.version.flags & STORE_PRUNED) return pruned(err, a);
    *version = a;
done:
    return status;
}

/* Where versions were pruned, generations have gaps: then the newer of the two goes back, to the nearest ancestor that is there. */
static int meet_kept(uint64_t *version, struct store_txn *txn, uint64_t a, uint64_t b, struct pcct_error *err)
{
    struct store_record record;
    int status = 0;

    while (a != b) {
        uint64_t *newer = a > b ? &a : &b;

        TRY(store_record_get(&record, NULL, txn, *newer, err));
        *newer = record.version.kept;
    }
    *version = a;
done:
    return status;
}

int store_common_ancestor(uint64_t *version, struct store *store, uint64_t a, uint64_t b, struct pcct_error *err)
{
    struct store_txn txn = {0};
    struct store_state state;
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(store_state_get(&state, &txn, err));
    status = meet(version, &txn, a, b, err);
    if (status == PCCT_E_NOT_FOUND && state.prunes > 0) status = meet_kept(version, &txn, a, b, err);
done:
    store_txn_abort(&txn);
    return status;
}
