/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_LINEAR_H
#define TESTS_API_LINEAR_H

/*
 * Whether calls that overlapped could have come one after the other (Wing and Gong's search, with what it has seen before remembered): an order in
 * which no call comes before one that had ended when it began, and in which each gave the answer that a store of branches and tags gives which does
 * one thing at a time. Small histories only: LINEAR_MOST calls.
 */
#include "common.h"

enum { LINEAR_BRANCHES = 3, LINEAR_REFS = 5, LINEAR_MOST = 48, LINEAR_SEEN = 1 << 18 };
static const uint64_t linear_none = UINT64_MAX; /* a ref that is not there; a call without an expectation */

/* Branches first, of which "main" is always there; then tags. */
static const char *const linear_name[LINEAR_REFS] = { "main", "left", "right", "tagged", "other" };

enum linear_deed {
    LINEAR_COMMIT, /* also of what another version was */
    LINEAR_RESET, LINEAR_MAKE, LINEAR_DELETE, LINEAR_READ,
    LINEAR_ALL,    /* every ref, in one walk */
    LINEAR_DEEDS
};

struct linear_call {
    uint64_t began, ended;  /* clock; ended 0: it never did, and may have been done or not */
    enum linear_deed deed;
    int ref;
    uint64_t to, expect;    /* versions; linear_none */
    int answer;             /* code */
    uint64_t got;           /* COMMIT: the version made; RESET: where it stood before; READ: where it stands */
    uint64_t parent;        /* COMMIT: what the record of that version tells */
    uint64_t at[LINEAR_REFS]; /* ALL */
};

struct linear_store {
    uint64_t at[LINEAR_REFS]; /* versions, linear_none */
    uint64_t newest;          /* version */
};

struct linear_seen {
    uint64_t used[LINEAR_SEEN]; /* hashes; 0 is free */
    size_t n;
};

static inline uint64_t linear_hash(const struct linear_store *s, uint64_t done)
{
    struct random_numbers r = { done };

    for (int i = 0; i < LINEAR_REFS + 1; i++) r.state = random_next(&r) ^ (i < LINEAR_REFS ? s->at[i] : s->newest);
    return random_next(&r) | 1;
}

/* 1: not seen before. */
static inline int linear_note(struct linear_seen *seen, uint64_t hash)
{
    size_t i = hash % LINEAR_SEEN;

    for (; seen->used[i] != 0; i = (i + 1) % LINEAR_SEEN) {
        if (seen->used[i] == hash) return 0;
    }
    CHECK(++seen->n < LINEAR_SEEN / 2, "the history is too tangled");
    seen->used[i] = hash;
    return 1;
}

/* The answer of a store that does one thing at a time; *s is what it is then. */
static inline int linear_do(struct linear_store *s, uint64_t *got, const struct linear_call *c)
{
    uint64_t before = s->at[c->ref];
    const int is_there = before != linear_none;

    *got = before;
    if (c->deed == LINEAR_ALL) return 0;
    if (c->deed == LINEAR_MAKE) {
        if (is_there) return PCCT_E_EXISTS;
        s->at[c->ref] = c->to;
        return 0;
    }
    if (!is_there) return PCCT_E_NOT_FOUND;
    if (c->deed == LINEAR_READ) return 0;
    if (c->expect != linear_none && c->expect != before) return PCCT_E_CONFLICT;
    if (c->deed == LINEAR_COMMIT) s->at[c->ref] = *got = ++s->newest;
    else s->at[c->ref] = c->deed == LINEAR_RESET ? c->to : linear_none;
    return 0;
}

