/* SPDX-License-Identifier: Apache-2.0 */
/* Is the tree the right one, and how many distances does it take? The library's tree against plain sequential insertion, node by node. */
#include "common/cases.h"
#include "common/machine.h"
#include "common/options.h"
#include "common/random.h"
#include "common/sequential.h"
#include "common/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
    "oracle: the library's cover tree against sequential insertion (cover sets after Elkin and Kurlin; brute force), node by node\n"
    "  --n 1000,10000      points; with --d and --data: all combinations. Default: a list of cases\n"
    "  --d 2,3             columns\n"
    "  --data NAME,NAME    gaussian uniform clusters manifold lattice line spread6 spread12 cities\n"
    "  --cities FILE       CSV, gzip or plain, the last columns latitude and longitude: the data `cities`\n"
    "  --threads 1,2       the most of them is used for commits\n"
    "  --quick             few points\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n";

enum { POINT_SEED = 1, STORE_SEED = 1, CHOICE_SEED = 9, BRUTE_MOST = 20000, PATH_BYTES = 4200 };

struct trial {
    const struct bench_options *options;
    const char *path; /* of the store */
    enum bench_shape shape;
    size_t n, dim;
};

/* What the two commits of a trial took: three quarters of the points, then the rest. */
struct ours {
    pcct_store *store;
    double plan_seconds, distances;
};

static void read_tree(struct bench_tree *tree, pcct_store *store)
{
    pcct_view *view = NULL;

    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    bench_tree_read(tree, view);
    pcct_view_close(view);
}

static void insert_part(struct ours *ours, const struct trial *trial, const double *points, size_t first, size_t n)
{
    struct bench_commit commit;

    bench_store_commit(&commit, ours->store, points + first * trial->dim, n, (int64_t)first, NULL, 0);
    ours->plan_seconds += commit.plan_seconds;
    ours->distances += (double)commit.distances;
}

/* Every fourth point, and the root. */
static void delete_some(struct ours *ours, const struct bench_tree *tree)
{
    int64_t *label = bench_take(tree->n, sizeof *label);
    struct bench_random random = { CHOICE_SEED };
    struct bench_commit commit;
    size_t count = 0;

    for (size_t i = 0; i < tree->n; i++) {
        if (tree->parent[i] == BENCH_ROOT || bench_random_below(&random, 4) == 0) label[count++] = (int64_t)i;
    }
    bench_store_commit(&commit, ours->store, NULL, 0, 0, label, count);
    free(label);
}

static uint64_t judge(const struct trial *trial, const char *whose, const struct bench_tree *tree)
{
    char first[128];
    uint64_t violations = bench_tree_check(first, tree);

    if (violations) {
        fprintf(stderr, "%s, %s n=%zu d=%zu: %llu violations, the first: %s\n", whose, bench_shape_name(trial->shape), trial->n, trial->dim,
                (unsigned long long)violations, first);
    }
    return violations;
}

/* Of the two sequential programs, and what came of comparing. */
struct verdict {
    double cover_seconds, brute_seconds; /* brute: negative when it was left out */
    double cover_distances;
    uint64_t differ, broken;
};

static void sequential(struct verdict *verdict, const struct trial *trial, const struct bench_tree *tree, size_t part)
{
    struct bench_sequential cover, brute;
    double start = bench_seconds();

    bench_sequential_init(&cover, tree->points, trial->n, trial->dim);
    bench_sequential_cover_sets(&cover, 0, part, STORE_SEED);
    bench_sequential_cover_sets(&cover, part, trial->n - part, STORE_SEED);
    verdict->cover_seconds = bench_seconds() - start;
    verdict->cover_distances = (double)cover.distances;
    verdict->differ += bench_tree_differences(tree, &cover.tree);
    verdict->broken += judge(trial, "sequential insertion", &cover.tree);
    verdict->brute_seconds = -1;
    if (trial->n <= BRUTE_MOST) {
        start = bench_seconds();
        bench_sequential_init(&brute, tree->points, trial->n, trial->dim);
        bench_sequential_brute(&brute, 0, part, STORE_SEED);
        bench_sequential_brute(&brute, part, trial->n - part, STORE_SEED);
        verdict->brute_seconds = bench_seconds() - start;
        verdict->differ += bench_tree_differences(tree, &brute.tree);
        bench_sequential_free(&brute);
    }
    bench_sequential_free(&cover);
}

