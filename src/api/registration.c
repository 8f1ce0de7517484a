/* SPDX-License-Identifier: Apache-2.0 */
#include "api/registration.h"

#include <string.h>

static int read_function(struct pcct_metric *function, const struct pcct_metric *custom, struct pcct_error *err)
{
    int status = 0;

    TRY(api_options_read(function, sizeof *function, custom, "the custom metric", err));
    if (!function->name) TRY(base_fail(err, PCCT_E_INVALID, "the custom metric has no name"));
done:
    return status;
}

int api_metric_open(struct metric *metric, const struct store_super *super, const struct pcct_metric *custom, const char *path,
                    struct pcct_error *err)
{
    const char *name = super->metric == METRIC_CUSTOM ? super->custom : metric_name((int)super->metric);
    struct pcct_metric function;
    int status = 0;

    if (!name || (super->metric == METRIC_CUSTOM) != (super->custom[0] != '\0')) {
        TRY(base_fail(err, PCCT_E_FORMAT, "%s: metric number %u is not known to this pcct; use a newer one", path, super->metric));
    }
    if (custom) TRY(read_function(&function, custom, err));
    if (custom && super->metric != METRIC_CUSTOM) {
        TRY(base_fail(err, PCCT_E_INVALID, "%s has the built-in metric %s; open it without the custom metric \"%.64s\"", path, name, function.name));
    }
    if (custom && strcmp(function.name, name) != 0) {
        TRY(base_fail(err, PCCT_E_INVALID, "%s has the custom metric \"%s\", and not \"%.64s\"; register the function of that name", path, name,
                      function.name));
    }
    if (super->metric == METRIC_CUSTOM) TRY(metric_custom_init(metric, name, super->dim, custom ? &function : NULL, err));
    else TRY(metric_init(metric, name, super->dim, METRIC_ISA_BEST, err));
done:
    return status;
}

int api_metric_create(struct store_super *super, const char *name, const struct pcct_metric *custom, struct pcct_error *err)
{
    struct pcct_metric function;
    struct metric metric;
    int status = 0;

    if (!custom) {
        TRY(metric_init(&metric, name ? name : "euclidean", super->dim, METRIC_ISA_BEST, err));
        super->metric = (uint32_t)metric.id;
        goto done;
    }
    TRY(read_function(&function, custom, err));
    if (name) TRY(base_fail(err, PCCT_E_INVALID, "a store has one metric, not both \"%.64s\" and the custom one", name));
    TRY(metric_custom_init(&metric, function.name, super->dim, &function, err));
    super->metric = (uint32_t)metric.id;
    super->incompatible |= STORE_FEATURE_CUSTOM;
    memcpy(super->custom, metric.custom.name, sizeof super->custom);
done:
    return status;
}

void api_reader(struct index_state *reader, struct metric_calls *calls, const struct index_state *state)
{
    metric_calls_clear(calls);
    *reader = *state;
    reader->metric.calls = calls;
}
