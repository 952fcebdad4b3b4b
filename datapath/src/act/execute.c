/* See execute.h.  A table of small handlers; each returns whether the packet goes on.
 *
 * Theory of operation.  A walk goes over a range of the list with one packet.  A clone is a
 * walk of its own over the actions it brackets, with a copy (a reference, until an edit
 * wants a packet of its own).  A super-frame that is about to become what no offload can say is cut,
 * and every piece walks the rest of the range, counted with the bytes that it had when it came.  Counters: slots stand in
 * the order in which the packet meets them; a walk raises those of its range up to where it
 * ended, leaving out those of the clones in it, which raise their own.
 */
#include "act/execute.h"

#include "meter/meter.h"
#include "packet/checksum.h"
#include "packet/edit.h"

struct walk {
    struct executor *by;
    const struct itinerary *list;
    struct port *in;
    struct packet *p;
    uint64_t packets, bytes;
    unsigned at, end;    /* actions: where it is, where its range ends */
    unsigned slot, last; /* counters: raised so far, where its range ends */
};

static void drop(struct walk *w, vs_drop reason)
{
    w->by->done = true;
    if (w->in)
        port_drop_frames(w->in, reason, w->packets);
}

static void count_to(struct walk *w, unsigned slot)
{
    for (; w->slot < slot; w->slot++)
        slot_add(&w->by->counts[w->list->slots[w->slot]], w->packets, w->bytes);
}

/* A packet that may be changed; false: no buffer for a copy, the packet is gone. */
static bool own(struct walk *w)
{
    w->p = packet_own(w->p);
    if (!w->p)
        drop(w, VS_DROP_NO_BUFFER);
    return w->p;
}

/* ---- where packets go ---- */

/* Takes over a reference.  The port itself looks at its MTU and at what it can take, piece by piece. */
static void send(struct executor *by, struct port *to, uint32_t queue, struct packet *p)
{
    if (!port_sends(to)) {
        port_drop(to, VS_DROP_OUTPUT_DOWN, p);
        packet_release(p);
    } else if (queue == NO_QUEUE || !by->enqueue(by, to, queue, p)) {
        outlet_put(&by->outlet, to, p);
    }
}

static bool run_send(struct walk *w, const struct action *a)
{
    w->by->done = true;
    send(w->by, a->to, a->port, packet_ref(w->p));
    return true;
}

static bool run_controller(struct walk *w, const struct action *a)
{
    w->by->done = true;
    w->by->to_controller(w->by, w->in, w->p, a);
    return true;
}

static bool run_drop(struct walk *w, const struct action *a)
{
    if (a->arg && w->by->done)
        return true;
    drop(w, (vs_drop)a->port);
    return true;
}

/* ---- edits: what each does to a packet of one's own; false: it ends here ---- */

typedef bool edit(struct packet *, const struct action *);

static bool set_field(struct packet *p, const struct action *a)
{
    static const uint8_t to_edit[FIELD_LIMIT] = {
#define SAME(id) [FIELD_##id] = EDIT_##id + 1
        SAME(ETH_DST), SAME(ETH_SRC), SAME(ETH_TYPE), SAME(VLAN_VID), SAME(VLAN_PCP), SAME(IP_DSCP), SAME(IP_ECN), SAME(IP_PROTO),
        SAME(IPV4_SRC), SAME(IPV4_DST), SAME(TCP_SRC), SAME(TCP_DST), SAME(UDP_SRC), SAME(UDP_DST), SAME(SCTP_SRC),
        SAME(SCTP_DST), SAME(ICMPV4_TYPE), SAME(ICMPV4_CODE), SAME(ARP_OP), SAME(ARP_SPA), SAME(ARP_TPA),
        SAME(ARP_SHA), SAME(ARP_THA), SAME(IPV6_SRC), SAME(IPV6_DST), SAME(IPV6_FLABEL), SAME(ICMPV6_TYPE),
        SAME(ICMPV6_CODE), SAME(ND_TARGET), SAME(ND_SLL), SAME(ND_TLL), SAME(MPLS_LABEL), SAME(MPLS_TC),
        SAME(MPLS_BOS), SAME(PBB_ISID),
#undef SAME
    };
    if (to_edit[a->field])
        edit_set(p, (enum edit_field)(to_edit[a->field] - 1), a->value);
    return true;
}

