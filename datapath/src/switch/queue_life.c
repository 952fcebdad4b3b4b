/* The queues of ports, seen from the control thread: made, changed, taken away with all else that waits.  See lanes.h.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "switch/parting.h"
#include "switch/switch.h"

enum { WAITING_PACKETS = 1000, MOST_PACKETS = 65536, BYTES_A_PACKET = 2048 };

static struct lanes *lanes_of(const struct port *port)
{
    return atomic_load_explicit(&port->lanes, memory_order_relaxed);
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
        return error_set(error, -EINVAL, "queue %u: %u packets can't wait; at most %d may", spec->queue,
                         spec->max_packets, MOST_PACKETS);
    if (l && l->n >= LANES_LIMIT && !lanes_find(port, spec->queue))
        return error_set(error, -ENOSPC, "queue %u: port %s has %d queues, the most; remove one", spec->queue,
                         port->spec.name, LANES_LIMIT);
    return 0;
}

int switch_set_queue(struct vs_switch *sw, struct port *port, const vs_queue_spec *spec, uint64_t now_ns,
                     vs_error *error)
{
    int code = check(port, spec, error);
    if (code)
        return code;
    if (lanes_find(port, spec->queue)) {
        switch_inject(sw, (struct injection){
                              .kind = INJECT_RATE, .queue = lanes_find(port, spec->queue), .rate = spec->max_rate});
        return 0;
    }
    uint32_t packets = spec->max_packets ? spec->max_packets : WAITING_PACKETS;
    struct queue *q = queue_new(spec->queue, spec->max_rate, packets, (uint64_t)packets * BYTES_A_PACKET, now_ns);
    atomic_fetch_add(&sw->world.n_timed, 1);
    epoch_replace(&sw->world.epoch, &port->lanes, with(lanes_of(port), q), free);
    epoch_publish(&sw->world.epoch);
    return 0;
}

static int give_queue(struct vs_switch *sw, struct port *port, const vs_queue_spec *spec, uint64_t now_ns,
                      vs_error *error)
{
    if (spec->port != port->spec.number)
        return error_set(error, -EINVAL, "queue %u: it is of port %u and came with port %u", spec->queue, spec->port,
                         port->spec.number);
    if (lanes_find(port, spec->queue))
        return error_set(error, -EEXIST, "queue %u: port %s has it twice", spec->queue, port->spec.name);
    return switch_set_queue(sw, port, spec, now_ns, error);
}

int switch_give_queues(struct vs_switch *sw, struct port *port, const struct queue_specs *queues, uint64_t now_ns,
                       vs_error *error)
{
    for (size_t i = 0; i < queues->n; i++) {
        vs_queue_spec spec;
        memcpy(&spec, queues->packed + i * sizeof spec, sizeof spec);
        int code = give_queue(sw, port, &spec, now_ns, error);
        if (code) {
            switch_release_queues(sw, port);
            return code;
        }
    }
    return 0;
}

/* ---- taken away ---- */

static void unlink_queue(struct vs_switch *sw, void *object)
{
    const struct queue_of *of = object;
    epoch_replace(&sw->world.epoch, &of->port->lanes, without(lanes_of(of->port), of->queue), free);
}

static void empty_queue(struct worker *w, void *object)
{
    const struct queue_of *of = object;
    (void)w;
    lanes_drop(of->port, of->queue);
}

static void free_queue(struct vs_switch *sw, struct queue *q)
{
    queue_free(q);
    atomic_fetch_sub(&sw->world.n_timed, 1);
}

static void release_queue(struct vs_switch *sw, void *object)
{
    free_queue(sw, ((const struct queue_of *)object)->queue);
}

const struct parting queue_parting = {unlink_queue, empty_queue, release_queue};

int switch_remove_queue(struct vs_switch *sw, struct port *port, uint32_t queue, uint64_t now_ns, vs_error *error)
{
    struct queue_of of = {port, lanes_find(port, queue)};
    if (!of.queue)
        return error_set(error, -ENOENT, "queue %u: port %s has no such queue", queue, port->spec.name);
    switch_part(sw, &queue_parting, &of, now_ns);
    return 0;
}

void switch_release_queues(struct vs_switch *sw, struct port *port)
{
    struct lanes *l = lanes_of(port);
    for (uint32_t i = 0; l && i < l->n; i++)
        free_queue(sw, l->queues[i]);
    free(l);
}
