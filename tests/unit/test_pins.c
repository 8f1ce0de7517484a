/* SPDX-License-Identifier: Apache-2.0 */
#include "support_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
    struct support_env support;
    struct support_store s;
    struct store *store;
};

static struct store *open_one(struct scene *scene)
{
    struct store *store = NULL;
    struct pcct_error err = {0, ""};

    support_ok(store_open(&store, scene->s.path, &scene->support.env, &err), &err);
    return store;
}

static void start(struct scene *scene)
{
    support_env_start(&scene->support, 1);
    support_store_start(&scene->s, &scene->support);
    scene->store = open_one(scene);
}

static void finish(struct scene *scene)
{
    store_close(scene->store);
    support_store_finish(&scene->s);
    support_env_finish(&scene->support);
}

static int pin(struct store *store, uint64_t version)
{
    struct pcct_error err = {0, ""};
    int number = -7;

    support_ok(store_pin(&number, store_pins(store), version, &err), &err);
    assert_true(number >= 0);
    return number;
}

/* Versions that are pinned, each its own bit. */
struct seen {
    uint64_t versions;
    int pins, own;
};

static int note(void *ctx, uint32_t pid, uint64_t version, int64_t since_ns)
{
    struct seen *seen = ctx;

    assert_true(version < 64 && since_ns > 0);
    seen->versions |= UINT64_C(1) << version;
    seen->pins++;
    seen->own += pid == (uint32_t)getpid();
    return 0;
}

static struct seen look(struct store *store)
{
    struct seen seen = {0, 0, 0};

    assert_int_equal(store_pins_each(store_pins(store), note, &seen), 0);
    return seen;
}

static void pins_are_seen_by_others(void **state)
{
    struct scene scene;
    struct store *other;
    int a, b;

    (void)state;
    start(&scene);
    other = open_one(&scene);
    a = pin(scene.store, 3);
    b = pin(scene.store, 5);
    assert_int_equal(pin(other, 5), 0);
    assert_int_equal(look(scene.store).pins, 3);
    assert_int_equal(look(other).versions, 1 << 3 | 1 << 5);
    assert_int_equal(look(other).own, 3);
    store_pin_move(store_pins(scene.store), b, 9);
    assert_int_equal(look(other).versions, 1 << 3 | 1 << 5 | 1 << 9);
    store_unpin(store_pins(scene.store), a);
    assert_int_equal(look(other).versions, 1 << 5 | 1 << 9);
    assert_int_equal(pin(scene.store, 7), a); /* the number is free again */
    store_close(other); /* its pin goes with it */
    assert_int_equal(look(scene.store).versions, 1 << 7 | 1 << 9);
    finish(&scene);
}

/* A process that is killed leaves a slot that is nobody's: it is not told of, and it is used again. */
static void the_dead_hold_nothing(void **state)
{
    struct scene scene;
    int status = 0, ready[2];
    char byte;
    pid_t child;

    (void)state;
    start(&scene);
    store_close(scene.store);
    scene.store = NULL;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        struct store *store = open_one(&scene);

        pin(store, 11);
        pin(store, 12);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    scene.store = open_one(&scene);
    pin(scene.store, 1);
    assert_int_equal(look(scene.store).versions, 1 << 1 | 1 << 11 | 1 << 12);
    assert_int_equal(look(scene.store).own, 1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(look(scene.store).versions, 1 << 1);
    for (int i = 1; i < STORE_PINS_SLOTS; i++) pin(scene.store, 2); /* as many as there are: stale ones too are taken */
    status = 5;
    assert_int_equal(store_pin(&status, store_pins(scene.store), 2, NULL), PCCT_E_BUSY);
    assert_int_equal(status, STORE_PINS_NONE);
    assert_int_equal(look(scene.store).pins, STORE_PINS_SLOTS);
    close(ready[0]);
    close(ready[1]);
    finish(&scene);
}

static void spoil(struct scene *scene, int how)
{
    char path[400];
    uint8_t junk[4096 + 64 * 4096 + 8 * 1024];

    snprintf(path, sizeof(path), "%s/pins", scene->s.path);
    memset(junk, 0xa5, sizeof(junk));
    switch (how) {
    case 0: assert_int_equal(unlink(path), 0); break;
    case 1: assert_int_equal(truncate(path, 100), 0); break;
    case 2: support_file_write(&scene->s, "pins", junk, sizeof(junk)); break;
    default:
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/etc/passwd", path), 0);
    }
}

/* The file is no data: whatever becomes of it, it is made anew, also by those who had it open, who tell their pins again. */
static void a_spoilt_file_is_made_anew(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct scene scene;
        struct store *other;
        int number;

        start(&scene);
        number = pin(scene.store, 4);
        spoil(&scene, how);
        other = open_one(&scene);
        pin(other, 6);
        if (how == 2) { /* the open file was written to, not replaced: whoever opens it next makes another */
            store_pin_move(store_pins(scene.store), number, 8);
            number = pin(scene.store, 8);
        } else {
            store_pin_move(store_pins(scene.store), number, 8);
        }
        assert_int_equal(look(other).versions, 1 << 6 | 1 << 8);
        assert_int_equal(look(scene.store).versions, 1 << 6 | 1 << 8);
        support_commit(scene.store, 2, 500);
        store_close(other);
        finish(&scene);
    }
}

