/*
 * Process 1 of the container.
 *
 * Every signal is blocked since its birth and read from a signalfd, so nothing is lost between two
 * looks and no handler runs. SIGCHLD: reap everybody (orphans come here). Any other signal goes on to the
 * command. When the command ends, so does process 1, with the command's code or 128 + signal, and
 * the kernel kills who is left. While a runner is attached it watches the control socket as well:
 * end of file there means that the runner is gone, and the container with it. A detached one's streams
 * are its business, too (console.h).
 */
#include "console.h"
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
    struct birth *birth;
    pid_t command;
    int signals, control, exit_file;
};

/* Leave the exit code for `vswitch ps`, then end the container. */
static void finish(const struct watch *watch, int code)
{
    char text[16];
    console_finish(watch->birth);
    int size = snprintf(text, sizeof text, "%d\n", code);
    if (watch->exit_file != NO_FILE && pwrite(watch->exit_file, text, (size_t)size, 0) != size)
        perror("vswitch-init: writing the exit code");
    _exit(code);
}

static int exit_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

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
    else if (info.ssi_pid != (uint32_t)getpid()) /* ours is of a pipe that the command has closed */
        kill(watch->command, (int)info.ssi_signo);
}

/* Never returns. A negative fd is one that poll ignores. */
static void watch_forever(const struct watch *watch)
{
    for (;;) {
        struct pollfd poll_set[2 + CONSOLE_POLLS] = {{.fd = watch->signals, .events = POLLIN},
                                                     {.fd = watch->control, .events = 0}};
        unsigned polls = 2 + console_polls(watch->birth, poll_set + 2);
        if (poll(poll_set, polls, -1) < 0) {
            if (errno != EINTR)
                finish(watch, EXIT_FAILURE);
            continue;
        }
        if (poll_set[1].revents & (POLLHUP | POLLERR))
            finish(watch, RUNNER_GONE);
        if (poll_set[0].revents)
            serve_signal(watch);
        console_serve(watch->birth, poll_set + 2);
    }
}

/* supervise(exit_file, attached): split; process 1 stays here, its child goes on with the plan. */
int step_supervise(struct birth *birth, const struct arg *arg)
{
    struct watch watch = {.birth = birth, .control = birth->control, .exit_file = (int)arg[0].number};
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
    console_keep(birth);
    path_forget(birth);
    close(birth->plan);
    if (!arg[1].number) {
        close(birth->control);
        watch.control = -1;
    }
    watch_forever(&watch);
    return 0;
}
