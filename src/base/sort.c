/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sort.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/par.h"

#include <assert.h>

/*
 * Both sorts cut the items into parts of consecutive items. Each part counts its digits (groups), the counts become places (digit by digit, part
 * by part within a digit), and each part moves its items there in order. So the result does not depend on the number of parts, and is stable.
 */
enum { DIGITS = 256, LEAST_PART = 16384 };

static int parts_for(size_t n, size_t least, const struct base_env *env)
{
    size_t parts = n / least, threads = (size_t)base_par_threads(env);

    return parts < 1 ? 1 : parts > threads ? (int)threads : (int)parts;
}

/* First item of a part; the part after the last begins at n. */
static size_t part_begin(size_t n, int parts, size_t part)
{
    return n / (size_t)parts * part + (part < n % (size_t)parts ? part : n % (size_t)parts);
}

/* ---- pairs -------------------------------------------------------------------------------------------------------------------------------- */

struct pair_pass {
    const struct base_pair *from;
    struct base_pair *to;
    size_t n;
    int parts;
    unsigned shift;            /* of the digit in the key */
    size_t (*place)[DIGITS];   /* [parts]: counts, then where the next item with this digit goes */
    uint64_t *differing;       /* [parts]: bits in which keys of the part differ from the first key of all */
};

static void find_differing(void *ctx, size_t begin, size_t end, int thread)
{
    struct pair_pass *pass = ctx;

    (void)thread;
    for (size_t part = begin; part < end; part++) {
        uint64_t first = pass->from[0].key, differing = 0;

        for (size_t i = part_begin(pass->n, pass->parts, part); i < part_begin(pass->n, pass->parts, part + 1); i++) {
            differing |= pass->from[i].key ^ first;
        }
        pass->differing[part] = differing;
    }
}

static void count_digits(void *ctx, size_t begin, size_t end, int thread)
{
    struct pair_pass *pass = ctx;

    (void)thread;
    for (size_t part = begin; part < end; part++) {
        size_t *count = pass->place[part], stop = part_begin(pass->n, pass->parts, part + 1);

        for (int digit = 0; digit < DIGITS; digit++) count[digit] = 0;
        for (size_t i = part_begin(pass->n, pass->parts, part); i < stop; i++) count[pass->from[i].key >> pass->shift & (DIGITS - 1)]++;
    }
}

static void move_pairs(void *ctx, size_t begin, size_t end, int thread)
{
    struct pair_pass *pass = ctx;

    (void)thread;
    for (size_t part = begin; part < end; part++) {
        size_t *place = pass->place[part], stop = part_begin(pass->n, pass->parts, part + 1);

        for (size_t i = part_begin(pass->n, pass->parts, part); i < stop; i++) {
            pass->to[place[pass->from[i].key >> pass->shift & (DIGITS - 1)]++] = pass->from[i];
        }
    }
}

static void turn_counts_into_places(struct pair_pass *pass)
{
    size_t sum = 0;

    for (int digit = 0; digit < DIGITS; digit++) {
        for (int part = 0; part < pass->parts; part++) {
            size_t count = pass->place[part][digit];

            pass->place[part][digit] = sum;
            sum += count;
        }
    }
}

static void copy_pairs(void *ctx, size_t begin, size_t end, int thread)
{
    struct pair_pass *pass = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) pass->to[i] = pass->from[i];
}

int base_sort_pairs(struct base_pair *pairs, size_t n, const struct base_env *env, struct pcct_error *err)
{
    struct pair_pass pass = {.from = pairs, .n = n, .parts = parts_for(n, LEAST_PART, env)};
    struct base_pair *other = NULL;
    uint64_t differing = 0;
    int status = 0;

    if (n < 2) return 0;
    TRY(base_take(&other, env, n, sizeof(*other), err));
    TRY(base_take(&pass.place, env, (size_t)pass.parts, sizeof(*pass.place), err));
    TRY(base_take(&pass.differing, env, (size_t)pass.parts, sizeof(*pass.differing), err));
    base_par_for(env, (size_t)pass.parts, 1, find_differing, &pass);
    for (int part = 0; part < pass.parts; part++) differing |= pass.differing[part];
    for (pass.shift = 0; pass.shift < 64; pass.shift += 8) {
        if (!(differing >> pass.shift & (DIGITS - 1))) continue;
        pass.to = pass.from == pairs ? other : pairs;
        base_par_for(env, (size_t)pass.parts, 1, count_digits, &pass);
        turn_counts_into_places(&pass);
        base_par_for(env, (size_t)pass.parts, 1, move_pairs, &pass);
        pass.from = pass.to;
    }
    if (pass.from != pairs) {
        pass.to = pairs;
        base_par_for(env, n, LEAST_PART, copy_pairs, &pass);
    }
done:
    base_free(env, other);
    base_free(env, pass.place);
    base_free(env, pass.differing);
    return status;
}

/* ---- groups ------------------------------------------------------------------------------------------------------------------------------- */

struct group_pass {
    uint32_t *order;
    const uint32_t *group;
    size_t n, groups;
    int parts;
    uint32_t *place; /* [parts][groups]: counts, then where the part's next item of this group goes */
};

static void count_groups(void *ctx, size_t begin, size_t end, int thread)
{
    struct group_pass *pass = ctx;

    (void)thread;
    for (size_t part = begin; part < end; part++) {
        uint32_t *count = pass->place + part * pass->groups;
        size_t stop = part_begin(pass->n, pass->parts, part + 1);

        for (size_t group = 0; group < pass->groups; group++) count[group] = 0;
        for (size_t i = part_begin(pass->n, pass->parts, part); i < stop; i++) {
            assert(pass->group[i] < pass->groups);
            count[pass->group[i]]++;
        }
    }
}

static void list_items(void *ctx, size_t begin, size_t end, int thread)
{
    struct group_pass *pass = ctx;

    (void)thread;
    for (size_t part = begin; part < end; part++) {
        uint32_t *place = pass->place + part * pass->groups;
        size_t stop = part_begin(pass->n, pass->parts, part + 1);

        for (size_t i = part_begin(pass->n, pass->parts, part); i < stop; i++) pass->order[place[pass->group[i]]++] = (uint32_t)i;
    }
}

int base_group(uint32_t *order, uint32_t *start, const uint32_t *group, size_t n, size_t groups, const struct base_env *env,
               struct pcct_error *err)
{
    /* A part has at least as many items as there are groups, so that all histograms together stay within O(n + groups). */
    int parts = parts_for(n, groups > LEAST_PART ? groups : LEAST_PART, env);
    struct group_pass pass = {order, group, n, groups, parts, NULL};
    uint32_t sum = 0;
    int status = 0;

    assert(n <= UINT32_MAX && groups <= UINT32_MAX && (n == 0 || groups > 0));
    TRY(base_take(&pass.place, env, groups * (size_t)parts, sizeof(*pass.place), err));
    base_par_for(env, (size_t)parts, 1, count_groups, &pass);
    for (size_t g = 0; g < groups; g++) {
        start[g] = sum;
        for (int part = 0; part < parts; part++) {
            uint32_t *place = &pass.place[(size_t)part * groups + g], count = *place;

            *place = sum;
            sum += count;
        }
    }
    start[groups] = sum;
    base_par_for(env, (size_t)parts, 1, list_items, &pass);
done:
    base_free(env, pass.place);
    return status;
}
