/* SPDX-License-Identifier: Apache-2.0 */
/* Training by epochs with the refresh beside the questions: a worker commits the next epoch and brings the lists to it while questions to the epoch
 * before go on; how much of its time is hidden so. */
#include "common/machine.h"
#include "common/options.h"
#include "common/random.h"
#include "common/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "epochs [--only NAMES] [--quick] [--repeats N] [--dir FOLDER] [--csv FILE] [--markdown]\n"
                           "  --only kernel,points   a new kernel each epoch; or 128 points more under the same one\n"
                           "One thread asks, one refreshes. update, questions: seconds of an epoch, one after the other; together: both at once;\n"
                           "hidden: the share of the update that the questions take in. ask50, ask99: milliseconds of 64 questions while nothing\n"
                           "else goes on, and while the update does.\n";

enum { N = 32768, QUICK_N = 4096, DIM = 3, M = 128, K = 30, BATCH = 64, MORE = 128, REPEATS = 5, LABELS_MOST = N + 64 * MORE, ASKED_MOST = 4096 };

/* What readers have of an epoch. */
struct epoch {
    pcct_view *view;
    pcct_gp *gp;
    pcct_neighbours *lists;
};

struct training {
    pcct_store *store;
    double *points, *inducing, lengthscale[DIM];
    size_t n, shown;        /* committed so far; those of `now` */
    int by_points;          /* an epoch is more points, not another kernel */
    struct epoch now, next;
    double update_seconds;
    int64_t *label, *found; /* of questions */
    double *distance;
    int64_t *first;         /* what the first questions found, and at what distances */
    double *first_distance;
    double alone[ASKED_MOST], beside[ASKED_MOST];
    size_t n_alone, n_beside;
    struct bench_random random;
};

static void open_epoch(struct training *t, struct epoch *epoch)
{
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;

    open.threads = 1;
    BENCH_MUST(pcct_view_open(&epoch->view, t->store, "main", &err));
    BENCH_MUST(pcct_gp_open(&epoch->gp, epoch->view, &open, &err));
}

static void close_epoch(struct epoch *epoch)
{
    pcct_neighbours_close(epoch->lists);
    pcct_gp_close(epoch->gp);
    pcct_view_close(epoch->view);
    memset(epoch, 0, sizeof *epoch);
}

static void commit(struct training *t, size_t points)
{
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    kernel.name = "matern52";
    kernel.lengthscale = t->lengthscale;
    kernel.inducing = t->inducing;
    kernel.m = M;
    BENCH_MUST(pcct_batch_begin(&batch, t->store, "main", NULL, &err));
    if (points > 0) BENCH_MUST(pcct_batch_insert(batch, t->points + t->n * DIM, points, NULL, &err));
    t->n += points;
    if (!t->by_points || t->n == points) BENCH_MUST(pcct_batch_set_kernel(batch, &kernel, &err));
    BENCH_MUST(pcct_batch_commit(&version, batch, NULL, &err));
    pcct_batch_close(batch);
}

/* The whole of an update: commit, features, lists. Readers keep `now` meanwhile. */
static void *update(void *ctx)
{
    struct training *t = ctx;
    struct pcct_neighbours_options how = PCCT_NEIGHBOURS_OPTIONS_INIT;
    const double began = bench_seconds();

    for (size_t j = 0; j < DIM && !t->by_points; j++) t->lengthscale[j] *= 1.02;
    commit(t, t->by_points ? MORE : 0);
    open_epoch(t, &t->next);
    how.threads = 1;
    how.gp = t->next.gp;
    BENCH_MUST(pcct_neighbours_copy(&t->next.lists, t->now.lists, &err));
    BENCH_MUST(pcct_neighbours_renew(NULL, t->next.lists, t->next.view, &how, NULL, NULL, &err));
    t->update_seconds = bench_seconds() - began;
    return NULL;
}

static void move(struct training *t)
{
    close_epoch(&t->now);
    t->now = t->next;
    memset(&t->next, 0, sizeof t->next);
    t->shown = t->n;
}

/* The epoch's first question once more: to the bit what it was. */
static void check_first(struct training *t, const struct pcct_gp_ask_options *ask)
{
    for (size_t i = 0; i < BATCH; i++) t->label[i] = (int64_t)(i * (N / 64) % t->shown);
    BENCH_MUST(pcct_gp_knn_stored(t->found, t->distance, t->now.gp, t->label, BATCH, K, ask, &err));
    if (t->first[0] >= 0 && (memcmp(t->found, t->first, BATCH * K * sizeof *t->found) != 0
                             || memcmp(t->distance, t->first_distance, BATCH * K * sizeof *t->distance) != 0)) {
        bench_die("an answer of an epoch changed while the next one was made");
    }
    memcpy(t->first, t->found, BATCH * K * sizeof *t->found);
    memcpy(t->first_distance, t->distance, BATCH * K * sizeof *t->distance);
}

/* So many times 64 questions to the epoch that is there. Returns seconds. */
static double ask(struct training *t, size_t batches, double *each, size_t *n_each)
{
    struct pcct_gp_ask_options how = PCCT_GP_ASK_OPTIONS_INIT;
    const double began = bench_seconds();

    how.threads = 1;
    how.exclude_self = 1;
    t->first[0] = -1;
    check_first(t, &how);
    for (size_t b = 2; b < batches; b++) {
        const double start = bench_seconds();

        for (size_t i = 0; i < BATCH; i++) t->label[i] = (int64_t)bench_random_below(&t->random, t->shown);
        BENCH_MUST(pcct_gp_knn_stored(t->found, t->distance, t->now.gp, t->label, BATCH, K, &how, &err));
        if (*n_each < ASKED_MOST) each[(*n_each)++] = 1e3 * (bench_seconds() - start);
    }
    check_first(t, &how);
    return bench_seconds() - began;
}

