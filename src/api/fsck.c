/* SPDX-License-Identifier: Apache-2.0 */
#include "api/registration.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A fsck of the files (store/) and then of what they mean: the newest sound version is opened and T1 to T6 are proved for it. */
struct checking {
    const struct pcct_fsck_options *options;
    uint64_t newest;      /* sound version */
    uint64_t damaged;
    const char *catalogue; /* what was told of one of no use */
};

static void report(void *ctx, int damaged, const char *text)
{
    struct checking *checking = ctx;

    if (damaged) checking->damaged++;
    if (checking->options->report) checking->options->report(checking->options->report_ctx, damaged, text);
}

static int progress(void *ctx, double done)
{
    const struct checking *checking = ctx;

    return checking->options->progress ? checking->options->progress(checking->options->progress_ctx, done) : 0;
}

static void sound(void *ctx, uint64_t version)
{
    struct checking *checking = ctx;

    if (version > checking->newest) checking->newest = version;
}

/* What is wrong with the store is a finding; that it could not be looked at is an error. */
static int check_meaning(struct checking *checking, const char *path, struct pcct_error *err)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error fault = { 0 };
    pcct_store *store = NULL;
    pcct_view *view = NULL;
    char revision[32], line[PCCT_MESSAGE_BYTES + 64];
    struct metric_calls calls;
    struct index_state reader;
    int status = 0;

    options.threads = checking->options->threads;
    options.custom = checking->options->custom;
    snprintf(revision, sizeof revision, "v%" PRIu64, checking->newest);
    TRY(pcct_store_open(&store, path, &options, &fault));
    TRY(pcct_view_open(&view, store, revision, &fault));
    api_reader(&reader, &calls, &view->state);
    TRY(index_check(&reader, &fault));
    if (!metric_has_keys(&store->metric)) {
        snprintf(line, sizeof line, "version %s: distances were not checked: they are those of the custom metric \"%s\", which is not registered",
                 revision, metric_called(&store->metric));
        report(checking, 0, line);
    }
done:
    switch (status) {
    case 0: break;
    case PCCT_E_PERMISSION:
    case PCCT_E_IO:
    case PCCT_E_NOSPACE:
    case PCCT_E_MEMORY:
    case PCCT_E_CANCELLED:
    case PCCT_E_BUSY:
    case PCCT_E_INVALID:
    case PCCT_E_LIMIT: base_fail(err, status, "%s", fault.message); break;
    default:
        if (store) {
            snprintf(line, sizeof line, "version %s: %s", revision, fault.message);
            report(checking, 1, line);
        } else if (strcmp(fault.message, checking->catalogue) != 0) {
            report(checking, 1, fault.message); /* of no version: none can be opened */
        }
        status = 0;
    }
    pcct_view_close(view);
    pcct_store_close(store);
    return status;
}

int pcct_fsck(struct pcct_fsck_result *out, const char *path, const struct pcct_fsck_options *options, struct pcct_error *err)
{
    struct pcct_fsck_options o;
    struct checking checking = { .options = &o };
    struct store_fsck fsck = { .report = report, .progress = progress, .sound = sound, .ctx = &checking };
    struct pcct_fsck_result result = { 0 };
    struct base_os os;
    struct base_env env;
    int status = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_fsck", err));
    if (!path) TRY(base_fail(err, PCCT_E_INVALID, "a store needs a path"));
    if (o.threads < 0) TRY(base_fail(err, PCCT_E_INVALID, "threads must be 0 (all) or more, not %d", o.threads));
    base_os_init(&os);
    base_env_init(&env, &os, o.threads);
    fsck.rebuild = o.rebuild;
    fsck.fast = o.fast;
    TRY(store_fsck(&fsck, path, &env, err));
    checking.catalogue = fsck.catalogue;
    if (checking.newest > 0 && !o.fast) TRY(check_meaning(&checking, path, err));
    result.versions = fsck.versions;
    result.frames = fsck.frames;
    result.anchors = fsck.anchors;
    result.bytes = fsck.bytes;
    result.damaged = checking.damaged;
    result.versions_readable = fsck.versions_readable;
    if (api_result_write(out, &result, sizeof result) != 0) TRY(base_fail(err, PCCT_E_INVALID, "pcct_fsck: set the result's size to sizeof first"));
done:
    return status;
}
