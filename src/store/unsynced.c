/* SPDX-License-Identifier: Apache-2.0 */
#include "store/unsynced.h"

#include "store/bytes.h"
#include "store/scan.h"

#include <errno.h>
#include <fcntl.h>

enum { AT_MAGIC = 0, AT_UUID = 8, AT_BOOT = 24, AT_HASH = 64, MARK_BYTES = 72 };
_Static_assert(AT_BOOT + BASE_OS_BOOT_BYTES <= AT_HASH, "the parts of the mark do not overlap");

static const char magic[8] = {'P', 'C', 'C', 'T', 'U', 'N', 'S', '1'};
static const char name[] = "UNSYNCED";

static void make_mark(uint8_t mark[MARK_BYTES], const struct store_folder *folder)
{
    memset(mark, 0, MARK_BYTES);
    store_put_bytes(mark, AT_MAGIC, magic, sizeof(magic));
    store_put_bytes(mark, AT_UUID, folder->uuid, 16);
    base_os_boot(folder->env->os, mark + AT_BOOT);
    store_put64(mark, AT_HASH, base_hash64(mark, AT_HASH));
}

static int is_there(const struct store_folder *folder)
{
    struct stat about;

    return base_os_fstatat(folder->env->os, folder->top, name, &about) == 0 || errno != ENOENT;
}

int store_unsynced_look(int *stale, const struct store_folder *folder, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;
    uint8_t mark[MARK_BYTES], wanted[MARK_BYTES];
    ssize_t got;
    int status = 0, fd = base_os_open(os, folder->top, name, O_RDONLY, 0);

    *stale = 0;
    if (fd < 0 && errno == ENOENT) return 0;
    if (fd < 0) return base_fail_errno(err, errno, "cannot open %s/%s", folder->path, name);
    make_mark(wanted, folder);
    got = base_os_pread(os, fd, mark, sizeof(mark), 0);
    if (got < 0) status = base_fail_errno(err, errno, "cannot read %s/%s", folder->path, name);
    else *stale = got < MARK_BYTES || memcmp(mark, wanted, sizeof(mark)) != 0 || store_zero(wanted, AT_BOOT, AT_BOOT + BASE_OS_BOOT_BYTES);
    base_os_close(os, fd);
    return status;
}

int store_unsynced_remove(const struct store_folder *folder, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;

    if ((base_os_unlink(os, folder->top, name) == 0 || errno == ENOENT) && base_os_fsync(os, folder->top) == 0) return 0;
    return base_fail_errno(err, errno, "cannot remove %s/%s", folder->path, name);
}

/* With the writer lock. The old catalogue is of no use, and goes first: a half-made one is found missing. */
static int make_anew(struct store *store, struct pcct_error *err)
{
    struct store_folder *folder = &store->folder;
    const struct store_found *last;
    struct store_scan scan;
    uint64_t torn; /* a last frame that was never acknowledged */
    int status = 0, stale = 0;

    store_scan_init(&scan, folder);
    TRY(store_unsynced_look(&stale, folder, err)); /* somebody else may have done it meanwhile */
    if (!stale) goto done;
    scan.strict = 1;
    TRY(store_scan_journal(&scan, NULL, err));
    last = scan.found.memory.data;
    torn = scan.found.count > 0 && !last[scan.found.count - 1].frame_sound;
    if (scan.damaged > torn) {
        status = base_fail(err, PCCT_E_DAMAGED, "the machine went down while %s was written, and its journal, from which the catalogue is to be made "
                           "anew, is damaged; `pcct fsck --rebuild-catalogue` makes one of what is left", folder->path);
        goto done;
    }
    store_catalogue_remove(folder, STORE_CATALOGUE_NAME);
    TRY(store_rebuild(&scan, 0, 0, err));
    TRY(store_unsynced_remove(folder, err));
done:
    store_scan_free(&scan);
    return status;
}

int store_unsynced_check(struct store *store, struct pcct_error *err)
{
    const struct store_folder *folder = &store->folder;
    struct base_os *os = folder->env->os;
    int status = 0, stale = 0;

    TRY(store_unsynced_look(&stale, folder, err));
    if (!stale) goto done;
    if (folder->immutable) {
        return base_fail(err, PCCT_E_DAMAGED, "the catalogue of %s may be behind its journal, since the machine went down while it was written; open "
                         "the store once where it can be written to", folder->path);
    }
    if (base_os_lock(os, store->lock, STORE_WRITER_BYTE, 1, 1) != 0) return base_fail_errno(err, errno, "cannot lock %s", folder->path);
    status = make_anew(store, err);
    (void)base_os_unlock(os, store->lock, STORE_WRITER_BYTE);
done:
    return status;
}

static int write_mark(void *ctx, int fd, struct pcct_error *err)
{
    const struct store_folder *folder = ctx;
    uint8_t mark[MARK_BYTES];

    make_mark(mark, folder);
    if (base_os_pwrite(folder->env->os, fd, mark, sizeof(mark), 0) >= 0) return 0;
    return base_fail_errno(err, errno, "cannot write %s/%s", folder->path, name);
}

int store_unsynced_begin(struct store *store, struct pcct_error *err)
{
    int status = 0;

    if (store->unsynced && is_there(&store->folder)) return 0;
    TRY(store_file_make(&store->folder, store->folder.top, "", name, write_mark, &store->folder, err));
    store->unsynced = 1;
done:
    return status;
}

void store_unsynced_over(struct store *store)
{
    if (is_there(&store->folder)) (void)store_unsynced_remove(&store->folder, NULL);
    store->unsynced = 0;
}

/* The segments before the last were flushed when the next one was made. */
static int flush_journal(struct store *store)
{
    struct store_state state;
    struct store_txn txn = {0};
    int status = 0, fd = -1;

    TRY(store_txn_begin(&txn, store->catalogue, &store->folder, 0, NULL));
    TRY(store_state_get(&state, &txn, NULL));
    TRY(store_segment_open(&fd, NULL, &store->folder, state.tail.segment, O_RDWR, NULL));
    if (base_os_fdatasync(store->folder.env->os, fd) != 0) status = PCCT_E_IO;
done:
    store_txn_abort(&txn);
    if (fd >= 0) base_os_close(store->folder.env->os, fd);
    return status;
}

void store_unsynced_end(struct store *store)
{
    if (!store->unsynced || store_is_poisoned(store) || store_lock(store, 0, NULL) != 0) return;
    if (flush_journal(store) == 0 && store_catalogue_sync(store->catalogue, &store->folder, NULL) == 0) store_unsynced_over(store);
    store_unlock(store);
}
