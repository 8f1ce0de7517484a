/* SPDX-License-Identifier: Apache-2.0 */
/* The tree as callers see it: nets, levels, nodes, children, paths, the walk and its figures, at several versions of random data. */
#include "common.h"

enum { MOST = 1200, DIMS = 3, VERSIONS = 6 };

struct scene {
    char *folder, *path;
    pcct_store *store;
    uint32_t dim;
    const char *metric;
    int sphere, directions; /* haversine; or cosine, angular */
};

/* A label for every draw, neither ascending nor free of negative ones; never -1. */
static int64_t label_of(uint64_t i)
{
    return (int64_t)(i * 7919 % 10007) * 3 - 9000;
}

static void draw(double *point, const struct scene *s, int shape, struct random_numbers *r)
{
    double size = exp2(-(double)random_below(r, 30));

    for (uint32_t j = 0; j < s->dim; j++) {
        double x = random_unit(r);

        if (s->sphere) point[j] = (x - 0.5) * (j == 0 ? 180 : 360);
        else if (shape == 0) point[j] = 8 * x - 4;
        else if (shape == 1) point[j] = floor(6 * x); /* many twins */
        else point[j] = size * (x - 0.5);             /* over nine decades */
    }
}

/* Six versions, each with 200 points more and some of the older ones less. */
static void start(struct scene *s, const char *metric, uint32_t dim, int shape)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct random_numbers r = { dim + 10u * (unsigned)shape };
    struct pcct_error err = { 0, "" };

    *s = (struct scene){ .folder = folder_new(), .dim = dim, .metric = metric, .sphere = strcmp(metric, "haversine") == 0 };
    s->directions = strcmp(metric, "cosine") == 0 || strcmp(metric, "angular") == 0;
    s->path = path_join(s->folder, "store");
    options.dim = dim;
    options.metric = metric;
    OK(pcct_store_create(s->path, &options, &err));
    OK(pcct_store_open(&s->store, s->path, NULL, &err));
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        pcct_batch *batch = NULL;
        uint64_t made = 0;

        OK(pcct_batch_begin(&batch, s->store, "main", NULL, &err));
        for (uint64_t i = (v - 1) * 200; i < v * 200; i++) {
            double point[DIMS];
            int64_t label = label_of(i);

            draw(point, s, shape, &r);
            OK(pcct_batch_insert(batch, point, 1, &label, &err));
        }
        for (uint64_t i = v > 1 ? (v - 2) * 200 : 0; v > 1 && i < (v - 1) * 200; i += 1 + random_below(&r, 4)) {
            int64_t label = label_of(i);

            OK(pcct_batch_delete(batch, &label, 1, &err));
        }
        OK(pcct_batch_commit(&made, batch, NULL, &err));
        pcct_batch_close(batch);
    }
}

static void finish(struct scene *s)
{
    pcct_store_close(s->store);
    free(s->path);
    folder_free(s->folder);
}

/* ---- what a walk shows, to compare everything else with ------------------------------------------------------------------------------------ */

struct seen {
    struct pcct_node_info node[MOST];
    size_t n;
};

static int take_down(void *ctx, const struct pcct_node_info *node)
{
    struct seen *seen = ctx;

    CHECK(seen->n < MOST, "too many nodes");
    seen->node[seen->n++] = *node;
    return 0;
}

static const struct pcct_node_info *find(const struct seen *seen, int64_t label)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->node[i].label == label) return &seen->node[i];
    }
    return NULL;
}

static double size_of(const struct scene *s, const double *a)
{
    double sum = 0;

    for (uint32_t j = 0; j < s->dim && s->directions; j++) sum += a[j] * a[j];
    return s->directions ? sqrt(sum) : 1;
}

