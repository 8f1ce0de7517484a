/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call of a commit fails once: EIO, ENOSPC, a short write; and after each the process is killed once, beside another one. The program
 * runs itself again for each, with FAULT_SHIM (shim/fault.c, told by the build) preloaded, so that LMDB's calls are among them.
 */
#include "common.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

enum { DEATH = -2, BIG = 20000, DONE = 40, REFUSED = 41, NOT_REACHED = 42 };

static char *program;

/* ---- the child with the shim: one commit in which one call fails ------------------------------------------------------------------------------ */

/* A commit with much to write, so that an anchor is due after it: all coordinates are a function of the version. */
static void fill_big(pcct_batch *batch, uint64_t v)
{
    struct pcct_error err = { 0, "" };
    double *points = calloc(BIG * SAGA_DIM, sizeof *points);
    int64_t *labels = calloc(BIG, sizeof *labels);
    struct random_numbers r = { v };

    CHECK(points && labels, "memory");
    for (int64_t i = 0; i < BIG; i++) {
        labels[i] = (int64_t)v * BIG + i;
        for (int j = 0; j < SAGA_DIM; j++) points[i * SAGA_DIM + j] = random_unit(&r);
    }
    OK(pcct_batch_insert(batch, points, BIG, labels, &err));
    for (int64_t i = 0; i < BIG; i++) labels[i] -= BIG;
    if (v > 1) OK(pcct_batch_delete(batch, labels, BIG, &err));
    free(points);
    free(labels);
}

/* A batch that is refused, but only after the writer has read the state of the head: what comes next is the commit's own. */
static void warm_up(pcct_store *store)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t made = 0;
    int64_t nobody = -77;

    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_delete(batch, &nobody, 1, &err));
    FAILS(PCCT_E_UNKNOWN, pcct_batch_commit(&made, batch, NULL, &err));
    pcct_batch_close(batch);
}

/* Makes the threads' runtime set itself up before calls fail: clang's ends the process when it cannot map what it shares. */
static void start_threads(pcct_store *store)
{
    struct pcct_knn_options options = PCCT_KNN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    double query[8 * SAGA_DIM] = { 0 }, distance[8];
    int64_t label[8];
    pcct_view *view = NULL;

    options.threads = 2;
    OK(pcct_view_open(&view, store, "v0", &err));
    OK(pcct_knn(label, distance, view, query, 8, 1, &options, &err));
    pcct_view_close(view);
}

static int commit_with_a_fault(const char *path, int big, long at, int kind)
{
    void (*arm)(long, int) = (void (*)(long, int))(size_t)dlsym(RTLD_DEFAULT, "fault_arm");
    long (*disarm)(int *) = (long (*)(int *))(size_t)dlsym(RTLD_DEFAULT, "fault_disarm");
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_batch_result result = { .size = sizeof result };
    struct pcct_store_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    uint64_t head, made = 0;
    int status, hit = 0;

    CHECK(arm && disarm, "the shim is not there");
    options.threads = 1;
    OK(pcct_store_open(&store, path, &options, &err));
    head = head_of(store);
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    if (big) fill_big(batch, head + 1);
    else saga_fill(batch, head + 1);
    start_threads(store);
    if (big || kind != EIO) warm_up(store);
    arm(at, kind);
    status = pcct_batch_commit(&made, batch, "saga", &err);
    disarm(&hit);
    CHECK(status == 0 || strlen(err.message) > 8, "%s without words", pcct_code_name(status));
    CHECK(status == 0 || hit, "no call failed, and yet: %s", err.message);
    OK(pcct_batch_describe(&result, batch));
    CHECK(!big || hit || result.anchor_bytes > 0, "no anchor was written after %" PRIu64 " bytes", result.frame_bytes);
    if (status == 0) CHECK(made == head + 1, "v%" PRIu64, made);
    pcct_batch_close(batch);
    /* The handle knows what became of it. LMDB can refuse all further work after a failed write (the listing of an anchor): that is said. */
    if (status == 0 && pcct_store_describe(&info, store, &err) == 0) CHECK(info.head == head + 1, "v%" PRIu64 " after v%" PRIu64, info.head, head);
    else CHECK(status != 0 || (hit && err.code == PCCT_E_IO), "%s", err.message);
    pcct_store_close(store);
    return !hit ? NOT_REACHED : status == 0 ? DONE : REFUSED;
}

