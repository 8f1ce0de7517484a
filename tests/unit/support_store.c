/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include "store/bytes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void support_store_start(struct support_store *s, struct support_env *support)
{
    struct store_super super = {.dim = 3, .metric = 1, .dtype = 1, .seed = 42};
    struct pcct_error err;

    s->support = support;
    s->folder = support_folder_new();
    snprintf(s->path, sizeof(s->path), "%s/s.pcct", s->folder);
    support_ok(store_create(s->path, &super, &support->env, &err), &err);
}

void support_store_finish(struct support_store *s)
{
    support_folder_free(s->folder);
    s->folder = NULL;
}

void support_live_open(struct support_live *scene, enum store_durability durability)
{
    struct store_options options = {0, durability};
    struct pcct_error err = {0, ""};

    support_ok(store_open_as(&scene->store, scene->s.path, &options, &scene->support.env, &err), &err);
}

void support_live_start(struct support_live *scene, enum store_durability durability)
{
    support_env_start(&scene->support, 1);
    support_store_start(&scene->s, &scene->support);
    support_live_open(scene, durability);
}

void support_live_finish(struct support_live *scene)
{
    store_close(scene->store);
    support_store_finish(&scene->s);
    support_env_finish(&scene->support);
}

void support_payload(uint8_t *payload, size_t bytes, uint64_t version)
{
    struct base_random random;

    base_random_seed(&random, version);
    for (size_t i = 0; i < bytes; i++) payload[i] = (uint8_t)base_random_next(&random);
}

void support_record(struct store_version *record, uint64_t parent, uint64_t version)
{
    struct base_random random;

    memset(record, 0, sizeof(*record));
    base_random_seed(&random, version * 977);
    record->parent = record->state_parent = record->kept = parent;
    record->n_rows = version * 10;
    record->n_live = version * 9;
    record->inserted = 10;
    record->deleted = 1;
    for (int i = 0; i < 16; i++) record->identity.byte[i] = (uint8_t)base_random_next(&random);
    for (int i = 0; i < 16; i++) record->content.byte[i] = (uint8_t)base_random_next(&random);
    store_put64(record->write_id, 0, version);
    record->write_id[15] = 1;
}

void support_commit(struct store *store, uint64_t n, size_t bytes)
{
    support_commit_to(store, "main", n, bytes);
}

void support_commit_to(struct store *store, const char *branch, uint64_t n, size_t bytes)
{
    uint8_t *payload = malloc(bytes + 1);
    struct store_txn txn = {0};
    struct store_state state;
    struct pcct_error err;
    uint64_t head = 0;

    support_ok(store_lock(store, 1, &err), &err);
    support_ok(store_head(&head, store, branch, &err), &err);
    support_ok(store_txn_begin(&txn, store->catalogue, &store->folder, 0, &err), &err);
    support_ok(store_state_get(&state, &txn, &err), &err);
    store_txn_abort(&txn);
    for (uint64_t next = state.next_version; next < state.next_version + n; next++) {
        struct store_version record;
        char note[64];

        support_payload(payload, bytes, next);
        support_record(&record, head, next);
        snprintf(note, sizeof(note), "note of %d", (int)next);
        support_ok(store_commit(&record, store, branch, note, strlen(note), payload, bytes, &err), &err);
        assert_int_equal(record.version, next);
        head = next;
    }
    store_unlock(store);
    free(payload);
}

