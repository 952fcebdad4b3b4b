/* See execute.h.  A table of small handlers; each returns whether the packet goes on. */
#include "act/execute.h"

#include "packet/edit.h"

struct run {
    struct executor *by;
    struct port *in;
    struct packet *p;
};

static void drop(struct run *r, vs_drop reason)
{
    if (r->in)
        port_drop(r->in, reason, 1);
}

/* A packet that may be changed; false: no buffer for a copy, the packet is gone. */
static bool own(struct run *r)
{
    r->p = packet_own(r->p);
    if (!r->p)
        drop(r, VS_DROP_NO_BUFFER);
    return r->p;
}

static bool may_send(const struct port *to)
{
    uint32_t config = atomic_load_explicit(&to->config, memory_order_relaxed);
    uint32_t state = atomic_load_explicit(&to->state, memory_order_relaxed);
    return !(config & (VS_PC_PORT_DOWN | VS_PC_NO_FWD)) && !(state & (VS_PS_LINK_DOWN | VS_PS_BLOCKED));
}

/* The port itself looks at its MTU and at what it can take, piece by piece. */
static bool sendable(struct port *to)
{
    if (may_send(to))
        return true;
    port_drop(to, VS_DROP_OUTPUT_DOWN, 1);
    return false;
}

static bool run_send(struct run *r, const struct action *a)
{
    if (sendable(a->to))
        outlet_put(&r->by->outlet, a->to, packet_ref(r->p));
    return true;
}

static bool run_controller(struct run *r, const struct action *a)
{
    r->by->to_controller(r->by, r->in, r->p, a);
    return true;
}

static bool run_drop(struct run *r, const struct action *a)
{
    drop(r, (vs_drop)a->port);
    return true;
}

static bool run_set_field(struct run *r, const struct action *a)
{
    static const uint8_t to_edit[FIELD_LIMIT] = {
#define SAME(id) [FIELD_##id] = EDIT_##id + 1
        SAME(ETH_DST), SAME(ETH_SRC), SAME(VLAN_VID), SAME(VLAN_PCP), SAME(IP_DSCP), SAME(IP_ECN), SAME(IP_PROTO),
        SAME(IPV4_SRC), SAME(IPV4_DST), SAME(TCP_SRC), SAME(TCP_DST), SAME(UDP_SRC), SAME(UDP_DST), SAME(SCTP_SRC),
        SAME(SCTP_DST), SAME(ICMPV4_TYPE), SAME(ICMPV4_CODE), SAME(ARP_OP), SAME(ARP_SPA), SAME(ARP_TPA),
        SAME(ARP_SHA), SAME(ARP_THA), SAME(IPV6_SRC), SAME(IPV6_DST), SAME(IPV6_FLABEL), SAME(ICMPV6_TYPE),
        SAME(ICMPV6_CODE), SAME(ND_TARGET), SAME(ND_SLL), SAME(ND_TLL), SAME(MPLS_LABEL), SAME(MPLS_TC),
        SAME(MPLS_BOS), SAME(PBB_ISID),
#undef SAME
    };
    if (!own(r))
        return false;
    if (to_edit[a->field])
        edit_set(r->p, (enum edit_field)(to_edit[a->field] - 1), a->value);
    return true;
}

static bool run_push_vlan(struct run *r, const struct action *a)
{
    if (!own(r))
        return false;
    if (edit_push_vlan(r->p, a->arg))
        return true;
    drop(r, VS_DROP_TOO_DEEP);
    return false;
}

static bool run_pop_vlan(struct run *r, const struct action *a)
{
    (void)a;
    if (!own(r))
        return false;
    edit_pop_vlan(r->p);
    return true;
}

static bool run_dec_ttl(struct run *r, const struct action *a)
{
    if (!own(r))
        return false;
    if (edit_dec_ttl(r->p))
        return true;
    r->by->to_controller(r->by, r->in, r->p, a);
    drop(r, VS_DROP_TTL);
    return false;
}

static bool run_set_ttl(struct run *r, const struct action *a)
{
    if (!own(r))
        return false;
    edit_set_ttl(r->p, (uint8_t)a->arg);
    return true;
}

typedef bool handler(struct run *, const struct action *);
static handler *const handlers[ACT_LIMIT] = {
    [ACT_SET_FIELD] = run_set_field, [ACT_PUSH_VLAN] = run_push_vlan, [ACT_POP_VLAN] = run_pop_vlan,
    [ACT_DEC_TTL] = run_dec_ttl,     [ACT_SET_TTL] = run_set_ttl,     [ACT_SEND] = run_send,
    [ACT_CONTROLLER] = run_controller, [ACT_DROP] = run_drop,
};

bool action_edit(struct executor *by, const struct action *a, struct port *in, struct packet **p)
{
    struct run r = {by, in, *p};
    bool goes_on = handlers[a->kind](&r, a);
    *p = r.p;
    return goes_on;
}

const struct action *actions_execute(struct executor *by, const struct action *actions, unsigned n, struct port *in, struct packet *p)
{
    if (n == 1 && actions[0].kind == ACT_SEND) { /* most packets: the reference moves on */
        if (sendable(actions[0].to))
            outlet_put(&by->outlet, actions[0].to, p);
        else
            packet_release(p);
        return NULL;
    }
    struct run r = {by, in, p};
    const struct action *end = NULL;
    for (unsigned i = 0; i < n && !end; i++)
        if (!handlers[actions[i].kind](&r, &actions[i]))
            end = &actions[i];
    packet_release(r.p);
    return end;
}
