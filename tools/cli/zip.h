/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ZIP_H
#define CLI_ZIP_H

#include <pcct/error.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The part of the ZIP format that .npz files need: members stored or deflated, archives below 4 GiB. */
enum { ZIP_STORED = 0, ZIP_DEFLATED = 8, ZIP_NAME_BYTES = 256, ZIP_MEMBERS = 64 };

struct zip_member {
    char name[ZIP_NAME_BYTES];
    uint64_t offset; /* of its data in the file */
    uint64_t packed_bytes, bytes;
    uint32_t crc;
    uint16_t method;
};

struct zip_list {
    struct zip_member member[ZIP_MEMBERS];
    size_t count;
};

/* Reads the directory of an archive. path is for messages. */
int zip_list_read(struct zip_list *list, FILE *file, const char *path, struct pcct_error *err);

/* Writing: members one after another, then the directory. The caller checks the stream for errors. A zeroed writer with `out` set is empty. */
struct zip_writer {
    FILE *out;
    uint64_t at;
    struct zip_list written;
};
/* A stored member made of two pieces, a header and the data; together all members must stay below ZIP_LIMIT. */
#define ZIP_LIMIT ((uint64_t)0xfff00000)
void zip_write(struct zip_writer *writer, const char *name, const void *header, size_t header_bytes, const void *data, size_t bytes);
void zip_write_end(struct zip_writer *writer);

#endif