/* In the inner unit. Haversine: the chord, by the C library, hence not to the last bit. */
static double between(const struct scene *s, const double *a, const double *b)
{
    double key = 0, p = size_of(s, a), q = size_of(s, b);

    if (strcmp(s->metric, "manhattan") == 0) {
        for (uint32_t j = 0; j < s->dim; j++) key += fabs(a[j] - b[j]);
        return key;
    }
    if (strcmp(s->metric, "chebyshev") == 0) {
        for (uint32_t j = 0; j < s->dim; j++) key = fmax(key, fabs(a[j] - b[j]));
        return key;
    }
    if (s->sphere) {
        double to = acos(-1) / 180, h = sin((a[0] - b[0]) * to / 2), w = sin((a[1] - b[1]) * to / 2);

        return 2 * sqrt(h * h + cos(a[0] * to) * cos(b[0] * to) * w * w);
    }
    for (uint32_t j = 0; j < s->dim; j++) key += (a[j] / p - b[j] / q) * (a[j] / p - b[j] / q);
    return sqrt(key);
}

static void expect_walk(const struct seen *seen, const struct scene *s, const pcct_view *view)
{
    static int64_t labels[MOST];
    static double points[MOST * DIMS];
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };

    OK(pcct_view_describe(&info, view));
    OK(pcct_view_read(labels, points, view, &err));
    CHECK(seen->n == info.n_live, "%zu of %" PRIu64 " points", seen->n, info.n_live);
    for (size_t i = 0; i < seen->n; i++) {
        const struct pcct_node_info *node = find(seen, labels[i]); /* labels are distinct, so that each point is there just once */

        CHECK(node != NULL, "label %" PRId64 " is left out", labels[i]);
        CHECK(memcmp(node->point, points + i * s->dim, s->dim * sizeof *points) == 0, "the point of %" PRId64, labels[i]);
    }
    for (size_t i = 0; i < seen->n; i++) {
        const struct pcct_node_info *node = &seen->node[i], *parent = i ? find(seen, node->parent) : NULL;
        double d = parent ? between(s, node->point, parent->point) : 0;

        CHECK((i == 0) == (node->parent == -1) && (i > 0 || (node->depth == 0 && node->label == info.root_label)), "the root comes first");
        if (!parent) continue;
        CHECK(parent < node && node->depth == parent->depth + 1, "%" PRId64 " before its parent", node->label);
        CHECK(fabs(d - node->distance) <= 1e-12, "distance %g in place of %g", node->distance, d);
        CHECK(parent->level > node->level && parent->twin == 0, "levels %d under %d", node->level, parent->level);
        CHECK(node->twin == (node->level == PCCT_LEVEL_TWIN), "twin %d at level %d", node->twin, node->level);
        CHECK(node->twin ? d < 1e-12 && node->children == 0 : node->distance > 0, "twin %d at distance %g", node->twin, node->distance);
        CHECK(node->twin || node->distance <= ldexp(1, node->level + 1), "%g at level %d", node->distance, node->level);
    }
}

/* Canonical order shows in the walk: levels ascend among the children of a node, twins come last. */
static void expect_lists(const struct seen *seen, const struct scene *s, const pcct_view *view)
{
    static int64_t child[MOST], path[MOST], expected[MOST];
    struct pcct_error err = { 0, "" };

    for (size_t i = 0; i < seen->n; i++) {
        const struct pcct_node_info *node = &seen->node[i];
        struct pcct_node_info again = { .size = sizeof again };
        size_t n = 0, count = 0;
        int last = PCCT_LEVEL_MIN - 1;

        for (size_t j = i + 1; j < seen->n && seen->node[j].depth > node->depth; j++) {
            const struct pcct_node_info *below = &seen->node[j];

            CHECK(between(s, node->point, below->point) <= node->radius + 1e-12, "radius of %" PRId64, node->label);
            if (below->parent != node->label) continue;
            CHECK((below->twin ? PCCT_LEVEL_MAX + 1 : below->level) >= last, "order below %" PRId64, node->label);
            last = below->twin ? PCCT_LEVEL_MAX + 1 : below->level;
            expected[n++] = below->label;
        }
        CHECK(node->children == n, "%" PRIu64 " children in place of %zu", node->children, n);
        OK(pcct_children(NULL, &count, view, node->label, &err));
        CHECK(count == n, "%zu in place of %zu", count, n);
        OK(pcct_children(child, &count, view, node->label, &err));
        CHECK(count == n && memcmp(child, expected, n * sizeof *child) == 0, "children of %" PRId64, node->label);
        OK(pcct_path(NULL, &count, view, node->label, &err));
        CHECK(count == node->depth + 1, "%zu steps", count);
        OK(pcct_path(path, &count, view, node->label, &err));
        CHECK(count == node->depth + 1 && path[count - 1] == seen->node[0].label, "the path ends elsewhere");
        for (size_t j = 0; j < count; j++) {
            CHECK(path[j] == (j == 0 ? node->label : find(seen, path[j - 1])->parent), "step %zu from %" PRId64, j, node->label);
        }
        OK(pcct_node_describe(&again, view, node->label, &err));
        CHECK(memcmp(&again, node, sizeof again) == 0, "%" PRId64 " is described otherwise", node->label);
    }
}

