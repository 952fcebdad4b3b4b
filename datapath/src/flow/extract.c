/* See extract.h.  The layout promises that the headers it names are whole, so plain reads do;
 * values are copied as they lie in the packet. */
#include "flow/extract.h"

#include <string.h>

#include "base/bytes.h"

static void extract_vlan(const struct packet *p, struct key *key)
{
    const uint8_t *tci = p->data + 14;
    key->vlan_vid = __builtin_bswap16((uint16_t)((get16(tci) & 0x0fff) | 0x1000));
    key->vlan_pcp = tci[0] >> 5;
    key->n_vlans = p->layout.n_vlans;
    if (key->n_vlans > 1)
        memcpy(&key->inner_tci, tci + 4, 2);
}

static void extract_icmpv6(const struct packet *p, struct key *key)
{
    const struct layout *at = &p->layout;
    const uint8_t *icmp = p->data + at->l4;
    key->icmp_type = icmp[0];
    key->icmp_code = icmp[1];
    if (at->nd_target)
        memcpy(key->nd_target, p->data + at->nd_target, 16);
    if (at->nd_sll)
        memcpy(key->arp_sha, p->data + at->nd_sll, 6);
    if (at->nd_tll)
        memcpy(key->arp_tha, p->data + at->nd_tll, 6);
}

static void extract_l4(const struct packet *p, struct key *key)
{
    const uint8_t *l4 = p->data + p->layout.l4;
    switch (key->ip_proto) {
    case 6:
    case 17:
    case 132: memcpy(&key->tp_src, l4, 4); break;
    case 1:
        if (p->layout.kind == L3_IPV4) {
            key->icmp_type = l4[0];
            key->icmp_code = l4[1];
        }
        break;
    case 58:
        if (p->layout.kind == L3_IPV6)
            extract_icmpv6(p, key);
        break;
    }
}

static void extract_ipv4(const struct packet *p, struct key *key)
{
    const uint8_t *ip = p->data + p->layout.l3;
    key->ip_dscp = ip[1] >> 2;
    key->ip_ecn = ip[1] & 3;
    key->ip_proto = p->layout.ip_proto;
    memcpy(&key->ipv4_src, ip + 12, 8);
}

static void extract_ipv6(const struct packet *p, struct key *key)
{
    const uint8_t *ip = p->data + p->layout.l3;
    uint32_t first = get32(ip);
    key->ip_dscp = (first >> 22) & 0x3f;
    key->ip_ecn = (first >> 20) & 3;
    key->ip_proto = p->layout.ip_proto;
    key->ipv6_flabel = __builtin_bswap32(first & 0xfffff);
    key->ipv6_exthdr = __builtin_bswap16(p->layout.exthdrs);
    memcpy(key->ipv6_src, ip + 8, 32);
}

static void extract_arp(const struct packet *p, struct key *key)
{
    const uint8_t *arp = p->data + p->layout.l3;
    memcpy(&key->arp_op, arp + 6, 2);
    memcpy(key->arp_sha, arp + 8, 6);
    memcpy(&key->ipv4_src, arp + 14, 4);
    memcpy(key->arp_tha, arp + 18, 6);
    memcpy(&key->ipv4_dst, arp + 24, 4);
}

static void extract_mpls(const struct packet *p, struct key *key)
{
    uint32_t entry = get32(p->data + p->layout.l3);
    key->mpls_label = __builtin_bswap32(entry >> 12);
    key->mpls_tc = (entry >> 9) & 7;
    key->mpls_bos = (entry >> 8) & 1;
}

static uint8_t has(const struct layout *at)
{
    return (uint8_t)(at->frag | (at->kind ? HAS_L3 : 0) | (at->l4 ? HAS_L4 : 0) | (at->nd_target ? HAS_ND : 0) |
                     (at->nd_sll ? HAS_SLL : 0) | (at->nd_tll ? HAS_TLL : 0) | (at->llc ? HAS_LLC : 0));
}

void key_extract(const struct packet *p, struct key *key)
{
    memset(key, 0, sizeof *key);
    key->in_port = key->in_phy_port = __builtin_bswap32(p->in_port);
    memcpy(key->eth_dst, p->data, 6);
    memcpy(key->eth_src, p->data + 6, 6);
    key->eth_type = __builtin_bswap16(p->layout.eth_type);
    if (p->layout.n_vlans)
        extract_vlan(p, key);
    key->has = has(&p->layout);
    switch (p->layout.kind) {
    case L3_IPV4: extract_ipv4(p, key); break;
    case L3_IPV6: extract_ipv6(p, key); break;
    case L3_ARP: extract_arp(p, key); break;
    case L3_MPLS: extract_mpls(p, key); break;
    case L3_PBB: memcpy(key->pbb_isid, p->data + p->layout.l3 + 1, 3); break;
    default: return;
    }
    if (p->layout.l4)
        extract_l4(p, key);
}
