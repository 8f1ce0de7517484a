/* SPDX-License-Identifier: Apache-2.0 */
/* Every error that the headers promise, with words, and nothing lost by it. */
#include "common.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct pcct_error err;
static char *folder;

static int setup(void **test)
{
    (void)test;
    folder = folder_new();
    return 0;
}

static int teardown(void **test)
{
    (void)test;
    folder_free(folder);
    return 0;
}

static pcct_store *new_store(const char *name, uint32_t dim, const char *metric)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    char *path = path_join(folder, name);
    pcct_store *store = NULL;

    options.dim = dim;
    options.metric = metric;
    OK(pcct_store_create(path, &options, &err));
    OK(pcct_store_open(&store, path, NULL, &err));
    free(path);
    return store;
}

static int create_with(const char *name, uint32_t dim, const char *metric)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    char *path = path_join(folder, name);
    int status;

    options.dim = dim;
    options.metric = metric;
    status = pcct_store_create(path, &options, &err);
    free(path);
    return status;
}

static void names_of_codes(void **test)
{
    (void)test;
    CHECK(strcmp(pcct_code_name(PCCT_E_BUSY), "PCCT_E_BUSY") == 0, "%s", pcct_code_name(PCCT_E_BUSY));
    CHECK(strcmp(pcct_code_name(0), "PCCT_OK") == 0 && strcmp(pcct_code_name(7), "PCCT_E_?") == 0, "%s", pcct_code_name(0));
    CHECK(strcmp(pcct_version_string(), "0.1.0") == 0, "%s", pcct_version_string());
}

static void create(void **test)
{
    char long_name[600], *path;

    (void)test;
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    FAILS(PCCT_E_INVALID, create_with("a", 0, NULL));
    FAILS(PCCT_E_INVALID, create_with("a", 4097, NULL));
    FAILS(PCCT_E_INVALID, create_with("a", 3, "haversine"));
    FAILS(PCCT_E_INVALID, create_with("a", 2, "nearly"));
    FAILS(PCCT_E_NOT_FOUND, create_with("not/there", 2, NULL));
    FAILS(PCCT_E_INVALID, pcct_store_create(NULL, NULL, &err));
    path = path_join(folder, "a");
    FAILS(PCCT_E_INVALID, pcct_store_create(path, NULL, &err)); /* no dimension */
    CHECK(access(path, F_OK) != 0, "something was left behind");
    OK(create_with("a", 2, "haversine"));
    FAILS(PCCT_E_EXISTS, create_with("a", 2, NULL));
    free(path);
    path = path_join(folder, "file");
    CHECK(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0, "file");
    FAILS(PCCT_E_EXISTS, create_with("file", 2, NULL));
    free(path);
    CHECK(create_with(long_name, 2, NULL) < 0, "a name of 599 bytes");
}

static void open_what_is_none(void **test)
{
    pcct_store *store = (pcct_store *)(void *)&err;
    char *path;

    (void)test;
    path = path_join(folder, "nothing");
    FAILS(PCCT_E_NOT_FOUND, pcct_store_open(&store, path, NULL, &err));
    CHECK(store == NULL, "a handle after a failure");
    CHECK(mkdir(path, 0700) == 0, "mkdir");
    FAILS(PCCT_E_NOT_A_STORE, pcct_store_open(&store, path, NULL, &err));
    free(path);
    path = path_join(folder, "afile");
    CHECK(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0, "file");
    FAILS(PCCT_E_NOT_A_STORE, pcct_store_open(&store, path, NULL, &err));
    FAILS(PCCT_E_INVALID, pcct_store_open(&store, NULL, NULL, &err));
    FAILS(PCCT_E_INVALID, pcct_store_open(NULL, path, NULL, &err));
    free(path);
    pcct_store_close(NULL);
    pcct_view_close(NULL);
    pcct_batch_close(NULL);
    pcct_log_close(NULL);
}

