/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything at once for a long time: a writer that commits, branches, tags, restores, prunes and has anchors made; another beside him, and readers
 * of any version, who are killed now and then. Every answer is checked, files stay within a bound, and neither descriptors nor memory grow.
 * api_soak [seconds [seed]]; the target `soak` runs it for half an hour.
 */
#include "common.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

enum { READERS = 3, THREADS = 2, HELD = 3, BIG = 3000, BIG_EACH = 16, KEPT = 40, MOST = SAGA_ADDED * SAGA_LIFE + BIG, NEAR = 5 };
enum { WRITER, OTHER, READER, PROCESSES = READER + READERS };
enum { FILES_MB = 64, MORE_DESCRIPTORS = 24, MORE_MB = 48, SETTLED = 200 };

static double seconds = 15;
static uint64_t seed = 1;

/* In memory that all processes share. All atomic. */
struct scene {
    char path[256];
    int stop;
    uint64_t turn; /* of processes that were started */
    uint64_t commits, branches, restores, prunes, pruned, other_commits, views, gone, held, follows;
    uint64_t descriptors[PROCESSES], most_descriptors[PROCESSES], memory_kb[PROCESSES], most_memory_kb[PROCESSES];
};

static struct scene *scene;

#define COUNT(what) __atomic_add_fetch(&scene->what, 1, __ATOMIC_RELAXED)

static int over(void)
{
    return __atomic_load_n(&scene->stop, __ATOMIC_ACQUIRE);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static pcct_store *open_store(void)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    options.threads = 1;
    OK(pcct_store_open(&store, scene->path, &options, &err));
    return store;
}

/* ---- what a version holds: it says so in its key "saga" ------------------------------------------------------------------------------------- */

/* Saga n as in common.h; every BIG_EACH-th has many points more, with labels below 0. */
static size_t labels_of(int64_t *labels, uint64_t n)
{
    size_t big = n > 0 && n % BIG_EACH == 0 ? BIG : 0;

    for (size_t i = 0; i < big; i++) labels[i] = -(int64_t)(n * BIG + BIG - i) - 10;
    return big + saga_labels(labels + big, n);
}

static void change(pcct_batch *batch, uint64_t n)
{
    static double points[BIG * SAGA_DIM];
    static int64_t labels[MOST];
    struct pcct_error err = { 0, "" };

    saga_fill(batch, n);
    for (uint64_t m = n > 0 ? n - 1 : n; m <= n; m++) {
        if (m == 0 || m % BIG_EACH != 0) continue;
        (void)labels_of(labels, m);
        for (size_t i = 0; i < BIG; i++) saga_point(points + i * SAGA_DIM, labels[i]);
        if (m == n) OK(pcct_batch_insert(batch, points, BIG, labels, &err));
        else OK(pcct_batch_delete(batch, labels, BIG, &err));
    }
}

/* The view holds just the points of saga n, and answers a query right. */
static void expect_view(const pcct_view *view, uint64_t n, uint64_t which)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct neighbour *all = malloc(MOST * sizeof *all);
    double *points = malloc(MOST * SAGA_DIM * sizeof *points), query[SAGA_DIM], distances[NEAR];
    int64_t *labels = malloc(2 * MOST * sizeof *labels), *right = labels + MOST, near[NEAR];
    struct pcct_error err = { 0, "" };
    size_t count;

    CHECK(all && points && labels, "memory");
    count = labels_of(right, n);
    OK(pcct_view_describe(&info, view));
    CHECK(info.n_live == count, "v%" PRIu64 " has %" PRIu64 " points, saga %" PRIu64 " has %zu", info.version, info.n_live, n, count);
    OK(pcct_view_read(labels, points, view, &err));
    saga_point(query, (int64_t)(which % 1000) - 4000);
    for (size_t i = 0; i < count; i++) {
        double point[SAGA_DIM], key = 0;

        saga_point(point, right[i]);
        CHECK(labels[i] == right[i], "v%" PRIu64 ": label %" PRId64 " in place of %" PRId64, info.version, labels[i], right[i]);
        CHECK(memcmp(points + i * SAGA_DIM, point, sizeof point) == 0, "v%" PRIu64 ": the point of %" PRId64, info.version, right[i]);
        for (int j = 0; j < SAGA_DIM; j++) key = key + (query[j] - point[j]) * (query[j] - point[j]);
        all[i] = (struct neighbour){ key, right[i] };
    }
    qsort(all, count, sizeof *all, neighbour_order);
    OK(pcct_knn(near, distances, view, query, 1, NEAR, NULL, &err));
    for (size_t i = 0; i < NEAR; i++) {
        CHECK(near[i] == (i < count ? all[i].label : -1), "v%" PRIu64 ": neighbour %zu", info.version, i);
        CHECK(i >= count || distances[i] == sqrt(all[i].key), "v%" PRIu64 ": distance %zu", info.version, i);
    }
    free(all);
    free(points);
    free(labels);
}

