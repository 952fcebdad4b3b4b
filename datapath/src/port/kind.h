/* What the kinds of port share among themselves; nobody outside src/port needs it.
 *
 * A kind receives by filling packets and passing each through port_accept(), and sends by
 * asking port_fits() and, where the other side takes no super-frames or open checksums,
 * port_wire_frames().  Whatever fails is counted here under a named reason.
 */
#pragma once
#include <linux/if_ether.h>

#include "port/port.h"

/* A zeroed port of 'size' bytes (struct port first) that owns 'fd' now. */
void *port_make(size_t size, const struct port_ops *ops, const vs_port_spec *spec, int fd);

/* Counts packets in or out, a super-frame as the frames it stands for. */
void port_count_rx(struct port *, struct packet *const *packets, unsigned n);
void port_count_tx(struct port *, struct packet *const *packets, unsigned n);
/* A frame or header that could not be what it claims to be: a drop and an error of the port. */
void port_rx_error(struct port *, vs_drop reason);
/* A packet that could not be sent, counted as the frames it stands for; TX_ERROR is an error of the port too. */
void port_tx_drop(struct port *, vs_drop reason, const struct packet *);

/* A frame without a whole Ethernet header ends here.  False, for port_accept to return. */
bool port_refuse_short(struct port *, struct packet *);
/* Whether a received frame has an Ethernet header; it gets its in_port then.  False: it was counted as a drop and
 * released.  What an rx returns in the end is counted by port_count_rx. */
static inline bool port_accept(struct port *port, struct packet *p)
{
    if (p->len < ETH_HLEN)
        return port_refuse_short(port, p);
    p->in_port = port->spec.number;
    return true;
}

/* Every frame that 'p' (layout current) stands for keeps to the port's MTU, which counts all behind Ethernet header and
 * VLAN tags: labels and backbone headers too. */
bool port_fits(const struct port *, const struct packet *p);
/* The frames that 'p' (layout current) stands for as they look on a wire, checksums complete, each with one
 * reference for the caller; at most GSO_MAX_SEGMENTS.  0: counted as a drop. */
unsigned port_wire_frames(struct port *, struct packet *p, struct packet **out);
