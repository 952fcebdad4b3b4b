/* Commands to ports and their queues.  See command.h. */
#include "switch/command.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "bridge/port_list.h"
#include "bridge/vlan.h"

#define VLANS_WRONG                                                                                                    \
    "a port's VLANs make no sense; an access port has a tag from 1 to 4094 and no trunks, a plain trunk no tag"

int command_port_add(struct command *c)
{
    vs_port_spec spec;
    memcpy(&spec, c->payload, sizeof spec);
    int fd = c->fd;
    if (!command_text_ends(spec.name, sizeof spec.name) || !command_text_ends(spec.read_path, sizeof spec.read_path) ||
        !command_text_ends(spec.write_path, sizeof spec.write_path))
        return command_fail(c, -EINVAL, "a port's name or path is too long");
    if (!vlans_valid(&spec.vlans))
        return command_fail(c, -EINVAL, VLANS_WRONG);
    struct queue_specs queues = {c->payload + sizeof spec, (c->size - sizeof spec) / sizeof(vs_queue_spec)};
    if (c->size != sizeof spec + queues.n * sizeof(vs_queue_spec))
        return command_fail(c, -EINVAL, "a queue of a port is cut off");
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

int command_port_del(struct command *c)
{
    vs_port_ref ref;
    struct port *port = named_port(c, &ref);
    if (!port)
        return c->error.code;
    switch_remove_port(c->sw, port, c->now_ns);
    return 0;
}

int command_port_set(struct command *c)
{
    vs_port_ref ref;
    struct port *port = named_port(c, &ref);
    if (!port)
        return c->error.code;
    uint32_t config = (atomic_load(&port->config) & ~ref.mask) | (ref.config & ref.mask);
    uint32_t state = ref.state != UINT32_MAX ? ref.state : atomic_load(&port->state);
    if (bridge_set_port(c->bridge, port, config, state)) {
        world_publish(&c->sw->world); /* groups and stations depend on it */
        switch_drain_upcalls(
            c->sw, c->now_ns,
            false); /* a station that was told of while it went down is none of it, even if it comes back now */
    }
    return 0;
}

int command_port_vlans(struct command *c)
{
    vs_port_vlans wanted;
    memcpy(&wanted, c->payload, sizeof wanted);
    struct port *port = bridge_port(c->bridge, wanted.number);
    if (!port)
        return error_set(&c->error, -ENOENT, "port %u: bridge %s has no such port", wanted.number,
                         c->bridge->spec.name);
    if (!vlans_valid(&wanted.vlans))
        return command_fail(c, -EINVAL, VLANS_WRONG);
    bridge_set_vlans(c->bridge, port, &wanted.vlans);
    return 0;
}

int command_port_mtu(struct command *c)
{
    vs_port_mtu wanted;
    memcpy(&wanted, c->payload, sizeof wanted);
    struct port *port = bridge_port(c->bridge, wanted.number);
    if (!port)
        return error_set(&c->error, -ENOENT, "port %u: bridge %s has no such port", wanted.number,
                         c->bridge->spec.name);
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

int command_queue_set(struct command *c)
{
    vs_queue_spec spec;
    struct port *port = queued_port(c, &spec);
    return port ? switch_set_queue(c->sw, port, &spec, c->now_ns, &c->error) : c->error.code;
}

int command_queue_del(struct command *c)
{
    vs_queue_spec spec;
    struct port *port = queued_port(c, &spec);
    return port ? switch_remove_queue(c->sw, port, spec.queue, c->now_ns, &c->error) : c->error.code;
}

static void report_stats(struct vs_switch *sw, const vs_frame *asked, const struct port *port, uint64_t now_ns)
{
    const struct port_counters *n = &port->counters;
    vs_port_stats stats = {
        .number = port->spec.number,
        .kind = port->spec.kind,
        .rx_packets = n->rx_packets,
        .tx_packets = n->tx_packets,
        .rx_bytes = n->rx_bytes,
        .tx_bytes = n->tx_bytes,
        .rx_errors = n->rx_errors,
        .tx_errors = n->tx_errors,
        .age_ns = now_ns - port->added_ns,
    };
    for (unsigned i = 0; i < VS_DROP_LIMIT; i++)
        stats.drops[i] = n->drops[i];
    vs_frame header = {.type = VS_EVT_PORT_STATS, .bridge = port->bridge, .session = asked->session, .tag = asked->tag};
    events_put(&sw->events, header, &stats, sizeof stats, -1);
}

int command_port_stats(struct command *c)
{
    switch_barrier(c->sw, c->now_ns);
    const struct port_list *list = bridge_ports(c->bridge);
    for (uint32_t i = 0; i < list->n; i++)
        report_stats(c->sw, &c->frame, list->ports[i], c->now_ns);
    return 0;
}
