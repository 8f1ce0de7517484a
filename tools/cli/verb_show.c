/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "reading.h"
#include "text.h"
#include "verbs.h"
#include "version_output.h"

#include <inttypes.h>

static const struct option_row rows[] = {
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.show.1): the keys of log --json, generation and names" },
    { OPT_END, 0, NULL, NULL, NULL },
};

static void print_human(const struct pcct_version *version, const struct version_names *names)
{
    char text[TEXT_BYTES];
    printf("version    v%" PRIu64, version->version);
    for (size_t i = 0; i < names->n; i++) printf("%s%s%s", i == 0 ? " (" : ", ", names->name[i], i + 1 == names->n ? ")" : "");
    printf("\nidentity   %s\n", text_hex(text, version->identity));
    printf("time       %s\n", text_time(text, version->time_ns));
    printf("parent     v%" PRIu64 ", %" PRIu64 " down to the empty v0\n", version->parent, version->generation);
    if (version->state_parent != version->parent) printf("restored   from v%" PRIu64 "\n", version->state_parent);
    printf("points     %" PRIu64 " live, %" PRIu64 " inserted, %" PRIu64 " deleted\n", version->n_live, version->inserted, version->deleted);
    printf("written    %s\n", text_size(text, version->frame_bytes));
    for (size_t i = 0; i < version->n_keys; i++) {
        fputs(i == 0 ? "keys       " : "           ", stdout);
        text_print_escaped(stdout, version->keys[i].key);
        fputc('=', stdout);
        text_print_escaped(stdout, version->keys[i].value);
        fputc('\n', stdout);
    }
    fputs("message    ", stdout);
    text_print_escaped(stdout, version->message);
    fputc('\n', stdout);
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0, found = 0;
    pcct_store *store = NULL;
    pcct_log *log = NULL;
    struct pcct_version version;
    struct version_names names = { NULL, 0, 0 };
    const char *revision = options->operand[1] ? options->operand[1] : "main";
    uint64_t number = 0;
    TRY(reading_open(&store, options, err));
    TRY(pcct_resolve(&number, store, revision, err)); /* one version, not a range */
    TRY(pcct_log_open(&log, store, revision, err));
    found = pcct_log_next(&version, log, err);
    if (found < 0) TRY(found);
    if (found == 0) TRY(fault(err, PCCT_E_NOT_FOUND, "%s is v0, the empty version that every store begins with; there is nothing to show", revision));
    TRY(version_names_read(&names, store, version.version, err));
    if (options->value[OPT_JSON]) TRY(version_print_json("pcct.show.1", &version, &names, err));
    else print_human(&version, &names);
done:
    version_names_free(&names);
    pcct_log_close(log);
    pcct_store_close(store);
    return status;
}

const struct verb verb_show = {
    .name = "show",
    .operands = "STORE [REV]",
    .summary = "tell all about one version",
    .detail = "REV: default main.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