static void no_permission(void **test)
{
    pcct_store *store = new_store("locked", 2, NULL);
    char *path = path_join(folder, "locked");

    (void)test;
    pcct_store_close(store);
    CHECK(chmod(path, 0) == 0, "chmod");
    if (geteuid() != 0) FAILS(PCCT_E_PERMISSION, pcct_store_open(&store, path, NULL, &err)); /* nothing is refused to root */
    CHECK(chmod(path, 0700) == 0, "chmod");
    free(path);
}

/* Any structure: a size of 0 or nonsense, bytes that this library does not know, a shorter one of an older header. */
static void option_structures(void **test)
{
    struct { struct pcct_open_options known; uint64_t later; } longer = { PCCT_OPEN_OPTIONS_INIT, 0 };
    struct pcct_knn_options query = PCCT_KNN_OPTIONS_INIT;
    struct pcct_store_info info = { .size = 0 };
    pcct_store *store = new_store("options", 2, NULL);
    char *path = path_join(folder, "options");
    pcct_store *second = NULL;
    pcct_view *view = NULL;
    double point[2] = { 0, 0 }, distance;
    int64_t label;

    (void)test;
    longer.known.size = sizeof longer;
    OK(pcct_store_open(&second, path, &longer.known, &err));
    pcct_store_close(second);
    longer.later = 1;
    FAILS(PCCT_E_INVALID, pcct_store_open(&second, path, &longer.known, &err));
    longer.known.size = 0;
    FAILS(PCCT_E_INVALID, pcct_store_open(&second, path, &longer.known, &err));
    longer.known.size = (size_t)-1;
    FAILS(PCCT_E_INVALID, pcct_store_open(&second, path, &longer.known, &err));
    longer.known.size = offsetof(struct pcct_open_options, allocator);
    longer.known.threads = 2;
    longer.known.allocator = (const struct pcct_allocator *)(const void *)&longer; /* beyond the size: not looked at */
    OK(pcct_store_open(&second, path, &longer.known, &err));
    pcct_store_close(second);
    longer.known.threads = -1;
    FAILS(PCCT_E_INVALID, pcct_store_open(&second, path, &longer.known, &err));
    FAILS(PCCT_E_INVALID, pcct_store_describe(&info, store, &err));
    info.size = offsetof(struct pcct_store_info, seed);
    info.head = 77;
    OK(pcct_store_describe(&info, store, &err));
    CHECK(info.dim == 2 && info.head == 77 && info.size == offsetof(struct pcct_store_info, seed), "the size is respected");
    OK(pcct_view_open(&view, store, "main", &err));
    query.threads = -2;
    FAILS(PCCT_E_INVALID, pcct_knn(&label, &distance, view, point, 1, 1, &query, &err));
    query.size = 3;
    FAILS(PCCT_E_INVALID, pcct_knn(&label, &distance, view, point, 1, 1, &query, &err));
    pcct_view_close(view);
    pcct_store_close(store);
    free(path);
}

