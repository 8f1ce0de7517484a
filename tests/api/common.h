/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_COMMON_H
#define TESTS_API_COMMON_H

/* What the programs of this folder share. They are users of the library: public headers only. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pcct/pcct.h>

#include <ftw.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- checks ------------------------------------------------------------------------------------------------------------------------------- */

static int common_in_child; /* 1: a failed check ends the process, since there is no test to return to */

__attribute__((noreturn)) static inline void common_stop(const char *file, int line)
{
    fflush(stdout);
    if (common_in_child) _exit(99);
    _fail(file, line); /* goes back to cmocka */
    abort();
}

#define CHECK(condition, ...)                                                \
    do {                                                                     \
        if (!(condition)) {                                                  \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);  \
            fprintf(stderr, __VA_ARGS__);                                    \
            fputc('\n', stderr);                                             \
            common_stop(__FILE__, __LINE__);                                 \
        }                                                                    \
    } while (0)

/* The call must succeed; `err` is the caller's variable. */
#define OK(call)                                                                              \
    do {                                                                                      \
        int common_status = (call);                                                           \
        CHECK(common_status == 0, "%s: %s", pcct_code_name(common_status), err.message);      \
    } while (0)

/* The call must fail with this code and say so in words. */
#define FAILS(code_, call)                                                                                   \
    do {                                                                                                     \
        int common_status;                                                                                   \
        memset(&err, 0, sizeof err);                                                                         \
        common_status = (call);                                                                              \
        CHECK(common_status == (code_), "got %s: %s", pcct_code_name(common_status), err.message);           \
        CHECK(err.code == (code_) && strlen(err.message) > 8 && !strchr(err.message, '\n'), "the message: %s", err.message); \
    } while (0)

/* ---- random numbers ----------------------------------------------------------------------------------------------------------------------- */

struct random_numbers {
    uint64_t state;
};

static inline uint64_t random_next(struct random_numbers *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint64_t random_below(struct random_numbers *r, uint64_t bound)
{
    return random_next(r) % bound;
}

static inline double random_unit(struct random_numbers *r)
{
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

/* ---- folders and processes ---------------------------------------------------------------------------------------------------------------- */

static inline int common_remove_one(const char *path, const struct stat *what, int flag, struct FTW *where)
{
    (void)what;
    (void)flag;
    (void)where;
    return remove(path);
}

static inline void folder_free(char *path)
{
    CHECK(nftw(path, common_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "%s", path);
    free(path);
}

static inline char *folder_new(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = NULL;

    CHECK(asprintf(&path, "%s/pcct-test-XXXXXX", parent && *parent ? parent : P_tmpdir) > 0, "memory");
    CHECK(mkdtemp(path) != NULL, "%s", path);
    return path;
}

static inline char *path_join(const char *folder, const char *name)
{
    size_t bytes = strlen(folder) + strlen(name) + 2;
    char *path = malloc(bytes);

    CHECK(path != NULL, "memory");
    snprintf(path, bytes, "%s/%s", folder, name);
    return path;
}

/* Runs job(ctx) in a child process and returns its exit status, or -n when signal n ended it. Parents of children keep away from the library, so
 * that no child inherits its threads. */
static inline int in_child(int (*job)(void *ctx), void *ctx)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    fflush(stderr);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        common_in_child = 1;
        _exit(job(ctx));
    }
    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline int common_exec(void *ctx)
{
    char **words = ctx;

    execvp(words[0], words);
    return 127;
}

static inline void copy_folder(const char *from, const char *to)
{
    char *words[] = { (char *)"cp", (char *)"-r", (char *)"--sparse=always", (char *)from, (char *)to, NULL };

    CHECK(in_child(common_exec, words) == 0, "cp -r %s %s", from, to);
}

/* ---- a store whose versions can be known from their number alone ---------------------------------------------------------------------------- */

/*
 * Version v adds SAGA_ADDED points, labels v * SAGA_ADDED and up, and deletes those of version v - SAGA_LIFE. A point is a function of its label;
 * every third coordinate is rounded, so that ties and twins occur.
 */
enum { SAGA_DIM = 3, SAGA_ADDED = 12, SAGA_LIFE = 6 };

static inline void saga_point(double *point, int64_t label)
{
    struct random_numbers r = { (uint64_t)label * 77 };

    for (int j = 0; j < SAGA_DIM; j++) {
        point[j] = random_unit(&r) * 4;
        if (label % 3 == 0) point[j] = floor(point[j]);
    }
}

/* Labels of version v, ascending; returns how many. labels[SAGA_ADDED * SAGA_LIFE]. */
static inline size_t saga_labels(int64_t *labels, uint64_t v)
{
    size_t n = 0;

    for (uint64_t w = v > SAGA_LIFE ? v - SAGA_LIFE + 1 : 1; w <= v; w++) {
        for (uint64_t i = 0; i < SAGA_ADDED; i++) labels[n++] = (int64_t)(w * SAGA_ADDED + i);
    }
    return n;
}

static inline void saga_create(const char *path)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    options.dim = SAGA_DIM;
    options.seed = 5;
    OK(pcct_store_create(path, &options, &err));
}

static inline void saga_fill(pcct_batch *batch, uint64_t v)
{
    double points[SAGA_ADDED * SAGA_DIM];
    int64_t labels[SAGA_ADDED], gone[SAGA_ADDED];
    struct pcct_error err = { 0, "" };

    for (uint64_t i = 0; i < SAGA_ADDED; i++) {
        labels[i] = (int64_t)(v * SAGA_ADDED + i);
        gone[i] = labels[i] - SAGA_LIFE * SAGA_ADDED;
        saga_point(points + i * SAGA_DIM, labels[i]);
    }
    OK(pcct_batch_insert(batch, points, SAGA_ADDED, labels, &err));
    if (v > SAGA_LIFE) OK(pcct_batch_delete(batch, gone, SAGA_ADDED, &err));
}

/* Commits version v, the next one; returns the code of the commit. */
static inline int saga_commit(pcct_store *store, uint64_t v, const struct pcct_batch_options *options, struct pcct_error *commit_err)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t made = 0;
    int status = 0;

    OK(pcct_batch_begin(&batch, store, "main", options, &err));
    saga_fill(batch, v);
    status = pcct_batch_commit(&made, batch, "saga", commit_err);
    CHECK(status != 0 || made == v, "v%" PRIu64 " became v%" PRIu64, v, made);
    pcct_batch_close(batch);
    return status;
}

