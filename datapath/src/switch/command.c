/* Command frames: a table of small handlers.  Each answers with DONE, after whatever else it has to tell. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "bridge/port_list.h"
#include "bridge/configure.h"
#include "bridge/vlan.h"
#include "tables/change.h"
#include "ofp/spoken.h"
#include "switch/history.h"
#include "switch/transaction.h"

struct command {
    struct vs_switch *sw;
    vs_frame frame;
    const uint8_t *payload;
    size_t size;
    int fd; /* owned by whoever takes it and sets it to -1 */
    uint64_t now_ns;
    struct bridge *bridge; /* that the frame names, or NULL */
    vs_error error;
};

static int fail(struct command *c, int code, const char *text) { return error_set(&c->error, code, "%s", text); }

static bool is_terminated(const char *text, size_t n) { return memchr(text, 0, n) != NULL; }

/* ---- the switch ---- */

/* Sessions belong to the daemon that made them: a new one starts with none. */
static int hello(struct command *c)
{
    vs_hello theirs, ours = {VS_WIRE_VERSION, (uint32_t)getpid(), c->sw->started_ns};
    memcpy(&theirs, c->payload, sizeof theirs);
    switch_end_sessions(c->sw, 0);
    vs_frame header = {.type = VS_EVT_HELLO, .tag = c->frame.tag};
    if (c->fd >= 0 && !c->sw->n_bridges) {
        history_adopt(c->sw, c->fd); /* one that can't be believed is closed there: ours goes on */
        c->fd = -1;
    }
    events_put(&c->sw->events, header, &ours, sizeof ours, c->sw->journal.failed ? -1 : c->sw->journal.fd);
    if (theirs.version != VS_WIRE_VERSION)
        return error_set(&c->error, -EPROTO, "the daemon speaks version %u of the forwarder's wire, this forwarder %u: use programs of one release",
                         theirs.version, VS_WIRE_VERSION);
    return 0;
}

static vs_port_spec spec_now(const struct port *port)
{
    vs_port_spec spec = port->spec;
    spec.config = atomic_load(&port->config);
    spec.state = atomic_load(&port->state);
    spec.mtu = atomic_load(&port->mtu);
    if (atomic_load(&port->dead))
        spec.flags |= VS_PORT_DEAD;
    return spec;
}

static void dump_queues(struct command *c, const struct bridge *b, const struct port *port)
{
    const struct lanes *l = atomic_load(&port->lanes);
    vs_frame header = {.type = VS_EVT_QUEUE, .bridge = b->id, .tag = c->frame.tag};
    for (uint32_t i = 0; l && i < l->n; i++) {
        vs_queue_spec spec = {.port = port->spec.number, .queue = l->queues[i]->id, .max_rate = l->queues[i]->rate,
                              .max_packets = l->queues[i]->max_packets};
        events_put(&c->sw->events, header, &spec, sizeof spec, -1);
    }
}

static int dump(struct command *c)
{
    for (unsigned i = 0; i < c->sw->n_bridges; i++) {
        const struct bridge *b = c->sw->bridges[i];
        vs_frame header = {.type = VS_EVT_BRIDGE, .bridge = b->id, .tag = c->frame.tag};
        events_put(&c->sw->events, header, &b->spec, sizeof b->spec, -1);
        header.type = VS_EVT_PORT;
        const struct port_list *list = bridge_ports(b);
        for (uint32_t k = 0; k < list->n; k++) {
            vs_port_spec spec = spec_now(list->ports[k]);
            events_put(&c->sw->events, header, &spec, sizeof spec, list->ports[k]->fd);
            dump_queues(c, b, list->ports[k]);
        }
    }
    return 0;
}

static int replay(struct command *c)
{
    history_replay(c->sw, c->now_ns);
    return 0;
}

