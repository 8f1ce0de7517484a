/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bit flips and truncation of every file of a store. Whatever is broken: each version is answered right or with an error, never wrong and never by a
 * crash; what does not rest on the broken file stays readable; fsck finds damage wherever a version is lost.
 */
#include "common.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { VERSIONS = 30, FLOOD = 9, FLOOD_ROWS = 20000, FILES_MAX = 40, FLIPS = 14 };

struct file {
    char *path;
    const char *name;     /* last part of path */
    uint64_t bytes;
};

struct scene {
    char *folder, *store;
    struct file file[FILES_MAX];
    int files;
    int lost;             /* by the last look: versions that answered with an error */
};

/* ---- the sound store ------------------------------------------------------------------------------------------------------------------------ */

/* A second store of one large version, so that there is an anchor to damage; the versions after it are small. */
static int64_t flood_label(uint64_t i)
{
    return (int64_t)(1000000 + i);
}

static int create(void *ctx)
{
    struct scene *s = ctx;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;

    saga_create(s->store);
    OK(pcct_store_open(&store, s->store, NULL, &err));
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        pcct_batch *batch = NULL;
        uint64_t made = 0;
        struct pcct_batch_result result = { .size = sizeof result };

        OK(pcct_batch_begin(&batch, store, "main", NULL, &err));
        saga_fill(batch, v);
        for (uint64_t i = 0; i < FLOOD_ROWS && (v == FLOOD || v == FLOOD + 1); i++) { /* a flood that comes and goes */
            int64_t label = flood_label(i);
            double point[SAGA_DIM];

            saga_point(point, label);
            if (v == FLOOD) OK(pcct_batch_insert(batch, point, 1, &label, &err));
            else OK(pcct_batch_delete(batch, &label, 1, &err));
        }
        OK(pcct_batch_commit(&made, batch, "saga", &err));
        OK(pcct_batch_describe(&result, batch));
        CHECK(v != FLOOD || result.anchor_bytes > 0, "no anchor");
        pcct_batch_close(batch);
    }
    pcct_store_close(store);
    return 0;
}

/* ---- a look at a store that may be damaged -------------------------------------------------------------------------------------------------- */

static int allowed(int code)
{
    return code == PCCT_E_DAMAGED || code == PCCT_E_NOT_A_STORE || code == PCCT_E_FORMAT || code == PCCT_E_NOT_FOUND || code == PCCT_E_IO ||
           code == PCCT_E_MEMORY || code == PCCT_E_PERMISSION;
}

static int named(const char *message)
{
    return strstr(message, "SUPER") || strstr(message, "catalogue") || strstr(message, "journal") || strstr(message, "data") ||
           strstr(message, "LOCK") || strstr(message, "version") || strstr(message, "store") || strstr(message, "v");
}

/* How many versions are lost; VERSIONS + 1: all, since the store cannot be opened. As exit status. */
static int look(void *ctx)
{
    const struct scene *s = ctx;
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    int lost = 0, status;

    options.threads = 1;
    status = pcct_store_open(&store, s->store, &options, &err);
    if (status != 0) {
        CHECK(allowed(status) && named(err.message), "%s: %s", pcct_code_name(status), err.message);
        return VERSIONS + 1;
    }
    for (uint64_t v = 1; v <= VERSIONS; v++) {
        pcct_view *view = NULL;
        char revision[32];

        if (v == FLOOD) continue; /* too large to be looked at each time; the ones after it rest on its anchor */
        if (v < VERSIONS - 4 && v % 4 != 2) continue;
        snprintf(revision, sizeof revision, "v%" PRIu64, v);
        status = pcct_view_open(&view, store, revision, &err);
        if (status != 0) {
            CHECK(allowed(status) && named(err.message), "%s: %s", pcct_code_name(status), err.message);
            lost++;
        } else {
            saga_expect_view(view, v, v);
        }
        pcct_view_close(view);
    }
    pcct_store_close(store);
    return lost;
}