static void points(void **test)
{
    pcct_store *store = new_store("points", 3, NULL), *sphere = new_store("sphere", 2, "haversine");
    const double good[3] = { 1, 2, 3 }, far[2] = { 90.5, 0 }, round[2] = { 0, -180.5 };
    double bad[9] = { 1, 2, 3, 4, NAN, 6, 7, 8, 9 };
    const int64_t no_label[1] = { -1 }, top_label[1] = { INT64_MAX };
    pcct_batch *batch = NULL;
    uint64_t made = 0;

    (void)test;
    OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
    OK(pcct_batch_insert(batch, good, 1, NULL, &err));
    FAILS(PCCT_E_POINT, pcct_batch_insert(batch, bad, 3, NULL, &err));
    CHECK(strstr(err.message, "2"), "row 2 of the batch is to be named: %s", err.message);
    bad[4] = INFINITY;
    FAILS(PCCT_E_POINT, pcct_batch_insert(batch, bad, 3, NULL, &err));
    bad[4] = -0x1p501;
    FAILS(PCCT_E_POINT, pcct_batch_insert(batch, bad, 3, NULL, &err));
    FAILS(PCCT_E_INVALID, pcct_batch_insert(batch, good, 1, no_label, &err));
    FAILS(PCCT_E_INVALID, pcct_batch_insert(batch, good, 1, top_label, &err));
    FAILS(PCCT_E_INVALID, pcct_batch_insert(batch, NULL, 1, NULL, &err));
    FAILS(PCCT_E_INVALID, pcct_batch_delete(batch, NULL, 1, &err));
    OK(pcct_batch_insert(batch, NULL, 0, NULL, &err));
    OK(pcct_batch_delete(batch, NULL, 0, &err));
    OK(pcct_batch_commit(&made, batch, NULL, &err));
    pcct_batch_close(batch);
    OK(pcct_batch_begin(&batch, sphere, "main", NULL, &err));
    FAILS(PCCT_E_POINT, pcct_batch_insert(batch, far, 1, NULL, &err));
    FAILS(PCCT_E_POINT, pcct_batch_insert(batch, round, 1, NULL, &err));
    pcct_batch_close(batch);
    pcct_store_close(sphere);
    pcct_store_close(store);
}

static int insert_one(pcct_store *store, int64_t label, int64_t gone, int mode, uint64_t *made)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    const double point[2] = { (double)label, 1 };
    struct pcct_error ignored;
    pcct_batch *batch = NULL;
    int status;

    options.on_duplicate = mode;
    if (pcct_batch_begin(&batch, store, "main", &options, &ignored) != 0) return 1;
    if (label >= 0) pcct_batch_insert(batch, point, 1, &label, &ignored);
    if (gone >= 0) pcct_batch_delete(batch, &gone, 1, &ignored);
    status = pcct_batch_commit(made, batch, "x", &err);
    if (status != 0) { /* the batch may be committed again: the same answer */
        int again = pcct_batch_commit(made, batch, "x", &ignored);

        CHECK(again == status, "%s, then %s", pcct_code_name(status), pcct_code_name(again));
    }
    pcct_batch_close(batch);
    return status;
}

static void commits(void **test)
{
    struct pcct_batch_options options = PCCT_BATCH_OPTIONS_INIT;
    pcct_store *store = new_store("commits", 2, NULL);
    char *long_text = calloc(70000, 1);
    pcct_batch *batch = NULL;
    uint64_t made = 0;

    (void)test;
    OK(insert_one(store, 3, -1, PCCT_DUPLICATE_ERROR, &made));
    FAILS(PCCT_E_DUPLICATE, insert_one(store, 3, -1, PCCT_DUPLICATE_ERROR, &made));
    CHECK(strstr(err.message, "3"), "%s", err.message);
    FAILS(PCCT_E_UNKNOWN, insert_one(store, -1, 44, PCCT_DUPLICATE_ERROR, &made));
    CHECK(strstr(err.message, "44"), "%s", err.message);
    CHECK(head_of(store) == 1, "v%" PRIu64, head_of(store));
    OK(insert_one(store, 3, 3, PCCT_DUPLICATE_ERROR, &made)); /* an update */
    options.on_duplicate = 3;
    FAILS(PCCT_E_INVALID, pcct_batch_begin(&batch, store, "main", &options, &err));
    options.on_duplicate = 0;
    FAILS(PCCT_E_NOT_FOUND, pcct_batch_begin(&batch, store, "other", &options, &err));
    options.expect = "v1";
    OK(pcct_batch_begin(&batch, store, "main", &options, &err));
    FAILS(PCCT_E_CONFLICT, pcct_batch_commit(&made, batch, "x", &err));
    pcct_batch_close(batch);
    options.expect = "nonsense";
    OK(pcct_batch_begin(&batch, store, "main", &options, &err));
    CHECK(pcct_batch_commit(&made, batch, "x", &err) < 0, "a revision that is none");
    pcct_batch_close(batch);
    options.expect = NULL;
    OK(pcct_batch_begin(&batch, store, NULL, &options, &err));
    CHECK(long_text != NULL, "memory");
    memset(long_text, 'm', 65537);
    FAILS(PCCT_E_LIMIT, pcct_batch_commit(&made, batch, long_text, &err));
    long_text[65536] = 0;
    OK(pcct_batch_commit(&made, batch, long_text, &err));
    FAILS(PCCT_E_INVALID, pcct_batch_set(batch, "", "v", &err));
    FAILS(PCCT_E_INVALID, pcct_batch_set(batch, "a b", "v", &err));
    FAILS(PCCT_E_INVALID, pcct_batch_set(batch, NULL, "v", &err));
    long_text[65] = 0;
    FAILS(PCCT_E_INVALID, pcct_batch_set(batch, long_text, "v", &err));
    memset(long_text, 'v', 4097);
    long_text[4097] = 0;
    FAILS(PCCT_E_LIMIT, pcct_batch_set(batch, "key", long_text, &err));
    long_text[4096] = 0;
    OK(pcct_batch_set(batch, "key", long_text, &err));
    pcct_batch_close(batch);
    pcct_store_close(store);
    free(long_text);
}

