/* SPDX-License-Identifier: Apache-2.0 */
#include "diff_neighbours.h"
#include "fault.h"
#include "interrupt.h"
#include "kernels.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    int json;
    uint64_t rows;
    int64_t *sorted; /* [2][k] */
    size_t k;
    int labels_only; /* distances are by two kernels, and all differ */
};

static int compare(const void *a, const void *b)
{
    int64_t x = 0, y = 0;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Labels in both lists, over labels in either. */
static double jaccard(const struct listing *listing, const struct pcct_neighbours_change *change)
{
    int64_t *before = listing->sorted, *after = listing->sorted + listing->k;
    const size_t n = change->before ? (size_t)change->count_before : 0, m = change->after ? (size_t)change->count_after : 0;
    size_t both = 0;
    if (n > 0) memcpy(before, change->before, n * sizeof *before);
    if (m > 0) memcpy(after, change->after, m * sizeof *after);
    qsort(before, n, sizeof *before, compare);
    qsort(after, m, sizeof *after, compare);
    for (size_t i = 0, j = 0; i < n && j < m;) {
        const int64_t x = before[i], y = after[j];
        both += x == y;
        i += x <= y;
        j += y <= x;
    }
    return n + m > 0 ? (double)both / (double)(n + m - both) : 1;
}

static int is_same_list(const struct pcct_neighbours_change *change)
{
    return change->before && change->after && change->count_before == change->count_after
        && memcmp(change->before, change->after, (size_t)change->count_after * sizeof *change->after) == 0;
}

static void print_list(const int64_t *labels, int32_t count, const char *between)
{
    for (int32_t i = 0; i < count; i++) printf("%s%" PRId64, i ? between : "", labels[i]);
}

static void print_json_list(const char *name, const int64_t *labels, int32_t count)
{
    printf(",\"%s\":", name);
    if (!labels) {
        fputs("null", stdout);
        return;
    }
    putchar('[');
    print_list(labels, count, ",");
    putchar(']');
}

static int print_change(void *ctx, const struct pcct_neighbours_change *change)
{
    struct listing *listing = ctx;
    char share[TEXT_BYTES];
    if (listing->labels_only && is_same_list(change)) return 0;
    text_double(share, jaccard(listing, change));
    if (listing->json) {
        printf("%s{\"row\":%" PRId64 ",\"jaccard\":%s", listing->rows ? "," : "", change->label, share);
        print_json_list("before", change->before, change->count_before);
        print_json_list("after", change->after, change->count_after);
        putchar('}');
    } else {
        printf("%" PRId64 ",%s,", change->label, share);
        print_list(change->before, change->count_before, " ");
        putchar(',');
        print_list(change->after, change->count_after, " ");
        putchar('\n');
    }
    listing->rows++;
    return interrupt_asked() || ferror(stdout);
}

/* The graph of a version, by the kernel of --metric there, whose digest is told; the view is closed again. */
static int open_graph(pcct_neighbours **graph, uint8_t digest[16], pcct_store *store, const char *revision, size_t k, const struct options *options,
                      const struct pcct_neighbours_options *how, struct pcct_error *err)
{
    int status = 0;
    struct pcct_gp_info info = { .size = sizeof info };
    struct pcct_neighbours_options ours = *how;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    TRY(pcct_view_open(&view, store, revision, err));
    TRY(correlating_open(&gp, view, options, how->threads, err));
    ours.gp = gp;
    if (gp) TRY(pcct_gp_describe(&info, gp));
    memcpy(digest, info.digest, sizeof info.digest);
    TRY(pcct_neighbours_open(graph, view, k, &ours, err));
done:
    pcct_gp_close(gp);
    pcct_view_close(view);
    return status;
}

/* The kernel of --metric at the version that is compared with. */
static int open_kernel(pcct_gp **gp, struct listing *listing, const uint8_t digest[16], const pcct_view *view, const struct options *options,
                       struct pcct_neighbours_options *how, struct pcct_error *err)
{
    int status = 0;
    struct pcct_gp_info info = { .size = sizeof info };
    TRY(correlating_open(gp, view, options, how->threads, err));
    correlating_warn(*gp, options);
    how->gp = *gp;
    if (*gp) TRY(pcct_gp_describe(&info, *gp));
    listing->labels_only = *gp && memcmp(digest, info.digest, sizeof info.digest) != 0;
done:
    return status;
}

static int on_progress(void *context, double done)
{
    (void)context;
    (void)done;
    return interrupt_asked();
}

int diff_neighbours(const struct options *options, pcct_store *store, const char *from, const char *to, struct pcct_error *err)
{
    int status = 0;
    uint64_t k = 0;
    struct listing listing = { .json = options->value[OPT_JSON] != NULL };
    struct pcct_neighbours_options how = PCCT_NEIGHBOURS_OPTIONS_INIT;
    struct pcct_neighbours_renewal renewal = { .size = sizeof renewal };
    struct pcct_neighbours_rows first = { .size = sizeof first }, last = { .size = sizeof last };
    pcct_neighbours *graph = NULL;
    pcct_view *view = NULL;
    pcct_gp *gp = NULL;
    uint8_t digest[16];
    if (!options->value[OPT_K]) TRY(fault(err, PCCT_E_INVALID, "-k is missing: how many neighbours, such as -k 5"));
    TRY(options_u64(&k, options, OPT_K, 0, 1, INT32_MAX, err));
    TRY(options_threads(&how.threads, options, err));
    how.progress = on_progress;
    TRY(pcct_view_open(&view, store, to, err)); /* before the work that a wrong name would make vain */
    TRY(open_graph(&graph, digest, store, from, (size_t)k, options, &how, err));
    TRY(open_kernel(&gp, &listing, digest, view, options, &how, err));
    TRY(pcct_neighbours_read(&first, graph));
    listing.k = (size_t)k;
    listing.sorted = malloc(2 * listing.k * sizeof *listing.sorted);
    if (!listing.sorted) TRY(fault(err, PCCT_E_MEMORY, "no memory for k %" PRIu64 "; ask for fewer neighbours", k));
    if (listing.json) printf("{\"schema\":\"pcct.diff.neighbours.1\",\"from\":%" PRIu64 ",\"k\":%" PRIu64 ",\"changed\":[", first.version, k);
    else puts("row,jaccard,before,after");
    TRY(pcct_neighbours_renew(&renewal, graph, view, &how, print_change, &listing, err));
    TRY(interrupt_check(err));
    TRY(pcct_neighbours_read(&last, graph));
    if (listing.json) {
        printf("],\"to\":%" PRIu64 ",\"came\":%" PRIu64 ",\"gone\":%" PRIu64 ",\"rows\":%zu}\n", last.version, renewal.came, renewal.gone, last.n);
    }
done:
    if (status == PCCT_E_CANCELLED) (void)interrupt_check(err);
    free(listing.sorted);
    pcct_neighbours_close(graph);
    pcct_gp_close(gp);
    pcct_view_close(view);
    return status;
}
