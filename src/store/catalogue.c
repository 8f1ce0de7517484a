/* SPDX-License-Identifier: Apache-2.0 */
#include "store/catalogue.h"

#include "store/bytes.h"
#include "store/guard.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>

enum { ENVIRONMENTS = 256, READERS = 1024, FILLER_VALUES = 15, FILLER_BYTES = 64 << 10, NOSPACE_BYTES = 1 << 20, GUARD_TRIES = 100,
       LOCK_HEAD_BYTES = 8192, LOCK_SLOT_BYTES = 64 };
/* What LMDB reserves of the address space, which is what a catalogue can grow to: as much as there may be had (ulimit -v), halved until it can be. */
static const size_t map_most = (size_t)64 << 30, map_least = (size_t)16 << 20;

struct store_catalogue {
    dev_t device;
    ino_t inode;
    MDB_env *env; /* NULL: the entry is free */
    MDB_dbi table[STORE_TABLES];
    unsigned handles;
    int immutable; /* opened to read only, without LMDB's lock file: not the same environment as another's */
    size_t map_bytes;
    MDB_txn *held; /* see store_txn_hold; the holder's alone */
    pthread_t holder; /* atomic; 0: nobody */
};
_Static_assert(sizeof(pthread_t) <= sizeof(uint64_t), "a thread's name is a number that can be stored at once");

/* The one global. A forked child finds another pid than its own, and starts with an empty table: LMDB forbids to use, and even to close, an
 * environment there. It has one thread then, so looking at `owner` outside the mutex is safe. */
static struct {
    pid_t owner;
    pthread_mutex_t mutex;
    struct store_catalogue entry[ENVIRONMENTS];
} open_ones = {0, PTHREAD_MUTEX_INITIALIZER, {{0}}};

static const char *const table_name[STORE_TABLES] = {"meta", "versions", "refs", "reflog", "write_ids", "identities", "anchors", "segments"};

static void lock_table(void)
{
    pid_t self = base_os_pid();
    pid_t owner = __atomic_load_n(&open_ones.owner, __ATOMIC_RELAXED); /* relaxed: in one process it only ever becomes that process's pid */

    if (owner != self && owner != 0) {
        memset(&open_ones, 0, sizeof(open_ones));
        pthread_mutex_init(&open_ones.mutex, NULL);
    }
    pthread_mutex_lock(&open_ones.mutex);
    __atomic_store_n(&open_ones.owner, self, __ATOMIC_RELAXED);
}

/* ---- errors ------------------------------------------------------------------------------------------------------------------------------- */

static int disk_full(const struct store_folder *folder)
{
    struct statvfs about;

    if (base_os_fstatvfs(folder->env->os, folder->top, &about) != 0) return 0;
    return (uint64_t)about.f_bavail * about.f_frsize < NOSPACE_BYTES;
}

static int fail(struct pcct_error *err, const struct store_folder *folder, int rc, const char *what)
{
    switch (rc) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_NOTFOUND:
    case MDB_INCOMPATIBLE:
        return base_fail(err, PCCT_E_DAMAGED, "%s/" STORE_CATALOGUE_NAME " is damaged (%s: %s); `pcct fsck --rebuild-catalogue` makes it anew",
                         folder->path, what, mdb_strerror(rc));
    case MDB_MAP_FULL:
        return base_fail(err, PCCT_E_LIMIT, "%s/" STORE_CATALOGUE_NAME " fills what could be reserved of the address space (64 GiB, or less by "
                         "`ulimit -v`); raise that limit and open the store again", folder->path);
    case MDB_MAP_RESIZED:
        return base_fail(err, PCCT_E_LIMIT, "%s/" STORE_CATALOGUE_NAME " has grown, by another process, beyond what could be reserved of the address "
                         "space (`ulimit -v`); open the store again, with a higher limit if need be", folder->path);
    case ENOMEM:
        return base_fail(err, PCCT_E_MEMORY, "%s/" STORE_CATALOGUE_NAME ": cannot %s: not enough memory or address space; raise `ulimit -v`",
                         folder->path, what);
    case MDB_READERS_FULL: return base_fail(err, PCCT_E_BUSY, "more than %d threads read %s at this moment; try again", READERS, folder->path);
    case MDB_PANIC: return base_fail(err, PCCT_E_IO, "writing %s/" STORE_CATALOGUE_NAME " failed earlier; open the store again", folder->path);
    default: break;
    }
    /* LMDB tells a full disk as EIO when the kernel wrote a part */
    if (rc == EIO && disk_full(folder)) rc = ENOSPC;
    if (rc == EACCES || rc == EPERM || rc == EROFS) return store_fail_access(err, folder, rc, STORE_CATALOGUE_NAME);
    if (rc > 0) return base_fail_errno(err, rc, "%s/" STORE_CATALOGUE_NAME ": cannot %s", folder->path, what);
    return base_fail(err, PCCT_E_IO, "%s/" STORE_CATALOGUE_NAME ": cannot %s: %s", folder->path, what, mdb_strerror(rc));
}

