/*
 * The last look before the command may run: is every file system that we made still where the plan
 * put it? Who owns the root's files may have moved one meanwhile; its masks went with it, so nothing
 * is open, but a container whose /proc or /dev is somebody's folder must not be born (S29, S32).
 */
#include "path.h"

#include <errno.h>
#include <unistd.h>

static bool is_ours(const struct birth *birth, uint64_t id)
{
    for (unsigned i = 0; i < birth->n_mounts; i++)
        if (path_mount(birth->mount[i].fd) == id)
            return true;
    return false;
}

/* A path through links may have led to a place that another mount of ours covers. */
static bool is_in_place(const struct birth *birth, const struct mounted *mount)
{
    int place = path_open(birth, mount->path, mount->follow);
    if (place < 0)
        return false;
    uint64_t there = path_mount(place), made = path_mount(mount->fd);
    close(place);
    return there && (there == made || (mount->follow && is_ours(birth, there)));
}

/* verify() */
int step_verify(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    for (unsigned i = 0; i < birth->n_mounts; i++)
        if (!is_in_place(birth, &birth->mount[i])) {
            errno = ESTALE;
            return failed(birth, "finding %s again where it was mounted", birth->mount[i].path);
        }
    return 0;
}
