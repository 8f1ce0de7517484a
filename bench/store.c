/* SPDX-License-Identifier: Apache-2.0 */
/* What the store costs: commits by durability, beside others who keep the same changes, how soon others have a new version, and the memory that
 * several processes share. */
#include "common/live.h"
#include "common/machine.h"
#include "common/options.h"
#include "common/peers.h"
#include "common/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char help[] =
    "store: commits of 512 points at d = 8 by durability; how soon this process and another have the new version; memory of followers\n"
    "  --only commit,peers,follow,memory  only these; peers: other ways to keep the same changes, where they are built\n"
    "  --n 32768           points in the store\n"
    "  --quick             4096 points, fewer commits\n"
    "  --dir FOLDER        where stores are put; default $TMPDIR, else /tmp\n"
    "  --markdown          tables as Markdown\n"
    "  --csv FILE          the lines with commas too\n";

enum { DIM = 8, BATCH = 512, COMMITS = 200, QUICK_COMMITS = 20, QUICK_N = 4096, FOLLOWERS = 4, LINE_BYTES = 256 };
static const char *const durability[] = { "full", "wal", "none" };

struct run {
    const struct bench_options *options;
    size_t n, commits;
    char path[4200];
    struct bench_live live;
    pcct_store *store;
};

static void start(struct run *run, const char *folder, const char *name, int level)
{
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    struct bench_commit commit;

    snprintf(run->path, sizeof run->path, "%s/%s", folder, name);
    bench_live_init(&run->live, BENCH_GAUSSIAN, DIM);
    run->store = bench_store_new(run->path, DIM, 0);
    bench_live_insert(&commit, &run->live, run->store, run->n);
    pcct_store_close(run->store); /* so that the anchor of the first version is not among what is measured */
    open.durability = level;
    BENCH_MUST(pcct_store_open(&run->store, run->path, &open, &err));
}

static void end(struct run *run)
{
    pcct_store_close(run->store);
    bench_remove(run->path);
    bench_live_free(&run->live);
}

/* Inserts and deletes by turns, so that the number of points stays. */
static void commit_one(struct bench_commit *commit, struct run *run, size_t i)
{
    if (i % 2 == 0) bench_live_insert(commit, &run->live, run->store, BATCH);
    else bench_live_delete(commit, &run->live, run->store, BATCH);
}

/* ---- commits ------------------------------------------------------------------------------------------------------------------------------ */

/* What the disk alone takes, between the commits and beside the store: two files written before are written to and flushed as a commit has it done.
 * full: a frame and its flush, pages of the catalogue and theirs, a page that is written through; wal: the frame and its flush; none: the frame. */
enum { BARE_BYTES = 16 << 20, BARE_STEP = 64 << 10, PAGES_BYTES = 24 << 10, PAGE_BYTES = 4096 };

struct bare {
    int frames, pages, through;
    char *zeros;
    off_t at;
};

static int bare_file(const char *folder, const char *name, char *path, const char *zeros)
{
    int file;

    snprintf(path, 4300, "%s/%s", folder, name);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || pwrite(file, zeros, BARE_BYTES, 0) != BARE_BYTES || fsync(file) != 0) bench_die("%s cannot be written", path);
    return file;
}

static void bare_start(struct bare *bare, const char *folder)
{
    char frames[4300], pages[4300];

    bare->at = 0;
    bare->zeros = bench_take(BARE_BYTES, 1);
    memset(bare->zeros, 0x5a, BARE_BYTES);
    bare->frames = bare_file(folder, "bare-frames", frames, bare->zeros);
    bare->pages = bare_file(folder, "bare-pages", pages, bare->zeros);
    bare->through = open(pages, O_WRONLY | O_DSYNC);
    if (bare->through < 0 || unlink(frames) != 0 || unlink(pages) != 0) bench_die("%s cannot be used", folder);
}

static void bare_write(int file, const void *data, size_t bytes, off_t at, int flush)
{
    if (pwrite(file, data, bytes, at) != (ssize_t)bytes || (flush && fdatasync(file) != 0)) bench_die("a file beside the store cannot be written");
}

