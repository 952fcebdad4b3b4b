/* The flow key: what of a packet rules may look at, laid out as 64-bit words.
 *
 * Every member holds network byte order, exactly the bytes of its OXM value, so
 * matching is masking and comparing words, and OXM values are copied, never
 * converted.  Members shared by several fields (tp_src by TCP, UDP and SCTP;
 * ipv4_src by ARP's sender; arp_sha by ND's source link-layer address) are kept
 * apart by the fields' prerequisites.  What a packet does not have is zero, and 'has' tells that
 * from a zero that is there: a match on a field asks for the bit of the header in which it lies
 * as well (fields.def, oxm_read), so classifiers and caches need not know of it.
 *
 * A word costs a step in every match and cache key that has a bit of it, so prerequisites
 * stand together in one, and beside them what tells that a header is there.
 */
#pragma once
#include <stdint.h>

enum { KEY_WORDS = 17 };

struct key {
    union {
        struct {
            uint32_t in_port, in_phy_port; /* 0 */
            uint64_t metadata;             /* 1 */
            uint16_t eth_type;
            uint8_t ip_proto, icmp_type, icmp_code; /* 2 */
            uint8_t has;                            /* no OpenFlow field: enum key_has */
            uint8_t n_vlans;                        /* no OpenFlow field: how many tags, for what pop_vlan uncovers */
            uint8_t vlan_pcp;
            uint8_t eth_src[6];
            uint16_t vlan_vid; /* 3: vid | 0x1000 with a tag */
            uint8_t eth_dst[6];
            uint8_t ip_dscp, ip_ecn;         /* 4 */
            uint32_t ipv4_src, ipv4_dst;     /* 5 */
            uint16_t tp_src, tp_dst, arp_op; /* 6 */
            uint16_t inner_tci;              /* no OpenFlow field: the second tag, as in the packet */
            uint8_t arp_sha[6];
            uint8_t mpls_tc, mpls_bos; /* 7 */
            uint8_t arp_tha[6];
            uint16_t ipv6_exthdr;                              /* 8 */
            uint8_t ipv6_src[16], ipv6_dst[16], nd_target[16]; /* 9 .. 14 */
            uint32_t ipv6_flabel;                              /* 15 */
            union {
                uint32_t mpls_label;
                uint8_t pbb_isid[3];
            };
            uint64_t tunnel_id; /* 16 */
        };
        uint64_t words[KEY_WORDS];
    };
};
_Static_assert(sizeof(struct key) == KEY_WORDS * 8, "the key has no padding of its own");

/* Which headers are there whole: fields in them can be matched and set.  The fragment bits are struct layout's. */
enum key_has {
    HAS_FRAME = 0,
    HAS_FRAGMENT = 1,
    HAS_LATER = 2,
    HAS_L3 = 4,
    HAS_L4 = 8,
    HAS_ND = 16,
    HAS_SLL = 32,
    HAS_TLL = 64,
    HAS_LLC = 128
};
