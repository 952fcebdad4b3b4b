/* See outputs.h. */
#include "compose/outputs.h"

#include "bridge/port_list.h"
#include "compose/list.h"
#include "compose/normal.h"

static void output_number(struct composition *c, uint32_t number)
{
    struct port *to = bridge_port(c->bridge, number);
    if (!to)
        compose_drop(c, VS_DROP_NO_PORT);
    else if (to == c->in)
        compose_drop(c, VS_DROP_OUTPUT_SELF);
    else
        compose_send(c, to);
}

static void output_in_port(struct composition *c, const struct action *a)
{
    (void)a;
    if (c->in)
        compose_send(c, c->in);
    else
        compose_drop(c, VS_DROP_NO_PORT);
}

/* FLOOD differs from ALL by leaving out ports that are blocked or have NO_FWD; an output to such a port sends
 * nothing anyway (and is counted there), so both lists are the same. */
static void output_all(struct composition *c, const struct action *a)
{
    (void)a;
    const struct port_list *list = bridge_ports(c->bridge);
    if (compose_from_nowhere(c)) {
        compose_drop(c, VS_DROP_NO_IN_PORT);
        return;
    }
    for (uint32_t i = 0; i < list->n; i++)
        if (list->ports[i] != c->in)
            compose_send(c, list->ports[i]);
}

static void output_controller(struct composition *c, const struct action *a)
{
    struct action to = {
        .kind = ACT_CONTROLLER, .arg = a->arg, .reason = c->origin.miss && !c->depth ? OFPR_NO_MATCH : OFPR_ACTION};
    to = compose_with_origin(c, to);
    compose_append(c, &to);
    c->sends = SENT;
}

void do_output(struct composition *c, const struct action *a)
{
    static const struct {
        uint32_t port;
        void (*to)(struct composition *, const struct action *);
    } reserved[] = {
        {OFPP_IN_PORT, output_in_port},       {OFPP_ALL, output_all},       {OFPP_FLOOD, output_all},
        {OFPP_CONTROLLER, output_controller}, {OFPP_NORMAL, output_normal},
    };
    if (a->port < OFPP_MAX || a->port == OFPP_LOCAL) {
        output_number(c, a->port);
        return;
    }
    for (unsigned i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (reserved[i].port == a->port) {
            reserved[i].to(c, a);
            return;
        }
    compose_drop(c, VS_DROP_NO_PORT);
}