/* 0, or NOT_FOUND: the version was pruned meanwhile. Version 0 is saga 0. */
static int saga_of(uint64_t *n, pcct_store *store, uint64_t version)
{
    struct pcct_version record;
    struct pcct_error err = { 0, "" };
    pcct_log *log = NULL;
    char revision[32];
    int status, found = 0;

    *n = 0;
    if (version == 0) return 0;
    snprintf(revision, sizeof revision, "v%" PRIu64, version);
    status = pcct_log_open(&log, store, revision, &err);
    if (status == 0) {
        int more = pcct_log_next(&record, log, &err);

        CHECK(more >= 0 || more == PCCT_E_NOT_FOUND, "the log of %s: %s", revision, err.message);
        if (more != 1) status = PCCT_E_NOT_FOUND;
        for (size_t i = 0; status == 0 && i < record.n_keys; i++) {
            if (strcmp(record.keys[i].key, "saga") != 0) continue;
            *n = strtoull(record.keys[i].value, NULL, 10);
            found = 1;
        }
        CHECK(status != 0 || found, "%s has no key", revision);
    }
    pcct_log_close(log);
    CHECK(status == 0 || status == PCCT_E_NOT_FOUND, "%s: %s", revision, err.message);
    return status;
}

/* ---- growth --------------------------------------------------------------------------------------------------------------------------------- */

static uint64_t count_descriptors(void)
{
    DIR *list = opendir("/proc/self/fd");
    uint64_t n = 0;

    CHECK(list, "/proc/self/fd");
    while (readdir(list)) n++;
    closedir(list);
    return n;
}

/* Of the process alone: what it maps of files is shared. */
static uint64_t own_memory_kb(void)
{
    unsigned long long all = 0, resident = 0, shared = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file && fscanf(file, "%llu %llu %llu", &all, &resident, &shared) == 3, "statm");
    fclose(file);
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* Called again and again by a process that is never killed: neither may grow once it has settled. */
static void look_at_growth(int which, uint64_t turns)
{
    uint64_t descriptors = count_descriptors(), kb = own_memory_kb();

    if (turns <= SETTLED) {
        if (descriptors > scene->descriptors[which]) scene->descriptors[which] = descriptors;
        if (kb > scene->memory_kb[which]) scene->memory_kb[which] = kb;
    }
    if (descriptors > scene->most_descriptors[which]) scene->most_descriptors[which] = descriptors;
    if (kb > scene->most_memory_kb[which]) scene->most_memory_kb[which] = kb;
    CHECK(descriptors <= scene->descriptors[which] + MORE_DESCRIPTORS, "process %d has %" PRIu64 " descriptors, it had %" PRIu64, which, descriptors,
          scene->descriptors[which]);
    CHECK(kb <= scene->memory_kb[which] + MORE_MB * 1024, "process %d has %" PRIu64 " KB, it had %" PRIu64, which, kb, scene->memory_kb[which]);
}

/* ---- writers -------------------------------------------------------------------------------------------------------------------------------- */

/* expect: 0, or the version at which the branch must stand, else 0 is returned. */
static uint64_t commit(pcct_store *store, const char *branch, uint64_t n, const char *restore, uint64_t expect)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;
    uint64_t made = 0;
    char text[32], revision[32];
    int status;

    snprintf(text, sizeof text, "%" PRIu64, n);
    snprintf(revision, sizeof revision, "v%" PRIu64, expect);
    if (expect > 0) options.expect = revision;
    OK(pcct_batch_begin(&batch, store, branch, &options, &err));
    if (restore) OK(pcct_batch_restore(batch, restore, &err));
    else change(batch, n);
    OK(pcct_batch_set(batch, "saga", text, &err));
    status = pcct_batch_commit(&made, batch, "soak", &err);
    CHECK(status == 0 || (expect > 0 && status == PCCT_E_CONFLICT), "%s", err.message);
    pcct_batch_close(batch);
    return made;
}

