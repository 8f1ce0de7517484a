/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/check.h"
#include "index/digest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A sound tree, then one violation; index_check must name the invariant. */
static const char *space = "euclidean"; /* or "custom", which has no layout: the tree is searched */

static void start(struct support_index *s, enum support_kind kind, int threads)
{
    struct index_frame frame;
    struct base_random random;

    base_random_seed(&random, 11);
    support_index_start(s, space, 2, threads);
    index_frame_init(&frame, &s->support.env);
    support_index_batch(s, &frame, kind, 200, SUPPORT_PICK_ANY, 0, &random);
    index_frame_free(&frame);
    index_frame_init(&frame, &s->support.env);
    support_index_batch(s, &frame, kind, 40, SUPPORT_PICK_ANY, 30, &random);
    index_frame_free(&frame);
    support_index_sound(&s->state);
}

static void expect(const struct index_state *state, const char *invariant)
{
    struct pcct_error err = { 0, "" };

    assert_int_equal(index_check(state, &err), PCCT_E_DAMAGED);
    if (strncmp(err.message, invariant, strlen(invariant)) != 0) fail_msg("expected %s, got: %s", invariant, err.message);
}

/* As if nothing but what was planted were wrong. */
static void digest_anew(struct index_state *state)
{
    memset(state->digest, 0, sizeof state->digest);
    index_digest_rows(state->digest, state, 0, state->n);
}

/* A live node that is no root, has no children and is not a twin. */
static uint32_t leaf(const struct index_state *s)
{
    uint32_t i = 0;

    while (i == s->root || index_level(s)[i] <= 0 || index_child(s)[i] != INDEX_NONE) i++;
    assert_true(i < s->n);
    return i;
}

/* A live node with two children at least. */
static uint32_t mother(const struct index_state *s)
{
    uint32_t i = 0;

    while (i == s->root || index_child(s)[i] == INDEX_NONE || index_next(s)[index_child(s)[i]] == INDEX_NONE) i++;
    assert_true(i < s->n);
    return i;
}

/* A new point at `offset` from the parent, at this level above or below the right one. */
static uint32_t plant(struct index_state *s, uint32_t parent, double offset, int16_t level)
{
    struct pcct_error err = { 0, "" };
    double point[2] = { index_points(s)[2 * (size_t)parent] + offset, index_points(s)[2 * (size_t)parent + 1] };
    int64_t label = s->next_label;
    struct index_seat seat = { s->n, parent, level };
    uint32_t node = s->n;

    support_ok(index_append(s, point, &label, 1, &err), &err);
    support_ok(index_attach(s, &seat, 1, &err), &err);
    for (uint32_t a = index_parent(s)[node]; a != INDEX_NONE; a = index_parent(s)[a]) {
        support_ok(index_raise_radius(s, a, metric_inner(&s->metric, index_key(s, a, node)), &err), &err);
    }
    support_ok(index_settle_root(s, &err), &err);
    digest_anew(s);
    return node;
}

typedef const char *violation(struct index_state *s);

