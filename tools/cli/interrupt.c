/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"
#include "fault.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a signal handler can reach. */
static volatile sig_atomic_t asked;
static char last_words[64];

static void note(int signal_number)
{
    (void)signal_number;
    asked = 1;
}

static void leave(int signal_number)
{
    (void)signal_number;
    ssize_t written = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)written;
    _exit(EXIT_INTERRUPTED);
}

static void install(void (*handler)(int))
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = (int)SA_RESETHAND; /* no SA_RESTART: a read from a pipe must return */
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    /* nohup(1) has it ignored */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) (void)sigaction(SIGHUP, &action, NULL);
}

void interrupt_catch(void)
{
    install(note);
}

void interrupt_at_once(const char *verb)
{
    (void)snprintf(last_words, sizeof last_words, "pcct: %s: interrupted\n", verb);
    install(leave);
    if (asked) leave(0);
}

int interrupt_asked(void)
{
    return asked != 0;
}

int interrupt_check(struct pcct_error *err)
{
    return asked ? fault(err, PCCT_E_CANCELLED, "interrupted") : 0;
}
