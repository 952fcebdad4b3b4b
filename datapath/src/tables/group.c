/* See group.h. */
#include "tables/group.h"

#include <stdlib.h>
#include <string.h>

#include "act/looks.h"

void group_free(struct group *g)
{
    if (!g)
        return;
    if (g->owns_slot)
        world_give_object(g->world, g->slot);
    for (uint32_t i = 0; i < g->n_buckets; i++)
        if (g->buckets[i].slot != UINT32_MAX)
            world_give_object(g->world, g->buckets[i].slot);
    free(g->wire);
    free(g->actions);
    free(g);
}

bool group_names(const struct group *g, uint32_t other)
{
    for (uint32_t i = 0; i < g->n_buckets; i++)
        for (unsigned k = 0; k < g->buckets[i].n_actions; k++)
            if (g->buckets[i].actions[k].kind == ACT_GROUP && g->buckets[i].actions[k].port == other)
                return true;
    return false;
}

/* Not what varies within one: priorities, DSCP and ECN, TTLs. */
void group_flow_looks(struct key *mask)
{
    memset(mask->eth_dst, 0xff, sizeof mask->eth_dst);
    memset(mask->eth_src, 0xff, sizeof mask->eth_src);
    memset(mask->arp_sha, 0xff, sizeof mask->arp_sha);
    memset(mask->arp_tha, 0xff, sizeof mask->arp_tha);
    memset(mask->ipv6_src, 0xff, 3 * sizeof mask->ipv6_src); /* source, destination, target of neighbour discovery */
    mask->eth_type = mask->vlan_vid = mask->arp_op = mask->tp_src = mask->tp_dst = UINT16_MAX;
    mask->ipv4_src = mask->ipv4_dst = mask->ipv6_flabel = mask->mpls_label = UINT32_MAX;
    mask->ip_proto = mask->icmp_type = mask->icmp_code = UINT8_MAX;
    mask->has |= HAS_FRAGMENT;
}

void group_looks(const struct group *g, struct key *mask)
{
    if (g->type == OFPGT_SELECT)
        group_flow_looks(mask);
    for (uint32_t i = 0; i < g->n_buckets; i++)
        for (unsigned k = 0; k < g->buckets[i].n_actions; k++)
            action_looks(&g->buckets[i].actions[k], mask);
}
