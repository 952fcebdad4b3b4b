/* See looks.h. */
#include "act/looks.h"

#include <string.h>

void normal_looks(struct key *mask)
{
    memset(mask->eth_src, 0xff, sizeof mask->eth_src);
    memset(mask->eth_dst, 0xff, sizeof mask->eth_dst);
    mask->vlan_vid = mask->eth_type = UINT16_MAX;
    mask->n_vlans = UINT8_MAX;
}

static void output_looks(const struct action *a, struct key *mask)
{
    if (a->port == OFPP_NORMAL)
        normal_looks(mask);
}

static void tags_look(const struct action *a, struct key *mask)
{
    (void)a;
    mask->vlan_vid = mask->inner_tci = UINT16_MAX;
    mask->vlan_pcp = mask->n_vlans = UINT8_MAX;
}

static void network_looks(const struct action *a, struct key *mask)
{
    (void)a;
    mask->eth_type = UINT16_MAX;
    mask->has = mask->n_vlans = UINT8_MAX;
    mask->mpls_label = UINT32_MAX; /* and pbb_isid */
    mask->mpls_tc = UINT8_MAX;
}

/* Everything that a set-field's prerequisites may ask for: a written one, or a bucket's, meets packets of any kind. */
static void set_field_looks(const struct action *a, struct key *mask)
{
    enum { OF_FRAME = 0, OF_NETWORK = 1, OF_TRANSPORT = 2, OF_MESSAGE = 3 };
    static const uint8_t depths[] = {
        [VS_NEEDS_VLAN] = OF_FRAME,       [VS_NEEDS_IP] = OF_NETWORK,     [VS_NEEDS_IPV4] = OF_NETWORK,
        [VS_NEEDS_IPV6] = OF_NETWORK,     [VS_NEEDS_ARP] = OF_NETWORK,    [VS_NEEDS_TCP] = OF_TRANSPORT,
        [VS_NEEDS_UDP] = OF_TRANSPORT,    [VS_NEEDS_SCTP] = OF_TRANSPORT, [VS_NEEDS_ICMPV4] = OF_TRANSPORT,
        [VS_NEEDS_ICMPV6] = OF_TRANSPORT, [VS_NEEDS_ND] = OF_MESSAGE,     [VS_NEEDS_NS] = OF_MESSAGE,
        [VS_NEEDS_NA] = OF_MESSAGE,       [VS_NEEDS_MPLS] = OF_NETWORK,   [VS_NEEDS_PBB] = OF_NETWORK,
    };
    unsigned depth = a->field == FIELD_ETH_TYPE ? OF_NETWORK : depths[fields[a->field].info.prerequisite];
    mask->has = UINT8_MAX;
    if (a->field == FIELD_VLAN_VID || a->field == FIELD_VLAN_PCP)
        tags_look(a, mask);
    if (depth >= OF_NETWORK)
        mask->eth_type = UINT16_MAX;
    if (depth >= OF_TRANSPORT)
        mask->ip_proto = UINT8_MAX;
    if (depth >= OF_MESSAGE)
        mask->icmp_type = UINT8_MAX;
}

void action_looks(const struct action *a, struct key *mask)
{
    static void (*const lookers[ACT_LIMIT])(const struct action *, struct key *) = {
        [ACT_OUTPUT] = output_looks,     [ACT_PUSH_VLAN] = tags_look,       [ACT_POP_VLAN] = tags_look,
        [ACT_PUSH_MPLS] = network_looks, [ACT_POP_MPLS] = network_looks,    [ACT_PUSH_PBB] = network_looks,
        [ACT_POP_PBB] = network_looks,   [ACT_SET_FIELD] = set_field_looks,
    };
    if (lookers[a->kind])
        lookers[a->kind](a, mask);
}
