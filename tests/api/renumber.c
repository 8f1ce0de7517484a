/* SPDX-License-Identifier: Apache-2.0 */
/* Stores whose points turn over: dead rows are dropped, and nothing else can be told from it. api_renumber [kills [seed]] */
#include "common.h"

#include <signal.h>
#include <time.h>

enum { DIM = 2, STEPS = 36, MOST = 4000, FEW_DEAD = 1024 };

static int kills = 12;
static uint64_t seed = 1;

/* ---- what should be there ----------------------------------------------------------------------------------------------------------------- */

struct point {
    int64_t label;
    double at[DIM];
};

/* One batch, and the points that are live after it, by label. */
struct step {
    struct point added[MOST], live[MOST];
    int64_t gone[MOST];
    size_t n_added, n_gone, n_live;
    uint64_t rows;  /* the documented rule */
    int renumbered; /* the batch's frame begins with a renumbering */
};

static int point_order(const void *a, const void *b)
{
    const struct point *x = a, *y = b;

    return (x->label > y->label) - (x->label < y->label);
}

static void add(struct step *s, int64_t label, struct random_numbers *r)
{
    struct point *point = &s->added[s->n_added++];

    CHECK(s->n_added <= MOST, "too many points");
    point->label = label;
    for (int j = 0; j < DIM; j++) point->at[j] = label % 3 ? random_unit(r) * 9 : floor(random_unit(r) * 9);
}

/* Sometimes all points die, or all move, or come back under their labels; mostly a part goes and others come. */
static void plan_step(struct step *s, const struct step *before, uint64_t v)
{
    struct random_numbers r = { seed * 1000 + v };
    uint64_t dead = before ? before->rows - before->n_live : 0;
    int64_t next = (int64_t)v * MOST;
    size_t live = before ? before->n_live : 0;

    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < live; i++) {
        const struct point *point = &before->live[i];
        uint64_t dice = random_below(&r, 100);

        if (v % 12 == 7) {
            s->gone[s->n_gone++] = point->label;
        } else if (v % 12 == 4 || dice < 20) {
            add(s, point->label, &r); /* replaced */
        } else if (dice < 60) {
            s->gone[s->n_gone++] = point->label;
            if (dice < 25) add(s, point->label, &r); /* deleted, and its label used again */
        } else {
            s->live[s->n_live++] = *point;
        }
    }
    for (uint64_t i = v % 12 == 7 ? 0 : 200 + random_below(&r, 500); i > 0; i--) add(s, next++, &r);
    memcpy(s->live + s->n_live, s->added, s->n_added * sizeof *s->added);
    s->n_live += s->n_added;
    qsort(s->live, s->n_live, sizeof *s->live, point_order);
    s->renumbered = dead > FEW_DEAD && dead > live;
    s->rows = (before ? s->renumbered ? live : before->rows : 0) + s->n_added;
}

static struct step *plan_all(void)
{
    struct step *step = calloc(STEPS + 1, sizeof *step);
    int renumbered = 0;

    CHECK(step != NULL, "memory");
    for (uint64_t v = 1; v <= STEPS; v++) {
        plan_step(&step[v], v > 1 ? &step[v - 1] : NULL, v);
        renumbered += step[v].renumbered;
    }
    CHECK(renumbered > 6 && renumbered < STEPS - 6, "%d renumberings", renumbered);
    return step;
}

/* ---- stores ------------------------------------------------------------------------------------------------------------------------------- */

static void make(const char *path)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };

    options.dim = DIM;
    options.seed = 99;
    OK(pcct_store_create(path, &options, &err));
}

static pcct_store *open_store(const char *path, int threads, const struct pcct_allocator *allocator)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    options.threads = threads;
    options.allocator = allocator;
    OK(pcct_store_open(&store, path, &options, &err));
    return store;
}

