/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_PINS_H
#define STORE_PINS_H

#include "store/folder.h"

#include <pthread.h>

/*
 * The file `pins`: which process uses which version, and a word that changes with each commit, for those who wait for one (a futex). It is shared
 * memory, not data: made when it is missing, damaged, another store's or from before the last boot, and doing without it (a full disk) costs only
 * that waiting becomes looking now and then, and that these readers are not told of.
 *
 * A slot belongs to whoever holds the lock on its byte, an OFD lock on the file, so the kernel frees the slots of a process that dies, however it
 * does; what stands in a slot without that lock is stale and is written over. The order is that of a hazard pointer: a reader pins a version, a
 * fence, then looks up what it needs; who frees something takes it out of the catalogue, a fence, then looks at the pins (store_pins_each).
 *
 * One that was never opened (zeroed: a store on a medium that cannot be written to) is as without the file.
 * Threads: all calls but open and close from any thread. In a forked child none: the pins there are the parent's.
 */
enum { STORE_PINS_SLOTS = 4096, STORE_PINS_NONE = -1 };

struct store_pin {
    uint64_t version;
    int64_t since_ns;
    uint32_t slot;     /* in the file */
    int used, claimed; /* its number is in use; it has that slot */
};

struct store_pins {
    const struct store_folder *folder; /* borrowed */
    int lock;                          /* descriptor of LOCK, borrowed: the making of the file is excluded by its byte STORE_PINS_LOCK_BYTE */
    pthread_mutex_t mutex;             /* around everything below */
    int fd;                            /* -1: there is no file */
    uint8_t *map;
    dev_t device;
    ino_t inode;
    struct base_vector pin;            /* struct store_pin: those of this handle */
};
enum { STORE_PINS_LOCK_BYTE = 2 };

/* That the file cannot be had is no error: see above. */
void store_pins_open(struct store_pins *pins, const struct store_folder *folder, int lock);
void store_pins_close(struct store_pins *pins, int forked);

/* Says that this process uses a version; *pin is its number here, STORE_PINS_NONE when there is no file. Errors: BUSY (all slots are taken by
 * processes that live), MEMORY. */
int store_pin(int *pin, struct store_pins *pins, uint64_t version, struct pcct_error *err);
void store_pin_move(struct store_pins *pins, int pin, uint64_t version); /* it is another version now */
void store_unpin(struct store_pins *pins, int pin);

/* The word that changes with each commit; store_pins_wait returns when it is not `seen` any more, or when the time is over. */
uint32_t store_pins_word(struct store_pins *pins);
void store_pins_announce(struct store_pins *pins);
void store_pins_wait(struct store_pins *pins, const struct base_env *env, uint32_t seen, uint64_t timeout_ns);

/* Calls each() for the pins of living processes, this one included, until it returns other than 0, which is returned. */
typedef int store_pins_visit(void *ctx, uint32_t pid, uint64_t version, int64_t since_ns);
int store_pins_each(struct store_pins *pins, store_pins_visit *each, void *ctx);

/*
 * What some process found sound since the machine started: keys, hashes of what was looked at, never 0. It saves looking again and nothing else, so a
 * full table forgets some, and without the file, or where the system does not tell its boots apart, nothing is known.
 */
int store_pins_knows(struct store_pins *pins, uint64_t key);
void store_pins_note(struct store_pins *pins, uint64_t key);

#endif