static double bare_once(struct bare *bare, int level, size_t frame_bytes)
{
    double start_seconds = bench_seconds();

    bare_write(bare->frames, bare->zeros, frame_bytes < BARE_STEP ? frame_bytes : BARE_STEP, bare->at, level < 2);
    if (level == 0) {
        bare_write(bare->pages, bare->zeros, PAGES_BYTES, bare->at, 1);
        bare_write(bare->through, bare->zeros, PAGE_BYTES, 0, 0);
    }
    bare->at = (bare->at + BARE_STEP) % BARE_BYTES;
    return (bench_seconds() - start_seconds) * 1e3;
}

static void bare_end(struct bare *bare)
{
    close(bare->frames);
    close(bare->pages);
    close(bare->through);
    free(bare->zeros);
}

static void commits(const struct bench_options *options, const char *folder, size_t n, size_t count)
{
    double *part = bench_take(count, sizeof *part), *whole = bench_take(count, sizeof *whole), *insert = bench_take(count, sizeof *insert);
    double *disk = bench_take(count, sizeof *disk);
    struct bare bare;

    bare_start(&bare, folder);
    bench_options_head(options, "%-6s %-5s %8s %3s %6s %7s %9s %9s %9s %9s %9s %9s %9s\n", "work", "durab", "n", "d", "batch", "commits", "store_p50",
                       "store_p99", "bare_p50", "bare_p99", "ins_p50", "all_p50", "frame_B");
    for (int level = 0; level < 3; level++) {
        struct run run = { .options = options, .n = n, .commits = count };
        uint64_t bytes = 0;

        start(&run, folder, durability[level], level);
        for (size_t i = 0; i < 2 * count + 4; i++) {
            struct bench_commit commit;

            commit_one(&commit, &run, i);
            if (i < 4 || i % 2 == 1) continue; /* warm up; then inserts are told of */
            part[(i - 4) / 2] = commit.store_seconds * 1e3;
            insert[(i - 4) / 2] = commit.plan_seconds * 1e3;
            whole[(i - 4) / 2] = commit.seconds * 1e3;
            bytes += commit.frame_bytes;
            disk[(i - 4) / 2] = bare_once(&bare, level, commit.frame_bytes);
        }
        bench_options_print(options, "%-6s %-5s %8zu %3d %6d %7zu %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f %9llu\n", "commit", durability[level], n, DIM,
                            BATCH, count, bench_percentile(part, count, 0.5), bench_percentile(part, count, 0.99), bench_percentile(disk, count, 0.5),
                            bench_percentile(disk, count, 0.99), bench_percentile(insert, count, 0.5), bench_percentile(whole, count, 0.5),
                            (unsigned long long)(bytes / count));
        end(&run);
    }
    bare_end(&bare);
    free(disk);
    free(insert);
    free(whole);
    free(part);
}

/* ---- other ways to keep the same changes ---------------------------------------------------------------------------------------------------- */

struct contest {
    const struct bench_options *options;
    const char *folder;
    size_t n, count;
};

static void run_peer(void *ctx, const char *path)
{
    const struct contest *c = ctx;
    const char *name = strrchr(path, '/') + 1;
    double *ms = bench_take(c->count, sizeof *ms);
    char command[3 * LINE_BYTES + 8500], place[4300], line[LINE_BYTES];
    FILE *output = NULL;
    size_t got = 0;

    snprintf(place, sizeof place, "%s/%s", c->folder, name);
    if (mkdir(place, 0700) != 0) bench_die("%s cannot be made", place);
    if (strchr(path, '\'') || strchr(place, '\'')) bench_die("%s, %s: a path may not have a quote in it", path, place);
    snprintf(command, sizeof command, "'%s' '%s' %zu %d %d %zu", path, place, c->n, DIM, BATCH, c->count);
    fflush(stdout);
    output = popen(command, "r");
    while (output && got < c->count && fgets(line, sizeof line, output)) ms[got++] = strtod(line, NULL);
    if (!output || pclose(output) != 0 || got != c->count) bench_die("%s failed", path);
    bench_options_print(c->options, "%-6s %-12s %8zu %3d %6d %7zu %9.3f %9.3f\n", "peer", name, c->n, DIM, BATCH, c->count,
                        bench_percentile(ms, c->count, 0.5), bench_percentile(ms, c->count, 0.99));
    bench_remove(place);
    free(ms);
}