/* 1: the call could be made now and get its answer. */
static inline int linear_fits(struct linear_store *s, const struct linear_call *c)
{
    uint64_t before = s->at[c->ref], got = 0;
    int answer;

    if (c->ended != 0 && c->answer == PCCT_E_BUSY) return 1;
    answer = linear_do(s, &got, c);
    if (c->ended == 0) return 1;
    if (answer != c->answer) return 0;
    if (answer != 0 || c->deed == LINEAR_MAKE || c->deed == LINEAR_DELETE) return 1;
    if (c->deed == LINEAR_ALL) return memcmp(s->at, c->at, sizeof s->at) == 0;
    return got == c->got && (c->deed != LINEAR_COMMIT || c->parent == before);
}

static inline int linear_may_be_next(const struct linear_call *call, size_t n, uint64_t done, size_t i)
{
    if (done >> i & 1) return 0;
    for (size_t j = 0; j < n; j++) {
        if (!(done >> j & 1) && call[j].ended != 0 && call[j].ended < call[i].began) return 0;
    }
    return 1;
}

/* 1: there is such an order. Calls that never ended may be left out. *most: bits of the calls of the longest order there is, for people. */
static inline int linear_check(uint64_t *most, const struct linear_store *from, const struct linear_call *call, size_t n)
{
    struct {
        struct linear_store store;
        uint64_t done;
        size_t next; /* the call to be tried next */
    } at[LINEAR_MOST + 1] = { { *from, 0, 0 } };
    struct linear_seen *seen = calloc(1, sizeof *seen);
    uint64_t ended = 0;
    size_t depth = 1, deepest = 0;

    *most = 0;
    CHECK(seen && n <= LINEAR_MOST, "%zu calls", n);
    for (size_t i = 0; i < n; i++) ended |= (uint64_t)(call[i].ended != 0) << i;
    while (depth > 0 && (at[depth - 1].done & ended) != ended) {
        struct linear_store store = at[depth - 1].store;
        uint64_t done = at[depth - 1].done;
        size_t i = at[depth - 1].next++;

        if (i == n) {
            depth--;
            continue;
        }
        if (!linear_may_be_next(call, n, done, i) || !linear_fits(&store, &call[i])) continue;
        done |= UINT64_C(1) << i;
        if (!linear_note(seen, linear_hash(&store, done))) continue;
        at[depth].store = store;
        at[depth].done = done;
        at[depth++].next = 0;
        if (depth > deepest) *most = done;
        if (depth > deepest) deepest = depth;
    }
    free(seen);
    return depth > 0;
}

/* Those of the longest order are marked. */
static inline void linear_print(uint64_t most, const struct linear_store *from, const struct linear_call *call, size_t n)
{
    static const char *const deed[LINEAR_DEEDS] = { "commit", "reset", "make", "delete", "read", "all" };
    uint64_t zero = UINT64_MAX;

    for (size_t i = 0; i < n; i++) zero = call[i].began < zero ? call[i].began : zero;
    fprintf(stderr, "before (newest v%" PRIu64 "):", from->newest);
    for (int i = 0; i < LINEAR_REFS; i++) fprintf(stderr, " %s %" PRId64, linear_name[i], (int64_t)from->at[i]);
    fprintf(stderr, "\n   began    ended us  (-1: none)\n");
    for (size_t i = 0; i < n; i++) {
        const struct linear_call *c = &call[i];

        fprintf(stderr, "%c%8.1f %8.1f  %s %s to %" PRId64 " expecting %" PRId64, most >> i & 1 ? '*' : ' ', (double)(c->began - zero) / 1e3,
                c->ended ? (double)(c->ended - zero) / 1e3 : -1.0, deed[c->deed], linear_name[c->ref], (int64_t)c->to, (int64_t)c->expect);
        fprintf(stderr, ": %s, got %" PRId64 ", parent %" PRId64, pcct_code_name(c->answer), (int64_t)c->got, (int64_t)c->parent);
        for (int j = 0; j < LINEAR_REFS && c->deed == LINEAR_ALL; j++) fprintf(stderr, " %" PRId64, (int64_t)c->at[j]);
        fputc('\n', stderr);
    }
}

#endif
