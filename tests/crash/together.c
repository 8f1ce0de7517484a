/* SPDX-License-Identifier: Apache-2.0 */
#include "together.h"

#include "common.h"

#include "api/handle.h"

#include <pthread.h>
#include <unistd.h>

enum { MOST = 4 };

struct one {
    pcct_batch *batch;
    pthread_t thread;
    int status;
    struct pcct_error err;
};

static void *commit(void *ctx)
{
    struct one *one = ctx;
    uint64_t version = 0;

    one->status = pcct_batch_commit(&version, one->batch, "together", &one->err);
    return NULL;
}

/* Nobody gets the store before all stand in line. */
int together(pcct_store *store, pcct_batch *const *batch, size_t n, struct pcct_error *err)
{
    struct one one[MOST];
    int status = store_lock(store->store, 1, err);

    if (status != 0) return status;
    NEED(n <= MOST, "more than that are not asked for");
    for (size_t i = 0; i < n; i++) {
        one[i] = (struct one){ .batch = batch[i] };
        NEED(pthread_create(&one[i].thread, NULL, commit, &one[i]) == 0, "no thread to be had");
        while (api_line_length(&store->line) < i + 1) usleep(50);
    }
    store_unlock(store->store);
    for (size_t i = 0; i < n; i++) {
        pthread_join(one[i].thread, NULL);
        if (status == 0 && one[i].status != 0) {
            status = one[i].status;
            *err = one[i].err;
        }
    }
    return status;
}