static void prune(pcct_store *store)
{
    struct pcct_prune_options options = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_prune_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };

    options.keep_last = KEPT;
    OK(pcct_prune(&result, store, &options, &err));
    COUNT(prunes);
    __atomic_add_fetch(&scene->pruned, result.pruned, __ATOMIC_RELAXED);
}

/* A branch with what main was three versions ago, and a tag; those of four rounds before go. */
static void branch_off(pcct_store *store, uint64_t n)
{
    struct pcct_error err = { 0, "" };
    char name[40], gone[40], revision[32];

    snprintf(name, sizeof name, "branch/%" PRIu64, n);
    snprintf(gone, sizeof gone, "branch/%" PRIu64, n - 40);
    OK(pcct_branch_create(store, name, "main~2", NULL, &err));
    snprintf(revision, sizeof revision, "main~%d", 3);
    (void)commit(store, name, n - 3, revision, 0);
    (void)commit(store, name, n - 2, NULL, 0);
    COUNT(branches);
    COUNT(restores);
    if (n > 40) OK(pcct_branch_delete(store, gone, NULL, &err));
    snprintf(name, sizeof name, "tag/%" PRIu64, n);
    snprintf(gone, sizeof gone, "tag/%" PRIu64, n - 40);
    OK(pcct_tag_create(store, name, "main", NULL, &err));
    if (n > 40) OK(pcct_tag_delete(store, gone, NULL, &err));
}

static int write_main(void)
{
    pcct_store *store = open_store();
    uint64_t last = 0;

    for (uint64_t n = 1; !over(); n++) {
        uint64_t made = commit(store, "main", n, NULL, 0);

        CHECK(made > last, "v%" PRIu64 " after v%" PRIu64, made, last);
        last = made;
        COUNT(commits);
        if (n % 10 == 0) branch_off(store, n);
        if (n % 25 == 0) prune(store);
        if (n % 20 == 0) look_at_growth(WRITER, n);
    }
    pcct_store_close(store);
    return 0;
}

/* Beside the first, on a branch of its own, which it makes at main and resets to main; killed at any moment. */
static int write_other(void)
{
    struct random_numbers r = { seed * 31 + __atomic_load_n(&scene->turn, __ATOMIC_RELAXED) };
    struct pcct_error err = { 0, "" };
    pcct_store *store = open_store();

    while (!over()) {
        uint64_t version = 0, n = 0;
        int status = pcct_branch_create(store, "other", "main", NULL, &err);

        CHECK(status == 0 || status == PCCT_E_EXISTS, "%s", err.message);
        if (random_below(&r, 4) == 0) OK(pcct_branch_reset(NULL, store, "other", "main", NULL, &err));
        OK(pcct_resolve(&version, store, "other", &err));
        OK(saga_of(&n, store, version));
        /* what his killed forerunner made is perhaps shown only now */
        if (commit(store, "other", n + 1, NULL, version) > 0) COUNT(other_commits);
        usleep((useconds_t)random_below(&r, 20000));
    }
    pcct_store_close(store);
    return 0;
}

/* ---- readers -------------------------------------------------------------------------------------------------------------------------------- */

struct reader {
    pthread_t thread;
    pcct_store *store;
    struct random_numbers r;
    int which;
    uint64_t newest; /* version of main that was seen */
    struct {
        pcct_view *view;
        uint64_t saga;
    } held[HELD];
};

struct choice {
    char name[64];
    uint64_t left;
    struct random_numbers *r;
};

static int choose_ref(void *ctx, const struct pcct_ref *ref)
{
    struct choice *c = ctx;

    if (random_below(c->r, ++c->left) == 0) snprintf(c->name, sizeof c->name, "%s", ref->name);
    return 0;
}

