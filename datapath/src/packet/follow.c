/* See follow.h: differences (RFC 1624) into the checksums that cover them. */
#include "packet/follow.h"
#include "packet/checksum.h"
#include "packet/wire.h"

/* Where a protocol's checksum lies in its header (0: nowhere), and over which network headers it covers a pseudo
 * header. */
enum { OVER_IPV4 = 1 << L3_IPV4, OVER_IPV6 = 1 << L3_IPV6, OVER_BOTH = OVER_IPV4 | OVER_IPV6 };
static const struct transport {
    uint8_t csum, pseudo;
} transports[256] = {
    [PROTO_TCP] = {offsetof(struct tcp_header, csum), OVER_BOTH},
    [PROTO_UDP] = {offsetof(struct udp_header, csum), OVER_BOTH},
    [PROTO_UDPLITE] = {offsetof(struct udp_header, csum), OVER_BOTH},
    [PROTO_DCCP] = {6, OVER_BOTH},
    [PROTO_ICMP] = {offsetof(struct icmp_header, csum), 0},
    [PROTO_ICMPV6] = {offsetof(struct icmp_header, csum), OVER_IPV6},
};

bool checksum_is_open(const struct packet *p)
{
    return p->offload & PACKET_NEEDS_CSUM && p->csum_start == p->layout.l4;
}

static void field_follow(uint8_t *field, struct change c, uint16_t inverted)
{
    uint16_t sum;

    memcpy(&sum, field, 2);
    sum = (uint16_t)(checksum_update(sum ^ inverted, c.old, c.new, c.n) ^ inverted);
    memcpy(field, &sum, 2);
}

void ipv4_follow(struct packet *p, struct change c)
{
    struct ipv4_header *ip = packet_at(p, p->layout.l3, sizeof *ip);

    if (p->layout.kind == L3_IPV4 && ip)
        field_follow((uint8_t *)&ip->csum, c, 0);
}

static void complete_follow(struct packet *p, struct change c)
{
    uint8_t proto = p->layout.ip_proto;
    uint8_t *field = packet_at(p, (uint32_t)p->layout.l4 + transports[proto].csum, 2);
    bool zero_is_none = proto == PROTO_UDP || proto == PROTO_UDPLITE;

    if (!transports[proto].csum || !field || (zero_is_none && !field[0] && !field[1]))
        return;
    field_follow(field, c, 0);
    if (zero_is_none && !field[0] && !field[1])
        memset(field, 0xff, 2);
}

void transport_follow(struct packet *p, struct change c)
{
    if (p->layout.l4 && !checksum_is_open(p))
        complete_follow(p, c);
}

void pseudo_follow(struct packet *p, struct change c)
{
    uint8_t *field;

    if (!p->layout.l4)
        return;
    if (checksum_is_open(p)) {
        field = packet_at(p, (uint32_t)p->csum_start + p->csum_offset, 2);
        if (field)
            field_follow(field, c, 0xffff);
    } else if (transports[p->layout.ip_proto].pseudo >> p->layout.kind & 1) {
        complete_follow(p, c);
    }
}
