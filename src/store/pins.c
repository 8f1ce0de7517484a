/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pins.h"

#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

/* The head, one page; then the slots; then sets of keys. */
enum {
    AT_MAGIC = 0, AT_SLOTS = 8, AT_SLOT_BYTES = 12, AT_UUID = 16, AT_BOOT = 32, AT_HASH = 72, AT_WORD = 128, HEAD_BYTES = 4096,
    SLOT_BYTES = 64, SLOTS_BYTES = STORE_PINS_SLOTS * SLOT_BYTES, AT_KEYS = HEAD_BYTES + SLOTS_BYTES, KEY_SETS = 128, SET_KEYS = 8,
    KEYS_BYTES = KEY_SETS * SET_KEYS * 8, FILE_BYTES = AT_KEYS + KEYS_BYTES
};
_Static_assert(AT_BOOT + BASE_OS_BOOT_BYTES <= AT_HASH && AT_HASH + 8 <= AT_WORD, "the parts of the head do not overlap");

/* A slot, in the mapping. `taken` is written last and cleared first; a slot is the owner's as long as he holds the lock on its byte. */
struct slot {
    uint32_t taken, pid;
    uint64_t version;
    int64_t since_ns;
    uint8_t zero[SLOT_BYTES - 24];
};
_Static_assert(sizeof(struct slot) == SLOT_BYTES, "slots are written out as they are");

static const char magic[8] = {'P', 'C', 'C', 'T', 'P', 'I', 'N', '2'};
static const char name[] = "pins";
/* Whoever waits looks for himself so often: the file may have been replaced, and waking be lost with it. */
static const uint64_t slice_ns = 50 * 1000 * 1000;

static struct slot *slot_at(const struct store_pins *pins, uint32_t i)
{
    return (struct slot *)(void *)(pins->map + HEAD_BYTES) + i;
}

/* ---- the file ------------------------------------------------------------------------------------------------------------------------------ */

static void make_head(uint8_t head[AT_WORD], const struct store_folder *folder)
{
    memset(head, 0, AT_WORD);
    store_put_bytes(head, AT_MAGIC, magic, sizeof(magic));
    store_put32(head, AT_SLOTS, STORE_PINS_SLOTS);
    store_put32(head, AT_SLOT_BYTES, SLOT_BYTES);
    store_put_bytes(head, AT_UUID, folder->uuid, 16);
    base_os_boot(folder->env->os, head + AT_BOOT);
    store_put64(head, AT_HASH, base_hash64(head, AT_HASH));
}

static void drop_file(struct store_pins *pins)
{
    struct base_os *os = pins->folder->env->os;

    if (pins->map) base_os_munmap(os, pins->map, FILE_BYTES);
    if (pins->fd >= 0) base_os_close(os, pins->fd); /* and with it all its locks */
    pins->map = NULL;
    pins->fd = -1;
}