/* ---- the parent ----------------------------------------------------------------------------------------------------------------------------- */

struct trial {
    const char *path;
    int big, kind;
    long at;
    uint64_t before;
    int outcome;
    uint64_t *shared; /* the head afterwards, told by the child */
};

static int start_faulty(void *ctx)
{
    const struct trial *t = ctx;
    char at[24], kind[24], big[24];
    char *words[] = { program, (char *)"--commit", (char *)(uintptr_t)t->path, big, at, kind, NULL };

    snprintf(big, sizeof big, "%d", t->big);
    snprintf(at, sizeof at, "%ld", t->at);
    snprintf(kind, sizeof kind, "%d", t->kind);
    setenv("LD_PRELOAD", FAULT_SHIM, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    execv(program, words);
    return 127;
}

static void expect_big(pcct_store *store, uint64_t v)
{
    struct pcct_error err = { 0, "" };
    struct pcct_view_info info = { .size = sizeof info };
    pcct_view *view = NULL;
    char revision[32];
    int64_t label = (int64_t)v * BIG + 7;
    double point[SAGA_DIM];

    snprintf(revision, sizeof revision, "v%" PRIu64, v);
    OK(pcct_view_open(&view, store, revision, &err));
    OK(pcct_view_describe(&info, view));
    CHECK(info.n_live == (v ? BIG : 0), "%" PRIu64 " points", info.n_live);
    if (v) OK(pcct_view_find(point, view, &label, 1, &err));
    pcct_view_close(view);
}

static void expect_versions(const struct trial *t, pcct_store *store, uint64_t head)
{
    for (uint64_t v = head > 1 ? head - 1 : head; v <= head; v++) {
        if (t->big) expect_big(store, v);
        else saga_expect(store, v, v);
    }
}

/* What was promised is there, what was refused is not, and the next commit works. */
static int look(void *ctx)
{
    const struct trial *t = ctx;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    uint64_t head, made = 0;

    OK(pcct_store_open(&store, t->path, NULL, &err));
    head = head_of(store);
    CHECK(t->outcome != REFUSED || head == t->before, "call %ld, fault %d: refused, and yet the head is v%" PRIu64, t->at, t->kind, head);
    CHECK(t->outcome == REFUSED || head == t->before + 1, "call %ld, fault %d: promised, and yet the head is v%" PRIu64, t->at, t->kind, head);
    expect_versions(t, store, head);
    if (!t->big || t->at % 4 == 0) expect_sound(store, "main");
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    if (t->big) fill_big(batch, head + 1);
    else saga_fill(batch, head + 1);
    OK(pcct_batch_commit(&made, batch, NULL, &err));
    pcct_batch_close(batch);
    expect_versions(t, store, made);
    pcct_store_close(store);
    _exit(head == t->before ? 0 : 1);
}

static int create(void *ctx)
{
    saga_create(ctx);
    return 0;
}

static int remove_store(void *ctx)
{
    folder_free(ctx);
    return 0;
}

static void fail_every_call(int big, int kind)
{
    char *folder = folder_new(), *path = path_join(folder, "store");
    struct trial t = { .path = path, .big = big, .kind = kind };
    long refused = 0, survived = 0;

    CHECK(in_child(create, path) == 0, "create");
    for (t.at = 1; t.outcome != NOT_REACHED; t.at++) {
        int moved = 0;

        if (big && t.at > 1) { /* the first version of a store is the one that is sure to have its anchor */
            CHECK(in_child(remove_store, path) == 0 && in_child(create, path) == 0, "anew");
            t.before = 0;
        }

        CHECK(t.at < 2000, "the calls do not come to an end");
        t.outcome = in_child(start_faulty, &t);
        CHECK(t.outcome == DONE || t.outcome == REFUSED || t.outcome == NOT_REACHED, "call %ld, fault %d: the process ended with %d", t.at, kind,
              t.outcome);
        moved = in_child(look, &t);
        CHECK(moved == 0 || moved == 1, "call %ld, fault %d: what is left is not whole (%d)", t.at, kind, moved);
        t.before += (uint64_t)moved + 1;
        refused += t.outcome == REFUSED;
        survived += t.outcome == DONE;
    }
    printf("fault %d: %ld calls, %ld refusals, %ld times done all the same\n", kind, t.at - 2, refused, survived);
    CHECK(refused >= 3, "only %ld refusals: are the calls counted?", refused);
    free(path);
    folder_free(folder);
}

/* ---- killed beside another process, which has the store open -------------------------------------------------------------------------------- */

struct witness {
    const char *path;
    int ready, go; /* atomic, shared */
};

/* What the dead one left is taken up: the commit is made on top of it, or in its place, never over it. */
static int commit_after_the_death(void *ctx)
{
    struct witness *w = ctx;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    pcct_batch *batch = NULL;
    uint64_t made = 0;
    double point[SAGA_DIM] = { 9, 9, 9 };

    OK(pcct_store_open(&store, w->path, NULL, &err));
    (void)head_of(store);
    __atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&w->go, __ATOMIC_ACQUIRE)) usleep(100);
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_insert(batch, point, 1, NULL, &err));
    OK(pcct_batch_commit(&made, batch, NULL, &err));
    pcct_batch_close(batch);
    expect_sound(store, "main");
    pcct_store_close(store);
    return 0;
}

