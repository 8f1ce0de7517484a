/* SPDX-License-Identifier: Apache-2.0 */
/* Compactions while another process is at the files. */
#include "common.h"

#include <fcntl.h>
#include <signal.h>

enum { DIM = 2, BULK = 12000, VERSIONS = 12, GONE = 900, KEEP = 3, MAINTENANCE_BYTE = 1 };

/* Many points, most of which later versions take away; then these are pruned but for the last ones. `made`: how many there are. */
static void fill(pcct_store *store, int64_t *made)
{
    struct pcct_prune_options prune = PCCT_PRUNE_OPTIONS_INIT;
    struct pcct_prune_result pruned = { .size = sizeof pruned };
    struct random_numbers r = { 5 };
    struct pcct_error err = { 0, "" };
    static double points[BULK * DIM];
    const int64_t first = *made / VERSIONS * BULK;

    for (int64_t v = 0; v < VERSIONS; v++, ++*made) {
        pcct_batch *batch = NULL;
        int64_t label[BULK];
        const size_t n = v == 0 ? BULK : GONE;

        for (size_t i = 0; i < BULK * DIM; i++) points[i] = random_unit(&r);
        for (size_t i = 0; i < n; i++) label[i] = first + (v == 0 ? 0 : (v - 1) * GONE) + (int64_t)i;
        OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
        if (v == 0) OK(pcct_batch_insert(batch, points, BULK, label, &err));
        else OK(pcct_batch_delete(batch, label, n, &err));
        OK(pcct_batch_commit(NULL, batch, "", &err));
        pcct_batch_close(batch);
    }
    prune.keep_last = KEEP;
    OK(pcct_prune(&pruned, store, &prune, &err));
}

/* As one who writes anchors for a moment again and again: most of the time it has the lock on their byte. */
static void be_in_the_way(const char *path)
{
    char *name = path_join(path, "LOCK");
    int fd = open(name, O_RDWR);

    for (;;) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = MAINTENANCE_BYTE, .l_len = 1 };

        if (fcntl(fd, F_OFD_SETLKW, &lock) != 0) _exit(1);
        usleep(20000);
        lock.l_type = F_UNLCK;
        if (fcntl(fd, F_OFD_SETLK, &lock) != 0) _exit(1);
        usleep(500);
    }
}

static void expect_whole(const char *path)
{
    struct pcct_fsck_result fsck = { .size = sizeof fsck };
    struct pcct_error err = { 0, "" };

    OK(pcct_fsck(&fsck, path, NULL, &err));
    CHECK(fsck.damaged == 0 && fsck.versions_readable == fsck.versions, "%" PRIu64 " damaged", fsck.damaged);
}

/* It waits for others who write anchors, whatever it is at. */
static void waits(void **test)
{
    char *folder = folder_new(), *path = path_join(folder, "store.pcct");
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_compact_options options = PCCT_COMPACT_OPTIONS_INIT;
    struct pcct_compact_result result = { .size = sizeof result };
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    uint64_t made = 0;
    int64_t commits = 0;
    int status = 0;

    (void)test;
    create.dim = DIM;
    OK(pcct_store_create(path, &create, &err));
    for (int round = 0; round < 4; round++) {
        pid_t child;

        OK(pcct_store_open(&store, path, NULL, &err));
        fill(store, &commits);
        pcct_store_close(store);
        OK(pcct_store_open(&store, path, NULL, &err));
        fflush(stdout);
        child = fork();
        CHECK(child >= 0, "fork");
        if (child == 0) be_in_the_way(path);
        OK(pcct_compact(&result, store, &options, &err));
        made += result.anchors_made;
        kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "the other one ended by itself: %d", status);
        pcct_store_close(store);
        expect_whole(path);
    }
    CHECK(made > 0, "no anchor was to be made");
    free(path);
    folder_free(folder);
}

/* 0: done; 1: told that another was first. */
static int compact_one(void *ctx)
{
    struct pcct_compact_options options = PCCT_COMPACT_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    int status;

    OK(pcct_store_open(&store, ctx, NULL, &err));
    status = pcct_compact(NULL, store, &options, &err);
    CHECK(status == 0 || status == PCCT_E_CONFLICT, "%s: %s", pcct_code_name(status), err.message);
    pcct_store_close(store);
    return status != 0;
}

static int fill_one(void *ctx)
{
    struct pcct_create_options create = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    int64_t made = 0;

    create.dim = DIM;
    OK(pcct_store_create(ctx, &create, &err));
    OK(pcct_store_open(&store, ctx, NULL, &err));
    fill(store, &made);
    pcct_store_close(store);
    return 0;
}

/* One of several at once gets to its end, the others too or they are told; whatever they did to anchors, every version is there. */
static void several_at_once(void **test)
{
    enum { ROUNDS = 4, SEVERAL = 3 };

    (void)test;
    for (int round = 0; round < ROUNDS; round++) {
        char *folder = folder_new(), *path = path_join(folder, "store.pcct");
        pid_t child[SEVERAL];
        int done = 0, status = 0;

        CHECK(in_child(fill_one, path) == 0, "the store");
        for (int i = 0; i < SEVERAL; i++) {
            child[i] = fork();
            CHECK(child[i] >= 0, "fork");
            if (child[i] == 0) {
                common_in_child = 1;
                _exit(compact_one(path));
            }
        }
        for (int i = 0; i < SEVERAL; i++) {
            CHECK(waitpid(child[i], &status, 0) == child[i] && WIFEXITED(status) && WEXITSTATUS(status) <= 1, "it ended with %d", status);
            done += WEXITSTATUS(status) == 0;
        }
        CHECK(done > 0, "none was the first");
        expect_whole(path);
        free(path);
        folder_free(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_at_once), /* first: no thread of the library is there yet */
        cmocka_unit_test(waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
