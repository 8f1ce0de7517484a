/* SPDX-License-Identifier: Apache-2.0 */
#include "query/neighbours.h"

#include "support_custom.h"
#include "support_query.h"

#include <stdlib.h>
#include <string.h>

enum { N = 500, ROWS_MOST = 1500 };

struct graph {
    struct support_scene scene;
    struct query_neighbours lists;
    struct query_batch batch;
    struct base_random random;
    uint32_t node[ROWS_MOST];
    uint32_t rows;
};

static void see_nodes(struct graph *g)
{
    struct pcct_error err = { 0, "" };

    support_ok(index_labels_prepare(&g->scene.state, &err), &err);
    support_ok(query_nodes_by_label(g->node, &g->scene.state, &g->scene.env.env, &err), &err);
}

static void start(struct graph *g, int space, enum support_kind kind, size_t n, size_t k)
{
    struct pcct_error err = { 0, "" };

    memset(g, 0, sizeof *g);
    support_scene_start(&g->scene, support_spaces[space].metric, support_spaces[space].dim, kind, n, n / 8);
    g->rows = (uint32_t)n;
    base_random_seed(&g->random, 9);
    see_nodes(g);
    support_ok(query_neighbours_make(&g->lists, k, &g->scene.state, g->node, &g->batch, &g->scene.env.env, NULL, &err), &err);
}

static void finish(struct graph *g)
{
    query_neighbours_free(&g->lists, &g->scene.env.env);
    support_scene_finish(&g->scene);
}

/* n_dead points go, n come; the first `replaced` of them under labels of those that go. */
static void change(struct graph *g, enum support_kind kind, size_t n, size_t n_dead, size_t replaced)
{
    uint32_t *dead = NULL;
    struct support_batch batch;

    n_dead = support_pick_nodes(&dead, &g->scene.state, n_dead == SIZE_MAX ? SUPPORT_PICK_ALL : SUPPORT_PICK_ANY, n_dead, &g->random);
    support_batch_start(&batch, &g->scene.metric, kind, g->rows, n, dead, n_dead, 21);
    for (size_t i = 0; i < n; i++) {
        batch.labels[i] = i < replaced && i < n_dead ? index_label(&g->scene.state)[dead[i]] : 100000 - (int64_t)(g->rows + i) * 7;
    }
    support_plan(&g->scene.state, &batch.tree);
    support_batch_free(&batch);
    free(dead);
    g->rows += (uint32_t)n;
    assert_true(g->rows <= ROWS_MOST);
    see_nodes(g);
}

static void expect_same(const struct query_neighbours *a, const struct query_neighbours *b)
{
    const size_t places = (size_t)a->n * a->k;

    assert_true(a->n == b->n && a->k == b->k && a->dim == b->dim);
    assert_memory_equal(a->label, b->label, a->n * sizeof *a->label);
    assert_memory_equal(a->place, b->place, a->n * a->dim * sizeof *a->place);
    assert_memory_equal(a->limit, b->limit, a->n * sizeof *a->limit);
    assert_memory_equal(a->list, b->list, places * sizeof *a->list);
    assert_memory_equal(a->distance, b->distance, places * sizeof *a->distance);
    assert_memory_equal(a->count, b->count, a->n * sizeof *a->count);
}

/* ---- what is told, row by row ------------------------------------------------------------------------------------------------------------- */

struct telling {
    const struct query_neighbours *before, *after;
    uint32_t a, b;   /* rows that are next */
    uint64_t told, most;
};

static int compare(const void *a, const void *b)
{
    return *(const int64_t *)a < *(const int64_t *)b ? -1 : *(const int64_t *)a > *(const int64_t *)b;
}

static const double *place_of(const struct query_neighbours *g, int64_t label)
{
    const int64_t *at = bsearch(&label, g->label, g->n, sizeof *g->label, compare);

    assert_non_null(at);
    return g->place + (size_t)(at - g->label) * g->dim;
}

