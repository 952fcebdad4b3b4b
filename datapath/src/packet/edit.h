/* Changing headers in place, with every checksum right afterwards.
 *
 * Each function wants a packet the caller owns (refs == 1) whose layout is current,
 * and leaves the layout current.  With NEEDS_CSUM or GSO the transport checksum
 * field holds the pseudo-header sum: an address edit adjusts that, a port edit
 * leaves it alone.  Sums are updated incrementally (RFC 1624); a UDP checksum of
 * zero over IPv4 means "none" and stays zero.
 */
#pragma once
#include "packet/packet.h"

enum edit_field {
    EDIT_ETH_DST,
    EDIT_ETH_SRC,
    EDIT_ETH_TYPE,
    EDIT_VLAN_VID,
    EDIT_VLAN_PCP,
    EDIT_IP_DSCP,
    EDIT_IP_ECN,
    EDIT_IP_PROTO,
    EDIT_IPV4_SRC,
    EDIT_IPV4_DST,
    EDIT_TCP_SRC,
    EDIT_TCP_DST,
    EDIT_UDP_SRC,
    EDIT_UDP_DST,
    EDIT_SCTP_SRC,
    EDIT_SCTP_DST,
    EDIT_ICMPV4_TYPE,
    EDIT_ICMPV4_CODE,
    EDIT_ARP_OP,
    EDIT_ARP_SPA,
    EDIT_ARP_TPA,
    EDIT_ARP_SHA,
    EDIT_ARP_THA,
    EDIT_IPV6_SRC,
    EDIT_IPV6_DST,
    EDIT_IPV6_FLABEL,
    EDIT_ICMPV6_TYPE,
    EDIT_ICMPV6_CODE,
    EDIT_ND_TARGET,
    EDIT_ND_SLL,
    EDIT_ND_TLL,
    EDIT_MPLS_LABEL,
    EDIT_MPLS_TC,
    EDIT_MPLS_BOS,
    EDIT_PBB_ISID,
    EDIT_LIMIT
};

/* Writes 'value' (as in an OXM: network order, right-aligned in its bytes) to a header field.
 * A packet without that header is left as it is (returns false). */
bool edit_set(struct packet *p, enum edit_field field, const uint8_t *value);
/* A new outer tag (OFPAT_PUSH_VLAN, 1.3.5 section 5.12): VID and PCP copied from an outer tag that is there, else 0.
 * tpid 0x8100 or 0x88a8, host order.  False: no room or no buffer. */
bool edit_push_vlan(struct packet *p, uint16_t tpid);
/* Takes the outer tag off; false when there is none. */
bool edit_pop_vlan(struct packet *p);
/* A new outermost label stack entry in front of the network header, behind Ethernet header and tags (OFPAT_PUSH_MPLS).
 * It takes label, traffic class and TTL from an entry that is there, else label 0, class 0 and the IP TTL (0 without
 * IP), and is the bottom of the stack only without one (1.3.5, 5.12 and 7.2.5).  The frame's type becomes 'type' (host
 * order).  False: no room, an LLC frame, or one with GSO or NEEDS_CSUM: no offload can express it. */
bool edit_push_mpls(struct packet *p, uint16_t type);
/* Takes the outermost entry off (an 802.3 length follows); what is behind is of 'type' from now on and is parsed anew.
 * False when there is none. */
bool edit_pop_mpls(struct packet *p, uint16_t type);
/* A new I-TAG and a new Ethernet header in front of the whole frame, tags and all (OFPAT_PUSH_PBB, type 0x88e7):
 * addresses copied; I-SID from an I-TAG that is there, else 0; its PCP from the outermost VLAN tag, else 0 (1.3.5,
 * table 6). False: no room, no whole Ethernet header, GSO or NEEDS_CSUM. */
bool edit_push_pbb(struct packet *p, uint16_t type);
/* Takes the outermost I-TAG off with the addresses before it; backbone tags stay.  The customer's frame is parsed anew.
 */
bool edit_pop_pbb(struct packet *p);
/* TTL of the outermost label stack entry; as edit_set_ttl, edit_dec_ttl. */
bool edit_set_mpls_ttl(struct packet *p, uint8_t ttl);
bool edit_dec_mpls_ttl(struct packet *p);
/* TTL from the next-to-outermost header with one to the outermost, and the other way (OFPAT_COPY_TTL_*): between label
 * stack entries, or an entry and the IP header behind the bottom of the stack.  False: there are not two such headers.
 */
bool edit_copy_ttl_out(struct packet *p);
bool edit_copy_ttl_in(struct packet *p);
/* IPv4 TTL / IPv6 hop limit.  edit_dec_ttl: false when it is 0 or 1 before (left as it was: the packet is invalid
 * then), true for a packet that is not IP (nothing to do). */
bool edit_dec_ttl(struct packet *p);
bool edit_set_ttl(struct packet *p, uint8_t ttl);
