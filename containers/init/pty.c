/* See pty.h. */
#include "pty.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

enum { DEVPTS_MAGIC = 0x1cd1, PTMX_MAJOR = 5, PTMX_MINOR = 2 };

int pty_open(const struct birth *birth)
{
    struct stat about;
    struct statfs where;
    int master = path_use(birth, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
    if (master < 0 || fstat(master, &about) < 0 || fstatfs(master, &where) < 0)
        return -1;
    if (where.f_type != DEVPTS_MAGIC || about.st_rdev != makedev(PTMX_MAJOR, PTMX_MINOR)) {
        errno = ENODEV;
        return -1;
    }
    return master;
}

int pty_peer(int master)
{
    int unlocked = 0;
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
        return -1;
    return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}
