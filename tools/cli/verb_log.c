/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "history_graph.h"
#include "interrupt.h"
#include "reading.h"
#include "text.h"
#include "verbs.h"
#include "version_output.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row rows[] = {
    { OPT_NUMBER, 'n', "number", "N", "the newest N only; with --follow: end after N" },
    { OPT_FOLLOW, 0, "follow", NULL, "wait for versions of the branch REV and list each as it is committed, oldest first" },
    { OPT_ALL, 0, "all", NULL, "all versions of all branches, the last made first" },
    { OPT_GRAPH, 0, "graph", NULL, "draw who came from whom, with the names of branches and tags" },
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "a JSON object a line: version identity parent state_parent time message n_live inserted deleted frame_bytes,\n"
                                 "the user keys at the top (where no key above has that name), and all of them in \"keys\"" },
    { OPT_END, 0, NULL, NULL, NULL },
};

/* names: NULL without --graph. */
static void print_human(const struct pcct_version *version, const struct version_names *names)
{
    char identity[TEXT_BYTES], time[TEXT_BYTES];
    int shown = 0;

    (void)text_hex(identity, version->identity);
    (void)text_time(time, version->time_ns);
    time[10] = ' ';
    printf("v%-5" PRIu64 " %.10s  %.19s UTC  %9" PRIu64 " live  +%-8" PRIu64 " -%-8" PRIu64 " ", version->version, identity, time, version->n_live,
           version->inserted, version->deleted);
    for (size_t i = 0; names && i < names->n; i++) printf("%s%s%s", i == 0 ? "(" : ", ", names->name[i], i + 1 == names->n ? ") " : "");
    text_print_escaped(stdout, version->message);
    if (names && version->state_parent != version->parent) printf("  <- v%" PRIu64, version->state_parent);
    for (size_t i = 0; i < version->n_keys; i++) {
        if (strncmp(version->keys[i].key, "pcct.kernel.", strlen("pcct.kernel.")) == 0) continue; /* numbers of a kernel: pcct kernel show */
        fputs(shown++ == 0 ? "  [" : " ", stdout);
        text_print_escaped(stdout, version->keys[i].key);
        fputc('=', stdout);
        text_print_escaped(stdout, version->keys[i].value);
    }
    fputs(shown ? "]\n" : "\n", stdout);
}

static int draw(struct history_graph *graph, pcct_store *store, const struct pcct_version *version, struct pcct_error *err)
{
    int status = 0;
    struct version_names names = { NULL, 0, 0 };
    TRY(version_names_read(&names, store, version->version, err));
    TRY(history_graph_draw(graph, stdout, version->version, version->parent, err));
    print_human(version, &names);
done:
    version_names_free(&names);
    return status;
}

static int list_one(pcct_store *store, uint64_t number, const struct options *options, struct pcct_error *err)
{
    int status = 0, found = 0;
    char revision[32];
    pcct_log *log = NULL;
    struct pcct_version version;
    snprintf(revision, sizeof revision, "v%" PRIu64, number);
    TRY(pcct_log_open(&log, store, revision, err));
    found = pcct_log_next(&version, log, err);
    if (found < 0) TRY(found);
    if (found > 0 && options->value[OPT_JSON]) TRY(version_print_json(NULL, &version, NULL, err));
    else if (found > 0) print_human(&version, NULL);
done:
    pcct_log_close(log);
    return status;
}

/* The versions between the last that was listed and the head, which may be several, oldest first. */
static int list_new(uint64_t *most, pcct_store *store, uint64_t head, uint64_t after, const struct options *options, struct pcct_error *err)
{
    int status = 0, found = 0;
    size_t n = 0;
    char revision[32];
    uint64_t *number = NULL;
    pcct_log *log = NULL;
    struct pcct_version version;
    snprintf(revision, sizeof revision, "v%" PRIu64, head);
    TRY(pcct_log_open(&log, store, revision, err));
    for (;; n++) {
        uint64_t *more = NULL;
        found = pcct_log_next(&version, log, err);
        if (found < 0) TRY(found);
        if (found == 0 || version.version <= after) break;
        more = realloc(number, (n + 1) * sizeof *number);
        if (!more) TRY(fault(err, PCCT_E_MEMORY, "not enough memory for the numbers of %zu versions", n + 1));
        number = more;
        number[n] = version.version;
    }
    for (; n > 0 && *most > 0 && !ferror(stdout); --*most) {
        TRY(list_one(store, number[--n], options, err));
    }
    if (fflush(stdout) != 0) *most = 0; /* main() says so */
done:
    free(number);
    pcct_log_close(log);
    return status;
}

static int follow(pcct_store *store, const char *branch, uint64_t most, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    uint64_t after = 0, head = 0;
    interrupt_at_once(options->verb->name);
    TRY(pcct_follow(&after, store, branch, 0, 0, err));
    while (most > 0) {
        TRY(pcct_follow(&head, store, branch, after, -1, err));
        TRY(list_new(&most, store, head, after, options, err));
        after = head;
    }
done:
    return status;
}

static int list(pcct_store *store, uint64_t most, const struct options *options, struct pcct_error *err)
{
    int status = 0, found = 0;
    pcct_log *log = NULL;
    struct pcct_version version;
    struct history_graph graph = { NULL, 0, 0 };
    TRY(options->value[OPT_ALL] ? pcct_log_open_all(&log, store, err) : pcct_log_open(&log, store, options->operand[1], err));
    for (uint64_t i = 0; i < most; i++) {
        found = pcct_log_next(&version, log, err);
        if (found < 0) TRY(found);
        if (found == 0 || ferror(stdout)) break;
        if (options->value[OPT_JSON]) TRY(version_print_json(NULL, &version, NULL, err));
        else if (options->value[OPT_GRAPH]) TRY(draw(&graph, store, &version, err));
        else print_human(&version, NULL);
    }
done:
    history_graph_free(&graph);
    pcct_log_close(log);
    return status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0, graph = options->value[OPT_GRAPH] != NULL, all = options->value[OPT_ALL] != NULL;
    uint64_t most = 0;
    pcct_store *store = NULL;
    if (all && options->operand[1]) TRY(fault(err, PCCT_E_INVALID, "--all and a revision exclude each other"));
    if (graph && options->value[OPT_JSON]) TRY(fault(err, PCCT_E_INVALID, "--graph and --json exclude each other"));
    if (options->value[OPT_FOLLOW] && (all || graph)) TRY(fault(err, PCCT_E_INVALID, "--follow goes with neither --all nor --graph"));
    TRY(options_u64(&most, options, OPT_NUMBER, UINT64_MAX, 0, INT64_MAX, err));
    TRY(reading_open(&store, options, err));
    if (options->value[OPT_FOLLOW]) TRY(follow(store, options->operand[1], most, options, err));
    else TRY(list(store, most, options, err));
done:
    pcct_store_close(store);
    return status;
}

const struct verb verb_log = {
    .name = "log",
    .operands = "STORE [REV]",
    .summary = "list versions, newest first",
    .detail = "Begins at REV (default main); REV..REV leaves out what the first has too. Times are UTC.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
