/* See compose.h. */
#include "pipeline/compose.h"

#include <string.h>

#include "base/bytes.h"

/* ---- putting actions on the list ---- */

static void append(struct composition *c, const struct action *a)
{
    if (c->n_actions == COMPOSE_ACTIONS)
        c->overflow = true;
    else
        c->actions[c->n_actions++] = *a;
}

static void append_drop(struct composition *c, vs_drop reason)
{
    append(c, &(struct action){.kind = ACT_DROP, .port = (uint32_t)reason});
}

/* The packet goes no further: what was done to it so far stands. */
static void end(struct composition *c, vs_drop reason)
{
    append_drop(c, reason);
    c->ended = true;
}

static void count(struct composition *c, uint32_t slot)
{
    if (c->n_slots < COMPOSE_SLOTS)
        c->slots[c->n_slots++] = slot;
}

static struct action with_origin(const struct composition *c, struct action a)
{
    a.table = c->origin.table;
    a.origin.cookie = c->origin.cookie;
    a.origin.metadata = c->key.metadata;
    return a;
}

/* ---- outputs: a table of reserved ports, everything else is a number ---- */

static uint32_t in_port(const struct composition *c) { return get32(&c->key.in_port); }

static void send_to(struct composition *c, struct port *to)
{
    append(c, &(struct action){.kind = ACT_SEND, .to = to});
}

static void output_number(struct composition *c, uint32_t number)
{
    struct port *to = bridge_port(c->bridge, number);
    if (!to)
        append_drop(c, VS_DROP_NO_PORT);
    else if (number == in_port(c))
        append_drop(c, VS_DROP_OUTPUT_SELF);
    else
        send_to(c, to);
}

static void output_in_port(struct composition *c, const struct action *a)
{
    (void)a;
    struct port *to = bridge_port(c->bridge, in_port(c));
    if (to)
        send_to(c, to);
    else
        append_drop(c, VS_DROP_NO_PORT);
}

/* FLOOD differs from ALL by leaving out ports that are blocked or have NO_FWD; an output to such a port sends
 * nothing anyway (and is counted there), so both lists are the same. */
static void output_all(struct composition *c, const struct action *a)
{
    (void)a;
    const struct port_list *list = bridge_ports(c->bridge);
    for (uint32_t i = 0; i < list->n; i++)
        if (list->ports[i]->spec.number != in_port(c))
            send_to(c, list->ports[i]);
}

static void output_controller(struct composition *c, const struct action *a)
{
    struct action to = {.kind = ACT_CONTROLLER, .arg = a->arg, .reason = c->origin.miss ? OFPR_NO_MATCH : OFPR_ACTION};
    to = with_origin(c, to);
    append(c, &to);
}

/* OFPP_NORMAL: a learning switch.  What it says depends on the source's entry too (it may have moved), so
 * both addresses and the tag belong to every key shape that has it: see rule_looks. */
static uint16_t vlan_of(const struct composition *c) { return get16(&c->key.vlan_vid) & 0xfff; }

static void learn_source(struct composition *c)
{
    const uint8_t *source = c->key.eth_src;
    uint64_t station = mac_station(source, vlan_of(c));
    const struct mac_entry *known = mac_find(&c->bridge->macs, station);
    if (source[0] & 1 || in_port(c) >= OFPP_MAX)
        return; /* no station sends from a group address; packet-outs teach nothing */
    if (known)
        count(c, known->slot);
    if ((known && known->port == in_port(c)) || (!known && mac_full(&c->bridge->macs)))
        return;
    c->learn = station;
    c->cacheable = false; /* until it is learned */
}

static bool is_reserved(const uint8_t *mac) /* IEEE 802.1Q table 8-1: never forwarded by a bridge */
{
    static const uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0, 0};
    return !memcmp(mac, prefix, sizeof prefix) && mac[5] < 0x10;
}

static void output_normal(struct composition *c, const struct action *a)
{
    learn_source(c);
    if (is_reserved(c->key.eth_dst)) {
        append_drop(c, VS_DROP_RESERVED);
        return;
    }
    const struct mac_entry *to = mac_find(&c->bridge->macs, mac_station(c->key.eth_dst, vlan_of(c)));
    uint32_t port = to && !(c->key.eth_dst[0] & 1) ? to->port : 0;
    if (c->watch && c->watch->normal)
        c->watch->normal(c->watch->arg, port);
    if (port)
        output_number(c, port);
    else
        output_all(c, a);
}

static void walk_tables(struct composition *c);

static void output_table(struct composition *c, const struct action *a)
{
    (void)a; /* packet-outs only: the decoder refuses it in rules */
    walk_tables(c);
}

