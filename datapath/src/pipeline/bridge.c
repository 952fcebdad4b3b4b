/* Bridges: making, ports, key shapes.  Flow tables are in tables.c.  See bridge.h. */
#include "pipeline/bridge.h"

#include <string.h>

#include "base/check.h"

static struct key_shape *shape_new(struct world *w, const struct key *mask)
{
    struct key_shape *shape = must_calloc(1, sizeof *shape);
    key_shape_make(shape, ++w->last_shape, mask);
    return shape;
}

uint64_t bridge_identity(uint32_t id, const vs_bridge_spec *spec) { return spec->identity ? spec->identity : id; }

struct bridge *bridge_new(struct world *w, uint32_t id, const vs_bridge_spec *spec)
{
    struct bridge *b = must_calloc(1, sizeof *b);
    /* Every answer depends on where the packet came from (flooding, output to self). */
    struct key mask = {.in_port = UINT32_MAX};
    if (spec->standalone)
        normal_looks(&mask);
    b->id = id;
    b->identity = bridge_identity(id, spec);
    b->world = w;
    b->spec = *spec;
    b->dying_end = &b->dying;
    b->removed_end = &b->removed;
    b->macs.world = w;
    mac_set(&b->macs, spec->mac_limit, spec->mac_age);
    idmap_init(&b->groups, &w->epoch, w->seed);
    idmap_init(&b->meters, &w->epoch, w->seed);
    atomic_init(&b->standalone, spec->standalone);
    atomic_init(&b->ports, must_calloc(1, sizeof(struct port_list)));
    atomic_init(&b->shape, shape_new(w, &mask));
    for (unsigned i = 0; i < N_TABLES; i++) {
        atomic_init(&b->tables[i].lookup_slot, UINT32_MAX);
        atomic_init(&b->tables[i].miss_slot, UINT32_MAX);
    }
    return b;
}

bool bridge_widen_shape(struct bridge *b, const struct key *mask)
{
    const struct key_shape *old = bridge_shape(b);
    struct key wide = old->mask;
    for (unsigned i = 0; i < KEY_WORDS; i++)
        wide.words[i] |= mask->words[i];
    if (!memcmp(&wide, &old->mask, sizeof wide))
        return false;
    epoch_replace(&b->world->epoch, &b->shape, shape_new(b->world, &wide), free);
    return true;
}

void bridge_look_first(struct bridge *b, const struct key *mask)
{
    if (!bridge_widen_shape(b, mask))
        return;
    world_publish(b->world);
    epoch_wait(&b->world->epoch, b->world->epoch.version);
}

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

static void limit_floods(struct bridge *b)
{
    const struct port_list *list = bridge_ports(b);
    for (uint32_t i = 0; i < list->n; i++)
        set_flood(b, list->ports[i], flood_meter(b));
}

void bridge_change(struct bridge *b, const vs_bridge_spec *spec)
{
    struct key mask = {0};
    bool floods_otherwise = b->spec.flood_rate != spec->flood_rate;
    b->spec = *spec;
    mac_set(&b->macs, spec->mac_limit, spec->mac_age);
    if (floods_otherwise)
        limit_floods(b);
    if (spec->standalone)
        normal_looks(&mask);
    bridge_look_first(b, &mask);
    atomic_store(&b->standalone, spec->standalone);
    world_publish(b->world);
}

static void table_free(struct flow_table *t, struct world *w)
{
    if (!t->by_match.buckets)
        return;
    for (struct rule *r = t->rules, *next; r; r = next) {
        next = r->next;
        rule_free(r);
    }
    classifier_free(t->classifier);
    hmap_destroy(&t->by_match);
    slots_give(&w->slots, t->lookup_slot);
    slots_give(&w->slots, t->miss_slot);
}

void bridge_free(struct bridge *b)
{
    MUST(!b->added && !b->removed);
    for (struct rule *r = b->dying, *next; r; r = next) {
        next = r->staged;
        rule_free(r);
    }
    for (unsigned i = 0; i < N_TABLES; i++)
        table_free(&b->tables[i], b->world);
    b->world->n_rules -= b->n_rules;
    bridge_free_groups(b);
    bridge_free_meters(b);
    mac_destroy(&b->macs);
    free(atomic_load(&b->ports));
    free(atomic_load(&b->shape));
    free(b);
}

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
