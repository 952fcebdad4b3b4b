/* OFPP_NORMAL: a learning switch (IEEE 802.1Q, clause 8) with VLANs, as Open vSwitch configures them.
 *
 * Theory of operation.  The port that a frame comes in by says which VLAN it is in (vlan.h), or refuses it.
 * Its source is learned in that VLAN, its destination looked up there, and it leaves by that one port, or by
 * all others that carry the VLAN.  Each port wants the frame in one of three forms: as it is, with the VLAN's tag, or
 * without its tag; for each form that is wanted the frame is edited once, on a copy, so that what follows
 * NORMAL sees it as it was.
 *
 * A tag is taken off only where the frame stays in its VLAN by that: on a trunk, a frame with a further tag behind it
 * keeps the outer one, since the next switch would read the inner as its VLAN (Open vSwitch hops here).
 *
 * A tag that is cut short by the end of the frame is none to us, but whoever pads the frame on its way makes one of
 * it, in a VLAN of the sender's choice: such a frame is in no VLAN.
 *
 * What it says depends on the source's entry too (it may have moved), so both addresses, the outermost tag, how many
 * there are and what is behind them belong to every key shape that has it: see normal_looks.
 */
#include "compose/normal.h"

#include <string.h>

#include "base/bytes.h"
#include "bridge/port_list.h"
#include "bridge/vlan.h"
#include "compose/key_edits.h"
#include "compose/list.h"
#include "packet/wire.h"

enum form { AS_IT_IS, WITH_TAG, WITHOUT_TAG, FORMS };

/* What is known of the frame at hand. */
struct arrival {
    uint32_t in_port;
    unsigned vid, vlan; /* in its tag, 0: none or no VLAN; that it is in */
    unsigned n_tags;
};

static const vs_vlans *vlans_at(const struct port *port)
{
    return atomic_load_explicit(&port->vlans, memory_order_acquire);
}

/* ---- learning ---- */

static bool is_zero(const uint8_t *mac)
{
    static const uint8_t zero[6];
    return !memcmp(mac, zero, sizeof zero);
}

static void learn_source(struct composition *c, const struct arrival *f, const struct port *in)
{
    const uint8_t *source = c->key.eth_src;
    uint64_t station = mac_station(source, (uint16_t)f->vlan);
    const struct mac_entry *known = mac_find(&c->bridge->macs, station);
    if (source[0] & 1 || is_zero(source) || c->transient || !in || !port_lives(in))
        return; /* no station sends from a group address or none; packet-outs teach nothing, nor what a dead link left
                   behind */
    if (known)
        compose_count(c, known->slot);
    if ((known && known->port == f->in_port) || (!known && mac_full(&c->bridge->macs)))
        return;
    c->learn = station;
    c->cacheable = false; /* until it is learned */
}

static bool is_reserved(const uint8_t *mac) /* IEEE 802.1Q table 8-1: never forwarded by a bridge */
{
    static const uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0, 0};
    return !memcmp(mac, prefix, sizeof prefix) && mac[5] < 0x10;
}

/* ---- forms ---- */

static enum form form_at(const struct arrival *f, const struct port *to)
{
    const vs_vlans *vlans = vlans_at(to);
    if (!f->vlan)
        return AS_IT_IS; /* from plain trunk to plain trunk */
    if (vlans_untag(vlans, f->vlan) && (vlans_access(vlans) || f->n_tags < 2))
        return f->n_tags ? WITHOUT_TAG : AS_IT_IS;
    return f->n_tags && f->vid == f->vlan ? AS_IT_IS : WITH_TAG;
}

static void give_form(struct composition *c, const struct arrival *f, enum form form)
{
    static const struct action push = {.kind = ACT_PUSH_VLAN, .arg = ETH_VLAN}, pop = {.kind = ACT_POP_VLAN};
    struct action set = {.kind = ACT_SET_FIELD, .field = FIELD_VLAN_VID};
    if (form == WITHOUT_TAG) {
        do_pop_vlan(c, &pop);
        return;
    }
    if (!f->n_tags)
        do_push_vlan(c, &push);
    set16(set.value, (uint16_t)(f->vlan | 0x1000));
    do_set_field(c, &set);
}

static void tell_vlan(const struct composition *c, uint32_t port, unsigned vlan)
{
    if (c->watch && c->watch->vlan)
        c->watch->vlan(c->watch->arg, port, vlan);
}

/* ---- to one port, to all others ---- */