static void output(struct composition *c, const struct action *a)
{
    static const struct { uint32_t port; void (*to)(struct composition *, const struct action *); } reserved[] = {
        {OFPP_IN_PORT, output_in_port},       {OFPP_ALL, output_all},     {OFPP_FLOOD, output_all},
        {OFPP_CONTROLLER, output_controller}, {OFPP_TABLE, output_table}, {OFPP_NORMAL, output_normal},
    };
    c->sends = true;
    if (a->port < OFPP_MAX || a->port == OFPP_LOCAL) {
        output_number(c, a->port);
        return;
    }
    for (unsigned i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (reserved[i].port == a->port) {
            reserved[i].to(c, a);
            return;
        }
    append_drop(c, VS_DROP_NO_PORT);
}

/* ---- what edits do to the key ---- */

/* The TCIs of the packet, innermost first.  The key knows two; deeper ones are read from the packet, and the
 * result is then this packet's alone. */
static void load_tags(struct composition *c)
{
    unsigned n = c->key.n_vlans;
    for (unsigned i = 0; i < n; i++)
        c->tags[i] = 0;
    if (n > 0)
        c->tags[n - 1] = (uint16_t)((unsigned)c->key.vlan_pcp << 13 | (get16(&c->key.vlan_vid) & 0xfff));
    if (n > 1)
        c->tags[n - 2] = get16(&c->key.inner_tci);
    for (unsigned depth = 2; depth < n && c->packet; depth++) {
        const uint8_t *tci = packet_at(c->packet, 14 + 4 * depth, 2);
        c->tags[n - 1 - depth] = tci ? get16(tci) : 0;
    }
    c->n_tags = n;
}

static void store_tags(struct composition *c)
{
    uint16_t outer = c->n_tags ? c->tags[c->n_tags - 1] : 0;
    uint16_t inner = c->n_tags > 1 ? c->tags[c->n_tags - 2] : 0;
    set16(&c->key.vlan_vid, c->n_tags ? (uint16_t)((outer & 0xfff) | 0x1000) : 0);
    c->key.vlan_pcp = (uint8_t)(outer >> 13);
    set16(&c->key.inner_tci, inner);
    c->key.n_vlans = (uint8_t)c->n_tags;
}

static void do_push_vlan(struct composition *c, const struct action *a)
{
    if (c->n_tags == LAYOUT_MAX_VLANS) {
        end(c, VS_DROP_TOO_DEEP); /* what lies below would be out of sight, for us and for later tables */
        return;
    }
    c->tags[c->n_tags] = c->n_tags ? c->tags[c->n_tags - 1] : 0;
    c->n_tags++;
    store_tags(c);
    append(c, a);
}

static bool is_tpid(uint16_t type) { return type == 0x8100 || type == 0x88a8; }

static void do_pop_vlan(struct composition *c, const struct action *a)
{
    if (!c->n_tags)
        return;
    if (c->n_tags > 2)
        c->cacheable = false;
    if (c->n_tags == LAYOUT_MAX_VLANS && is_tpid(get16(&c->key.eth_type))) {
        end(c, VS_DROP_TOO_DEEP); /* headers nobody looked at would come into sight */
        return;
    }
    c->n_tags--;
    store_tags(c);
    append(c, a);
}

static bool reachable(const struct composition *c, enum field_id id)
{
    static const uint8_t needs[FIELD_LIMIT] = {
        [FIELD_IP_DSCP] = HAS_L3, [FIELD_IP_ECN] = HAS_L3, [FIELD_IP_PROTO] = HAS_L3, [FIELD_IPV4_SRC] = HAS_L3,
        [FIELD_IPV4_DST] = HAS_L3, [FIELD_TCP_SRC] = HAS_L4, [FIELD_TCP_DST] = HAS_L4, [FIELD_UDP_SRC] = HAS_L4,
        [FIELD_UDP_DST] = HAS_L4, [FIELD_SCTP_SRC] = HAS_L4, [FIELD_SCTP_DST] = HAS_L4, [FIELD_ICMPV4_TYPE] = HAS_L4,
        [FIELD_ICMPV4_CODE] = HAS_L4, [FIELD_ARP_OP] = HAS_L3, [FIELD_ARP_SPA] = HAS_L3, [FIELD_ARP_TPA] = HAS_L3,
        [FIELD_ARP_SHA] = HAS_L3, [FIELD_ARP_THA] = HAS_L3, [FIELD_IPV6_SRC] = HAS_L3, [FIELD_IPV6_DST] = HAS_L3,
        [FIELD_IPV6_FLABEL] = HAS_L3, [FIELD_ICMPV6_TYPE] = HAS_L4, [FIELD_ICMPV6_CODE] = HAS_L4,
        [FIELD_ND_TARGET] = HAS_ND, [FIELD_ND_SLL] = HAS_SLL, [FIELD_ND_TLL] = HAS_TLL,
        [FIELD_MPLS_LABEL] = HAS_L3, [FIELD_MPLS_TC] = HAS_L3, [FIELD_MPLS_BOS] = HAS_L3, [FIELD_PBB_ISID] = HAS_L3,
    };
    struct key exactly;
    memset(&exactly, 0xff, sizeof exactly);
    if (!field_allowed(&fields[id], &c->key, &exactly))
        return false; /* a packet-out's actions, or a written one whose packet has changed */
    if (id == FIELD_VLAN_VID || id == FIELD_VLAN_PCP)
        return c->n_tags > 0;
    if ((id == FIELD_SCTP_SRC || id == FIELD_SCTP_DST) && (c->key.has & HAS_FRAGMENT))
        return false; /* its CRC covers what this packet does not have */
    return (c->key.has & needs[id]) == needs[id];
}

/* A header that got another name is not read again: later tables see none of its fields. */
static void hide_behind(struct key *key, enum field_id id)
{
    if (id == FIELD_IP_PROTO) {
        key->tp_src = key->tp_dst = 0;
        key->icmp_type = key->icmp_code = 0;
        key->has &= (uint8_t)~HAS_L4;
    }
    if (id == FIELD_IP_PROTO || id == FIELD_ICMPV6_TYPE) {
        memset(key->nd_target, 0, sizeof key->nd_target);
        memset(key->arp_sha, 0, sizeof key->arp_sha);
        memset(key->arp_tha, 0, sizeof key->arp_tha);
        key->has &= (uint8_t)~(HAS_ND | HAS_SLL | HAS_TLL);
    }
}

static void do_set_field(struct composition *c, const struct action *a)
{
    const struct field *f = &fields[a->field];
    append(c, a);
    if (!reachable(c, (enum field_id)a->field))
        return;
    if (a->field == FIELD_VLAN_VID)
        c->tags[c->n_tags - 1] = (uint16_t)((c->tags[c->n_tags - 1] & 0xf000) | (get16(a->value) & 0xfff));
    else if (a->field == FIELD_VLAN_PCP)
        c->tags[c->n_tags - 1] = (uint16_t)((c->tags[c->n_tags - 1] & 0x1fff) | a->value[0] << 13);
    else
        memcpy(field_at(f, &c->key), a->value, f->info.bytes);
    hide_behind(&c->key, (enum field_id)a->field);
    store_tags(c);
}

static void do_dec_ttl(struct composition *c, const struct action *a)
{
    struct action dec = with_origin(c, *a);
    dec.reason = OFPR_INVALID_TTL;
    dec.arg = UINT16_MAX;
    dec.n_slots = (uint16_t)c->n_slots;
    append(c, &dec);
}

typedef void doer(struct composition *, const struct action *);
static doer *const doers[ACT_LIMIT] = {
    [ACT_OUTPUT] = output,          [ACT_SET_FIELD] = do_set_field, [ACT_PUSH_VLAN] = do_push_vlan,
    [ACT_POP_VLAN] = do_pop_vlan,   [ACT_DEC_TTL] = do_dec_ttl,     [ACT_SET_TTL] = append,
};

static void apply(struct composition *c, const struct action *actions, unsigned n)
{
    for (unsigned i = 0; i < n && !c->overflow && !c->ended; i++)
        doers[actions[i].kind](c, &actions[i]);
}

/* ---- the action set (OpenFlow 1.3.5 section 5.10) ---- */

static void set_write_one(struct action_set *s, const struct action *a)
{
    switch (a->kind) {
    case ACT_SET_FIELD: s->set[a->field] = *a; s->fields |= 1ull << a->field; break;
    case ACT_POP_VLAN: s->pop_vlan = *a; s->has_pop_vlan = true; break;
    case ACT_PUSH_VLAN: s->push_vlan = *a; s->has_push_vlan = true; break;
    case ACT_DEC_TTL: s->dec_ttl = *a; s->has_dec_ttl = true; break;
    case ACT_SET_TTL: s->set_ttl = *a; s->has_set_ttl = true; break;
    case ACT_OUTPUT: s->output = *a; s->has_output = true; break;
    }
}

static void set_clear(struct action_set *s)
{
    s->fields = 0;
    s->has_pop_vlan = s->has_push_vlan = s->has_dec_ttl = s->has_set_ttl = s->has_output = false;
}

static void set_execute(struct composition *c)
{
    const struct action_set *s = &c->set;
    if (s->has_pop_vlan)
        apply(c, &s->pop_vlan, 1);
    if (s->has_push_vlan)
        apply(c, &s->push_vlan, 1);
    if (s->has_dec_ttl)
        apply(c, &s->dec_ttl, 1);
    if (s->has_set_ttl)
        apply(c, &s->set_ttl, 1);
    for (uint64_t left = s->fields; left; left &= left - 1)
        apply(c, &s->set[__builtin_ctzll(left)], 1);
    if (s->has_output)
        apply(c, &s->output, 1);
}

/* ---- the walk ---- */

static const struct rule *look_up(struct composition *c, unsigned table)
{
    const struct flow_table *t = &c->bridge->tables[table];
    const struct classifier *classifier = atomic_load_explicit(&t->classifier, memory_order_acquire);
    struct cls_entry *entry = NULL;
    if (classifier) {
        count(c, atomic_load_explicit(&t->lookup_slot, memory_order_relaxed));
        entry = classifier_lookup(classifier, &c->key, c->version, NULL);
        if (!entry)
            count(c, atomic_load_explicit(&t->miss_slot, memory_order_relaxed));
    }
    return entry ? rule_of(entry) : NULL;
}

static void enter_rule(struct composition *c, unsigned table, const struct rule *r)
{
    const struct program *p = r->program;
    count(c, r->slot);
    c->origin.cookie = r->cookie;
    c->origin.table = (uint8_t)table;
    c->origin.miss = rule_is_table_miss(r);
    if (c->watch && c->watch->rule)
        c->watch->rule(c->watch->arg, table, r);
    apply(c, p->actions, p->n_apply);
    if (p->has_clear)
        set_clear(&c->set);
    for (unsigned i = 0; i < p->n_write; i++)
        set_write_one(&c->set, &p->actions[p->n_apply + i]);
    if (p->has_metadata)
        c->key.metadata = (c->key.metadata & ~p->metadata_mask) | (p->metadata & p->metadata_mask);
}

static void walk_tables(struct composition *c)
{
    for (unsigned table = 0;;) {
        const struct rule *r = look_up(c, table);
        if (!r) {
            if (c->watch && c->watch->miss)
                c->watch->miss(c->watch->arg, table);
            if (table == 0 && atomic_load_explicit(&c->bridge->standalone, memory_order_relaxed)) {
                apply(c, &(struct action){.kind = ACT_OUTPUT, .port = OFPP_NORMAL}, 1);
                return;
            }
            append_drop(c, VS_DROP_TABLE_MISS); /* the action set goes with the packet (section 5.4) */
            return;
        }
        enter_rule(c, table, r);
        if (!r->program->has_goto || c->overflow || c->ended)
            break;
        table = r->program->goto_table; /* always higher: the decoder saw to it */
    }
    set_execute(c);
}

static void start(struct composition *c, const struct bridge *b, uint64_t version, const struct key *key,
                  const struct packet *packet, const struct compose_watch *watch)
{
    c->bridge = b;
    c->packet = packet;
    c->watch = watch;
    c->version = version;
    c->key = *key;
    set_clear(&c->set);
    c->n_actions = c->n_slots = 0;
    c->learn = 0;
    c->sends = c->overflow = c->ended = false;
    c->cacheable = true;
    c->origin.cookie = UINT64_MAX;
    c->origin.table = c->origin.miss = 0;
    load_tags(c);
}

static void finish(struct composition *c)
{
    if (c->overflow) {
        c->n_actions = 0;
        append_drop(c, VS_DROP_TOO_DEEP);
    }
}

void compose_tables(struct composition *c, const struct bridge *b, uint64_t version, const struct key *key,
                    const struct packet *packet, const struct compose_watch *watch)
{
    start(c, b, version, key, packet, watch);
    walk_tables(c);
    bool dropped = c->n_actions && c->actions[c->n_actions - 1].kind == ACT_DROP;
    if (!c->sends && !dropped)
        append_drop(c, VS_DROP_RULE);
    finish(c);
}

void compose_packet_out(struct composition *c, const struct bridge *b, uint64_t version, const struct key *key,
                        const struct packet *packet, const struct action *actions, unsigned n)
{
    start(c, b, version, key, packet, NULL);
    apply(c, actions, n);
    finish(c);
}

bool compose_verdict(const struct composition *c, struct verdict *v)
{
    if (!c->cacheable || c->n_actions > VERDICT_ACTIONS || c->n_slots > VERDICT_SLOTS)
        return false;
    v->n_actions = (uint16_t)c->n_actions;
    v->n_slots = (uint16_t)c->n_slots;
    memcpy(v->slots, c->slots, c->n_slots * sizeof v->slots[0]);
    memcpy(v->actions, c->actions, c->n_actions * sizeof v->actions[0]);
    return true;
}
