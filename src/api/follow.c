/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

/* The word is read before the head is looked up: a commit between the two changes it, and the waiting ends at once. */
int pcct_follow(uint64_t *version, pcct_store *store, const char *branch, uint64_t after, int timeout_ms, struct pcct_error *err)
{
    enum { MILLISECOND = 1000000 };
    struct store_pins *pins = store_pins(store->store);
    uint64_t now = base_os_ticks_ns(&store->os), limit = timeout_ms < 0 ? UINT64_MAX : now + (uint64_t)timeout_ms * MILLISECOND;
    int status = 0;

    if (!version) return base_fail(err, PCCT_E_INVALID, "pcct_follow needs a place for the version");
    *version = after;
    for (;;) {
        uint32_t word = 0;

        TRY(store_check_process(store->store, err));
        word = store_pins_word(pins);
        TRY(store_head(version, store->store, branch ? branch : "main", err));
        now = base_os_ticks_ns(&store->os);
        if (*version != after || now >= limit) break;
        store_pins_wait(pins, &store->env, word, limit - now);
        TRY(store_check_current(store->store, err));
    }
done:
    return status;
}

struct telling {
    int (*each)(void *ctx, const struct pcct_reader *reader);
    void *ctx;
};

static int tell(void *ctx, uint32_t pid, uint64_t version, int64_t since_ns)
{
    struct telling *telling = ctx;
    struct pcct_reader reader = { version, since_ns, pid, 0 };

    return telling->each(telling->ctx, &reader);
}

int pcct_readers(pcct_store *store, int (*each)(void *ctx, const struct pcct_reader *reader), void *ctx, struct pcct_error *err)
{
    struct telling telling = { each, ctx };
    int status = 0;

    if (!each) return base_fail(err, PCCT_E_INVALID, "pcct_readers needs a function to call");
    TRY(store_check_process(store->store, err));
    (void)store_pins_each(store_pins(store->store), tell, &telling);
done:
    return status;
}
