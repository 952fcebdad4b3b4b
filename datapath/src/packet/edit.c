/* Theory of operation.  A row of 'places' says where a field lies, which header must be there,
 * and which checksums cover it; edit_set() composes the new bytes, stores them, and lets the
 * checksums follow (follow.h).
 *
 * An IPv6 packet with a routing header that has segments left is summed with its final
 * destination (RFC 8200, 8.1), so its present one may change freely.
 */
#include "packet/edit.h"
#include "packet/checksum.h"
#include "packet/follow.h"
#include "packet/parse.h"
#include "packet/span.h"

/* ---- where fields lie ------------------------------------------------- */

enum base { AT_FRAME, AT_TYPE, AT_TAG, AT_L3, AT_L4, AT_ND_TARGET, AT_ND_SLL, AT_ND_TLL };
enum cover { BY_NONE = 0, BY_IPV4 = 1, BY_PSEUDO = 2, BY_TRANSPORT = 4 };

/* A field of whole bytes (bits == 0: 'size' bytes are the value), or 'bits' bits above 'shift' in a
 * big-endian word of 'size' bytes, given by a value of 'value' bytes. */
struct place {
    uint8_t kind, proto; /* what the layout must say, 0 = anything */
    uint8_t base, offset, size, cover;
    uint8_t bits, shift, value;
    bool there;
};

#define BYTES(kind, proto, base, type, member, cover)                                                                  \
    {kind, proto, base, offsetof(struct type, member), sizeof(((struct type *)0)->member), cover, 0, 0, 0, true}
#define BITS(kind, proto, base, offset, size, cover, bits, shift, value)                                               \
    {kind, proto, base, offset, size, cover, bits, shift, value, true}

