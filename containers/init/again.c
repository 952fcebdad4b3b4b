/*
 * Who may look into process 1 is decided by the user namespace in which its program was started:
 * the memory belongs to it. A program that root started belongs to the machine, out of reach of
 * everybody inside. One that somebody without rights started would, once undumpable, be out of
 * *their* reach as well: `vswitch exec` could not enter. So it starts once more, inside: then only
 * the container's user namespace's owner, and nobody within (CAP_SYS_PTRACE is not kept), has a
 * right to it (S27, S28).
 */
#include "birth.h"
#include "descriptors.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* again(): this very program from memory, without an environment, to go on with the next step. */
int step_again(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    char next[16], *nothing[] = {NULL}, **argv = birth->argv;
    snprintf(next, sizeof next, "%u", birth->next);
    argv[1] = next;
    int self = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    if (self < 0 || hand_on(argv + 2) < 0 || syscall(SYS_execveat, self, "", argv, nothing, AT_EMPTY_PATH) < 0)
        return failed(birth, "starting again inside");
    return 0;
}
