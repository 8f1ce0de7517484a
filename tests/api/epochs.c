/* SPDX-License-Identifier: Apache-2.0 */
/* The next training epoch is made while the one before is asked: readers keep what they have until they move. */
#include "common.h"

#include <pcct/pcct.h>

#include <pthread.h>

enum { N = 1200, MORE = 20, DIM = 2, M = 10, K = 5, READERS = 2, EPOCHS = 4, ASKED = 40 };

/* What readers have of an epoch, and what they are to find there. */
struct epoch {
    pcct_view *view;
    pcct_gp *gp;
    pcct_neighbours *lists;
    size_t n;
    int64_t *labels;
    double *distances;
};

struct shared {
    const struct epoch *epoch;
    int stop;          /* atomic */
    uint64_t asked;    /* atomic */
};

static double point[(N + EPOCHS * MORE) * DIM];

static struct epoch open_epoch(pcct_store *store, const pcct_neighbours *before)
{
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct pcct_neighbours_options how = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    struct epoch e = { .view = NULL };

    open.threads = how.threads = ask.threads = 1;
    OK(pcct_view_open(&e.view, store, "main", &err));
    OK(pcct_view_describe(&info, e.view));
    OK(pcct_gp_open(&e.gp, e.view, &open, &err));
    how.gp = e.gp;
    if (before) {
        OK(pcct_neighbours_copy(&e.lists, before, &err));
        OK(pcct_neighbours_renew(NULL, e.lists, e.view, &how, NULL, NULL, &err));
    } else {
        OK(pcct_neighbours_open(&e.lists, e.view, K, &how, &err));
    }
    e.n = (size_t)info.n_live;
    e.labels = malloc(e.n * K * sizeof *e.labels);
    e.distances = malloc(e.n * K * sizeof *e.distances);
    ask.brute = 1;
    OK(pcct_gp_graph(e.labels, e.distances, e.gp, K, &ask, &err));
    return e;
}

static void close_epoch(struct epoch *e)
{
    pcct_neighbours_close(e->lists);
    pcct_gp_close(e->gp);
    pcct_view_close(e->view);
    free(e->labels);
    free(e->distances);
}

/* Lists and answers of an epoch are what they were when it was new. */
static void expect(const struct epoch *e, uint64_t seed)
{
    struct random_numbers r = { seed };
    struct pcct_neighbours_rows rows = { .size = sizeof rows };
    struct pcct_gp_ask_options ask = PCCT_GP_ASK_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    int64_t label[ASKED], found[ASKED * K];
    double distance[ASKED * K];

    ask.threads = 1;
    ask.exclude_self = 1;
    for (size_t i = 0; i < ASKED; i++) label[i] = (int64_t)random_below(&r, e->n);
    OK(pcct_gp_knn_stored(found, distance, e->gp, label, ASKED, K, &ask, &err));
    OK(pcct_neighbours_read(&rows, e->lists));
    CHECK(rows.n == e->n && memcmp(rows.labels, e->labels, e->n * K * sizeof *e->labels) == 0, "lists of %zu points changed", e->n);
    for (size_t i = 0; i < ASKED; i++) {
        const size_t at = (size_t)label[i] * K;

        CHECK(memcmp(found + i * K, e->labels + at, K * sizeof *found) == 0 && memcmp(distance + i * K, e->distances + at, K * sizeof *distance) == 0,
              "the answer for label %" PRId64 " changed", label[i]);
    }
}

static void *read_on(void *ctx)
{
    struct shared *s = ctx;
    uint64_t turn = 0;

    do {
        expect(s->epoch, ++turn);
        __atomic_add_fetch(&s->asked, 1, __ATOMIC_RELAXED);
    } while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE));
    return NULL;
}

static void commit(pcct_store *store, size_t first, size_t n, double lengthscale)
{
    const double scale[DIM] = { lengthscale, 0.3 };
    struct pcct_kernel kernel = PCCT_KERNEL_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t version = 0;

    kernel.name = "matern32";
    kernel.lengthscale = scale;
    kernel.nugget = 0.01;
    kernel.inducing = point;
    kernel.m = M;
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_insert(batch, point + first * DIM, n, NULL, &err));
    if (lengthscale > 0) OK(pcct_batch_set_kernel(batch, &kernel, &err));
    OK(pcct_batch_commit(&version, batch, NULL, &err));
    pcct_batch_close(batch);
}

/* Every second epoch is another kernel, the others more points under the same one. */
static void readers_keep_their_epoch(void **test)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct random_numbers r = { 4 };
    struct pcct_error err = { 0, "" };
    char *folder = folder_new(), *path = path_join(folder, "store");
    pcct_store *store = NULL;
    struct epoch now;

    (void)test;
    for (size_t i = 0; i < sizeof point / sizeof *point; i++) point[i] = random_unit(&r);
    create.dim = DIM;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store, path, NULL, &err));
    commit(store, 0, N, 0.2);
    now = open_epoch(store, NULL);
    for (size_t i = 0; i < EPOCHS; i++) {
        struct shared shared = { .epoch = &now };
        pthread_t thread[READERS];
        struct epoch next;

        for (int t = 0; t < READERS; t++) CHECK(pthread_create(&thread[t], NULL, read_on, &shared) == 0, "no thread");
        commit(store, N + i * MORE, MORE, i % 2 ? 0.2 + 0.05 * (double)i : 0);
        next = open_epoch(store, now.lists);
        __atomic_store_n(&shared.stop, 1, __ATOMIC_RELEASE);
        for (int t = 0; t < READERS; t++) pthread_join(thread[t], NULL);
        CHECK(shared.asked >= READERS, "%" PRIu64 " questions", shared.asked);
        close_epoch(&now);
        now = next;
        CHECK(now.n == N + (i + 1) * MORE, "%zu points", now.n);
        expect(&now, 77);
    }
    close_epoch(&now);
    pcct_store_close(store);
    free(path);
    folder_free(folder);
}

static int stop(void *ctx, double done)
{
    (void)done;
    return ++*(int *)ctx >= 3;
}

/* One that is out of date is given up while its features are made. */
static void a_refresh_that_is_given_up(void **test)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_gp_options open = PCCT_GP_OPTIONS_INIT;
    struct random_numbers r = { 4 };
    struct pcct_error err = { 0, "" };
    char *folder = folder_new(), *path = path_join(folder, "store");
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    int calls = 0;

    (void)test;
    for (size_t i = 0; i < sizeof point / sizeof *point; i++) point[i] = random_unit(&r);
    create.dim = DIM;
    OK(pcct_store_create(path, &create, &err));
    OK(pcct_store_open(&store, path, NULL, &err));
    commit(store, 0, N, 0.2);
    OK(pcct_view_open(&view, store, "main", &err));
    open.progress = stop;
    open.progress_ctx = &calls;
    CHECK(pcct_gp_open(&gp, view, &open, &err) == PCCT_E_CANCELLED && !gp && calls == 3, "%d calls", calls);
    open.progress = NULL;
    OK(pcct_gp_open(&gp, view, &open, &err));
    pcct_gp_close(gp);
    pcct_view_close(view);
    pcct_store_close(store);
    free(path);
    folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_keep_their_epoch),
        cmocka_unit_test(a_refresh_that_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
