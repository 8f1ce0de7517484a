/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"
#include "fault.h"
#include "interrupt.h"
#include "zip.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BUFFER_BYTES = 1 << 18, PACKED_BYTES = 1 << 16, PEEK_MOST = 4096 };

struct source {
    const char *name;
    int fd;      /* a plain or gzip stream; -1: none */
    FILE *file;  /* or an archive, of which one member is read */
    struct zip_member member;
    z_stream inflater;
    int inflating, stream_ended; /* stream_ended: at the end of a gzip member, which another may follow */
    uint64_t packed_left;        /* of the member */
    uint64_t taken, given;       /* bytes read from the file; bytes handed out, of the member */
    uint32_t crc;
    unsigned char packed[PACKED_BYTES];
    double size; /* of what is read; 0: unknown */
    int ended;
    size_t begin, end; /* unread bytes in data */
    unsigned char data[BUFFER_BYTES];
};

const char *source_name(const struct source *source)
{
    return source->name;
}

/* Whatever is there by now: a pipe is not waited for to fill the room. */
static int read_fd(size_t *got, struct source *source, unsigned char *out, size_t room, struct pcct_error *err)
{
    ssize_t bytes = 0;
    *got = 0;
    do {
        int status = interrupt_check(err);
        if (status != 0) return status;
        bytes = read(source->fd, out, room);
    } while (bytes < 0 && errno == EINTR);
    if (bytes < 0) return fault_errno(err, errno, "%s", source->name);
    *got = (size_t)bytes;
    source->taken += *got;
    return 0;
}

/* The first bytes tell gzip from anything else. */
static int find_kind(struct source *source, struct pcct_error *err)
{
    int status = 0;
    size_t n = 0, got = 1;
    while (n < 2 && got > 0) {
        TRY(read_fd(&got, source, source->packed + n, sizeof source->packed - n, err));
        n += got;
    }
    if (n >= 2 && source->packed[0] == 0x1f && source->packed[1] == 0x8b) {
        if (inflateInit2(&source->inflater, MAX_WBITS + 16) != Z_OK) TRY(fault(err, PCCT_E_MEMORY, "no memory to unpack %s", source->name));
        source->inflating = 1;
        source->inflater.next_in = source->packed;
        source->inflater.avail_in = (unsigned)n;
    } else {
        memcpy(source->data, source->packed, n);
        source->end = n;
        source->ended = n == 0;
    }
done:
    return status;
}

int source_open(struct source **source, const char *path, struct pcct_error *err)
{
    int status = 0;
    struct stat about;
    struct source *fresh = calloc(1, sizeof *fresh);
    *source = NULL;
    if (!fresh) return fault(err, PCCT_E_MEMORY, "no memory to read %s", path);
    int piped = strcmp(path, "-") == 0;
    fresh->name = piped ? "standard input" : path;
    fresh->fd = piped ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fresh->fd < 0) TRY(fault_errno(err, errno, "%s", fresh->name));
    if (fstat(fresh->fd, &about) != 0) TRY(fault_errno(err, errno, "%s", fresh->name));
    if (S_ISDIR(about.st_mode)) TRY(fault(err, PCCT_E_INVALID, "%s: a folder, not a file", fresh->name));
    if (S_ISREG(about.st_mode)) fresh->size = (double)about.st_size;
    TRY(find_kind(fresh, err));
done:
    if (status != 0) source_close(fresh);
    else *source = fresh;
    return status;
}

/* "points.npy" is called points. */
static int is_called(const struct zip_member *member, const char *name)
{
    size_t length = strlen(name);
    return strncmp(member->name, name, length) == 0 && (member->name[length] == '\0' || strcmp(member->name + length, ".npy") == 0);
}

static int choose_member(struct zip_member *member, const struct zip_list *list, const char *path, const char *array, const char *usual,
                         struct pcct_error *err)
{
    const char *wanted = array ? array : usual;
    for (size_t i = 0; i < list->count; i++) {
        if (is_called(&list->member[i], wanted)) {
            *member = list->member[i];
            return 0;
        }
    }
    if (!array && list->count == 1) {
        *member = list->member[0];
        return 0;
    }
    if (!array) for (size_t i = 0; i < list->count; i++) {
        if (is_called(&list->member[i], "arr_0")) {
            *member = list->member[i];
            return 0;
        }
    }
    (void)fault(err, PCCT_E_INVALID, "%s: no array \"%s\"; it has:", path, wanted);
    for (size_t i = 0; i < list->count; i++) {
        size_t length = strlen(list->member[i].name);
        if (length > 4 && strcmp(list->member[i].name + length - 4, ".npy") == 0) length -= 4;
        fault_suffix(err, "%s %.*s", i ? "," : "", (int)length, list->member[i].name);
    }
    if (!array) fault_suffix(err, "; choose one with --array");
    return err->code;
}

int source_open_array(struct source **source, const char *path, const char *array, const char *usual, struct pcct_error *err)
{
    int status = 0;
    struct zip_list *list = calloc(1, sizeof *list);
    struct source *fresh = calloc(1, sizeof *fresh);
    *source = NULL;
    if (!fresh || !list) TRY(fault(err, PCCT_E_MEMORY, "no memory to read %s", path));
    fresh->name = path;
    fresh->fd = -1;
    fresh->file = fopen(path, "rbe");
    if (!fresh->file) TRY(fault_errno(err, errno, "%s", path));
    TRY(zip_list_read(list, fresh->file, path, err));
    TRY(choose_member(&fresh->member, list, path, array, usual, err));
    if (fseeko(fresh->file, (off_t)fresh->member.offset, SEEK_SET) != 0) TRY(fault_errno(err, errno, "%s", path));
    fresh->packed_left = fresh->member.packed_bytes;
    fresh->size = (double)fresh->member.packed_bytes;
    if (fresh->member.method == ZIP_DEFLATED) {
        if (inflateInit2(&fresh->inflater, -MAX_WBITS) != Z_OK) TRY(fault(err, PCCT_E_MEMORY, "no memory to unpack %s", path));
        fresh->inflating = 1;
    }
done:
    free(list);
    if (status != 0) source_close(fresh);
    else *source = fresh;
    return status;
}