static const char *second_root(struct index_state *s) { index_parent(s)[leaf(s)] = INDEX_NONE; return "T1"; }
static const char *no_root(struct index_state *s) { s->root = INDEX_NONE; return "T1"; }
static const char *low_root(struct index_state *s) { index_level(s)[s->root] -= 1; return "T1"; }
static const char *dead_parent(struct index_state *s)
{
    uint32_t dead = 0;

    while (index_is_live(s, dead)) dead++;
    index_parent(s)[leaf(s)] = dead;
    return "T2";
}
static const char *parent_beyond(struct index_state *s) { index_parent(s)[leaf(s)] = s->n; return "T2"; }
static const char *own_parent(struct index_state *s) { uint32_t i = leaf(s); index_parent(s)[i] = i; return "T2"; }
static const char *strange_level(struct index_state *s) { index_level(s)[leaf(s)] = 2000; return "T2"; }
static const char *ring(struct index_state *s) { uint32_t m = mother(s); index_parent(s)[m] = index_child(s)[m]; return "T2"; }
static const char *below(struct index_state *s)
{
    uint32_t m = mother(s), c = index_child(s)[m];

    index_level(s)[c] = index_level(s)[m];
    return "T2";
}
static const char *too_far(struct index_state *s)
{
    uint32_t p = s->root;

    plant(s, p, 1000, (int16_t)(metric_scale(&s->metric, metric_is_custom(&s->metric) ? 1e3 : 1e6) - 2 + INDEX_LEVEL_BIAS));
    return "T2";
}
static const char *twin_apart(struct index_state *s) { plant(s, leaf(s), 1e-9, INDEX_LEVEL_TWIN); return "T2"; }
/* A point at the root's feet, as high as it may hang: nearer to others than their levels allow. */
static const char *too_near(struct index_state *s)
{
    uint32_t p = leaf(s);

    plant(s, s->root, index_points(s)[2 * (size_t)p] - index_points(s)[2 * (size_t)s->root] + 1e-7, (int16_t)(index_level(s)[s->root] - 1));
    return "T3";
}
static const char *near_parent(struct index_state *s)
{
    uint32_t m = mother(s);

    plant(s, m, 1e-7, (int16_t)(index_level(s)[m] - 1));
    return "T3";
}
static const char *missing(struct index_state *s)
{
    uint32_t m = mother(s);

    index_child(s)[m] = index_next(s)[index_child(s)[m]];
    return "T4";
}
static const char *order(struct index_state *s)
{
    uint32_t m = mother(s), a = index_child(s)[m], b = index_next(s)[a];

    index_next(s)[a] = index_next(s)[b];
    index_next(s)[b] = a;
    index_child(s)[m] = b;
    return "T4";
}
static const char *foreign(struct index_state *s) { index_child(s)[leaf(s)] = index_child(s)[mother(s)]; return "T4"; }
static const char *list_ring(struct index_state *s) { uint32_t c = index_child(s)[mother(s)]; index_next(s)[c] = c; return "T4"; }
static const char *next_beyond(struct index_state *s) { index_next(s)[index_child(s)[mother(s)]] = s->n; return "T4"; }
static const char *dead_child(struct index_state *s)
{
    uint32_t dead = 0;

    while (index_is_live(s, dead)) dead++;
    index_child(s)[dead] = leaf(s);
    return "T4";
}
static const char *small_radius(struct index_state *s)
{
    uint32_t m = mother(s);
    double farthest = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        for (uint32_t a = index_parent(s)[i]; a != INDEX_NONE; a = index_parent(s)[a]) {
            if (a == m) farthest = fmax(farthest, metric_inner(&s->metric, index_key(s, m, i)));
        }
    }
    index_radius(s)[m] = farthest;
    digest_anew(s);
    support_index_sound(s);
    index_radius(s)[m] = nextafter(farthest, 0);
    digest_anew(s);
    return "T5";
}
static const char *bad_radius(struct index_state *s) { index_radius(s)[leaf(s)] = (double)NAN; return "T5"; }
static const char *wrong_pdist(struct index_state *s)
{
    uint32_t i = leaf(s);

    index_pdist(s)[i] = nextafter(index_pdist(s)[i], 1e9);
    digest_anew(s);
    return "T5";
}
static const char *twin_count(struct index_state *s) { s->twins++; return "T5"; }
static const char *live_count(struct index_state *s) { s->n_live--; return "T5"; }
static const char *counts(struct index_state *s) { s->level_count[INDEX_LEVEL_BIAS + 3]++; return "T5"; }
static const char *counter(struct index_state *s) { s->next_label = 100; return "T5"; }
static const char *digest(struct index_state *s) { s->digest[INDEX_RADIUS]++; return "T5"; }
static const char *other_radius(struct index_state *s) { index_radius(s)[leaf(s)] = 1; return "T5"; } /* large enough, but the digest tells */
static const char *least_label(struct index_state *s)
{
    index_label(s)[leaf(s)] = -1000000;
    digest_anew(s);
    return "T6"; /* the block says otherwise */
}
static const char *same_label(struct index_state *s)
{
    struct pcct_error err = { 0, "" };

    index_label(s)[leaf(s)] = index_label(s)[s->root];
    digest_anew(s);
    support_ok(index_rebuild_layout(s, &err), &err);
    return "T5";
}
static const char *lane_gone(struct index_state *s)
{
    const struct block_source source = index_source(s);
    uint32_t i = leaf(s);

    block_remove(&s->layout, &source, &i, 1);
    return "T6";
}
static double far_reach(const void *owner, uint32_t node)
{
    (void)owner;
    (void)node;
    return 1e9;
}
static const char *lane_reach(struct index_state *s)
{
    struct block_source source = index_source(s);
    uint32_t i = leaf(s);

    source.reach = far_reach;
    block_renew_reach(&s->layout, &source, &i, 1);
    return "T6";
}

static void try_each(violation *const *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct support_index s;

        start(&s, SUPPORT_GAUSS, 1 + (int)(i % 3));
        expect(&s.state, all[i](&s.state));
        support_index_free(&s);
    }
}