static pcct_batch *batch_of(pcct_store *store, const struct step *s, int (*progress)(void *ctx, double done))
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;

    options.on_duplicate = PCCT_DUPLICATE_REPLACE;
    options.progress = progress;
    OK(pcct_batch_begin(&batch, store, "main", &options, &err));
    for (size_t i = 0; i < s->n_added; i++) OK(pcct_batch_insert(batch, s->added[i].at, 1, &s->added[i].label, &err));
    OK(pcct_batch_delete(batch, s->gone, s->n_gone, &err));
    return batch;
}

static void commit(pcct_store *store, const struct step *s, uint64_t v)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = batch_of(store, s, NULL);
    uint64_t made = 0;

    OK(pcct_batch_commit(&made, batch, "turnover", &err));
    CHECK(made == v, "v%" PRIu64 " became v%" PRIu64, v, made);
    pcct_batch_close(batch);
}

static int refuse(void *ctx, double done)
{
    (void)ctx;
    (void)done;
    return 1;
}

/* Commits that fail before, within and after what a commit begins with; none leaves a trace. */
static void commit_in_vain(pcct_store *store, const struct step *s, const struct step *before)
{
    struct pcct_error err = { 0, "" };
    pcct_batch *batch = NULL;

    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    if (before && before->n_live > 0) {
        OK(pcct_batch_insert(batch, before->live[0].at, 1, &before->live[0].label, &err));
        FAILS(PCCT_E_DUPLICATE, pcct_batch_commit(NULL, batch, "", &err));
    }
    pcct_batch_close(batch);
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_delete(batch, &(int64_t){ 3 }, 1, &err));
    FAILS(PCCT_E_UNKNOWN, pcct_batch_commit(NULL, batch, "", &err));
    pcct_batch_close(batch);
    if (s->n_added == 0) return;
    batch = batch_of(store, s, refuse);
    FAILS(PCCT_E_CANCELLED, pcct_batch_commit(NULL, batch, "", &err));
    pcct_batch_close(batch);
}

/* Identities of versions 1 to n, which must be all there are. */
static void identities(uint8_t (*identity)[16], pcct_store *store, uint64_t n)
{
    struct pcct_error err = { 0, "" };
    struct pcct_version version;
    pcct_log *log = NULL;

    OK(pcct_log_open(&log, store, "main", &err));
    for (uint64_t v = n; v > 0; v--) {
        CHECK(pcct_log_next(&version, log, &err) == 1 && version.version == v, "v%" PRIu64 ": %s", v, err.message);
        memcpy(identity[v], version.identity, 16);
    }
    CHECK(pcct_log_next(&version, log, &err) == 0, "more versions");
    pcct_log_close(log);
}

static void expect_version(pcct_store *store, const struct step *s, uint64_t v)
{
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    int64_t *labels = calloc(MOST, sizeof *labels);
    double *points = calloc(MOST * DIM, sizeof *points);
    pcct_view *view = NULL;
    char revision[32];

    CHECK(labels && points, "memory");
    snprintf(revision, sizeof revision, "v%" PRIu64, v);
    OK(pcct_view_open(&view, store, revision, &err));
    OK(pcct_view_describe(&info, view));
    CHECK(info.n_live == s->n_live && info.n_rows == s->rows, "v%" PRIu64 ": %" PRIu64 " live of %" PRIu64 " rows, not %zu of %" PRIu64, v,
          info.n_live, info.n_rows, s->n_live, s->rows);
    OK(pcct_view_read(labels, points, view, &err));
    for (size_t i = 0; i < s->n_live; i++) {
        CHECK(labels[i] == s->live[i].label, "v%" PRIu64 ": label %" PRId64 " in place of %" PRId64, v, labels[i], s->live[i].label);
        CHECK(memcmp(points + i * DIM, s->live[i].at, sizeof s->live[i].at) == 0, "v%" PRIu64 ": the point of label %" PRId64, v, labels[i]);
    }
    memset(points, 0, MOST * DIM * sizeof *points);
    OK(pcct_view_find(points, view, labels, s->n_live, &err));
    for (size_t i = 0; i < s->n_live; i++) {
        CHECK(memcmp(points + i * DIM, s->live[i].at, sizeof s->live[i].at) == 0, "v%" PRIu64 ": find label %" PRId64, v, labels[i]);
    }
    pcct_view_close(view);
    if (v % 5 == 0) expect_sound(store, revision);
    free(labels);
    free(points);
}