static int read_everything(void *ctx)
{
    struct pcct_fsck_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };

    OK(pcct_fsck(&result, ctx, NULL, &err));
    CHECK(result.damaged == 0 && result.versions_readable == result.versions, "%" PRIu64 " of %" PRIu64 " versions can be read",
          result.versions_readable, result.versions);
    return 0;
}

static void killed_after_any_call(void **test)
{
    struct witness *w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *folder = folder_new(), *path = path_join(folder, "store");
    struct trial t = { .path = path, .kind = DEATH, .outcome = -SIGKILL };

    (void)test;
    CHECK(w != MAP_FAILED, "memory");
    w->path = path;
    for (t.at = 1; t.outcome == -SIGKILL; t.at++) {
        pid_t other;
        int status = 0;

        CHECK(t.at < 2000, "the calls do not come to an end");
        CHECK(in_child(create, path) == 0, "create");
        w->ready = w->go = 0;
        other = fork();
        CHECK(other >= 0, "fork");
        if (other == 0) {
            common_in_child = 1;
            _exit(commit_after_the_death(w));
        }
        while (!__atomic_load_n(&w->ready, __ATOMIC_ACQUIRE) && waitpid(other, &status, WNOHANG) == 0) usleep(100);
        t.outcome = in_child(start_faulty, &t);
        CHECK(t.outcome == -SIGKILL || t.outcome == NOT_REACHED, "call %ld: the process ended with %d", t.at, t.outcome);
        __atomic_store_n(&w->go, 1, __ATOMIC_RELEASE);
        CHECK(waitpid(other, &status, 0) == other && status == 0, "killed after call %ld: the other one ended with %d", t.at, status);
        CHECK(in_child(read_everything, path) == 0, "killed after call %ld", t.at);
        CHECK(in_child(remove_store, path) == 0, "remove");
    }
    CHECK(t.at > 8, "only %ld calls: are they counted?", t.at);
    munmap(w, sizeof *w);
    free(path);
    folder_free(folder);
}

static void input_output_errors(void **test) { (void)test; fail_every_call(0, EIO); }
static void a_full_disk(void **test) { (void)test; fail_every_call(0, ENOSPC); }
static void short_writes(void **test) { (void)test; fail_every_call(0, -1); }
static void with_an_anchor(void **test) { (void)test; fail_every_call(1, EIO); }
static void with_an_anchor_on_a_full_disk(void **test) { (void)test; fail_every_call(1, ENOSPC); }

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_output_errors), cmocka_unit_test(a_full_disk), cmocka_unit_test(short_writes), cmocka_unit_test(with_an_anchor),
        cmocka_unit_test(with_an_anchor_on_a_full_disk), cmocka_unit_test(killed_after_any_call),
    };

    if (count == 6 && strcmp(words[1], "--commit") == 0) {
        common_in_child = 1;
        return commit_with_a_fault(words[2], atoi(words[3]), atol(words[4]), atoi(words[5]));
    }
    program = words[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
