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

/* Does one editing action (none that sends or drops) to '*p', which becomes a packet of the caller's own.
 * False: the packet ends here, '*p' is NULL or still the caller's to release. */
bool action_edit(struct executor *, const struct action *, struct port *in, struct packet **p);
/* Does all 'n' composed actions to 'p' in order; takes over the caller's reference.  'in' counts what is dropped;
 * NULL for a packet-out from no port of ours.  'p->layout' is current.  Returns the action at which the packet
 * ended early (what comes after it did not happen), NULL if none. */
const struct action *actions_execute(struct executor *, const struct action *actions, unsigned n, struct port *in, struct packet *p);