static bool push_vlan(struct packet *p, const struct action *a) { return edit_push_vlan(p, a->arg); }
static bool push_mpls(struct packet *p, const struct action *a) { return edit_push_mpls(p, a->arg); }
static bool push_pbb(struct packet *p, const struct action *a) { return edit_push_pbb(p, a->arg); }
static bool dec_ttl(struct packet *p, const struct action *a) { (void)a; return edit_dec_ttl(p); }
static bool dec_mpls_ttl(struct packet *p, const struct action *a) { (void)a; return edit_dec_mpls_ttl(p); }

/* Where the packet lacks the header, nothing happens. */
static bool pop_vlan(struct packet *p, const struct action *a) { (void)a; edit_pop_vlan(p); return true; }
static bool pop_mpls(struct packet *p, const struct action *a) { edit_pop_mpls(p, a->arg); return true; }
static bool pop_pbb(struct packet *p, const struct action *a) { (void)a; edit_pop_pbb(p); return true; }
static bool copy_ttl_out(struct packet *p, const struct action *a) { (void)a; edit_copy_ttl_out(p); return true; }
static bool copy_ttl_in(struct packet *p, const struct action *a) { (void)a; edit_copy_ttl_in(p); return true; }
static bool set_ttl(struct packet *p, const struct action *a) { edit_set_ttl(p, (uint8_t)a->arg); return true; }
static bool set_mpls_ttl(struct packet *p, const struct action *a) { edit_set_mpls_ttl(p, (uint8_t)a->arg); return true; }

static edit *const edits[ACT_LIMIT] = {
    [ACT_SET_FIELD] = set_field,       [ACT_PUSH_VLAN] = push_vlan,         [ACT_POP_VLAN] = pop_vlan,
    [ACT_PUSH_MPLS] = push_mpls,       [ACT_POP_MPLS] = pop_mpls,           [ACT_PUSH_PBB] = push_pbb,
    [ACT_POP_PBB] = pop_pbb,           [ACT_COPY_TTL_OUT] = copy_ttl_out,   [ACT_COPY_TTL_IN] = copy_ttl_in,
    [ACT_SET_TTL] = set_ttl,           [ACT_DEC_TTL] = dec_ttl,             [ACT_SET_MPLS_TTL] = set_mpls_ttl,
    [ACT_DEC_MPLS_TTL] = dec_mpls_ttl,
};

static bool is_ttl(const struct action *a) { return a->kind == ACT_DEC_TTL || a->kind == ACT_DEC_MPLS_TTL; }

static bool edit_owned(struct walk *w, const struct action *a)
{
    if (!own(w))
        return false;
    if (edits[a->kind](w->p, a))
        return true;
    if (is_ttl(a))
        w->by->to_controller(w->by, w->in, w->p, a);
    drop(w, is_ttl(a) ? VS_DROP_TTL : VS_DROP_TOO_DEEP);
    return false;
}

/* ---- what no offload can say ---- */

/* A header in front of the network header, or headers that get other names or go out of sight. */
static bool leaves_offload(const struct packet *p, const struct action *a)
{
    if (a->kind == ACT_PUSH_VLAN)
        return p->layout.n_vlans == LAYOUT_MAX_VLANS;
    if (a->kind == ACT_SET_FIELD)
        return a->field == FIELD_ETH_TYPE || a->field == FIELD_IP_PROTO;
    return a->kind == ACT_PUSH_MPLS || a->kind == ACT_PUSH_PBB;
}

static void walk(struct walk *w);

/* How many bytes longer each frame of the super-frame is by now than when it came. */
static int64_t grown(const struct walk *w)
{
    uint64_t packets, bytes;
    gso_wire(w->p, &packets, &bytes);
    return (int64_t)(bytes - w->bytes) / (int64_t)packets;
}

/* The pieces do the rest, and count it. */
static void walk_pieces(struct walk *w)
{
    struct packet *pieces[GSO_MAX_SEGMENTS];
    unsigned n = gso_segment(w->p, pieces, GSO_MAX_SEGMENTS);
    int64_t longer = grown(w);
    if (!n) {
        drop(w, w->packets > GSO_MAX_SEGMENTS ? VS_DROP_TOO_DEEP : VS_DROP_NO_BUFFER);
        return;
    }
    w->by->worked += (uint64_t)n * (w->end - w->at);
    for (unsigned i = 0; i < n; i++) {
        struct walk piece = *w;
        piece.p = pieces[i];
        piece.packets = 1;
        piece.bytes = (uint64_t)(pieces[i]->len - longer);
        walk(&piece);
    }
    w->slot = w->last;
}

