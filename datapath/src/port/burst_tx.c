/* Sending a burst: see burst.h. */
#include <errno.h>
#include <sched.h>

#include "packet/gso.h"
#include "port/burst.h"
#include "port/vnet.h"

enum { BUSY_TRIES = 4 };

/* Packets on their way to the descriptor; holds a reference to each. */
struct outbox {
    struct burst_port *b;
    unsigned n;
    struct packet *packets[PORT_BATCH];
    struct mmsghdr messages[PORT_BATCH];
    struct iovec parts[PORT_BATCH][2];
    uint8_t headers[PORT_BATCH][VNET_HDR_SIZE];
};

static void send_plain(struct burst_port *b, struct packet *p);

static void drop(struct outbox *box, unsigned from, unsigned to, vs_drop reason)
{
    for (unsigned i = from; i < to; i++)
        port_tx_drop(&box->b->port, reason, box->packets[i]);
}

/* The descriptor refused packet 'i': go on behind it, or give the whole burst up. Returns the next to send. */
static unsigned after_error(struct outbox *box, unsigned i, int error)
{
    struct burst_port *b = box->b;
    struct packet *p = box->packets[i];
    switch (burst_judge(error)) {
    case BURST_BUSY: drop(box, i, box->n, VS_DROP_TX_FULL); return box->n;
    case BURST_GONE:
        atomic_store_explicit(&b->port.dead, true, memory_order_release);
        /* fall through */
    case BURST_DOWN: drop(box, i, box->n, VS_DROP_OUTPUT_DOWN); return box->n;
    case BURST_TOO_LONG: drop(box, i, i + 1, VS_DROP_MTU); return i + 1;
    case BURST_REFUSED:
        if (p->gso_type) { /* an older kernel that doesn't know this kind of super-frame */
            send_plain(b, p);
            return i + 1;
        }
        /* fall through */
    default: drop(box, i, i + 1, VS_DROP_TX_ERROR); return i + 1;
    }
}

static void flush(struct outbox *box)
{
    unsigned tries = 0;
    for (unsigned i = 0; i < box->n;) {
        int sent = box->b->io->send(box->b->port.fd, box->messages + i, box->n - i);
        int error = sent > 0 ? 0 : sent < 0 ? errno : EAGAIN;
        if (!error) {
            port_count_tx(&box->b->port, box->packets + i, (unsigned)sent);
            i += (unsigned)sent;
            tries = 0;
        } else if (burst_judge(error) <= BURST_BUSY && burst_judge(error) != BURST_ERROR && ++tries < BUSY_TRIES) {
            sched_yield(); /* the receiver's softirq may be waiting for this core */
        } else {
            i = after_error(box, i, error);
        }
    }
    for (unsigned i = 0; i < box->n; i++)
        packet_release(box->packets[i]);
    box->n = 0;
}

/* Takes over one reference to 'p', whose header is in its place already. */
static void add(struct outbox *box, struct packet *p)
{
    unsigned i = box->n++;
    box->packets[i] = p;
    box->parts[i][0] = (struct iovec){box->headers[i], box->b->header};
    box->parts[i][1] = (struct iovec){p->data, p->len};
    box->messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = box->parts[i], .msg_iovlen = 2}};
    if (box->n == PORT_BATCH)
        flush(box);
}

/* 'p' as the finished frames that it stands for. */
static void send_plain(struct burst_port *b, struct packet *p)
{
    struct packet *frames[GSO_MAX_SEGMENTS];
    struct outbox box = {.b = b, .n = 0};
    unsigned count = port_wire_frames(&b->port, p, frames);
    for (unsigned i = 0; i < count; i++) {
        vnet_encode(frames[i], box.headers[box.n]);
        add(&box, frames[i]);
    }
    flush(&box);
}

void burst_tx(struct port *port, struct packet *const *packets, unsigned n)
{
    struct outbox box;
    box.b = (struct burst_port *)port;
    box.n = 0;
    for (unsigned i = 0; i < n; i++) {
        struct packet *p = packets[i];
        if (!port_fits(port, p)) {
            port_tx_drop(port, VS_DROP_MTU, p);
        } else if (box.b->header ? vnet_encode(p, box.headers[box.n])
                                 : !p->gso_type && !(p->offload & PACKET_NEEDS_CSUM)) {
            add(&box, packet_ref(p));
        } else {
            flush(&box); /* order within a flow is kept */
            send_plain(box.b, p);
        }
    }
    flush(&box);
}
