/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash suite: records two writers, makes the states in which a failure of power can leave its disk, and judges each. Then the same with mistakes
 * planted, each of which must be found. tools/crash-suite runs the whole; without arguments it is the bounded part.
 *
 *   suite [--images N] [--seconds S] [--plant-seconds S] [--seed N] [--folder FOLDER] [--only PLANT] [--wal | --none]
 *
 * --wal: the writer commits by one flush, and after the crash the catalogue is made anew. --none: it does not flush, and the store is as it was after
 * any step since everything was on the disk.
 * FOLDER is kept, with the log and how far it was: the same command again goes on.
 */
#include "plant.h"
#include "replay.h"
#include "telling.h"

#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct arguments {
    uint64_t images, seed;
    double seconds, plant_seconds;
    const char *folder, *only;
    int durability; /* enum pcct_durability of the writer */
};

static int remove_one(const char *path, const struct stat *what, int flag, struct FTW *where)
{
    (void)what;
    (void)flag;
    (void)where;
    return remove(path);
}

static const char *const writing[] = { "--write", "--write-wal", "--write-none" }; /* by durability */

static void record(const char *program, const char *folder, const char *log, int durability)
{
    int status = 0;
    pid_t child = fork();

    NEED(child >= 0, "fork: %s", strerror(errno));
    if (child == 0) {
        setenv("LD_PRELOAD", RECORDER, 1);
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
        execl(program, program, writing[durability], folder, log, (char *)NULL);
        _exit(127);
    }
    NEED(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer ended with %d", status);
}

/* Whole logs only: it is renamed when the writer is done. */
static void get_log(struct oplog *log, struct story_outcome *outcome, const char *program, const struct arguments *a)
{
    const char *folder = a->folder;
    static const char *const made[] = { "bundles", "alone", "story" };
    char path[700], fresh[700], story[700];

    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(fresh, sizeof fresh, "%s/log.new", folder);
    if (access(path, R_OK) != 0) {
        for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
            snprintf(story, sizeof story, "%s/%s", folder, made[i]);
            nftw(story, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        }
        NEED(mkdir(story, 0700) == 0, "%s: %s", story, strerror(errno));
        record(program, story, fresh, a->durability);
        NEED(rename(fresh, path) == 0, "%s: %s", path, strerror(errno));
    }
    oplog_read(log, path);
    for (size_t i = 0; i < log->n; i++) {
        const struct op *op = &log->op[i];

        if (op->head.kind != OP_MARK || !(op->head.flags & OP_DONE)) continue;
        NEED(op->head.data_bytes == sizeof *outcome && op->head.at <= STORY_STEPS + STORY_MORE, "the log is of another suite; remove %s", path);
        memcpy(&outcome[op->head.at], op->data, sizeof *outcome);
    }
}

static void describe_log(const struct oplog *log)
{
    uint64_t writes = 0, synchronous = 0, flushes = 0, folders = 0, bytes = 0;

    for (size_t i = 0; i < log->n; i++) {
        const struct op_head *head = &log->op[i].head;

        writes += head->kind == OP_WRITE;
        synchronous += head->kind == OP_WRITE && head->flags & OP_SYNCHRONOUS;
        flushes += head->kind == OP_SYNC;
        folders += head->kind == OP_MAKE || (head->kind >= OP_RENAME && head->kind <= OP_REMOVE);
        bytes += head->kind == OP_WRITE ? head->data_bytes : 0;
    }
    printf("recorded: %d steps; %" PRIu64 " writes (%" PRIu64 " synchronous) of %" PRIu64 " KB, ", STORY_STEPS, writes, synchronous, bytes / 1000);
    printf("%" PRIu64 " flushes, %" PRIu64 " changes of folders\n", flushes, folders);
}

static void print_table(const struct replay_progress *p)
{
    printf("%-28s %10s %10s %6s\n", "crash during or after", "images", "distinct", "bad");
    for (int i = 0; i < REPLAY_PLACES; i++) {
        printf("%-28s %10" PRIu64 " %10" PRIu64 " %6" PRIu64 "\n", replay_place[i], p->place_images[i], p->place_distinct[i], p->place_bad[i]);
    }
    printf("%-28s %10" PRIu64 " %10" PRIu64 " %6" PRIu64 "  in %.0f s, %.0f images/s\n", "all", p->images, p->distinct, p->bad, p->seconds,
           p->seconds > 0 ? (double)p->images / p->seconds : 0.0);
    if (p->bad > 0) {
        printf("first bad: pass %" PRIu64 ", call %" PRIu64 ", image %" PRIu64 ": %s\n", p->why_pass, p->why_op, p->why_image, p->why);
    }
}

static int run_sound(const struct arguments *a, const struct oplog *log, const struct story_outcome *outcome)
{
    struct replay replay = { .log = log, .outcome = outcome, .folder = a->folder, .seed = a->seed, .enough = a->images, .at_each = 24,
                             .bad_enough = 1000, .seconds = a->seconds, .durability = a->durability, .show = 1 };
    char path[700];
    int good;

    snprintf(path, sizeof path, "%s/progress", a->folder);
    replay.progress = replay_progress_open(path, log, a->seed);
    if (replay.progress->images > 0) printf("going on after %" PRIu64 " images\n", replay.progress->images);
    replay_run(&replay);
    print_table(replay.progress);
    good = replay.progress->bad == 0 && replay.progress->images > 0;
    replay_progress_close(replay.progress);
    return good;
}

/* The first call that is another: before it the two logs leave the same images. */
static uint64_t first_difference(const struct oplog *a, const struct oplog *b)
{
    size_t i = 0;

    while (i < a->n && i < b->n && memcmp(&a->op[i].head, &b->op[i].head, sizeof a->op[i].head) == 0) i++;
    return i;
}

/* 1: it was found. The log is read anew, for the mistake changes it. */
static int run_plant(const struct arguments *a, const char *program, const struct plant *plant, const struct oplog *sound)
{
    struct story_outcome outcome[STORY_STEPS + STORY_MORE + 1];
    struct replay replay = { .outcome = outcome, .folder = a->folder, .seed = a->seed, .enough = UINT64_MAX, .at_each = 6, .bad_enough = 1,
                             .seconds = a->plant_seconds, .durability = a->durability };
    struct oplog log;
    int found;

    get_log(&log, outcome, program, a);
    plant->apply(&log);
    replay.log = &log;
    replay.from = first_difference(sound, &log);
    if (plant->told) replay.from = plant_told(&log, replay.from);
    replay.progress = replay_progress_open(NULL, &log, a->seed);
    replay_run(&replay);
    found = replay.progress->bad > 0;
    printf("%-22s %s after %" PRIu64 " images, %.1f s: %s\n", plant->name, found ? "found" : "NOT FOUND", replay.progress->images,
           replay.progress->seconds, found ? replay.progress->why : plant->about);
    fflush(stdout);
    replay_progress_close(replay.progress);
    oplog_free(&log);
    return found;
}

static const char *value_of(int count, char **words, int *i)
{
    NEED(*i + 1 < count, "%s wants a value", words[*i]);
    return words[++*i];
}

static void parse(struct arguments *a, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--images") == 0) a->images = strtoull(value_of(count, words, &i), NULL, 10);
        else if (strcmp(words[i], "--seed") == 0) a->seed = strtoull(value_of(count, words, &i), NULL, 10);
        else if (strcmp(words[i], "--seconds") == 0) a->seconds = strtod(value_of(count, words, &i), NULL);
        else if (strcmp(words[i], "--plant-seconds") == 0) a->plant_seconds = strtod(value_of(count, words, &i), NULL);
        else if (strcmp(words[i], "--folder") == 0) a->folder = value_of(count, words, &i);
        else if (strcmp(words[i], "--wal") == 0) a->durability = PCCT_DURABLE_WAL;
        else if (strcmp(words[i], "--none") == 0) a->durability = PCCT_DURABLE_NONE;
        else if (strcmp(words[i], "--only") == 0) a->only = value_of(count, words, &i);
        else NEED(0, "what is %s?", words[i]);
    }
}