/* The number of findings, at most 50. Exit status 60: it says that nothing can be read. */
static int check(void *ctx)
{
    const struct scene *s = ctx;
    struct pcct_fsck_result result = { .size = sizeof result };
    struct pcct_fsck_options options = PCCT_FSCK_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    int status;

    options.threads = 1;
    status = pcct_fsck(&result, s->store, &options, &err);
    if (status != 0) {
        CHECK(allowed(status) && named(err.message), "%s: %s", pcct_code_name(status), err.message);
        return 60;
    }
    CHECK(result.versions_readable <= VERSIONS, "%" PRIu64 " versions", result.versions_readable);
    return result.damaged > 50 ? 50 : (int)result.damaged;
}

static void expect_no_crash(const struct scene *s, const struct file *file, const char *what, uint64_t at, int must_be_found)
{
    int lost = in_child(look, (void *)(uintptr_t)s), found = 0;

    CHECK(lost >= 0 && lost <= VERSIONS + 1, "%s of %s at %" PRIu64 ": looking at it ended with %d", what, file->path, at, lost);
    if (!must_be_found && lost == 0) return;
    found = in_child(check, (void *)(uintptr_t)s);
    CHECK(found >= 0 && found <= 60, "%s of %s at %" PRIu64 ": fsck ended with %d", what, file->path, at, found);
    CHECK(lost == 0 || found > 0, "%s of %s at %" PRIu64 ": %d versions lost, and fsck finds nothing", what, file->path, at, lost);
}

/* ---- damage --------------------------------------------------------------------------------------------------------------------------------- */

static void list(struct scene *s, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    CHECK(dir != NULL, "%s", folder);
    while ((entry = readdir(dir)) != NULL) {
        struct stat what;
        char *path;

        if (entry->d_name[0] == '.') continue;
        path = path_join(folder, entry->d_name);
        CHECK(lstat(path, &what) == 0, "%s", path);
        if (S_ISDIR(what.st_mode)) {
            list(s, path);
            free(path);
        } else {
            CHECK(s->files < FILES_MAX, "more than %d files", FILES_MAX);
            s->file[s->files++] = (struct file){ path, strrchr(path, '/') + 1, (uint64_t)what.st_size };
        }
    }
    closedir(dir);
}

static void flip(const struct file *file, uint64_t at, int bit)
{
    unsigned char byte = 0;
    int fd = open(file->path, O_RDWR);

    CHECK(fd >= 0 && pread(fd, &byte, 1, (off_t)at) == 1, "%s", file->path);
    byte = (unsigned char)(byte ^ 1 << bit);
    CHECK(pwrite(fd, &byte, 1, (off_t)at) == 1, "%s", file->path);
    close(fd);
}

/* The bytes of a file that are not zero stand in its first part: flips further back hit nothing that is read. */
static uint64_t used_bytes(const struct file *file)
{
    static unsigned char piece[1 << 16];
    uint64_t used = 0, at = 0;
    int fd = open(file->path, O_RDONLY);
    ssize_t n;

    CHECK(fd >= 0, "%s", file->path);
    while ((n = pread(fd, piece, sizeof piece, (off_t)at)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (piece[i]) used = at + (uint64_t)i + 1;
        }
        at += (uint64_t)n;
    }
    close(fd);
    return used;
}

static void truncate_and_mend(const struct scene *s, const struct file *file, uint64_t length)
{
    char *saved = path_join(s->folder, "saved"), *copy[] = { (char *)"cp", (char *)"--sparse=always", file->path, saved, NULL };
    char *back[] = { (char *)"mv", saved, file->path, NULL };

    CHECK(in_child(common_exec, copy) == 0, "cp");
    CHECK(truncate(file->path, (off_t)length) == 0, "truncate");
    expect_no_crash(s, file, "truncation", length, 0);
    CHECK(in_child(common_exec, back) == 0, "mv");
    free(saved);
}

