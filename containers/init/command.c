/*
 * The last steps: where the command stands, and the exec. Every fd but 0, 1 and 2 closes at the
 * exec (S27), and the working folder is looked at from inside after it was entered: a folder that
 * is not below the root has no name there.
 */
#include "birth.h"
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

/* directory-change(path): the command's working folder. */
int step_directory_change(struct birth *birth, const struct arg *arg)
{
    char name[PATH_MAX];
    int folder = sys_openat2(birth->root, arg[0].text, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (folder < 0 || fchdir(folder) < 0)
        return failed(birth, "entering the folder %s", arg[0].text);
    close(folder);
    if (!getcwd(name, sizeof name) || name[0] != '/') {
        errno = EXDEV;
        return failed(birth, "checking that %s is inside the root", arg[0].text);
    }
    return 0;
}

/* execute(argv, environment): found along the environment's own PATH. */
int step_execute(struct birth *birth, const struct arg *arg)
{
    char **argv = arg[0].list;
    if (sys_close_range(STDERR_FILENO + 1, CLOSE_RANGE_CLOEXEC) < 0)
        return failed(birth, "closing what the command must not inherit");
    if (!argv[0]) {
        errno = EINVAL;
        return failed(birth, "reading an empty command");
    }
    environ = arg[1].list;
    if (birth->home[0] && setenv("HOME", birth->home, 0) < 0)
        return failed(birth, "setting HOME");
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    return failed(birth, "starting %s", argv[0]);
}