static void send_as(struct composition *c, const struct arrival *f, struct port *to)
{
    struct compose_copy copy;
    enum form form = form_at(f, to);
    if (form == AS_IT_IS) {
        compose_send(c, to);
        return;
    }
    compose_copy_begin(c, &copy);
    give_form(c, f, form);
    compose_send(c, to);
    compose_copy_end(c, &copy);
}

static void output_known(struct composition *c, const struct arrival *f, uint32_t number)
{
    struct port *to = bridge_port(c->bridge, number);
    if (!to)
        compose_drop(c, VS_DROP_NO_PORT);
    else if (number == f->in_port)
        compose_drop(c, VS_DROP_OUTPUT_SELF);
    else if (!vlans_pass(vlans_at(to), f->vlan)) {
        tell_vlan(c, number, f->vlan);
        compose_drop(c, VS_DROP_VLAN);
    } else {
        send_as(c, f, to);
    }
}

static void tell_left_out(const struct composition *c, const struct arrival *f)
{
    const struct port_list *list = bridge_ports(c->bridge);
    for (uint32_t i = 0; c->watch && i < list->n; i++)
        if (list->ports[i]->spec.number != f->in_port && !vlans_pass(vlans_at(list->ports[i]), f->vlan))
            tell_vlan(c, list->ports[i]->spec.number, f->vlan);
}

/* Does a flood of this frame go there, and in this form? */
static bool takes(const struct arrival *f, const struct port *to, enum form form)
{
    return to->spec.number != f->in_port && vlans_pass(vlans_at(to), f->vlan) && form_at(f, to) == form;
}

static void flood_as(struct composition *c, const struct arrival *f, enum form form)
{
    const struct port_list *list = bridge_ports(c->bridge);
    struct compose_copy copy;
    uint32_t i = 0;
    while (i < list->n && !takes(f, list->ports[i], form))
        i++;
    if (i == list->n)
        return;
    if (form != AS_IT_IS) {
        compose_copy_begin(c, &copy);
        give_form(c, f, form);
    }
    for (; i < list->n; i++)
        if (takes(f, list->ports[i], form))
            compose_send(c, list->ports[i]);
    if (form != AS_IT_IS)
        compose_copy_end(c, &copy);
}

/* Above the bridge's rate for floods of one port the copy ends, not what comes behind NORMAL.  What the controller
 * sends is never above it. */
static void flood(struct composition *c, const struct arrival *f, const struct port *in)
{
    struct meter *limit = in ? atomic_load_explicit(&in->flood, memory_order_acquire) : NULL;
    struct compose_copy copy;
    if (limit) {
        compose_copy_begin(c, &copy);
        compose_append(c, &(struct action){.kind = ACT_METER, .arg = VS_DROP_FLOOD_LIMIT, .meter = limit});
    }
    for (enum form form = AS_IT_IS; form < FORMS; form++)
        flood_as(c, f, form);
    if (limit)
        compose_copy_end(c, &copy);
}

/* ---- the action ---- */

static bool has_cut_tag(const struct composition *c)
{
    return eth_type_is_tag(get16(&c->key.eth_type)) && c->n_tags < LAYOUT_MAX_VLANS;
}

void output_normal(struct composition *c, const struct action *a)
{
    (void)a;
    struct arrival f = {
        .in_port = get32(&c->key.in_port), .vid = get16(&c->key.vlan_vid) & VLAN_VID, .n_tags = c->n_tags};
    const struct port *in = c->in;
    if (compose_from_nowhere(c)) {
        compose_drop(c, VS_DROP_NO_IN_PORT);
        return;
    }
    int vlan = has_cut_tag(c) ? VLAN_REFUSED : vlans_classify(in ? vlans_at(in) : &vlans_every, f.vid);
    if (vlan == VLAN_REFUSED) {
        tell_vlan(c, f.in_port, f.vid);
        compose_drop(c, VS_DROP_VLAN);
        return;
    }
    f.vlan = (unsigned)vlan;
    learn_source(c, &f, in);
    if (is_reserved(c->key.eth_dst)) {
        compose_drop(c, VS_DROP_RESERVED);
        return;
    }
    const struct mac_entry *to = mac_find(&c->bridge->macs, mac_station(c->key.eth_dst, (uint16_t)f.vlan));
    uint32_t port = to && !(c->key.eth_dst[0] & 1) ? to->port : 0;
    if (c->watch && c->watch->normal)
        c->watch->normal(c->watch->arg, port);
    if (port) {
        output_known(c, &f, port);
    } else {
        tell_left_out(c, &f);
        flood(c, &f, in);
    }
}
