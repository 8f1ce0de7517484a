/* SPDX-License-Identifier: Apache-2.0 */
#include "store/super.h"

#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Offsets of one copy. Magic, format and hash stay where they are in every later format. */
enum {
    AT_MAGIC = 0,
    AT_FORMAT = 8,
    AT_BYTES = 12,
    AT_UUID = 16,
    AT_DIM = 32,
    AT_METRIC = 36,
    AT_DTYPE = 40,
    AT_ENDIAN = 44,
    AT_SEED = 48,
    AT_CREATED = 56,
    AT_INCOMPATIBLE = 64,
    AT_READ_ONLY = 72,
    AT_CUSTOM = 80,
    AT_ZERO = AT_CUSTOM + PCCT_METRIC_NAME_BYTES,
    AT_HASH = 4088
};
_Static_assert(AT_HASH + 8 == STORE_SUPER_BYTES, "the hash ends a copy");

static const char magic[8] = {'P', 'C', 'C', 'T', 'S', 'U', 'P', '1'};
/* Incompatible features: who does not know them cannot read the store. */
static const uint64_t known_features = STORE_FEATURE_CUSTOM | STORE_FEATURE_PIECES;
static const uint32_t endian_mark = 0x01020304u;

static void encode(uint8_t *copy, const struct store_super *super)
{
    memset(copy, 0, STORE_SUPER_BYTES);
    store_put_bytes(copy, AT_MAGIC, magic, sizeof(magic));
    store_put32(copy, AT_FORMAT, super->format);
    store_put32(copy, AT_BYTES, STORE_SUPER_BYTES);
    store_put_bytes(copy, AT_UUID, super->uuid, sizeof(super->uuid));
    store_put32(copy, AT_DIM, super->dim);
    store_put32(copy, AT_METRIC, super->metric);
    store_put32(copy, AT_DTYPE, super->dtype);
    store_put32(copy, AT_ENDIAN, endian_mark);
    store_put64(copy, AT_SEED, super->seed);
    store_put64(copy, AT_CREATED, (uint64_t)super->created_ns);
    store_put64(copy, AT_INCOMPATIBLE, super->incompatible);
    store_put64(copy, AT_READ_ONLY, super->read_only_compatible);
    store_put_bytes(copy, AT_CUSTOM, super->custom, sizeof(super->custom));
    store_put64(copy, AT_HASH, base_hash64(copy, AT_HASH));
}

static void decode(struct store_super *super, const uint8_t *copy)
{
    store_get_bytes(super->uuid, copy, AT_UUID, sizeof(super->uuid));
    super->format = store_get32(copy, AT_FORMAT);
    super->dim = store_get32(copy, AT_DIM);
    super->metric = store_get32(copy, AT_METRIC);
    super->dtype = store_get32(copy, AT_DTYPE);
    super->seed = store_get64(copy, AT_SEED);
    super->created_ns = (int64_t)store_get64(copy, AT_CREATED);
    super->incompatible = store_get64(copy, AT_INCOMPATIBLE);
    super->read_only_compatible = store_get64(copy, AT_READ_ONLY);
    store_get_bytes(super->custom, copy, AT_CUSTOM, sizeof(super->custom));
}

static int fill(void *ctx, int fd, struct pcct_error *err)
{
    const struct store_folder *folder = ((void **)ctx)[0];
    const uint8_t *copies = ((void **)ctx)[1];

    if (base_os_pwrite(folder->env->os, fd, copies, STORE_SUPER_COPIES * STORE_SUPER_BYTES, 0) >= 0) return 0;
    return base_fail_errno(err, errno, "cannot write %s/SUPER", folder->path);
}

int store_super_write(const struct store_folder *folder, const struct store_super *super, struct pcct_error *err)
{
    uint8_t *copies = NULL;
    int status = 0;

    TRY(base_take(&copies, folder->env, STORE_SUPER_COPIES, STORE_SUPER_BYTES, err));
    for (int i = 0; i < STORE_SUPER_COPIES; i++) encode(copies + i * STORE_SUPER_BYTES, super);
    TRY(store_file_make(folder, folder->top, "", "SUPER", fill, (void *[]){(void *)(uintptr_t)folder, copies}, err));
done:
    base_free(folder->env, copies);
    return status;
}

/* A custom metric's name is there when the feature is, filled up with zeros. */
static int name_fits(const struct store_super *super)
{
    size_t length = strnlen(super->custom, sizeof(super->custom));

    for (size_t i = length; i < sizeof(super->custom); i++) {
        if (super->custom[i] != '\0') return 0;
    }
    return length < sizeof(super->custom) && (length > 0) == ((super->incompatible & STORE_FEATURE_CUSTOM) != 0);
}

/* What a sound copy says may still be for a later library. */
static int check(const uint8_t *copy, const struct store_super *super, const struct store_folder *folder, struct pcct_error *err)
{
    if (super->format > STORE_FORMAT) {
        return base_fail(err, PCCT_E_FORMAT, "%s was written by a newer pcct (format %u, this one reads up to %d); use a newer pcct", folder->path,
                         super->format, STORE_FORMAT);
    }
    if (super->incompatible & ~known_features) {
        return base_fail(err, PCCT_E_FORMAT, "%s uses features that this pcct does not know (flags 0x%llx); use a newer pcct", folder->path,
                         (unsigned long long)(super->incompatible & ~known_features));
    }
    if (super->format < 1 || store_get32(copy, AT_BYTES) != STORE_SUPER_BYTES || store_get32(copy, AT_ENDIAN) != endian_mark || super->dim < 1 ||
        super->dtype != 1 || !name_fits(super) || !store_zero(copy, AT_ZERO, AT_HASH)) {
        return base_fail(err, PCCT_E_DAMAGED, "%s/SUPER holds values that no pcct writes", folder->path);
    }
    return 0;
}

int store_super_read(struct store_super *super, unsigned *damaged, const struct store_folder *folder, struct pcct_error *err)
{
    uint8_t *copies = NULL;
    const uint8_t *sound = NULL;
    int status = 0, fd = -1, looks_like = 0;
    ssize_t got;

    *damaged = 0;
    TRY(base_take_zero(&copies, folder->env, STORE_SUPER_COPIES, STORE_SUPER_BYTES, err));
    TRY(store_file_open(&fd, NULL, folder, folder->top, "", "SUPER", O_RDONLY, err));
    got = base_os_pread(folder->env->os, fd, copies, STORE_SUPER_COPIES * STORE_SUPER_BYTES, 0);
    if (got < 0) {
        status = base_fail_errno(err, errno, "cannot read %s/SUPER", folder->path);
        goto done;
    }
    for (int i = STORE_SUPER_COPIES - 1; i >= 0; i--) {
        const uint8_t *copy = copies + i * STORE_SUPER_BYTES;
        int has_magic = memcmp(copy + AT_MAGIC, magic, sizeof(magic)) == 0;

        looks_like |= has_magic;
        if (has_magic && store_get64(copy, AT_HASH) == base_hash64(copy, AT_HASH)) sound = copy;
        else *damaged |= 1u << i;
    }
    if (!sound && !looks_like) status = base_fail(err, PCCT_E_NOT_A_STORE, "%s is not a store: its file SUPER is none of pcct's", folder->path);
    else if (!sound) status = base_fail(err, PCCT_E_DAMAGED, "%s/SUPER is damaged: neither of its two copies is sound", folder->path);
    if (status != 0) goto done;
    decode(super, sound);
    TRY(check(sound, super, folder, err));
done:
    if (fd >= 0) base_os_close(folder->env->os, fd);
    base_free(folder->env, copies);
    return status;
}