/* ---- environments ------------------------------------------------------------------------------------------------------------------------- */

/* Has LMDB hold room for the first thousands of versions, so that commits do not change the file's size: values are put and taken out again. */
static int make_room(MDB_env *env)
{
    static const char zeros[FILLER_BYTES];
    MDB_txn *txn = NULL;
    MDB_dbi filler;
    int rc = mdb_txn_begin(env, NULL, 0, &txn);

    if (rc == 0) rc = mdb_dbi_open(txn, "filler", MDB_CREATE, &filler);
    for (uint8_t i = 0; rc == 0 && i < FILLER_VALUES; i++) {
        MDB_val key = {1, &i}, value = {sizeof(zeros), (void *)(uintptr_t)zeros};

        rc = mdb_put(txn, filler, &key, &value, 0);
    }
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    rc = mdb_txn_commit(txn);
    if (rc == 0) rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc != 0) return rc;
    rc = mdb_drop(txn, filler, 1);
    if (rc == 0) return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static int open_tables(struct store_catalogue *c, const struct store_folder *folder, int make, struct pcct_error *err)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(c->env, NULL, make ? 0 : MDB_RDONLY, &txn);

    for (int i = 0; rc == 0 && i < STORE_TABLES; i++) rc = mdb_dbi_open(txn, table_name[i], make ? MDB_CREATE : 0, &c->table[i]);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return fail(err, folder, rc, "open its tables");
    }
    rc = mdb_txn_commit(txn); /* also keeps the handles of a reading transaction */
    if (rc == 0 && make) rc = make_room(c->env);
    return rc == 0 ? 0 : fail(err, folder, rc, make ? "write" : "read");
}

static int guard(MDB_env *env, const struct store_folder *folder, int fd, struct pcct_error *err)
{
    int status = 0, checked = 0;

    for (int i = 0; !checked && status == 0 && i < GUARD_TRIES; i++) {
        MDB_txn *txn = NULL;
        int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn); /* looks at the meta pages only */

        if (rc != 0) return fail(err, folder, rc, "read");
        status = store_guard_pages(&checked, folder, fd, mdb_txn_id(txn), err);
        mdb_txn_abort(txn);
    }
    return status;
}

/* LMDB writes to its lock file through a mapping, where a disk without room would be a signal: the room is taken before. It makes that file itself
 * when there is none, takes a larger one as it is, and has a lock and one slot of LOCK_SLOT_BYTES for each reader there. Closing the file gives up no
 * lock of LMDB's: this process has no environment over it yet. */
