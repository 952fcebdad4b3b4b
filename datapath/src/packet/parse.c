/* Theory of operation.  The walk goes Ethernet, tags, network header, extension headers,
 * transport header, neighbour discovery; each step sees a span, the bytes that the step before
 * left to it, and takes from its front or cuts its end (a network header's own length cuts
 * padding off).  The first header that is not whole or contradicts what is there ends the walk,
 * and everything from there on stays 0 in the layout.
 *
 * What counts as whole errs on the side that a receiver would take: a UDP length field is not
 * judged (receivers differ), a TCP data offset is (no receiver accepts a wrong one), except in a
 * first fragment, whose options may go on in the next.
 */
#include "packet/parse.h"
#include <string.h>
#include "packet/span.h"

_Static_assert(14 + 4 * LAYOUT_MAX_VLANS + 8 + 40 + 2048 * LAYOUT_MAX_EXTHDRS + 24 + 2040 * LAYOUT_MAX_ND_OPTIONS <=
                   UINT16_MAX,
               "offsets of whatever the walk reaches fit the layout");

/* An 802.3 length instead of a type: cuts the span, looks for LLC and SNAP. False: contradiction. */
static bool parse_llc(struct layout *l, struct span *s, uint16_t length)
{
    static const uint8_t ethernet_in_snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};
    const struct snap_header *snap;

    l->llc = true;
    l->eth_type = LAYOUT_NO_TYPE;
    if (length > span_left(s))
        return false;
    s->end = s->at + length;
    snap = span_peek(s, sizeof *snap);
    if (!snap || memcmp(snap, ethernet_in_snap, sizeof ethernet_in_snap) || ntohs(snap->type) < ETH_TYPE_MIN)
        return true;
    l->eth_type = ntohs(snap->type);
    s->at += (uint32_t)sizeof *snap;
    return true;
}

/* Ethernet header and tags. A tag that is cut short is no tag: its TPID is the frame's type. */
static bool parse_ethernet(struct layout *l, struct span *s)
{
    const struct eth_header *eth = span_peek(s, sizeof *eth);
    const struct vlan_tag *tag;
    uint16_t type;

    if (!eth)
        return false;
    type = ntohs(eth->type);
    s->at += (uint32_t)sizeof *eth;
    while (eth_type_is_tag(type) && l->n_vlans < LAYOUT_MAX_VLANS && (tag = span_peek(s, sizeof *tag))) {
        type = ntohs(tag->type);
        s->at += (uint32_t)sizeof *tag;
        l->n_vlans++;
    }
    if (type < ETH_TYPE_MIN)
        return parse_llc(l, s, type);
    l->eth_type = type;
    return true;
}

/* Only the option that goes with the message counts, and only as one for Ethernet; two of
 * them contradict each other: then there is none, since receivers differ in which they take. */
static void parse_nd_options(uint16_t *found, struct span *s, uint8_t wanted)
{
    const struct nd_option *option;
    unsigned seen = 0;

    for (unsigned i = 0; i < LAYOUT_MAX_ND_OPTIONS && (option = span_peek(s, sizeof *option)); i++) {
        uint32_t size = option->size * 8u;

        if (size == 0 || size > span_left(s))
            break;
        if (option->type == wanted && ++seen == 1 && option->size == 1)
            *found = (uint16_t)(s->at + offsetof(struct nd_option, address));
        s->at += size;
    }
    if (seen > 1)
        *found = 0;
}

static void parse_nd(struct layout *l, struct span *s)
{
    const struct nd_message *nd = span_peek(s, sizeof *nd);

    if (!nd || (nd->type != ND_SOLICIT && nd->type != ND_ADVERT))
        return;
    l->nd_target = (uint16_t)(s->at + offsetof(struct nd_message, target));
    s->at += (uint32_t)sizeof *nd;
    if (nd->type == ND_SOLICIT)
        parse_nd_options(&l->nd_sll, s, ND_OPTION_SLL);
    else
        parse_nd_options(&l->nd_tll, s, ND_OPTION_TLL);
}

static bool tcp_is_whole(const struct layout *l, const struct span *s)
{
    const struct tcp_header *tcp = span_peek(s, sizeof *tcp);
    uint32_t size = tcp ? (tcp->offset >> 4) * 4u : 0;

    return size >= sizeof *tcp && (size <= span_left(s) || l->frag == LAYOUT_FRAG_FIRST);
}

/* Least bytes of a transport header; protocols that are not here: any byte will do. */
static const uint8_t transport_min[256] = {
    [PROTO_ICMP] = 8,   [PROTO_TCP] = 20,  [PROTO_UDP] = 8,     [PROTO_DCCP] = 12,
    [PROTO_ICMPV6] = 4, [PROTO_SCTP] = 12, [PROTO_UDPLITE] = 8,
};

/* The span begins with the header that l->ip_proto names. */
static void parse_transport(struct layout *l, struct span *s)
{
    uint32_t least = transport_min[l->ip_proto];

    if (l->frag == LAYOUT_FRAG_LATER || span_left(s) < (least ? least : 1))
        return;
    if (l->ip_proto == PROTO_TCP && !tcp_is_whole(l, s))
        return;
    l->l4 = (uint16_t)s->at;
    if (l->ip_proto == PROTO_ICMPV6 && l->kind == L3_IPV6)
        parse_nd(l, s);
}

static void parse_ipv4(struct layout *l, struct span *s)
{
    const struct ipv4_header *ip = ipv4_peek(s);
    uint16_t frag;

    if (!ip)
        return;
    frag = ntohs(ip->frag);
    l->frag = frag & IPV4_OFFSET ? LAYOUT_FRAG_LATER : frag & IPV4_MORE ? LAYOUT_FRAG_FIRST : LAYOUT_FRAG_NONE;
    l->kind = L3_IPV4;
    l->l3 = (uint16_t)s->at;
    l->ip_proto = ip->proto;
    s->end = l->l3_end = s->at + ntohs(ip->total);
    s->at += (ip->version_ihl & 15) * 4u;
    parse_transport(l, s);
}

