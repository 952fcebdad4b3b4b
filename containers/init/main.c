/*
 * vswitch-init: carries out the plan of a container's birth, then is the container's process 1.
 *
 *     vswitch-init PLAN_FD CONTROL_FD
 *
 * Theory of operation. Everything is decided outside, by pure Python (containers/plan.py): a flat
 * list of steps. This program executes them in order and decides nothing. The first step makes the
 * namespaces (or joins them, for `vswitch exec`) by cloning: the parent exits at once, the child is
 * the runner's own child and goes on with the next step inside. "wait" stands still until the runner
 * has attached the port. "supervise" forks: process 1 stays behind in its loop (reap, forward
 * signals), its child goes on to the last step, which execs the command. The first failing step ends
 * it all: its name, errno and a sentence go to the runner, and the kernel takes the namespaces down
 * with their last process, so that nothing has to be undone.
 *
 * The program is single-threaded and allocates only the plan. It runs from a sealed copy of itself
 * in memory (containers/launch.py): a container that reaches /proc/self/exe reaches no file (S28).
 */
#include "birth.h"
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct {
    const char *name, *kinds;
    step_handler *handler;
} STEPS[] = {
    {"namespaces", "nssnn", step_namespaces},
    {"join", "nnn", step_join},
    {"private", "", step_private},
    {"root", "ssn", step_root},
    {"mount", "sssnn", step_mount},
    {"directory", "sn", step_directory},
    {"symlink", "ss", step_symlink},
    {"device", "snn", step_device},
    {"mask", "s", step_mask},
    {"read-only", "s", step_read_only},
    {"pivot", "", step_pivot},
    {"verify", "", step_verify},
    {"hostname", "s", step_hostname},
    {"loopback", "", step_loopback},
    {"undumpable", "", step_undumpable},
    {"capabilities", "n", step_capabilities},
    {"no-new-privileges", "", step_no_new_privileges},
    {"wait", "", step_wait},
    {"supervise", "nn", step_supervise},
    {"session", "", step_session},
    {"terminal", "n", step_terminal},
    {"user", "nnn", step_user},
    {"directory-change", "s", step_directory_change},
    {"execute", "ll", step_execute},
};

int failed(struct birth *birth, const char *doing, ...)
{
    birth->error = errno;
    va_list args;
    va_start(args, doing);
    vsnprintf(birth->doing, sizeof birth->doing, doing, args);
    va_end(args);
    return -1;
}

static int carry_out(struct birth *birth, const struct step *step)
{
    for (unsigned i = 0; i < sizeof STEPS / sizeof *STEPS; i++)
        if (strcmp(STEPS[i].name, step->name) == 0 && step_has_kinds(step, STEPS[i].kinds))
            return STEPS[i].handler(birth, step->arg);
    errno = EBADMSG;
    return failed(birth, "reading step %.64s of the plan", step->name);
}

static int read_fd_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && number > STDERR_FILENO && number < 1 << 20
               ? (int)number : -1;
}

static int usage(void)
{
    fputs("vswitch-init: this program is started by `vswitch run`, not by hand\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return usage();
    int plan_fd = read_fd_number(argv[1]), control = read_fd_number(argv[2]);
    if (plan_fd < 0 || control < 0)
        return usage();
    struct birth birth = {.control = control, .root = -1};
    struct plan plan = {0};
    prctl(PR_SET_NAME, "vswitch-init");
    fcntl(control, F_SETFD, FD_CLOEXEC);
    int error = plan_read(&plan, plan_fd);
    if (error < 0) {
        errno = -error;
        failed(&birth, "reading the plan");
        control_error(&birth, "plan");
        _exit(EXIT_FAILURE);
    }
    close(plan_fd);
    for (unsigned i = 0; i < plan.n_steps; i++)
        if (carry_out(&birth, &plan.step[i]) < 0) {
            control_error(&birth, plan.step[i].name);
            _exit(EXIT_FAILURE);
        }
    _exit(EXIT_SUCCESS);
}
