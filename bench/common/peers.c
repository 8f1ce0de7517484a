/* SPDX-License-Identifier: Apache-2.0 */
#include "common/peers.h"

#include "common/machine.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct task {
    const char *points;
    size_t n, dim;
    int repeats;
    void (*show)(void *ctx, const char *name, int threads, size_t leaf, double seconds);
    void *ctx;
};

static void run(void *ctx, const char *path)
{
    const struct task *task = ctx;
    const char *end = strrchr(path, '.');
    char command[3 * PATH_BYTES], line[256], name[64];
    FILE *output = NULL;
    int status;

    if (strchr(path, '\'') || strchr(task->points, '\'')) bench_die("%s, %s: a path may not have a quote in it", path, task->points);
    snprintf(command, sizeof command, "%s'%s' --build '%s' %zu %zu %d", end && strcmp(end, ".py") == 0 ? "\"${PYTHON:-python3}\" -B " : "", path,
             task->points, task->n, task->dim, task->repeats);
    fflush(stdout);
    output = popen(command, "r");
    if (!output) bench_die("%s cannot be run", path);
    while (fgets(line, sizeof line, output)) {
        int threads = 0;
        size_t leaf = 0;
        double seconds = 0;

        if (sscanf(line, "%63s %d %zu %lf", name, &threads, &leaf, &seconds) != 4) bench_die("%s prints %s", path, line);
        task->show(task->ctx, name, threads, leaf, seconds);
    }
    status = pclose(output);
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == BENCH_PEER_NOT_INSTALLED)) return;
    bench_die("%s failed", path);
}

static int is_program(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

void bench_peers_each(const char *beside, void (*visit)(void *ctx, const char *path), void *ctx)
{
    char self[PATH_BYTES], folder[PATH_BYTES + 16], path[2 * PATH_BYTES];
    ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);
    struct dirent **entry = NULL;
    int count;

    if (bytes < 0) bench_die("/proc/self/exe cannot be read");
    self[bytes] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(folder, sizeof folder, "%s/%s", self, beside);
    count = scandir(folder, &entry, is_program, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        if (access(path, X_OK) == 0) visit(ctx, path);
        free(entry[i]);
    }
    free(entry);
}

void bench_peers_build(const char *points, size_t n, size_t dim, int repeats,
                       void (*show)(void *ctx, const char *name, int threads, size_t leaf, double seconds), void *ctx)
{
    struct task task = { points, n, dim, repeats, show, ctx };

    bench_peers_each("peers", run, &task);
}
