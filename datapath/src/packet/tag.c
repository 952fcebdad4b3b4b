/* VLAN tags put on and taken off: the MAC addresses move, everything behind stays where it is. */
#include "packet/edit.h"
#include "packet/parse.h"
#include "packet/span.h"

enum { MACS = 12, TAG = 4 };

static void shift(uint16_t *offset, int n)
{
    if (*offset)
        *offset = (uint16_t)(*offset + n);
}

/* All headers behind the tags now lie 'n' bytes further from the start. */
static void layout_shift(struct layout *l, int n)
{
    shift(&l->l3, n);
    shift(&l->l4, n);
    shift(&l->nd_target, n);
    shift(&l->nd_sll, n);
    shift(&l->nd_tll, n);
    if (l->l3_end)
        l->l3_end = (uint32_t)((int64_t)l->l3_end + n);
}

bool edit_push_vlan(struct packet *p, uint16_t tpid)
{
    be16 tag[2] = {htons(tpid), 0};
    uint8_t *start;

    if (p->len < sizeof(struct eth_header))
        return false;
    if (p->layout.n_vlans)
        memcpy(&tag[1], p->data + sizeof(struct eth_header), sizeof tag[1]);
    start = packet_push(p, TAG);
    if (!start)
        return false;
    memmove(start, start + TAG, MACS);
    memcpy(start + MACS, tag, TAG);
    if (p->layout.n_vlans == LAYOUT_MAX_VLANS) {
        layout_parse(p); /* the innermost tag is beyond what is looked at now */
        return true;
    }
    p->layout.n_vlans++;
    layout_shift(&p->layout, TAG);
    return true;
}

bool edit_pop_vlan(struct packet *p)
{
    uint8_t macs[MACS];

    if (!p->layout.n_vlans)
        return false;
    memcpy(macs, p->data, MACS);
    if (!packet_pull(p, TAG))
        return false;
    memcpy(p->data, macs, MACS);
    if (p->layout.n_vlans == LAYOUT_MAX_VLANS) {
        layout_parse(p); /* one more may come into sight */
        return true;
    }
    p->layout.n_vlans--;
    layout_shift(&p->layout, -TAG);
    return true;
}
