/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branches and tags, changed and read by threads of several processes at once, some of which are killed: the answers are those of a store that does
 * one thing at a time (linear.h). api_linear [rounds [seed]]
 */
#include "linear.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include <pthread.h>

enum { PROCESSES = 3, THREADS = 2, CALLS = 6 };

static uint64_t rounds = 120, first_seed = 1;

/* Mistakes of the client of a sound store, which make its answers those of a wrong one. */
enum mistake { NO_MISTAKE, STALE_READ, CHECK_THEN_ACT };

struct actor {
    struct linear_call call[CALLS];
    size_t n; /* calls that began; the last of them may not have ended */
};

/* In memory that all processes of a round share. */
struct scene {
    char path[256];
    uint64_t seed;
    enum mistake mistake;
    int ready, go; /* atomic */
    struct linear_store store;
    struct actor actor[PROCESSES * THREADS];
};

struct player {
    struct scene *scene;
    struct actor *actor;
    pcct_store *store;
    struct random_numbers r;
    uint64_t known, stale; /* versions */
    pthread_t thread;
};

static uint64_t clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wait_us(uint64_t us)
{
    struct timespec t = { 0, (long)(us * 1000) };

    nanosleep(&t, NULL);
}

/* ---- the calls ------------------------------------------------------------------------------------------------------------------------------ */

static const char *revision(char text[32], uint64_t version)
{
    if (version == linear_none) return NULL;
    snprintf(text, 32, "v%" PRIu64, version);
    return text;
}

static int do_commit(struct player *p, struct linear_call *c, int no_wait, struct pcct_error *err)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    pcct_batch *batch = NULL;
    char expect[32], to[32];
    int status;

    options.expect = revision(expect, c->expect);
    options.no_wait = no_wait;
    status = pcct_batch_begin(&batch, p->store, linear_name[c->ref], &options, err);
    if (status == 0 && c->to != linear_none) status = pcct_batch_restore(batch, revision(to, c->to), err);
    if (status == 0) status = pcct_batch_commit(&c->got, batch, NULL, err);
    pcct_batch_close(batch);
    return status;
}

static int do_read(struct player *p, struct linear_call *c, struct pcct_error *err)
{
    struct pcct_view_info info = { .size = sizeof info };
    pcct_view *view = NULL;
    int status;

    if (c->to == linear_none) return pcct_resolve(&c->got, p->store, linear_name[c->ref], err);
    status = pcct_view_open(&view, p->store, linear_name[c->ref], err);
    if (status == 0) status = pcct_view_describe(&info, view);
    c->got = info.version;
    pcct_view_close(view);
    return status;
}

static int add_ref(void *ctx, const struct pcct_ref *ref)
{
    uint64_t *at = ctx;

    for (int i = 0; i < LINEAR_REFS; i++) {
        if (strcmp(ref->name, linear_name[i]) == 0) at[i] = ref->version;
    }
    return 0;
}

static int read_refs(uint64_t at[LINEAR_REFS], pcct_store *store, struct pcct_error *err)
{
    for (int i = 0; i < LINEAR_REFS; i++) at[i] = linear_none;
    return pcct_refs_each(store, add_ref, at, err);
}

static int do_one(struct player *p, struct linear_call *c, int no_wait, struct pcct_error *err)
{
    struct pcct_ref_options options = PCCT_REF_OPTIONS_INIT;
    const char *name = linear_name[c->ref];
    const int is_branch = c->ref < LINEAR_BRANCHES;
    char expect[32], to[32];

    options.expect = revision(expect, c->expect);
    options.no_wait = no_wait;
    switch (c->deed) {
    case LINEAR_COMMIT: return do_commit(p, c, no_wait, err);
    case LINEAR_RESET: return pcct_branch_reset(&c->got, p->store, name, revision(to, c->to), &options, err);
    case LINEAR_MAKE:
        if (is_branch) return pcct_branch_create(p->store, name, revision(to, c->to), &options, err);
        return pcct_tag_create(p->store, name, revision(to, c->to), &options, err);
    case LINEAR_DELETE:
        if (is_branch) return pcct_branch_delete(p->store, name, &options, err);
        return pcct_tag_delete(p->store, name, &options, err);
    case LINEAR_READ: return do_read(p, c, err);
    default: return read_refs(c->at, p->store, err);
    }
}

/* ---- mistakes ------------------------------------------------------------------------------------------------------------------------------- */

