/* See execute.h.  A table of small handlers; each returns whether the packet goes on.
 *
 * Theory of operation.  A run goes over a range of the list with one packet.  A clone is a
 * run of its own over the actions it brackets, with a copy (a reference, until an edit
 * wants a packet of its own).  A super-frame that is about to become what no offload can say is cut,
 * and every piece runs through the rest of the range, counted with the bytes that it had when it came.  Counters: slots
 * stand in the order in which the packet meets them; a run raises those of its range up to where it ended, leaving out
 * those of the clones in it, which raise their own.
 */
#include "act/execute.h"

#include "meter/meter.h"
#include "packet/checksum.h"
#include "packet/edit.h"

struct run {
    struct executor *by;
    const struct itinerary *list;
    struct port *in;
    struct packet *p;
    uint64_t packets, bytes;
    unsigned at, end;    /* actions: where it is, where its range ends */
    unsigned slot, last; /* counters: raised so far, where its range ends */
};

static void drop(struct run *r, vs_drop reason)
{
    r->by->done = true;
    if (r->in)
        port_drop_frames(r->in, reason, r->packets);
}

static void count_to(struct run *r, unsigned slot)
{
    for (; r->slot < slot; r->slot++)
        slot_add(&r->by->counts[r->list->slots[r->slot]], r->packets, r->bytes);
}

