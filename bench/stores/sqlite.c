/* SPDX-License-Identifier: Apache-2.0 */
/* A peer: SQLite, write-ahead log, synchronous=FULL; one row for each point of a delta. See peer.h. */
#include "peer.h"

#include <sqlite3.h>

struct base {
    const struct peer_task *task;
    sqlite3 *handle;
    sqlite3_stmt *add, *take;
};

static int run(const struct base *b, const char *sql)
{
    return sqlite3_exec(b->handle, sql, NULL, NULL, NULL) != SQLITE_OK;
}

static int put(const struct base *b, sqlite3_stmt *statement, uint64_t version, uint64_t label, size_t rows)
{
    int failed = run(b, "begin immediate");

    for (size_t i = 0; i < rows && !failed; i++) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)version);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)(label + i));
        if (statement == b->add) {
            sqlite3_bind_blob(statement, 3, b->task->rows + i * b->task->row_bytes, (int)b->task->row_bytes, SQLITE_STATIC);
        }
        failed = sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK;
    }
    return failed || run(b, "commit");
}

static int add(void *ctx, uint64_t version, uint64_t label, size_t rows)
{
    const struct base *b = ctx;

    return put(b, b->add, version, label, rows);
}

static int take(void *ctx, uint64_t version, uint64_t label, size_t rows)
{
    const struct base *b = ctx;

    return put(b, b->take, version, label, rows);
}

int main(int argc, char **argv)
{
    struct peer_task task;
    struct base b = { &task, NULL, NULL, NULL };
    char path[4200];
    int failed;

    if (!peer_read(&task, argc, argv)) return 2;
    snprintf(path, sizeof path, "%s/sqlite", task.folder);
    failed = sqlite3_open(path, &b.handle) != SQLITE_OK || run(&b, "pragma journal_mode=wal; pragma synchronous=full") ||
             run(&b, "create table added(version integer, label integer, row blob, primary key(version, label)) without rowid;"
                     "create table gone(version integer, label integer, primary key(version, label)) without rowid") ||
             sqlite3_prepare_v2(b.handle, "insert into added values(?, ?, ?)", -1, &b.add, NULL) != SQLITE_OK ||
             sqlite3_prepare_v2(b.handle, "insert into gone values(?, ?)", -1, &b.take, NULL) != SQLITE_OK || peer_run(&task, add, take, &b);
    if (failed) fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(b.handle));
    sqlite3_finalize(b.add);
    sqlite3_finalize(b.take);
    sqlite3_close(b.handle);
    free(task.rows);
    return failed;
}
