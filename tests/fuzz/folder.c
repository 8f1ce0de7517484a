/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <ftw.h>
#include <unistd.h>

static char folder[200];
static pid_t owner;

static int remove_one(const char *path, const struct stat *what, int flag, struct FTW *where)
{
    (void)what;
    (void)flag;
    (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    if (getpid() == owner) nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0]) return folder;
    snprintf(folder, sizeof folder, "%s/pcct-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir);
    MUST(mkdtemp(folder));
    owner = getpid();
    atexit(remove_folder);
    return folder;
}
