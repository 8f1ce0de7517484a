/* SPDX-License-Identifier: Apache-2.0 */
/* A custom metric: edit distance over a list of words. How many distances a commit and a query evaluate, all answers checked against brute force. */
#include "common/machine.h"
#include "common/options.h"
#include "common/random.h"
#include "common/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "words [--quick] [--threads 1,2] [--dir FOLDER] [--csv FILE]\n"
                           "Reads /usr/share/dict/words (Debian: wbritish, wamerican), or the file in the variable WORDS.\n";

enum { WORDS = 20000, QUERIES = 200, K = 5, LETTERS = 63 };

/* Words in random order: the first n are points, those after them queries that are no points. */
struct list {
    char (*word)[LETTERS + 1];
    size_t n, queries;
};

static double edit_distance(void *ctx, const double *a, const double *b)
{
    const struct list *list = ctx;
    const char *x = list->word[(size_t)*a], *y = list->word[(size_t)*b];
    size_t columns = strlen(y);
    int line[LETTERS + 1];

    for (size_t j = 0; j <= columns; j++) line[j] = (int)j;
    for (size_t i = 0; x[i]; i++) {
        int corner = line[0];

        line[0] = (int)i + 1;
        for (size_t j = 1; j <= columns; j++) {
            int change = corner + (x[i] != y[j - 1]), least = (line[j] < line[j - 1] ? line[j] : line[j - 1]) + 1;

            corner = line[j];
            line[j] = change < least ? change : least;
        }
    }
    return line[columns];
}

static size_t count_lines(FILE *file)
{
    size_t n = 0;

    for (int c = getc(file); c != EOF; c = getc(file)) n += c == '\n';
    rewind(file);
    return n;
}

static void list_read(struct list *list, size_t n)
{
    const char *path = getenv("WORDS") ? getenv("WORDS") : "/usr/share/dict/words";
    struct bench_random random = { 1 };
    FILE *file = fopen(path, "r");
    size_t lines = 0;
    char line[1024];

    if (!file) bench_die("%s cannot be read: install wbritish, or name a list of words in the variable WORDS", path);
    lines = count_lines(file);
    if (lines < 8) bench_die("%s has %zu lines; that is no list of words", path, lines);
    list->queries = lines < n + QUERIES ? lines / 4 : QUERIES; /* of a short list all */
    list->n = lines < n + QUERIES ? lines - list->queries : n;
    list->word = bench_take(lines, sizeof *list->word);
    for (size_t i = 0; i < lines && fgets(line, sizeof line, file); i++) {
        line[strcspn(line, "\n")] = '\0';
        memcpy(list->word[i], line, strnlen(line, LETTERS));
    }
    fclose(file);
    for (size_t i = 0; i < list->n + list->queries; i++) {
        size_t j = i + bench_random_below(&random, lines - i);
        char swap[LETTERS + 1];

        memcpy(swap, list->word[i], sizeof swap);
        memcpy(list->word[i], list->word[j], sizeof swap);
        memcpy(list->word[j], swap, sizeof swap);
    }
}

static uint64_t build(double *seconds, pcct_store **store, const char *path, const struct pcct_metric *metric, const struct list *list, int threads)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_stats stats = { .size = sizeof stats };
    pcct_batch *batch = NULL;
    uint64_t version;
    double *row = bench_take(list->n, sizeof *row);

    create.dim = 1;
    create.custom = metric;
    open.custom = metric;
    open.threads = threads;
    for (size_t i = 0; i < list->n; i++) row[i] = (double)i;
    BENCH_MUST(pcct_store_create(path, &create, &err));
    BENCH_MUST(pcct_store_open(store, path, &open, &err));
    BENCH_MUST(pcct_batch_begin(&batch, *store, "main", NULL, &err));
    BENCH_MUST(pcct_batch_insert(batch, row, list->n, NULL, &err));
    *seconds = bench_seconds();
    BENCH_MUST(pcct_batch_commit(&version, batch, NULL, &err));
    *seconds = bench_seconds() - *seconds;
    pcct_batch_stats(&stats, batch);
    pcct_batch_close(batch);
    free(row);
    return stats.evaluations;
}

