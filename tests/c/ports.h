/* What the port tests share: a port to test, offload headers, a super-frame. */
#pragma once
#include <linux/virtio_net.h>
#include "check.h"
#include "frames.h"
#include "packet/gso.h"
#include "port/port.h"

static inline uint64_t counted(_Atomic uint64_t *counter) { return atomic_load(counter); }
static inline uint64_t dropped(struct port *port, vs_drop reason) { return counted(&port->counters.drops[reason]); }

static inline vs_port_spec spec_of(vs_port_kind kind)
{
    vs_port_spec spec = {.number = 7, .kind = kind, .flags = VS_PORT_VNET_HDR, .name = "p7"};
    return spec;
}

/* A TCP (6) or UDP (17) frame with 'payload' bytes and an open checksum. */
static inline void super_frame(struct frame *f, uint8_t proto, bool ipv6, uint32_t payload)
{
    frame_ethernet(f, 0);
    if (ipv6)
        frame_ipv6(f, proto);
    else
        frame_ipv4(f, proto, 0);
    frame_transport(f, payload);
    frame_finish(f, true);
}

/* The header a kernel puts before it. */
static inline struct virtio_net_hdr super_header(const struct frame *f, uint8_t gso_type, uint16_t gso_size)
{
    return (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = gso_type,
        .hdr_len = 1, /* a hint, and often wrong */
        .gso_size = gso_size,
        .csum_start = (uint16_t)f->l4,
        .csum_offset = (uint16_t)slow_offset(f->proto),
    };
}

/* The super-frame 'f' of 'gso_size' payload bytes a piece, as a packet. */
static inline struct packet *super_packet(struct frame *f, struct packet_pool *pool, uint8_t gso_type,
                                          uint16_t gso_size)
{
    struct packet *p = frame_packet_open(f, pool);
    p->gso_type = gso_type;
    p->gso_size = gso_size;
    p->hdr_len = (uint16_t)(f->l4 + (f->proto == 6 ? 32 : 8));
    return p;
}

static inline void release_all(struct packet **packets, unsigned n)
{
    while (n)
        packet_release(packets[--n]);
}