/* What was read before is told again; the expectation is looked after by the caller, not under the lock. */
static int do_wrong(struct player *p, struct linear_call *c, struct pcct_error *err)
{
    uint64_t stands = 0, expect = c->expect;
    int status;

    if (p->scene->mistake == STALE_READ && c->deed == LINEAR_READ && c->ref == 0) {
        uint64_t before = p->stale;

        status = do_one(p, c, 0, err);
        p->stale = c->got;
        if (before != 0) c->got = before;
        return status;
    }
    if (p->scene->mistake != CHECK_THEN_ACT || expect == linear_none) return do_one(p, c, 0, err);
    status = pcct_resolve(&stands, p->store, linear_name[c->ref], err);
    if (status != 0) return status;
    if (stands != expect) return PCCT_E_CONFLICT;
    wait_us(500);
    c->expect = linear_none;
    status = do_one(p, c, 0, err);
    c->expect = expect;
    return status;
}

/* ---- players -------------------------------------------------------------------------------------------------------------------------------- */

static void choose(struct player *p, struct linear_call *c)
{
    static const enum linear_deed often[] = { LINEAR_COMMIT, LINEAR_COMMIT, LINEAR_RESET, LINEAR_RESET, LINEAR_MAKE, LINEAR_DELETE, LINEAR_READ,
                                              LINEAR_READ, LINEAR_READ, LINEAR_ALL };
    uint64_t back = random_below(&p->r, 4);

    memset(c, 0, sizeof *c);
    c->deed = often[random_below(&p->r, sizeof often / sizeof often[0])];
    c->ref = (int)random_below(&p->r, c->deed == LINEAR_COMMIT || c->deed == LINEAR_RESET ? LINEAR_BRANCHES : LINEAR_REFS);
    if (c->ref == 0 && (c->deed == LINEAR_MAKE || c->deed == LINEAR_DELETE)) c->ref = LINEAR_REFS - 1;
    c->to = back < p->known ? p->known - back : p->known;
    if ((c->deed == LINEAR_COMMIT || c->deed == LINEAR_READ) && random_below(&p->r, 2)) c->to = linear_none;
    c->expect = linear_none;
    if ((c->deed == LINEAR_COMMIT || c->deed == LINEAR_RESET || c->deed == LINEAR_DELETE) && random_below(&p->r, 2)) {
        uint64_t at[LINEAR_REFS]; /* a compare and swap that has a chance */
        struct pcct_error err = { 0, "" };

        OK(read_refs(at, p->store, &err));
        if (at[c->ref] != linear_none) c->expect = at[c->ref];
    }
}

static void learn(struct player *p, struct linear_call *c)
{
    struct pcct_version version;
    struct pcct_error err = { 0, "" };
    pcct_log *log = NULL;
    char text[32];

    if (c->answer != 0 || (c->deed != LINEAR_COMMIT && c->deed != LINEAR_READ)) return;
    if (c->got > p->known) p->known = c->got;
    if (c->deed != LINEAR_COMMIT) return;
    OK(pcct_log_open(&log, p->store, revision(text, c->got), &err));
    CHECK(pcct_log_next(&version, log, &err) == 1 && version.version == c->got, "v%" PRIu64 " has no record", c->got);
    c->parent = version.parent;
    CHECK(version.state_parent == (c->to == linear_none ? version.parent : c->to), "the state of v%" PRIu64, c->got);
    pcct_log_close(log);
}

static void *play(void *ctx)
{
    struct player *p = ctx;
    struct actor *a = p->actor;

    __atomic_add_fetch(&p->scene->ready, 1, __ATOMIC_ACQ_REL);
    while (!__atomic_load_n(&p->scene->go, __ATOMIC_ACQUIRE)) wait_us(20);
    for (size_t i = 0; i < CALLS; i++) {
        struct linear_call *c = &a->call[i];
        struct pcct_error err = { 0, "" };
        int no_wait = random_below(&p->r, 8) == 0;
        uint64_t ended;

        choose(p, c);
        c->began = clock_now();
        __atomic_store_n(&a->n, i + 1, __ATOMIC_RELEASE);
        c->answer = p->scene->mistake == NO_MISTAKE ? do_one(p, c, no_wait, &err) : do_wrong(p, c, &err);
        ended = clock_now();
        CHECK(c->answer == 0 || c->answer == PCCT_E_NOT_FOUND || c->answer == PCCT_E_EXISTS || c->answer == PCCT_E_CONFLICT ||
                  c->answer == PCCT_E_BUSY, "%s: %s", pcct_code_name(c->answer), err.message);
        learn(p, c);
        c->ended = ended; /* last of all: whoever is killed before counts as not answered */
    }
    return NULL;
}