static bool run_edit(struct walk *w, const struct action *a)
{
    if (w->p->offload & PACKET_NEEDS_CSUM && leaves_offload(w->p, a)) {
        if (w->p->gso_type) {
            walk_pieces(w);
            return false;
        }
        if (!own(w))
            return false;
        checksum_complete(w->p);
    }
    return edit_owned(w, a);
}

/* ---- meters, copies, stages ---- */

static bool remark(struct walk *w, uint8_t prec_level)
{
    const uint8_t *first = packet_at(w->p, w->p->layout.l3, 2);
    if (!first || (w->p->layout.kind != L3_IPV4 && w->p->layout.kind != L3_IPV6))
        return true;
    uint8_t six = (uint8_t)((first[0] & 15) << 2 | first[1] >> 6);
    uint8_t marked = meter_remark(w->p->layout.kind == L3_IPV4 ? first[1] >> 2 : six, prec_level);
    if (!own(w))
        return false;
    edit_set(w->p, EDIT_IP_DSCP, &marked);
    return true;
}

int meter_account(struct executor *by, struct meter *m, uint64_t packets, uint64_t bytes)
{
    int band = meter_charge(m, packets, bytes, by->now_ns);
    if (m->slot == UINT32_MAX)
        return band; /* a bridge's own, against floods, has no counters */
    slot_add(&by->counts[m->slot], packets, bytes);
    if (band >= 0)
        slot_add(&by->counts[m->bands[band].slot], packets, bytes);
    return band;
}

static bool run_meter(struct walk *w, const struct action *a)
{
    int band = meter_account(w->by, a->meter, w->packets, w->bytes);
    if (band < 0)
        return true;
    if (a->meter->bands[band].spec.type == METER_DSCP_REMARK)
        return remark(w, a->meter->bands[band].spec.prec_level);
    drop(w, (vs_drop)a->arg);
    return false;
}

static bool run_clone(struct walk *w, const struct action *a)
{
    struct walk copy = *w;
    count_to(w, a->n_slots);
    copy.p = packet_ref(w->p);
    copy.at = w->at + 1;
    copy.end = w->at + 1 + a->arg;
    copy.slot = a->n_slots;
    copy.last = a->port;
    walk(&copy);
    w->at += a->arg;
    w->slot = a->port;
    return true;
}

static bool run_continue(struct walk *w, const struct action *a)
{
    w->by->go_on(w->by, w->in, w->p, a->stage, w->packets, w->bytes);
    w->p = NULL;
    return false;
}

/* ---- the walk ---- */

typedef bool handler(struct walk *, const struct action *);
static handler *const handlers[ACT_LIMIT] = {
    [ACT_SET_FIELD] = run_edit,    [ACT_PUSH_VLAN] = run_edit,        [ACT_POP_VLAN] = run_edit,
    [ACT_PUSH_MPLS] = run_edit,    [ACT_POP_MPLS] = run_edit,        [ACT_PUSH_PBB] = run_edit,
    [ACT_POP_PBB] = run_edit,      [ACT_COPY_TTL_OUT] = run_edit,     [ACT_COPY_TTL_IN] = run_edit,
    [ACT_SET_MPLS_TTL] = run_edit, [ACT_DEC_MPLS_TTL] = run_edit,     [ACT_SET_TTL] = run_edit,
    [ACT_DEC_TTL] = run_edit,      [ACT_SEND] = run_send,             [ACT_CONTROLLER] = run_controller,
    [ACT_DROP] = run_drop,         [ACT_METER] = run_meter,           [ACT_CLONE] = run_clone,
    [ACT_CONTINUE] = run_continue,
};

static void walk(struct walk *w)
{
    unsigned last = w->last;
    for (; w->at < w->end; w->at++) {
        const struct action *a = &w->list->actions[w->at];
        if (handlers[a->kind](w, a))
            continue;
        last = a->n_slots;
        break;
    }
    count_to(w, last);
    packet_release(w->p);
}

bool action_edit(struct executor *by, const struct action *a, struct port *in, struct packet **p)
{
    struct walk w = {.by = by, .in = in, .p = *p};
    bool goes_on = handlers[a->kind](&w, a);
    *p = w.p;
    return goes_on;
}

void actions_execute(struct executor *by, const struct itinerary *list, struct port *in, struct packet *p, uint64_t packets, uint64_t bytes)
{
    struct walk w = {.by = by, .list = list, .in = in, .p = p, .packets = packets, .bytes = bytes,
                     .end = list->n_actions, .last = list->n_slots};
    walk(&w);
}
