/* Executing a flat list of actions on one packet, and counting where it came along. */
#pragma once
#include "act/action.h"
#include "act/outlet.h"
#include "base/slots.h"

/* What executing needs of the thread it runs on. */
struct executor {
    struct outlet outlet;
    struct slot_count *counts; /* of this thread */
    uint64_t now_ns;           /* of this turn, for meters and queues */
    uint64_t worked; /* so far, in packets sent: actions and walks through the tables, but for packets that one action
                        is done to */
    bool done;       /* something was done with the packet at hand, or it has a reason to end; the caller clears it */
    /* Tells the control thread of a packet for the controller.  The packet stays the caller's. */
    void (*to_controller)(struct executor *, struct port *in, const struct packet *, const struct action *);
    /* Reads the packet's headers again and goes on with it at a stage; takes over the reference. */
    void (*go_on)(struct executor *, struct port *in, struct packet *, uint64_t stage, uint64_t packets,
                  uint64_t bytes);
    /* Puts a packet into a queue of a port; takes over the reference.  False: no such queue, the packet is still the
     * caller's. */
    bool (*enqueue)(struct executor *, struct port *to, uint32_t queue, struct packet *);
};

/* A composed list: what is done, and the counters (rules, tables, groups) that the packet raises on its way. */
struct itinerary {
    const struct action *actions;
    const uint32_t *slots;
    unsigned n_actions, n_slots;
};

/* Charges a meter and counts it: the band that acts on the packet, or -1. */
int meter_account(struct executor *, struct meter *, uint64_t packets, uint64_t bytes);
/* Does one editing action (none that sends or ends) to '*p', which becomes a packet of the caller's own.
 * False: the packet ends here, '*p' is NULL or still the caller's to release. */
bool action_edit(struct executor *, const struct action *, struct port *in, struct packet **p);
/* Does all composed actions to 'p' in order; takes over the caller's reference.  'in' counts what is dropped; NULL for
 * a packet-out from no port of ours.  'p->layout' is current.  What is counted at every slot that it reached, by meters
 * and by drops: 'packets' and 'bytes', those on the wire when the packet came into the switch, whatever edits have made
 * of it since. */
void actions_execute(struct executor *, const struct itinerary *, struct port *in, struct packet *p, uint64_t packets,
                     uint64_t bytes);

/* The same for what most packets ask for, one output or one drop, and in line; false: it is more than that. */
static inline bool actions_execute_one(struct executor *by, const struct itinerary *list, struct port *in,
                                       struct packet *p, uint64_t packets, uint64_t bytes)
{
    const struct action *a = list->actions;
    if (list->n_actions != 1)
        return false;
    bool sends = a->kind == ACT_SEND && a->port == NO_QUEUE && port_sends(a->to);
    if (!sends && (a->kind != ACT_DROP || !in))
        return false;
    for (unsigned i = 0; i < list->n_slots; i++)
        slot_add(&by->counts[list->slots[i]], packets, bytes);
    if (sends) {
        outlet_put(&by->outlet, a->to, p);
    } else {
        port_drop_frames(in, (vs_drop)a->port, packets);
        packet_release(p);
    }
    return true;
}