static int place_differs(const struct telling *t, int64_t label)
{
    return memcmp(place_of(t->before, label), place_of(t->after, label), t->after->dim * sizeof(double)) != 0;
}

/* Whether a row that is there before and after is to be told. */
static int is_due(const struct telling *t, uint32_t a, uint32_t b)
{
    const size_t k = t->before->k;
    const int64_t *list = t->after->list + b * k;

    if (memcmp(t->before->list + a * k, list, k * sizeof *list) != 0) return 1;
    if (memcmp(t->before->distance + a * k, t->after->distance + b * k, k * sizeof(double)) != 0) return 1;
    for (int32_t i = 0; i < t->after->count[b]; i++) {
        if (place_differs(t, list[i])) return 1;
    }
    return place_differs(t, t->before->label[a]);
}

/* Goes over the rows that are not to be told, to the next that is. */
static int find_next(struct telling *t, int *has_before, int *has_after)
{
    const struct query_neighbours *x = t->before, *y = t->after;

    while (t->a < x->n || t->b < y->n) {
        *has_before = t->a < x->n && (t->b == y->n || x->label[t->a] <= y->label[t->b]);
        *has_after = t->b < y->n && (t->a == x->n || y->label[t->b] <= x->label[t->a]);
        if (!*has_before || !*has_after || is_due(t, t->a, t->b)) return 1;
        t->a++;
        t->b++;
    }
    return 0;
}

static int check_told(void *ctx, const struct query_change *change)
{
    struct telling *t = ctx;
    const size_t k = t->before->k;
    int has_before = 0, has_after = 0;

    assert_true(find_next(t, &has_before, &has_after));
    assert_int_equal(change->before != NULL, has_before);
    assert_int_equal(change->after != NULL, has_after);
    if (has_before) {
        assert_int_equal(change->label, t->before->label[t->a]);
        assert_int_equal(change->count_before, t->before->count[t->a]);
        assert_memory_equal(change->before, t->before->list + t->a * k, k * sizeof *change->before);
        assert_memory_equal(change->distance_before, t->before->distance + t->a++ * k, k * sizeof(double));
    }
    if (has_after) {
        assert_int_equal(change->label, t->after->label[t->b]);
        assert_int_equal(change->count_after, t->after->count[t->b]);
        assert_memory_equal(change->after, t->after->list + t->b * k, k * sizeof *change->after);
        assert_memory_equal(change->distance_after, t->after->distance + t->b++ * k, k * sizeof(double));
    }
    return ++t->told == t->most;
}

static void *copied(const void *from, size_t bytes)
{
    void *to = malloc(bytes + 1);

    assert_non_null(to);
    memcpy(to, from, bytes);
    return to;
}

static struct query_neighbours copy_of(const struct query_neighbours *g)
{
    const size_t n = g->n;
    struct query_neighbours copy = { .k = g->k, .n = g->n, .dim = g->dim };

    copy.label = copied(g->label, n * sizeof *g->label);
    copy.place = copied(g->place, n * g->dim * sizeof *g->place);
    copy.limit = copied(g->limit, n * sizeof *g->limit);
    copy.list = copied(g->list, n * g->k * sizeof *g->list);
    copy.distance = copied(g->distance, n * g->k * sizeof *g->distance);
    copy.count = copied(g->count, n * sizeof *g->count);
    return copy;
}

static void copy_free(struct query_neighbours *copy)
{
    free(copy->label);
    free(copy->place);
    free(copy->limit);
    free(copy->list);
    free(copy->distance);
    free(copy->count);
}

/* Renews, holds the result against lists made anew, and what is told against the difference. */
static struct query_renewal renew(struct graph *g, int threads, uint64_t most)
{
    struct base_env env = g->scene.env.env;
    struct query_neighbours anew, old = copy_of(&g->lists);
    struct query_renewal renewal = { 0, 0, 0, 0 };
    struct telling telling = { &old, &anew, 0, 0, 0, most };
    struct pcct_error err = { 0, "" };
    int before = 0, after = 0;