/* main, a version before it, a branch or tag, any version. */
static void choose_revision(char revision[96], struct reader *r)
{
    struct choice choice = { "main", 0, &r->r };
    struct pcct_error err = { 0, "" };

    switch (random_below(&r->r, 4)) {
    case 0: snprintf(revision, 96, "main"); break;
    case 1: snprintf(revision, 96, "main~%" PRIu64, random_below(&r->r, KEPT + 10)); break;
    case 2:
        OK(pcct_refs_each(r->store, choose_ref, &choice, &err));
        snprintf(revision, 96, "%s", choice.name);
        break;
    default: snprintf(revision, 96, "v%" PRIu64, random_below(&r->r, r->newest + 1));
    }
}

/* A version of which the key was pruned before it was asked for cannot be judged. */
static void read_one(struct reader *r)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    char revision[96];
    uint64_t saga = 0, i = random_below(&r->r, HELD);
    int status;

    choose_revision(revision, r);
    status = pcct_view_open(&view, r->store, revision, &err);
    CHECK(status == 0 || (status == PCCT_E_NOT_FOUND && strcmp(revision, "main") != 0), "%s: %s", revision, err.message);
    if (status != 0) {
        COUNT(gone);
        return;
    }
    OK(pcct_view_describe(&info, view));
    if (strcmp(revision, "main") == 0) {
        CHECK(info.version >= r->newest, "main was at v%" PRIu64 " and is at v%" PRIu64, r->newest, info.version);
        r->newest = info.version;
    }
    if (saga_of(&saga, r->store, info.version) != 0) {
        COUNT(gone);
        pcct_view_close(view);
        return;
    }
    expect_view(view, saga, random_next(&r->r));
    COUNT(views);
    if (r->held[i].view) { /* held since a while, with prunings and anchors in between */
        expect_view(r->held[i].view, r->held[i].saga, random_next(&r->r));
        pcct_view_close(r->held[i].view);
        COUNT(held);
    }
    r->held[i].view = view;
    r->held[i].saga = saga;
}

static void *read_for_ever(void *ctx)
{
    struct reader *r = ctx;
    struct pcct_error err = { 0, "" };

    for (uint64_t turns = 1; !over(); turns++) {
        read_one(r);
        if (r->which == READER && turns % 20 == 0) look_at_growth(READER, turns);
        if (turns % 16 == 0) {
            uint64_t version = 0;

            OK(pcct_follow(&version, r->store, "main", r->newest, 50, &err));
            CHECK(version >= r->newest, "main was at v%" PRIu64 " and is followed at v%" PRIu64, r->newest, version);
            COUNT(follows);
        }
    }
    for (int i = 0; i < HELD; i++) pcct_view_close(r->held[i].view);
    return NULL;
}

static int read_all(int which)
{
    struct reader reader[THREADS];
    pcct_store *store = open_store();
    uint64_t turn = __atomic_load_n(&scene->turn, __ATOMIC_RELAXED);

    memset(reader, 0, sizeof reader);
    for (int i = 0; i < THREADS; i++) {
        reader[i].store = store;
        reader[i].which = which + i; /* one thread looks at growth */
        if (which > READER) reader[i].which = -1;
        reader[i].r.state = seed * 1000003 + turn * 16 + (uint64_t)i;
        CHECK(pthread_create(&reader[i].thread, NULL, read_for_ever, &reader[i]) == 0, "thread");
    }
    for (int i = 0; i < THREADS; i++) pthread_join(reader[i].thread, NULL);
    pcct_store_close(store);
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------------------ */

static uint64_t bytes_of_files;

static int add_file(const char *path, const struct stat *about, int flag, struct FTW *where)
{
    (void)path;
    (void)flag;
    (void)where;
    bytes_of_files += (uint64_t)about->st_blocks * 512;
    return 0;
}

/* A file that goes while it is looked at ends the walk early. */
static uint64_t files_kb(void)
{
    bytes_of_files = 0;
    (void)nftw(scene->path, add_file, 16, FTW_PHYS);
    return bytes_of_files / 1024;
}

static pid_t start(int which)
{
    pid_t child;

    COUNT(turn);
    fflush(NULL);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child != 0) return child;
    common_in_child = 1;
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
    _exit(which == WRITER ? write_main() : which == OTHER ? write_other() : read_all(which));
}