/* Process `which` commits by durability `which`. */
static int play_process(struct scene *s, int which)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    struct player player[THREADS];
    pcct_store *store = NULL;

    options.threads = 1;
    options.durability = which % 3;
    OK(pcct_store_open(&store, s->path, &options, &err));
    for (int i = 0; i < THREADS; i++) {
        struct player p = { .scene = s, .actor = &s->actor[which * THREADS + i], .store = store, .known = s->store.newest };

        p.r.state = s->seed * 1000 + (uint64_t)(which * THREADS + i);
        player[i] = p;
        CHECK(pthread_create(&player[i].thread, NULL, play, &player[i]) == 0, "thread");
    }
    for (int i = 0; i < THREADS; i++) pthread_join(player[i].thread, NULL);
    pcct_store_close(store);
    return 0;
}

/* What there is when nobody is at work; told as the last call of all, which must fit too. */
static int look(void *ctx)
{
    struct scene *s = ctx;
    struct pcct_error err = { 0, "" };
    struct pcct_version version;
    pcct_store *store = NULL;
    pcct_log *log = NULL;

    OK(pcct_store_open(&store, s->path, NULL, &err));
    OK(read_refs(s->store.at, store, &err));
    OK(pcct_log_open_all(&log, store, &err));
    s->store.newest = pcct_log_next(&version, log, &err) == 1 ? version.version : 0;
    pcct_log_close(log);
    if (s->seed % 16 == 0) expect_sound(store, "main");
    pcct_store_close(store);
    return 0;
}

static int create(void *ctx)
{
    struct scene *s = ctx;

    saga_create(s->path);
    return 0;
}

/* ---- rounds --------------------------------------------------------------------------------------------------------------------------------- */

/* Of the processes one may be killed when it is at work. */
static void let_play(struct scene *s, struct random_numbers *r)
{
    pid_t child[PROCESSES];
    int victim = random_below(r, 4) == 0 ? (int)random_below(r, PROCESSES) : -1, status = 0;

    s->ready = s->go = 0;
    memset(s->actor, 0, sizeof s->actor);
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        child[i] = fork();
        CHECK(child[i] >= 0, "fork");
        if (child[i] == 0) {
            common_in_child = 1;
            CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
            _exit(play_process(s, i));
        }
    }
    while (__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE) < PROCESSES * THREADS) {
        CHECK(waitpid(-1, &status, WNOHANG) == 0, "a process ended with %d", status);
        wait_us(50);
    }
    __atomic_store_n(&s->go, 1, __ATOMIC_RELEASE);
    if (victim >= 0) {
        wait_us(random_below(r, 20000));
        kill(child[victim], SIGKILL);
    }
    for (int i = 0; i < PROCESSES; i++) {
        CHECK(waitpid(child[i], &status, 0) == child[i], "waitpid");
        CHECK((i == victim && WIFSIGNALED(status)) || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "process %d ended with %d", i, status);
    }
}

/* 1: the calls of this round could have come one after the other. */
static int round_is_linear(struct scene *s, struct random_numbers *r, int tell)
{
    struct linear_call call[LINEAR_MOST];
    struct linear_store before = s->store;
    uint64_t most = 0;
    size_t n = 0;
    int good;

    let_play(s, r);
    for (int i = 0; i < PROCESSES * THREADS; i++) {
        for (size_t j = 0; j < s->actor[i].n; j++) call[n++] = s->actor[i].call[j];
    }
    memset(&call[n], 0, sizeof call[n]);
    call[n].began = clock_now();
    CHECK(in_child(look, s) == 0, "see above");
    call[n].ended = clock_now();
    call[n].deed = LINEAR_ALL;
    memcpy(call[n++].at, s->store.at, sizeof s->store.at);
    good = linear_check(&most, &before, call, n);
    if (!good && tell) linear_print(most, &before, call, n);
    return good;
}

/* The number of rounds until one is not linear; 0: all are. */
static uint64_t rounds_until_wrong(enum mistake mistake, uint64_t most)
{
    struct scene *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct random_numbers r = { first_seed };
    char *folder = folder_new();
    uint64_t wrong = 0;

    CHECK(s != MAP_FAILED, "memory");
    snprintf(s->path, sizeof s->path, "%s/store", folder);
    s->mistake = mistake;
    CHECK(in_child(create, s) == 0, "see above");
    CHECK(in_child(look, s) == 0, "see above");
    for (uint64_t i = 1; i <= most && wrong == 0; i++) {
        s->seed = first_seed * 100000 + i;
        if (!round_is_linear(s, &r, mistake == NO_MISTAKE)) wrong = i;
    }
    munmap(s, sizeof *s);
    folder_free(folder);
    return wrong;
}

static void the_store_does_one_thing_at_a_time(void **test)
{
    uint64_t wrong;

    (void)test;
    wrong = rounds_until_wrong(NO_MISTAKE, rounds);
    CHECK(wrong == 0, "seed %" PRIu64 ", round %" PRIu64 ": no order of these calls gives their answers", first_seed, wrong);
}

