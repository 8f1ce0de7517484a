/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "reading.h"
#include "record.h"
#include "text.h"
#include "verbs.h"

#include <pcct/pcct.h>

#include <inttypes.h>

static const struct option_row rows[] = {
    { OPT_KEEP_LAST, 0, "keep-last", "N", "keep the last N versions of each branch" },
    { OPT_KEEP_EVERY, 0, "keep-every", "N", "keep versions whose generation (show tells it) is a multiple of N" },
    { OPT_OLDER_THAN, 0, "older-than", "DAYS", "only versions that are older than that go" },
    { OPT_CLEAR, 0, "clear", NULL, "take the rules away" },
    { OPT_NO_WAIT, 0, "no-wait", NULL, "exit with 4 at once when another writer is at work" },
    OPTION_IMMUTABLE,
    { OPT_JSON, 0, "json", NULL, "print a JSON object (schema pcct.policy.1)" },
    OPTION_QUIET,
    { OPT_END, 0, NULL, NULL, NULL },
};

static const double day_ns = 86400e9;

static int report(const struct options *options, const struct pcct_policy *policy, struct pcct_error *err)
{
    struct record record;
    if (options->value[OPT_JSON]) {
        record_begin(&record, "pcct.policy.1");
        record_count(&record, "keep_last", policy->keep_last);
        record_count(&record, "keep_every", policy->keep_every);
        record_real(&record, "older_than_days", (double)policy->age_ns / day_ns);
        return record_print(&record, stdout, err);
    }
    if (options->value[OPT_QUIET]) return 0;
    if (!policy->keep_last && !policy->keep_every && !policy->age_ns) {
        puts("no policy: versions stay until they are pruned");
        return 0;
    }
    fputs("versions go", stdout);
    if (policy->keep_last) printf(" but the last %" PRIu64 " of each branch", policy->keep_last);
    if (policy->keep_every) printf("%s every %" PRIu64 "th", policy->keep_last ? " and" : " but", policy->keep_every);
    if (policy->age_ns) printf(", when they are older than %g days", (double)policy->age_ns / day_ns);
    putchar('\n');
    return 0;
}

static int run(const struct options *options, struct pcct_error *err)
{
    int status = 0;
    struct pcct_policy policy = PCCT_POLICY_INIT;
    pcct_store *store = NULL;
    double days = 0;
    int sets = options->value[OPT_KEEP_LAST] || options->value[OPT_KEEP_EVERY] || options->value[OPT_OLDER_THAN];
    if (sets && options->value[OPT_CLEAR]) TRY(fault(err, PCCT_E_INVALID, "--clear takes the rules away; give rules or that"));
    TRY(options_u64(&policy.keep_last, options, OPT_KEEP_LAST, 0, 1, INT64_MAX, err));
    TRY(options_u64(&policy.keep_every, options, OPT_KEEP_EVERY, 0, 1, INT64_MAX, err));
    if (options->value[OPT_OLDER_THAN]) {
        TRY(options_double(&days, options, OPT_OLDER_THAN, err));
        if (!(days > 0 && days < 36500)) TRY(fault(err, PCCT_E_INVALID, "--older-than takes more than 0 and less than 36500 days"));
        policy.age_ns = (int64_t)(days * day_ns);
    }
    policy.no_wait = options->value[OPT_NO_WAIT] != NULL;
    TRY(reading_open(&store, options, err));
    if (sets || options->value[OPT_CLEAR]) TRY(pcct_policy_set(store, &policy, err));
    else TRY(pcct_policy_get(&policy, store, err));
    TRY(report(options, &policy, err));
done:
    pcct_store_close(store);
    return status;
}

const struct verb verb_policy = {
    .name = "policy",
    .operands = "STORE [RULE...]",
    .summary = "show, set or clear the rules by which a store is pruned from time to time",
    .detail = "A version goes when every rule that is given lets it, as with prune. The rules are kept with the store; those who\n"
              "commit to it prune it by them, so that it stays within one and a half times what the rules keep.\n"
              "Versions that branches and tags stand at always stay.\n",
    .rows = rows,
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
