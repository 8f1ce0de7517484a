/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_OPLOG_H
#define CRASH_OPLOG_H

#include "common.h"

/*
 * What a process did to files, in the order in which it did it: written by recorder.c, read by the suite. A record is a struct op_head, then
 * `name_bytes` bytes (no zero at the end), then `data_bytes`. A node is a file or a folder, by its inode.
 */
enum op_kind {
    OP_ROOT = 1,  /* node: the folder that is there before anything happens */
    OP_MAKE,      /* in folder node: name, of the new node other; flags OP_FOLDER */
    OP_WRITE,     /* to node at byte `at`: data; flags OP_SYNCHRONOUS: on the disk when the call returned */
    OP_SIZE,      /* node now has `at` bytes */
    OP_ROOM,      /* node now has at least `at` bytes */
    OP_HOLE,      /* the `other` bytes of node from `at` on are zeros now, as far as it goes */
    OP_SYNC,      /* of node, a file or a folder */
    OP_RENAME,    /* in folder node: name, to folder other: the name in data */
    OP_EXCHANGE,  /* the same two names, each other's nodes */
    OP_LINK,      /* the node of `name` in folder node gets also the name in data in folder other */
    OP_REMOVE,    /* in folder node: name */
    OP_MARK       /* of the writer: step `at` has begun, or flags OP_DONE: is acknowledged, with its outcome as data */
};
enum { OP_FOLDER = 1, OP_SYNCHRONOUS = 2, OP_DONE = 4 };

struct op_head {
    uint32_t kind, flags;
    uint64_t node, other, at;
    uint32_t name_bytes, data_bytes;
};

enum { OP_NAME = 80 };

struct op {
    struct op_head head;
    char name[OP_NAME]; /* "" if none */
    char to[OP_NAME];   /* the name in data, of those that have one */
    const uint8_t *data;
};

struct oplog {
    struct op *op;
    size_t n, capacity;
    uint8_t *file; /* mapped and shared, so that a fork does not have to copy it */
    size_t bytes;
};

void oplog_read(struct oplog *log, const char *path);
void oplog_free(struct oplog *log);

#endif