/* The last three are about the layout, which a custom metric has not. */
static void test_each_violation_is_named(void **state)
{
    static violation *const all[] = {
        second_root, no_root, low_root, dead_parent, parent_beyond, own_parent, strange_level, ring, below, too_far, twin_apart, too_near,
        near_parent, missing, order, foreign, list_ring, next_beyond, dead_child, small_radius, bad_radius, wrong_pdist, twin_count, live_count,
        counts, counter, digest, other_radius, same_label, least_label, lane_gone, lane_reach,
    };

    (void)state;
    try_each(all, sizeof all / sizeof *all);
    space = "custom";
    try_each(all, sizeof all / sizeof *all - 3);
    space = "euclidean";
}

/* What distances decide is passed over where there are none, and nothing else. */
static void test_without_the_function(void **state)
{
    static violation *const seen[] = { second_root, dead_parent, ring, below, missing, order, foreign, bad_radius, twin_count, counts, digest };
    struct pcct_error err = { 0, "" };
    struct support_index s;

    (void)state;
    space = "custom";
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        const char *invariant;

        start(&s, SUPPORT_GAUSS, 2);
        invariant = seen[i](&s.state);
        s.state.metric.custom.distance = NULL;
        expect(&s.state, invariant);
        support_index_free(&s);
    }
    start(&s, SUPPORT_GAUSS, 2);
    wrong_pdist(&s.state);
    s.state.metric.custom.distance = NULL;
    support_ok(index_check(&s.state, &err), &err);
    support_index_free(&s);
    space = "euclidean";
}

/* A function that is at fault is told as that, wherever it is met. */
static void test_a_value_that_is_no_distance(void **state)
{
    struct pcct_error err = { 0, "" };
    struct support_index s;
    uint64_t at = 1, asked;

    (void)state;
    space = "custom";
    start(&s, SUPPORT_GAUSS, 1);
    asked = s.custom.asked;
    support_ok(index_check(&s.state, &err), &err);
    asked = s.custom.asked - asked;
    for (; at <= asked; at += 1 + asked / 50) {
        metric_calls_clear(&s.custom.calls);
        s.custom.spoil_at = at;
        s.custom.spoilt = -1;
        assert_int_equal(index_check(&s.state, &err), PCCT_E_INVALID);
        assert_non_null(strstr(err.message, "label"));
    }
    metric_calls_clear(&s.custom.calls);
    s.custom.spoil_at = 0;
    support_ok(index_check(&s.state, &err), &err);
    support_index_free(&s);
    space = "euclidean";
}

/* Two of one kind: the least node is told, by every number of threads. */
static void test_first_violation(void **state)
{
    char first[PCCT_MESSAGE_BYTES] = "", label[64];

    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct support_index s;
        struct pcct_error err = { 0, "" };
        uint32_t a;

        start(&s, SUPPORT_GAUSS, threads);
        a = leaf(&s.state);
        for (uint32_t i = 0; i < s.state.n; i++) {
            if (i != s.state.root && index_is_live(&s.state, i) && i >= a) index_pdist(&s.state)[i] += 1;
        }
        assert_int_equal(index_check(&s.state, &err), PCCT_E_DAMAGED);
        snprintf(label, sizeof label, "label %lld (node %u)", (long long)index_label(&s.state)[a], a);
        assert_non_null(strstr(err.message, label));
        if (threads > 1) assert_string_equal(err.message, first);
        strcpy(first, err.message);
        support_index_free(&s);
    }
}

static void test_sound_trees(void **state)
{
    (void)state;
    for (int kind = 0; kind < SUPPORT_KINDS; kind++) {
        struct support_index s;

        start(&s, (enum support_kind)kind, 2);
        support_index_free(&s);
        space = "custom";
        start(&s, (enum support_kind)kind, 2);
        support_index_free(&s);
        space = "euclidean";
    }
}

static int check_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    (void)env;
    return index_check(ctx, err);
}

static void test_without_memory(void **state)
{
    struct support_index s;

    (void)state;
    start(&s, SUPPORT_LATTICE, 2);
    assert_true(support_fail_each(&s.support, check_call, &s.state) >= 2);
    support_index_free(&s);
    space = "custom";
    start(&s, SUPPORT_LATTICE, 1);
    assert_true(support_fail_each(&s.support, check_call, &s.state) >= 3);
    support_index_free(&s);
    space = "euclidean";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_violation_is_named),
        cmocka_unit_test(test_first_violation),
        cmocka_unit_test(test_sound_trees),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_without_the_function),
        cmocka_unit_test(test_a_value_that_is_no_distance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
