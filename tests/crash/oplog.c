/* SPDX-License-Identifier: Apache-2.0 */
#include "oplog.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void map(struct oplog *log, const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat about;

    NEED(fd >= 0 && fstat(fd, &about) == 0 && about.st_size > 0, "%s: %s", path, strerror(errno));
    log->bytes = (size_t)about.st_size;
    log->file = mmap(NULL, log->bytes, PROT_READ, MAP_SHARED, fd, 0);
    NEED(log->file != MAP_FAILED, "%s: %s", path, strerror(errno));
    close(fd);
}

static void name_copy(char out[OP_NAME], const uint8_t *name, size_t bytes)
{
    NEED(bytes < OP_NAME, "a name of %zu bytes", bytes);
    memcpy(out, name, bytes);
    out[bytes] = '\0';
}

void oplog_read(struct oplog *log, const char *path)
{
    size_t at = 0;

    memset(log, 0, sizeof *log);
    map(log, path);
    while (at < log->bytes) {
        struct op *op;

        log->op = grown(log->op, &log->capacity, log->n + 1, sizeof *log->op);
        op = &log->op[log->n++];
        memset(op, 0, sizeof *op);
        NEED(log->bytes - at >= sizeof op->head, "the log is cut off");
        memcpy(&op->head, log->file + at, sizeof op->head);
        at += sizeof op->head;
        NEED(log->bytes - at >= (size_t)op->head.name_bytes + op->head.data_bytes, "the log is cut off");
        name_copy(op->name, log->file + at, op->head.name_bytes);
        op->data = log->file + at + op->head.name_bytes;
        if (op->head.kind == OP_RENAME || op->head.kind == OP_EXCHANGE || op->head.kind == OP_LINK) name_copy(op->to, op->data, op->head.data_bytes);
        at += op->head.name_bytes + op->head.data_bytes;
    }
}

void oplog_free(struct oplog *log)
{
    free(log->op);
    munmap(log->file, log->bytes);
    memset(log, 0, sizeof *log);
}
