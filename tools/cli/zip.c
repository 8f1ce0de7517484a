/* SPDX-License-Identifier: Apache-2.0 */
#include "zip.h"
#include "fault.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <zlib.h>

/* Sizes of the fixed parts of the three records, and how far from the end the last one can begin. */
enum { LOCAL_BYTES = 30, CENTRAL_BYTES = 46, END_BYTES = 22, END_REACH = END_BYTES + 65535 };
enum { LOCAL_MAGIC = 0x04034b50, CENTRAL_MAGIC = 0x02014b50, END_MAGIC = 0x06054b50 };
enum { FLAG_ENCRYPTED = 1, VERSION_STORED = 20, DOS_DATE = 0x21 /* 1 January 1980, so that equal content gives equal files */ };

static uint16_t get16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(unsigned char *p, uint16_t value)
{
    p[0] = (unsigned char)(value & 0xff);
    p[1] = (unsigned char)(value >> 8);
}

static void put32(unsigned char *p, uint32_t value)
{
    put16(p, (uint16_t)(value & 0xffff));
    put16(p + 2, (uint16_t)(value >> 16));
}

static int read_at(unsigned char *data, size_t bytes, FILE *file, uint64_t offset, const char *path, struct pcct_error *err)
{
    if (fseeko(file, (off_t)offset, SEEK_SET) != 0) return fault_errno(err, errno, "%s", path);
    if (fread(data, 1, bytes, file) == bytes) return 0;
    if (ferror(file)) return fault_errno(err, errno, "%s", path);
    return fault(err, PCCT_E_INVALID, "%s: the archive is cut short or damaged", path);
}

/* Finds the end record: the last place where its magic stands. *tail is owned and holds the file's last bytes from *tail_offset on. */
static int find_end(unsigned char **tail, size_t *end, FILE *file, const char *path, struct pcct_error *err)
{
    int status = 0;
    if (fseeko(file, 0, SEEK_END) != 0) return fault_errno(err, errno, "%s", path);
    off_t size = ftello(file);
    size_t reach = size < END_REACH ? (size_t)size : END_REACH;
    *tail = malloc(reach + 1);
    if (!*tail) return fault(err, PCCT_E_MEMORY, "no memory to read %s", path);
    TRY(read_at(*tail, reach, file, (uint64_t)size - reach, path, err));
    for (size_t i = reach; i >= END_BYTES; i--) {
        if (get32(*tail + i - END_BYTES) == END_MAGIC) {
            *end = i - END_BYTES;
            goto done;
        }
    }
    TRY(fault(err, PCCT_E_INVALID, "%s: not a whole .npz archive (no directory at its end); was it cut short?", path));
done:
    return status;
}

static int read_member(struct zip_member *member, const unsigned char *record, FILE *file, const char *path, struct pcct_error *err)
{
    int status = 0;
    unsigned char local[LOCAL_BYTES];
    size_t name_bytes = get16(record + 28);
    uint64_t local_offset = get32(record + 42);
    if (name_bytes >= ZIP_NAME_BYTES) return fault(err, PCCT_E_INVALID, "%s: the archive has a name that is too long", path);
    memcpy(member->name, record + CENTRAL_BYTES, name_bytes);
    member->name[name_bytes] = '\0';
    member->method = get16(record + 10);
    member->crc = get32(record + 16);
    member->packed_bytes = get32(record + 20);
    member->bytes = get32(record + 24);
    if (member->packed_bytes == UINT32_MAX || member->bytes == UINT32_MAX || local_offset == UINT32_MAX) {
        return fault(err, PCCT_E_LIMIT, "%s: the archive is over 4 GiB; save the array as .npy", path);
    }
    if (get16(record + 8) & FLAG_ENCRYPTED || (member->method != ZIP_STORED && member->method != ZIP_DEFLATED)) {
        return fault(err, PCCT_E_INVALID, "%s: array %s is packed in a way that is not read here; save it with numpy.savez", path, member->name);
    }
    TRY(read_at(local, sizeof local, file, local_offset, path, err));
    if (get32(local) != LOCAL_MAGIC) TRY(fault(err, PCCT_E_INVALID, "%s: the archive is damaged at array %s", path, member->name));
    member->offset = local_offset + LOCAL_BYTES + get16(local + 26) + get16(local + 28);
done:
    return status;
}