/* What a header in the chain is for OpenFlow: its bit, and its place in the order that RFC 8200, 4.1 recommends. */
static const struct exthdr_kind {
    uint8_t bit, rank;
} exthdr_kinds[256] = {
    [PROTO_HOPOPTS] = {EXTHDR_HOP, 1},   [PROTO_DSTOPTS] = {EXTHDR_DEST, 2}, [PROTO_ROUTING] = {EXTHDR_ROUTER, 3},
    [PROTO_FRAGMENT] = {EXTHDR_FRAG, 4}, [PROTO_AH] = {EXTHDR_AUTH, 5},      [PROTO_ESP] = {EXTHDR_ESP, 6},
    [PROTO_NONE] = {EXTHDR_NONEXT, 8},
};
enum { RANK_FIRST_DEST = 2, RANK_LAST_DEST = 7 };

struct exthdr_order { uint8_t rank, n_dest; };

/* Adds header 'next' to l->exthdrs. Destination options may come twice, before a routing header and last. */
static void exthdr_note(struct layout *l, struct exthdr_order *order, uint8_t next)
{
    const struct exthdr_kind *kind = &exthdr_kinds[next];
    uint8_t rank = kind->rank;

    if (kind->bit == 0)
        return;
    if (kind->bit == EXTHDR_DEST ? ++order->n_dest > 2 : (l->exthdrs & kind->bit) != 0)
        l->exthdrs |= EXTHDR_UNREP;
    if (kind->bit == EXTHDR_DEST && order->rank >= RANK_FIRST_DEST)
        rank = RANK_LAST_DEST;
    if (rank < order->rank)
        l->exthdrs |= EXTHDR_UNSEQ;
    else
        order->rank = rank;
    l->exthdrs |= kind->bit;
}

/* The headers between IPv6 and transport. False: the walk ends at l->ip_proto. */
static bool parse_exthdrs(struct layout *l, struct ipv6_walk *w)
{
    struct exthdr_order order = {0, 0};
    const struct ipv6_ext *ext;
    uint32_t size;

    for (unsigned n = 0; n < LAYOUT_MAX_EXTHDRS && (ext = ipv6_walk_peek(w, &size)); n++) {
        exthdr_note(l, &order, w->next);
        if (ipv6_ends_fragment(w->next, ext)) {
            l->frag = LAYOUT_FRAG_LATER;
            break;
        }
        if (w->next == PROTO_FRAGMENT && ntohs(((const struct ipv6_fragment *)ext)->offset) & IPV6_MORE)
            l->frag = LAYOUT_FRAG_FIRST;
        ipv6_walk_step(w, ext, size);
    }
    l->ip_proto = w->next;
    if (ipv6_is_ext(w->next))
        return false;
    exthdr_note(l, &order, w->next);
    return w->next != PROTO_NONE;
}

static void parse_ipv6(struct layout *l, struct span *s)
{
    const struct ipv6_header *ip = ipv6_peek(s);
    struct ipv6_walk w;

    if (!ip)
        return;
    l->kind = L3_IPV6;
    l->l3 = (uint16_t)s->at;
    l->l3_end = s->at + (uint32_t)sizeof *ip + ntohs(ip->payload);
    w = (struct ipv6_walk){{s->p, s->at + (uint32_t)sizeof *ip, l->l3_end},
                           s->at + (uint32_t)offsetof(struct ipv6_header, next),
                           ip->next};
    l->ip_proto = ip->next;
    if (ipv6_is_ext(w.next) || exthdr_kinds[w.next].bit)
        if (!parse_exthdrs(l, &w))
            return;
    parse_transport(l, &w.rest);
}

static void parse_arp(struct layout *l, struct span *s)
{
    const struct arp_header *arp = span_peek(s, sizeof *arp);

    if (!arp || ntohs(arp->hardware) != ARP_ETHERNET || ntohs(arp->protocol) != ETH_IPV4 || arp->hardware_size != 6 ||
        arp->protocol_size != 4)
        return;
    l->kind = L3_ARP;
    l->l3 = (uint16_t)s->at;
    l->l3_end = s->at + (uint32_t)sizeof *arp;
}

/* A header behind which nothing is looked at: what lies there shows when it is popped. */
static void parse_outermost(struct layout *l, struct span *s, enum layout_l3 kind, uint32_t size)
{
    if (!span_peek(s, size))
        return;
    l->kind = (uint8_t)kind;
    l->l3 = (uint16_t)s->at;
    l->l3_end = s->end;
}

static void parse_unknown(struct layout *l, struct span *s)
{
    l->l3 = (uint16_t)s->at;
    l->l3_end = s->end;
}

void layout_parse(struct packet *p)
{
    struct layout *l = &p->layout;
    struct span s = {p, 0, p->len};

    memset(l, 0, sizeof *l);
    if (!parse_ethernet(l, &s))
        return;
    switch (l->eth_type) {
    case ETH_IPV4: parse_ipv4(l, &s); break;
    case ETH_IPV6: parse_ipv6(l, &s); break;
    case ETH_ARP: parse_arp(l, &s); break;
    case ETH_MPLS:
    case ETH_MPLS_MULTICAST: parse_outermost(l, &s, L3_MPLS, sizeof(struct mpls_entry)); break;
    case ETH_PBB: parse_outermost(l, &s, L3_PBB, sizeof(struct pbb_tag)); break;
    default: parse_unknown(l, &s);
    }
}
