/* TAP ports: the descriptor of a TAP interface, whose other side is a container's or the host's own stack.
 *
 * The descriptor comes ready from datapath.kernel: IFF_TAP, IFF_NO_PI, IFF_VNET_HDR with a 10 byte
 * header, offloads on.  A TAP knows no bursts, so one call moves one frame; VLAN tags
 * stay in the frame.
 */
#include <errno.h>
#include <sys/uio.h>

#include "port/burst.h"

static int receive(int fd, struct mmsghdr *messages, unsigned n)
{
    (void)n;
    ssize_t size = readv(fd, messages->msg_hdr.msg_iov, (int)messages->msg_hdr.msg_iovlen);
    messages->msg_len = size < 0 ? 0 : (unsigned)size;
    return size < 0 ? -1 : 1;
}

static int send_one(int fd, struct mmsghdr *messages, unsigned n)
{
    (void)n;
    return writev(fd, messages->msg_hdr.msg_iov, (int)messages->msg_hdr.msg_iovlen) < 0 ? -1 : 1;
}

/* A removed TAP says EBADFD, never that it is down. */
static bool gone(int fd)
{
    (void)fd;
    return false;
}

static const struct burst_io tap_io = {.receive = receive, .send = send_one, .gone = gone};

static struct port *tap_open(const vs_port_spec *spec, int fd, vs_error *error)
{
    return burst_open(&port_tap, &tap_io, spec, fd, error);
}

const struct port_ops port_tap = {
    .name = "tap", .open = tap_open, .close = burst_close, .rx = burst_rx, .tx = burst_tx};
