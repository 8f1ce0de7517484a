/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file of a small store with a few bytes changed; FUZZ_FILE says which. Opening and reading the store must end well or be refused in words. Flag
 * bit 0: checksums are made right again, so that what lies behind them is reached: the numbers may be any then, but nothing worse may happen. Without
 * it no version may be read as another than it was.
 */
#include "patches.h"

#include "base/hash.h"
#include "store/anchor.h"
#include "store/bytes.h"
#include "store/record.h"
#include "store/segment.h"

#include <pcct/pcct.h>

enum { SUPER_FILE, JOURNAL_FILE, CATALOGUE_FILE, ANCHOR_FILE };
enum { VERSIONS = 3, DIM = 2, PAGE = 4096, FRAMES_MOST = 8, SUPER_COPY = 4096, HASH_BYTES = 8, LONG = 4000, KEYS = 100, NOTE_MOST = 256 };

struct frame {
    uint64_t at, note, payload;
};

static struct {
    char path[300];
    struct patches_file file;
    uint8_t identity[VERSIONS + 1][16];
    uint64_t live[VERSIONS + 1];
    struct frame frame[FRAMES_MOST];
    size_t frames;
    struct store_anchor anchor;
} scene;

/* ---- a sound store ------------------------------------------------------------------------------------------------------------------------ */

static void commit(pcct_store *store, int v)
{
    static double point[700 * DIM];
    static char value[LONG + 1];
    char key[16];
    pcct_batch *batch = NULL;
    uint64_t made = 0;
    size_t n = v == 1 ? 700 : 30;
    int64_t gone[12];

    for (size_t i = 0; i < n * DIM; i++) point[i] = (double)((i * 7919 + (size_t)v * 104729) % 1009) / 16;
    for (size_t i = 0; i < 12; i++) gone[i] = (int64_t)(i * 17 + (size_t)v);
    MUST(pcct_batch_begin(&batch, store, "main", NULL, NULL) == 0 && pcct_batch_insert(batch, point, n, NULL, NULL) == 0);
    if (v > 1) MUST(pcct_batch_delete(batch, gone, 12, NULL) == 0);
    memset(value, 'x', LONG);
    for (int i = 0; v == 1 && i < KEYS; i++) { /* enough for an anchor to be due */
        snprintf(key, sizeof key, "key%d", i);
        MUST(pcct_batch_set(batch, key, value, NULL) == 0);
    }
    MUST(pcct_batch_set(batch, "epoch", "1", NULL) == 0 && pcct_batch_commit(&made, batch, "some points", NULL) == 0);
    pcct_batch_close(batch);
}

static void make_store(void)
{
    struct pcct_create_options options = PCCT_CREATE_OPTIONS_INIT;
    struct pcct_open_options open_options = PCCT_OPEN_OPTIONS_INIT;
    pcct_store *store = NULL;

    options.dim = DIM;
    open_options.threads = 1;
    snprintf(scene.path, sizeof scene.path, "%s/store", fuzz_folder());
    MUST(pcct_store_create(scene.path, &options, NULL) == 0 && pcct_store_open(&store, scene.path, &open_options, NULL) == 0);
    for (int v = 1; v <= VERSIONS; v++) {
        struct pcct_view_info info = { .size = sizeof info };
        char revision[8];
        pcct_view *view = NULL;

        commit(store, v);
        snprintf(revision, sizeof revision, "v%d", v);
        MUST(pcct_view_open(&view, store, revision, NULL) == 0 && pcct_view_describe(&info, view) == 0);
        memcpy(scene.identity[v], info.identity, 16);
        scene.live[v] = info.n_live;
        pcct_view_close(view);
    }
    pcct_store_close(store);
}

/* ---- which of its bytes mean something, and their checksums ------------------------------------------------------------------------------- */

static void learn_super(void)
{
    patches_add(&scene.file, 0, 128);
    patches_add(&scene.file, SUPER_COPY - HASH_BYTES, HASH_BYTES + 128);
    patches_add(&scene.file, 2 * SUPER_COPY - HASH_BYTES, HASH_BYTES);
}

