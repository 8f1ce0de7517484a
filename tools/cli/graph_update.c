/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"
#include "fault.h"
#include "graph_file.h"
#include "interrupt.h"
#include "kernels.h"
#include "output.h"

#include <inttypes.h>

static int on_progress(void *context, double done)
{
    struct asking *asking = context;
    progress_show(&asking->progress, done, "answering");
    return interrupt_asked();
}

static int check(const struct graph_file *file, const struct options *options, struct pcct_error *err)
{
    uint64_t k = 0;
    int status = options_u64(&k, options, OPT_K, file->k, 1, INT32_MAX, err);
    if (status != 0 || k == file->k) return status;
    return fault(err, PCCT_E_INVALID, "%s: it has %zu neighbours a row and -k asks for %" PRIu64 "; make it anew without --update", file->path,
                 file->k, k);
}

static int refuse_filters(const struct options *options, struct pcct_error *err)
{
    static const enum option_id refused[] = { OPT_ONLY, OPT_LEVEL, OPT_PREDECESSORS, OPT_BOUNDS, OPT_BRUTE, OPT_TELEMETRY };
    int given = 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) given |= options->value[refused[i]] != NULL;
    if (!given) return 0;
    return fault(err, PCCT_E_INVALID, "--update goes with a graph of all points: without --only, --level, --predecessors, --bounds, --brute and "
                 "--telemetry");
}

int graph_update(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct graph_file file = { .path = NULL };
    struct asking asking = { .store = NULL };
    struct output output = { .kind = OUTPUT_NEAREST };
    struct pcct_neighbours_options how = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_neighbours_rows rows = { .size = sizeof rows };
    pcct_neighbours *neighbours = NULL;
    pcct_gp *gp = NULL;
    TRY(refuse_filters(options, err));
    TRY(asking_open(&asking, options, err));
    TRY(graph_file_read(&file, options->value[OPT_UPDATE], options->value[OPT_METRIC], err));
    TRY(check(&file, options, err));
    how.threads = asking.threads;
    how.progress = on_progress;
    how.progress_ctx = &asking;
    TRY(graph_file_adopt(&neighbours, &file, asking.store, options, &how, err));
    output = (struct output){ .kind = OUTPUT_NEAREST, .by_label = 1, .k = file.k, .version = asking.info.identity };
    TRY(correlating_open(&gp, asking.view, options, asking.threads, err));
    correlating_warn(gp, options);
    if (gp) correlating_tell(&output, gp, options);
    how.gp = gp;
    graph_file_free(&file); /* it may be as large as all the rest */
    TRY(output_open(&output, options->value[OPT_OUTPUT], options->value[OPT_FORMAT], err));
    TRY(pcct_neighbours_renew(NULL, neighbours, asking.view, &how, NULL, NULL, err));
    TRY(pcct_neighbours_read(&rows, neighbours));
    TRY(output_add(&output, rows.rows, rows.labels, rows.distances, rows.counts, NULL, rows.n, rows.k, err));
    TRY(output_finish(&output, err));
done:
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    output_abandon(&output);
    pcct_neighbours_close(neighbours);
    pcct_gp_close(gp);
    graph_file_free(&file);
    asking_close(&asking);
    return status;
}