static int beat(struct command *c)
{
    const struct worker *w = c->sw->worker;
    vs_beat beat = {.turns = atomic_load_explicit(&w->turn, memory_order_relaxed), .asleep = !c->sw->running || atomic_load(&w->sleeping)};
    events_put(&c->sw->events, (vs_frame){.type = VS_EVT_BEAT, .tag = c->frame.tag}, &beat, sizeof beat, -1);
    return 0;
}

static int shut_down(struct command *c)
{
    (void)c; /* whoever runs the switch sees the frame and ends; see forwarder/ */
    return 0;
}

/* ---- bridges ---- */

/* Each station has a counter, and of these there are so many. */
static bool has_room(const struct command *c, const vs_bridge_spec *spec)
{
    uint64_t sum = spec->mac_limit ? spec->mac_limit : MAC_LIMIT;
    for (unsigned i = 0; i < c->sw->n_bridges; i++)
        sum += c->sw->bridges[i] == c->bridge ? 0 : c->sw->bridges[i]->macs.limit;
    return sum <= MAX_STATIONS;
}

/* Is the number or the identity another one's? */
static bool is_another(const struct command *c, const vs_bridge_spec *spec)
{
    uint64_t identity = bridge_identity(c->frame.bridge, spec);
    for (unsigned i = 0; i < c->sw->n_bridges; i++)
        if ((c->sw->bridges[i]->identity == identity) != (c->sw->bridges[i]->id == c->frame.bridge))
            return true;
    return false;
}

static int bridge_add(struct command *c)
{
    vs_bridge_spec spec;
    memcpy(&spec, c->payload, sizeof spec);
    if (!c->frame.bridge || !is_terminated(spec.name, sizeof spec.name))
        return fail(c, -EINVAL, "a bridge needs a number and a name of at most 31 bytes");
    if (spec.standalone >= VS_STANDALONE_LIMIT)
        return error_set(&c->error, -EINVAL, "bridge %s: there is no way %u to switch by itself", spec.name, spec.standalone);
    if (spec.mac_limit > MAC_LIMIT_MOST || !has_room(c, &spec))
        return error_set(&c->error, -EINVAL, "bridge %s: %u stations are too many; %d is a bridge's most, %d that of all together",
                         spec.name, spec.mac_limit, MAC_LIMIT_MOST, MAX_STATIONS);
    if (is_another(c, &spec))
        return error_set(&c->error, -EEXIST, "bridge %s: its number or its identity is another bridge's; delete that one, or choose others", spec.name);
    if (c->bridge) {
        bridge_change(c->bridge, &spec);
        return 0;
    }
    if (c->sw->n_bridges == MAX_BRIDGES)
        return error_set(&c->error, -ENOSPC, "bridge %s: there are %d already, the most", spec.name, MAX_BRIDGES);
    c->sw->bridges[c->sw->n_bridges++] = bridge_new(&c->sw->world, c->frame.bridge, &spec);
    return 0;
}

static int bridge_del(struct command *c)
{
    uint64_t identity = c->bridge->identity;
    switch_remove_bridge(c->sw, c->bridge, c->now_ns);
    history_note_bridge_gone(c->sw, identity, c->now_ns);
    return 0;
}

/* ---- ports ---- */

#define VLANS_WRONG "a port's VLANs make no sense; an access port has a tag from 1 to 4094 and no trunks, a plain trunk no tag"

static int port_add(struct command *c)
{
    vs_port_spec spec;
    memcpy(&spec, c->payload, sizeof spec);
    int fd = c->fd;
    if (!is_terminated(spec.name, sizeof spec.name) || !is_terminated(spec.read_path, sizeof spec.read_path) ||
        !is_terminated(spec.write_path, sizeof spec.write_path))
        return fail(c, -EINVAL, "a port's name or path is too long");
    if (!vlans_valid(&spec.vlans))
        return fail(c, -EINVAL, VLANS_WRONG);
    struct queue_specs queues = {c->payload + sizeof spec, (c->size - sizeof spec) / sizeof(vs_queue_spec)};
    if (c->size != sizeof spec + queues.n * sizeof(vs_queue_spec))
        return fail(c, -EINVAL, "a queue of a port is cut off");
    c->fd = -1;
    return switch_add_port(c->sw, c->bridge, &spec, &queues, fd, c->now_ns, &c->error);
}

