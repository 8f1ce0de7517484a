/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keeper.h"

#include <pcct/prune.h>

int pcct_policy_set(pcct_store *store, const struct pcct_policy *policy, struct pcct_error *err)
{
    struct store_policy rules = { 0 };
    struct pcct_policy p;
    int status = 0, locked = 0;

    TRY(api_options_read(&p, sizeof p, policy, "the policy of pcct_policy_set", err));
    if (p.age_ns < 0 || p.reserved != 0) TRY(base_fail(err, PCCT_E_INVALID, "the age of a policy is 0 or more, and what is reserved 0"));
    rules.keep_last = p.keep_last;
    rules.keep_every = p.keep_every;
    rules.age_ns = p.age_ns;
    TRY(api_keeper_lock(store, !p.no_wait, err));
    locked = 1;
    TRY(store_policy_set(store->store, &rules, err));
done:
    if (locked) store_unlock(store->store);
    return status;
}

int pcct_policy_get(struct pcct_policy *policy, pcct_store *store, struct pcct_error *err)
{
    struct pcct_policy ours = PCCT_POLICY_INIT;
    struct store_policy rules;
    int status = 0;

    TRY(store_policy(&rules, store->store, err));
    ours.keep_last = rules.keep_last;
    ours.keep_every = rules.keep_every;
    ours.age_ns = rules.age_ns;
    if (api_result_write(policy, &ours, sizeof ours) != 0) TRY(base_fail(err, PCCT_E_INVALID, "pcct_policy_get: set its size to sizeof first"));
done:
    return status;
}
