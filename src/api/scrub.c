/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scrub.h"

#include "api/handle.h"
#include "index/image.h"

#include <pcct/check.h>

/* An anchor of a version, as the keeper writes one. */
static int renew(int *renewed, pcct_store *store, uint64_t version, struct pcct_error *err)
{
    struct base_vector head = { .item_bytes = 1 };
    struct index_image image = { 0 };
    struct index_state state;
    struct pcct_error cause = { 0, "" };
    uint64_t bytes = 0;
    int status = api_state_open(&state, NULL, NULL, store, &store->env, version, &cause), opened = status == 0;

    *renewed = 0;
    if (status == 0) status = index_image_of(&image, &head, &state, &cause);
    if (status == 0) status = store_anchor_write(&bytes, store->store, version, &image, head.memory.data, head.count, 1, &cause);
    *renewed = status == 0;
    base_vector_free(&head, &store->env);
    if (opened) index_free(&state);
    return status == PCCT_E_MEMORY ? base_fail(err, status, "%s", cause.message) : 0; /* else another is made when the rule asks for it */
}

int pcct_scrub(struct pcct_scrub_result *out, pcct_store *store, const struct pcct_scrub_options *options, struct pcct_error *err)
{
    struct pcct_scrub_options o;
    struct pcct_scrub_result result = { 0 };
    struct store_scrub scrub = { 0 };
    int status = 0, renewed = 0;

    TRY(api_options_read(&o, sizeof o, options, "the options of pcct_scrub", err));
    scrub.report = o.report;
    scrub.progress = o.progress;
    scrub.ctx = o.ctx;
    scrub.rate = o.rate;
    TRY(store_scrub(&scrub, store->store, err));
    for (size_t i = 0; i < scrub.dropped.count; i++) {
        TRY(renew(&renewed, store, ((const uint64_t *)scrub.dropped.memory.data)[i], err));
        result.renewed += (uint64_t)renewed;
    }
    result.frames = scrub.frames;
    result.anchors = scrub.anchors;
    result.bytes = scrub.bytes;
    result.dropped = scrub.dropped.count;
    result.damaged = scrub.damaged;
    if (api_result_write(out, &result, sizeof result) != 0) TRY(base_fail(err, PCCT_E_INVALID, "pcct_scrub: set the result's size to sizeof first"));
done:
    base_vector_free(&scrub.dropped, &store->env);
    return status;
}