static int take_lock_room(const struct store_folder *folder, const char *name, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;
    char lock[STORE_FILE_NAME_BYTES];
    int status = 0, fd;

    snprintf(lock, sizeof(lock), "%s-lock", name);
    fd = base_os_open(os, folder->top, lock, O_RDWR | O_CREAT, 0600);
    if (fd < 0) {
        if (errno == EACCES || errno == EPERM || errno == EROFS) return store_fail_access(err, folder, errno, lock);
        return base_fail_errno(err, errno, "cannot open %s/%s", folder->path, lock);
    }
    if (base_os_fallocate(os, fd, 0, LOCK_HEAD_BYTES + READERS * LOCK_SLOT_BYTES) != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        status = base_fail_errno(err, errno, "no room for %s/%s, where readers are counted", folder->path, lock);
    base_os_close(os, fd);
    return status;
}

/* LMDB maps the whole of what the file may grow to. */
static int open_mapped(struct store_catalogue *c, const char *path)
{
    const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (c->immutable ? MDB_RDONLY | MDB_NOLOCK : 0);
    int rc = ENOMEM;

    for (c->map_bytes = map_most; rc == ENOMEM && c->map_bytes >= map_least; c->map_bytes /= 2) {
        if (c->env) mdb_env_close(c->env); /* one whose opening failed is of no more use */
        c->env = NULL;
        rc = mdb_env_create(&c->env);
        if (rc == 0) rc = mdb_env_set_maxdbs(c->env, STORE_TABLES + 1);
        if (rc == 0) rc = mdb_env_set_maxreaders(c->env, READERS);
        if (rc == 0) rc = mdb_env_set_mapsize(c->env, c->map_bytes);
        if (rc == 0) rc = mdb_env_open(c->env, path, flags, 0600);
    }
    return rc;
}

static int open_environment(struct store_catalogue *c, const struct store_folder *folder, const char *name, int fd, int make, struct pcct_error *err)
{
    size_t bytes = strlen(folder->path) + strlen(name) + 2;
    char *path = NULL;
    int status = 0, rc, dead = 0;

    c->immutable = folder->immutable;
    TRY(base_take(&path, folder->env, bytes, 1, err));
    snprintf(path, bytes, "%s/%s", folder->path, name);
    if (!c->immutable) TRY(take_lock_room(folder, name, err));
    rc = open_mapped(c, path);
    if (rc == 0 && !c->immutable) rc = mdb_reader_check(c->env, &dead); /* slots of readers that died */
    if (rc != 0) {
        status = fail(err, folder, rc, "open it");
        goto done;
    }
    if (!make) TRY(guard(c->env, folder, fd, err));
    TRY(open_tables(c, folder, make, err));
done:
    base_free(folder->env, path);
    if (status != 0 && c->env) {
        mdb_env_close(c->env);
        c->env = NULL;
    }
    return status;
}

static struct store_catalogue *find(const struct stat *about, int immutable)
{
    struct store_catalogue *unused = NULL;

    for (int i = 0; i < ENVIRONMENTS; i++) {
        struct store_catalogue *c = &open_ones.entry[i];

        if (c->env && c->device == about->st_dev && c->inode == about->st_ino && c->immutable == immutable) return c;
        if (!c->env && !unused) unused = c;
    }
    return unused;
}

int store_catalogue_open(struct store_catalogue **catalogue, const struct store_folder *folder, const char *name, int make, struct pcct_error *err)
{
    struct store_catalogue *c;
    struct stat about;
    uint64_t bytes = 0;
    int status = 0, fd = -1;

    *catalogue = NULL;
    lock_table();
    if (make) {
        fd = base_os_open(folder->env->os, folder->top, name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0) status = base_fail_errno(err, errno, "cannot make %s/%s", folder->path, name);
    } else {
        status = store_file_open(&fd, &bytes, folder, folder->top, "", name, O_RDONLY, err);
        if (status == PCCT_E_NOT_FOUND) {
            status = base_fail(err, PCCT_E_DAMAGED, "%s/%s is missing; `pcct fsck --rebuild-catalogue` makes it anew", folder->path, name);
        }
    }
    if (status != 0) goto done;
    if (base_os_fstat(folder->env->os, fd, &about) != 0) {
        status = base_fail_errno(err, errno, "cannot look at %s/%s", folder->path, name);
        goto done;
    }
    c = find(&about, folder->immutable);
    if (!c) {
        status = base_fail(err, PCCT_E_LIMIT, "this process has %d stores open; close one first", ENVIRONMENTS);
        goto done;
    }
    if (!c->env) {
        if (!make) TRY(store_guard_metas(folder, fd, bytes, err));
        TRY(open_environment(c, folder, name, fd, make, err));
        c->device = about.st_dev;
        c->inode = about.st_ino;
    }
    c->handles++;
    *catalogue = c;
done:
    if (fd >= 0) base_os_close(folder->env->os, fd);
    pthread_mutex_unlock(&open_ones.mutex);
    return status;
}

void store_catalogue_close(struct store_catalogue *catalogue)
{
    if (!catalogue) return;
    lock_table();
    if (catalogue->env && --catalogue->handles == 0) {
        mdb_env_close(catalogue->env);
        catalogue->env = NULL;
    }
    pthread_mutex_unlock(&open_ones.mutex);
}

int store_catalogue_copy(struct store_catalogue *catalogue, const struct store_folder *folder, const char *name, struct pcct_error *err)
{
    struct base_os *os = folder->env->os;
    struct store_catalogue *copy = NULL;
    int status = 0, rc, fd = base_os_open(os, folder->top, name, O_RDWR | O_CREAT | O_EXCL, 0600);

    if (fd < 0) return base_fail_errno(err, errno, "cannot make %s/%s", folder->path, name);
    rc = mdb_env_copyfd2(catalogue->env, fd, MDB_CP_COMPACT);
    if (rc != 0) status = fail(err, folder, rc, "copy it");
    else if (base_os_fsync(os, fd) != 0) status = base_fail_errno(err, errno, "cannot write %s/%s to the disk", folder->path, name);
    base_os_close(os, fd);
    if (status == 0) status = store_catalogue_open(&copy, folder, name, 0, err);
    store_catalogue_close(copy);
    return status;
}

int store_catalogue_current(const struct store_catalogue *catalogue, const struct store_folder *folder, const char *name)
{
    struct stat about;

    if (base_os_fstatat(folder->env->os, folder->top, name, &about) != 0) return 0;
    return about.st_dev == catalogue->device && about.st_ino == catalogue->inode;
}

void store_catalogue_remove(const struct store_folder *folder, const char *name)
{
    char lock[STORE_FILE_NAME_BYTES];

    snprintf(lock, sizeof(lock), "%s-lock", name);
    base_os_unlink(folder->env->os, folder->top, name);
    base_os_unlink(folder->env->os, folder->top, lock);
}

/* ---- transactions ------------------------------------------------------------------------------------------------------------------------- */

/* Relaxed, as its writing: a thread finds its own name only where it wrote that itself. */
static int holds(const struct store_catalogue *catalogue)
{
    return __atomic_load_n(&catalogue->holder, __ATOMIC_RELAXED) == pthread_self();
}

void store_txn_hold(const struct store_txn *txn)
{
    txn->catalogue->held = txn->handle;
    __atomic_store_n(&txn->catalogue->holder, pthread_self(), __ATOMIC_RELAXED);
}

static void let_go(const struct store_txn *txn)
{
    if (holds(txn->catalogue) && txn->catalogue->held == txn->handle) __atomic_store_n(&txn->catalogue->holder, 0, __ATOMIC_RELAXED);
}

int store_txn_begin(struct store_txn *txn, struct store_catalogue *catalogue, const struct store_folder *folder, int write, struct pcct_error *err)
{
    MDB_txn *handle = NULL;
    int rc;

    if (holds(catalogue)) {
        assert(!write);
        *txn = (struct store_txn){catalogue, folder, catalogue->held, NULL, 1};
        return 0;
    }
    rc = mdb_txn_begin(catalogue->env, NULL, write ? 0 : MDB_RDONLY, &handle);
    *txn = (struct store_txn){catalogue, folder, rc == 0 ? handle : NULL, NULL, 0};
    /* LMDB lets one thread of one process write at a time, so this is the writer's alone until it ends */
    if (write && rc == 0) (void)mdb_env_set_flags(catalogue->env, MDB_NOSYNC, 0);
    return rc == 0 ? 0 : fail(err, folder, rc, write ? "begin a change" : "begin to read");
}

int store_txn_walk(struct store_txn *txn, struct pcct_error *err)
{
    MDB_cursor *cursor = NULL;
    int rc = mdb_cursor_open(txn->handle, txn->catalogue->table[STORE_VERSIONS], &cursor);

    if (rc == 0) txn->walk = cursor;
    return rc == 0 ? 0 : fail(err, txn->folder, rc, table_name[STORE_VERSIONS]);
}

void store_txn_unsynced(struct store_txn *txn)
{
    (void)mdb_env_set_flags(txn->catalogue->env, MDB_NOSYNC, 1);
}

int store_catalogue_sync(struct store_catalogue *catalogue, const struct store_folder *folder, struct pcct_error *err)
{
    int rc = mdb_env_sync(catalogue->env, 1);

    return rc == 0 ? 0 : fail(err, folder, rc, "bring it to the disk");
}

int store_txn_commit(struct store_txn *txn, int *unsure, struct pcct_error *err)
{
    MDB_txn *probe = NULL;
    int rc;

    let_go(txn);
    rc = mdb_txn_commit(txn->handle);
    txn->handle = NULL;
    *unsure = 0;
    if (rc == 0) return 0;
    /* When the last write, of the meta page, failed, LMDB gives the environment up, and every transaction after it is refused. */
    if (mdb_txn_begin(txn->catalogue->env, NULL, 0, &probe) == 0) mdb_txn_abort(probe);
    else *unsure = 1;
    return fail(err, txn->folder, rc, "commit a change");
}

void store_txn_abort(struct store_txn *txn)
{
    if (txn->walk) mdb_cursor_close(txn->walk);
    if (txn->handle && !txn->borrowed) {
        let_go(txn);
        mdb_txn_abort(txn->handle);
    }
    txn->walk = txn->handle = NULL;
}

/* A value is followed by a hash over the hashes of key and value, so that a value that got to another key is noticed. */
static uint64_t checksum(const void *key, size_t key_bytes, const void *value, size_t bytes)
{
    uint8_t both[16];

    store_put64(both, 0, base_hash64(key, key_bytes));
    store_put64(both, 8, base_hash64(value, bytes));
    return base_hash64(both, sizeof(both));
}

static int sound(const MDB_val *key, const MDB_val *value)
{
    size_t bytes = value->mv_size - 8;

    return value->mv_size >= 8 && store_get64(value->mv_data, bytes) == checksum(key->mv_data, key->mv_size, value->mv_data, bytes);
}

static int step_back(MDB_cursor *cursor, MDB_val *key, MDB_val *value)
{
    MDB_val before = {0, NULL};

    if (mdb_cursor_get(cursor, &before, value, MDB_PREV) == 0 && before.mv_size == key->mv_size &&
        memcmp(before.mv_data, key->mv_data, key->mv_size) == 0) {
        return 0;
    }
    return mdb_cursor_get(cursor, key, value, MDB_SET);
}

int store_txn_get(const uint8_t **value, size_t *bytes, struct store_txn *txn, enum store_table table, const void *key, size_t key_bytes,
                  struct pcct_error *err)
{
    MDB_val k = {key_bytes, (void *)(uintptr_t)key}, v = {0, NULL};
    int rc;

    if (txn->walk && table == STORE_VERSIONS) rc = step_back(txn->walk, &k, &v);
    else rc = mdb_get(txn->handle, txn->catalogue->table[table], &k, &v);
    *value = NULL;
    *bytes = 0;
    if (rc == MDB_NOTFOUND) return 0;
    if (rc != 0) return fail(err, txn->folder, rc, table_name[table]);
    if (!sound(&k, &v)) {
        return base_fail(err, PCCT_E_DAMAGED, "%s/" STORE_CATALOGUE_NAME " is damaged: a checksum in its table %s is wrong; "
                         "`pcct fsck --rebuild-catalogue` makes it anew", txn->folder->path, table_name[table]);
    }
    *value = v.mv_data;
    *bytes = v.mv_size - 8;
    return 0;
}

int store_txn_put(struct store_txn *txn, enum store_table table, const void *key, size_t key_bytes, const void *value, size_t bytes,
                  struct pcct_error *err)
{
    MDB_val k = {key_bytes, (void *)(uintptr_t)key}, v = {bytes + 8, NULL};
    int rc = mdb_put(txn->handle, txn->catalogue->table[table], &k, &v, MDB_RESERVE);

    if (rc != 0) return fail(err, txn->folder, rc, "put a record");
    memcpy(v.mv_data, value, bytes);
    store_put64(v.mv_data, bytes, checksum(key, key_bytes, value, bytes));
    return 0;
}

int store_txn_delete(struct store_txn *txn, enum store_table table, const void *key, size_t key_bytes, struct pcct_error *err)
{
    MDB_val k = {key_bytes, (void *)(uintptr_t)key};
    int rc = mdb_del(txn->handle, txn->catalogue->table[table], &k, NULL);

    return rc == 0 || rc == MDB_NOTFOUND ? 0 : fail(err, txn->folder, rc, "delete a record");
}

int store_txn_each(struct store_txn *txn, enum store_table table, const void *first, size_t first_bytes, store_txn_visit *each, void *ctx,
                   struct pcct_error *err)
{
    MDB_val k = {first_bytes, (void *)(uintptr_t)first}, v = {0, NULL};
    MDB_cursor *cursor = NULL;
    int status = 0, rc = mdb_cursor_open(txn->handle, txn->catalogue->table[table], &cursor);

    if (rc != 0) return fail(err, txn->folder, rc, table_name[table]);
    rc = mdb_cursor_get(cursor, &k, &v, first_bytes > 0 ? MDB_SET_RANGE : MDB_FIRST);
    while (rc == 0 && status == 0) {
        int good = sound(&k, &v);

        status = each(ctx, k.mv_data, k.mv_size, good ? v.mv_data : NULL, good ? v.mv_size - 8 : 0, err);
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (status != 0) return status == 1 ? 0 : status;
    return rc == MDB_NOTFOUND ? 0 : fail(err, txn->folder, rc, table_name[table]);
}