static struct port *named_port(struct command *c, vs_port_ref *ref)
{
    memcpy(ref, c->payload, sizeof *ref);
    struct port *port = bridge_port(c->bridge, ref->number);
    if (!port)
        error_set(&c->error, -ENOENT, "port %u: bridge %s has no such port", ref->number, c->bridge->spec.name);
    return port;
}

static int port_del(struct command *c)
{
    vs_port_ref ref;
    struct port *port = named_port(c, &ref);
    if (!port)
        return c->error.code;
    switch_remove_port(c->sw, port, c->now_ns);
    return 0;
}

static int port_set(struct command *c)
{
    vs_port_ref ref;
    struct port *port = named_port(c, &ref);
    if (!port)
        return c->error.code;
    uint32_t config = (atomic_load(&port->config) & ~ref.mask) | (ref.config & ref.mask);
    uint32_t state = ref.state != UINT32_MAX ? ref.state : atomic_load(&port->state);
    if (bridge_set_port(c->bridge, port, config, state)) {
        world_publish(&c->sw->world); /* groups and stations depend on it */
        switch_drain_upcalls(c->sw, c->now_ns, false); /* a station that was told of while it went down is none of it, even if it comes back now */
    }
    return 0;
}

static int port_vlans(struct command *c)
{
    vs_port_vlans wanted;
    memcpy(&wanted, c->payload, sizeof wanted);
    struct port *port = bridge_port(c->bridge, wanted.number);
    if (!port)
        return error_set(&c->error, -ENOENT, "port %u: bridge %s has no such port", wanted.number, c->bridge->spec.name);
    if (!vlans_valid(&wanted.vlans))
        return fail(c, -EINVAL, VLANS_WRONG);
    bridge_set_vlans(c->bridge, port, &wanted.vlans);
    return 0;
}

static int port_mtu(struct command *c)
{
    vs_port_mtu wanted;
    memcpy(&wanted, c->payload, sizeof wanted);
    struct port *port = bridge_port(c->bridge, wanted.number);
    if (!port)
        return error_set(&c->error, -ENOENT, "port %u: bridge %s has no such port", wanted.number, c->bridge->spec.name);
    atomic_store(&port->mtu, wanted.mtu);
    return 0;
}

static struct port *queued_port(struct command *c, vs_queue_spec *spec)
{
    memcpy(spec, c->payload, sizeof *spec);
    struct port *port = bridge_port(c->bridge, spec->port);
    if (!port)
        error_set(&c->error, -ENOENT, "port %u: bridge %s has no such port", spec->port, c->bridge->spec.name);
    return port;
}

static int queue_set(struct command *c)
{
    vs_queue_spec spec;
    struct port *port = queued_port(c, &spec);
    return port ? switch_set_queue(c->sw, port, &spec, c->now_ns, &c->error) : c->error.code;
}

static int queue_del(struct command *c)
{
    vs_queue_spec spec;
    struct port *port = queued_port(c, &spec);
    return port ? switch_remove_queue(c->sw, port, spec.queue, c->now_ns, &c->error) : c->error.code;
}

static void report_stats(struct vs_switch *sw, const vs_frame *asked, const struct port *port, uint64_t now_ns)
{
    const struct port_counters *n = &port->counters;
    vs_port_stats stats = {
        .number = port->spec.number, .kind = port->spec.kind, .rx_packets = n->rx_packets, .tx_packets = n->tx_packets,
        .rx_bytes = n->rx_bytes, .tx_bytes = n->tx_bytes, .rx_errors = n->rx_errors, .tx_errors = n->tx_errors,
        .age_ns = now_ns - port->added_ns,
    };
    for (unsigned i = 0; i < VS_DROP_LIMIT; i++)
        stats.drops[i] = n->drops[i];
    vs_frame header = {.type = VS_EVT_PORT_STATS, .bridge = port->bridge, .session = asked->session, .tag = asked->tag};
    events_put(&sw->events, header, &stats, sizeof stats, -1);
}