int zip_list_read(struct zip_list *list, FILE *file, const char *path, struct pcct_error *err)
{
    int status = 0;
    unsigned char *tail = NULL, *directory = NULL;
    size_t end = 0, at = 0;
    list->count = 0;
    TRY(find_end(&tail, &end, file, path, err));
    size_t count = get16(tail + end + 10), bytes = get32(tail + end + 12);
    uint64_t offset = get32(tail + end + 16);
    if (count > ZIP_MEMBERS) TRY(fault(err, PCCT_E_LIMIT, "%s: more than %d arrays; save the one that is wanted as .npy", path, ZIP_MEMBERS));
    if (bytes == UINT32_MAX || offset == UINT32_MAX) TRY(fault(err, PCCT_E_LIMIT, "%s: the archive is over 4 GiB; save the array as .npy", path));
    if (bytes > ZIP_MEMBERS * (size_t)(CENTRAL_BYTES + 3 * 65535)) TRY(fault(err, PCCT_E_INVALID, "%s: the archive is damaged", path));
    directory = malloc(bytes + 1);
    if (!directory) TRY(fault(err, PCCT_E_MEMORY, "no memory to read %s", path));
    TRY(read_at(directory, bytes, file, offset, path, err));
    for (size_t i = 0; i < count; i++) {
        const unsigned char *record = directory + at;
        if (bytes - at < CENTRAL_BYTES || get32(record) != CENTRAL_MAGIC) TRY(fault(err, PCCT_E_INVALID, "%s: the archive is damaged", path));
        size_t length = (size_t)CENTRAL_BYTES + get16(record + 28) + get16(record + 30) + get16(record + 32);
        if (bytes - at < length) TRY(fault(err, PCCT_E_INVALID, "%s: the archive is damaged", path));
        TRY(read_member(&list->member[list->count++], record, file, path, err));
        at += length;
    }
done:
    free(tail);
    free(directory);
    return status;
}

/* The fields that the local and the central record share: version needed to the length of the name, 24 bytes. */
static void put_common(unsigned char *p, const struct zip_member *member)
{
    put16(p, VERSION_STORED);
    put16(p + 8, DOS_DATE);
    put32(p + 10, member->crc);
    put32(p + 14, (uint32_t)member->packed_bytes);
    put32(p + 18, (uint32_t)member->bytes);
    put16(p + 22, (uint16_t)strlen(member->name));
}

static void write_out(struct zip_writer *writer, const void *data, size_t bytes)
{
    (void)fwrite(data, 1, bytes, writer->out);
    writer->at += bytes;
}

static uint32_t crc_of(uint32_t crc, const unsigned char *data, size_t bytes)
{
    return bytes > 0 ? (uint32_t)crc32_z(crc, data, bytes) : crc; /* no data at all would begin anew */
}

void zip_write(struct zip_writer *writer, const char *name, const void *header, size_t header_bytes, const void *data, size_t bytes)
{
    unsigned char local[LOCAL_BYTES] = { 0 };
    assert(writer->written.count < ZIP_MEMBERS && writer->at + header_bytes + bytes < ZIP_LIMIT + ZIP_MEMBERS * 1024);
    struct zip_member *member = &writer->written.member[writer->written.count++];
    (void)snprintf(member->name, sizeof member->name, "%s", name);
    member->method = ZIP_STORED;
    member->offset = writer->at;
    member->bytes = member->packed_bytes = header_bytes + bytes;
    member->crc = crc_of(crc_of(0, header, header_bytes), data, bytes);
    put32(local, LOCAL_MAGIC);
    put_common(local + 4, member);
    write_out(writer, local, sizeof local);
    write_out(writer, name, strlen(name));
    write_out(writer, header, header_bytes);
    write_out(writer, data, bytes);
}

void zip_write_end(struct zip_writer *writer)
{
    unsigned char end[END_BYTES] = { 0 };
    uint64_t begin = writer->at;
    for (size_t i = 0; i < writer->written.count; i++) {
        const struct zip_member *member = &writer->written.member[i];
        unsigned char central[CENTRAL_BYTES] = { 0 };
        put32(central, CENTRAL_MAGIC);
        put16(central + 4, VERSION_STORED);
        put_common(central + 6, member);
        put32(central + 42, (uint32_t)member->offset);
        write_out(writer, central, sizeof central);
        write_out(writer, member->name, strlen(member->name));
    }
    put32(end, END_MAGIC);
    put16(end + 8, (uint16_t)writer->written.count);
    put16(end + 10, (uint16_t)writer->written.count);
    put32(end + 12, (uint32_t)(writer->at - begin));
    put32(end + 16, (uint32_t)begin);
    write_out(writer, end, sizeof end);
}