static void peers(const struct bench_options *options, const char *folder, size_t n, size_t count)
{
    struct contest contest = { options, folder, n, count };

    bench_options_head(options, "%-6s %-12s %8s %3s %6s %7s %9s %9s\n", "work", "peer", "n", "d", "batch", "commits", "p50_ms", "p99_ms");
    bench_peers_each("stores", run_peer, &contest);
}

/* ---- other processes ----------------------------------------------------------------------------------------------------------------------- */

/* What the processes tell each other; times are of the one clock that only goes forward. */
struct table {
    int ready, stop;           /* atomic: followers that are there; the last version was committed */
    uint64_t last;             /* the version after which a follower ends */
    uint64_t pss_kb[FOLLOWERS], own_kb[FOLLOWERS];
    double committed[2 * COMMITS + 16], told[2 * COMMITS + 16], opened[2 * COMMITS + 16]; /* by version; 0: passed over */
};

static uint64_t rollup(const char *what)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    unsigned long long kb = 0, sum = 0;
    char line[LINE_BYTES], name[LINE_BYTES];

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%255[^:]: %llu kB", name, &kb) == 2 && strcmp(name, what) == 0) sum += kb;
    }
    if (file) fclose(file);
    return sum;
}

/* Follows the branch to the last version, as fast as it goes; the first follower keeps the times. */
static void follow(struct table *table, const char *path, int number)
{
    uint64_t version = 0, after = 0, pss_kb = rollup("Pss"), own_kb = rollup("Private_Dirty"); /* what it has from its parent */
    pcct_store *store = bench_store_open(path, 1);
    pcct_view *view = NULL;

    BENCH_MUST(pcct_follow(&after, store, "main", 0, 0, &err));
    BENCH_MUST(pcct_view_open(&view, store, "main", &err));
    __atomic_add_fetch(&table->ready, 1, __ATOMIC_RELEASE);
    while (after < __atomic_load_n(&table->last, __ATOMIC_ACQUIRE)) {
        double told;

        BENCH_MUST(pcct_follow(&version, store, "main", after, 1000, &err));
        told = bench_seconds();
        if (version == after) continue;
        pcct_view_close(view);
        BENCH_MUST(pcct_view_open(&view, store, "main", &err));
        if (number == 0) {
            table->told[version] = told;
            table->opened[version] = bench_seconds();
        }
        after = version;
    }
    __atomic_add_fetch(&table->ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&table->stop, __ATOMIC_ACQUIRE)) usleep(1000); /* all are there while each looks at its memory */
    table->pss_kb[number] = rollup("Pss") - pss_kb;
    table->own_kb[number] = rollup("Private_Dirty") - own_kb;
    __atomic_add_fetch(&table->ready, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&table->stop, __ATOMIC_ACQUIRE) < 2) usleep(1000);
    pcct_view_close(view);
    pcct_store_close(store);
}

static void await(const struct table *table, int ready)
{
    while (__atomic_load_n(&table->ready, __ATOMIC_ACQUIRE) < ready) usleep(1000);
}

static void print_times(const struct run *run, const char *what, double *value, size_t count)
{
    if (count == 0) bench_die("nobody saw a commit");
    bench_options_print(run->options, "%-6s %-24s %8zu %7zu %9.3f %9.3f %9.3f\n", "follow", what, run->n, count, bench_percentile(value, count, 0.5),
                        bench_percentile(value, count, 0.99), bench_percentile(value, count, 1));
}

/* The times from a commit's return to each event, in milliseconds. Being told may come before the return. */
static void tell(const struct run *run, const struct table *table, double *here)
{
    size_t versions = 2 * run->commits, n_told = 0, n_opened = 0;
    double *told = bench_take(versions, sizeof *told), *opened = bench_take(versions, sizeof *opened);

    for (size_t v = 2; v < 2 + versions; v++) {
        if (table->told[v] == 0) continue; /* two commits came at once */
        told[n_told++] = (table->told[v] - table->committed[v]) * 1e3;
        opened[n_opened++] = (table->opened[v] - table->committed[v]) * 1e3;
    }
    bench_options_head(run->options, "%-6s %-24s %8s %7s %9s %9s %9s\n", "work", "what", "n", "commits", "p50_ms", "p99_ms", "most_ms");
    print_times(run, "head, this process", here, versions);
    print_times(run, "told, another process", told, n_told);
    print_times(run, "head, another process", opened, n_opened);
    free(opened);
    free(told);
}

