/* SPDX-License-Identifier: Apache-2.0 */
#include "patches.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 4096 };

void patches_read(struct patches_file *file, const char *path)
{
    struct stat about;
    int fd = open(path, O_RDONLY);

    memset(file, 0, sizeof *file);
    snprintf(file->path, sizeof file->path, "%s", path);
    MUST(fd >= 0 && fstat(fd, &about) == 0);
    file->bytes = (size_t)about.st_size;
    file->sound = malloc(file->bytes);
    file->now = malloc(file->bytes);
    MUST(file->sound && file->now && read(fd, file->sound, file->bytes) == about.st_size);
    memcpy(file->now, file->sound, file->bytes);
    close(fd);
}

void patches_add(struct patches_file *file, uint64_t at, uint64_t bytes)
{
    if (bytes == 0) return;
    MUST(file->parts < PATCHES_PARTS && at + bytes <= file->bytes);
    file->part[file->parts++] = (struct patches_part){ at, bytes };
    file->total += bytes;
}

static uint64_t place_of(const struct patches_file *file, uint64_t where)
{
    size_t i = 0;

    for (where %= file->total; where >= file->part[i].bytes; i++) where -= file->part[i].bytes;
    return file->part[i].at + where;
}

void patches_apply(struct patches_file *file, const uint8_t *data, size_t bytes)
{
    while (bytes >= 5) {
        size_t n = 1 + data[0] % 16;
        uint64_t where = (uint64_t)data[1] << 16 | (uint64_t)data[2] << 8 | data[3], at = place_of(file, where);

        data += 4;
        bytes -= 4;
        if (n > bytes) n = bytes;
        for (size_t i = 0; i < n && at + i < file->bytes; i++) file->now[at + i] = data[i];
        data += n;
        bytes -= n;
    }
}

static void write_where(const struct patches_file *file, const uint8_t *from)
{
    int fd = open(file->path, O_WRONLY);

    MUST(fd >= 0);
    for (size_t at = 0, n; at < file->bytes; at += n) {
        n = file->bytes - at < PIECE ? file->bytes - at : PIECE;
        if (memcmp(file->sound + at, file->now + at, n) != 0) MUST(pwrite(fd, from + at, n, (off_t)at) == (ssize_t)n);
    }
    close(fd);
}

void patches_write(const struct patches_file *file)
{
    write_where(file, file->now);
}

void patches_restore(struct patches_file *file)
{
    write_where(file, file->sound);
    memcpy(file->now, file->sound, file->bytes);
}
