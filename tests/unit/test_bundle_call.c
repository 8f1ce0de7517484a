/* SPDX-License-Identifier: Apache-2.0 */
#include "support_api.h"

#include <pcct/exchange.h>

#include <stdio.h>
#include <string.h>

static char path[4200];

static void start(struct support_api *s)
{
    static const double points[6] = { 0, 1, 2, 3, 5, 8 };
    struct pcct_error err = { 0, "" };

    support_api_start(s, "manhattan");
    snprintf(path, sizeof path, "%s/a.bundle", s->folder);
    for (uint64_t v = 1; v <= 3; v++) (void)support_api_commit(s, points, NULL, 3, NULL, 0);
    support_ok(pcct_branch_create(s->store, "side", "v2", NULL, &err), &err);
    support_ok(pcct_branch_create(s->store, "old", "v1", NULL, &err), &err);
}

/* What goes with a range, and what is told of it. */
static void refs_of_a_range(void **state)
{
    static const struct {
        const char *from, *to;
        uint64_t versions, refs;
    } range[] = { { NULL, NULL, 3, 3 }, { NULL, "side", 2, 2 }, { "side", "main", 1, 2 }, { "side", NULL, 1, 3 }, { "main", "side", 0, 1 },
                  { "main", NULL, 0, 3 }, { "v0", "v0", 0, 0 } };
    struct pcct_bundle_options options = PCCT_BUNDLE_OPTIONS_INIT;
    struct pcct_bundle_info info = { .size = sizeof info }, again = { .size = sizeof again };
    struct pcct_store_info about = { .size = sizeof about };
    struct pcct_error err = { 0, "" };
    struct support_api s;

    (void)state;
    start(&s);
    support_ok(pcct_store_describe(&about, s.store, &err), &err);
    for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
        options.from = range[i].from;
        options.to = range[i].to;
        support_ok(pcct_bundle(&info, s.store, path, &options, &err), &err);
        assert_int_equal(info.versions, range[i].versions);
        assert_int_equal(info.refs, range[i].refs);
        support_ok(pcct_bundle_describe(&again, path, &err), &err);
        assert_memory_equal(&info, &again, sizeof info);
    }
    assert_true(info.dim == 2 && info.seed == 3 && info.custom == 0 && strcmp(info.metric, "manhattan") == 0);
    assert_memory_equal(info.uuid, about.uuid, sizeof info.uuid);
    info.size = 3;
    assert_int_equal(pcct_bundle_describe(&info, path, &err), PCCT_E_INVALID);
    options.from = "v9";
    assert_int_equal(pcct_bundle(NULL, s.store, path, &options, &err), PCCT_E_NOT_FOUND);
    options.size = 1;
    assert_int_equal(pcct_bundle(NULL, s.store, path, &options, &err), PCCT_E_INVALID);
    support_api_finish(&s);
}

static void no_memory(void **state)
{
    struct pcct_error err = { 0, "" };
    struct support_api s;
    uint64_t fails = 0;
    int status;

    (void)state;
    start(&s);
    do {
        support_env_fail(&s.env, fails + 1);
        status = pcct_bundle(NULL, s.store, path, NULL, &err);
        support_env_fail(&s.env, 0);
        assert_true(status == 0 || status == PCCT_E_MEMORY);
        assert_int_equal(remove(path) == 0, status == 0);
        fails++;
    } while (status != 0);
    assert_true(fails > 8);
    support_api_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(refs_of_a_range), cmocka_unit_test(no_memory) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