int main(int count, char **words)
{
    struct arguments a = { .images = 100000, .seed = 1, .seconds = 15, .plant_seconds = 40 };
    struct story_outcome outcome[STORY_STEPS + STORY_MORE + 1];
    char own[600] = "";
    struct oplog log;
    unsigned passed = 0, failed = 0;

    for (int level = 0; count == 4 && level <= PCCT_DURABLE_NONE; level++) {
        if (strcmp(words[1], writing[level]) == 0) return telling_record(words[2], words[3], level);
    }
    parse(&a, count, words);
    story_of(a.durability, 0);
    if (!a.folder) { /* in memory if possible: nothing here needs a disk */
        snprintf(own, sizeof own, "%s/pcct-crash-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir);
        NEED(mkdtemp(own), "%s: %s", own, strerror(errno));
        a.folder = own;
    } else if (mkdir(a.folder, 0700) != 0) NEED(errno == EEXIST, "%s: %s", a.folder, strerror(errno));
    printf("seed %" PRIu64 "\n", a.seed);
    get_log(&log, outcome, words[0], &a);
    describe_log(&log);
    if (!a.only) {
        if (run_sound(&a, &log, outcome)) passed++;
        else failed++;
    }
    for (size_t i = 0; i < plant_count; i++) {
        if (a.only ? strcmp(a.only, plants[i].name) != 0 : !(plants[i].levels >> a.durability & 1)) continue;
        if (run_plant(&a, words[0], &plants[i], &log)) passed++;
        else failed++;
    }
    oplog_free(&log);
    if (own[0]) nftw(own, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