static void revisions(void **test)
{
    static const char *const nonsense[] = { "", "~1", "main~", "main~x", "main~-1", "v", "v1x", "vv1", "main~99999999999999999999999", "\x01", "a b",
                                            "main ~1", "v99999999999999999999999" };
    pcct_store *store = new_store("revisions", 2, NULL);
    pcct_view *view = NULL;
    pcct_log *log = NULL;
    uint64_t version = 0, made = 0;

    (void)test;
    OK(insert_one(store, 3, -1, PCCT_DUPLICATE_ERROR, &made));
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        int status = pcct_resolve(&version, store, nonsense[i], &err);

        CHECK(status == PCCT_E_INVALID || status == PCCT_E_NOT_FOUND, "\"%s\" gives %s", nonsense[i], pcct_code_name(status));
        status = pcct_view_open(&view, store, nonsense[i], &err);
        CHECK((status == PCCT_E_INVALID || status == PCCT_E_NOT_FOUND) && view == NULL, "\"%s\" gives %s", nonsense[i], pcct_code_name(status));
    }
    FAILS(PCCT_E_NOT_FOUND, pcct_view_open(&view, store, "v2", &err));
    FAILS(PCCT_E_NOT_FOUND, pcct_view_open(&view, store, "main~2", &err));
    FAILS(PCCT_E_NOT_FOUND, pcct_log_open(&log, store, "v2", &err));
    CHECK(log == NULL, "a log after a failure");
    OK(pcct_view_open(&view, store, "main~1", &err)); /* the empty version */
    pcct_view_close(view);
    OK(pcct_view_open(&view, store, NULL, &err)); /* main */
    pcct_view_close(view);
    pcct_store_close(store);
}

