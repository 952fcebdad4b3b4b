/* See key_edits.h. */
#include "compose/key_edits.h"

#include <string.h>

#include "base/bytes.h"
#include "compose/list.h"
#include "packet/wire.h"

/* ---- VLAN tags: the key knows two, and how many there are ---- */

void compose_load_tags(struct composition *c)
{
    c->n_tags = c->key.n_vlans;
    c->tags[0] = (uint16_t)((unsigned)c->key.vlan_pcp << 13 | (get16(&c->key.vlan_vid) & VLAN_VID));
    c->tags[1] = get16(&c->key.inner_tci);
}

static void store_tags(struct composition *c)
{
    uint16_t outer = c->n_tags ? c->tags[0] : 0;
    set16(&c->key.vlan_vid, c->n_tags ? (uint16_t)((outer & VLAN_VID) | 0x1000) : 0);
    c->key.vlan_pcp = (uint8_t)(outer >> VLAN_PCP_SHIFT);
    set16(&c->key.inner_tci, c->n_tags > 1 ? c->tags[1] : 0);
    c->key.n_vlans = (uint8_t)c->n_tags;
}

void do_push_vlan(struct composition *c, const struct action *a)
{
    compose_append(c, a);
    if (c->n_tags == LAYOUT_MAX_VLANS) {
        c->uncovered = true; /* the innermost goes out of sight, and all behind it */
        return;
    }
    uint16_t outer = c->n_tags ? c->tags[0] : 0;
    c->tags[1] = outer;
    c->tags[0] = outer;
    c->n_tags++;
    store_tags(c);
}

void do_pop_vlan(struct composition *c, const struct action *a)
{
    if (!c->n_tags)
        return;
    compose_append(c, a);
    c->uncovered = c->n_tags > 2;
    c->tags[0] = c->tags[1];
    c->n_tags--;
    store_tags(c);
}

/* ---- headers in front of the network header ---- */

/* Everything from the network header on is out of sight. */
static void hide_network(struct key *key)
{
    key->ip_dscp = key->ip_ecn = key->ip_proto = key->icmp_type = key->icmp_code = 0;
    key->ipv4_src = key->ipv4_dst = key->ipv6_flabel = key->mpls_label = 0;
    key->tp_src = key->tp_dst = key->arp_op = key->ipv6_exthdr = 0;
    key->mpls_tc = key->mpls_bos = 0;
    memset(key->arp_sha, 0, sizeof key->arp_sha);
    memset(key->arp_tha, 0, sizeof key->arp_tha);
    memset(key->ipv6_src, 0, 3 * sizeof key->ipv6_src); /* source, destination, target */
    key->has = HAS_L3;
}

static bool is_mpls(const struct key *key)
{
    uint16_t type = get16(&key->eth_type);
    return (type == ETH_MPLS || type == ETH_MPLS_MULTICAST) && key->has & HAS_L3;
}

static bool is_pbb(const struct key *key) { return get16(&key->eth_type) == ETH_PBB && key->has & HAS_L3; }

/* OpenFlow 1.3.5, table 6: label and class are those of the entry below, if there is one. */
void do_push_mpls(struct composition *c, const struct action *a)
{
    struct key *key = &c->key;
    bool below = is_mpls(key);
    uint32_t label = key->mpls_label;
    uint8_t class = key->mpls_tc;
    if (key->has & HAS_LLC)
        return; /* its length field leaves no place for a label's type */
    if (c->n_tags == LAYOUT_MAX_VLANS && eth_type_is_tag(get16(&key->eth_type))) {
        compose_end(c, VS_DROP_TOO_DEEP); /* labels go behind all tags, and nobody looked where that is */
        return;
    }
    compose_append(c, a);
    hide_network(key);
    set16(&key->eth_type, a->arg);
    key->mpls_label = below ? label : 0;
    key->mpls_tc = below ? class : 0;
    key->mpls_bos = !below;
}

void do_pop_mpls(struct composition *c, const struct action *a)
{
    if (!is_mpls(&c->key))
        return;
    compose_append(c, a);
    c->uncovered = true;
}

/* The new Ethernet header has the old one's addresses and no tags yet. */
void do_push_pbb(struct composition *c, const struct action *a)
{
    uint8_t isid[3] = {0};
    if (is_pbb(&c->key))
        memcpy(isid, c->key.pbb_isid, sizeof isid);
    compose_append(c, a);
    hide_network(&c->key);
    set16(&c->key.eth_type, a->arg);
    memcpy(c->key.pbb_isid, isid, sizeof isid);
    c->n_tags = 0;
    store_tags(c);
}

void do_pop_pbb(struct composition *c, const struct action *a)
{
    if (!is_pbb(&c->key))
        return;
    compose_append(c, a);
    c->uncovered = true;
}

/* ---- fields ---- */

static bool reachable(const struct composition *c, enum field_id id)
{
    struct key exactly;
    memset(&exactly, 0xff, sizeof exactly);
    if (!field_allowed(&fields[id], &c->key, &exactly))
        return false; /* a packet-out's actions, or a written one whose packet has changed */
    if (id == FIELD_VLAN_VID || id == FIELD_VLAN_PCP)
        return c->n_tags > 0;
    if (id == FIELD_ETH_TYPE)
        return get16(&c->key.eth_type) != LAYOUT_NO_TYPE;
    if ((id == FIELD_SCTP_SRC || id == FIELD_SCTP_DST) && (c->key.has & HAS_FRAGMENT))
        return false; /* its CRC covers what this packet does not have */
    return (c->key.has & fields[id].there) == fields[id].there;
}

void do_set_field(struct composition *c, const struct action *a)
{
    const struct field *f = &fields[a->field];
    if (!reachable(c, (enum field_id)a->field))
        return;
    if (a->field != FIELD_TUNNEL_ID) /* travels with the packet, not in it */
        compose_append(c, a);
    if (a->field == FIELD_VLAN_VID)
        c->tags[0] = (uint16_t)((c->tags[0] & 0xf000) | (get16(a->value) & VLAN_VID));
    else if (a->field == FIELD_VLAN_PCP)
        c->tags[0] = (uint16_t)((c->tags[0] & 0x1fff) | a->value[0] << VLAN_PCP_SHIFT);
    else
        memcpy(field_at(f, &c->key), a->value, f->info.bytes);
    c->uncovered = a->field == FIELD_ETH_TYPE || a->field == FIELD_IP_PROTO ||
                   a->field == FIELD_ICMPV6_TYPE; /* what lies behind has another name now */
    store_tags(c);
}

void do_set_queue(struct composition *c, const struct action *a) { c->queue = a->port; }

void do_dec_ttl(struct composition *c, const struct action *a)
{
    struct action dec = compose_with_origin(c, *a);
    dec.reason = OFPR_INVALID_TTL;
    dec.arg = UINT16_MAX;
    compose_append(c, &dec);
}
