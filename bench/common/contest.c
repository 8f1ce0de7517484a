/* SPDX-License-Identifier: Apache-2.0 */
#include "common/contest.h"

#include "common/machine.h"
#include "common/peers.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 256, NUMBER_BYTES = 32, PATH_BYTES = 4200 };

/* A process with both its ends; they are not handed on to the processes that are started later. */
static int start(FILE **to, FILE **from, char *const words[])
{
    posix_spawn_file_actions_t actions;
    int in[2], out[2];
    pid_t process = 0;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) bench_die("%s: no pipe to be had", words[0]);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    if (posix_spawnp(&process, words[0], &actions, NULL, words, environ) != 0) bench_die("%s cannot be run", words[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    *to = fdopen(in[1], "w");
    *from = fdopen(out[0], "r");
    if (!*to || !*from) bench_die("out of memory");
    return (int)process;
}

static void finish(const struct bench_peer *peer)
{
    int status = 0;

    fclose(peer->to);
    fclose(peer->from);
    if (waitpid(peer->process, &status, 0) != peer->process || !WIFEXITED(status)) bench_die("%s was ended by a signal", peer->name);
    if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != BENCH_PEER_NOT_INSTALLED) bench_die("%s failed", peer->name);
}

/* The indices that a program announces, each on a line "index NAME LEAF SECONDS", until it says "ready"; none if its library is missing. */
static void meet(struct bench_contest *contest, struct bench_peer *program)
{
    size_t first = contest->peers;
    char line[LINE_BYTES];

    while (fgets(line, sizeof line, program->from)) {
        struct bench_peer *peer = &contest->peer[contest->peers];

        if (strcmp(line, "ready\n") == 0 && contest->peers > first) {
            contest->peer[contest->peers - 1].last = 1;
            return;
        }
        if (contest->peers == BENCH_PEERS) bench_die("there are more than %d peers", BENCH_PEERS);
        *peer = *program;
        peer->place = (int)(contest->peers++ - first);
        if (sscanf(line, "index %63s %zu %lf", peer->name, &peer->leaf, &peer->build_seconds) != 3) bench_die("%s prints %s", program->name, line);
    }
    if (contest->peers > first) bench_die("%s ended before it was ready", program->name);
    finish(program);
}

static void invite(void *ctx, const char *path)
{
    struct bench_contest *contest = ctx;
    const char *end = strrchr(path, '.'), *python = getenv("PYTHON");
    const size_t size[] = { contest->n, contest->dim, contest->nq, contest->sample, contest->k };
    char number[sizeof size / sizeof *size][NUMBER_BYTES], *words[16];
    struct bench_peer program = { "", 0, 0, NULL, NULL, 0, 0, 0 };
    size_t count = 0;

    if (end && strcmp(end, ".py") == 0) {
        words[count++] = (char *)(python && *python ? python : "python3");
        words[count++] = (char *)"-B";
    }
    words[count++] = (char *)path;
    words[count++] = (char *)"--query";
    words[count++] = (char *)contest->folder;
    words[count++] = (char *)contest->work;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        snprintf(number[i], sizeof number[i], "%zu", size[i]);
        words[count++] = number[i];
    }
    words[count] = NULL;
    snprintf(program.name, sizeof program.name, "%.63s", strrchr(path, '/') + 1);
    program.process = start(&program.to, &program.from, words);
    meet(contest, &program);
}

void bench_contest_open(struct bench_contest *contest)
{
    signal(SIGPIPE, SIG_IGN); /* a peer that is gone is noticed by its silence */
    contest->peers = 0;
    bench_peers_each("peers", invite, contest);
}

void bench_contest_close(struct bench_contest *contest)
{
    for (size_t i = 0; i < contest->peers; i++) {
        if (contest->peer[i].last) finish(&contest->peer[i]);
    }
    contest->peers = 0;
}

static void read_raw(void *value, size_t bytes, const char *folder, const char *name)
{
    char path[PATH_BYTES];
    FILE *file = NULL;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (!file || fread(value, 1, bytes, file) != bytes) bench_die("%s cannot be read in full", path);
    fclose(file);
    bench_remove(path);
}

void bench_contest_answers(int64_t *labels, double *distances, const struct bench_contest *contest, const struct bench_peer *peer)
{
    size_t count = contest->sample * contest->k;
    char line[LINE_BYTES];

    fprintf(peer->to, "answer %d\n", peer->place);
    fflush(peer->to);
    if (!fgets(line, sizeof line, peer->from) || strcmp(line, "done\n") != 0) bench_die("%s does not answer", peer->name);
    read_raw(labels, count * sizeof *labels, contest->folder, "peer.labels");
    read_raw(distances, count * sizeof *distances, contest->folder, "peer.distances");
}

double bench_contest_rate(const struct bench_peer *peer, int threads, double seconds)
{
    char line[LINE_BYTES];
    double rate = 0;

    fprintf(peer->to, "rate %d %d %g\n", peer->place, threads, seconds);
    fflush(peer->to);
    if (!fgets(line, sizeof line, peer->from) || sscanf(line, "%lf", &rate) != 1) bench_die("%s does not answer", peer->name);
    return rate;
}