static int remove_file(const char *path, const struct stat *what, int flag, struct FTW *where)
{
    (void)what;
    (void)where;
    return flag == FTW_F ? remove(path) : 0;
}

/* ---- tests -------------------------------------------------------------------------------------------------------------------------------- */

enum { STORES = 3 };

/*
 * The same batches to three stores: one writer that stays, with commits in vain in between; one that is opened anew for each commit, with another
 * number of threads; two writers by turns, each of which follows the other's frames.
 */
static void one_history(void **test)
{
    struct step *step = plan_all();
    char *folder = folder_new(), *path[STORES];
    uint8_t identity[STORES][STEPS + 1][16];
    struct pcct_fsck_result fsck = { .size = sizeof fsck };
    struct pcct_error err = { 0, "" };
    pcct_store *stays, *turn[2], *again;
    char *data;

    (void)test;
    for (int i = 0; i < STORES; i++) {
        path[i] = path_join(folder, i == 0 ? "stays" : i == 1 ? "anew" : "turns");
        make(path[i]);
    }
    stays = open_store(path[0], 1, NULL);
    turn[0] = open_store(path[2], 2, NULL);
    turn[1] = open_store(path[2], 1, NULL);
    for (uint64_t v = 1; v <= STEPS; v++) {
        commit_in_vain(stays, &step[v], v > 1 ? &step[v - 1] : NULL);
        commit(stays, &step[v], v);
        expect_version(stays, &step[v], v);
        CHECK(v == 1 || step[v].rows <= 2 * step[v].n_live + FEW_DEAD + 2 * (step[v].n_gone + step[v].n_added), "v%" PRIu64, v);
        again = open_store(path[1], 4, NULL);
        commit(again, &step[v], v);
        pcct_store_close(again);
        commit(turn[v % 2], &step[v], v);
    }
    again = open_store(path[1], 1, NULL);
    identities(identity[0], stays, STEPS);
    identities(identity[1], again, STEPS);
    identities(identity[2], turn[0], STEPS);
    for (uint64_t v = 1; v <= STEPS; v++) {
        CHECK(memcmp(identity[0][v], identity[1][v], 16) == 0, "opened anew, v%" PRIu64, v);
        CHECK(memcmp(identity[0][v], identity[2][v], 16) == 0, "by turns, v%" PRIu64, v);
        expect_version(stays, &step[v], v);
        expect_version(again, &step[v], v);
    }
    data = path_join(path[2], "data"); /* from frames alone */
    CHECK(nftw(data, remove_file, 16, FTW_PHYS) == 0, "%s", data);
    free(data);
    for (int i = 0; i < 2; i++) pcct_store_close(turn[i]);
    turn[0] = open_store(path[2], 1, NULL);
    for (uint64_t v = 1; v <= STEPS; v++) expect_version(turn[0], &step[v], v);
    pcct_store_close(turn[0]);
    pcct_store_close(again);
    pcct_store_close(stays);
    OK(pcct_fsck(&fsck, path[0], NULL, &err));
    CHECK(fsck.damaged == 0 && fsck.versions_readable == STEPS, "%" PRIu64 " damaged, %" PRIu64 " readable", fsck.damaged, fsck.versions_readable);
    for (int i = 0; i < STORES; i++) free(path[i]);
    folder_free(folder);
    free(step);
}

struct memory {
    int64_t live, taken, fail_at;
};

