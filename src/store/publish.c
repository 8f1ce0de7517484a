/* SPDX-License-Identifier: Apache-2.0 */
#include "store/publish.h"

#include "base/memory.h"
#include "base/os.h"

#include <pthread.h>
#include <urcu/urcu-memb.h>

struct store_publish {
    struct store_shown *shown; /* atomic */
    pthread_mutex_t mutex;     /* where liburcu cannot be used */
    int has_rcu;
};

/* What liburcu asks of a process: that its threads are known. The first process that came here owns this; a child after fork() finds another's pid,
 * and the threads that liburcu has registered there are no more, so it keeps away from it. */
static struct {
    pid_t owner; /* atomic; 0: nobody yet */
    pthread_once_t once;
    pthread_key_t key;
    int has_key;
} process = {0, PTHREAD_ONCE_INIT, 0, 0};

/* ---- references --------------------------------------------------------------------------------------------------------------------------- */

void store_shown_start(struct store_shown *shown)
{
    __atomic_store_n(&shown->references, 1, __ATOMIC_RELAXED);
}

/* Relaxed: who takes one has one, or is kept from missing it by a grace period. */
void store_shown_take(struct store_shown *shown)
{
    __atomic_add_fetch(&shown->references, 1, __ATOMIC_RELAXED);
}

int store_shown_take_living(struct store_shown *shown)
{
    uint64_t seen = __atomic_load_n(&shown->references, __ATOMIC_RELAXED);

    while (seen > 0) {
        if (__atomic_compare_exchange_n(&shown->references, &seen, seen + 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return 1;
    }
    return 0;
}

/* Release: what was read is read. Acquire: whoever frees it comes after all others, as does, in store_shown_alone, whoever changes it. */
int store_shown_give(struct store_shown *shown)
{
    return __atomic_sub_fetch(&shown->references, 1, __ATOMIC_ACQ_REL) == 0;
}

int store_shown_alone(const struct store_shown *shown)
{
    return __atomic_load_n(&shown->references, __ATOMIC_ACQUIRE) == 1;
}

/* ---- threads ------------------------------------------------------------------------------------------------------------------------------ */

/* The value of the key is `process` itself in threads that are registered. */
static void thread_ends(void *value)
{
    (void)value;
    if (__atomic_load_n(&process.owner, __ATOMIC_RELAXED) == base_os_pid()) urcu_memb_unregister_thread();
}

static void make_key(void)
{
    process.has_key = pthread_key_create(&process.key, thread_ends) == 0;
}

/* 0: there is no memory to remember that this thread must unregister, so it does not register. */
static int thread_begins(void)
{
    if (pthread_getspecific(process.key)) return 1;
    if (pthread_setspecific(process.key, &process) != 0) return 0;
    urcu_memb_register_thread();
    return 1;
}

/* ---- the place ---------------------------------------------------------------------------------------------------------------------------- */

int store_publish_new(struct store_publish **publish, const struct base_env *env, struct pcct_error *err)
{
    pid_t nobody = 0, self = base_os_pid();
    int status = 0, mine;

    TRY(base_take_zero(publish, env, 1, sizeof(**publish), err));
    pthread_mutex_init(&(*publish)->mutex, NULL);
    mine = __atomic_compare_exchange_n(&process.owner, &nobody, self, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED) || nobody == self;
    if (mine) {
        pthread_once(&process.once, make_key);
        (*publish)->has_rcu = process.has_key;
    }
done:
    return status;
}

void store_publish_free(struct store_publish *publish, const struct base_env *env)
{
    if (!publish) return;
    pthread_mutex_destroy(&publish->mutex);
    base_free(env, publish);
}

struct store_shown *store_publish_take(struct store_publish *publish)
{
    struct store_shown *shown;

    if (!publish->has_rcu) {
        pthread_mutex_lock(&publish->mutex);
        shown = publish->shown;
        if (shown) store_shown_take(shown);
        pthread_mutex_unlock(&publish->mutex);
        return shown;
    }
    if (!thread_begins()) return NULL;
    urcu_memb_read_lock();
    shown = __atomic_load_n(&publish->shown, __ATOMIC_ACQUIRE); /* with the exchange in store_publish_swap */
    if (shown) store_shown_take(shown);
    urcu_memb_read_unlock();
    return shown;
}

struct store_shown *store_publish_swap(struct store_publish *publish, struct store_shown *shown)
{
    struct store_shown *before;

    if (!publish->has_rcu) {
        pthread_mutex_lock(&publish->mutex);
        before = publish->shown;
        publish->shown = shown;
        pthread_mutex_unlock(&publish->mutex);
        return before;
    }
    before = __atomic_exchange_n(&publish->shown, shown, __ATOMIC_ACQ_REL);
    if (before) urcu_memb_synchronize_rcu();
    return before;
}