struct neighbour {
    double key;
    int64_t label;
};

static inline int neighbour_order(const void *a, const void *b)
{
    const struct neighbour *x = a, *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->label < y->label ? -1 : x->label > y->label;
}

/* The view holds just the points of version v, and answers right for a query. */
static inline void saga_expect_view(const pcct_view *view, uint64_t v, uint64_t seed)
{
    enum { MOST = SAGA_ADDED * SAGA_LIFE, K = 5 };
    int64_t labels[MOST], right[MOST], near[K];
    double points[MOST * SAGA_DIM], query[SAGA_DIM], distances[K];
    struct pcct_view_info info = { .size = sizeof info };
    struct neighbour all[MOST];
    struct pcct_error err = { 0, "" };
    size_t n = saga_labels(right, v);

    OK(pcct_view_describe(&info, view));
    CHECK(info.version == v && info.n_live == n, "v%" PRIu64 " of %" PRIu64 " points, not v%" PRIu64 " of %zu", info.version, info.n_live, v, n);
    OK(pcct_view_read(labels, points, view, &err));
    saga_point(query, (int64_t)(seed % 1000) - 4000);
    for (size_t i = 0; i < n; i++) {
        double point[SAGA_DIM], key = 0;

        saga_point(point, right[i]);
        CHECK(labels[i] == right[i], "label %" PRId64 " in place of %" PRId64, labels[i], right[i]);
        CHECK(memcmp(points + i * SAGA_DIM, point, sizeof point) == 0, "the point of label %" PRId64 " is another", right[i]);
        for (int j = 0; j < SAGA_DIM; j++) key = key + (query[j] - point[j]) * (query[j] - point[j]);
        all[i] = (struct neighbour){ key, right[i] };
    }
    qsort(all, n, sizeof *all, neighbour_order);
    OK(pcct_knn(near, distances, view, query, 1, K, NULL, &err));
    for (size_t i = 0; i < K; i++) {
        CHECK(near[i] == (i < n ? all[i].label : -1), "neighbour %zu of v%" PRIu64, i, v);
        CHECK(i >= n || distances[i] == sqrt(all[i].key), "distance %zu of v%" PRIu64, i, v);
    }
}

static inline void saga_expect(pcct_store *store, uint64_t v, uint64_t seed)
{
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    char revision[32];

    snprintf(revision, sizeof revision, "v%" PRIu64, v);
    OK(pcct_view_open(&view, store, revision, &err));
    saga_expect_view(view, v, seed);
    pcct_view_close(view);
}

/* Brute force and invariants find nothing to complain about. */
static inline void expect_sound(pcct_store *store, const char *revision)
{
    struct pcct_verify_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;

    OK(pcct_view_open(&view, store, revision, &err));
    OK(pcct_verify(&result, view, NULL, &err));
    CHECK(result.differences == 0 && result.violations == 0, "%s: %s", revision, result.first);
    pcct_view_close(view);
}

static inline uint64_t head_of(pcct_store *store)
{
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };

    OK(pcct_store_describe(&info, store, &err));
    return info.head;
}

#endif
