/* Receiving a burst: see burst.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "port/burst.h"
#include "port/vnet.h"

enum { WANT_LEAST = 4, CALLS_MOST = 64, ROUNDS_MOST = 16, CONTROL_SIZE = 96, IOV_PARTS = 3 };

/* One burst's buffers and messages, on the stack of burst_rx. */
struct inbox {
    unsigned posted;
    struct packet *small[PORT_BATCH], *large[PORT_BATCH]; /* large: NULL if there was none */
    struct mmsghdr messages[PORT_BATCH];
    struct iovec parts[PORT_BATCH][IOV_PARTS];
    uint8_t headers[PORT_BATCH][VNET_HDR_SIZE];
    _Alignas(size_t) uint8_t controls[PORT_BATCH][CONTROL_SIZE];
};

static void describe(struct inbox *in, unsigned i, unsigned header, bool control)
{
    struct packet *small = in->small[i], *large = in->large[i];
    in->parts[i][0] = (struct iovec){in->headers[i], header};
    in->parts[i][1] = (struct iovec){small->data, PACKET_SMALL};
    in->parts[i][2] =
        (struct iovec){large ? large->data + PACKET_SMALL : NULL, large ? PACKET_LARGE - PACKET_SMALL : 0};
    in->messages[i] = (struct mmsghdr){.msg_hdr = {
                                           .msg_iov = in->parts[i],
                                           .msg_iovlen = IOV_PARTS,
                                           .msg_control = control ? in->controls[i] : NULL,
                                           .msg_controllen = control ? CONTROL_SIZE : 0,
                                       }};
}

static void post(struct inbox *in, const struct burst_port *b, struct packet_pool *pool, unsigned want)
{
    for (in->posted = 0; in->posted < want; in->posted++) {
        unsigned i = in->posted;
        in->small[i] = packet_new(pool, PACKET_SMALL);
        if (!in->small[i])
            return;
        in->large[i] = packet_new(pool, PACKET_LARGE);
        describe(in, i, b->header, b->io->ancillary != NULL);
    }
}

static void give_back(struct inbox *in)
{
    for (unsigned i = in->posted; i-- > 0;) { /* in reverse: the pool hands out the warmest first */
        packet_release(in->large[i]);
        packet_release(in->small[i]);
    }
}

/* The packet that holds message 'i' (taken out of the inbox), or NULL: counted as a drop. */
static struct packet *gather(struct burst_port *b, struct inbox *in, unsigned i)
{
    const struct mmsghdr *m = &in->messages[i];
    /* readv cuts without a word, so a message that fills everything counts as cut */
    uint32_t capacity = b->header + (in->large[i] ? PACKET_LARGE : PACKET_SMALL);
    if (m->msg_len < b->header) {
        port_rx_error(&b->port, VS_DROP_RX_OFFLOAD);
        return NULL;
    }
    if ((m->msg_hdr.msg_flags & MSG_TRUNC) || m->msg_len >= capacity) {
        port_rx_error(&b->port, in->large[i] ? VS_DROP_RX_TRUNCATED : VS_DROP_NO_BUFFER);
        return NULL;
    }
    uint32_t len = m->msg_len - b->header;
    struct packet **slot = len <= PACKET_SMALL ? &in->small[i] : &in->large[i], *p = *slot;
    if (len > PACKET_SMALL)
        memcpy(p->data, in->small[i]->data, PACKET_SMALL);
    p->len = len;
    *slot = NULL;
    return p;
}

static bool finish(struct burst_port *b, struct inbox *in, unsigned i, struct packet *p)
{
    int shift = b->io->ancillary ? b->io->ancillary(b, &in->messages[i].msg_hdr, p) : 0;
    if (shift < 0) {
        port_rx_error(&b->port, VS_DROP_RX_TRUNCATED);
        packet_release(p);
        return false;
    }
    if (b->header && p->len && !vnet_decode(p, in->headers[i], (uint32_t)shift)) {
        port_rx_error(&b->port, VS_DROP_RX_OFFLOAD);
        packet_release(p);
        return false;
    }
    return port_accept(&b->port, p);
}

/* After a failed receive: whether there is nothing more to read for now, or ever. */
static bool note_failure(struct burst_port *b, int error)
{
    switch (burst_judge(error)) {
    case BURST_AGAIN: return false;
    case BURST_REFUSED: /* a super-frame that virtio_net_hdr has no word for; the kernel dropped it */
        port_rx_error(&b->port, VS_DROP_RX_OFFLOAD);
        return false;
    case BURST_DOWN: /* told once, before what was received until then */
        if (!b->io->gone(b->port.fd))
            return false;
        /* fall through */
    case BURST_GONE: atomic_store_explicit(&b->port.dead, true, memory_order_release); return true;
    default: return true;
    }
}

/* No buffer at all: a waiting frame is lost, so that the descriptor does not stay readable for ever.
 * Whether there was none. */
static bool discard_one(struct burst_port *b)
{
    uint8_t scrap[64];
    bool lost = read(b->port.fd, scrap, sizeof scrap) >= 0;
    if (!lost && burst_judge(errno) != BURST_REFUSED) /* refused: too short for the header, and the frame is gone */
        return note_failure(b, errno);
    port_drop_frames(&b->port, VS_DROP_NO_BUFFER, 1);
    return false;
}

/* Receives until every message is filled or nothing waits ('drained').  The number filled. */
static unsigned fill(struct inbox *in, struct burst_port *b, bool *drained)
{
    unsigned received = 0;
    for (unsigned calls = 0; received < in->posted && !*drained && calls < CALLS_MOST; calls++) {
        int n = b->io->receive(b->port.fd, in->messages + received, in->posted - received);
        if (n > 0)
            received += (unsigned)n;
        else
            *drained = note_failure(b, n < 0 ? errno : EAGAIN);
    }
    return received;
}

static void adapt(struct burst_port *b, unsigned posted, unsigned received)
{
    if (received == posted)
        b->want = b->want * 2 < PORT_BATCH ? b->want * 2 : PORT_BATCH;
    else if (received < b->want / 4 && b->want > WANT_LEAST)
        b->want /= 2;
}

/* One round: posts up to 'want' messages; returns the packets that came of them. */
static unsigned receive_round(struct burst_port *b, struct packet_pool *pool, struct packet **out, unsigned want,
                              bool *drained)
{
    struct inbox in;
    unsigned n = 0;
    post(&in, b, pool, want);
    if (!in.posted) {
        *drained = discard_one(b);
        return 0;
    }
    unsigned received = fill(&in, b, drained);
    for (unsigned i = 0; i < received; i++) {
        struct packet *p = gather(b, &in, i);
        if (p && finish(b, &in, i, p))
            out[n++] = p;
    }
    adapt(b, in.posted, received);
    give_back(&in);
    return n;
}

/* Fewer than 'max' means that nothing waits (the poll loop's epoll is edge-triggered); a port that had to
 * leave off among broken frames asks to be polled again by 'always'. */
unsigned burst_rx(struct port *port, struct packet_pool *pool, struct packet **out, unsigned max)
{
    struct burst_port *b = (struct burst_port *)port;
    bool drained = atomic_load_explicit(&port->dead, memory_order_relaxed);
    unsigned n = 0;
    for (unsigned rounds = 0; !drained && n < max && rounds < ROUNDS_MOST; rounds++)
        n += receive_round(b, pool, out + n, max - n < b->want ? max - n : b->want, &drained);
    port->always = !drained && n < max;
    port_count_rx(port, out, n);
    return n;
}
