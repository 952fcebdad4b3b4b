/* Commands to the switch as a whole: who is there, what there is, is it alive.  See command.h. */
#include "switch/command.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "bridge/port_list.h"
#include "switch/history.h"

/* Sessions belong to the daemon that made them: a new one starts with none. */
int command_hello(struct command *c)
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
        return error_set(
            &c->error, -EPROTO,
            "the daemon speaks version %u of the forwarder's wire, this forwarder %u: use programs of one release",
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
        vs_queue_spec spec = {.port = port->spec.number,
                              .queue = l->queues[i]->id,
                              .max_rate = l->queues[i]->rate,
                              .max_packets = l->queues[i]->max_packets};
        events_put(&c->sw->events, header, &spec, sizeof spec, -1);
    }
}

int command_dump(struct command *c)
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

int command_replay(struct command *c)
{
    history_replay(c->sw, c->now_ns);
    return 0;
}

int command_beat(struct command *c)
{
    const struct worker *w = c->sw->worker;
    vs_beat beat = {.turns = atomic_load_explicit(&w->turn, memory_order_relaxed),
                    .asleep = !c->sw->running || atomic_load(&w->sleeping)};
    events_put(&c->sw->events, (vs_frame){.type = VS_EVT_BEAT, .tag = c->frame.tag}, &beat, sizeof beat, -1);
    return 0;
}

int command_shut_down(struct command *c)
{
    (void)c; /* whoever runs the switch sees the frame and ends; see forwarder/ */
    return 0;
}
