/* Random packets of few values, which rules of messages.h can tell apart: tags, labels, backbone headers, IP, ARP, ND.
 *
 * Checksums are nonsense: edits carry on from whatever is there.
 */
#pragma once
#include "messages.h"

struct traffic {
    size_t n;
    uint8_t bytes[320];
};

static inline uint8_t *traffic_more(struct traffic *t, size_t n)
{
    uint8_t *at = t->bytes + t->n;
    memset(at, 0, n);
    t->n += n;
    return at;
}

/* One of a field's few values, or rarely another. */
static inline void traffic_value(uint8_t *at, unsigned field)
{
    field_value(at, field, dice(oxm_shapes[field].values));
    if (!dice(16))
        at[dice(oxm_shapes[field].bytes)] ^= (uint8_t)(1 << dice(8));
}

static inline void traffic_port(uint8_t *at) { wire16(at, dice(16) ? dice(3) : dice_bits()); }

static inline void traffic_transport(struct traffic *t, unsigned proto)
{
    uint8_t *at = traffic_more(t, proto == 6 ? 20 : proto == 132 ? 12 : 8);
    traffic_port(at);
    traffic_port(at + 2);
    if (proto == 6)
        at[12] = 0x50;
    if (proto == 1) {
        at[0] = (uint8_t)dice(3);
        at[1] = (uint8_t)dice(3);
    }
    traffic_more(t, dice(4));
}

static inline void traffic_ipv4(struct traffic *t)
{
    static const uint8_t protos[] = {1, 6, 6, 17, 132, 47};
    size_t start = t->n;
    uint8_t *ip = traffic_more(t, 20), proto = ONE_OF(protos);
    ip[0] = 0x45;
    ip[1] = (uint8_t)(dice(3) << 2 | dice(3));
    wire16(ip + 6, dice(8) ? 0 : dice(2) ? 0x2000 : 3);
    ip[8] = (uint8_t)(dice(6) ? 64 : dice(3));
    ip[9] = proto;
    traffic_value(ip + 12, OXM_IPV4_SRC);
    traffic_value(ip + 16, OXM_IPV4_DST);
    traffic_transport(t, proto);
    wire16(t->bytes + start + 2, (uint32_t)(t->n - start));
}

static inline void traffic_nd(struct traffic *t)
{
    uint8_t *nd = traffic_more(t, 32);
    nd[0] = (uint8_t)(135 + dice(2));
    traffic_value(nd + 8, OXM_ND_TARGET);
    nd[24] = (uint8_t)(1 + dice(2));
    nd[25] = 1;
    traffic_value(nd + 26, OXM_ND_SLL);
}

static inline void traffic_ipv6(struct traffic *t)
{
    static const uint8_t protos[] = {6, 17, 58, 58};
    size_t start = t->n;
    uint8_t *ip = traffic_more(t, 40), proto = ONE_OF(protos);
    ip[0] = 0x60;
    ip[3] = (uint8_t)dice(3);
    ip[6] = proto;
    ip[7] = (uint8_t)(dice(6) ? 64 : dice(3));
    traffic_value(ip + 8, OXM_IPV6_SRC);
    traffic_value(ip + 24, OXM_IPV6_DST);
    if (!dice(4)) {
        ip[6] = 0;
        traffic_more(t, 8)[0] = proto;
    }
    if (proto == 58)
        traffic_nd(t);
    else
        traffic_transport(t, proto);
    wire16(t->bytes + start + 4, (uint32_t)(t->n - start - 40));
}

static inline void traffic_arp(struct traffic *t)
{
    uint8_t *arp = traffic_more(t, 28);
    memcpy(arp, (uint8_t[]){0, 1, 8, 0, 6, 4}, 6);
    wire16(arp + 6, dice(3));
    traffic_value(arp + 8, OXM_ARP_SHA);
    traffic_value(arp + 14, OXM_ARP_SPA);
    traffic_value(arp + 18, OXM_ARP_THA);
    traffic_value(arp + 24, OXM_ARP_TPA);
}

static inline void traffic_labels(struct traffic *t)
{
    for (uint32_t left = 1 + dice(3); left; left--)
        wire32(traffic_more(t, 4),
               dice(3) << 12 | dice(3) << 9 | (uint32_t)(left == 1) << 8 | (dice(6) ? 64 : dice(3)));
    if (dice(2))
        traffic_ipv4(t);
    else
        traffic_ipv6(t);
}

static inline void traffic_addresses(struct traffic *t)
{
    uint8_t *at = traffic_more(t, 12);
    traffic_value(at, OXM_ETH_DST);
    traffic_value(at + 6, OXM_ETH_SRC);
}

static inline void traffic_tag(struct traffic *t)
{
    uint8_t *at = traffic_more(t, 4);
    wire16(at, dice(2) ? 0x8100 : 0x88a8);
    wire16(at + 2, dice(3) << 13 | dice(3));
}

static inline void traffic_plain(struct traffic *t)
{
    static const uint16_t types[] = {0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8847, 0x8847, 0x8848, 0x88b5};
    uint16_t type = ONE_OF(types);
    for (uint32_t tags = dice(2) ? 0 : dice(4); tags; tags--)
        traffic_tag(t);
    wire16(traffic_more(t, 2), type);
    switch (type) {
    case 0x0800: traffic_ipv4(t); break;
    case 0x86dd: traffic_ipv6(t); break;
    case 0x0806: traffic_arp(t); break;
    case 0x8847:
    case 0x8848: traffic_labels(t); break;
    default: traffic_more(t, 8);
    }
}

/* One packet of 14 to some 200 bytes; a few are cut short, a few have a bit turned. */
static inline void random_packet(struct traffic *t)
{
    t->n = 0;
    traffic_addresses(t);
    if (!dice(8)) {
        wire16(traffic_more(t, 2), 0x88e7);
        traffic_more(t, 4)[3] = (uint8_t)dice(3);
        traffic_addresses(t);
    }
    traffic_plain(t);
    if (!dice(24))
        t->n = 14 + dice((uint32_t)t->n - 13);
    if (!dice(24))
        t->bytes[dice((uint32_t)t->n)] ^= (uint8_t)(1 << dice(8));
}