static uint64_t run(const struct trial *trial)
{
    double *points = bench_take(trial->n * trial->dim, sizeof *points), n = (double)trial->n, logarithm = log2(n);
    size_t part = trial->n - trial->n / 4;
    struct verdict verdict = { 0 };
    struct bench_tree tree;
    struct ours ours = { 0 };
    char brute_seconds[16] = "-";

    bench_points(points, trial->shape, trial->n, trial->dim, POINT_SEED);
    bench_tree_init(&tree, points, trial->n, trial->dim);
    ours.store = bench_store_new(trial->path, trial->dim, bench_options_most_threads(trial->options));
    insert_part(&ours, trial, points, 0, part);
    insert_part(&ours, trial, points, part, trial->n - part);
    read_tree(&tree, ours.store);
    verdict.broken += judge(trial, "the library", &tree);
    sequential(&verdict, trial, &tree, part);
    delete_some(&ours, &tree);
    read_tree(&tree, ours.store);
    verdict.broken += judge(trial, "the library after deletes", &tree);
    if (verdict.brute_seconds >= 0) snprintf(brute_seconds, sizeof brute_seconds, "%.3f", verdict.brute_seconds);
    bench_options_print(trial->options, "%-9s %7zu %3zu %8.4f %8.3f %8s %9.1f %9.1f %11.2f %12.2f %9.0f %7llu %7llu\n",
                        bench_shape_name(trial->shape), trial->n, trial->dim, ours.plan_seconds, verdict.cover_seconds, brute_seconds,
                        ours.distances / n, verdict.cover_distances / n, ours.distances / (n * logarithm),
                        verdict.cover_distances / (n * logarithm), (n - 1) / 2, (unsigned long long)verdict.differ,
                        (unsigned long long)verdict.broken);
    pcct_store_close(ours.store);
    bench_remove(trial->path);
    bench_tree_free(&tree);
    free(points);
    return verdict.differ + verdict.broken;
}

int main(int argc, char **argv)
{
    static const struct bench_case list[] = {
        { BENCH_GAUSSIAN, 1000, 3 },   { BENCH_GAUSSIAN, 10000, 3 }, { BENCH_GAUSSIAN, 100000, 3 }, { BENCH_GAUSSIAN, 1000, 8 },
        { BENCH_GAUSSIAN, 10000, 8 },  { BENCH_GAUSSIAN, 32768, 8 }, { BENCH_UNIFORM, 100000, 2 },  { BENCH_CLUSTERS, 20000, 8 },
        { BENCH_MANIFOLD, 10000, 64 }, { BENCH_LATTICE, 20000, 3 },  { BENCH_LATTICE, 20000, 8 },   { BENCH_LINE, 20000, 3 },
        { BENCH_SPREAD6, 20000, 3 },   { BENCH_SPREAD12, 20000, 3 }, { BENCH_SPREAD12, 20000, 8 },  { BENCH_CITIES, 100000, 3 },
    };
    struct bench_options options;
    struct bench_case *cases = NULL;
    char path[PATH_BYTES];
    uint64_t wrong = 0;
    size_t count = 0;

    bench_options_read(&options, argc, argv, help);
    cases = bench_cases(&count, &options, list, sizeof list / sizeof *list, 2000);
    snprintf(path, sizeof path, "%s/store", bench_folder(options.dir));
    bench_options_head(&options, "%-9s %7s %3s %8s %8s %8s %9s %9s %11s %12s %9s %7s %7s\n", "data", "n", "d", "plan_s", "cover_s",
                       "brute_s", "pcct_d/n", "cover_d/n", "pcct_d/nlog", "cover_d/nlog", "brute_d/n", "differ", "broken");
    for (size_t i = 0; i < count; i++) {
        struct trial trial = { &options, path, cases[i].shape, cases[i].n, cases[i].dim };

        wrong += run(&trial);
    }
    free(cases);
    bench_options_end(&options);
    if (wrong) bench_die("%llu nodes are wrong", (unsigned long long)wrong);
    return 0;
}
