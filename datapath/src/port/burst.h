/* Bursts of frames between packets and a descriptor: what AF_PACKET sockets and TAPs share.
 *
 * Theory of operation.  Both descriptors move one frame a message with a virtio_net_hdr in
 * front, so one piece of code serves both; a kind brings only its system calls.
 *
 * Receiving posts, for each message, a small buffer followed by the tail of a large one.
 * A frame that fits is handed on in the small buffer; a super-frame has spilled into the
 * large one, its first PACKET_SMALL bytes are copied in front, and it goes on there.  So no
 * frame costs a large buffer unless it is large, and a super-frame is copied once by the
 * kernel and hardly again by us.  Buffers that stayed empty go back at once: an idle
 * port holds none.  How many messages are posted follows what the last bursts brought.
 *
 * Sending writes each packet from where it lies.  A full queue is tried again a few times,
 * yielding to whoever drains it; what the descriptor can't take as a super-frame goes
 * as the frames it stands for.
 *
 * All of it runs on the poll thread that owns the port; nothing here blocks.
 */
#pragma once
#include <sys/socket.h>

#include "port/kind.h"

struct burst_port;
struct burst_io {
    /* As recvmmsg(2) and sendmmsg(2) without blocking: messages moved (one at least), or -1 with errno. */
    int (*receive)(int fd, struct mmsghdr *messages, unsigned n);
    int (*send)(int fd, struct mmsghdr *messages, unsigned n);
    /* After an error of the network: the interface is gone for good (not just down). */
    bool (*gone)(int fd);
    /* Reads what came beside a frame (VLAN tag, losses); NULL: nothing comes beside it.
     * Returns the bytes put back in front of the frame; may lose the frame by returning -1. */
    int (*ancillary)(struct burst_port *, struct msghdr *, struct packet *);
};

struct burst_port {
    struct port port;
    const struct burst_io *io;
    unsigned header; /* bytes of virtio_net_hdr before each frame: 10 or 0 */
    unsigned want;   /* messages to post next time */
    uint32_t lost;   /* frames that the kernel had dropped when last told */
};

/* Opens a port of 'ops' on 'fd' (owned from here on) that must be non-blocking. */
struct port *burst_open(const struct port_ops *ops, const struct burst_io *io, const vs_port_spec *spec, int fd,
                        vs_error *error);
/* Of struct port_ops, for kinds that begin with struct burst. */
void burst_close(struct port *);
unsigned burst_rx(struct port *, struct packet_pool *, struct packet **out, unsigned max);
void burst_tx(struct port *, struct packet *const *packets, unsigned n);

/* What an errno of a descriptor means for its port. */
enum burst_verdict { BURST_ERROR, BURST_AGAIN, BURST_BUSY, BURST_DOWN, BURST_GONE, BURST_REFUSED, BURST_TOO_LONG };
enum burst_verdict burst_judge(int error);
