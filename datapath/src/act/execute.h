/* Executing a flat list of actions on one packet. */
#pragma once
#include "act/action.h"
#include "act/outlet.h"

/* What executing needs of the thread it runs on. */
struct executor {
    struct outlet outlet;
    /* Tells the control thread of a packet for the controller.  The packet stays the caller's. */
    void (*to_controller)(struct executor *, struct port *in, const struct packet *, const struct action *);
};

/* Does all 'n' composed actions to 'p' in order; takes over the caller's reference.  'in' counts what is dropped;
 * NULL for a packet-out from no port of ours.  'p->layout' is current. */
void actions_execute(struct executor *, const struct action *actions, unsigned n, struct port *in, struct packet *p);
