/* SPDX-License-Identifier: Apache-2.0 */
#include "reading.h"
#include "fault.h"

int reading_open(pcct_store **store, const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_open_options open = PCCT_OPEN_OPTIONS_INIT;
    TRY(options_threads(&open.threads, options, err));
    open.immutable = options->value[OPT_IMMUTABLE] != NULL;
    TRY(pcct_store_open(store, options->operand[0], &open, err));
done:
    return status;
}

int reading_view(pcct_view **view, pcct_store *store, const struct options *options, struct pcct_error *err)
{
    return pcct_view_open(view, store, options->value[OPT_AT] ? options->value[OPT_AT] : "main", err);
}