int support_check(struct store *store, uint64_t version, size_t bytes, struct pcct_error *err)
{
    const struct base_env *env = store->folder.env;
    struct base_vector note = {.item_bytes = 1}, payload = {.item_bytes = 1};
    struct store_version record, expected;
    uint8_t *right = malloc(bytes + 1);
    char text[64];
    int status = 0;

    TRY(store_version(&record, &note, store, version, err));
    TRY(store_frame(&payload, store, &record, err));
    support_record(&expected, record.parent, version);
    assert_int_equal(record.version, version);
    assert_int_equal(record.n_rows, expected.n_rows);
    assert_int_equal(record.n_live, expected.n_live);
    assert_memory_equal(record.identity.byte, expected.identity.byte, 16);
    assert_memory_equal(record.content.byte, expected.content.byte, 16);
    assert_memory_equal(record.write_id, expected.write_id, 16);
    snprintf(text, sizeof(text), "note of %d", (int)version);
    assert_int_equal(note.count, strlen(text));
    assert_memory_equal(note.memory.data, text, note.count);
    support_payload(right, bytes, version);
    assert_int_equal(payload.count, bytes);
    assert_memory_equal(payload.memory.data, right, bytes);
done:
    free(right);
    base_vector_free(&note, env);
    base_vector_free(&payload, env);
    return status;
}

uint8_t *support_file_read(size_t *bytes, const struct support_store *s, const char *name)
{
    char path[400];
    struct stat about;
    uint8_t *data;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", s->path, name);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &about) == 0);
    *bytes = (size_t)about.st_size;
    data = malloc(*bytes + 1);
    assert_int_equal(read(fd, data, *bytes), *bytes);
    close(fd);
    return data;
}

void support_file_write(const struct support_store *s, const char *name, const void *data, size_t bytes)
{
    char path[400];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", s->path, name);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    assert_int_equal(write(fd, data, bytes), bytes);
    close(fd);
}

static void keep_first(void *ctx, int damaged, const char *text)
{
    char *first = ctx;

    if (damaged && first && !*first) snprintf(first, 256, "%s", text);
}

int support_fsck(struct store_fsck *fsck, const struct support_store *s, int rebuild, char *first)
{
    struct pcct_error err = {0, ""};
    int status;

    if (first) *first = '\0';
    memset(fsck, 0, sizeof(*fsck));
    fsck->report = keep_first;
    fsck->ctx = first;
    fsck->rebuild = rebuild;
    status = store_fsck(fsck, s->path, &s->support->env, &err);
    if (status != 0) assert_true(strlen(err.message) > 0);
    return status;
}

void support_image(struct index_image *image, struct base_vector *head, const struct base_env *env, uint64_t version, int big)
{
    const uint64_t items[3] = {1000 + version, 0, big ? 300000 + version : 20000};
    const uint32_t item_bytes[3] = {4, 8, 24};
    struct pcct_error err;
    uint8_t *bytes = NULL;

    memset(image, 0, sizeof(*image));
    *head = (struct base_vector){.item_bytes = 1};
    image->arrays = 3;
    support_ok(base_vector_add(&bytes, head, env, 3 * 16, &err), &err);
    for (uint32_t i = 0; i < 3; i++) {
        struct index_image_array *array = &image->array[i];
        size_t n = items[i] * item_bytes[i];

        *array = (struct index_image_array){.id = i + 1, .name = "array", .item_bytes = item_bytes[i], .items = items[i], .capacity = n};
        support_ok(base_take(&array->data, env, n, 1, &err), &err);
        support_payload(array->data, n, version * 3 + i);
        store_put32(bytes, i * 16, array->id);
        store_put32(bytes, i * 16 + 4, array->item_bytes);
        store_put64(bytes, i * 16 + 8, array->items);
    }
}

void support_image_free(struct index_image *image, struct base_vector *head, const struct base_env *env)
{
    for (size_t i = 0; i < image->arrays; i++) base_free(env, image->array[i].data);
    base_vector_free(head, env);
}

uint64_t support_anchor(struct store *store, uint64_t version)
{
    const struct base_env *env = store->folder.env;
    struct index_image image;
    struct base_vector head;
    struct pcct_error err;
    uint64_t written = 0;

    support_image(&image, &head, env, version, 0);
    support_ok(store_anchor_write(&written, store, version, &image, head.memory.data, head.count, 0, &err), &err);
    support_image_free(&image, &head, env);
    return written;
}
