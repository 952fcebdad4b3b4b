/*
 * What a shell had open when it started us is closed before the first step: nothing inside can ever
 * reach it, not even through process 1 (S27).
 */
#include "descriptors.h"
#include "sys.h"

#include <stdlib.h>

/* The smallest fd of the words that is at least `from`, or -1. */
static int next_kept(char **words, int from)
{
    int found = -1;
    for (; *words; words++) {
        int fd = atoi(*words);
        if (fd >= from && (found < 0 || fd < found))
            found = fd;
    }
    return found;
}

int keep_only(char **words)
{
    int from = STDERR_FILENO + 1, kept;
    for (; (kept = next_kept(words, from)) >= 0; from = kept + 1) {
        if (kept > from && syscall(SYS_close_range, from, kept - 1, 0) < 0)
            return -1;
        if (fcntl(kept, F_SETFD, FD_CLOEXEC) < 0)
            return -1;
    }
    return sys_close_range((unsigned)from, 0);
}

int hand_on(char **words)
{
    for (; *words; words++)
        if (fcntl(atoi(*words), F_SETFD, 0) < 0)
            return -1;
    return 0;
}