    env.threads = threads;
    support_ok(query_neighbours_make(&anew, g->lists.k, &g->scene.state, g->node, &g->batch, &env, NULL, &err), &err);
    support_ok(query_neighbours_renew(&renewal, &g->lists, &g->scene.state, g->node, &g->batch, check_told, &telling, &env, NULL, &err), &err);
    expect_same(&g->lists, &anew);
    if (most == 0) {
        assert_false(find_next(&telling, &before, &after));
        assert_int_equal(telling.told, renewal.changed);
    } else {
        assert_int_equal(telling.told, most);
        assert_true(renewal.changed >= most);
    }
    query_neighbours_free(&anew, &env);
    copy_free(&old);
    return renewal;
}

static void equal_to_making_anew(void **test)
{
    static const size_t ks[] = { 1, 5, 30, 700 };

    (void)test;
    for (int turn = 0; turn < 18; turn++) {
        const enum support_kind kind = (enum support_kind)(turn % SUPPORT_KINDS);
        struct query_renewal renewal;
        struct graph *g = malloc(sizeof *g);

        assert_non_null(g);
        start(g, turn % SUPPORT_SPACES, kind, N, ks[turn % 4]);
        change(g, kind, 20, 0, 0);
        renewal = renew(g, 2, 0);
        assert_true(renewal.came == 20 && renewal.gone == 0);
        change(g, kind, 0, 25, 0);
        renewal = renew(g, 1, 0);
        assert_true(renewal.came == 0 && renewal.gone > 0);
        change(g, kind, 30, 30, 12);
        renew(g, 3, 0);
        change(g, kind, 3, 3, 0);
        renew(g, 2, 2);
        renewal = renew(g, 2, 0); /* nothing is new */
        assert_true(renewal.came == 0 && renewal.gone == 0 && renewal.asked == 0 && renewal.changed == 0);
        change(g, kind, 2, SIZE_MAX, 1);
        renew(g, 2, 0);
        change(g, kind, 0, SIZE_MAX, 0);
        renew(g, 2, 0);
        assert_int_equal(g->lists.n, 0);
        change(g, kind, 200, 0, 0);
        renew(g, 2, 0);
        finish(g);
        free(g);
    }
}

/* A point comes to a thousand: it alone is asked for. One goes: those that listed it are. */
static void few_rows_are_asked_for(void **test)
{
    struct query_renewal renewal;
    struct graph *g = malloc(sizeof *g);

    (void)test;
    assert_non_null(g);
    start(g, 1, SUPPORT_BOX, 1000, 8);
    change(g, SUPPORT_BOX, 1, 0, 0);
    renewal = renew(g, 2, 0);
    assert_int_equal(renewal.asked, 1);
    assert_in_range(renewal.changed, 2, 30);
    change(g, SUPPORT_BOX, 0, 1, 0);
    renewal = renew(g, 2, 0);
    assert_int_equal(renewal.gone, 1);
    assert_in_range(renewal.asked, 2, 30);
    assert_in_range(renewal.changed, renewal.asked, renewal.asked + 1);
    finish(g);
    free(g);
}

static int note_label(void *ctx, const struct query_change *change)
{
    int64_t *told = ctx;

    while (*told != -1) told++;
    *told = change->label;
    return 0;
}

