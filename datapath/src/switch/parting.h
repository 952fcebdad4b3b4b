/* How something that poll threads see leaves the world.  One order for ports, queues and bridges, written once:
 *
 *   settle    what was injected before is done: packet-outs name bridges and ports
 *   unlink    whoever looks from now on does not find it
 *   publish   a new version: no cached answer that names it is current
 *   grace     every poll thread has begun a turn since, so none has it in hand
 *   let go    its poll thread gives back what it keeps of it: packets, places in lists, marks by its index
 *   hear      what was told of it until then is heard, while its name is still nobody's
 *   release   the empty shell is freed, its number and index may be given again
 *
 * Packets belong to the poll thread whose pool they came from, so only "let go" may touch them.  What is
 * replaced by another of its kind (lists, VLANs, shapes, classifiers) holds no packets, and leaves by epoch_replace().
 *
 * Control thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct vs_switch;
struct worker;

/* A kind's own part of that. */
struct parting {
    void (*unlink)(struct vs_switch *, void *object); /* publishes nothing, frees nothing */
    void (*let_go)(struct worker *,
                   void *object); /* on the poll thread, which has confirmed before the next step; NULL: nothing */
    void (*release)(struct vs_switch *, void *object);
};

/* An object on its way out. */
struct leaving {
    const struct parting *how;
    void *object;
    uint64_t now_ns;
    unsigned at; /* the step to come; 0 in the beginning */
};

/* The next step; false: that was the last one. */
bool parting_step(struct vs_switch *, struct leaving *);
/* All of them.  Waits for a grace period and for the poll thread. */
void switch_part(struct vs_switch *, const struct parting *, void *object, uint64_t now_ns);
