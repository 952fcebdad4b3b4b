/* Ports of a switch: added, removed, reported when their descriptor dies. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "switch/switch.h"

static const struct port_ops *const kinds[] = {
    [VS_PORT_MEM] = &port_mem, [VS_PORT_PCAP] = &port_pcap, [VS_PORT_PACKET] = &port_packet, [VS_PORT_TAP] = &port_tap,
};

static const struct port_ops *kind_of(uint32_t kind)
{
    return kind < sizeof kinds / sizeof kinds[0] ? kinds[kind] : NULL;
}

static int check_spec(const struct bridge *b, const vs_port_spec *spec, vs_error *error)
{
    if ((!spec->number || spec->number >= OFPP_MAX) && spec->number != OFPP_LOCAL)
        return error_set(error, -EINVAL, "port %u: no such number in OpenFlow; use 1 to %u, or %u: the host's own port (LOCAL)",
                         spec->number, OFPP_MAX - 1, OFPP_LOCAL);
    if (bridge_port(b, spec->number))
        return error_set(error, -EEXIST, "port %u: the bridge has one already; remove it or use another number", spec->number);
    if (!kind_of(spec->kind))
        return error_set(error, -EINVAL, "port %u: unknown kind %u; the daemon and the forwarder are of different versions",
                         spec->number, spec->kind);
    return 0;
}

static int take_index(struct vs_switch *sw, vs_error *error)
{
    for (int i = 0; i < OUTLET_PORTS; i++)
        if (!sw->index_used[i]) {
            sw->index_used[i] = 1;
            return i;
        }
    return error_set(error, -ENOSPC, "the switch has %d ports, its most: remove one", OUTLET_PORTS);
}

static void publish(struct vs_switch *sw, struct poll_list *list)
{
    struct poll_list *old = atomic_load(&sw->ports);
    atomic_store_explicit(&sw->ports, list, memory_order_release);
    epoch_retire(&sw->world.epoch, free, old);
}

static void publish_with(struct vs_switch *sw, struct bridge *b, struct port *port)
{
    const struct poll_list *old = atomic_load(&sw->ports);
    struct poll_list *list = must_calloc(1, sizeof *list + (old->n + 1) * sizeof(struct polled));
    memcpy(list->ports, old->ports, old->n * sizeof(struct polled));
    list->ports[old->n] = (struct polled){port, b};
    list->n = old->n + 1;
    publish(sw, list);
}

static void publish_without(struct vs_switch *sw, const struct port *port)
{
    const struct poll_list *old = atomic_load(&sw->ports);
    struct poll_list *list = must_calloc(1, sizeof *list + old->n * sizeof(struct polled));
    for (uint32_t i = 0; i < old->n; i++)
        if (old->ports[i].port != port)
            list->ports[list->n++] = old->ports[i];
    publish(sw, list);
}

int switch_add_port(struct vs_switch *sw, struct bridge *b, const vs_port_spec *spec, int fd, uint64_t now_ns, vs_error *error)
{
    int code = check_spec(b, spec, error), index = code ? code : take_index(sw, error);
    if (index < 0) {
        if (fd >= 0)
            close(fd);
        return index;
    }
    struct port *port = kind_of(spec->kind)->open(spec, fd, error);
    if (!port) {
        sw->index_used[index] = 0;
        return error->code;
    }
    port->index = (uint32_t)index;
    port->bridge = b->id;
    port->added_ns = now_ns;
    publish_with(sw, b, port);
    bridge_add_port(b, port);
    code = worker_watch(sw->worker, port);
    if (code) {
        switch_remove_port(sw, b, port);
        return error_set(error, code, "port %u: its descriptor can't be waited on: %s", spec->number, strerror(-code));
    }
    return 0;
}

void switch_remove_port(struct vs_switch *sw, struct bridge *b, struct port *port)
{
    worker_unwatch(sw->worker, port);
    publish_without(sw, port);
    bridge_remove_port(b, port);
    epoch_wait(&sw->world.epoch, sw->world.epoch.version);
    switch_forget_port(sw, port);
    sw->index_used[port->index] = 0;
    port->ops->close(port);
}

void switch_report_dead_ports(struct vs_switch *sw)
{
    const struct poll_list *list = atomic_load(&sw->ports);
    bool changed = false;
    for (uint32_t i = 0; i < list->n; i++) {
        struct port *port = list->ports[i].port;
        if (!atomic_load(&port->dead) || (atomic_load(&port->state) & VS_PS_LINK_DOWN))
            continue;
        changed |= bridge_set_port(list->ports[i].bridge, port, atomic_load(&port->config), port->state | VS_PS_LINK_DOWN);
        worker_unwatch(sw->worker, port);
        vs_port_ref ref = {.number = port->spec.number, .config = port->config, .state = port->state};
        events_put(&sw->events, (vs_frame){.type = VS_EVT_PORT_GONE, .bridge = port->bridge}, &ref, sizeof ref, -1);
    }
    if (changed)
        world_publish(&sw->world); /* groups may have chosen them, stations were there */
}
