/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "interrupt.h"
#include "options.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct verb *const verbs[] = {
    &verb_create, &verb_insert,  &verb_delete, &verb_knn, &verb_radius, &verb_graph,  &verb_net,
    &verb_order,  &verb_vecchia, &verb_kernel, &verb_dump,
    &verb_log,    &verb_show,    &verb_diff,   &verb_branch, &verb_tag, &verb_restore, &verb_reset, &verb_reflog, &verb_bisect,
    &verb_prune,  &verb_policy, &verb_gc,     &verb_compact, &verb_du,    &verb_readers,
    &verb_info,   &verb_verify, &verb_fsck,   &verb_scrub,  &verb_salvage,
    &verb_backup, &verb_bundle, &verb_apply,  &verb_replay, &verb_export, &verb_import,
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i]->name, name) == 0) return verbs[i];
    }
    return NULL;
}

static void print_help(FILE *out)
{
    fputs("Usage: pcct VERB STORE [OPTION]...\n"
          "Exact nearest neighbours of a set of labelled points, with every version of the set kept.\n\n", out);
    for (size_t i = 0; i < VERBS; i++) fprintf(out, "  %-8s  %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("  help      this text, or with the name of a verb what it takes\n\n"
          "Revisions: main (a branch's newest version, or a tag's), v17 (number 17; v0 is empty), the first 4 or more\n"
          "hex digits of a version's identity, main@{2026-11-20} (where it stood at the end of that day, UTC),\n"
          "epoch:12 (the newest with that user key); each may be followed by ~k, its k-th ancestor.\n\n"
          "Exit codes: 0 done, 1 \"no\" (verify: differences; fsck: damage), 2 usage or input that cannot be taken, 3 not found,\n"
          "4 busy or conflict, 5 store damaged, 6 I/O, permission or no space, 7 memory, 130 interrupted.\n\n"
          "First steps:\n"
          "  pcct create cities.pcct --dim 2 --metric haversine\n"
          "  pcct insert cities.pcct cities.csv --columns lat,lng -m \"first load\"\n"
          "  pcct knn cities.pcct queries.csv --columns lat,lng -k 5\n", out);
}

static int unknown_verb(const char *name, struct pcct_error *err)
{
    return fault(err, PCCT_E_INVALID, "\"%s\" is not a verb; pcct help lists them", name);
}

static int help(int argc, char **argv, struct pcct_error *err)
{
    if (argc < 2) {
        print_help(stdout);
        return 0;
    }
    const struct verb *verb = find_verb(argv[1]);
    if (!verb) return unknown_verb(argv[1], err);
    options_print_help(stdout, verb);
    return 0;
}

static int run(const char **verb_name, int argc, char **argv, struct pcct_error *err)
{
    struct options options;
    const char *word = argv[0];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("pcct %s\n", pcct_version_string());
        return 0;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return help(argc, argv, err);
    const struct verb *verb = find_verb(word);
    if (!verb) return unknown_verb(word, err);
    *verb_name = verb->name;
    int status = options_parse(&options, verb, argc, argv, err);
    if (status != 0) return status;
    if (options.help) {
        options_print_help(stdout, verb);
        return 0;
    }
    return verb->run(&options, err);
}

/* A stream that was closed before the start must stay so: a file of the store that took its number would be read or written as the stream. */
static int keep_streams_apart(void)
{
    int fd = open("/dev/null", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_PATH | O_CLOEXEC);
    return fd < 0 ? -1 : close(fd);
}

int main(int argc, char **argv)
{
    struct pcct_error err = { 0, "" };
    const char *verb = NULL;
    int status = 0;
    if (keep_streams_apart() != 0) return EXIT_IO;
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    interrupt_catch();
    status = run(&verb, argc - 1, argv + 1, &err);
    if (status < 0) fault_print(verb, &err);
    errno = 0;
    int write_failed = ferror(stdout) != 0;
    if ((fclose(stdout) != 0 || write_failed) && status >= 0) {
        status = fault_errno(&err, errno ? errno : EIO, "writing standard output");
        fault_print(verb, &err);
    }
    return (int)fault_exit_code(status);
}