static void mistakes_are_found(void **test)
{
    (void)test;
    CHECK(rounds_until_wrong(STALE_READ, 60) > 0, "reads of what stood there before are not found");
    CHECK(rounds_until_wrong(CHECK_THEN_ACT, 60) > 0, "a compare and swap that is none is not found");
}

/* ---- the checker by itself ------------------------------------------------------------------------------------------------------------------- */

static const struct linear_store at_three = { { 3, 1, UINT64_MAX, 2, UINT64_MAX }, 3 };

static int is_linear(const struct linear_call *call, size_t n)
{
    uint64_t most = 0;

    return linear_check(&most, &at_three, call, n);
}

static struct linear_call called(uint64_t began, uint64_t ended, enum linear_deed deed, int ref, uint64_t got)
{
    struct linear_call c = { .began = began, .ended = ended, .deed = deed, .ref = ref, .to = linear_none, .expect = linear_none, .got = got };

    return c;
}

static struct linear_call committed(uint64_t began, uint64_t ended, uint64_t made, uint64_t parent, uint64_t expect)
{
    struct linear_call c = called(began, ended, LINEAR_COMMIT, 0, made);

    c.parent = parent;
    c.expect = expect;
    return c;
}

static void what_could_be_is_taken(void **test)
{
    struct linear_call two[] = { committed(1, 9, 5, 4, linear_none), committed(2, 8, 4, 3, linear_none), called(3, 7, LINEAR_READ, 0, 3) };
    struct linear_call swap[] = { committed(1, 9, 4, 3, 3), committed(2, 8, 0, 0, 3), called(10, 11, LINEAR_READ, 0, 4) };
    struct linear_call lost[] = { committed(1, 0, 0, 0, linear_none), called(10, 11, LINEAR_READ, 0, 3), called(12, 13, LINEAR_READ, 0, 4) };
    struct linear_call none = called(1, 2, LINEAR_READ, 2, 0);

    (void)test;
    swap[1].answer = PCCT_E_CONFLICT;
    none.answer = PCCT_E_NOT_FOUND;
    assert_true(is_linear(two, 3));
    assert_true(is_linear(swap, 3));
    assert_true(is_linear(lost, 3));
    assert_true(is_linear(lost, 2)); /* never done */
    assert_true(is_linear(&none, 1));
    assert_true(is_linear(NULL, 0));
}

static void what_could_not_be_is_found(void **test)
{
    struct linear_call stale[] = { committed(1, 2, 4, 3, linear_none), called(3, 4, LINEAR_READ, 0, 3) };
    struct linear_call back[] = { committed(1, 9, 4, 3, linear_none), called(2, 3, LINEAR_READ, 0, 4), called(4, 5, LINEAR_READ, 0, 3) };
    struct linear_call both[] = { committed(1, 9, 4, 3, 3), committed(2, 8, 5, 4, 3) };
    struct linear_call twice[] = { committed(1, 9, 4, 3, linear_none), committed(2, 8, 4, 3, linear_none) };
    struct linear_call orphan[] = { committed(1, 9, 4, 3, linear_none), committed(2, 8, 5, 3, linear_none) };
    struct linear_call reset = called(1, 9, LINEAR_RESET, 1, 1), torn[3];
    struct linear_call again[] = { committed(1, 0, 0, 0, linear_none), called(2, 3, LINEAR_READ, 0, 4), called(4, 5, LINEAR_READ, 0, 3) };

    (void)test;
    assert_false(is_linear(stale, 2));
    assert_false(is_linear(back, 3));
    assert_false(is_linear(both, 2));
    assert_false(is_linear(twice, 2));
    assert_false(is_linear(orphan, 2));
    assert_false(is_linear(again, 3)); /* done, and then not */
    reset.to = 2;
    torn[0] = reset;
    torn[1] = called(10, 20, LINEAR_RESET, 0, 3);
    torn[1].to = 2;
    torn[2] = called(5, 25, LINEAR_ALL, 0, 0); /* main's reset, which came later, without left's */
    memcpy(torn[2].at, at_three.at, sizeof torn[2].at);
    torn[2].at[0] = 2;
    assert_false(is_linear(torn, 3));
    torn[2].at[1] = 2;
    assert_true(is_linear(torn, 3));
    torn[0].got = 3; /* not where it stood */
    assert_false(is_linear(torn, 3));
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_be_is_taken), cmocka_unit_test(what_could_not_be_is_found), cmocka_unit_test(mistakes_are_found),
        cmocka_unit_test(the_store_does_one_thing_at_a_time),
    };

    if (count > 1) rounds = strtoull(words[1], NULL, 10);
    if (count > 2) first_seed = strtoull(words[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