/* 1: opened, mapped, whole, of this store and this boot. */
static int take_file(struct store_pins *pins)
{
    const struct store_folder *folder = pins->folder;
    struct base_os *os = folder->env->os;
    uint8_t head[AT_WORD], wanted[AT_WORD];
    struct stat about;
    void *map;

    pins->fd = base_os_open(os, folder->top, name, O_RDWR, 0);
    if (pins->fd < 0) return 0;
    make_head(wanted, folder);
    if (base_os_fstat(os, pins->fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size != FILE_BYTES ||
        base_os_pread(os, pins->fd, head, sizeof(head), 0) != sizeof(head) || memcmp(head, wanted, sizeof(head)) != 0) {
        drop_file(pins);
        return 0;
    }
    map = base_os_mmap(os, NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, pins->fd, 0);
    if (map == MAP_FAILED) {
        drop_file(pins);
        return 0;
    }
    pins->map = map;
    pins->device = about.st_dev;
    pins->inode = about.st_ino;
    return 1;
}

/* Every byte is written, since a full disk would be a signal later. Nothing is flushed: after a crash it is made anew. */
static void make_file(const struct store_pins *pins)
{
    static const uint8_t zeros[SLOTS_BYTES + KEYS_BYTES];
    static const char fresh[] = "pins.new";
    const struct store_folder *folder = pins->folder;
    struct base_os *os = folder->env->os;
    uint8_t head[HEAD_BYTES] = {0};
    int fd = base_os_open(os, folder->top, fresh, O_RDWR | O_CREAT | O_TRUNC, 0600), whole;

    if (fd < 0) return;
    make_head(head, folder);
    whole = base_os_pwrite(os, fd, zeros, sizeof(zeros), sizeof(head)) >= 0 && base_os_pwrite(os, fd, head, sizeof(head), 0) >= 0;
    base_os_close(os, fd);
    if (!whole || base_os_rename_over(os, folder->top, fresh, name) != 0) (void)base_os_unlink(os, folder->top, fresh);
}

/* Under the mutex. Two processes that find no good file at the same time: one makes it, the other takes that. */
static void get_file(struct store_pins *pins)
{
    struct base_os *os = pins->folder->env->os;

    if (take_file(pins) || base_os_lock(os, pins->lock, STORE_PINS_LOCK_BYTE, 1, 1) != 0) return;
    if (!take_file(pins)) {
        make_file(pins);
        (void)take_file(pins);
    }
    (void)base_os_unlock(os, pins->lock, STORE_PINS_LOCK_BYTE);
}

/* ---- slots --------------------------------------------------------------------------------------------------------------------------------- */

static int own(const struct store_pins *pins, uint32_t slot)
{
    const struct store_pin *pin = pins->pin.memory.data;

    for (size_t i = 0; i < pins->pin.count; i++) {
        if (pin[i].claimed && pin[i].slot == slot) return 1;
    }
    return 0;
}

static void fill(struct store_pins *pins, const struct store_pin *pin)
{
    struct slot *slot = slot_at(pins, pin->slot);

    slot->pid = (uint32_t)base_os_pid();
    slot->since_ns = pin->since_ns;
    __atomic_store_n(&slot->version, pin->version, __ATOMIC_RELAXED);
    /* Sequentially consistent, as the fence in store_pins_each: what is looked up after this is seen by whoever does not see the pin. */
    __atomic_store_n(&slot->taken, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* First those that look free, then those whose owner may have died. 0: none is to be had. */
static int claim(struct store_pins *pins, struct store_pin *pin)
{
    uint32_t first = (uint32_t)base_os_pid() * 61 % STORE_PINS_SLOTS;

    for (int stale = 0; stale < 2; stale++) {
        for (uint32_t i = 0; i < STORE_PINS_SLOTS; i++) {
            uint32_t at = (first + i) % STORE_PINS_SLOTS;
            int taken = __atomic_load_n(&slot_at(pins, at)->taken, __ATOMIC_RELAXED) != 0;

            if (taken != stale || own(pins, at) || base_os_lock(pins->folder->env->os, pins->fd, at, 1, 0) != 0) continue;
            pin->slot = at;
            fill(pins, pin);
            return 1;
        }
    }
    return 0;
}

static void give(struct store_pins *pins, const struct store_pin *pin)
{
    __atomic_store_n(&slot_at(pins, pin->slot)->taken, 0, __ATOMIC_RELEASE);
    (void)base_os_unlock(pins->folder->env->os, pins->fd, pin->slot);
}

/* Touching what is cut off would be a signal. */
static int is_whole(const struct store_pins *pins)
{
    struct stat about;

    return pins->fd >= 0 && base_os_fstat(pins->folder->env->os, pins->fd, &about) == 0 && about.st_size == FILE_BYTES;
}

/* Under the mutex, before each use: the file may have been removed or cut off. 1: it is there. */
static int usable(struct store_pins *pins)
{
    const struct store_folder *folder = pins->folder;
    struct store_pin *pin = pins->pin.memory.data;
    struct stat there;

    if (is_whole(pins) && base_os_fstatat(folder->env->os, folder->top, name, &there) == 0 && there.st_dev == pins->device &&
        there.st_ino == pins->inode) {
        return 1;
    }
    drop_file(pins);
    get_file(pins);
    for (size_t i = 0; i < pins->pin.count; i++) {
        pin[i].claimed = 0;
        if (pins->fd >= 0 && pin[i].used) pin[i].claimed = claim(pins, &pin[i]);
    }
    return pins->fd >= 0;
}

/* ---- what others call --------------------------------------------------------------------------------------------------------------------- */

void store_pins_open(struct store_pins *pins, const struct store_folder *folder, int lock)
{
    *pins = (struct store_pins){.folder = folder, .lock = lock, .fd = -1};
    pins->pin.item_bytes = sizeof(struct store_pin);
    pthread_mutex_init(&pins->mutex, NULL);
    get_file(pins);
}

void store_pins_close(struct store_pins *pins, int forked)
{
    const struct store_pin *pin = pins->pin.memory.data;

    if (!pins->folder) return;
    for (size_t i = 0; !forked && is_whole(pins) && i < pins->pin.count; i++) {
        if (pin[i].claimed) give(pins, &pin[i]);
    }
    drop_file(pins);
    base_vector_free(&pins->pin, pins->folder->env);
    pthread_mutex_destroy(&pins->mutex);
    pins->folder = NULL;
}

int store_pin(int *pin, struct store_pins *pins, uint64_t version, struct pcct_error *err)
{
    struct store_pin *entry = NULL;
    int status = 0;

    *pin = STORE_PINS_NONE;
    if (!pins->folder) return 0;
    pthread_mutex_lock(&pins->mutex);
    if (!usable(pins)) goto done;
    for (size_t i = 0; i < pins->pin.count && !entry; i++) {
        struct store_pin *p = (struct store_pin *)pins->pin.memory.data + i;

        if (!p->used) entry = p;
    }
    if (!entry) {
        TRY(base_vector_add(&entry, &pins->pin, pins->folder->env, 1, err));
        entry->used = entry->claimed = 0;
    }
    entry->version = version;
    entry->since_ns = base_os_time_ns(pins->folder->env->os);
    entry->used = entry->claimed = claim(pins, entry);
    if (!entry->used) {
        TRY(base_fail(err, PCCT_E_BUSY, "%d versions of %s are in use already; `pcct readers` tells by which processes", STORE_PINS_SLOTS,
                      pins->folder->path));
    }
    *pin = (int)(entry - (struct store_pin *)pins->pin.memory.data);
done:
    pthread_mutex_unlock(&pins->mutex);
    return status;
}

void store_pin_move(struct store_pins *pins, int pin, uint64_t version)
{
    struct store_pin *entry;

    if (pin < 0) return;
    pthread_mutex_lock(&pins->mutex);
    entry = (struct store_pin *)pins->pin.memory.data + pin;
    entry->version = version;
    if (usable(pins) && entry->claimed) __atomic_store_n(&slot_at(pins, entry->slot)->version, version, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&pins->mutex);
}

void store_unpin(struct store_pins *pins, int pin)
{
    struct store_pin *entry;

    if (pin < 0) return;
    pthread_mutex_lock(&pins->mutex);
    entry = (struct store_pin *)pins->pin.memory.data + pin;
    if (usable(pins) && entry->claimed) give(pins, entry);
    entry->used = entry->claimed = 0;
    pthread_mutex_unlock(&pins->mutex);
}

static uint32_t *word(const struct store_pins *pins)
{
    return (uint32_t *)(void *)(pins->map + AT_WORD);
}

uint32_t store_pins_word(struct store_pins *pins)
{
    uint32_t now = 0;

    if (!pins->folder) return 0;
    pthread_mutex_lock(&pins->mutex);
    /* acquire, with the release in store_pins_announce: whoever sees the word changed finds the commit in the catalogue */
    if (usable(pins)) now = __atomic_load_n(word(pins), __ATOMIC_ACQUIRE);
    pthread_mutex_unlock(&pins->mutex);
    return now;
}

void store_pins_announce(struct store_pins *pins)
{
    if (!pins->folder) return;
    pthread_mutex_lock(&pins->mutex);
    if (usable(pins)) {
        __atomic_add_fetch(word(pins), 1, __ATOMIC_RELEASE);
        base_os_wake(pins->folder->env->os, word(pins));
    }
    pthread_mutex_unlock(&pins->mutex);
}

void store_pins_wait(struct store_pins *pins, const struct base_env *env, uint32_t seen, uint64_t timeout_ns)
{
    uint64_t slice = timeout_ns < slice_ns ? timeout_ns : slice_ns;
    uint32_t nothing = 0;
    void *map = NULL;

    /* A mapping of its own: the mutex cannot be held for so long, and without it the other may go. */
    if (pins->folder) {
        pthread_mutex_lock(&pins->mutex);
        if (usable(pins)) map = base_os_mmap(env->os, NULL, HEAD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, pins->fd, 0);
        pthread_mutex_unlock(&pins->mutex);
    }
    if (map && map != MAP_FAILED) {
        base_os_wait(env->os, (uint32_t *)(void *)((uint8_t *)map + AT_WORD), seen, slice);
        base_os_munmap(env->os, map, HEAD_BYTES);
    } else {
        base_os_wait(env->os, &nothing, 0, slice < slice_ns / 50 ? slice : slice_ns / 50); /* sleeps */
    }
}

int store_pins_each(struct store_pins *pins, store_pins_visit *each, void *ctx)
{
    int result = 0, there;

    if (!pins->folder) return 0;
    pthread_mutex_lock(&pins->mutex);
    there = usable(pins);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* with the one in fill() */
    for (uint32_t i = 0; there && i < STORE_PINS_SLOTS && result == 0; i++) {
        const struct slot *slot = slot_at(pins, i);

        if (__atomic_load_n(&slot->taken, __ATOMIC_SEQ_CST) == 0) continue;
        /* that it cannot be told counts as living */
        if (!own(pins, i) && base_os_locked(pins->folder->env->os, pins->fd, i) == 0) continue;
        result = each(ctx, slot->pid, __atomic_load_n(&slot->version, __ATOMIC_RELAXED), slot->since_ns);
    }
    pthread_mutex_unlock(&pins->mutex);
    return result;
}

/* ---- what was found sound ------------------------------------------------------------------------------------------------------------------ */

static uint64_t *set_of(const struct store_pins *pins, uint64_t key)
{
    return (uint64_t *)(void *)(pins->map + AT_KEYS) + key % KEY_SETS * SET_KEYS;
}

/* Under the mutex. */
static int has_keys(struct store_pins *pins)
{
    static const uint8_t untold[BASE_OS_BOOT_BYTES];

    return usable(pins) && memcmp(pins->map + AT_BOOT, untold, sizeof(untold)) != 0;
}

/* Relaxed, here and below: a key stands for itself, nothing else is told by it. */
int store_pins_knows(struct store_pins *pins, uint64_t key)
{
    int known = 0;

    if (!pins->folder) return 0;
    pthread_mutex_lock(&pins->mutex);
    if (has_keys(pins)) {
        for (int i = 0; i < SET_KEYS && !known; i++) known = __atomic_load_n(set_of(pins, key) + i, __ATOMIC_RELAXED) == key;
    }
    pthread_mutex_unlock(&pins->mutex);
    return known;
}

/* A full set loses the key that this one's other bits point at. */
void store_pins_note(struct store_pins *pins, uint64_t key)
{
    if (!pins->folder) return;
    pthread_mutex_lock(&pins->mutex);
    if (has_keys(pins)) {
        uint64_t *set = set_of(pins, key);
        int at = 0;

        while (at < SET_KEYS && __atomic_load_n(set + at, __ATOMIC_RELAXED) != 0) at++;
        if (at == SET_KEYS) at = (int)(key / KEY_SETS % SET_KEYS);
        __atomic_store_n(set + at, key, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&pins->mutex);
}
