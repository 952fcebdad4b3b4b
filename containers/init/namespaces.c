/*
 * Being born in new namespaces, or joining a container's.
 *
 * Theory of operation. One clone3 makes all namespaces at once and the user namespace first, so that
 * the others belong to it. With CLONE_PARENT the new process is the *runner's* child: nobody stands
 * between the two, the runner waits for it, and this process ends. The child waits on a pipe until
 * its parent, who still has the caller's rights, has written the id maps. Joining needs a clone as
 * well, since a process changes its pid namespace only for its children.
 *
 * Where the kernel refuses a user namespace (a limit, a chroot, a policy) but the caller may make
 * the others, the container is born without one; the runner is told which flags were really used.
 */
#include "birth.h"
#include "control.h"
#include "sys.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/prctl.h>

struct namespaces_wanted {
    uint64_t flags;
    const char *uid_map, *gid_map;
    bool deny_setgroups, die_with_runner;
};

int tie_to_runner(struct birth *birth)
{
    struct pollfd line = {.fd = birth->control, .events = 0}; /* tells only of the other end's close */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return failed(birth, "tying the container to its runner");
    if (poll(&line, 1, 0) > 0)
        _exit(EXIT_FAILURE);
    return 0;
}

/*
 * The child's first moments: dead as soon as an attached runner is, and every signal kept until
 * process 1 watches for it or the command can be killed by it.
 */
static int begin_child(struct birth *birth, bool die_with_runner)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    return die_with_runner ? tie_to_runner(birth) : 0;
}

static pid_t clone_for_runner(uint64_t namespaces)
{
    struct clone_args args = {.flags = namespaces | CLONE_PARENT};
    return sys_clone3(&args);
}

static int write_proc(struct birth *birth, pid_t pid, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    size_t size = strlen(text);
    if (file < 0 || write(file, text, size) != (ssize_t)size) {
        failed(birth, "writing %s", path);
        close(file);
        return -1;
    }
    return close(file);
}

static int write_maps(struct birth *birth, pid_t pid, const struct namespaces_wanted *request)
{
    if (!(request->flags & CLONE_NEWUSER))
        return 0;
    if (request->deny_setgroups && write_proc(birth, pid, "setgroups", "deny") < 0)
        return -1;
    if (write_proc(birth, pid, "gid_map", request->gid_map) < 0)
        return -1;
    return write_proc(birth, pid, "uid_map", request->uid_map);
}

/* In the child: go on once the parent has written the maps; end quietly if it could not. */
static int await_maps(struct birth *birth, int reader, bool die_with_runner)
{
    char word;
    if (read(reader, &word, 1) != 1)
        _exit(EXIT_FAILURE);
    close(reader);
    if (setsid() < 0)
        return failed(birth, "starting a session");
    return begin_child(birth, die_with_runner);
}

/* In the parent: serve the child, tell the runner, and end here on success. */
static int release(struct birth *birth, pid_t pid, int writer, const struct namespaces_wanted *request)
{
    int result = control_born(birth, pid);
    if (result == 0)
        result = write_maps(birth, pid, request);
    if (result == 0)
        result = control_namespaces(birth, request->flags);
    if (result == 0 && write(writer, "", 1) != 1)
        result = failed(birth, "releasing the container's first process");
    if (result == 0)
        _exit(EXIT_SUCCESS);
    close(writer);
    return -1;
}

/* Clone and prepare. The child returns 0; the parent returns only on failure. */
static int bear(struct birth *birth, const struct namespaces_wanted *request)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return failed(birth, "making a pipe");
    pid_t pid = clone_for_runner(request->flags);
    if (pid == 0) {
        close(ends[1]);
        birth->own_users = request->flags & CLONE_NEWUSER;
        return await_maps(birth, ends[0], request->die_with_runner);
    }
    close(ends[0]);
    if (pid > 0)
        return release(birth, pid, ends[1], request);
    failed(birth, "making namespaces");
    close(ends[1]);
    return -1;
}

/* namespaces(flags, uid_map, gid_map, deny_setgroups, die_with_runner) */
int step_namespaces(struct birth *birth, const struct arg *arg)
{
    struct namespaces_wanted request = {.flags = arg[0].number,
                                        .uid_map = arg[1].text,
                                        .gid_map = arg[2].text,
                                        .deny_setgroups = arg[3].number != 0,
                                        .die_with_runner = arg[4].number != 0};
    if (bear(birth, &request) == 0)
        return 0;
    struct birth first = *birth;
    request.flags &= ~(uint64_t)CLONE_NEWUSER;
    if (request.flags != arg[0].number && bear(birth, &request) == 0)
        return 0;
    *birth = first;
    return -1;
}

/* Returns when the other end of the pipe has been closed everywhere else: when the parent has ended. */
static void await_end(const int gate[2])
{
    char none;
    close(gate[1]);
    while (read(gate[0], &none, 1) < 0 && errno == EINTR) {}
    close(gate[0]);
}

/* join(pidfd, flags, die_with_runner): every namespace at once, user namespace first. */
int step_join(struct birth *birth, const struct arg *arg)
{
    int pidfd = (int)arg[0].number, gate[2];
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return failed(birth, "hiding from the container's tracers");
    if (setns(pidfd, (int)arg[1].number) < 0)
        return failed(birth, "joining the container's namespaces");
    close(pidfd);
    if (pipe2(gate, O_CLOEXEC) < 0)
        return failed(birth, "making a pipe");
    pid_t pid = clone_for_runner(0);
    if (pid < 0)
        return failed(birth, "cloning into the container");
    if (pid == 0) {
        await_end(gate); /* the runner hears of our birth before it hears of anything that we do */
        birth->tied = arg[2].number != 0;
        birth->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (birth->root < 0)
            return failed(birth, "entering the container's root");
        return begin_child(birth, birth->tied);
    }
    if (control_born(birth, pid) < 0 || control_namespaces(birth, arg[1].number) < 0)
        return -1;
    _exit(EXIT_SUCCESS);
}