static void mend_super(uint8_t *now)
{
    for (uint8_t *copy = now; copy < now + 2 * SUPER_COPY; copy += SUPER_COPY) {
        store_put64(copy, SUPER_COPY - HASH_BYTES, base_hash64(copy, SUPER_COPY - HASH_BYTES));
    }
}

static void learn_journal(void)
{
    struct store_record record;
    uint64_t at = STORE_SEGMENT_HEAD_BYTES;

    while (scene.frames < FRAMES_MOST && !store_head_decode(&record, scene.file.sound + at)) {
        scene.frame[scene.frames++] = (struct frame){ at, record.note_bytes, record.payload_bytes };
        at += record.version.bytes;
    }
    MUST(scene.frames == VERSIONS);
    patches_add(&scene.file, 0, STORE_SEGMENT_HEAD_BYTES);
    for (size_t i = 0; i < scene.frames; i++) {
        uint64_t payload = scene.frame[i].at + store_frame_payload_offset(scene.frame[i].note);

        patches_add(&scene.file, scene.frame[i].at, STORE_HEAD_BYTES + (scene.frame[i].note < NOTE_MOST ? scene.frame[i].note : NOTE_MOST));
        /* of the first frame only the ends, which are not all coordinates */
        if (scene.frame[i].payload > 4096) {
            patches_add(&scene.file, payload, 400);
            patches_add(&scene.file, payload + scene.frame[i].payload - 1600, 1600);
        } else patches_add(&scene.file, payload, scene.frame[i].payload);
    }
}

static void mend_journal(uint8_t *now)
{
    uint64_t link = store_get64(now, STORE_SEGMENT_HEAD_BYTES - 208); /* of the segment's head: that of its first frame */

    store_put64(now, STORE_SEGMENT_HEAD_BYTES - HASH_BYTES, base_hash64(now, STORE_SEGMENT_HEAD_BYTES - HASH_BYTES));
    for (size_t i = 0; i < scene.frames; i++) {
        const struct frame *frame = &scene.frame[i];
        uint8_t *head = now + frame->at;

        store_put64(head, 224, link);
        store_put64(head, 232, base_hash64(head + STORE_HEAD_BYTES, frame->note));
        store_put64(head, 240, base_hash64(head + store_frame_payload_offset(frame->note), frame->payload));
        store_put64(head, 248, base_hash64(head, 248));
        link = store_get64(head, 248);
    }
}

static void learn_catalogue(void)
{
    static const uint8_t nothing[PAGE];

    for (size_t at = 0; at + PAGE <= scene.file.bytes; at += PAGE) {
        if (memcmp(scene.file.sound + at, nothing, PAGE) != 0) patches_add(&scene.file, at, PAGE);
    }
}

static void learn_anchor(void)
{
    const struct store_anchor *a = &scene.anchor;

    MUST(!store_anchor_decode(&scene.anchor, scene.file.sound, scene.file.sound + 16, store_get64(scene.file.sound, 32), scene.file.bytes));
    patches_add(&scene.file, 0, 128 + 48 * a->extents);
    patches_add(&scene.file, 1664, 16 + 256 + 3 * 24); /* pieces and runs */
    patches_add(&scene.file, STORE_ANCHOR_HEAD_BYTES, a->head_bytes);
    patches_add(&scene.file, a->table_offset, 8 * a->table_units);
    for (uint32_t i = 0; i < a->extents; i++) patches_add(&scene.file, a->extent[i].offset, a->extent[i].bytes < 2048 ? a->extent[i].bytes : 2048);
}

