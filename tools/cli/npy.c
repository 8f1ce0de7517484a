/* SPDX-License-Identifier: Apache-2.0 */
#include "npy.h"
#include "fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "items are read and written as they stand in memory");

enum { HEADER_MOST = 65536, PIECE_BYTES = 8192 };
static const unsigned char magic[NPY_MAGIC_BYTES] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };

int npy_is_magic(const unsigned char *data, size_t bytes)
{
    return bytes >= NPY_MAGIC_BYTES && memcmp(data, magic, NPY_MAGIC_BYTES) == 0;
}

/* What stands behind 'key': in the header's dictionary, or NULL. */
static const char *find_value(const char *header, const char *key)
{
    char quoted[32];
    (void)snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(header, quoted);
    if (!at) return NULL;
    at += strlen(quoted);
    while (*at == ' ') at++;
    return at;
}

static int parse_type(struct npy *npy, const char *type, const char *name, struct pcct_error *err)
{
    char order = '\0', kind = '\0', word[16] = "";
    unsigned bytes = 0;
    if (type) (void)sscanf(type, "'%15[^']'", word);
    int parts = sscanf(word, "%c%c%u", &order, &kind, &bytes);
    int is_float = kind == 'f' && (bytes == 4 || bytes == 8);
    int is_integer = (kind == 'i' || kind == 'u') && (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
    if (parts != 3 || (order != '<' && order != '|') || !(is_float || is_integer)) {
        return fault(err, PCCT_E_INVALID, "%s: items of type \"%s\" are not read here; save the array as '<f8'", name, word[0] ? word : "?");
    }
    npy->kind = kind;
    npy->item_bytes = bytes;
    return 0;
}

static int parse_shape(struct npy *npy, const char *shape, const char *name, struct pcct_error *err)
{
    uint64_t size[2] = { 1, 1 };
    int dimensions = 0;
    const char *at = shape && *shape == '(' ? shape + 1 : "?";
    while (*at >= '0' && *at <= '9') {
        char *end = NULL;
        uint64_t number = strtoull(at, &end, 10);
        if (dimensions < 2) size[dimensions] = number;
        dimensions++;
        at = end;
        while (*at == ',' || *at == ' ' || *at == 'L') at++;
    }
    if (*at != ')') return fault(err, PCCT_E_INVALID, "%s: its .npy header has no readable shape", name);
    if (dimensions < 1 || dimensions > 2) {
        return fault(err, PCCT_E_DIMENSION, "%s: an array of %d dimensions; points are an array of two (rows, columns)", name, dimensions);
    }
    if (size[0] > (UINT64_MAX >> 4) / (size[1] ? size[1] : 1)) return fault(err, PCCT_E_INVALID, "%s: its .npy header has an impossible shape", name);
    npy->rows = size[0];
    npy->columns = size[1];
    return 0;
}

int npy_open(struct npy *npy, struct source *source, struct pcct_error *err)
{
    int status = 0;
    const char *name = source_name(source);
    unsigned char start[12] = { 0 };
    char *header = NULL;
    TRY(source_read(start, 8, source, err));
    if (!npy_is_magic(start, 8)) TRY(fault(err, PCCT_E_INVALID, "%s: not an .npy array", name));
    if (start[6] < 1 || start[6] > 3) TRY(fault(err, PCCT_E_INVALID, "%s: .npy version %d is not read here; 1 to 3 are", name, start[6]));
    size_t length_bytes = start[6] == 1 ? 2 : 4;
    TRY(source_read(start + 8, length_bytes, source, err));
    size_t length = (size_t)start[8] | (size_t)start[9] << 8 | (size_t)start[10] << 16 | (size_t)start[11] << 24;
    if (length > HEADER_MOST) TRY(fault(err, PCCT_E_INVALID, "%s: its .npy header is damaged", name));
    header = calloc(1, length + 1);
    if (!header) TRY(fault(err, PCCT_E_MEMORY, "no memory to read %s", name));
    TRY(source_read(header, length, source, err));
    TRY(parse_type(npy, find_value(header, "descr"), name, err));
    TRY(parse_shape(npy, find_value(header, "shape"), name, err));
    const char *order = find_value(header, "fortran_order");
    npy->by_columns = order && strncmp(order, "True", 4) == 0;
done:
    free(header);
    return status;
}

static double double_of(const unsigned char *item, const struct npy *npy)
{
    union { double f8; float f4; int64_t i8; int32_t i4; int16_t i2; int8_t i1; uint64_t u8; uint32_t u4; uint16_t u2; uint8_t u1; } value;
    memcpy(&value, item, npy->item_bytes);
    if (npy->kind == 'f') return npy->item_bytes == 8 ? value.f8 : (double)value.f4;
    if (npy->kind == 'i') {
        switch (npy->item_bytes) {
        case 1: return value.i1;
        case 2: return value.i2;
        case 4: return value.i4;
        default: return (double)value.i8;
        }
    }
    switch (npy->item_bytes) {
    case 1: return value.u1;
    case 2: return value.u2;
    case 4: return value.u4;
    default: return (double)value.u8;
    }
}

int npy_read_doubles(double *values, size_t n, const struct npy *npy, struct source *source, struct pcct_error *err)
{
    unsigned char piece[PIECE_BYTES];
    size_t most = PIECE_BYTES / npy->item_bytes;
    while (n > 0) {
        size_t part = n < most ? n : most;
        int status = source_read(piece, part * npy->item_bytes, source, err);
        if (status != 0) return status;
        for (size_t i = 0; i < part; i++) values[i] = double_of(piece + i * npy->item_bytes, npy);
        values += part;
        n -= part;
    }
    return 0;
}

static int64_t int64_of(const unsigned char *item, const struct npy *npy)
{
    uint64_t bits = 0;
    memcpy(&bits, item, npy->item_bytes);
    unsigned unused = 64 - 8 * npy->item_bytes;
    int negative = npy->kind == 'i' && npy->item_bytes < 8 && bits >> (8 * npy->item_bytes - 1) != 0;
    if (negative) bits |= UINT64_MAX << (64 - unused);
    int64_t value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int npy_read_int64(int64_t *values, size_t n, const struct npy *npy, struct source *source, struct pcct_error *err)
{
    unsigned char piece[PIECE_BYTES];
    size_t most = PIECE_BYTES / npy->item_bytes;
    if (npy->kind == 'f') return fault(err, PCCT_E_INVALID, "%s: labels are whole numbers; save the array as '<i8'", source_name(source));
    while (n > 0) {
        size_t part = n < most ? n : most;
        int status = source_read(piece, part * npy->item_bytes, source, err);
        if (status != 0) return status;
        for (size_t i = 0; i < part; i++) {
            values[i] = int64_of(piece + i * npy->item_bytes, npy);
            if (npy->kind == 'u' && values[i] < 0) return fault(err, PCCT_E_INVALID, "%s: a label beyond 2^63", source_name(source));
        }
        values += part;
        n -= part;
    }
    return 0;
}

void npy_header(char header[NPY_HEADER_BYTES], const char *type, uint64_t rows, uint64_t columns)
{
    char shape[64], words[NPY_HEADER_BYTES];
    if (columns > 0) (void)snprintf(shape, sizeof shape, "(%" PRIu64 ", %" PRIu64 ")", rows, columns);
    else (void)snprintf(shape, sizeof shape, "(%" PRIu64 ",)", rows);
    int length = snprintf(words, sizeof words, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    memset(header, ' ', NPY_HEADER_BYTES);
    memcpy(header, magic, NPY_MAGIC_BYTES);
    header[6] = 1;
    header[7] = 0;
    header[8] = NPY_HEADER_BYTES - 10;
    header[9] = 0;
    memcpy(header + 10, words, (size_t)length);
    header[NPY_HEADER_BYTES - 1] = '\n';
}
