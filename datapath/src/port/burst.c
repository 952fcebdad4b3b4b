/* What bursts in and out have in common: opening, closing, the meaning of an errno. */
#include "port/burst.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "port/vnet.h"

enum { WANT_FIRST = 4 };

static const struct {
    int error;
    enum burst_verdict verdict;
} verdicts[] = {
    {EINTR, BURST_AGAIN},       {EAGAIN, BURST_BUSY},       {ENOBUFS, BURST_BUSY},
    {ENOMEM, BURST_BUSY},       {ENETDOWN, BURST_DOWN},     {EIO, BURST_DOWN}, /* a TAP that is not up */
    {ENXIO, BURST_GONE},                                /* AF_PACKET: the interface was removed or moved away */
    {ENODEV, BURST_GONE},       {EBADFD, BURST_GONE},   /* a TAP whose interface was removed */
    {EBADF, BURST_GONE},        {ENOTSOCK, BURST_GONE}, /* not a descriptor of this kind at all */
    {ECONNREFUSED, BURST_GONE}, {ECONNRESET, BURST_GONE},   {EPIPE, BURST_GONE},
    {EINVAL, BURST_REFUSED},    {EMSGSIZE, BURST_TOO_LONG},
};

enum burst_verdict burst_judge(int error)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (verdicts[i].error == error)
            return verdicts[i].verdict;
    return BURST_ERROR;
}

struct port *burst_open(const struct port_ops *ops, const struct burst_io *io, const vs_port_spec *spec, int fd,
                        vs_error *error)
{
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) {
        if (flags >= 0)
            close(fd);
        error_set(error, -EBADF,
                  "port %.*s: no usable file descriptor came with it: send a %s descriptor beside the command",
                  VS_NAME_MAX, spec->name, ops->name);
        return NULL;
    }
    struct burst_port *b = port_make(sizeof *b, ops, spec, fd);
    b->io = io;
    b->header = spec->flags & VS_PORT_VNET_HDR ? VNET_HDR_SIZE : 0;
    b->want = WANT_FIRST;
    return &b->port;
}

void burst_close(struct port *port)
{
    close(port->fd);
    free(port);
}
