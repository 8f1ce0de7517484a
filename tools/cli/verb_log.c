/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>
#include <string.h>

static const struct option_row rows[] = {
    { OPT_NUMBER, 'n', "number", "N", "the newest N only" },
    { OPT_JSON, 0, "json", NULL, "a JSON object a line: version identity parent time message n_live inserted deleted frame_bytes,\n"
                                 "the user keys at the top (where no key above has that name), and all of them in \"keys\"" },
    { OPT_END, 0, NULL, NULL, NULL },
};

static int print_json(const struct pcct_version *version, struct pcct_error *err)
{
    struct record record;
    char text[TEXT_BYTES];
    json_t *keys = json_object();
    record_begin(&record, NULL);
    record_count(&record, "version", version->version);
    record_text(&record, "identity", text_hex(text, version->identity));
    record_count(&record, "parent", version->parent);
    record_text(&record, "time", text_time(text, version->time_ns));
    record_text(&record, "message", version->message);
    record_count(&record, "n_live", version->n_live);
    record_count(&record, "inserted", version->inserted);
    record_count(&record, "deleted", version->deleted);
    record_count(&record, "frame_bytes", version->frame_bytes);
    for (size_t i = 0; i < version->n_keys; i++) {
        const struct pcct_key_value *pair = &version->keys[i];
        if (json_object_set_new(keys, pair->key, record_string(pair->value)) != 0) record.failed = 1;
        if (strcmp(pair->key, "keys") != 0 && !json_object_get(record.object, pair->key)) record_text(&record, pair->key, pair->value);
    }
    record_add(&record, "keys", keys);
    return record_print(&record, stdout, err);
}

static void print_human(const struct pcct_version *version)
{
    char identity[TEXT_BYTES], time[TEXT_BYTES];
    (void)text_hex(identity, version->identity);
    (void)text_time(time, version->time_ns);
    time[10] = ' ';
    printf("v%-5" PRIu64 " %.10s  %.19s UTC  %9" PRIu64 " live  +%-8" PRIu64 " -%-8" PRIu64 " ", version->version, identity, time, version->n_live,
           version->inserted, version->deleted);
    text_print_escaped(stdout, version->message);
    for (size_t i = 0; i < version->n_keys; i++) {
        fputs(i == 0 ? "  [" : " ", stdout);
        text_print_escaped(stdout, version->keys[i].key);
        fputc('=', stdout);
        text_print_escaped(stdout, version->keys[i].value);
    }
    fputs(version->n_keys ? "]\n" : "\n", stdout);
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0, found = 0;
    uint64_t most = 0;
    pcct_store *store = NULL;
    pcct_log *log = NULL;
    struct pcct_version version;
    TRY(options_u64(&most, options, OPT_NUMBER, UINT64_MAX, 0, INT64_MAX, err));
    TRY(pcct_store_open(&store, options->operand[0], NULL, err));
    TRY(pcct_log_open(&log, store, options->operand[1] ? options->operand[1] : "main", err));
    for (uint64_t i = 0; i < most; i++) {
        found = pcct_log_next(&version, log, err);
        if (found < 0) TRY(found);
        if (found == 0 || ferror(stdout)) break;
        if (options->value[OPT_JSON]) TRY(print_json(&version, err));
        else print_human(&version);
    }
done:
    pcct_log_close(log);
    pcct_store_close(store);
    return status;
}

const struct verb verb_log = {
    .name = "log",
    .operands = "STORE [REV]",
    .summary = "list versions, newest first",
    .detail = "Begins at REV (default main). Times are UTC.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 2,
    .run = run,
};
