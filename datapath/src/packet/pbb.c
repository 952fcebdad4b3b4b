/* Backbone headers put on and taken off (IEEE 802.1Q, 9.5; OpenFlow 1.3.5, 7.2.5).  A customer's frame
 * travels behind an I-TAG as it was, so a push writes in front of it.  A pop takes the I-TAG and the backbone's
 * addresses; backbone tags stay, a controller pops them before (7.2.5). */
#include "packet/edit.h"
#include "packet/parse.h"
#include "packet/span.h"

enum { TCI = sizeof(be32), MACS = 12 };

/* An outermost I-TAG's service, an outermost VLAN tag's priority. */
static be32 new_tci(const struct packet *p)
{
    uint8_t tci[TCI] = {0};
    be32 word;

    if (p->layout.n_vlans)
        tci[0] = p->data[sizeof(struct eth_header)] & VLAN_PCP >> 8;
    if (p->layout.kind == L3_PBB)
        memcpy(tci + 1, p->data + p->layout.l3 + 1, 3);
    memcpy(&word, tci, TCI);
    return word;
}

bool edit_push_pbb(struct packet *p, uint16_t type)
{
    struct {
        struct eth_header eth;
        be32 tci;
    } WIRE front;
    uint8_t *start;

    if (p->len < sizeof front.eth || !packet_is_plain(p))
        return false;
    memcpy(&front, p->data, MACS);
    front.eth.type = htons(type);
    front.tci = new_tci(p);
    start = packet_push(p, sizeof front);
    if (!start)
        return false;
    memcpy(start, &front, sizeof front);
    layout_parse(p);
    return true;
}

bool edit_pop_pbb(struct packet *p)
{
    uint8_t head[MACS + LAYOUT_MAX_VLANS * sizeof(struct vlan_tag)];
    uint32_t tags = p->layout.n_vlans * (uint32_t)sizeof(struct vlan_tag);

    if (p->layout.kind != L3_PBB)
        return false;
    memcpy(head, p->data + p->layout.l3 + TCI, MACS);
    memcpy(head + MACS, p->data + MACS, tags);
    if (!packet_pull(p, (uint32_t)p->layout.l3 + TCI - tags))
        return false;
    memcpy(p->data, head, MACS + tags);
    layout_parse(p);
    return true;
}