/* The k nearest by comparing with all words; ties to the lesser label. */
static void brute(int64_t *labels, double *distances, const struct list *list, size_t query)
{
    double q = (double)query;
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        double row = (double)i, d = edit_distance((void *)(uintptr_t)list, &q, &row);
        size_t place = n < K ? n++ : K;

        for (; place > 0 && d < distances[place - 1]; place--) {
            if (place == K) continue;
            distances[place] = distances[place - 1];
            labels[place] = labels[place - 1];
        }
        if (place == K) continue;
        distances[place] = d;
        labels[place] = (int64_t)i;
    }
}

static size_t differences(const int64_t *labels, const double *distances, const struct list *list)
{
    size_t wrong = 0;

    for (size_t i = 0; i < list->queries; i++) {
        double right_distances[K];
        int64_t right_labels[K];

        brute(right_labels, right_distances, list, list->n + i);
        wrong += memcmp(right_labels, labels + i * K, sizeof right_labels) != 0 ||
                 memcmp(right_distances, distances + i * K, sizeof right_distances) != 0;
    }
    return wrong;
}

/* Whether all was right. */
static int run(const struct bench_options *options, const struct list *list, int threads, const char *folder)
{
    struct pcct_metric metric = { sizeof metric, "edit-distance", edit_distance, NULL, (void *)(uintptr_t)list };
    struct pcct_knn_options knn = PCCT_KNN_OPTIONS_INIT;
    struct pcct_verify_options verify = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result sound = { .size = sizeof sound };
    double *queries = bench_take(list->queries, sizeof *queries), *distances = bench_take(list->queries * K, sizeof *distances);
    int64_t *labels = bench_take(list->queries * K, sizeof *labels);
    double built = 0, asked, n = (double)list->n, nq = (double)list->queries;
    struct pcct_work work;
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    uint64_t evaluations;
    size_t differ;
    char path[4200];

    snprintf(path, sizeof path, "%s/words", folder);
    evaluations = build(&built, &store, path, &metric, list, threads);
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    for (size_t i = 0; i < list->queries; i++) queries[i] = (double)(list->n + i);
    knn.threads = threads;
    knn.work = &work;
    asked = bench_seconds();
    BENCH_MUST(pcct_knn(labels, distances, view, queries, list->queries, K, &knn, &err));
    asked = bench_seconds() - asked;
    verify.sample = 1;
    verify.threads = threads;
    BENCH_MUST(pcct_verify(&sound, view, &verify, &err));
    differ = differences(labels, distances, list);
    bench_options_print(options, "%5zu %d %7d %7.2f %22.1f %18.4f %12.3f %21.1f %11.4f %19zu %s\n", list->n, K, threads, built,
                        (double)evaluations / n, (double)evaluations / (n * (n - 1) / 2), asked / nq * 1e3, (double)work.distances / nq,
                        1 - (double)work.distances / nq / n, differ, sound.violations ? sound.first : "sound");
    pcct_view_close(view);
    pcct_store_close(store);
    bench_remove(path);
    free(labels);
    free(distances);
    free(queries);
    return differ == 0 && sound.violations == 0 && sound.differences == 0;
}

int main(int argc, char **argv)
{
    struct bench_options options;
    int right = 1;
    struct list list = { NULL, 0, 0 };
    const char *folder;

    bench_options_read(&options, argc, argv, help);
    folder = bench_folder(options.dir);
    list_read(&list, options.quick ? WORDS / 10 : WORDS);
    bench_options_head(&options, "words k threads build_s evaluations_per_insert share_of_all_pairs ms_per_query evaluations_per_query "
                                  "share_saved queries_that_differ tree\n");
    for (int i = 0; i < options.n_threads; i++) right &= run(&options, &list, options.threads[i], folder);
    bench_options_end(&options);
    free(list.word);
    return !right;
}