static void mend_anchor(uint8_t *now)
{
    const struct store_anchor *a = &scene.anchor;

    for (uint32_t i = 0; i < a->extents; i++) {
        const struct store_extent *e = &a->extent[i];

        for (uint64_t at = 0, unit = e->first_unit; at < e->bytes; at += STORE_UNIT_BYTES, unit++) {
            uint64_t n = e->bytes - at < STORE_UNIT_BYTES ? e->bytes - at : STORE_UNIT_BYTES;

            store_put64(now, a->table_offset + 8 * unit, base_hash64(now + e->offset + at, n));
        }
    }
    store_put64(now, 56, base_hash64(now + STORE_ANCHOR_HEAD_BYTES, a->head_bytes));
    store_put64(now, 80, base_hash64(now + a->table_offset, 8 * a->table_units));
    store_put64(now, STORE_ANCHOR_HEAD_BYTES - HASH_BYTES, base_hash64(now, STORE_ANCHOR_HEAD_BYTES - HASH_BYTES));
}

static const struct {
    const char *name;
    void (*learn)(void);
    void (*mend)(uint8_t *now);
} kind[] = {
    { "SUPER", learn_super, mend_super }, { "journal/J00000001", learn_journal, mend_journal }, { "catalogue.mdb", learn_catalogue, NULL },
    { "data/A0000000000000001", learn_anchor, mend_anchor },
};

/* ---- reading it --------------------------------------------------------------------------------------------------------------------------- */

static void in_words(const struct pcct_error *err, int status)
{
    MUST(err->code == status && strlen(err->message) > 8 && !strchr(err->message, '\n'));
}

static void read_log(pcct_store *store)
{
    struct pcct_error err = { 0, "" };
    struct pcct_version version;
    pcct_log *log = NULL;
    uint64_t n = 0;
    int status = pcct_log_open(&log, store, "main", &err);

    while (status == 0 && (status = pcct_log_next(&version, log, &err)) == 1) {
        MUST(strlen(version.message) < 1 << 20 && n++ < 1000);
        status = 0;
        for (size_t i = 0; i < version.n_keys; i++) MUST(strlen(version.keys[i].key) + strlen(version.keys[i].value) < 1 << 20);
    }
    if (status < 0) in_words(&err, status);
    pcct_log_close(log);
}

static void read_version(pcct_store *store, int v, int mended)
{
    struct pcct_verify_options options = PCCT_VERIFY_OPTIONS_INIT;
    struct pcct_verify_result result = { .size = sizeof result };
    struct pcct_view_info info = { .size = sizeof info };
    struct pcct_error err = { 0, "" };
    pcct_view *view = NULL;
    char revision[8];
    int status;

    snprintf(revision, sizeof revision, "v%d", v);
    status = pcct_view_open(&view, store, revision, &err);
    if (status != 0) {
        in_words(&err, status);
        return;
    }
    MUST(pcct_view_describe(&info, view) == 0);
    options.sample = 8;
    options.threads = 1;
    status = pcct_verify(&result, view, &options, &err);
    if (status != 0) in_words(&err, status);
    if (!mended) {
        MUST(status == 0 && result.differences == 0 && result.violations == 0);
        MUST(info.n_live == scene.live[v] && memcmp(info.identity, scene.identity[v], 16) == 0);
    }
    pcct_view_close(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct pcct_open_options options = PCCT_OPEN_OPTIONS_INIT;
    struct pcct_error err = { 0, "" };
    pcct_store *store = NULL;
    char path[400];
    int status, mended;

    if (!scene.file.sound) {
        make_store();
        snprintf(path, sizeof path, "%s/%s", scene.path, kind[FUZZ_FILE].name);
        patches_read(&scene.file, path);
        kind[FUZZ_FILE].learn();
    }
    if (bytes < 1) return 0;
    patches_apply(&scene.file, data + 1, bytes - 1);
    mended = data[0] & 1 && kind[FUZZ_FILE].mend;
    if (mended) kind[FUZZ_FILE].mend(scene.file.now);
    patches_write(&scene.file);
    options.threads = 1;
    status = pcct_store_open(&store, scene.path, &options, &err);
    if (status != 0) in_words(&err, status);
    else {
        read_log(store);
        for (int v = VERSIONS; v >= 1; v--) read_version(store, v, mended);
    }
    pcct_store_close(store);
    patches_restore(&scene.file);
    return 0;
}
