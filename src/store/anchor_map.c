/* SPDX-License-Identifier: Apache-2.0 */
#include "store/anchor.h"
#include "store/bytes.h"
#include "store/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>

enum { PAGE_BYTES = 4096, SETTLED_NS = 20000000 };

static int cannot_map(const struct store_folder *folder, uint64_t version, struct pcct_error *err)
{
    return base_fail_errno(err, errno, "cannot map %s/data/A%016" PRIx64, folder->path, version);
}

static int map_run(uint8_t *memory, const struct store_folder *folder, int fd, uint64_t offset, uint64_t bytes, uint64_t version,
                   struct pcct_error *err)
{
    if (bytes == 0) return 0;
    if (base_os_mmap(folder->env->os, memory, store_round_up(bytes, PAGE_BYTES), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd,
                     offset) != MAP_FAILED) {
        return 0;
    }
    return cannot_map(folder, version, err);
}

/*
 * One array: a reservation of memory with slack behind the array, addresses alone until they are written to, and the parts of the files mapped over
 * its beginning, one behind the other. Big arrays begin at a multiple of 2 MiB in the file and, by reserving that much more and giving back the ends,
 * in memory.
 */
static int map_array(struct index_image_array *array, const struct store_folder *folder, int fd, const struct store_pieces *pieces,
                     const struct store_anchor *anchor, const struct store_extent *extent, struct pcct_error *err)
{
    const struct base_env *env = folder->env;
    const struct store_run *run = &anchor->run[extent->first_run];
    int status = 0;
    uint64_t slack = extent->bytes > STORE_UNIT_BYTES ? extent->bytes : STORE_UNIT_BYTES;
    uint64_t bytes = store_round_up(extent->bytes + slack, PAGE_BYTES), more = extent->bytes >= STORE_BIG_BYTES ? STORE_BIG_BYTES : 0, skip;
    uint8_t *memory = base_os_mmap(env->os, NULL, bytes + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) return cannot_map(folder, anchor->version, err);
    if (more > 0) {
        skip = (STORE_BIG_BYTES - (uintptr_t)memory % STORE_BIG_BYTES) % STORE_BIG_BYTES;
        if (skip > 0) base_os_munmap(env->os, memory, skip);
        memory += skip;
        if (more > skip) base_os_munmap(env->os, memory + bytes, more - skip);
    }
    array->data = memory;
    array->capacity = array->mapped = bytes;
    if (extent->runs == 0) return map_run(memory, folder, fd, extent->offset, extent->bytes, anchor->version, err);
    for (uint32_t i = 0; i < extent->runs; i++, run++) {
        TRY(map_run(memory, folder, pieces->fd[run->piece], run->offset, run->bytes, anchor->version, err));
        memory += run->bytes;
    }
done:
    return status;
}

/* What the image's head says there must be, and what the file says there is. */
static int compare(const struct index_image *image, const struct store_anchor *anchor, const struct store_folder *folder, struct pcct_error *err)
{
    int same = image->arrays == anchor->extents;

    for (size_t i = 0; same && i < image->arrays; i++) {
        same = image->array[i].id == anchor->extent[i].id && image->array[i].item_bytes == anchor->extent[i].item_bytes &&
               image->array[i].items == anchor->extent[i].items;
    }
    if (same) return 0;
    return base_fail(err, PCCT_E_DAMAGED, "%s/data/A%016" PRIx64 " is damaged: its arrays are not those that its numbers tell", folder->path,
                     anchor->version);
}

/* Part of a key: a file as it is now. *settled 0: it was written to just now, and some systems' times of change move by some milliseconds at once. */
static int add_file(uint64_t *key, int *settled, const struct store_folder *folder, int fd, uint64_t hash, struct pcct_error *err)
{
    uint64_t part[9] = {*key, hash};
    struct stat about;

    if (base_os_fstat(folder->env->os, fd, &about) != 0) return base_fail_errno(err, errno, "cannot look at the files of %s/data", folder->path);
    part[2] = (uint64_t)about.st_dev;
    part[3] = (uint64_t)about.st_ino;
    part[4] = (uint64_t)about.st_size;
    part[5] = (uint64_t)about.st_mtim.tv_sec;
    part[6] = (uint64_t)about.st_mtim.tv_nsec;
    part[7] = (uint64_t)about.st_ctim.tv_sec;
    part[8] = (uint64_t)about.st_ctim.tv_nsec;
    if (base_os_time_ns(folder->env->os) - (about.st_ctim.tv_sec * INT64_C(1000000000) + about.st_ctim.tv_nsec) < SETTLED_NS) *settled = 0;
    *key = base_hash64(part, sizeof(part));
    return 0;
}

/* What is proved stands for these files as they are now: an anchor's head tells of all that is in it and in its pieces, and a file that is written to
 * has another time of change. 0: that cannot be told by it. */
static int key_of(uint64_t *key, const struct store_folder *folder, int fd, const struct store_pieces *pieces, const struct store_anchor *anchor,
                  struct pcct_error *err)
{
    int status = 0, settled = 1;

