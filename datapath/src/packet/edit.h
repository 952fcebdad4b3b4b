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
    EDIT_ETH_DST, EDIT_ETH_SRC, EDIT_VLAN_VID, EDIT_VLAN_PCP, EDIT_IP_DSCP, EDIT_IP_ECN, EDIT_IP_PROTO,
    EDIT_IPV4_SRC, EDIT_IPV4_DST, EDIT_TCP_SRC, EDIT_TCP_DST, EDIT_UDP_SRC, EDIT_UDP_DST,
    EDIT_SCTP_SRC, EDIT_SCTP_DST, EDIT_ICMPV4_TYPE, EDIT_ICMPV4_CODE, EDIT_ARP_OP, EDIT_ARP_SPA,
    EDIT_ARP_TPA, EDIT_ARP_SHA, EDIT_ARP_THA, EDIT_IPV6_SRC, EDIT_IPV6_DST, EDIT_IPV6_FLABEL,
    EDIT_ICMPV6_TYPE, EDIT_ICMPV6_CODE, EDIT_ND_TARGET, EDIT_ND_SLL, EDIT_ND_TLL, EDIT_LIMIT
};

/* Writes 'value' (as in an OXM: network order, right-aligned in its bytes) to a header field.
 * A packet without that header is left as it is (returns false). */
bool edit_set(struct packet *p, enum edit_field field, const uint8_t *value);
/* A new outer tag (OFPAT_PUSH_VLAN, 1.3.5 section 5.12): VID and PCP copied from an outer tag that is there, else 0.
 * tpid 0x8100 or 0x88a8, host order.  False: no room or no buffer. */
bool edit_push_vlan(struct packet *p, uint16_t tpid);
/* Takes the outer tag off; false when there is none. */
bool edit_pop_vlan(struct packet *p);
/* IPv4 TTL / IPv6 hop limit.  edit_dec_ttl: false when it is 0 or 1 before (left as it was: the packet is invalid then),
 * true for a packet that is not IP (nothing to do). */
bool edit_dec_ttl(struct packet *p);
bool edit_set_ttl(struct packet *p, uint8_t ttl);
