/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A first look at pcct: make a store, commit points, ask for neighbours, delete, ask an old version.
 *
 *     cc first.c $(pkg-config --cflags --libs pcct) -o first && ./first /tmp/cities.pcct
 */
#include <pcct/pcct.h>

#include <stdio.h>
#include <stdlib.h>

static struct pcct_error err;

/* Every call returns 0 or a negative code; the message says what to do about it. */
static void check(int status)
{
    if (status == 0) return;
    fprintf(stderr, "%s: %s\n", pcct_code_name(status), err.message);
    exit(1);
}

/* Prints the two nearest cities to Bern at a revision. */
static void nearest(pcct_store *store, const char *revision)
{
    const double bern[2] = { 46.948, 7.447 };
    pcct_view *view = NULL;
    int64_t labels[2];
    double metres[2];
    int i;

    check(pcct_view_open(&view, store, revision, &err));
    check(pcct_knn(labels, metres, view, bern, 1, 2, NULL, &err));
    for (i = 0; i < 2; i++) printf("%s: city %d at %.1f km\n", revision, (int)labels[i], metres[i] / 1000);
    pcct_view_close(view);
}

int main(int count, char **words)
{
    const double cities[4 * 2] = { 47.377, 8.540, 46.204, 6.143, 47.559, 7.588, 46.519, 6.632 }; /* Zurich, Geneva, Basel, Lausanne */
    const int64_t labels[4] = { 1, 2, 3, 4 }, closed[1] = { 3 };
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    pcct_log *log = NULL;
    struct pcct_version version;
    uint64_t made = 0;

    if (count != 2) {
        fprintf(stderr, "usage: first PATH (of a store that is not there yet)\n");
        return 1;
    }
    options.dim = 2;
    options.metric = "haversine";
    check(pcct_store_create(words[1], &options, &err));
    check(pcct_store_open(&store, words[1], NULL, &err));

    /* A batch is one new version, all or nothing. */
    check(pcct_batch_begin(&batch, store, "main", NULL, &err));
    check(pcct_batch_insert(batch, cities, 4, labels, &err));
    check(pcct_batch_set(batch, "source", "by hand", &err));
    check(pcct_batch_commit(&made, batch, "four cities", &err));
    pcct_batch_close(batch);
    nearest(store, "main");

    check(pcct_batch_begin(&batch, store, "main", NULL, &err));
    check(pcct_batch_delete(batch, closed, 1, &err));
    check(pcct_batch_commit(&made, batch, "Basel is closed", &err));
    pcct_batch_close(batch);
    nearest(store, "main");
    nearest(store, "main~1"); /* the version before is still there */

    check(pcct_log_open(&log, store, "main", &err));
    while (pcct_log_next(&version, log, &err) == 1) printf("v%d: %d cities, %s\n", (int)version.version, (int)version.n_live, version.message);
    pcct_log_close(log);
    pcct_store_close(store);
    return 0;
}