static void queries(void **test)
{
    pcct_store *store = new_store("queries", 2, NULL);
    const double query[4] = { 0, 0, NAN, 0 };
    struct pcct_verify_options verify = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result result = { .size = sizeof result };
    pcct_view *view = NULL;
    int64_t labels[6], unknown[2] = { 3, 17 };
    double distances[6], point[4];
    uint64_t made = 0;

    (void)test;
    OK(insert_one(store, 3, -1, PCCT_DUPLICATE_ERROR, &made));
    OK(pcct_view_open(&view, store, "main", &err));
    FAILS(PCCT_E_INVALID, pcct_knn(labels, distances, view, query, 1, 0, NULL, &err));
    FAILS(PCCT_E_LIMIT, pcct_knn(labels, distances, view, query, 1, (size_t)1 << 32, NULL, &err));
    FAILS(PCCT_E_POINT, pcct_knn(labels, distances, view, query, 2, 1, NULL, &err));
    CHECK(strstr(err.message, "1"), "query 1 is to be named: %s", err.message);
    FAILS(PCCT_E_INVALID, pcct_knn(NULL, distances, view, query, 1, 1, NULL, &err));
    FAILS(PCCT_E_INVALID, pcct_knn(labels, distances, view, NULL, 1, 1, NULL, &err));
    OK(pcct_knn(NULL, NULL, view, NULL, 0, 1, NULL, &err));
    FAILS(PCCT_E_UNKNOWN, pcct_knn_stored(labels, distances, view, unknown, 2, 1, NULL, &err));
    CHECK(strstr(err.message, "17"), "%s", err.message);
    FAILS(PCCT_E_UNKNOWN, pcct_view_find(point, view, unknown, 2, &err));
    OK(pcct_knn(labels, distances, view, query, 1, 3, NULL, &err));
    CHECK(labels[0] == 3 && labels[1] == -1 && labels[2] == -1 && isinf(distances[1]), "label %" PRId64, labels[1]);
    verify.k = (uint64_t)1 << 40;
    FAILS(PCCT_E_LIMIT, pcct_verify(&result, view, &verify, &err));
    result.size = 1;
    FAILS(PCCT_E_INVALID, pcct_verify(&result, view, NULL, &err));
    verify = (struct pcct_verify_options){ .size = sizeof verify, .threads = -5 };
    result.size = sizeof result;
    FAILS(PCCT_E_INVALID, pcct_verify(&result, view, &verify, &err));
    pcct_view_close(view);
    pcct_store_close(store);
}

static void fsck(void **test)
{
    struct pcct_fsck_options options = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_fsck_result result = { .size = sizeof result };
    char *path = path_join(folder, "fsck-none");

    (void)test;
    FAILS(PCCT_E_NOT_FOUND, pcct_fsck(&result, path, NULL, &err));
    FAILS(PCCT_E_INVALID, pcct_fsck(&result, NULL, NULL, &err));
    CHECK(mkdir(path, 0700) == 0, "mkdir");
    FAILS(PCCT_E_NOT_A_STORE, pcct_fsck(&result, path, NULL, &err));
    free(path);
    pcct_store_close(new_store("fsck-store", 2, NULL));
    path = path_join(folder, "fsck-store");
    options.threads = -1;
    FAILS(PCCT_E_INVALID, pcct_fsck(&result, path, &options, &err));
    OK(pcct_fsck(&result, path, NULL, &err));
    CHECK(result.damaged == 0, "an empty store is sound");
    free(path);
}

/* In a child of fork() a handle of the parent answers with an error and does no harm. */
static int use_the_parents_handle(void *ctx)
{
    pcct_view *view = NULL;
    pcct_store *store = ctx;
    uint64_t made = 0;
    pcct_batch *batch = NULL;

    if (pcct_view_open(&view, store, "main", &err) != PCCT_E_FORKED) return 1;
    if (pcct_batch_begin(&batch, store, "main", NULL, &err) == 0 && pcct_batch_commit(&made, batch, NULL, &err) != PCCT_E_FORKED) return 2;
    return 0;
}

static void after_fork(void **test)
{
    pcct_store *store = new_store("forked", 2, NULL);
    uint64_t made = 0;
    int status;

    (void)test;
    status = in_child(use_the_parents_handle, store);
    CHECK(status == 0, "step %d", status);
    OK(insert_one(store, 3, -1, PCCT_DUPLICATE_ERROR, &made));
    pcct_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_codes), cmocka_unit_test(create), cmocka_unit_test(open_what_is_none), cmocka_unit_test(no_permission),
        cmocka_unit_test(option_structures), cmocka_unit_test(points), cmocka_unit_test(commits), cmocka_unit_test(revisions),
        cmocka_unit_test(queries), cmocka_unit_test(fsck), cmocka_unit_test(after_fork),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
