/* SPDX-License-Identifier: Apache-2.0 */
#include "support_index.h"

#include "index/links.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 6000, PARENTS = 40 };

/* Rows with parents and levels drawn at random; no tree is needed for lists. */
static void start(struct support_index *s, int threads, uint64_t seed)
{
    double *point = calloc(ROWS, sizeof *point);
    int64_t *label = calloc(ROWS, sizeof *label);
    struct base_random random;
    struct pcct_error err = { 0, "" };

    base_random_seed(&random, seed);
    support_index_start(s, "euclidean", 1, threads);
    for (int i = 0; i < ROWS; i++) label[i] = i;
    support_ok(index_append(&s->state, point, label, ROWS, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t parent = (uint32_t)base_random_below(&random, PARENTS);

        if (parent < PARENTS / 2) parent = 0; /* one large family */
        index_level(&s->state)[i] = base_random_below(&random, 4) ? (int16_t)(1000 + base_random_below(&random, 5)) : (int16_t)INDEX_LEVEL_TWIN;
        index_parent(&s->state)[i] = i < PARENTS ? INDEX_NONE : parent;
    }
    free(point);
    free(label);
}

static int by_order(const struct index_state *s, uint32_t a, uint32_t b)
{
    int x = index_level(s)[a], y = index_level(s)[b];

    if (x != y) return x == INDEX_LEVEL_TWIN ? 0 : y == INDEX_LEVEL_TWIN ? 1 : x < y;
    return a > b;
}

/* Every list holds exactly the wanted children, in order. */
static void expect(const struct index_state *s, const char *linked)
{
    for (uint32_t p = 0; p < PARENTS; p++) {
        size_t listed = 0, wanted = 0;
        uint32_t before = INDEX_NONE;

        for (uint32_t c = index_child(s)[p]; c != INDEX_NONE; c = index_next(s)[c]) {
            assert_true(linked[c] && index_parent(s)[c] == p);
            if (before != INDEX_NONE) assert_true(by_order(s, before, c));
            before = c;
            listed++;
        }
        for (uint32_t c = PARENTS; c < ROWS; c++) wanted += linked[c] && index_parent(s)[c] == p;
        assert_int_equal(listed, wanted);
    }
    for (uint32_t c = 0; c < ROWS; c++) {
        if (!linked[c]) assert_int_equal(index_next(s)[c], INDEX_NONE);
    }
}

static void test_random_changes(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct support_index s;
        struct base_random random;
        struct pcct_error err = { 0, "" };
        struct index_link *link = calloc(ROWS, sizeof *link);
        char linked[ROWS] = { 0 };

        start(&s, threads, 51);
        base_random_seed(&random, 52);
        for (int round = 0; round < 40; round++) {
            uint64_t share = 1 + base_random_below(&random, 20);
            int adding = round % 2 == 0;
            size_t n = 0;

            for (uint32_t c = ROWS - 1; c >= PARENTS; c--) {
                if (linked[c] == adding || base_random_below(&random, share) > 0) continue;
                link[n++] = (struct index_link){ index_parent(&s.state)[c], c, index_list_order(index_level(&s.state)[c]) };
                linked[c] = (char)adding;
            }
            support_ok(index_links_sort(link, n, &s.support.env, &err), &err);
            if (adding) index_links_add(&s.state, link, n);
            else index_links_remove(&s.state, link, n);
            expect(&s.state, linked);
        }
        free(link);
        support_index_free(&s);
    }
}

static void test_rebuild(void **state)
{
    struct support_index s;
    struct pcct_error err = { 0, "" };
    char linked[ROWS];

    (void)state;
    start(&s, 2, 53);
    memset(linked, 1, sizeof linked);
    memset(linked, 0, PARENTS);
    for (uint32_t c = 100; c < 200; c++) {
        index_level(&s.state)[c] = INDEX_LEVEL_DEAD;
        linked[c] = 0;
    }
    index_level(&s.state)[3] = INDEX_LEVEL_DEAD; /* its children stand in no list */
    for (uint32_t c = PARENTS; c < ROWS; c++) linked[c] = linked[c] && index_parent(&s.state)[c] != 3;
    support_ok(index_links_rebuild(&s.state, &err), &err);
    expect(&s.state, linked);
    support_index_free(&s);
}

static int rebuild_call(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    (void)env;
    return index_links_rebuild(ctx, err);
}

static void test_without_memory(void **state)
{
    struct support_index s;
    struct index_link one[2] = { { 4, 9, 7 }, { 2, 8, 7 } };
    struct pcct_error err = { 0, "" };

    (void)state;
    start(&s, 1, 54);
    assert_true(support_fail_each(&s.support, rebuild_call, &s.state) >= 3);
    support_ok(index_links_sort(one, 2, &s.support.env, &err), &err);
    assert_int_equal(one[0].parent, 2);
    support_index_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_rebuild),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