static int port_stats(struct command *c)
{
    switch_barrier(c->sw, c->now_ns);
    const struct port_list *list = bridge_ports(c->bridge);
    for (uint32_t i = 0; i < list->n; i++)
        report_stats(c->sw, &c->frame, list->ports[i], c->now_ns);
    return 0;
}

/* ---- sessions ---- */

static struct session *find_session(const struct vs_switch *sw, uint32_t id)
{
    struct session *s = sw->sessions;
    while (s && s->id != id)
        s = s->next;
    return s;
}

static int session_set(struct command *c)
{
    vs_session_spec spec;
    memcpy(&spec, c->payload, sizeof spec);
    const struct of_version *version = of_spoken((uint8_t)spec.version);
    if (!c->frame.session)
        return fail(c, -EINVAL, "a session needs a number");
    if (!version || spec.version != version->number)
        return error_set(&c->error, -EINVAL, "a session can't speak version %u of OpenFlow's wire; this forwarder speaks %u (1.3)",
                         spec.version, openflow_13.number);
    struct session *s = find_session(c->sw, c->frame.session);
    if (!s) {
        s = must_calloc(1, sizeof *s);
        s->id = c->frame.session;
        s->next = c->sw->sessions;
        c->sw->sessions = s;
    }
    s->bridge = c->bridge->id;
    s->spec = spec;
    s->spoken = version;
    return 0;
}

static int session_end(struct command *c)
{
    for (struct session **at = &c->sw->sessions; *at; at = &(*at)->next)
        if ((*at)->id == c->frame.session) {
            struct session *s = *at;
            *at = s->next;
            free(s);
            transactions_forget(c->sw, 0, c->frame.session);
            return 0;
        }
    return fail(c, -ENOENT, "there is no such session");
}

/* ---- stations ---- */

struct listing {
    struct events *to;
    vs_frame header;
    unsigned n;
    vs_mac macs[1024];
};

static void send_listing(struct listing *l, uint16_t flags)
{
    l->header.flags = flags;
    events_put(l->to, l->header, l->macs, l->n * sizeof l->macs[0], -1);
    l->n = 0;
}

static void list_station(void *arg, const struct mac_entry *e, uint64_t age_ns)
{
    struct listing *l = arg;
    uint64_t age_ms = age_ns / 1000000;
    if (l->n == sizeof l->macs / sizeof l->macs[0])
        send_listing(l, VS_FRAME_MORE);
    vs_mac *m = &l->macs[l->n++];
    *m = (vs_mac){.vlan = mac_vlan(e->station), .port = e->port, .age_ms = age_ms < UINT32_MAX ? (uint32_t)age_ms : UINT32_MAX};
    for (unsigned i = 0; i < 6; i++)
        m->mac[i] = (uint8_t)(e->station >> (40 - 8 * i));
}

static int macs(struct command *c)
{
    struct listing l = {.to = &c->sw->events, .header = {.type = VS_EVT_MACS, .bridge = c->frame.bridge, .tag = c->frame.tag}};
    switch_barrier(c->sw, c->now_ns);
    mac_visit(&c->bridge->macs, list_station, &l, c->now_ns);
    send_listing(&l, 0);
    return 0;
}

static int mac_forget(struct command *c)
{
    switch_barrier(c->sw, c->now_ns); /* what was seen before is learned before */
    if (mac_flush(&c->bridge->macs))
        mac_publish(&c->bridge->macs);
    return 0;
}

/* ---- OpenFlow and trace ---- */

static int openflow(struct command *c)
{
    switch_openflow(c->sw, c->bridge, &c->frame, c->payload, c->size, c->now_ns);
    return 0;
}

static int atomic_mods(struct command *c)
{
    return transaction_frame(c->sw, c->bridge, &c->frame, c->payload, c->size, c->now_ns, &c->error);
}

