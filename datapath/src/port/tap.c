/* TAP ports: the descriptor of a TAP interface, whose other side is a container's or the host's own stack.
 *
 * The descriptor comes ready from datapath.kernel: IFF_TAP, IFF_NO_PI, IFF_VNET_HDR with a 10 byte
 * header, offloads on.  A TAP knows no bursts, so its system calls are loops over
 * readv and writev; the interface keeps VLAN tags in the frame.
 */
#include <errno.h>
#include <sys/uio.h>

#include "port/burst.h"

/* Calls 'move' for each message until one fails; as sendmmsg(2), an error counts only if it is the first. */
static int each(int fd, struct mmsghdr *messages, unsigned n, ssize_t (*move)(int, const struct iovec *, int))
{
    for (unsigned i = 0; i < n; i++) {
        ssize_t size = move(fd, messages[i].msg_hdr.msg_iov, (int)messages[i].msg_hdr.msg_iovlen);
        if (size < 0)
            return i ? (int)i : -1;
        messages[i].msg_len = (unsigned)size;
    }
    return (int)n;
}

static int receive(int fd, struct mmsghdr *messages, unsigned n)
{
    return each(fd, messages, n, readv);
}

static int send_burst(int fd, struct mmsghdr *messages, unsigned n)
{
    return each(fd, messages, n, writev);
}

/* A removed TAP says EBADFD, never that it is down. */
static bool gone(int fd)
{
    (void)fd;
    return false;
}

static const struct burst_io tap_io = { .receive = receive, .send = send_burst, .gone = gone };

static struct port *tap_open(const vs_port_spec *spec, int fd, vs_error *error)
{
    return burst_open(&port_tap, &tap_io, spec, fd, error);
}

const struct port_ops port_tap = { .name = "tap", .open = tap_open, .close = burst_close, .rx = burst_rx, .tx = burst_tx };
