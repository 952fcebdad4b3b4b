/*
 * vswitch-init: carries out the plan of a container's birth, then is the container's process 1.
 *
 *     vswitch-init STEP PLAN_FD CONTROL_FD [FD]...
 *
 * Theory of operation. Everything is decided outside, by pure Python (containers/plan.py): a flat
 * list of steps. This program closes all fds but those of its command line, executes the steps in
 * order, from number STEP on, and decides nothing. One of the first makes the
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
#include "descriptors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct {
    const char *name, *kinds;
    step_handler *handler;
} STEPS[] = {
    {"fresh", "", step_fresh},
    {"streams", "l", step_streams},
    {"namespaces", "nssnn", step_namespaces},
    {"again", "", step_again},
    {"join", "nnn", step_join},
    {"private", "", step_private},
    {"root", "ssn", step_root},
    {"mount", "sssnn", step_mount},
    {"directory", "sn", step_directory},
    {"symlink", "ss", step_symlink},
    {"device", "snn", step_device},
    {"hide", "snn", step_hide},
    {"mask", "s", step_mask},
    {"read-only", "s", step_read_only},
    {"freeze", "s", step_freeze},
    {"pivot", "", step_pivot},
    {"verify", "", step_verify},
    {"limit", "snn", step_limit},
    {"setting", "ss", step_setting},
    {"hostname", "s", step_hostname},
    {"loopback", "", step_loopback},
    {"undumpable", "", step_undumpable},
    {"capabilities", "n", step_capabilities},
    {"no-new-privileges", "", step_no_new_privileges},
    {"standing", "", step_standing},
    {"wait", "", step_wait},
    {"console", "nnnnnnn", step_console},
    {"supervise", "nn", step_supervise},
    {"session", "", step_session},
    {"terminal", "nnn", step_terminal},
    {"user", "nnn", step_user},
    {"home", "n", step_home},
    {"directory-change", "s", step_directory_change},
    {"filter", "b", step_filter},
    {"execute", "ll", step_execute},
};

static int carry_out(struct birth *birth, const struct step *step)
{
    for (unsigned i = 0; i < sizeof STEPS / sizeof *STEPS; i++)
        if (strcmp(STEPS[i].name, step->name) == 0 && step_has_kinds(step, STEPS[i].kinds))
            return STEPS[i].handler(birth, step->arg);
    errno = EBADMSG;
    return failed(birth, "reading step %.64s of the plan", step->name);
}

/* A number of the command line, at least `least`; -1 if it is none. */
static int read_number(const char *text, int least)
{
    char *end;
    long number = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && number >= least && number < 1 << 20 ? (int)number : -1;
}

static bool are_numbers(char **words)
{
    if (read_number(*words, 0) < 0)
        return false;
    while (*++words)
        if (read_number(*words, STDERR_FILENO + 1) < 0)
            return false;
    return true;
}

static int usage(void)
{
    fputs("vswitch-init: this program is started by `vswitch run`, not by hand\n", stderr);
    return 2;
}

static void end_with_error(struct birth *birth, const char *step)
{
    control_error(birth, step);
    _exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    if (argc < 4 || !are_numbers(argv + 1))
        return usage();
    struct birth birth = {
        .control = atoi(argv[3]), .plan = atoi(argv[2]), .root = -1, .argv = argv, .next = (unsigned)atoi(argv[1])};
    struct plan plan = {0};
    prctl(PR_SET_NAME, "vswitch-init");
    birth.own_users = birth.next > 0; /* only there does it start again */
    if (keep_only(argv + 2) < 0) {
        failed(&birth, "closing what is nobody's business inside");
        end_with_error(&birth, "plan");
    }
    int error = plan_read(&plan, birth.plan);
    if (error < 0) {
        errno = -error;
        failed(&birth, "reading the plan");
        end_with_error(&birth, "plan");
    }
    while (birth.next < plan.n_steps) {
        const struct step *step = &plan.step[birth.next++];
        if (carry_out(&birth, step) < 0)
            end_with_error(&birth, step->name);
    }
    _exit(EXIT_SUCCESS);
}
