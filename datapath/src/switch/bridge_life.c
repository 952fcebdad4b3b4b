/* Bridges of a switch: taken away with all they have. */
#include "base/check.h"
#include "switch/parting.h"
#include "switch/switch.h"
#include "switch/transaction.h"
#include "tables/table.h"

void switch_end_sessions(struct vs_switch *sw, uint32_t bridge)
{
    transactions_forget(sw, bridge, 0);
    for (struct session **at = &sw->sessions; *at;) {
        struct session *s = *at;
        if (!bridge || s->bridge == bridge) {
            *at = s->next;
            free(s);
        } else {
            at = &s->next;
        }
    }
}

static void unlink_bridge(struct vs_switch *sw, void *object)
{
    for (unsigned i = 0; i < sw->n_bridges; i++)
        if (sw->bridges[i] == object)
            sw->bridges[i] = sw->bridges[--sw->n_bridges];
}

static void let_go_of_bridge(struct worker *w, void *object)
{
    if (w->bridge == object)
        w->bridge = NULL;
    w->shape = NULL; /* both are set anew for every batch */
}

static void release_bridge(struct vs_switch *sw, void *object)
{
    epoch_collect(&sw->world.epoch); /* its rules that were deleted before give their counters back */
    tables_free(object);
    bridge_free(object);
}

const struct parting bridge_parting = {unlink_bridge, let_go_of_bridge, release_bridge};

void switch_remove_bridge(struct vs_switch *sw, struct bridge *b, uint64_t now_ns)
{
    for (const struct port_list *list; (list = bridge_ports(b))->n;)
        switch_remove_port(sw, list->ports[0], now_ns);
    switch_end_sessions(sw, b->id); /* until now they were told what its ports still had to tell */
    switch_part(sw, &bridge_parting, b, now_ns);
}