static void tell_memory(const struct run *run, const struct table *table, int followers)
{
    struct pcct_view_info info = { .size = sizeof info };
    uint64_t pss = 0, own = 0;
    pcct_view *view = NULL;

    BENCH_MUST(pcct_view_open(&view, run->store, "main", &err));
    if (pcct_view_describe(&info, view) != 0) bench_die("a view could not be described");
    pcct_view_close(view);
    for (int i = 0; i < followers; i++) {
        pss += table->pss_kb[i];
        own += table->own_kb[i];
    }
    bench_options_head(run->options, "%-6s %9s %8s %8s %10s %10s %10s\n", "work", "followers", "n", "commits", "view_kB", "pss_kB", "own_kB");
    bench_options_print(run->options, "%-6s %9d %8zu %8zu %10llu %10llu %10llu\n", "memory", followers, run->n, 2 * run->commits,
                        (unsigned long long)(info.memory_bytes / 1024), (unsigned long long)(pss / (uint64_t)followers),
                        (unsigned long long)(own / (uint64_t)followers));
}

/* The processes are made before this one has threads. */
static void processes(const struct bench_options *options, const char *folder, size_t n, size_t count, int followers, int gap_us)
{
    struct run run = { .options = options, .n = n, .commits = count };
    struct table *table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double *here = bench_take(2 * count, sizeof *here);
    pid_t child[FOLLOWERS];
    int ended = 0, bad = 0;

    if (table == MAP_FAILED) bench_die("no memory to share");
    table->last = UINT64_MAX;
    start(&run, folder, "followed", 0);
    for (int i = 0; i < followers; i++) {
        fflush(stdout);
        child[i] = fork();
        if (child[i] < 0) bench_die("no process to be had");
        if (child[i] == 0) {
            follow(table, run.path, i);
            _exit(0);
        }
    }
    await(table, followers);
    for (size_t i = 0; i < 2 * count; i++) {
        struct bench_commit commit;
        pcct_view *view = NULL;

        if (i + 1 == 2 * count) __atomic_store_n(&table->last, i + 2, __ATOMIC_RELEASE);
        commit_one(&commit, &run, i);
        table->committed[i + 2] = bench_seconds();
        BENCH_MUST(pcct_view_open(&view, run.store, "main", &err));
        here[i] = (bench_seconds() - table->committed[i + 2]) * 1e3;
        pcct_view_close(view);
        if (gap_us > 0) usleep((useconds_t)gap_us);
    }
    await(table, 2 * followers);
    __atomic_store_n(&table->stop, 1, __ATOMIC_RELEASE);
    await(table, 3 * followers);
    __atomic_store_n(&table->stop, 2, __ATOMIC_RELEASE);
    for (int i = 0; i < followers; i++) bad += waitpid(child[i], &ended, 0) != child[i] || ended != 0;
    if (bad) bench_die("a follower came to a bad end");
    if (followers == 1) tell(&run, table, here);
    else tell_memory(&run, table, followers);
    end(&run);
    free(here);
    munmap(table, sizeof *table);
}

int main(int argc, char **argv)
{
    struct bench_options options;
    const char *folder = NULL;
    size_t n = 32768, count = COMMITS;

    bench_options_read(&options, argc, argv, help);
    folder = bench_folder(options.dir);
    if (options.quick) {
        n = QUICK_N;
        count = QUICK_COMMITS;
    }
    if (options.n.count > 0) n = options.n.item[0];
    if (bench_options_wants(&options, "follow")) processes(&options, folder, n, count / 2, 1, 3000);
    if (bench_options_wants(&options, "memory")) processes(&options, folder, n, count, FOLLOWERS, 0);
    if (bench_options_wants(&options, "commit")) commits(&options, folder, n, count);
    if (bench_options_wants(&options, "peers")) peers(&options, folder, n, count);
    bench_options_end(&options);
    return 0;
}