/* Where the file cannot be had, all goes on without it. */
static void without_a_file(void **state)
{
    struct scene scene;
    struct store *store;
    char path[400];
    int number = 7;

    (void)state;
    start(&scene);
    store_close(scene.store);
    snprintf(path, sizeof(path), "%s/pins", scene.s.path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    scene.store = store = open_one(&scene);
    support_ok(store_pin(&number, store_pins(store), 1, NULL), NULL);
    assert_int_equal(number, STORE_PINS_NONE);
    store_pin_move(store_pins(store), number, 2);
    store_unpin(store_pins(store), number);
    assert_int_equal(look(store).pins, 0);
    support_commit(store, 1, 100);
    store_pins_note(store_pins(store), 77);
    assert_false(store_pins_knows(store_pins(store), 77));
    store_pins_wait(store_pins(store), &scene.support.env, store_pins_word(store_pins(store)), 1000000);
    finish(&scene);
}

/* What one found sound all know, until the file is made anew; who forgets some keeps the newest. */
static void what_is_sound_is_known(void **state)
{
    struct scene scene;
    struct store *other;

    (void)state;
    start(&scene);
    other = open_one(&scene);
    assert_false(store_pins_knows(store_pins(other), 77));
    store_pins_note(store_pins(scene.store), 77);
    assert_true(store_pins_knows(store_pins(other), 77));
    assert_true(store_pins_knows(store_pins(scene.store), 77));
    assert_false(store_pins_knows(store_pins(other), 77 + 128)); /* of the same set */
    for (uint64_t i = 1; i <= 20; i++) {
        store_pins_note(store_pins(other), 77 + 128 * i);
        assert_true(store_pins_knows(store_pins(scene.store), 77 + 128 * i));
    }
    assert_false(store_pins_knows(store_pins(scene.store), 77)); /* there was no room for all */
    store_pins_note(store_pins(other), 78);
    store_close(other);
    other = open_one(&scene);
    assert_true(store_pins_knows(store_pins(other), 78)); /* no process need have it open */
    spoil(&scene, 0);
    assert_false(store_pins_knows(store_pins(other), 78));
    store_close(other);
    finish(&scene);
}

static void *commit_soon(void *ctx)
{
    usleep(20000);
    support_commit(ctx, 1, 100);
    return NULL;
}

static void a_commit_wakes(void **state)
{
    struct scene scene;
    struct store *other;
    pthread_t thread;
    uint64_t began;
    uint32_t word;

    (void)state;
    start(&scene);
    other = open_one(&scene);
    word = store_pins_word(store_pins(other));
    began = base_os_ticks_ns(&scene.support.os);
    store_pins_wait(store_pins(other), &scene.support.env, word, 30000000);
    assert_true(base_os_ticks_ns(&scene.support.os) - began >= 25000000); /* nothing came */
    assert_int_equal(store_pins_word(store_pins(other)), word);
    store_pins_wait(store_pins(other), &scene.support.env, word + 1, UINT64_C(10000000000)); /* it is another already */
    assert_int_equal(pthread_create(&thread, NULL, commit_soon, scene.store), 0);
    while (store_pins_word(store_pins(other)) == word) store_pins_wait(store_pins(other), &scene.support.env, word, UINT64_C(10000000000));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(store_pins_word(store_pins(other)), word + 1);
    store_close(other);
    finish(&scene);
}

/* A system call fails, each in turn: at worst it is as without the file, and a commit does not mind. */
static void each_call_fails(void **state)
{
    struct scene scene;

    (void)state;
    start(&scene);
    for (uint64_t n = 1; n < 40; n++) {
        struct store_pins *pins = store_pins(scene.store);
        int number = 3;

        /* a mapping that stays keeps the file open, and with it the locks */
        scene.support.os.fail_mask = ((UINT64_C(1) << BASE_OS_CALLS) - 1) & ~(UINT64_C(1) << BASE_OS_MUNMAP);
        scene.support.os.counted = 0;
        scene.support.os.fail_at = n;
        scene.support.os.fail_errno = EIO;
        (void)store_pin(&number, pins, 5, NULL);
        store_pin_move(pins, number, 6);
        (void)store_pins_word(pins);
        store_pins_announce(pins);
        store_pins_wait(pins, &scene.support.env, 99, 1000);
        (void)look(scene.store);
        store_unpin(pins, number);
        scene.support.os.fail_mask = 0;
        assert_int_equal(look(scene.store).pins, 0);
        assert_true(pin(scene.store, 9) >= 0);
        assert_int_equal(look(scene.store).versions, 1 << 9);
        store_unpin(pins, 0);
    }
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins_are_seen_by_others), cmocka_unit_test(the_dead_hold_nothing), cmocka_unit_test(a_spoilt_file_is_made_anew),
        cmocka_unit_test(without_a_file), cmocka_unit_test(what_is_sound_is_known), cmocka_unit_test(a_commit_wakes),
        cmocka_unit_test(each_call_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
