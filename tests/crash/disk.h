/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include "oplog.h"

/*
 * What a disk holds while calls of a log are made, and what it can hold after the power failed. Calls are pending until the file or folder that they
 * are about is synced. A failure leaves any subset of what is pending: of each write any of its 512-byte sectors, each change of a size or not, each
 * change of a folder or not (a rename being one change). Of two pending writes to one sector the later one that is taken stays. A file can have
 * become longer without its data: it has zeros there. That is more than any file system does, so what bears all this bears every one of them.
 */
enum { DISK_SECTOR = 512, DISK_NAME = 80, DISK_NODES = 512 };

struct disk_entry {
    char name[DISK_NAME];
    int node;
};

struct disk_folder {
    struct disk_entry *entry;
    size_t n, capacity;
};

struct disk_file {
    uint8_t *bytes; /* zeros from `size` up to `capacity` */
    uint64_t size, capacity;
};

struct disk_node {
    uint64_t inode;
    int is_folder;
    char name[DISK_NAME];      /* by which it was made */
    struct disk_folder now;    /* as programs see it */
    struct disk_folder folder; /* on the disk */
    struct disk_file file;     /* on the disk */
    uint64_t hash;             /* of file; meaningful when hashed */
    int hashed;
    /* in the image that was made last */
    int changed;
    struct disk_folder image_folder;
    struct disk_file image_file;
    uint64_t image_hash;
};

/* A pending call: of a file, or up to two names of a folder. */
struct disk_change {
    const struct op *op;
    int node;
    int names;
    struct disk_entry set[2]; /* node -1: the name is gone */
};

struct disk {
    struct disk_node node[DISK_NODES];
    int nodes;
    struct disk_change *pending;
    size_t n_pending, capacity;
};

void disk_init(struct disk *disk);
void disk_free(struct disk *disk);
/* The call is made: pending, or what it brings to the disk is there. */
void disk_apply(struct disk *disk, const struct op *op);
/* The same for a write that is synchronous, while it is under way: it is pending. The next disk_apply() of the same op takes it from there. */
void disk_begin(struct disk *disk, const struct op *op);

/* Which of the pending changes are taken. */
enum disk_pattern {
    DISK_NONE, DISK_ALL,
    DISK_TORN,     /* all before one, parts of it, none after it */
    DISK_SECTORS,  /* each sector by itself */
    DISK_WHOLE,    /* each call by itself */
    DISK_ALL_BUT,  /* all but one */
    DISK_ONLY,     /* only one */
    DISK_PATTERNS
};
/* Makes an image, held in the nodes; returns its hash. Files named *-lock hold nothing that counts, and are not part of the hash. */
uint64_t disk_image(struct disk *disk, enum disk_pattern pattern, struct random_numbers *r);
/* Brings the folder `path`, whatever it holds, into the state of the image. */
void disk_write(const struct disk *disk, const char *path, struct random_numbers *r);

#endif
