/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nearest words by edit distance: a metric of the caller's own, over a table of the caller's own. The store knows a word by its number in the table;
 * its rows have one column, that number.
 *
 *     cc words.c $(pkg-config --cflags --libs pcct) -o words && ./words /tmp/words.pcct /usr/share/dict/words
 *
 * The second argument is a file with a word on each line, such as the Debian packages wamerican and wbritish bring; of a long one 20 000 are taken.
 */
#include <pcct/pcct.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MOST = 20000, LETTERS = 63, K = 5 };

/* The table: what the metric is handed as its ctx. The last place is for the word that is asked for. */
struct table {
    char word[WORDS_MOST + 1][LETTERS + 1];
    size_t n;
};

static struct table table;
static struct pcct_error err;

static void check(int status)
{
    if (status == 0) return;
    fprintf(stderr, "%s: %s\n", pcct_code_name(status), err.message);
    exit(1);
}

/* Of Levenshtein: the least number of letters (bytes) to put in, take out or change. A metric, in whole numbers, hence to the bit. */
static double edit_distance(void *ctx, const double *a, const double *b)
{
    const struct table *t = (const struct table *)ctx;
    const char *x = t->word[(size_t)*a], *y = t->word[(size_t)*b];
    size_t columns = strlen(y), i, j;
    int line[LETTERS + 1];

    for (j = 0; j <= columns; j++) line[j] = (int)j;
    for (i = 0; x[i] != '\0'; i++) {
        int corner = line[0];

        line[0] = (int)i + 1;
        for (j = 1; j <= columns; j++) {
            int change = corner + (x[i] != y[j - 1]), least = (line[j] < line[j - 1] ? line[j] : line[j - 1]) + 1;

            corner = line[j];
            line[j] = change < least ? change : least;
        }
    }
    return line[columns];
}

/* Evenly spread over the file, each as long as the table allows. */
static void read_words(const char *path)
{
    char line[1024];
    size_t lines = 0, i = 0;
    FILE *file = fopen(path, "r");

    if (!file) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    while (fgets(line, sizeof line, file)) lines++;
    rewind(file);
    for (; table.n < WORDS_MOST && fgets(line, sizeof line, file); i++) {
        if (lines > WORDS_MOST && i * WORDS_MOST / lines == (i + 1) * WORDS_MOST / lines) continue;
        line[strcspn(line, "\r\n")] = '\0';
        line[LETTERS] = '\0';
        memcpy(table.word[table.n++], line, LETTERS + 1);
    }
    fclose(file);
}

/* The five words nearest to one that need not be in the table. */
static void nearest(const pcct_view *view, const char *word)
{
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_work work;
    double query, distances[K];
    int64_t labels[K];
    int i;

    strncpy(table.word[table.n], word, LETTERS);
    query = (double)table.n;
    options.work = &work;
    check(pcct_knn(labels, distances, view, &query, 1, K, &options, &err));
    printf("%s:", word);
    for (i = 0; i < K && labels[i] >= 0; i++) printf(" %s (%d)", table.word[labels[i]], (int)distances[i]);
    printf("; %d of %d distances evaluated\n", (int)work.distances, (int)table.n);
}

int main(int count, char **words)
{
    static const char *const asked[] = { "hous", "recieve", "wather", "definately", "quik" };
    struct pcct_metric metric = PCCT_METRIC_INIT;
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    pcct_view *view = NULL;
    uint64_t made = 0;
    size_t i;

    if (count != 3) {
        fprintf(stderr, "usage: words PATH (of a store that is not there yet) LIST (of words)\n");
        return 1;
    }
    read_words(words[2]);

    /* The store keeps the name; whoever opens it brings the function. */
    metric.name = "edit-distance";
    metric.distance = edit_distance;
    metric.ctx = &table;
    create.dim = 1;
    create.custom = &metric;
    open.custom = &metric;
    check(pcct_store_create(words[1], &create, &err));
    check(pcct_store_open(&store, words[1], &open, &err));

    /* Labels are the same numbers: the counter gives 0, 1, 2, ... */
    check(pcct_batch_begin(&batch, store, "main", NULL, &err));
    for (i = 0; i < table.n; i++) {
        double number = (double)i;

        check(pcct_batch_insert(batch, &number, 1, NULL, &err));
    }
    check(pcct_batch_commit(&made, batch, "a list of words", &err));
    pcct_batch_close(batch);

    /* Is it a metric? A sample says yes or names the words. */
    check(pcct_view_open(&view, store, "main", &err));
    check(pcct_metric_check(view, NULL, &err));
    for (i = 0; i < sizeof asked / sizeof *asked; i++) nearest(view, asked[i]);
    pcct_view_close(view);
    pcct_store_close(store);
    return 0;
}
