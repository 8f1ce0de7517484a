/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"
#include "fault.h"

#include <signal.h>
#include <string.h>

/* The one piece of state that a signal handler can reach. */
static volatile sig_atomic_t asked;

static void note(int signal_number)
{
    (void)signal_number;
    asked = 1;
}

void interrupt_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = (int)SA_RESETHAND; /* no SA_RESTART: a read from a pipe must return */
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

int interrupt_asked(void)
{
    return asked != 0;
}

int interrupt_check(struct pcct_error *err)
{
    return asked ? fault(err, PCCT_E_CANCELLED, "interrupted") : 0;
}
