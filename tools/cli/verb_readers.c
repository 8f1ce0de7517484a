/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_JSON, 0, "json", NULL, "a JSON object a line: pid version since" },
    { OPT_END, 0, NULL, NULL, NULL },
};

struct telling {
    const struct options *options;
    struct pcct_error *err;
    uint64_t readers;
    int status;
};

static int tell(void *ctx, const struct pcct_reader *reader)
{
    struct telling *telling = ctx;
    char time[TEXT_BYTES];
    (void)text_time(time, reader->since_ns);
    telling->readers++;
    if (telling->options->value[OPT_JSON]) {
        struct record record;
        record_begin(&record, NULL);
        record_count(&record, "pid", reader->pid);
        record_count(&record, "version", reader->version);
        record_text(&record, "since", time);
        telling->status = record_print(&record, stdout, telling->err);
    } else {
        time[10] = ' ';
        printf("%8" PRIu32 "  v%-8" PRIu64 "  %.19s UTC\n", reader->pid, reader->version, time);
    }
    return telling->status;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct telling telling = { options, err, 0, 0 };
    pcct_store *store = NULL;
    TRY(pcct_store_open(&store, options->operand[0], NULL, err));
    TRY(pcct_readers(store, tell, &telling, err));
    TRY(telling.status);
    if (telling.readers == 0 && !options->value[OPT_JSON]) fputs("nobody\n", stdout);
done:
    pcct_store_close(store);
    return status;
}

const struct verb verb_readers = {
    .name = "readers",
    .operands = "STORE",
    .summary = "list the processes that have versions open",
    .detail = "One line for each process and version: process id, version, since when (UTC).\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