static int create(void *ctx)
{
    (void)ctx;
    saga_create(scene->path);
    return 0;
}

static int read_everything(void *ctx)
{
    struct pcct_fsck_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    pcct_store *store;

    (void)ctx;
    OK(pcct_fsck(&result, scene->path, NULL, &err));
    CHECK(result.damaged == 0 && result.versions_readable == result.versions, "%" PRIu64 " of %" PRIu64 " versions can be read",
          result.versions_readable, result.versions);
    printf("fsck: %" PRIu64 " versions, %" PRIu64 " anchors, all whole\n", result.versions, result.anchors);
    fflush(stdout);
    store = open_store();
    expect_sound(store, "main");
    pcct_store_close(store);
    return 0;
}

/* Nobody has ended by himself. */
static void expect_alive(const pid_t child[PROCESSES])
{
    int status = 0;

    for (int i = 0; i < PROCESSES; i++) CHECK(waitpid(child[i], &status, WNOHANG) == 0, "process %d ended with %d", i, status);
}

static void tell(double spent, uint64_t kills, uint64_t most_kb)
{
    printf("%.0f s: %" PRIu64 " commits and %" PRIu64 " beside them, %" PRIu64 " branches, %" PRIu64 " prunings of %" PRIu64 " versions; ", spent,
           scene->commits, scene->other_commits, scene->branches, scene->prunes, scene->pruned);
    printf("%" PRIu64 " views read, %" PRIu64 " again later, %" PRIu64 " were gone, %" PRIu64 " follows; %" PRIu64 " processes killed; files %" PRIu64
           " KB, at most %" PRIu64 "\n", scene->views, scene->held, scene->gone, scene->follows, kills, files_kb(), most_kb);
    for (int i = 0; i <= READER; i += READER) {
        printf("%s: descriptors %" PRIu64 " then %" PRIu64 ", own memory %" PRIu64 " then %" PRIu64 " KB at most\n", i ? "reader" : "writer",
               scene->descriptors[i], scene->most_descriptors[i], scene->memory_kb[i], scene->most_memory_kb[i]);
    }
    fflush(stdout);
}

/* The first writer and the first reader live on, so that they would be seen to grow; of the others one is killed now and then. */
static void everything_at_once(void **test)
{
    char *folder = folder_new();
    struct random_numbers r = { seed };
    pid_t child[PROCESSES];
    double began, told, t;
    uint64_t kills = 0, most_kb = 0;
    int status = 0;

    (void)test;
    scene = mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(scene != MAP_FAILED, "memory");
    snprintf(scene->path, sizeof scene->path, "%s/store", folder);
    CHECK(in_child(create, NULL) == 0, "see above");
    for (int i = 0; i < PROCESSES; i++) child[i] = start(i);
    for (began = told = now(); (t = now()) < began + seconds;) {
        static const int victim[] = { OTHER, READER + 1, READER + 2 };
        int i = victim[random_below(&r, 3)];
        uint64_t kb;

        usleep(200000 + (useconds_t)random_below(&r, 600000));
        expect_alive(child);
        kill(child[i], SIGKILL);
        CHECK(waitpid(child[i], &status, 0) == child[i] && WIFSIGNALED(status), "process %d ended with %d", i, status);
        child[i] = start(i);
        kills++;
        kb = files_kb();
        if (kb > most_kb) most_kb = kb;
        CHECK(kb < FILES_MB * 1024, "the store has grown to %" PRIu64 " KB", kb);
        if (t > told + 60) tell((told = t) - began, kills, most_kb);
    }
    __atomic_store_n(&scene->stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < PROCESSES; i++) CHECK(waitpid(child[i], &status, 0) == child[i] && status == 0, "process %d ended with %d", i, status);
    tell(now() - began, kills, most_kb);
    CHECK(scene->commits > 0 && scene->other_commits > 0 && scene->views > 0 && scene->held > 0, "nothing happened");
    CHECK(in_child(read_everything, NULL) == 0, "see above");
    munmap(scene, sizeof *scene);
    folder_free(folder);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(everything_at_once) };

    if (count > 1) seconds = strtod(words[1], NULL);
    if (count > 2) seed = strtoull(words[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
