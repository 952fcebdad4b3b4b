/* See port_list.h. */
#include "bridge/port_list.h"

#include "base/check.h"
#include "meter/meter.h"

/* ---- what NORMAL asks of ports: each a value of its own, replaced as a whole ---- */

static void release_flood(void *meter) { meter_free(meter); }

/* A port may flood a second's worth at once.  NULL: as much as it likes. */
static struct meter *flood_meter(const struct bridge *b)
{
    struct meter_band_spec band = {.rate = b->spec.flood_rate, .burst_size = b->spec.flood_rate, .type = METER_DROP};
    return band.rate ? meter_new(0, METER_PKTPS | METER_BURST, &band, 1, 0) : NULL;
}

/* Poll threads read the clock while there is a meter that may need it. */
static void set_flood(struct bridge *b, struct port *port, struct meter *meter)
{
    bool had_one = atomic_load(&port->flood);
    atomic_fetch_add(&b->world->n_timed, meter != NULL);
    epoch_replace(&b->world->epoch, &port->flood, meter, release_flood);
    atomic_fetch_sub(&b->world->n_timed, had_one);
}

static void set_vlans(struct bridge *b, struct port *port, const vs_vlans *vlans)
{
    vs_vlans *copy = must_calloc(1, sizeof *copy);
    *copy = port->spec.vlans = *vlans;
    epoch_replace(&b->world->epoch, &port->vlans, copy, free);
}

void bridge_set_vlans(struct bridge *b, struct port *port, const vs_vlans *vlans)
{
    set_vlans(b, port, vlans);
    mac_forget_port(&b->macs, port->spec.number);
    world_publish(b->world);
}

void bridge_limit_floods(struct bridge *b)
{
    const struct port_list *list = bridge_ports(b);
    for (uint32_t i = 0; i < list->n; i++)
        set_flood(b, list->ports[i], flood_meter(b));
}

/* ---- in and out ---- */

void bridge_add_port(struct bridge *b, struct port *port)
{
    const struct port_list *old = bridge_ports(b);
    struct port_list *list = must_calloc(1, sizeof *list + (old->n + 1) * sizeof(struct port *));
    uint32_t i = 0;
    for (; i < old->n && old->ports[i]->spec.number < port->spec.number; i++)
        list->ports[i] = old->ports[i];
    list->ports[i] = port;
    for (; i < old->n; i++)
        list->ports[i + 1] = old->ports[i];
    list->n = old->n + 1;
    set_vlans(b, port, &port->spec.vlans);
    set_flood(b, port, flood_meter(b));
    epoch_replace(&b->world->epoch, &b->ports, list, free);
    world_publish(b->world);
}

/* NO_RECV and NO_FWD leave the stations where they are: these can still be sent to, or still be heard, and to flood for
 * them would serve nobody. */
bool bridge_set_port(struct bridge *b, struct port *port, uint32_t config, uint32_t state)
{
    state = port_state_of(config, state);
    if (atomic_load(&port->config) == config && atomic_load(&port->state) == state)
        return false;
    atomic_store(&port->config, config);
    atomic_store(&port->state, state);
    if (!port_lives(port))
        mac_forget_port(&b->macs, port->spec.number);
    return true;
}

void bridge_unlink_port(struct bridge *b, struct port *port)
{
    const struct port_list *old = bridge_ports(b);
    struct port_list *list = must_calloc(1, sizeof *list + old->n * sizeof(struct port *));
    for (uint32_t i = 0; i < old->n; i++)
        if (old->ports[i] != port)
            list->ports[list->n++] = old->ports[i];
    epoch_replace(&b->world->epoch, &b->ports, list, free);
    mac_forget_port(&b->macs, port->spec.number); /* nobody can learn it anew: the port is not there */
}

void bridge_release_port(struct bridge *b, struct port *port)
{
    struct meter *flood = atomic_load(&port->flood);
    atomic_fetch_sub(&b->world->n_timed, flood != NULL);
    meter_free(flood);
    free(atomic_load(&port->vlans));
}

struct port *bridge_port(const struct bridge *b, uint32_t number)
{
    const struct port_list *list = bridge_ports(b);
    uint32_t low = 0, high = list->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (list->ports[middle]->spec.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->n && list->ports[low]->spec.number == number ? list->ports[low] : NULL;
}