static int label_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* The net of a level holds the right labels; it is separated and covers. The rounding of the distances here is allowed for. */
static void expect_net(const struct seen *seen, const struct scene *s, const pcct_view *view, int level)
{
    static int64_t net[MOST], expected[MOST];
    static const double *place[MOST];
    double slack = s->sphere || s->directions ? 1e-12 : 0;
    struct pcct_error err = { 0, "" };
    size_t n = 0, count = 0;

    for (size_t i = 0; i < seen->n; i++) {
        if (i == 0 || seen->node[i].level >= level) expected[n++] = seen->node[i].label;
    }
    qsort(expected, n, sizeof *expected, label_order);
    OK(pcct_net(NULL, &count, view, level, &err));
    CHECK(count == n, "level %d: %zu in place of %zu", level, count, n);
    OK(pcct_net(net, &count, view, level, &err));
    CHECK(count == n && memcmp(net, expected, n * sizeof *net) == 0, "level %d", level);
    for (size_t i = 0; i < n; i++) {
        place[i] = find(seen, net[i])->point;
        for (size_t j = 0; j < i; j++) {
            double d = between(s, place[i], place[j]);

            CHECK(d > ldexp(1, level) * (1 - 1e-12) - slack, "level %d: %" PRId64 " and %" PRId64 " at %g", level, net[i], net[j], d);
        }
    }
    for (size_t i = 0; i < seen->n; i++) {
        double nearest = INFINITY;

        for (size_t j = 0; j < n; j++) nearest = fmin(nearest, between(s, seen->node[i].point, place[j]));
        CHECK(nearest < ldexp(1, level + 1) * (1 + 1e-12) + slack, "level %d: %" PRId64 " at %g", level, seen->node[i].label, nearest);
    }
}

/* The levels tell how the nets grow. */
static void expect_levels(const struct seen *seen, const struct scene *s, const pcct_view *view)
{
    static struct pcct_level levels[2 * PCCT_LEVEL_MAX + 1];
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    uint64_t nodes = 0;
    size_t n = 0;

    OK(pcct_view_describe(&info, view));
    OK(pcct_levels(NULL, &n, view, &err));
    CHECK(n == info.levels, "%zu levels in place of %u", n, info.levels);
    OK(pcct_levels(levels, &n, view, &err));
    CHECK(n == info.levels, "%zu levels in place of %u", n, info.levels);
    for (size_t i = 0; i < n; i++) {
        size_t count = 0;

        CHECK(i == 0 || levels[i].level < levels[i - 1].level, "order of level %zu", i);
        CHECK(levels[i].nodes > 0 && levels[i].reserved == 0, "level %d", levels[i].level);
        nodes += levels[i].nodes;
        OK(pcct_net(NULL, &count, view, levels[i].level, &err));
        CHECK(count == nodes, "level %d: a net of %zu, not %" PRIu64, levels[i].level, count, nodes);
        if (i % 3 == 0 || i == n - 1) expect_net(seen, s, view, levels[i].level);
    }
    CHECK(nodes == info.n_live - info.twins, "%" PRIu64 " nodes", nodes);
    CHECK(n == 0 || (levels[0].level == info.level_max && levels[n - 1].level == info.level_min && levels[0].nodes == 1), "the ends");
    expect_net(seen, s, view, PCCT_LEVEL_MIN);
    expect_net(seen, s, view, n ? levels[0].level + 1 : 0); /* above the root: the root alone */
    expect_net(seen, s, view, PCCT_LEVEL_MAX - 1);
}

