/*
 * Process 1 of the container.
 *
 * Every signal is blocked since its birth and read from a signalfd, so nothing is lost between two
 * looks and no handler runs. SIGCHLD: reap everybody (orphans come here). Any other signal goes on to the
 * command. When the command ends, so does process 1, with the command's code or 128 + signal, and
 * the kernel kills who is left. While a runner is attached it watches the control socket as well:
 * end of file there means that the runner is gone, and the container with it.
 */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_FILE = 0, RUNNER_GONE = 128 + SIGKILL };

struct watch {
    pid_t command;
    int signals, control, exit_file;
};

/* Leave the exit code for `vswitch ps`, then end the container. */
static void finish(const struct watch *watch, int code)
{
    char text[16];
    int size = snprintf(text, sizeof text, "%d\n", code);
    if (watch->exit_file != NO_FILE && pwrite(watch->exit_file, text, (size_t)size, 0) != size)
        perror("vswitch-init: writing the exit code");
    _exit(code);
}

static int exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void reap(const struct watch *watch)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == watch->command)
            finish(watch, exit_code(status));
}

static void serve_signal(const struct watch *watch)
{
    struct signalfd_siginfo info;
    if (read(watch->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGCHLD)
        reap(watch);
    else
        kill(watch->command, (int)info.ssi_signo);
}

/* Never returns. A negative fd is one that poll ignores. */
static void watch_forever(const struct watch *watch)
{
    for (;;) {
        struct pollfd poll_set[] = {{.fd = watch->signals, .events = POLLIN},
                                    {.fd = watch->control, .events = 0}};
        if (poll(poll_set, 2, -1) < 0 && errno != EINTR)
            finish(watch, EXIT_FAILURE);
        if (poll_set[1].revents & (POLLHUP | POLLERR))
            finish(watch, RUNNER_GONE);
        if (poll_set[0].revents)
            serve_signal(watch);
    }
}

/* supervise(exit_file, attached): split; process 1 stays here, its child goes on with the plan. */
int step_supervise(struct birth *birth, const struct arg *arg)
{
    struct watch watch = {.control = birth->control, .exit_file = (int)arg[0].number};
    sigset_t all;
    sigfillset(&all);
    watch.signals = signalfd(-1, &all, SFD_CLOEXEC);
    if (watch.signals < 0)
        return failed(birth, "watching for signals");
    watch.command = fork();
    if (watch.command < 0)
        return failed(birth, "starting the command's process");
    if (watch.command == 0)
        return 0;
    path_forget(birth);
    close(birth->plan);
    if (!arg[1].number) {
        close(birth->control);
        watch.control = -1;
    }
    watch_forever(&watch);
    return 0;
}