static void remove_and_mend(const struct scene *s, const struct file *file)
{
    char *saved = path_join(s->folder, "saved");

    CHECK(rename(file->path, saved) == 0, "rename");
    expect_no_crash(s, file, "removal", 0, 0);
    unlink(file->path);
    CHECK(rename(saved, file->path) == 0, "rename back");
    free(saved);
}

static int setup(void **test)
{
    struct scene *s = calloc(1, sizeof *s);

    CHECK(s != NULL, "memory");
    s->folder = folder_new();
    s->store = path_join(s->folder, "store");
    CHECK(in_child(create, s) == 0, "create");
    list(s, s->store);
    *test = s;
    return 0;
}

static int teardown(void **test)
{
    struct scene *s = *test;

    for (int i = 0; i < s->files; i++) free(s->file[i].path);
    free(s->store);
    folder_free(s->folder);
    free(s);
    return 0;
}

static void sound_at_first(void **test)
{
    struct scene *s = *test;

    CHECK(s->files >= 4, "only %d files", s->files);
    CHECK(in_child(look, s) == 0, "a sound store");
    CHECK(in_child(check, s) == 0, "fsck of a sound store");
}

static void flipped_bits(void **test)
{
    struct scene *s = *test;
    struct random_numbers r = { 4 };
    int lost = 0;

    for (int i = 0; i < s->files; i++) {
        uint64_t used = used_bytes(&s->file[i]);

        for (uint64_t n = 0; n < FLIPS && used > 0; n++) {
            uint64_t at = n < 4 ? n * 9 % used : random_below(&r, used);
            int bit = (int)random_below(&r, 8);

            flip(&s->file[i], at, bit);
            expect_no_crash(s, &s->file[i], "flip", at, n % 8 == 0);
            flip(&s->file[i], at, bit);
            lost++;
        }
    }
    printf("%d flips in %d files\n", lost, s->files);
    CHECK(in_child(look, s) == 0, "mended again");
}

static void truncated_files(void **test)
{
    struct scene *s = *test;

    for (int i = 0; i < s->files; i++) {
        uint64_t used = used_bytes(&s->file[i]);

        if (s->file[i].bytes == 0) continue;
        truncate_and_mend(s, &s->file[i], 0);
        truncate_and_mend(s, &s->file[i], used / 2);
        if (used > 100) truncate_and_mend(s, &s->file[i], used - 9);
        truncate_and_mend(s, &s->file[i], s->file[i].bytes - 1);
    }
    CHECK(in_child(look, s) == 0, "mended again");
}

static void missing_files(void **test)
{
    struct scene *s = *test;

    for (int i = 0; i < s->files; i++) remove_and_mend(s, &s->file[i]);
    CHECK(in_child(look, s) == 0, "mended again");
}

/* An anchor is a copy: with it broken, every version is still there. A frame is not: those before it are. */
static void what_is_whole_stays_readable(void **test)
{
    struct scene *s = *test;
    int last = 0;

    for (int i = 0; i < s->files; i++) {
        uint64_t used = used_bytes(&s->file[i]);
        int lost;

        if (strstr(s->file[i].path, "/data/") && used > 0) {
            flip(&s->file[i], used / 2, 3);
            lost = in_child(look, s);
            CHECK(lost == 0, "%d versions lost with an anchor", lost);
            flip(&s->file[i], used / 2, 3);
        }
        if (strstr(s->file[i].path, "/journal/") && used > 4000) {
            flip(&s->file[i], used - 1500, 3); /* within one of the last frames */
            lost = in_child(look, s);
            CHECK(lost < 6, "%d versions lost with a frame near the end", lost); /* none in the flood's own segment: its anchor stands in */
            flip(&s->file[i], used - 1500, 3);
            last += lost;
        }
    }
    CHECK(last > 0, "no frame was hit");
    CHECK(in_child(look, s) == 0, "mended again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_at_first), cmocka_unit_test(what_is_whole_stays_readable), cmocka_unit_test(missing_files),
        cmocka_unit_test(truncated_files), cmocka_unit_test(flipped_bits),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
