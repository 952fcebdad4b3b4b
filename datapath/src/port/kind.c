/* See kind.h. */
#include "port/kind.h"

#include <string.h>

#include "base/check.h"
#include "packet/checksum.h"

void *port_make(size_t size, const struct port_ops *ops, const vs_port_spec *spec, int fd)
{
    struct port *port = must_calloc(1, size);
    port->ops = ops;
    port->spec = *spec;
    port->fd = fd;
    atomic_init(&port->config, spec->config);
    atomic_init(&port->state, port_state_of(spec->config, spec->state));
    atomic_init(&port->mtu, spec->mtu);
    return port;
}

struct tally { uint64_t packets, bytes; };

/* Summed up first, so that the counters are touched once a batch. */
static struct tally tally(struct packet *const *packets, unsigned n)
{
    struct tally sum = {n, 0};
    for (unsigned i = 0; i < n; i++) {
        uint64_t pieces = 1, bytes = packets[i]->len;
        if (packets[i]->gso_type)
            gso_wire(packets[i], &pieces, &bytes);
        sum.packets += pieces - 1;
        sum.bytes += bytes;
    }
    return sum;
}

void port_count_rx(struct port *port, struct packet *const *packets, unsigned n)
{
    struct tally sum = tally(packets, n);
    port_count(&port->counters.rx_packets, sum.packets);
    port_count(&port->counters.rx_bytes, sum.bytes);
}

void port_count_tx(struct port *port, struct packet *const *packets, unsigned n)
{
    struct tally sum = tally(packets, n);
    port_count(&port->counters.tx_packets, sum.packets);
    port_count(&port->counters.tx_bytes, sum.bytes);
}

void port_rx_error(struct port *port, vs_drop reason)
{
    port_count(&port->counters.rx_errors, 1);
    port_drop_frames(port, reason, 1);
}

void port_tx_drop(struct port *port, vs_drop reason, const struct packet *p)
{
    port_drop(port, reason, p);
    if (reason == VS_DROP_TX_ERROR)
        port_count(&port->counters.tx_errors, gso_frames(p));
}

bool port_refuse_short(struct port *port, struct packet *p)
{
    port_rx_error(port, VS_DROP_RX_SHORT);
    packet_release(p);
    return false;
}

/* Bytes of tags that the MTU does not count. */
static uint32_t free_tags(const struct port *port, const struct packet *p)
{
    static const uint8_t customer[] = {ETH_P_8021Q >> 8, ETH_P_8021Q & 0xff};
    if (!port->one_tag || !p->layout.n_vlans)
        return p->layout.n_vlans * 4u;
    return memcmp(p->data + 2 * ETH_ALEN, customer, sizeof customer) ? 0 : 4;
}

bool port_fits(const struct port *port, const struct packet *p)
{
    uint64_t mtu = atomic_load_explicit(&port->mtu, memory_order_relaxed);
    uint32_t longest = p->gso_type ? (uint32_t)p->hdr_len + p->gso_size : p->len;
    return !mtu || longest <= ETH_HLEN + free_tags(port, p) + mtu;
}

/* A copy of 'p' with its checksum completed; other outputs may share 'p' itself. */
static unsigned complete_copy(struct port *port, const struct packet *p, struct packet **out)
{
    struct packet *copy = packet_copy(p);
    if (!copy) {
        port_tx_drop(port, VS_DROP_NO_BUFFER, p);
        return 0;
    }
    if (!checksum_complete(copy)) {
        port_tx_drop(port, VS_DROP_TX_ERROR, p);
        packet_release(copy);
        return 0;
    }
    *out = copy;
    return 1;
}

unsigned port_wire_frames(struct port *port, struct packet *p, struct packet **out)
{
    if (!port_fits(port, p)) {
        port_tx_drop(port, VS_DROP_MTU, p);
        return 0;
    }
    if (p->gso_type) {
        unsigned n = gso_segment(p, out, GSO_MAX_SEGMENTS);
        if (!n)
            port_tx_drop(port, gso_frames(p) > GSO_MAX_SEGMENTS ? VS_DROP_TX_ERROR : VS_DROP_NO_BUFFER, p);
        return n;
    }
    if (p->offload & PACKET_NEEDS_CSUM)
        return complete_copy(port, p, out);
    *out = packet_ref(p);
    return 1;
}
