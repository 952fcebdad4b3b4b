/*
 * The command's session and terminal. The master side goes to the runner, who relays; or it is the
 * console's already (detached).
 */
#include "console.h"
#include "control.h"
#include "pty.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* session(): a session of its own, without a terminal. */
int step_session(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    if (setsid() < 0)
        return failed(birth, "starting a session");
    return console_enter(birth);
}

static int take_over(int slave, uid_t owner)
{
    if (fchown(slave, owner, (gid_t)-1) < 0 || setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
        return -1;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(slave, fd) < 0)
            return -1;
    return 0;
}

/* Before anybody can ask for it; 0 by 0 is what a new terminal has. */
static int set_size(int slave, uint64_t rows, uint64_t columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    return ioctl(slave, TIOCSWINSZ, &size);
}

/* terminal(owner, rows, columns): a new one is the command's standard input, output and error. */
int step_terminal(struct birth *birth, const struct arg *arg)
{
    int ours = console_master(birth), master = ours < 0 ? pty_open(birth) : ours;
    if (master < 0)
        return failed(birth, "opening a terminal");
    int slave = pty_peer(master);
    if (slave < 0 || set_size(slave, arg[1].number, arg[2].number) < 0 || take_over(slave, (uid_t)arg[0].number) < 0)
        return failed(birth, "taking the terminal over");
    if (ours < 0 && control_terminal(birth, master) < 0)
        return -1;
    close(slave);
    return close(master);
}
