/*
 * The seccomp filter: a program for the kernel's packet-filter machine that looks at each system
 * call. It is made by containers/seccomp.py and only handed on here. It holds for the command and
 * all after it, so it is installed last: what we do ourselves need not pass it.
 */
#include "birth.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* filter(program): instructions as the kernel wants them, struct sock_filter after another. */
int step_filter(struct birth *birth, const struct arg *arg)
{
    struct sock_filter instruction[BPF_MAXINSNS];
    size_t size = (size_t)arg[0].number;
    if (size == 0 || size > sizeof instruction || size % sizeof *instruction != 0) {
        errno = EINVAL;
        return failed(birth, "reading the filter of system calls");
    }
    memcpy(instruction, arg[0].text, size);
    struct sock_fprog program = {.len = (unsigned short)(size / sizeof *instruction), .filter = instruction};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return failed(birth, "filtering system calls");
    return 0;
}
