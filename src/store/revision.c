/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bytes.h"
#include "store/internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEAST_DIGITS = 4, MOST_DIGITS = 32, SHOWN = 6, LIST_BYTES = 256 };

struct revision {
    const char *text;
    char name[STORE_NAME_BYTES]; /* what stands before ~ */
    uint64_t back;               /* the number after it */
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

static int parse(struct revision *r, const char *text, struct pcct_error *err)
{
    const char *tilde = strchr(text, '~');
    size_t length = tilde ? (size_t)(tilde - text) : strlen(text);
    int good = length > 0 && length < STORE_NAME_BYTES;

    *r = (struct revision){text, "", 0};
    for (size_t i = 0; good && i < length; i++) good = isalnum((unsigned char)text[i]) || strchr("._-/", text[i]);
    if (good && tilde) {
        r->back = parse_number(tilde + 1, text + strlen(text));
        good = errno == 0;
    }
    if (!good) {
        return base_fail(err, PCCT_E_INVALID,
                         "\"%.64s\" is not a revision; give a branch (main), a version (v17) or the first digits of an identity, "
                         "perhaps with ~k for the k-th ancestor",
                         text);
    }
    memcpy(r->name, text, length);
    return 0;
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
    if (length < LEAST_DIGITS || length > MOST_DIGITS) return 0;
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
                       "there is no branch and no version \"%s\"; branches: %s; versions are written v17 or by at least %d digits of "
                       "their identity",
                       name, names.list, LEAST_DIGITS);
done:
    return status;
}

/* *generation: of the version found. */
static int find_name(uint64_t *version, uint64_t *generation, struct store_txn *txn, const char *name, struct pcct_error *err)
{
    struct store_record record;
    struct search search;
    uint64_t number;
    int status = 0, found = 0;

    *generation = 0;
    TRY(store_ref_get(&found, version, txn, name, err));
    if (!found && name[0] == 'v') {
        number = parse_number(name + 1, name + strlen(name));
        if (errno == 0) {
            *version = number;
            found = 1;
        }
    }
    if (!found && parse_identity(&search, name)) TRY(find_identity(&found, version, txn, &search, name, err));
    if (!found) return nothing_found(txn, name, err);
    if (*version == 0) return 0;
    TRY(store_record_get(&record, NULL, txn, *version, err));
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
            *version = here.version.parent;
            if (here.version.parent != 0) TRY(store_record_get(&there, NULL, txn, here.version.parent, err));
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
    struct store_txn txn = {0};
    uint64_t generation = 0, found = 0;
    int status = 0;

    TRY(store_check_process(store, err));
    TRY(parse(&r, text, err));
    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, err));
    TRY(find_name(&found, &generation, &txn, r.name, err));
    if (r.back > generation) {
        status = base_fail(err, PCCT_E_NOT_FOUND, "there is no %s: %s is v%" PRIu64 ", which has %" PRIu64 " ancestors down to the empty v0", text,
                           r.name, found, generation);
        goto done;
    }
    TRY(go_back(&found, &txn, generation, generation - r.back, err));
    *version = found;
done:
    store_txn_abort(&txn);
    return status;
}