static const struct place places[EDIT_LIMIT] = {
    [EDIT_ETH_DST] = BYTES(0, 0, AT_FRAME, eth_header, dst, BY_NONE),
    [EDIT_ETH_SRC] = BYTES(0, 0, AT_FRAME, eth_header, src, BY_NONE),
    [EDIT_ETH_TYPE] = {0, 0, AT_TYPE, 0, 2, BY_NONE, 0, 0, 0, true},
    [EDIT_VLAN_VID] = BITS(0, 0, AT_TAG, 0, 2, BY_NONE, 12, 0, 2),
    [EDIT_VLAN_PCP] = BITS(0, 0, AT_TAG, 0, 2, BY_NONE, 3, VLAN_PCP_SHIFT, 1),
    [EDIT_IP_DSCP] = BITS(L3_IPV4, 0, AT_L3, 0, 2, BY_IPV4, 6, 2, 1),
    [EDIT_IP_ECN] = BITS(L3_IPV4, 0, AT_L3, 0, 2, BY_IPV4, 2, 0, 1),
    [EDIT_IP_PROTO] = BITS(L3_IPV4, 0, AT_L3, offsetof(struct ipv4_header, ttl), 2, BY_IPV4 | BY_PSEUDO, 8, 0, 1),
    [EDIT_IPV4_SRC] = BYTES(L3_IPV4, 0, AT_L3, ipv4_header, src, BY_IPV4 | BY_PSEUDO),
    [EDIT_IPV4_DST] = BYTES(L3_IPV4, 0, AT_L3, ipv4_header, dst, BY_IPV4 | BY_PSEUDO),
    [EDIT_TCP_SRC] = BYTES(0, PROTO_TCP, AT_L4, tcp_header, src, BY_TRANSPORT),
    [EDIT_TCP_DST] = BYTES(0, PROTO_TCP, AT_L4, tcp_header, dst, BY_TRANSPORT),
    [EDIT_UDP_SRC] = BYTES(0, PROTO_UDP, AT_L4, udp_header, src, BY_TRANSPORT),
    [EDIT_UDP_DST] = BYTES(0, PROTO_UDP, AT_L4, udp_header, dst, BY_TRANSPORT),
    [EDIT_SCTP_SRC] = BYTES(0, PROTO_SCTP, AT_L4, sctp_header, src, BY_NONE),
    [EDIT_SCTP_DST] = BYTES(0, PROTO_SCTP, AT_L4, sctp_header, dst, BY_NONE),
    [EDIT_ICMPV4_TYPE] = BITS(L3_IPV4, PROTO_ICMP, AT_L4, 0, 2, BY_TRANSPORT, 8, 8, 1),
    [EDIT_ICMPV4_CODE] = BITS(L3_IPV4, PROTO_ICMP, AT_L4, 0, 2, BY_TRANSPORT, 8, 0, 1),
    [EDIT_ARP_OP] = BYTES(L3_ARP, 0, AT_L3, arp_header, op, BY_NONE),
    [EDIT_ARP_SPA] = BYTES(L3_ARP, 0, AT_L3, arp_header, spa, BY_NONE),
    [EDIT_ARP_TPA] = BYTES(L3_ARP, 0, AT_L3, arp_header, tpa, BY_NONE),
    [EDIT_ARP_SHA] = BYTES(L3_ARP, 0, AT_L3, arp_header, sha, BY_NONE),
    [EDIT_ARP_THA] = BYTES(L3_ARP, 0, AT_L3, arp_header, tha, BY_NONE),
    [EDIT_IPV6_SRC] = BYTES(L3_IPV6, 0, AT_L3, ipv6_header, src, BY_PSEUDO),
    [EDIT_IPV6_DST] = BYTES(L3_IPV6, 0, AT_L3, ipv6_header, dst, BY_PSEUDO),
    [EDIT_IPV6_FLABEL] = BITS(L3_IPV6, 0, AT_L3, 0, 4, BY_NONE, 20, 0, 4),
    [EDIT_ICMPV6_TYPE] = BITS(L3_IPV6, PROTO_ICMPV6, AT_L4, 0, 2, BY_TRANSPORT, 8, 8, 1),
    [EDIT_ICMPV6_CODE] = BITS(L3_IPV6, PROTO_ICMPV6, AT_L4, 0, 2, BY_TRANSPORT, 8, 0, 1),
    [EDIT_ND_TARGET] = {L3_IPV6, PROTO_ICMPV6, AT_ND_TARGET, 0, 16, BY_TRANSPORT, 0, 0, 0, true},
    [EDIT_ND_SLL] = {L3_IPV6, PROTO_ICMPV6, AT_ND_SLL, 0, 6, BY_TRANSPORT, 0, 0, 0, true},
    [EDIT_ND_TLL] = {L3_IPV6, PROTO_ICMPV6, AT_ND_TLL, 0, 6, BY_TRANSPORT, 0, 0, 0, true},
    [EDIT_MPLS_LABEL] = BITS(L3_MPLS, 0, AT_L3, 0, 4, BY_NONE, 20, MPLS_LABEL_SHIFT, 4),
    [EDIT_MPLS_TC] = BITS(L3_MPLS, 0, AT_L3, 0, 4, BY_NONE, 3, MPLS_TC_SHIFT, 1),
    [EDIT_MPLS_BOS] = BITS(L3_MPLS, 0, AT_L3, 0, 4, BY_NONE, 1, MPLS_BOS_SHIFT, 1),
    [EDIT_PBB_ISID] = {L3_PBB, 0, AT_L3, 1, 3, BY_NONE, 0, 0, 0, true},
};

/* Where IPv6 has a field of another layout than IPv4; both are one OpenFlow field. */
static const struct place places_ipv6[EDIT_LIMIT] = {
    [EDIT_IP_DSCP] = BITS(L3_IPV6, 0, AT_L3, 0, 4, BY_NONE, 6, 22, 1),
    [EDIT_IP_ECN] = BITS(L3_IPV6, 0, AT_L3, 0, 4, BY_NONE, 2, 20, 1),
};

static const struct place *place_of(const struct packet *p, enum edit_field field)
{
    const struct place *six = &places_ipv6[field];

    return p->layout.kind == L3_IPV6 && six->there ? six : &places[field];
}