static void *take(void *ctx, size_t bytes, size_t alignment)
{
    struct memory *m = ctx;

    if (__atomic_add_fetch(&m->taken, 1, __ATOMIC_RELAXED) == m->fail_at) return NULL;
    __atomic_add_fetch(&m->live, 1, __ATOMIC_RELAXED);
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void give_back(void *ctx, void *memory)
{
    struct memory *m = ctx;

    if (memory) __atomic_sub_fetch(&m->live, 1, __ATOMIC_RELAXED);
    free(memory);
}

/* The n-th block of a commit that renumbers is refused: the store is as before, and in the end the version is the one it should be. */
static void without_memory(void **test)
{
    struct step *step = plan_all();
    char *folder = folder_new(), *path = path_join(folder, "store"), *plain = path_join(folder, "plain");
    struct memory memory = { 0, 0, 0 };
    struct pcct_allocator allocator = { take, give_back, &memory };
    struct pcct_error err = { 0, "" };
    pcct_store *store, *other;
    uint8_t identity[2][STEPS + 1][16];
    uint64_t v = 1, made = 0;
    int64_t failures = 0;
    int status = 0;

    (void)test;
    make(path);
    make(plain);
    store = open_store(path, 1, &allocator);
    other = open_store(plain, 1, NULL);
    for (; !step[v].renumbered; v++) commit(store, &step[v], v);
    do {
        pcct_batch *batch = batch_of(store, &step[v], NULL);

        memory.taken = 0;
        memory.fail_at = failures + 1;
        status = pcct_batch_commit(&made, batch, "turnover", &err);
        memory.fail_at = 0;
        pcct_batch_close(batch);
        CHECK(status == 0 || status == PCCT_E_MEMORY, "block %" PRId64 ": %s", failures + 1, err.message);
        if (status == 0) break;
        CHECK(head_of(store) == v - 1, "block %" PRId64, failures + 1);
        failures++;
    } while (failures < 10000);
    CHECK(failures > 30 && made == v, "%" PRId64 " failures", failures);
    expect_version(store, &step[v], v);
    commit(store, &step[v + 1], v + 1);
    for (uint64_t w = 1; w <= v + 1; w++) commit(other, &step[w], w);
    identities(identity[0], store, v + 1);
    identities(identity[1], other, v + 1);
    for (uint64_t w = 1; w <= v + 1; w++) CHECK(memcmp(identity[0][w], identity[1][w], 16) == 0, "v%" PRIu64, w);
    pcct_store_close(other);
    pcct_store_close(store);
    CHECK(memory.live == 0, "%" PRId64 " blocks were not given back", memory.live);
    free(path);
    free(plain);
    folder_free(folder);
    free(step);
}

/* ---- kill -9 ------------------------------------------------------------------------------------------------------------------------------ */

struct scene {
    char *path;
    int pipe[2];
    uint64_t acknowledged;
};

/* Version v has nothing of the version before; from the third on every odd one begins with a renumbering. */
static void whole_step(struct step *s, uint64_t v)
{
    struct random_numbers r = { v };
    size_t before = v % 2 ? 1060 : 1100;

    memset(s, 0, sizeof *s);
    for (size_t i = 0; v > 1 && i < before; i++) s->gone[s->n_gone++] = (int64_t)((v - 1) * MOST + i);
    for (size_t i = 0; i < (v % 2 ? 1100 : 1060); i++) add(s, (int64_t)(v * MOST + i), &r);
    memcpy(s->live, s->added, s->n_added * sizeof *s->added);
    s->n_live = s->n_added;
    s->rows = v < 3 ? 1100 + (v - 1) * 1060 : v % 2 ? 2160 : 3220;
}

static int create(void *ctx)
{
    make(((struct scene *)ctx)->path);
    return 0;
}

static int commit_for_ever(void *ctx)
{
    struct scene *scene = ctx;
    static struct step step;
    pcct_store *store = open_store(scene->path, 1, NULL);

    for (uint64_t v = head_of(store) + 1; v > 0; v++) {
        whole_step(&step, v);
        commit(store, &step, v);
        CHECK(write(scene->pipe[1], &v, sizeof v) == sizeof v, "pipe");
    }
    return 0;
}

static int look(void *ctx)
{
    struct scene *scene = ctx;
    static struct step step;
    pcct_store *store = open_store(scene->path, 1, NULL);
    uint64_t head = head_of(store);

    CHECK(head == scene->acknowledged || head == scene->acknowledged + 1, "head is v%" PRIu64 ", promised was v%" PRIu64, head, scene->acknowledged);
    for (uint64_t v = head > 3 ? head - 3 : 1; v <= head; v++) {
        whole_step(&step, v);
        expect_version(store, &step, v);
    }
    expect_sound(store, "main");
    CHECK(write(scene->pipe[1], &head, sizeof head) == sizeof head, "pipe");
    pcct_store_close(store);
    return 0;
}

/* Nobody can tell from the versions that their writers were killed. */
static int compare(void *ctx)
{
    struct scene *scene = ctx;
    static struct step step;
    char plain_path[4096];
    pcct_store *store = open_store(scene->path, 1, NULL), *plain;
    uint64_t head = head_of(store);
    uint8_t (*identity[2])[16] = { calloc(head + 1, 16), calloc(head + 1, 16) };

    snprintf(plain_path, sizeof plain_path, "%s.plain", scene->path);
    make(plain_path);
    plain = open_store(plain_path, 1, NULL);
    for (uint64_t v = 1; v <= head; v++) {
        whole_step(&step, v);
        commit(plain, &step, v);
    }
    CHECK(identity[0] && identity[1], "memory");
    identities(identity[0], store, head);
    identities(identity[1], plain, head);
    for (uint64_t v = 1; v <= head; v++) CHECK(memcmp(identity[0][v], identity[1][v], 16) == 0, "v%" PRIu64, v);
    for (int i = 0; i < 2; i++) free(identity[i]);
    pcct_store_close(store);
    pcct_store_close(plain);
    return 0;
}

static void kill_one(struct scene *scene, struct random_numbers *r)
{
    struct timespec moment = { 0, (long)(5000000 + random_below(r, 90000000)) };
    uint64_t v = 0;
    pid_t child = 0;
    int status = 0;

    CHECK(pipe(scene->pipe) == 0, "pipe");
    fflush(stdout);
    child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        common_in_child = 1;
        _exit(commit_for_ever(scene));
    }
    close(scene->pipe[1]);
    nanosleep(&moment, NULL);
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the writer ended by itself: %d", status);
    while (read(scene->pipe[0], &v, sizeof v) == sizeof v) scene->acknowledged = v;
    close(scene->pipe[0]);
}

