/* Ports of a switch: added, removed, reported when their descriptor dies. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "bridge/port_list.h"
#include "switch/parting.h"
#include "switch/switch.h"
#include "switch/turns.h"

static const struct port_ops *const kinds[] = {
    [VS_PORT_MEM] = &port_mem,
    [VS_PORT_PCAP] = &port_pcap,
    [VS_PORT_PACKET] = &port_packet,
    [VS_PORT_TAP] = &port_tap,
};

static const struct port_ops *kind_of(uint32_t kind)
{
    return kind < sizeof kinds / sizeof kinds[0] ? kinds[kind] : NULL;
}

static int check_spec(const struct bridge *b, const vs_port_spec *spec, vs_error *error)
{
    if (!is_port_number(spec->number))
        return error_set(error, -EINVAL,
                         "port %u: no such number in OpenFlow; use 1 to %u, or %u: the host's own port (LOCAL)",
                         spec->number, OFPP_MAX - 1, OFPP_LOCAL);
    if (bridge_port(b, spec->number))
        return error_set(error, -EEXIST, "port %u: the bridge has one already; remove it or use another number",
                         spec->number);
    if (!kind_of(spec->kind))
        return error_set(error, -EINVAL,
                         "port %u: unknown kind %u; the daemon and the forwarder are of different versions",
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

static void poll_too(struct vs_switch *sw, struct bridge *b, struct port *port)
{
    const struct poll_list *old = atomic_load(&sw->ports);
    struct poll_list *list = must_calloc(1, sizeof *list + (old->n + 1) * sizeof(struct polled));
    memcpy(list->ports, old->ports, old->n * sizeof(struct polled));
    list->ports[old->n] = (struct polled){port, b};
    list->n = old->n + 1;
    epoch_replace(&sw->world.epoch, &sw->ports, list, free);
}

static void poll_no_more(struct vs_switch *sw, const struct port *port)
{
    const struct poll_list *old = atomic_load(&sw->ports);
    struct poll_list *list = must_calloc(1, sizeof *list + old->n * sizeof(struct polled));
    for (uint32_t i = 0; i < old->n; i++)
        if (old->ports[i].port != port)
            list->ports[list->n++] = old->ports[i];
    epoch_replace(&sw->world.epoch, &sw->ports, list, free);
}

static void give_back(struct vs_switch *sw, struct port *port)
{
    sw->index_used[port->index] = 0;
    port->ops->close(port);
}

int switch_add_port(struct vs_switch *sw, struct bridge *b, const vs_port_spec *spec, const struct queue_specs *queues,
                    int fd, uint64_t now_ns, vs_error *error)
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
    code = switch_give_queues(sw, port, queues, now_ns, error); /* before any packet: a limit holds from the first on */
    if (code) {
        give_back(sw, port);
        return code;
    }
    code = worker_watch(sw->worker, port); /* nobody knows it yet: a failure leaves nothing behind */
    if (code) {
        switch_release_queues(sw, port);
        give_back(sw, port);
        return error_set(error, code, "port %u: its descriptor can't be waited on: %s", spec->number, strerror(-code));
    }
    bridge_add_port(b, port); /* before it is polled: what it brings in has its VLANs and limits */
    poll_too(sw, b, port);
    epoch_publish(&sw->world.epoch);
    return 0;
}

/* ---- taken away ---- */

static void unlink_port(struct vs_switch *sw, void *object)
{
    struct port *port = object;
    worker_unwatch(sw->worker, port);
    poll_no_more(sw, port);
    bridge_unlink_port(switch_bridge(sw, port->bridge), port);
}

static void let_go_of_port(struct worker *w, void *object) { worker_let_go(w, object); }

static void release_port(struct vs_switch *sw, void *object)
{
    struct port *port = object;
    switch_release_queues(sw, port);
    bridge_release_port(switch_bridge(sw, port->bridge), port);
    give_back(sw, port);
}

const struct parting port_parting = {unlink_port, let_go_of_port, release_port};

void switch_remove_port(struct vs_switch *sw, struct port *port, uint64_t now_ns)
{
    switch_part(sw, &port_parting, port, now_ns);
}

void switch_report_dead_ports(struct vs_switch *sw)
{
    const struct poll_list *list = atomic_load(&sw->ports);
    bool changed = false;
    for (uint32_t i = 0; i < list->n; i++) {
        struct port *port = list->ports[i].port;
        if (!atomic_load(&port->dead) || (atomic_load(&port->state) & VS_PS_LINK_DOWN))
            continue;
        changed |=
            bridge_set_port(list->ports[i].bridge, port, atomic_load(&port->config), port->state | VS_PS_LINK_DOWN);
        worker_unwatch(sw->worker, port);
        vs_port_ref ref = {.number = port->spec.number, .config = port->config, .state = port->state};
        events_put(&sw->events, (vs_frame){.type = VS_EVT_PORT_GONE, .bridge = port->bridge}, &ref, sizeof ref, -1);
    }
    if (changed)
        world_publish(&sw->world); /* groups may have chosen them, stations were there */
}
