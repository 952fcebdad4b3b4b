/* The queues of ports, seen from the control thread: made, changed, taken away with all else that waits.  See lanes.h. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "switch/switch.h"

enum { WAITING_PACKETS = 1000, MOST_PACKETS = 65536, BYTES_A_PACKET = 2048 };

static struct lanes *lanes_of(const struct port *port) { return atomic_load_explicit(&port->lanes, memory_order_relaxed); }

static void publish(struct vs_switch *sw, struct port *port, struct lanes *lanes)
{
    struct lanes *old = lanes_of(port);
    atomic_store_explicit(&port->lanes, lanes, memory_order_release);
    if (old)
        epoch_retire(&sw->world.epoch, free, old);
    epoch_publish(&sw->world.epoch);
}

static void inject(struct vs_switch *sw, struct injection in)
{
    while (!worker_put(sw->worker, &in, sizeof in))
        switch_wait_injected(sw);
    switch_wait_injected(sw);
}

static struct lanes *with(const struct lanes *old, struct queue *q)
{
    uint32_t n = old ? old->n : 0, i = 0;
    struct lanes *l = must_calloc(1, sizeof *l + (n + 1) * sizeof l->queues[0]);
    for (; i < n && old->queues[i]->id < q->id; i++)
        l->queues[i] = old->queues[i];
    l->queues[i] = q;
    for (; i < n; i++)
        l->queues[i + 1] = old->queues[i];
    l->n = n + 1;
    return l;
}

static struct lanes *without(const struct lanes *old, const struct queue *q)
{
    struct lanes *l = must_calloc(1, sizeof *l + old->n * sizeof l->queues[0]);
    for (uint32_t i = 0; i < old->n; i++)
        if (old->queues[i] != q)
            l->queues[l->n++] = old->queues[i];
    return l;
}

static int check(const struct port *port, const vs_queue_spec *spec, vs_error *error)
{
    const struct lanes *l = lanes_of(port);
    if (spec->queue == OFPQ_ALL)
        return error_set(error, -EINVAL, "queue %u: that number means all queues; use a smaller one", spec->queue);
    if (spec->max_packets > MOST_PACKETS)
        return error_set(error, -EINVAL, "queue %u: %u packets can't wait; at most %d may", spec->queue, spec->max_packets, MOST_PACKETS);
    if (l && l->n >= LANES_LIMIT && !lanes_find(port, spec->queue))
        return error_set(error, -ENOSPC, "queue %u: port %s has %d queues, the most; remove one", spec->queue, port->spec.name, LANES_LIMIT);
    return 0;
}

int switch_set_queue(struct vs_switch *sw, struct port *port, const vs_queue_spec *spec, uint64_t now_ns, vs_error *error)
{
    int code = check(port, spec, error);
    if (code)
        return code;
    if (lanes_find(port, spec->queue)) {
        inject(sw, (struct injection){.kind = INJECT_RATE, .queue = lanes_find(port, spec->queue), .rate = spec->max_rate});
        return 0;
    }
    uint32_t packets = spec->max_packets ? spec->max_packets : WAITING_PACKETS;
    struct queue *q = queue_new(spec->queue, spec->max_rate, packets, (uint64_t)packets * BYTES_A_PACKET, now_ns);
    atomic_fetch_add(&sw->world.n_timed, 1);
    publish(sw, port, with(lanes_of(port), q));
    return 0;
}

int switch_remove_queue(struct vs_switch *sw, struct port *port, uint32_t queue, vs_error *error)
{
    struct queue *q = lanes_find(port, queue);
    if (!q)
        return error_set(error, -ENOENT, "queue %u: port %s has no such queue", queue, port->spec.name);
    publish(sw, port, without(lanes_of(port), q));
    epoch_wait(&sw->world.epoch, sw->world.epoch.version);
    inject(sw, (struct injection){.kind = INJECT_DROP, .port = port, .queue = q});
    queue_free(q);
    atomic_fetch_sub(&sw->world.n_timed, 1);
    return 0;
}

void switch_forget_port(struct vs_switch *sw, struct port *port)
{
    struct lanes *l;
    while ((l = lanes_of(port)) && l->n)
        MUST(!switch_remove_queue(sw, port, l->queues[0]->id, NULL));
    inject(sw, (struct injection){.kind = INJECT_FORGET, .port = port});
    if (!l)
        return;
    atomic_store(&port->lanes, NULL);
    epoch_retire(&sw->world.epoch, free, l);
}
