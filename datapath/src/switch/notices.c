/* What sessions are told unasked: packet-ins, flow-removed; and the barrier that orders them. */
#include <sched.h>
#include <string.h>

#include "base/check.h"
#include "bridge/port_list.h"
#include "bridge/vlan.h"
#include "ofp/version.h"
#include "switch/history.h"
#include "switch/turns.h"
#include "tables/change.h"

/* ---- packet-ins ---- */

static void packet_in(struct vs_switch *sw, const struct upcall *up)
{
    struct packet_in in = {
        .in_port = up->in_port,
        .reason = up->reason,
        .table = up->table,
        .cookie = up->cookie,
        .metadata = up->metadata,
        .tunnel_id = up->tunnel_id,
        .data = (const uint8_t *)(up + 1),
        .size = up->size,
        .total_len = (uint16_t)up->size,
    };
    for (const struct session *s = sw->sessions; s; s = s->next) {
        if (s->bridge != up->bridge || !(s->spec.wants_packet_in & 1u << up->reason))
            continue;
        sw->reply.size = 0;
        s->spoken->write_packet_in(&sw->reply, &in);
        events_openflow(&sw->events, s->bridge, s->id, 0, sw->reply.data, sw->reply.size, true);
    }
}

/* Each station that moves makes what is cached of its bridge stale, and two who say the same address move it with every
 * packet. So a port may take over a thousand stations at once (all that stood behind another), but ten a second for
 * ever. */
static bool may_take_over(struct port *port, uint64_t now_ns)
{
    enum { AT_ONCE = 1000, EACH_NS = 100000000 };
    uint64_t paid = port->moves_ns > now_ns ? port->moves_ns : now_ns;
    if (paid - now_ns >= (uint64_t)AT_ONCE * EACH_NS)
        return false;
    port->moves_ns = paid + EACH_NS;
    return true;
}

/* The port may have gone down, or left the station's VLAN, since it was seen. */
static bool learn(struct vs_switch *sw, const struct station_told *told, uint64_t now_ns)
{
    struct bridge *b = switch_bridge(sw, told->bridge);
    struct port *port = b ? bridge_port(b, told->in_port) : NULL;
    if (!port || !port_lives(port) || !vlans_pass(&port->spec.vlans, mac_vlan(told->station)))
        return false;
    const struct mac_entry *known = mac_find(&b->macs, told->station);
    if (known && known->port != told->in_port && !may_take_over(port, now_ns))
        return false;
    return mac_learn(&b->macs, told->station, told->in_port, now_ns);
}

/* As many stations as were told of make one change of their bridge. */
static void learn_all(struct vs_switch *sw, uint64_t now_ns)
{
    struct ring *stations = &sw->worker->stations;
    uint64_t until = ring_written(stations);
    bool learned = false;
    size_t n;
    for (uint8_t *record; ring_read(stations) < until && (record = ring_peek(stations, &n)); ring_consume(stations))
        learned |= learn(sw, (const void *)record, now_ns);
    for (unsigned i = 0; i < sw->n_bridges && learned; i++)
        mac_publish(&sw->bridges[i]->macs);
}

/* While a slow daemon leaves events unread, packets stay in the ring, where no port may take more than what is still
 * free; unless 'all' have to go. */
void switch_drain_upcalls(struct vs_switch *sw, uint64_t now_ns, bool all)
{
    enum { UNREAD = 1 << 20, LONGEST = 65000 }; /* a message's length has 16 bits */
    struct ring *upcalls = &sw->worker->upcalls;
    atomic_store(&sw->told, false);
    learn_all(sw, now_ns);
    uint64_t until = ring_written(upcalls);
    size_t n;
    for (uint8_t *record;
         (all || sw->events.bytes <= UNREAD) && ring_read(upcalls) < until && (record = ring_peek(upcalls, &n));) {
        const struct upcall *up = (const void *)record;
        if (up->size <= LONGEST)
            packet_in(sw, up);
        else
            sw->events.lost++;
        if (up->teller != NO_TELLER)
            atomic_fetch_add_explicit(&sw->worker->taken[up->teller], sizeof *up + up->size, memory_order_relaxed);
        ring_consume(upcalls);
    }
}