/* A packet that may be changed; false: no buffer for a copy, the packet is gone. */
static bool own(struct run *r)
{
    r->p = packet_own(r->p);
    if (!r->p)
        drop(r, VS_DROP_NO_BUFFER);
    return r->p;
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

static bool run_send(struct run *r, const struct action *a)
{
    r->by->done = true;
    send(r->by, a->to, a->port, packet_ref(r->p));
    return true;
}

static bool run_controller(struct run *r, const struct action *a)
{
    r->by->done = true;
    r->by->to_controller(r->by, r->in, r->p, a);
    return true;
}

static bool run_drop(struct run *r, const struct action *a)
{
    if (a->arg && r->by->done)
        return true;
    drop(r, (vs_drop)a->port);
    return true;
}

/* ---- edits: what each does to a packet of one's own; false: it ends here ---- */

typedef bool edit(struct packet *, const struct action *);

static bool set_field(struct packet *p, const struct action *a)
{
    static const uint8_t to_edit[FIELD_LIMIT] = {
#define SAME(id) [FIELD_##id] = EDIT_##id + 1
        SAME(ETH_DST),  SAME(ETH_SRC),     SAME(ETH_TYPE),    SAME(VLAN_VID),    SAME(VLAN_PCP),    SAME(IP_DSCP),
        SAME(IP_ECN),   SAME(IP_PROTO),    SAME(IPV4_SRC),    SAME(IPV4_DST),    SAME(TCP_SRC),     SAME(TCP_DST),
        SAME(UDP_SRC),  SAME(UDP_DST),     SAME(SCTP_SRC),    SAME(SCTP_DST),    SAME(ICMPV4_TYPE), SAME(ICMPV4_CODE),
        SAME(ARP_OP),   SAME(ARP_SPA),     SAME(ARP_TPA),     SAME(ARP_SHA),     SAME(ARP_THA),     SAME(IPV6_SRC),
        SAME(IPV6_DST), SAME(IPV6_FLABEL), SAME(ICMPV6_TYPE), SAME(ICMPV6_CODE), SAME(ND_TARGET),   SAME(ND_SLL),
        SAME(ND_TLL),   SAME(MPLS_LABEL),  SAME(MPLS_TC),     SAME(MPLS_BOS),    SAME(PBB_ISID),
#undef SAME
    };
    if (to_edit[a->field])
        edit_set(p, (enum edit_field)(to_edit[a->field] - 1), a->value);
    return true;
}

static bool push_vlan(struct packet *p, const struct action *a) { return edit_push_vlan(p, a->arg); }
static bool push_mpls(struct packet *p, const struct action *a) { return edit_push_mpls(p, a->arg); }
static bool push_pbb(struct packet *p, const struct action *a) { return edit_push_pbb(p, a->arg); }
static bool dec_ttl(struct packet *p, const struct action *a)
{
    (void)a;
    return edit_dec_ttl(p);
}
static bool dec_mpls_ttl(struct packet *p, const struct action *a)
{
    (void)a;
    return edit_dec_mpls_ttl(p);
}

/* Where the packet lacks the header, nothing happens. */
static bool pop_vlan(struct packet *p, const struct action *a)
{
    (void)a;
    edit_pop_vlan(p);
    return true;
}
static bool pop_mpls(struct packet *p, const struct action *a)
{
    edit_pop_mpls(p, a->arg);
    return true;
}
static bool pop_pbb(struct packet *p, const struct action *a)
{
    (void)a;
    edit_pop_pbb(p);
    return true;
}
static bool copy_ttl_out(struct packet *p, const struct action *a)
{
    (void)a;
    edit_copy_ttl_out(p);
    return true;
}
static bool copy_ttl_in(struct packet *p, const struct action *a)
{
    (void)a;
    edit_copy_ttl_in(p);
    return true;
}
static bool set_ttl(struct packet *p, const struct action *a)
{
    edit_set_ttl(p, (uint8_t)a->arg);
    return true;
}
static bool set_mpls_ttl(struct packet *p, const struct action *a)
{
    edit_set_mpls_ttl(p, (uint8_t)a->arg);
    return true;
}

static edit *const edits[ACT_LIMIT] = {
    [ACT_SET_FIELD] = set_field,       [ACT_PUSH_VLAN] = push_vlan,       [ACT_POP_VLAN] = pop_vlan,
    [ACT_PUSH_MPLS] = push_mpls,       [ACT_POP_MPLS] = pop_mpls,         [ACT_PUSH_PBB] = push_pbb,
    [ACT_POP_PBB] = pop_pbb,           [ACT_COPY_TTL_OUT] = copy_ttl_out, [ACT_COPY_TTL_IN] = copy_ttl_in,
    [ACT_SET_TTL] = set_ttl,           [ACT_DEC_TTL] = dec_ttl,           [ACT_SET_MPLS_TTL] = set_mpls_ttl,
    [ACT_DEC_MPLS_TTL] = dec_mpls_ttl,
};

static bool is_ttl(const struct action *a) { return a->kind == ACT_DEC_TTL || a->kind == ACT_DEC_MPLS_TTL; }

static bool edit_owned(struct run *r, const struct action *a)
{
    if (!own(r))
        return false;
    if (edits[a->kind](r->p, a))
        return true;
    if (is_ttl(a))
        r->by->to_controller(r->by, r->in, r->p, a);
    drop(r, is_ttl(a) ? VS_DROP_TTL : VS_DROP_TOO_DEEP);
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

static void run(struct run *r);

/* How many bytes longer each frame of the super-frame is by now than when it came. */
static int64_t grown(const struct run *r)
{
    uint64_t packets, bytes;
    gso_wire(r->p, &packets, &bytes);
    return (int64_t)(bytes - r->bytes) / (int64_t)packets;
}

/* The pieces do the rest, and count it; whether anything was done is each one's own question. */
static void run_pieces(struct run *r)
{
    struct packet *pieces[GSO_MAX_SEGMENTS];
    unsigned n = gso_segment(r->p, pieces, GSO_MAX_SEGMENTS);
    int64_t longer = grown(r);
    if (!n) {
        drop(r, r->packets > GSO_MAX_SEGMENTS ? VS_DROP_TOO_DEEP : VS_DROP_NO_BUFFER);
        return;
    }
    r->by->worked += (uint64_t)n * (r->end - r->at);
    bool before = r->by->done, any = before;
    for (unsigned i = 0; i < n; i++) {
        struct run piece = *r;
        r->by->done = before;
        piece.p = pieces[i];
        piece.packets = 1;
        piece.bytes = (uint64_t)(pieces[i]->len - longer);
        run(&piece);
        any |= r->by->done;
    }
    r->by->done = any;
    r->slot = r->last;
}

static bool run_edit(struct run *r, const struct action *a)
{
    if (r->p->offload & PACKET_NEEDS_CSUM && leaves_offload(r->p, a)) {
        if (r->p->gso_type) {
            run_pieces(r);
            return false;
        }
        if (!own(r))
            return false;
        checksum_complete(r->p);
    }
    return edit_owned(r, a);
}

/* ---- meters, copies, stages ---- */

static bool remark(struct run *r, uint8_t prec_level)
{
    const uint8_t *first = packet_at(r->p, r->p->layout.l3, 2);
    if (!first || (r->p->layout.kind != L3_IPV4 && r->p->layout.kind != L3_IPV6))
        return true;
    uint8_t six = (uint8_t)((first[0] & 15) << 2 | first[1] >> 6);
    uint8_t marked = meter_remark(r->p->layout.kind == L3_IPV4 ? first[1] >> 2 : six, prec_level);
    if (!own(r))
        return false;
    edit_set(r->p, EDIT_IP_DSCP, &marked);
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

static bool run_meter(struct run *r, const struct action *a)
{
    int band = meter_account(r->by, a->meter, r->packets, r->bytes);
    if (band < 0)
        return true;
    if (a->meter->bands[band].spec.type == METER_DSCP_REMARK)
        return remark(r, a->meter->bands[band].spec.prec_level);
    drop(r, (vs_drop)a->arg);
    return false;
}

static bool run_clone(struct run *r, const struct action *a)
{
    struct run copy = *r;
    count_to(r, a->n_slots);
    copy.p = packet_ref(r->p);
    copy.at = r->at + 1;
    copy.end = r->at + 1 + a->arg;
    copy.slot = a->n_slots;
    copy.last = a->port;
    run(&copy);
    r->at += a->arg;
    r->slot = a->port;
    return true;
}

static bool run_continue(struct run *r, const struct action *a)
{
    r->by->go_on(r->by, r->in, r->p, a->stage, r->packets, r->bytes);
    r->p = NULL;
    return false;
}

/* ---- the run ---- */

typedef bool handler(struct run *, const struct action *);
static handler *const handlers[ACT_LIMIT] = {
    [ACT_SET_FIELD] = run_edit,    [ACT_PUSH_VLAN] = run_edit,    [ACT_POP_VLAN] = run_edit,
    [ACT_PUSH_MPLS] = run_edit,    [ACT_POP_MPLS] = run_edit,     [ACT_PUSH_PBB] = run_edit,
    [ACT_POP_PBB] = run_edit,      [ACT_COPY_TTL_OUT] = run_edit, [ACT_COPY_TTL_IN] = run_edit,
    [ACT_SET_MPLS_TTL] = run_edit, [ACT_DEC_MPLS_TTL] = run_edit, [ACT_SET_TTL] = run_edit,
    [ACT_DEC_TTL] = run_edit,      [ACT_SEND] = run_send,         [ACT_CONTROLLER] = run_controller,
    [ACT_DROP] = run_drop,         [ACT_METER] = run_meter,       [ACT_CLONE] = run_clone,
    [ACT_CONTINUE] = run_continue,
};

static void run(struct run *r)
{
    unsigned last = r->last;
    for (; r->at < r->end; r->at++) {
        const struct action *a = &r->list->actions[r->at];
        if (handlers[a->kind](r, a))
            continue;
        last = a->n_slots;
        break;
    }
    count_to(r, last);
    packet_release(r->p);
}

bool action_edit(struct executor *by, const struct action *a, struct port *in, struct packet **p)
{
    struct run r = {.by = by, .in = in, .p = *p};
    bool goes_on = handlers[a->kind](&r, a);
    *p = r.p;
    return goes_on;
}

void actions_execute(struct executor *by, const struct itinerary *list, struct port *in, struct packet *p,
                     uint64_t packets, uint64_t bytes)
{
    struct run r = {.by = by,
                    .list = list,
                    .in = in,
                    .p = p,
                    .packets = packets,
                    .bytes = bytes,
                    .end = list->n_actions,
                    .last = list->n_slots};
    run(&r);
}