void source_close(struct source *source)
{
    if (!source) return;
    if (source->fd >= 0) (void)close(source->fd);
    if (source->inflating) (void)inflateEnd(&source->inflater);
    if (source->file) (void)fclose(source->file);
    free(source);
}

static int read_packed(size_t *got, struct source *source, unsigned char *out, size_t room, struct pcct_error *err)
{
    if (!source->file) return read_fd(got, source, out, room, err);
    size_t bytes = room < source->packed_left ? room : (size_t)source->packed_left;
    *got = fread(out, 1, bytes, source->file);
    source->packed_left -= *got;
    source->taken += *got;
    if (*got == bytes) return 0;
    if (ferror(source->file)) return fault_errno(err, errno, "%s", source->name);
    return fault(err, PCCT_E_INVALID, "%s: the archive is cut short", source->name);
}

static int damaged_stream(const struct source *source, int cut, struct pcct_error *err)
{
    if (source->file) return fault(err, PCCT_E_INVALID, "%s: array %s does not unpack", source->name, source->member.name);
    return fault(err, PCCT_E_INVALID, cut ? "%s: the gzip data is cut short" : "%s: damaged gzip data", source->name);
}

/* Unpacks until there is something, or the packed bytes end. */
static int read_inflated(size_t *got, struct source *source, unsigned char *out, size_t room, struct pcct_error *err)
{
    int status = 0;
    z_stream *z = &source->inflater;
    z->next_out = out;
    z->avail_out = (unsigned)room;
    while (z->avail_out == room) {
        if (z->avail_in == 0) {
            size_t more = 0;
            TRY(read_packed(&more, source, source->packed, sizeof source->packed, err));
            if (more == 0) {
                if (!source->stream_ended) TRY(damaged_stream(source, 1, err));
                break;
            }
            z->next_in = source->packed;
            z->avail_in = (unsigned)more;
        }
        if (source->stream_ended) { /* another gzip member follows */
            if (source->file || inflateReset(z) != Z_OK) TRY(damaged_stream(source, 0, err));
            source->stream_ended = 0;
        }
        int step = inflate(z, Z_NO_FLUSH);
        if (step == Z_MEM_ERROR) TRY(fault(err, PCCT_E_MEMORY, "no memory to unpack %s", source->name));
        if (step != Z_OK && step != Z_STREAM_END && step != Z_BUF_ERROR) TRY(damaged_stream(source, 0, err));
        source->stream_ended = step == Z_STREAM_END;
    }
    *got = room - z->avail_out;
done:
    return status;
}

static int check_member(const struct source *source, struct pcct_error *err)
{
    if (source->crc == source->member.crc && source->given == source->member.bytes) return 0;
    return fault(err, PCCT_E_INVALID, "%s: array %s is damaged (its checksum differs)", source->name, source->member.name);
}

/* Adds bytes behind the unread ones. */
static int fill(struct source *source, struct pcct_error *err)
{
    int status = 0;
    size_t got = 0;
    if (source->begin > 0) {
        memmove(source->data, source->data + source->begin, source->end - source->begin);
        source->end -= source->begin;
        source->begin = 0;
    }
    size_t room = BUFFER_BYTES - source->end;
    unsigned char *out = source->data + source->end;
    TRY(source->inflating ? read_inflated(&got, source, out, room, err) : read_packed(&got, source, out, room, err));
    if (source->file) {
        source->crc = (uint32_t)crc32_z(source->crc, out, got);
        source->given += got;
        if (got == 0) TRY(check_member(source, err));
    }
    source->end += got;
    source->ended = got == 0;
    TRY(interrupt_check(err));
done:
    return status;
}

int source_peek(const unsigned char **data, size_t *bytes, struct source *source, size_t wanted, struct pcct_error *err)
{
    int status = 0;
    assert(wanted <= PEEK_MOST);
    while (status == 0 && source->end - source->begin < wanted && !source->ended) status = fill(source, err);
    size_t at_hand = source->end - source->begin;
    *data = source->data + source->begin;
    *bytes = at_hand < wanted ? at_hand : wanted;
    return status;
}

int source_look(const unsigned char **data, size_t *bytes, struct source *source, struct pcct_error *err)
{
    int status = 0;
    if (source->begin == source->end && !source->ended) status = fill(source, err);
    *data = source->data + source->begin;
    *bytes = source->end - source->begin;
    return status;
}

void source_take(struct source *source, size_t bytes)
{
    assert(bytes <= source->end - source->begin);
    source->begin += bytes;
}

int source_read(void *data, size_t bytes, struct source *source, struct pcct_error *err)
{
    unsigned char *out = data;
    while (bytes > 0) {
        const unsigned char *piece = NULL;
        size_t at_hand = 0;
        int status = source_look(&piece, &at_hand, source, err);
        if (status != 0) return status;
        if (at_hand == 0) return fault(err, PCCT_E_INVALID, "%s: cut short: the array goes on beyond the end of the file", source->name);
        size_t part = at_hand < bytes ? at_hand : bytes;
        memcpy(out, piece, part);
        source_take(source, part);
        out += part;
        bytes -= part;
    }
    return 0;
}

double source_share(const struct source *source)
{
    if (source->size <= 0) return -1;
    double done = (double)source->taken;
    return done < source->size ? done / source->size : 1;
}
