/*
 * What a process inherits from whoever starts it, and a container must not: made as a login would
 * have it, in one place, before anything else is done. What an operator gives a command on purpose
 * crosses: limits (ulimit), niceness and scheduling (nice, chrt, ionice, taskset, numactl), control
 * groups. Timers don't survive a fork; descriptors, environment, folder, groups, session and name
 * have steps of their own.
 */
#include "birth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LAST_SIGNAL = 64, SLACK_NS = 50000 };

/* Keys that the runner's session possesses could be read and used inside (a kernel may lack keys). */
static int leave_session_keyring(void)
{
    return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS ? -1 : 0;
}

/* Asks the kernel itself: the C library keeps 32 and 33 to itself and leaves them ignored. */
static int stop_ignoring_signals(void)
{
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } usual = {.handler = SIG_DFL};
    for (int number = 1; number <= LAST_SIGNAL; number++)
        if (number != SIGKILL && number != SIGSTOP &&
            syscall(SYS_rt_sigaction, number, &usual, NULL, sizeof usual.mask) < 0)
            return -1;
    return 0;
}

/* A container must not outlive its machine because a service's runner was exempt. */
static int be_killable_when_memory_runs_out(void)
{
    char text[16] = "";
    int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (file < 0 || read(file, text, sizeof text - 1) < 0)
        return -1;
    if (atoi(text) < 0 && pwrite(file, "0", 1, 0) != 1)
        return -1;
    return close(file);
}

/* fresh() */
int step_fresh(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    umask(022);
    if (leave_session_keyring() < 0)
        return failed(birth, "leaving the session's keys");
    if (stop_ignoring_signals() < 0)
        return failed(birth, "giving signals their usual meaning");
    if (be_killable_when_memory_runs_out() < 0)
        return failed(birth, "giving up an exemption from the memory killer");
    if (personality(PER_LINUX) < 0 || prctl(PR_SET_TIMERSLACK, SLACK_NS) < 0)
        return failed(birth, "taking the usual personality");
    return 0;
}