static int trace(struct command *c)
{
    return switch_trace(c->sw, c->bridge, &c->frame, c->payload, c->size, &c->error);
}

/* ---- dispatch ---- */

static const struct handler {
    int (*run)(struct command *);
    size_t least; /* bytes of payload */
    bool on_bridge, silent;
} handlers[VS_CMD_LIMIT] = {
    [VS_CMD_HELLO] = {hello, sizeof(vs_hello), false, false},
    [VS_CMD_BRIDGE_ADD] = {bridge_add, sizeof(vs_bridge_spec), false, false},
    [VS_CMD_BRIDGE_DEL] = {bridge_del, 0, true, false},
    [VS_CMD_PORT_ADD] = {port_add, sizeof(vs_port_spec), true, false},
    [VS_CMD_PORT_DEL] = {port_del, sizeof(vs_port_ref), true, false},
    [VS_CMD_PORT_SET] = {port_set, sizeof(vs_port_ref), true, false},
    [VS_CMD_OPENFLOW] = {openflow, 0, true, true},
    [VS_CMD_ATOMIC] = {atomic_mods, sizeof(vs_transaction), true, false},
    [VS_CMD_SESSION] = {session_set, sizeof(vs_session_spec), true, false},
    [VS_CMD_SESSION_END] = {session_end, 0, false, false},
    [VS_CMD_DUMP] = {dump, 0, false, false},
    [VS_CMD_STATS] = {port_stats, 0, true, false},
    [VS_CMD_TRACE] = {trace, sizeof(vs_trace_request), true, false},
    [VS_CMD_REPLAY] = {replay, 0, false, false},
    [VS_CMD_QUEUE_SET] = {queue_set, sizeof(vs_queue_spec), true, false},
    [VS_CMD_QUEUE_DEL] = {queue_del, sizeof(vs_queue_spec), true, false},
    [VS_CMD_PORT_VLANS] = {port_vlans, sizeof(vs_port_vlans), true, false},
    [VS_CMD_PORT_MTU] = {port_mtu, sizeof(vs_port_mtu), true, false},
    [VS_CMD_MACS] = {macs, 0, true, false},
    [VS_CMD_MAC_FLUSH] = {mac_forget, 0, true, false},
    [VS_CMD_BEAT] = {beat, 0, false, false},
    [VS_CMD_SHUTDOWN] = {shut_down, 0, false, false},
};

static int run(struct command *c, const struct handler *h)
{
    if (!h)
        return error_set(&c->error, -EOPNOTSUPP, "command %u is unknown: the daemon and the forwarder are of different versions", c->frame.type);
    if (c->size < h->least)
        return error_set(&c->error, -EINVAL, "command %u has %zu bytes and needs %zu", c->frame.type, c->size, h->least);
    if (h->on_bridge && !c->bridge)
        return error_set(&c->error, -ENOENT, "command %u names bridge %u, which is not there", c->frame.type, c->frame.bridge);
    return h->run(c);
}

int vs_switch_command(vs_switch *sw, const uint8_t *frame, size_t size, int fd, uint64_t now_ns)
{
    struct command c = {.sw = sw, .fd = fd, .now_ns = now_ns};
    int result = -EINVAL;
    if (size >= sizeof c.frame)
        memcpy(&c.frame, frame, sizeof c.frame);
    if (size >= sizeof c.frame && c.frame.size == size && size <= VS_FRAME_MAX) {
        const struct handler *h = c.frame.type < VS_CMD_LIMIT && handlers[c.frame.type].run ? &handlers[c.frame.type] : NULL;
        c.payload = frame + sizeof c.frame;
        c.size = size - sizeof c.frame;
        c.bridge = switch_bridge(sw, c.frame.bridge);
        int code = run(&c, h);
        if (code || !h || !h->silent)
            events_done(&sw->events, &c.frame, code, code ? c.error.text : NULL);
        result = 0;
    }
    if (c.fd >= 0)
        close(c.fd);
    switch_settle(sw, now_ns);
    return result;
}
