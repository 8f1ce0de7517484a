/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small bundle with a few bytes changed is applied to an empty store: that ends well or is refused in words, and whatever version is there then is
 * one of those that the bundle was made from. Flag bit 0: checksums are made right again, so that what lies behind them is reached.
 */
#include "patches.h"

#include "base/hash.h"
#include "store/bytes.h"

#include <pcct/pcct.h>

#include <ftw.h>
#include <sys/stat.h>

enum { VERSIONS = 4, DIM = 2, POINTS = 60, HEAD = 256, ENTRY = 64, REF = 128 };

static struct {
    char source[300], target[300], file[300];
    struct patches_file bytes;
    uint8_t identity[VERSIONS][16];
    pcct_store *store;  /* the target */
} scene;

static void commit(pcct_store *store, const char *branch, int v)
{
    double point[POINTS * DIM];
    const int64_t gone[3] = { 2, 7, 11 };
    pcct_batch *batch = NULL;
    uint64_t made = 0;

    for (size_t i = 0; i < POINTS * DIM; i++) point[i] = (double)((i * 7919 + (size_t)v * 104729) % 1009) / 16;
    MUST(pcct_batch_begin(&batch, store, branch, NULL, NULL) == 0);
    if (v == 3) MUST(pcct_batch_restore(batch, "v1", NULL) == 0);
    else MUST(pcct_batch_insert(batch, point, POINTS / (size_t)(v + 1), NULL, NULL) == 0);
    if (v == 1) MUST(pcct_batch_delete(batch, gone, 3, NULL) == 0);
    MUST(pcct_batch_set(batch, "epoch", "1", NULL) == 0 && pcct_batch_commit(&made, batch, "some points", NULL) == 0);
    pcct_batch_close(batch);
}

static pcct_store *make_store(const char *path)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open_options = PCCT_OPEN_OPTIONS_INIT;
    pcct_store *store = NULL;

    options.dim = DIM;
    open_options.threads = 1;
    open_options.durability = PCCT_DURABLE_NONE;
    MUST(pcct_store_create(path, &options, NULL) == 0 && pcct_store_open(&store, path, &open_options, NULL) == 0);
    return store;
}

/* Heads, notes and the numbers in payloads; of the points only some. */
static void learn(void)
{
    const uint8_t *sound = scene.bytes.sound;
    uint64_t at = HEAD;

    patches_add(&scene.bytes, 0, HEAD);
    for (uint64_t v = 0; v < VERSIONS; v++) {
        const uint64_t note = store_get64(sound, at + ENTRY + 208), payload = store_get64(sound, at + ENTRY + 216);
        const uint64_t payload_at = at + ENTRY + HEAD + store_round_up(note, 64);

        patches_add(&scene.bytes, at, ENTRY + HEAD + note);
        patches_add(&scene.bytes, payload_at, payload);
        at = payload_at + store_round_up(payload, 64);
    }
    patches_add(&scene.bytes, at, scene.bytes.bytes - at);
}

static void mend(uint8_t *now)
{
    const uint8_t *sound = scene.bytes.sound;
    uint64_t at = HEAD;

    for (uint64_t v = 0; v < VERSIONS; v++) {
        uint8_t *head = now + at + ENTRY;
        const uint64_t note = store_get64(sound, at + ENTRY + 208), payload = store_get64(sound, at + ENTRY + 216);
        uint8_t *payload_at = head + HEAD + store_round_up(note, 64);

        store_put64(now, at + 56, base_hash64(now + at, 56));
        store_put64(head, 232, base_hash64(head + HEAD, note));
        store_put64(head, 240, base_hash64(payload_at, payload));
        store_put64(head, 248, base_hash64(head, 248));
        at = (uint64_t)(payload_at - now) + store_round_up(payload, 64);
    }
    for (; at + REF <= scene.bytes.bytes; at += REF) store_put64(now, at + 120, base_hash64(now + at, 120));
    store_put64(now, 152, base_hash64(now + HEAD, scene.bytes.bytes - HEAD));
    store_put64(now, 248, base_hash64(now, 248));
}

static void begin(void)
{
    struct pcct_version version;
    pcct_store *store;
    pcct_log *log = NULL;

    snprintf(scene.source, sizeof scene.source, "%s/source", fuzz_folder());
    snprintf(scene.target, sizeof scene.target, "%s/target", fuzz_folder());
    snprintf(scene.file, sizeof scene.file, "%s/bundle", fuzz_folder());
    store = make_store(scene.source);
    for (int v = 0; v < VERSIONS; v++) commit(store, "main", v);
    MUST(pcct_tag_create(store, "first", "v1", NULL, NULL) == 0 && pcct_bundle(NULL, store, scene.file, NULL, NULL) == 0);
    MUST(pcct_log_open_all(&log, store, NULL) == 0);
    while (pcct_log_next(&version, log, NULL) == 1) memcpy(scene.identity[version.version - 1], version.identity, 16);
    pcct_log_close(log);
    pcct_store_close(store);
    patches_read(&scene.bytes, scene.file);
    learn();
}

static int remove_one(const char *path, const struct stat *what, int flag, struct FTW *where)
{
    (void)what;
    (void)flag;
    (void)where;
    return remove(path);
}

/* Only what was in the source; and it can be opened. */
static void look_at_target(void)
{
    struct pcct_version version;
    pcct_log *log = NULL;
    pcct_view *view = NULL;

    MUST(pcct_log_open_all(&log, scene.store, NULL) == 0);
    while (pcct_log_next(&version, log, NULL) == 1) {
        int known = 0;
        char revision[24];

        for (int i = 0; i < VERSIONS; i++) known |= memcmp(scene.identity[i], version.identity, 16) == 0;
        MUST(known);
        snprintf(revision, sizeof revision, "v%" PRIu64, version.version);
        MUST(pcct_view_open(&view, scene.store, revision, NULL) == 0);
        pcct_view_close(view);
    }
    pcct_log_close(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct pcct_apply_result result = { .size = sizeof result };
    struct pcct_bundle_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    int status;

    if (!scene.bytes.sound) begin();
    if (bytes < 1) return 0;
    if (!scene.store) scene.store = make_store(scene.target);
    patches_apply(&scene.bytes, data + 1, bytes - 1);
    if (data[0] & 1) mend(scene.bytes.now);
    patches_write(&scene.bytes);
    (void)pcct_bundle_describe(&info, scene.file, NULL);
    status = pcct_apply(&result, scene.store, scene.file, NULL, &err);
    if (status != 0) MUST(err.code == status && strlen(err.message) > 8 && !strchr(err.message, '\n'));
    if (result.applied + result.refs > 0) {
        look_at_target();
        pcct_store_close(scene.store);
        scene.store = NULL;
        MUST(nftw(scene.target, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
    }
    patches_restore(&scene.bytes);
    return 0;
}