/* The lists that were brought here are those of a new graph. */
static void check_lists(const struct training *t)
{
    struct pcct_neighbours_rows rows = { .size = sizeof rows };
    struct pcct_gp_ask_options how = PCCT_GP_ASK_OPTIONS_INIT;
    int64_t *labels = bench_take(t->n * K, sizeof *labels);
    double *distances = bench_take(t->n * K, sizeof *distances);

    BENCH_MUST(pcct_neighbours_read(&rows, t->now.lists));
    BENCH_MUST(pcct_gp_graph(labels, distances, t->now.gp, K, &how, &err));
    if (rows.n != t->n || memcmp(labels, rows.labels, t->n * K * sizeof *labels) != 0
        || memcmp(distances, rows.distances, t->n * K * sizeof *distances) != 0) {
        bench_die("the lists are not those of a new graph");
    }
    free(labels);
    free(distances);
}

static void train(struct training *t, const struct bench_options *options, const char *name, int repeats)
{
    double updates = 0, questions = 0, together = 0;
    size_t batches = 4;

    update(t); /* once to warm up, and to see how long it takes */
    move(t);
    (void)ask(t, 4, t->alone, &t->n_alone);
    batches = (size_t)(1.3 * t->update_seconds / (ask(t, 16, t->alone, &t->n_alone) / 16)) + 4; /* for longer than the update */
    t->n_alone = 0;
    for (int i = 0; i < repeats; i++) {
        questions += ask(t, batches, t->alone, &t->n_alone);
        update(t);
        updates += t->update_seconds;
        move(t);
    }
    for (int i = 0; i < repeats; i++) {
        const double began = bench_seconds();
        pthread_t worker;

        if (pthread_create(&worker, NULL, update, t) != 0) bench_die("no thread to be had");
        ask(t, batches, t->beside, &t->n_beside);
        pthread_join(worker, NULL);
        move(t);
        together += bench_seconds() - began;
    }
    check_lists(t);
    bench_options_print(options, "%-7s %7zu %9zu %9.3f %10.3f %9.3f %7.1f %7.2f %7.2f %7.2f %7.2f\n", name, t->n, (batches - 2) * BATCH,
                        updates / repeats, questions / repeats, together / repeats, 100 * (updates + questions - together) / updates,
                        bench_percentile(t->alone, t->n_alone, 0.5), bench_percentile(t->alone, t->n_alone, 0.99),
                        bench_percentile(t->beside, t->n_beside, 0.5), bench_percentile(t->beside, t->n_beside, 0.99));
}

static void run(const struct bench_options *options, const char *name, int by_points)
{
    struct training *t = bench_take(1, sizeof *t);
    struct pcct_neighbours_options how = PCCT_NEIGHBOURS_OPTIONS_INIT;
    const int repeats = options->quick ? 1 : options->repeats > 0 ? options->repeats : REPEATS;
    char path[4096];

    t->by_points = by_points;
    t->points = bench_take((size_t)LABELS_MOST * DIM, sizeof *t->points);
    t->inducing = bench_take((size_t)M * DIM, sizeof *t->inducing);
    t->label = bench_take(BATCH, sizeof *t->label);
    t->found = bench_take((size_t)BATCH * K, sizeof *t->found);
    t->first = bench_take((size_t)BATCH * K, sizeof *t->first);
    t->distance = bench_take((size_t)BATCH * K, sizeof *t->distance);
    t->first_distance = bench_take((size_t)BATCH * K, sizeof *t->first_distance);
    bench_points(t->points, BENCH_GAUSSIAN, LABELS_MOST, DIM, 1);
    bench_points(t->inducing, BENCH_GAUSSIAN, M, DIM, 3);
    for (size_t j = 0; j < DIM; j++) t->lengthscale[j] = 0.9;
    snprintf(path, sizeof path, "%s/%s", bench_folder(options->dir), name);
    t->store = bench_store_new(path, DIM, 1);
    commit(t, options->quick ? QUICK_N : N);
    open_epoch(t, &t->now);
    t->shown = t->n;
    how.gp = t->now.gp;
    BENCH_MUST(pcct_neighbours_open(&t->now.lists, t->now.view, K, &how, &err));
    train(t, options, name, repeats);
    close_epoch(&t->now);
    pcct_store_close(t->store);
    free(t->points);
    free(t->inducing);
    free(t->label);
    free(t->found);
    free(t->first);
    free(t->distance);
    free(t->first_distance);
    free(t);
}

int main(int argc, char **argv)
{
    struct bench_options options;

    bench_options_read(&options, argc, argv, help);
    if (options.repeats > 16) bench_die("--repeats: at most 16, for the points that there are");
    bench_options_head(&options, "%-7s %7s %9s %9s %10s %9s %7s %7s %7s %7s %7s\n", "epoch", "n", "questions", "update_s", "question_s", "together",
                       "hidden%", "ask50", "ask99", "ask50+", "ask99+");
    if (bench_options_wants(&options, "kernel")) run(&options, "kernel", 0);
    if (bench_options_wants(&options, "points")) run(&options, "points", 1);
    bench_options_end(&options);
    return 0;
}