/* The type behind all tags, or that in a SNAP header; 0: the frame has a length there. */
static uint32_t type_of(const struct packet *p)
{
    uint32_t at = (uint32_t)offsetof(struct eth_header, type) + (uint32_t)sizeof(struct vlan_tag) * p->layout.n_vlans;
    const be16 *type = packet_at(p, at, sizeof *type);

    if (!type || p->layout.eth_type == LAYOUT_NO_TYPE)
        return 0;
    return ntohs(*type) < ETH_TYPE_MIN ? at + 2 + (uint32_t)offsetof(struct snap_header, type) : at;
}

/* Where 'base' is in 'p', 0 = not there (and of the frame). */
static uint32_t base_of(const struct packet *p, enum base base)
{
    const struct layout *l = &p->layout;

    switch (base) {
    case AT_TYPE: return type_of(p);
    case AT_TAG: return l->n_vlans ? sizeof(struct eth_header) : 0;
    case AT_L3: return l->l3;
    case AT_L4: return l->l4;
    case AT_ND_TARGET: return l->nd_target;
    case AT_ND_SLL: return l->nd_sll;
    case AT_ND_TLL: return l->nd_tll;
    default: return 0;
    }
}

/* The field's bytes in 'p', or NULL: this packet has no such field. */
static uint8_t *place_find(const struct packet *p, const struct place *at)
{
    const struct layout *l = &p->layout;
    uint32_t base = base_of(p, at->base);

    if ((at->kind && at->kind != l->kind) || (at->proto && at->proto != l->ip_proto))
        return NULL;
    return base || at->base == AT_FRAME ? packet_at(p, base + at->offset, at->size) : NULL;
}

/* ---- set-field -------------------------------------------------------- */

static uint32_t big_endian(const uint8_t *bytes, size_t n)
{
    uint32_t v = 0;

    while (n--)
        v = v << 8 | *bytes++;
    return v;
}

static void compose(uint8_t *new, const uint8_t *old, const struct place *at, const uint8_t *value)
{
    uint32_t mask, v;

    if (!at->bits) {
        memcpy(new, value, at->size);
        return;
    }
    mask = ((1u << at->bits) - 1) << at->shift;
    v = (big_endian(old, at->size) & ~mask) | (big_endian(value, at->value) << at->shift & mask);
    v = htonl(v << (32 - 8 * at->size));
    memcpy(new, &v, at->size);
}

static struct ipv6_walk walk_start(const struct packet *p)
{
    const struct ipv6_header *ip = packet_at(p, p->layout.l3, sizeof *ip);
    uint32_t l3 = p->layout.l3;

    return (struct ipv6_walk){
        {p, l3 + (uint32_t)sizeof *ip, p->layout.l3_end}, l3 + (uint32_t)offsetof(struct ipv6_header, next), ip->next};
}

/* False while a routing header will still replace the destination. */
static bool destination_is_final(const struct packet *p)
{
    struct ipv6_walk w;
    const struct ipv6_ext *ext;
    uint32_t size;

    if (!(p->layout.exthdrs & EXTHDR_ROUTER))
        return true;
    w = walk_start(p);
    for (unsigned n = 0; n < LAYOUT_MAX_EXTHDRS && (ext = ipv6_walk_peek(&w, &size)); n++) {
        if (w.next == PROTO_ROUTING && ((const struct ipv6_routing *)ext)->segments_left)
            return false;
        ipv6_walk_step(&w, ext, size);
    }
    return true;
}

/* Renames the header at which the walk ended. Its bytes stay what they were, and the old protocol's
 * checksum goes on to hold, since the pseudo header sums the number too (RFC 8200, 8.1). */
static void set_proto_ipv6(struct packet *p, const uint8_t *value)
{
    struct ipv6_walk w = walk_start(p);
    const struct ipv6_ext *ext;
    uint32_t size;
    uint8_t old[2] = {0, p->layout.ip_proto}, new[2] = {0, *value};

    for (unsigned n = 0; n < LAYOUT_MAX_EXTHDRS && (ext = ipv6_walk_peek(&w, &size)); n++) {
        if (ipv6_ends_fragment(w.next, ext))
            break;
        ipv6_walk_step(&w, ext, size);
    }
    p->data[w.named_at] = *value;
    pseudo_follow(p, (struct change){old, new, 2});
    layout_parse(p);
}

