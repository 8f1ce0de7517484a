/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include "story.h"

#include <sys/stat.h>

enum { POINTS = 30, DIM = STORY_DIM };

/* Two versions of which the bundle has the first, so that no branch goes with it. */
void guest_make(const char *folder, uint64_t step)
{
    struct pcct_bundle_options first = PCCT_BUNDLE_OPTIONS_INIT;
    struct random_numbers r = { step };
    struct pcct_error err = { 0, "" };
    double points[POINTS * DIM];
    pcct_store *store = NULL;
    char path[800];

    snprintf(path, sizeof path, "%s/bundles", folder);
    NEED(mkdir(path, 0700) == 0 || errno == EEXIST, "%s: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%s/bundles/store%" PRIu64, folder, step);
    NEED(story_create(path, &err) == 0 && pcct_store_open(&store, path, NULL, &err) == 0, "%s", err.message);
    for (int v = 1; v <= 2; v++) {
        pcct_batch *batch = NULL;

        for (int i = 0; i < POINTS * DIM; i++) points[i] = (double)random_below(&r, 4096) / 64;
        NEED(pcct_batch_begin(&batch, store, "main", NULL, &err) == 0 && pcct_batch_insert(batch, points, POINTS, NULL, &err) == 0
                 && pcct_batch_commit(NULL, batch, "from elsewhere", &err) == 0, "%s", err.message);
        pcct_batch_close(batch);
    }
    first.to = "v1";
    snprintf(path, sizeof path, "%s/bundles/%" PRIu64, folder, step);
    NEED(pcct_bundle(NULL, store, path, &first, &err) == 0, "%s", err.message);
    pcct_store_close(store);
}

int guest_apply(pcct_store *store, const char *path, uint64_t step, struct pcct_error *err)
{
    char bundle[800];

    snprintf(bundle, sizeof bundle, "%s/../../bundles/%" PRIu64, path, step);
    return pcct_apply(NULL, store, bundle, NULL, err);
}