/* ---- flow-removed ---- */

struct removal {
    struct vs_switch *sw;
    uint64_t now_ns;
};

static void flow_removed(void *arg, struct bridge *b, const struct rule *r)
{
    const struct removal *removal = arg;
    struct vs_switch *sw = removal->sw;
    if (!(r->flags & OFPFF_SEND_FLOW_REM))
        return;
    for (const struct session *s = sw->sessions; s; s = s->next) {
        if (s->bridge != b->id || !(s->spec.wants_flow_removed & 1u << r->removed_by))
            continue;
        sw->reply.size = 0;
        s->spoken->write_flow_removed(&sw->reply, r, removal->now_ns);
        events_openflow(&sw->events, b->id, s->id, 0, sw->reply.data, sw->reply.size, false);
    }
}

void switch_settle(struct vs_switch *sw, uint64_t now_ns)
{
    struct removal removal = {sw, now_ns};
    for (unsigned i = 0; i < sw->n_bridges; i++)
        bridge_settle(sw->bridges[i], flow_removed, &removal);
    epoch_collect_some(&sw->world.epoch);
}

/* ---- timeouts ---- */

static bool idled(struct rule *r, uint64_t now_ns)
{
    uint64_t packets, bytes;
    slots_read(&r->world->slots, r->slot, &packets, &bytes);
    if (packets != r->seen_packets) {
        r->seen_packets = packets;
        r->used_ns = now_ns;
    }
    return r->idle && now_ns - r->used_ns >= r->idle * 1000000000ull;
}

static bool is_due(struct rule *r, uint64_t now_ns, enum of_removed *reason)
{
    bool hard = r->hard && now_ns - r->created_ns >= r->hard * 1000000000ull;
    *reason = hard ? OFPRR_HARD_TIMEOUT : OFPRR_IDLE_TIMEOUT;
    return hard || idled(r, now_ns);
}

static void expire_bridge(struct vs_switch *sw, struct bridge *b, uint64_t now_ns)
{
    enum of_removed reason;
    for (struct rule *r = b->timed, *next; r; r = next) {
        next = r->next_timed;
        if (is_due(r, now_ns, &reason)) {
            history_note_expiry(sw, b, r, now_ns);
            bridge_expire(b, r, reason);
        }
    }
    history_commit(sw, b);
    if (mac_age(&b->macs, now_ns))
        mac_publish(&b->macs);
}

void switch_expire(struct vs_switch *sw, uint64_t now_ns)
{
    enum { SCAN_NS = 200000000 };
    if (now_ns < sw->next_scan_ns)
        return;
    sw->next_scan_ns = now_ns + SCAN_NS;
    for (unsigned i = 0; i < sw->n_bridges; i++)
        expire_bridge(sw, sw->bridges[i], now_ns);
    history_shorten(sw);
}

/* ---- the barrier ---- */

/* With a thread: waits until it took what was injected.  Without: does it here. */
void switch_wait_injected(struct vs_switch *sw)
{
    uint64_t until = ring_written(&sw->worker->injections);
    while (ring_read(&sw->worker->injections) < until)
        if (sw->running) {
            worker_wake(sw->worker);
            sched_yield();
        } else {
            worker_inject(sw->worker);
        }
}

void switch_inject(struct vs_switch *sw, struct injection in)
{
    while (!worker_put(sw->worker, &in, sizeof in))
        switch_wait_injected(sw);
    switch_wait_injected(sw);
}

void switch_barrier(struct vs_switch *sw, uint64_t now_ns)
{
    switch_wait_injected(sw);
    epoch_wait(&sw->world.epoch, sw->world.epoch.version);
    switch_drain_upcalls(sw, now_ns, true);
    switch_settle(sw, now_ns);
}