/* A CRC over all of the packet: its difference has no short form, and none at all in a fragment, where
 * the bytes that follow are missing.  CRCs are linear, so the difference of the packet's own two is that
 * of the two that were and will be in the field, which is stored with its low byte first (RFC 9260, A). */
static bool set_sctp_port(struct packet *p, uint8_t *port, const uint8_t *value)
{
    uint32_t n = p->layout.l3_end - p->layout.l4, difference;
    uint8_t *sctp = packet_at(p, p->layout.l4, n), *crc;

    if (p->layout.frag || !sctp)
        return false;
    difference = crc32c(0, sctp, n);
    memcpy(port, value, 2);
    difference ^= crc32c(0, sctp, n);
    crc = sctp + offsetof(struct sctp_header, crc);
    for (unsigned i = 0; i < 4 && !checksum_is_open(p); i++)
        crc[i] ^= (uint8_t)(difference >> 8 * i);
    return true;
}

static void set_place(struct packet *p, const struct place *at, uint8_t *bytes, const uint8_t *value)
{
    uint8_t old[16], new[16];
    struct change c = {old, new, at->size};

    memcpy(old, bytes, at->size);
    compose(new, old, at, value);
    memcpy(bytes, new, at->size);
    if (at->cover & BY_IPV4)
        ipv4_follow(p, c);
    if (at->cover & BY_PSEUDO)
        pseudo_follow(p, c);
    if (at->cover & BY_TRANSPORT)
        transport_follow(p, c);
}

/* Whole bytes that nothing sums, which is what a switch writes most: MAC addresses. */
static bool is_plain(const struct packet *p, const struct place *at, enum edit_field field)
{
    return !at->bits && (at->cover == BY_NONE || (field == EDIT_IPV6_DST && !destination_is_final(p)));
}

bool edit_set(struct packet *p, enum edit_field field, const uint8_t *value)
{
    const struct place *at = place_of(p, field);
    uint8_t *bytes;

    if (field == EDIT_IP_PROTO && p->layout.kind == L3_IPV6) {
        set_proto_ipv6(p, value);
        return true;
    }
    bytes = place_find(p, at);
    if (!bytes)
        return false;
    if (at->proto == PROTO_SCTP)
        return set_sctp_port(p, bytes, value);
    if (is_plain(p, at, field))
        memcpy(bytes, value, at->size);
    else
        set_place(p, at, bytes, value);
    if (field == EDIT_IP_PROTO || field == EDIT_ICMPV6_TYPE || field == EDIT_ETH_TYPE)
        layout_parse(p); /* what lies behind has another name now */
    return true;
}

/* ---- TTL -------------------------------------------------------------- */

/* TTL or hop limit, or NULL: not IP. */
static uint8_t *ttl_of(const struct packet *p)
{
    uint32_t l3 = p->layout.l3;

    if (p->layout.kind == L3_IPV4)
        return packet_at(p, l3 + (uint32_t)offsetof(struct ipv4_header, ttl), 2);
    if (p->layout.kind == L3_IPV6)
        return packet_at(p, l3 + (uint32_t)offsetof(struct ipv6_header, hop_limit), 1);
    return NULL;
}

bool edit_set_ttl(struct packet *p, uint8_t value)
{
    uint8_t *ttl = ttl_of(p);
    uint8_t old[2], new[2];

    if (!ttl)
        return false;
    if (p->layout.kind == L3_IPV4) {
        memcpy(old, ttl, 2);
        new[0] = value;
        new[1] = old[1];
        ipv4_follow(p, (struct change){old, new, 2});
    }
    *ttl = value;
    return true;
}

bool edit_dec_ttl(struct packet *p)
{
    const uint8_t *ttl = ttl_of(p);

    if (!ttl)
        return true;
    return *ttl > 1 && edit_set_ttl(p, (uint8_t)(*ttl - 1));
}