static void expect_figures(const struct seen *seen, const pcct_view *view)
{
    struct pcct_tree_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    uint64_t inner = 0, twins = 0, depth = 0, children = 0;
    double depths = 0, radii = 0;

    for (size_t i = 0; i < seen->n; i++) {
        const struct pcct_node_info *node = &seen->node[i];

        twins += (uint64_t)node->twin;
        depths += (double)node->depth;
        depth = node->depth > depth ? node->depth : depth;
        children = node->children > children ? node->children : children;
        if (node->children == 0) continue;
        inner++;
        radii += node->radius / exp2(node->level + 1);
    }
    OK(pcct_tree_describe(&info, view, &err));
    CHECK(info.nodes == seen->n && info.inner == inner && info.twins == twins, "%" PRIu64 " nodes", info.nodes);
    CHECK(info.depth_max == depth && info.children_max == children, "depth %" PRIu64 ", children %" PRIu64, info.depth_max, info.children_max);
    CHECK(fabs(info.depth_mean - (seen->n ? depths / (double)seen->n : 0)) < 1e-9, "%g", info.depth_mean);
    CHECK(fabs(info.children_mean - (inner ? (double)(seen->n - 1) / (double)inner : 0)) < 1e-9, "%g", info.children_mean);
    CHECK(fabs(info.radius_mean - (inner ? radii / (double)inner : 0)) < 1e-9 * (1 + info.radius_mean), "%g", info.radius_mean);
}

static void check_version(const struct scene *s, uint64_t v)
{
    static struct seen seen;
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    char revision[32];

    snprintf(revision, sizeof revision, "v%" PRIu64, v);
    OK(pcct_view_open(&view, s->store, revision, &err));
    seen.n = 0;
    OK(pcct_walk(view, take_down, &seen, &err));
    expect_walk(&seen, s, view);
    expect_lists(&seen, s, view);
    expect_levels(&seen, s, view);
    expect_figures(&seen, view);
    pcct_view_close(view);
}

static void every_version_holds_together(void **test)
{
    (void)test;
    for (int shape = 0; shape < 3; shape++) {
        struct scene s;

        start(&s, "euclidean", 2 + (uint32_t)shape % 2, shape);
        for (uint64_t v = 1; v <= VERSIONS; v += v == 1 ? 1 : 2) check_version(&s, v);
        finish(&s);
    }
}

static void in_every_metric(void **test)
{
    static const char *const metrics[] = { "haversine", "manhattan", "chebyshev", "cosine", "angular" };

    (void)test;
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        struct scene s;

        start(&s, metrics[i], i == 0 ? 2 : 3, 0);
        check_version(&s, 2);
        check_version(&s, VERSIONS);
        finish(&s);
    }
}

/* ---- the edges ------------------------------------------------------------------------------------------------------------------------------ */

static void the_empty_version(void **test)
{
    struct pcct_tree_info info = { .size = sizeof info };
    struct pcct_node_info node = { .size = sizeof node };
    struct pcct_error err = { 0, "" };
    struct seen *seen = calloc(1, sizeof *seen);
    pcct_view *view = NULL;
    int64_t label = 77;
    struct scene s;
    size_t n = 5;

    (void)test;
    CHECK(seen != NULL, "memory");
    start(&s, "euclidean", 2, 0);
    OK(pcct_view_open(&view, s.store, "v0", &err));
    OK(pcct_net(NULL, &n, view, 0, &err));
    CHECK(n == 0, "%zu", n);
    OK(pcct_net(&label, &n, view, PCCT_LEVEL_MAX, &err));
    CHECK(n == 0 && label == 77, "%zu", n);
    n = 5;
    OK(pcct_levels(NULL, &n, view, &err));
    CHECK(n == 0, "%zu", n);
    OK(pcct_walk(view, take_down, seen, &err));
    CHECK(seen->n == 0, "%zu", seen->n);
    OK(pcct_tree_describe(&info, view, &err));
    CHECK(info.nodes == 0 && info.inner == 0 && info.depth_mean == 0 && info.children_mean == 0 && info.radius_mean == 0, "%g", info.depth_mean);
    FAILS(PCCT_E_UNKNOWN, pcct_node_describe(&node, view, label_of(0), &err));
    FAILS(PCCT_E_UNKNOWN, pcct_children(NULL, &n, view, label_of(0), &err));
    FAILS(PCCT_E_UNKNOWN, pcct_path(NULL, &n, view, label_of(0), &err));
    pcct_view_close(view);
    finish(&s);
    free(seen);
}

