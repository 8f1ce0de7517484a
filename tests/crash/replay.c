/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include "base/hash.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_FOR_ONE = 60, DEEP_EACH = 16 };

const char *const replay_place[REPLAY_PLACES] = {
    "a write to the journal", "a write to the catalogue", "a write to an anchor", "another write", "a flush of a file", "a flush of a folder",
    "a change of a folder", "a change of a size"
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t place_of(const struct disk *disk, const struct op *op)
{
    const char *name = "";
    int is_folder = 0;

    for (int i = disk->nodes; i-- > 0;) {
        if (disk->node[i].inode != op->head.node) continue;
        name = disk->node[i].name;
        is_folder = disk->node[i].is_folder;
        break;
    }
    switch (op->head.kind) {
    case OP_WRITE: return name[0] == 'J' ? 0 : strncmp(name, "catalogue", 9) == 0 ? 1 : name[0] == 'A' || name[0] == 'P' ? 2 : 3;
    case OP_SYNC: return is_folder ? 5 : 4;
    case OP_SIZE:
    case OP_ROOM:
    case OP_HOLE: return 7;
    default: return 6;
    }
}

/* ---- one image ---------------------------------------------------------------------------------------------------------------------------- */

/* 1: not seen before, and noted. */
static int note_image(struct replay_progress *progress, uint64_t hash)
{
    size_t i = hash % REPLAY_SEEN;

    if (hash == 0) hash = 1;
    for (; progress->seen[i] != 0; i = (i + 1) % REPLAY_SEEN) {
        if (progress->seen[i] == hash) return 0;
    }
    NEED(progress->distinct < REPLAY_SEEN / 4 * 3, "the table of images is full");
    progress->seen[i] = hash;
    return 1;
}

static void note_bad(struct replay *replay, const char *why)
{
    struct replay_progress *p = replay->progress;

    p->bad++;
    p->place_bad[p->now_place]++;
    if (p->bad == 1) {
        snprintf(p->why, sizeof p->why, "%s", why);
        p->why_pass = p->pass;
        p->why_op = p->op;
        p->why_image = p->image;
    }
    if (replay->show && p->bad <= REPLAY_BAD_SHOWN) {
        printf("bad: pass %" PRIu64 ", call %" PRIu64 ", image %" PRIu64 ", after %s: %s\n", p->pass, p->op, p->image,
               replay_place[p->now_place], why);
        fflush(stdout);
    }
}

static void one_image(struct replay *replay, struct disk *disk, const struct judge_case *c)
{
    struct replay_progress *p = replay->progress;
    struct random_numbers r = { replay->seed ^ p->pass * 0x9e3779b97f4a7c15u ^ p->op * 0xbf58476d1ce4e5b9u ^ p->image * 0x94d049bb133111ebu };
    enum disk_pattern pattern = p->pass == 0 && p->image < 2 ? (enum disk_pattern)p->image
                                                             : DISK_TORN + (enum disk_pattern)random_below(&r, DISK_PATTERNS - DISK_TORN);
    struct judge_case here = *c;
    uint64_t promise[3] = { disk_image(disk, pattern, &r), c->begun, c->unanswered };
    char path[700], why[JUDGE_TEXT];
    int fresh;

    /* the same image is judged again only where more was promised */
    if (!note_image(p, base_hash64(promise, sizeof promise))) return;
    fresh = note_image(p, promise[0]);
    here.deep = random_below(&r, DEEP_EACH) == 0;
    snprintf(path, sizeof path, "%s/image", replay->folder);
    disk_write(disk, path, &r);
    snprintf(path, sizeof path, "%s/image/store", replay->folder);
    p->judging = 1;
    alarm(SECONDS_FOR_ONE);
    if (judge(why, path, &here, &r) != 0) note_bad(replay, why);
    alarm(0);
    p->judging = 0;
    p->images++;
    p->place_images[p->now_place]++;
    p->distinct += (uint64_t)fresh;
    p->place_distinct[p->now_place] += (uint64_t)fresh;
}

/* ---- a pass ------------------------------------------------------------------------------------------------------------------------------- */

struct pass {
    struct replay *replay;
    struct disk disk;
    struct judge_case c;
    double began, before; /* p->seconds at the begin */
    int over;
};

static int is_over(struct pass *pass)
{
    struct replay *replay = pass->replay;
    struct replay_progress *p = replay->progress;
    double spent = now() - pass->began;

    p->seconds = pass->before + spent;
    pass->over = p->distinct >= replay->enough || p->bad >= replay->bad_enough || (replay->seconds > 0 && spent >= replay->seconds);
    return pass->over;
}

static void images_here(struct pass *pass, size_t i)
{
    struct replay_progress *p = pass->replay->progress;
    uint64_t most = pass->disk.n_pending == 0 ? 1 : pass->replay->at_each;

    if (i < p->op) return;
    if (i > p->op) p->image = 0;
    p->op = i;
    p->now_place = place_of(&pass->disk, &pass->replay->log->op[i]);
    for (; p->image < most && !is_over(pass); p->image++) one_image(pass->replay, &pass->disk, &pass->c);
}

/* Of two steps that overlap the first comes to its end first, but its writer may be the later one to say so. */
static void mark(struct judge_case *c, const struct op *op, int durability)
{
    const uint64_t step = op->head.at;

    if (!(op->head.flags & OP_DONE)) {
        c->begun = step;
        return;
    }
    if (step >= c->unanswered) c->unanswered = step + 1;
    if (step > c->least && (durability != PCCT_DURABLE_NONE || story_flushes(step))) c->least = step;
}

static void one_pass(struct pass *pass)
{
    const struct oplog *log = pass->replay->log;
    struct replay_progress *p = pass->replay->progress;

    disk_init(&pass->disk);
    pass->c.begun = 0;
    pass->c.unanswered = 0;
    pass->c.least = 0;
    for (size_t i = 0; i < log->n && !pass->over; i++) {
        const struct op *op = &log->op[i];

        if (op->head.kind == OP_MARK) {
            mark(&pass->c, op, pass->replay->durability);
            if (pass->c.begun > STORY_STEPS) break;
            continue;
        }
        if (op->head.flags & OP_SYNCHRONOUS) {
            disk_begin(&pass->disk, op);
            images_here(pass, i);
        }
        disk_apply(&pass->disk, op);
        if (!(op->head.flags & OP_SYNCHRONOUS)) images_here(pass, i);
    }
    disk_free(&pass->disk);
    if (pass->over) return;
    p->pass++;
    p->op = pass->replay->from;
    p->image = 0;
    if (pass->replay->show) {
        printf("pass %" PRIu64 ": %" PRIu64 " images, %" PRIu64 " distinct, %" PRIu64 " bad, %.0f s\n", p->pass, p->images, p->distinct, p->bad,
               p->seconds);
        fflush(stdout);
    }
}

static void work(struct replay *replay)
{
    struct pass pass = { .replay = replay, .c = { .outcome = replay->outcome }, .began = now(), .before = replay->progress->seconds };

    /* memory is kept rather than given back and fetched anew for each image */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
    if (replay->progress->op < replay->from) replay->progress->op = replay->from;
    while (!is_over(&pass)) one_pass(&pass);
}

void replay_run(struct replay *replay)
{
    struct replay_progress *p = replay->progress;
    double deadline = now() + replay->seconds;
    int status = 0;

    for (;;) {
        pid_t child;
        char why[JUDGE_TEXT];

        if (p->judging) { /* a run that was stopped just here, or a child that died */
            p->judging = 0;
            p->image++;
        }
        fflush(stdout);
        child = fork();
        NEED(child >= 0, "fork: %s", strerror(errno));
        if (child == 0) {
            work(replay);
            fflush(stdout);
            _exit(0);
        }
        NEED(waitpid(child, &status, 0) == child, "waitpid: %s", strerror(errno));
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
        NEED(WIFSIGNALED(status) && p->judging, "the child ended with %d", status);
        snprintf(why, sizeof why, "the process died by signal %d", WTERMSIG(status));
        p->images++;
        p->place_images[p->now_place]++;
        note_bad(replay, why);
        if (p->bad >= replay->bad_enough) return;
        if (replay->seconds > 0) {
            replay->seconds = deadline - now();
            if (replay->seconds <= 0) return;
        }
    }
}

/* ---- progress ----------------------------------------------------------------------------------------------------------------------------- */

static uint64_t key_of(const struct oplog *log, uint64_t seed)
{
    uint64_t part[3] = { seed, sizeof(struct replay_progress), 0 };

    for (size_t i = 0; i < log->n; i++) part[2] ^= base_hash64(&log->op[i].head, sizeof log->op[i].head) * (2 * i + 1);
    return base_hash64(part, sizeof part) | 1;
}

struct replay_progress *replay_progress_open(const char *path, const struct oplog *log, uint64_t seed)
{
    struct replay_progress *p;
    int fd = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;

    NEED(!path || (fd >= 0 && ftruncate(fd, sizeof *p) == 0), "%s: %s", path, strerror(errno));
    p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, path ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
    NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
    if (fd >= 0) close(fd);
    if (p->key != key_of(log, seed)) memset(p, 0, sizeof *p);
    p->key = key_of(log, seed);
    return p;
}

void replay_progress_close(struct replay_progress *progress)
{
    munmap(progress, sizeof *progress);
}
