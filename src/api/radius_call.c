/* SPDX-License-Identifier: Apache-2.0 */
#include "api/asked.h"

#include "base/memory.h"
#include "query/within.h"

struct pcct_answer {
    struct base_env env;
    struct query_found found;
};

int pcct_answer_open(pcct_answer **out, pcct_store *store, struct pcct_error *err)
{
    pcct_answer *answer = NULL;
    int status = 0;

    if (!out) return base_fail(err, PCCT_E_INVALID, "pcct_answer_open needs a place for the handle");
    *out = NULL;
    TRY(base_take_zero(&answer, &store->env, 1, sizeof *answer, err));
    answer->env = store->env;
    *out = answer;
done:
    return status;
}

void pcct_answer_close(pcct_answer *answer)
{
    struct base_env env;

    if (!answer) return;
    env = answer->env;
    query_found_free(&answer->found, &env);
    base_free(&env, answer);
}

int pcct_answer_read(struct pcct_answer_rows *rows, const pcct_answer *answer)
{
    static const uint64_t none[1] = { 0 };
    const struct query_found *found = &answer->found;
    struct pcct_answer_rows ours = { .nq = found->nq, .starts = none, .labels = found->label.data, .distances = found->distance.data };

    if (found->nq > 0) ours.starts = found->start.data;
    return api_result_write(rows, &ours, sizeof ours);
}

static int check_call(struct pcct_radius_options *o, double radius, const struct pcct_radius_options *options, struct pcct_error *err)
{
    int status = 0;

    TRY(api_options_read(o, sizeof *o, options, "the options of pcct_radius", err));
    if (!(radius >= 0)) TRY(base_fail(err, PCCT_E_INVALID, "the radius is %g; it must be a number that is at least 0", radius));
done:
    return status;
}

/* Either answer or counts. */
static int find(pcct_answer *answer, uint64_t *counts, struct api_asked *asked, double radius, const struct pcct_radius_options *o,
                struct pcct_error *err)
{
    const double limit = metric_limit(&asked->state->metric, radius);
    struct block_work work = { 0, 0, 0, 0 };
    int status = 0;

    asked->batch.limit = &limit;
    asked->batch.k = o->cap > 0 && o->cap < UINT32_MAX ? (size_t)o->cap : UINT32_MAX; /* more than there can be */
    if (answer) TRY(query_within(&answer->found, asked->state, &asked->batch, &asked->env, &work, err));
    else TRY(query_count(counts, asked->state, &asked->batch, &asked->env, &work, err));
    api_tell_work(o->work, &work);
done:
    return status;
}

static int ask_points(pcct_answer *answer, uint64_t *counts, const pcct_view *view, const double *queries, size_t nq, double radius,
                      const struct pcct_radius_options *options, struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct pcct_radius_options o;
    int status = 0;

    TRY(check_call(&o, radius, options, err));
    TRY(api_asked_points(&asked, view, queries, nq, o.filter, o.threads, err));
    TRY(find(answer, counts, &asked, radius, &o, err));
done:
    api_asked_free(&asked);
    return status;
}

static int ask_labels(pcct_answer *answer, uint64_t *counts, const pcct_view *view, const int64_t *labels, size_t nq, double radius,
                      const struct pcct_radius_options *options, struct pcct_error *err)
{
    struct api_asked asked = { .node = NULL };
    struct pcct_radius_options o;
    int status = 0;

    TRY(check_call(&o, radius, options, err));
    TRY(api_asked_labels(&asked, view, labels, nq, o.filter, o.threads, o.exclude_self, err));
    TRY(find(answer, counts, &asked, radius, &o, err));
done:
    api_asked_free(&asked);
    return status;
}

/* What was found before is gone, whatever becomes of this call. */
static int empty(pcct_answer *answer, struct pcct_error *err)
{
    if (!answer) return base_fail(err, PCCT_E_INVALID, "pcct_radius needs an answer to fill; make one with pcct_answer_open");
    answer->found.nq = 0;
    return 0;
}

int pcct_radius(pcct_answer *answer, const pcct_view *view, const double *queries, size_t nq, double radius,
                const struct pcct_radius_options *options, struct pcct_error *err)
{
    int status = empty(answer, err);

    return status != 0 ? status : ask_points(answer, NULL, view, queries, nq, radius, options, err);
}

int pcct_radius_stored(pcct_answer *answer, const pcct_view *view, const int64_t *query_labels, size_t nq, double radius,
                       const struct pcct_radius_options *options, struct pcct_error *err)
{
    int status = empty(answer, err);

    return status != 0 ? status : ask_labels(answer, NULL, view, query_labels, nq, radius, options, err);
}

int pcct_count(uint64_t *counts, const pcct_view *view, const double *queries, size_t nq, double radius,
               const struct pcct_radius_options *options, struct pcct_error *err)
{
    if (nq > 0 && !counts) return base_fail(err, PCCT_E_INVALID, "counts must be given");
    return ask_points(NULL, counts, view, queries, nq, radius, options, err);
}

int pcct_count_stored(uint64_t *counts, const pcct_view *view, const int64_t *query_labels, size_t nq, double radius,
                      const struct pcct_radius_options *options, struct pcct_error *err)
{
    if (nq > 0 && !counts) return base_fail(err, PCCT_E_INVALID, "counts must be given");
    return ask_labels(NULL, counts, view, query_labels, nq, radius, options, err);
}