static int stop_at(void *ctx, const struct pcct_node_info *node)
{
    (void)node;
    return --*(int *)ctx == 0 ? -5 : 0;
}

static void a_walk_can_be_stopped(void **test)
{
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    struct scene s;

    (void)test;
    start(&s, "euclidean", 2, 0);
    OK(pcct_view_open(&view, s.store, "main", &err));
    for (int stop = 1; stop < 9; stop += 3) {
        int left = stop;

        OK(pcct_walk(view, stop_at, &left, &err));
        CHECK(left == 0, "%d of %d", left, stop);
    }
    pcct_view_close(view);
    finish(&s);
}

static void bad_input(void **test)
{
    struct pcct_node_info node = { .size = sizeof node };
    struct pcct_node_info sizeless = { .size = 0 };
    struct pcct_tree_info no_size = { .size = 0 };
    struct { size_t size; int64_t label, parent; } shorter = { sizeof shorter, 0, 0 };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    struct scene s;
    size_t n = 0;
    int64_t dead = label_of(0); /* deleted by version 2 */

    (void)test;
    start(&s, "euclidean", 2, 0);
    OK(pcct_view_open(&view, s.store, "main", &err));
    FAILS(PCCT_E_INVALID, pcct_net(NULL, &n, view, PCCT_LEVEL_MAX + 1, &err));
    CHECK(strstr(err.message, "1024") && strstr(err.message, "-1023"), "%s", err.message);
    FAILS(PCCT_E_INVALID, pcct_net(NULL, &n, view, PCCT_LEVEL_MIN - 1, &err));
    FAILS(PCCT_E_INVALID, pcct_net(NULL, &n, view, INT32_MAX, &err));
    FAILS(PCCT_E_INVALID, pcct_net(NULL, &n, view, INT32_MIN, &err));
    FAILS(PCCT_E_INVALID, pcct_net(NULL, NULL, view, 0, &err));
    FAILS(PCCT_E_INVALID, pcct_levels(NULL, NULL, view, &err));
    FAILS(PCCT_E_INVALID, pcct_children(NULL, NULL, view, label_of(1100), &err));
    FAILS(PCCT_E_INVALID, pcct_path(NULL, NULL, view, label_of(1100), &err));
    FAILS(PCCT_E_INVALID, pcct_walk(view, NULL, NULL, &err));
    FAILS(PCCT_E_UNKNOWN, pcct_node_describe(&node, view, dead, &err));
    CHECK(strstr(err.message, "-9000"), "%s", err.message);
    FAILS(PCCT_E_UNKNOWN, pcct_node_describe(&node, view, -1, &err));
    FAILS(PCCT_E_UNKNOWN, pcct_children(NULL, &n, view, dead, &err));
    FAILS(PCCT_E_UNKNOWN, pcct_path(NULL, &n, view, INT64_MAX, &err));
    FAILS(PCCT_E_INVALID, pcct_node_describe(NULL, view, label_of(1100), &err));
    FAILS(PCCT_E_INVALID, pcct_node_describe(&sizeless, view, label_of(1100), &err));
    FAILS(PCCT_E_INVALID, pcct_tree_describe(NULL, view, &err));
    FAILS(PCCT_E_INVALID, pcct_tree_describe(&no_size, view, &err));
    /* the structure of an older caller, who knows less of it */
    OK(pcct_node_describe((struct pcct_node_info *)(void *)&shorter, view, label_of(1100), &err));
    CHECK(shorter.size == sizeof shorter && shorter.label == label_of(1100), "%" PRId64, shorter.label);
    CHECK(pcct_net(NULL, &n, view, 2000, NULL) == PCCT_E_INVALID, "without a place for the message");
    pcct_view_close(view);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_holds_together), cmocka_unit_test(in_every_metric), cmocka_unit_test(the_empty_version),
        cmocka_unit_test(a_walk_can_be_stopped), cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
