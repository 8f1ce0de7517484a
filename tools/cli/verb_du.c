/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "reading.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_NUMBER, 'n', "number", "N", "the newest N only" },
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "a JSON object a line: version frame_bytes anchor_bytes needed_bytes unshared_bytes" },
    { OPT_END, 0, NULL, NULL, NULL },
};

struct listing {
    uint64_t most;
    int json, status;
    struct pcct_error *err;
};

static int list_one(void *ctx, const struct pcct_usage *usage)
{
    struct listing *l = ctx;
    char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES], d[TEXT_BYTES];
    struct record record;
    if (l->most-- == 0 || ferror(stdout)) return 1;
    if (l->json) {
        record_begin(&record, NULL);
        record_count(&record, "version", usage->version);
        record_count(&record, "frame_bytes", usage->frame_bytes);
        record_count(&record, "anchor_bytes", usage->anchor_bytes);
        record_count(&record, "needed_bytes", usage->needed_bytes);
        record_count(&record, "unshared_bytes", usage->unshared_bytes);
        l->status = record_print(&record, stdout, l->err);
        return l->status != 0;
    }
    printf("v%-8" PRIu64 " %10s  %10s  %10s  %10s\n", usage->version, text_size(a, usage->frame_bytes), text_size(b, usage->anchor_bytes),
           text_size(c, usage->needed_bytes), text_size(d, usage->unshared_bytes));
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct listing listing = { 0, options->value[OPT_JSON] != NULL, 0, err };
    pcct_store *store = NULL;
    TRY(options_u64(&listing.most, options, OPT_NUMBER, UINT64_MAX, 0, INT64_MAX, err));
    TRY(reading_open(&store, options, err));
    if (!listing.json) printf("version        frame      anchor      needed    unshared\n");
    TRY(pcct_usage_each(store, list_one, &listing, err));
    TRY(listing.status);
done:
    pcct_store_close(store);
    return status;
}

const struct verb verb_du = {
    .name = "du",
    .operands = "STORE",
    .summary = "tell what each version takes on disk, and shares with others",
    .detail = "needed: what it takes to open the version; unshared: what would be freed if it alone were pruned.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