    *key = 0;
    TRY(add_file(key, &settled, folder, fd, anchor->hash, err));
    for (uint32_t i = 0; i < pieces->n; i++) TRY(add_file(key, &settled, folder, pieces->fd[i], anchor->piece[i].hash, err));
    if (!settled) *key = 0;
done:
    return status;
}

static int is_proved(struct store *store, uint64_t key)
{
    int known;

    if (key == 0) return 0;
    pthread_mutex_lock(&store->mutex);
    known = store_version_known(&store->proved, key);
    pthread_mutex_unlock(&store->mutex);
    return known || store_pins_knows(&store->pins, key);
}

void store_anchor_proved(struct store *store, const struct store_proof *proof)
{
    uint64_t *item = NULL;

    if (!proof->needed || proof->key == 0) return;
    pthread_mutex_lock(&store->mutex);
    /* without memory it is proved again: slower, not wrong */
    if (base_vector_add(&item, &store->proved, store->folder.env, 1, NULL) == 0) *item = proof->key;
    pthread_mutex_unlock(&store->mutex);
    store_pins_note(&store->pins, proof->key);
}

int store_anchor_map(struct index_image *image, struct base_vector *head, struct store_proof *proof, struct store *store, uint64_t version,
                     const struct metric *metric, struct pcct_error *err)
{
    const struct store_folder *folder = &store->folder;
    struct store_txn txn = {0};
    struct store_anchor anchor;
    struct store_record record;
    struct base_vector table = {.item_bytes = sizeof(uint64_t)};
    struct store_pieces pieces = {.n = 0};
    char name[STORE_FILE_NAME_BYTES];
    uint64_t file_bytes = 0;
    int status = 0, fd = -1, listed = 0, planned = 0;

    memset(image, 0, sizeof(*image));
    *proof = (struct store_proof){1, 0};
    TRY(store_check_process(store, err));
    TRY(store_txn_begin(&txn, store->catalogue, folder, 0, err));
    TRY(store_anchor_listed(&listed, &txn, version, err));
    if (listed) TRY(store_record_get(&record, NULL, &txn, version, err));
    store_txn_abort(&txn);
    if (!listed) {
        status = base_fail(err, PCCT_E_NOT_FOUND, "there is no anchor of v%" PRIu64 " in %s", version, folder->path);
        goto done;
    }
    store_anchor_name(name, version);
    status = store_file_open(&fd, &file_bytes, folder, folder->data, "data/", name, O_RDONLY, err);
    if (status == PCCT_E_NOT_FOUND) status = base_fail(err, PCCT_E_DAMAGED, "%s/data/%s is missing", folder->path, name);
    if (status != 0) goto done;
    TRY(store_anchor_read(&anchor, head, &table, folder, fd, file_bytes, version, err));
    if (memcmp(&anchor.identity, &record.version.identity, sizeof(anchor.identity)) != 0) {
        status = base_fail(err, PCCT_E_DAMAGED, "%s/data/%s is of another v%" PRIu64, folder->path, name, version);
        goto done;
    }
    TRY(index_image_plan(image, head->memory.data, head->count, metric, err));
    planned = 1;
    TRY(compare(image, &anchor, folder, err));
    TRY(store_pieces_open(&pieces, folder, &anchor, err));
    TRY(key_of(&proof->key, folder, fd, &pieces, &anchor, err));
    proof->needed = !is_proved(store, proof->key);
    if (proof->needed) TRY(store_anchor_verify(folder, fd, &pieces, &anchor, &table, 0, anchor.table_units, err));
    for (size_t i = 0; i < image->arrays; i++) TRY(map_array(&image->array[i], folder, fd, &pieces, &anchor, &anchor.extent[i], err));
done:
    store_txn_abort(&txn);
    if (status != 0 && planned) store_image_unmap(image, folder->env);
    store_pieces_close(&pieces);
    base_vector_free(&table, folder->env);
    if (fd >= 0) base_os_close(folder->env->os, fd);
    return status;
}

void store_image_unmap(struct index_image *image, const struct base_env *env)
{
    for (size_t i = 0; i < image->arrays; i++) {
        struct index_image_array *array = &image->array[i];

        if (array->data) base_os_munmap(env->os, array->data, array->mapped);
        array->data = NULL;
        array->capacity = array->mapped = 0;
    }
}

void store_anchor_reject(struct store *store, uint64_t version)
{
    uint64_t *item = NULL;

    pthread_mutex_lock(&store->mutex);
    /* without memory it is found damaged again: slower, not wrong */
    if (!store_version_known(&store->rejected, version) && base_vector_add(&item, &store->rejected, store->folder.env, 1, NULL) == 0) *item = version;
    pthread_mutex_unlock(&store->mutex);
}

int store_anchors_forgive(struct store *store)
{
    int any;

    pthread_mutex_lock(&store->mutex);
    any = store->rejected.count > 0;
    store->rejected.count = 0;
    pthread_mutex_unlock(&store->mutex);
    return any;
}
