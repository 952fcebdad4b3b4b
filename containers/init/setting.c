/*
 * Settings of the container's own namespaces, in the /proc/sys that we have mounted: before that
 * becomes read-only, and by the path's own mount, so never the machine's.
 */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* setting(path, text): what this kernel doesn't have stays away. */
int step_setting(struct birth *birth, const struct arg *arg)
{
    const char *path = arg[0].text, *text = arg[1].text;
    int file = path_use(birth, path, O_WRONLY);
    if (file < 0 && errno == ENOENT && path_is_own(birth, path))
        return 0;
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text))
        return failed(birth, "writing %s", path);
    return close(file);
}
