/* SPDX-License-Identifier: Apache-2.0 */
/* Revisions: any text either names a version that is there, or is refused in words. */
#include "fuzz.h"

#include <pcct/pcct.h>

enum { VERSIONS = 5 };

static pcct_store *open_one(void)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    pcct_store *store = NULL;
    char path[300];

    options.dim = 1;
    snprintf(path, sizeof path, "%s/store", fuzz_folder());
    MUST(pcct_store_create(path, &options, NULL) == 0 && pcct_store_open(&store, path, NULL, NULL) == 0);
    for (int v = 1; v <= VERSIONS; v++) {
        pcct_batch *batch = NULL;
        uint64_t made = 0;
        double point = v;
        char epoch[8];

        snprintf(epoch, sizeof epoch, "%d", v / 2);
        MUST(pcct_batch_begin(&batch, store, "main", NULL, NULL) == 0 && pcct_batch_insert(batch, &point, 1, NULL, NULL) == 0);
        MUST(pcct_batch_set(batch, "epoch", epoch, NULL) == 0 && pcct_batch_commit(&made, batch, "one more", NULL) == 0);
        pcct_batch_close(batch);
    }
    return store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static pcct_store *store;
    struct pcct_error err = { 0, "" };
    uint64_t version = UINT64_MAX;
    char *text = malloc(bytes + 1);
    int status;

    MUST(text);
    if (!store) store = open_one();
    if (bytes > 0) memcpy(text, data, bytes);
    text[bytes] = '\0';
    status = pcct_resolve(&version, store, text, &err);
    if (status == 0) MUST(version <= VERSIONS);
    else MUST(err.code == status && strlen(err.message) > 8 && !strchr(err.message, '\n'));
    free(text);
    return 0;
}
