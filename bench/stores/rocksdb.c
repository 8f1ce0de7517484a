/* SPDX-License-Identifier: Apache-2.0 */
/* A peer: RocksDB, synchronous writes; one key for each point of a delta. See peer.h. */
#include "peer.h"

#include <endian.h>
#include <rocksdb/c.h>
#include <string.h>

struct base {
    const struct peer_task *task;
    rocksdb_t *handle;
    rocksdb_writeoptions_t *options;
    char *error;
};

static int put(struct base *b, uint64_t version, uint64_t label, size_t rows, size_t bytes)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();

    for (size_t i = 0; i < rows; i++) {
        uint64_t key[2] = { htobe64(version), htobe64(label + i) };

        rocksdb_writebatch_put(batch, (const char *)key, sizeof key, (const char *)b->task->rows + i * bytes, bytes);
    }
    rocksdb_write(b->handle, b->options, batch, &b->error);
    rocksdb_writebatch_destroy(batch);
    return b->error != NULL;
}

static int add(void *ctx, uint64_t version, uint64_t label, size_t rows)
{
    struct base *b = ctx;

    return put(b, version, label, rows, b->task->row_bytes);
}

static int take(void *ctx, uint64_t version, uint64_t label, size_t rows)
{
    return put(ctx, version, label, rows, 0);
}

int main(int argc, char **argv)
{
    rocksdb_options_t *options = rocksdb_options_create();
    struct peer_task task;
    struct base b = { &task, NULL, rocksdb_writeoptions_create(), NULL };
    char path[4200];
    int failed;

    if (!peer_read(&task, argc, argv)) return 2;
    snprintf(path, sizeof path, "%s/rocksdb", task.folder);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_writeoptions_set_sync(b.options, 1);
    b.handle = rocksdb_open(options, path, &b.error);
    failed = b.error != NULL || peer_run(&task, add, take, &b);
    if (b.error) fprintf(stderr, "rocksdb: %s\n", b.error);
    rocksdb_free(b.error);
    if (b.handle) rocksdb_close(b.handle);
    rocksdb_writeoptions_destroy(b.options);
    rocksdb_options_destroy(options);
    free(task.rows);
    return failed;
}