/* First of all tests: the library is only used in children here, see common.h. */
static void killed_at_any_moment(void **test)
{
    char *folder = folder_new();
    struct scene scene = { .path = path_join(folder, "store") };
    struct random_numbers r = { seed };

    (void)test;
    printf("seed %" PRIu64 ", %d kills\n", seed, kills);
    CHECK(in_child(create, &scene) == 0, "create");
    for (int i = 0; i < kills; i++) {
        kill_one(&scene, &r);
        CHECK(pipe(scene.pipe) == 0, "pipe");
        CHECK(in_child(look, &scene) == 0, "kill %d of seed %" PRIu64, i, seed);
        CHECK(read(scene.pipe[0], &scene.acknowledged, sizeof scene.acknowledged) == sizeof scene.acknowledged, "pipe");
        close(scene.pipe[0]);
        close(scene.pipe[1]);
    }
    CHECK(in_child(compare, &scene) == 0, "identities of seed %" PRIu64, seed);
    printf("%" PRIu64 " versions\n", scene.acknowledged);
    free(scene.path);
    folder_free(folder);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(killed_at_any_moment), cmocka_unit_test(one_history), cmocka_unit_test(without_memory) };

    if (count > 1) kills = atoi(words[1]);
    if (count > 2) seed = strtoull(words[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
