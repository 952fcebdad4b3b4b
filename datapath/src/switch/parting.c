/* See parting.h. */
#include "switch/parting.h"

#include "switch/switch.h"

static void settle(struct vs_switch *sw, struct leaving *l)
{
    (void)l;
    switch_wait_injected(sw);
}

static void unlink_it(struct vs_switch *sw, struct leaving *l) { l->how->unlink(sw, l->object); }

static void publish(struct vs_switch *sw, struct leaving *l)
{
    (void)l;
    world_publish(&sw->world);
}

static void grace(struct vs_switch *sw, struct leaving *l)
{
    (void)l;
    epoch_wait(&sw->world.epoch, sw->world.epoch.version);
}

static void let_go(struct vs_switch *sw, struct leaving *l)
{
    if (l->how->let_go)
        switch_inject(sw, (struct injection){.kind = INJECT_LET_GO, .let_go = l->how->let_go, .object = l->object});
}

static void hear(struct vs_switch *sw, struct leaving *l) { switch_drain_upcalls(sw, l->now_ns, true); }

static void release(struct vs_switch *sw, struct leaving *l) { l->how->release(sw, l->object); }

bool parting_step(struct vs_switch *sw, struct leaving *l)
{
    static void (*const steps[])(struct vs_switch *, struct leaving *) = {settle, unlink_it, publish, grace,
                                                                          let_go, hear,      release};
    enum { STEPS = sizeof steps / sizeof steps[0] };
    steps[l->at++](sw, l);
    return l->at < STEPS;
}

void switch_part(struct vs_switch *sw, const struct parting *how, void *object, uint64_t now_ns)
{
    struct leaving l = {.how = how, .object = object, .now_ns = now_ns};
    while (parting_step(sw, &l)) {}
}