/* A point moves to the other side of its neighbour, as far off as before: the list is the same, but whoever reckons with places is told. */
static void a_place_changes_and_no_list(void **test)
{
    static const double line[3][2] = { { 0, 0 }, { 1, 0 }, { 9, 0 } };
    int64_t told[8] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    struct support_batch batch;
    struct query_renewal renewal;
    struct pcct_error err = { 0, "" };
    uint32_t dead = 1;
    struct graph *g = malloc(sizeof *g);

    (void)test;
    assert_non_null(g);
    start(g, 1, SUPPORT_BOX, 0, 1);
    assert_int_equal(g->scene.metric.dim, 2);
    support_batch_start(&batch, &g->scene.metric, SUPPORT_BOX, 0, 3, NULL, 0, 21);
    memcpy(batch.points, line, sizeof line);
    support_plan(&g->scene.state, &batch.tree);
    support_batch_free(&batch);
    see_nodes(g);
    renew(g, 1, 0);
    support_batch_start(&batch, &g->scene.metric, SUPPORT_BOX, 3, 1, &dead, 1, 21);
    batch.points[0] = -1;
    batch.points[1] = 0;
    batch.labels[0] = index_label(&g->scene.state)[1];
    support_plan(&g->scene.state, &batch.tree);
    support_batch_free(&batch);
    see_nodes(g);
    support_ok(query_neighbours_renew(&renewal, &g->lists, &g->scene.state, g->node, &g->batch, note_label, told, &g->scene.env.env,
                                      NULL, &err), &err);
    assert_int_equal(renewal.changed, 3); /* what moved; its neighbour; the far one, to which it was nearest */
    for (int i = 0; i < 3; i++) assert_int_equal(told[i], g->lists.label[i]);
    finish(g);
    free(g);
}

static int distances(void *ctx, const struct base_env *env, struct pcct_error *err)
{
    struct graph *g = ctx;
    struct query_renewal renewal;
    int status = query_neighbours_renew(&renewal, &g->lists, &g->scene.state, g->node, &g->batch, NULL, NULL, env, NULL, err);

    if (status != 0) assert_int_equal(g->lists.n, g->rows); /* as it was */
    return status;
}

static int stop(void *ctx, double done)
{
    (void)ctx;
    (void)done;
    return 1;
}

static void without_memory_and_stopped(void **test)
{
    struct query_neighbours anew;
    struct pcct_error err = { 0, "" };
    struct graph *g = malloc(sizeof *g);

    (void)test;
    assert_non_null(g);
    start(g, 1, SUPPORT_GAUSS, N, 6);
    change(g, SUPPORT_GAUSS, 10, 5, 0);
    g->rows = g->lists.n;
    g->batch.progress = stop;
    assert_int_equal(distances(g, &g->scene.env.env, &err), PCCT_E_CANCELLED);
    g->batch.progress = NULL;
    assert_true(support_fail_each(&g->scene.env, distances, g) > 20);
    support_ok(query_neighbours_make(&anew, 6, &g->scene.state, g->node, &g->batch, &g->scene.env.env, NULL, &err), &err);
    expect_same(&g->lists, &anew);
    query_neighbours_free(&anew, &g->scene.env.env);
    finish(g);
    free(g);
}

/* Without boxes every row is asked for. */
static void custom_metrics(void **test)
{
    struct support_custom custom;
    struct pcct_error err = { 0, "" };
    struct query_renewal renewal = { 0, 0, 0, 0 };
    struct query_neighbours anew;
    struct metric metric, kept;
    struct graph *g = malloc(sizeof *g);

    (void)test;
    assert_non_null(g);
    start(g, 1, SUPPORT_BOX, N, 6);
    change(g, SUPPORT_BOX, 10, 5, 2);
    kept = g->scene.state.metric;
    support_custom_start(&custom, &metric, SUPPORT_PLAIN, g->scene.metric.dim, 0);
    g->scene.state.metric = metric;
    support_ok(query_neighbours_renew(&renewal, &g->lists, &g->scene.state, g->node, &g->batch, NULL, NULL, &g->scene.env.env, NULL, &err), &err);
    assert_int_equal(renewal.asked, g->lists.n);
    support_ok(query_neighbours_make(&anew, 6, &g->scene.state, g->node, &g->batch, &g->scene.env.env, NULL, &err), &err);
    expect_same(&g->lists, &anew);
    query_neighbours_free(&anew, &g->scene.env.env);
    g->scene.state.metric = kept;
    finish(g);
    free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_making_anew),
        cmocka_unit_test(few_rows_are_asked_for),
        cmocka_unit_test(a_place_changes_and_no_list),
        cmocka_unit_test(without_memory_and_stopped),
        cmocka_unit_test(custom_metrics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
