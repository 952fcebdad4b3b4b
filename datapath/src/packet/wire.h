/* Headers as they lie on the wire: layouts and numbers, no behaviour.
 *
 * All members are in network byte order (be16, be32 say so) and may lie at any
 * address, so the structs are packed.
 */
#pragma once
#include <stdint.h>

typedef uint16_t be16;
typedef uint32_t be32;
#define WIRE __attribute__((packed))

enum eth_types {
    ETH_TYPE_MIN = 0x0600, /* smaller: an 802.3 length */
    ETH_IPV4 = 0x0800,
    ETH_ARP = 0x0806,
    ETH_VLAN = 0x8100,
    ETH_IPV6 = 0x86dd,
    ETH_QINQ = 0x88a8,
    ETH_MPLS = 0x8847,
    ETH_MPLS_MULTICAST = 0x8848,
    ETH_PBB = 0x88e7,
};
/* The type of a VLAN tag (its TPID). */
static inline _Bool eth_type_is_tag(uint16_t type) { return type == ETH_VLAN || type == ETH_QINQ; }

enum ip_protocols {
    PROTO_HOPOPTS = 0,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_DCCP = 33,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_ESP = 50,
    PROTO_AH = 51,
    PROTO_ICMPV6 = 58,
    PROTO_NONE = 59,
    PROTO_DSTOPTS = 60,
    PROTO_SCTP = 132,
    PROTO_UDPLITE = 136,
};

struct eth_header {
    uint8_t dst[6], src[6];
    be16 type;
} WIRE;

/* An 802.1Q or 802.1ad tag from behind its TPID on: what the next type says lies behind it. */
struct vlan_tag { be16 tci, type; } WIRE;
enum { VLAN_VID = 0x0fff, VLAN_PCP = 0xe000, VLAN_PCP_SHIFT = 13 };

/* A label stack entry (RFC 3032, 2.1): label 20, traffic class 3, bottom of stack 1, TTL 8 bits. */
struct mpls_entry { be32 entry; } WIRE;
enum { MPLS_LABEL_SHIFT = 12, MPLS_TC_SHIFT = 9, MPLS_BOS_SHIFT = 8, MPLS_BOS = 1 << MPLS_BOS_SHIFT, MPLS_TTL = 0xff };
/* An I-TAG from behind its TPID on (IEEE 802.1Q, 9.5): PCP, DEI and flags 8, I-SID 24 bits; then the customer's frame
 * as it was, addresses first. */
struct pbb_tag {
    be32 tci;
    uint8_t dst[6], src[6];
    be16 type;
} WIRE;

struct snap_header {
    uint8_t llc[3], oui[3];
    be16 type;
} WIRE;

struct arp_header {
    be16 hardware, protocol;
    uint8_t hardware_size, protocol_size;
    be16 op;
    uint8_t sha[6], spa[4], tha[6], tpa[4];
} WIRE;
enum { ARP_ETHERNET = 1 };

struct ipv4_header {
    uint8_t version_ihl, tos;
    be16 total, id, frag;
    uint8_t ttl, proto;
    be16 csum;
    uint8_t src[4], dst[4];
} WIRE;
enum { IPV4_MORE = 0x2000, IPV4_OFFSET = 0x1fff };

struct ipv6_header {
    be32 flow; /* version 4, traffic class 8, flow label 20 bits */
    be16 payload;
    uint8_t next, hop_limit;
    uint8_t src[16], dst[16];
} WIRE;

/* How every extension header that is walked begins.  'size' counts what is beyond 8 bytes in units of
 * 8, for AH (RFC 4302) beyond 8 bytes in units of 4; a fragment header has none, it is 8 bytes. */
struct ipv6_ext { uint8_t next, size, body[6]; } WIRE;
struct ipv6_fragment {
    uint8_t next, reserved;
    be16 offset;
    be32 id;
} WIRE;
enum { IPV6_MORE = 0x0001, IPV6_OFFSET = 0xfff8 };
struct ipv6_routing {
    uint8_t next, size, type, segments_left;
    be32 data;
} WIRE;

/* OFPIEH13_* (OpenFlow 1.3.5, section 7.2.3.8). */
enum ipv6_exthdr_bits {
    EXTHDR_NONEXT = 1,
    EXTHDR_ESP = 2,
    EXTHDR_AUTH = 4,
    EXTHDR_DEST = 8,
    EXTHDR_FRAG = 16,
    EXTHDR_ROUTER = 32,
    EXTHDR_HOP = 64,
    EXTHDR_UNREP = 128,
    EXTHDR_UNSEQ = 256,
};

struct tcp_header {
    be16 src, dst;
    be32 seq, ack;
    uint8_t offset; /* upper 4 bits: header length in words */
    uint8_t flags;
    be16 window, csum, urgent;
} WIRE;
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

struct udp_header { be16 src, dst, size, csum; } WIRE;
struct sctp_header {
    be16 src, dst;
    be32 tag, crc;
} WIRE;
struct icmp_header {
    uint8_t type, code;
    be16 csum;
    be32 rest;
} WIRE;

/* Neighbour solicitation and advertisement (RFC 4861, 4.3 and 4.4), options behind. */
struct nd_message {
    uint8_t type, code;
    be16 csum;
    be32 flags;
    uint8_t target[16];
} WIRE;
enum { ND_SOLICIT = 135, ND_ADVERT = 136 };
/* A link-layer address option; 'size' in units of 8 bytes. */
struct nd_option { uint8_t type, size, address[6]; } WIRE;
enum { ND_OPTION_SLL = 1, ND_OPTION_TLL = 2 };

_Static_assert(sizeof(struct eth_header) == 14 && sizeof(struct snap_header) == 8 && sizeof(struct arp_header) == 28,
               "L2");
_Static_assert(sizeof(struct mpls_entry) == 4 && sizeof(struct pbb_tag) == 18, "between L2 and L3");
_Static_assert(sizeof(struct ipv4_header) == 20 && sizeof(struct ipv6_header) == 40 && sizeof(struct ipv6_ext) == 8,
               "L3");
_Static_assert(sizeof(struct tcp_header) == 20 && sizeof(struct udp_header) == 8 && sizeof(struct sctp_header) == 12,
               "L4");
_Static_assert(sizeof(struct nd_message) == 24 && sizeof(struct nd_option) == 8, "ND");
