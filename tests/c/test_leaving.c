/* Ports, queues and bridges that leave, one step at a time (parting.h), with packets moving between the steps.
 *
 * Memory ports and a clock that stands still.  A poll thread in the middle of a turn has the list of ports of its
 * beginning in hand: that is what 'in_hand' is, until the grace period is over.
 */
#include <sys/mman.h>

#include "base/check.h"
#include "bridge/port_list.h"
#include "switch/parting.h"
#include "switch/switch.h"
#include "twins.h"

enum { STEPS = 7, SETTLE = 0, UNLINK, PUBLISH, GRACE, LET_GO, HEAR, RELEASE };
enum { SENDER = 1, HEARER = 2, GUEST = 3, OTHER = 4, HERE = 10, THERE = 20, QUEUE = 7, FRAME = 60 };

static vs_switch *sw;
static struct message m;
static _Atomic(struct poll_list *) in_hand;

/* ---- the switch ---- */

static void add_port(uint32_t number, uint16_t access)
{
    vs_port_spec spec = {.number = number, .kind = VS_PORT_MEM, .name = "p"};
    if (access)
        spec.vlans = (vs_vlans){.mode = VS_VLAN_ACCESS, .tag = access};
    twin_command(sw, VS_CMD_PORT_ADD, &spec, sizeof spec, 0);
}

static struct port *port_of(uint32_t number) { return bridge_port(sw->bridges[0], number); }

static void begin(bool standalone)
{
    vs_bridge_spec bridge = {.name = "b", .standalone = standalone};
    sw = twin_new(0, 256, 1);
    twin_add_bridge(sw, 0, 0);
    twin_command(sw, VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge, 0);
}

static void end(void)
{
    CHECK_EQ(twin_take(sw, NULL), 0);
    vs_switch_free(sw); /* asserts that every buffer came back */
}

static unsigned out(void) { return packet_pool_out(sw->worker->pool); }

static void flow(uint32_t from, uint32_t queue, uint32_t to) { twin_flow(sw, from, queue, to, 0); }

static void packet_out(uint32_t from, uint32_t to)
{
    uint8_t *at = message_begin(&m, 13, 16);
    memset(at, 0xff, 4);
    wire32(at + 4, from);
    wire16(at + 8, 16);
    put_output(&m, to, 0);
    memset(more(&m, FRAME), 0xff, FRAME);
    message_end(&m);
    twin_openflow(sw, &m, 0);
}

/* A broadcast of a station of its own, of a VLAN by its tag (0: without). */
static void put_into(struct port *port, uint8_t station, uint16_t vlan)
{
    uint8_t frame[FRAME] = {0};
    memset(frame, 0xff, 6);
    frame[6] = 2;
    frame[11] = station;
    wire16(frame + 12, vlan ? 0x8100 : 0x88b5);
    wire16(frame + 14, vlan);
    wire16(frame + 16, 0x88b5);
    CHECK_EQ(port_mem_put(port, sw->worker->pool, frame, sizeof frame), 0);
}

static unsigned take_out(struct port *port)
{
    uint8_t frame[2048];
    unsigned n = 0;
    while (port_mem_take(port, frame, sizeof frame) > 0)
        n++;
    return n;
}

/* ---- step by step ---- */

static struct leaving leaving_of(const struct parting *how, void *object)
{
    return (struct leaving){.how = how, .object = object};
}

/* A turn that began before the change goes on with the ports that it has seen. */
static void hold_ports(void)
{
    const struct poll_list *now = atomic_load(&sw->ports);
    size_t size = sizeof *now + now->n * sizeof now->ports[0];
    atomic_store(&in_hand, memcpy(must_calloc(1, size), now, size));
    sw->worker->ports = &in_hand;
}

static void let_ports_go(void)
{
    sw->worker->ports = &sw->ports;
    free(atomic_load(&in_hand));
}

/* Of B2: not for the length of a step is the guest in a VLAN that is not its own, neither what comes to it nor what it
 * sends. */
static void b2_a_port_that_leaves_stays_in_its_vlan(void)
{
    begin(true);
    add_port(SENDER, HERE);
    add_port(HEARER, HERE);
    add_port(GUEST, THERE);
    add_port(OTHER, THERE);
    struct port *guest = port_of(GUEST), *hearer = port_of(HEARER), *other = port_of(OTHER);
    struct leaving l = leaving_of(&port_parting, guest);
    unsigned heard = 0, told = 0;
    hold_ports();
    for (bool more = true; more;) {
        if (l.at == GRACE)
            let_ports_go();
        bool polled = l.at < GRACE;
        put_into(port_of(SENDER), 1, 0);
        for (unsigned i = 0; polled && i < 3; i++)
            put_into(guest, 9, i == 2 ? 0 : HERE); /* tagged: an access port takes none of these */
        while (vs_switch_poll(sw, 0)) {}
        if (l.at < RELEASE)
            CHECK_EQ(take_out(guest), 0);
        CHECK_EQ(take_out(hearer), 1);
        heard++;
        CHECK_EQ(take_out(other), polled);
        told += polled;
        more = parting_step(sw, &l);
    }
    CHECK_EQ(l.at, STEPS);
    CHECK_EQ(heard, STEPS);
    CHECK_EQ(told, GRACE);
    end();
}

/* Packets go back only where the poll thread lets go of them, all of them then, however deep in debt the queue is. */
static void saturate(uint32_t to)
{
    vs_queue_spec queue = {.port = to, .queue = QUEUE, .max_rate = 8000};
    twin_command(sw, VS_CMD_QUEUE_SET, &queue, sizeof queue, 0);
    flow(SENDER, QUEUE, to);
    for (unsigned i = 0; i < 500; i++) {
        put_into(port_of(SENDER), 1, 0);
        vs_switch_poll(sw, 0);
    }
    take_out(port_of(to));
    CHECK(out() > 300);
}

static void step_through(const struct parting *how, void *object)
{
    struct leaving l = leaving_of(how, object);
    unsigned waiting = out();
    for (bool more = true; more;) {
        CHECK_EQ(out(), l.at <= LET_GO ? waiting : 0);
        more = parting_step(sw, &l);
        vs_switch_poll(sw, 0);
    }
    CHECK_EQ(out(), 0);
}

static void b1_a_saturated_queue_is_emptied_by_the_poll_thread(void)
{
    begin(false);
    add_port(SENDER, 0);
    add_port(GUEST, 0);
    saturate(GUEST);
    uint64_t dropped = port_of(GUEST)->counters.drops[VS_DROP_QUEUE_FULL];
    unsigned waiting = out();
    step_through(&queue_parting, &(struct queue_of){port_of(GUEST), lanes_find(port_of(GUEST), QUEUE)});
    CHECK_EQ(port_of(GUEST)->counters.drops[VS_DROP_QUEUE_FULL] - dropped, waiting);
    CHECK_EQ(sw->world.n_timed, 0);
    put_into(port_of(SENDER), 1, 0); /* and the way without a queue is free */
    vs_switch_poll(sw, 0);
    CHECK_EQ(take_out(port_of(GUEST)), 1);
    end();
}

static void b1_a_port_with_saturated_queues_is_emptied_by_the_poll_thread(void)
{
    begin(false);
    add_port(SENDER, 0);
    add_port(GUEST, 0);
    saturate(GUEST);
    step_through(&port_parting, port_of(GUEST));
    CHECK_EQ(sw->world.n_timed, 0);
    end();
}

/* Or the poll thread would read the clock for a meter that nobody has. */
static void a_port_takes_the_limit_of_its_floods_along(void)
{
    vs_bridge_spec limited = {.name = "b", .flood_rate = 10};
    begin(false);
    add_port(SENDER, 0);
    twin_command(sw, VS_CMD_BRIDGE_ADD, &limited, sizeof limited, 0);
    add_port(GUEST, 0);
    CHECK_EQ(sw->world.n_timed, 2);
    switch_part(sw, &port_parting, port_of(GUEST), 0);
    CHECK_EQ(sw->world.n_timed, 1);
    twin_command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, 0);
    CHECK_EQ(sw->world.n_timed, 0);
    vs_switch_free(sw);
}

static void b1_a_bridge_goes_with_all_that_waits(void)
{
    begin(false);
    add_port(SENDER, 0);
    add_port(GUEST, 0);
    saturate(GUEST);
    packet_out(SENDER, GUEST); /* names the bridge, and waits for the poll thread */
    twin_command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, 0);
    CHECK_EQ(sw->n_bridges, 0);
    CHECK_EQ(out(), 0);
    CHECK_EQ(sw->world.n_timed, 0);
    CHECK_EQ(vs_switch_poll(sw, 0), 0);
    vs_switch_free(sw);
}

static void b1_a_switch_that_ends_gives_everything_back(void)
{
    begin(false);
    add_port(SENDER, 0);
    add_port(GUEST, 0);
    saturate(GUEST);
    flow(SENDER, 0, GUEST);
    for (unsigned i = 0; i < 40; i++)
        put_into(port_of(SENDER), (uint8_t)i, 0);
    vs_switch_poll(sw, 0); /* some have left, some wait for the tables, some have not come in */
    put_into(port_of(SENDER), 1, 0);
    end();
}

/* ---- a number and an index that are given again ---- */

static unsigned packet_ins_of_guest(void)
{
    unsigned by_port[256] = {0};
    CHECK_EQ(twin_take(sw, by_port), 0);
    return by_port[GUEST];
}

/* Leaves something of the guest in every place there is. */
static void leave_traces(void)
{
    vs_queue_spec queue = {.port = GUEST, .queue = QUEUE, .max_rate = 8000};
    twin_command(sw, VS_CMD_QUEUE_SET, &queue, sizeof queue, 0);
    flow(SENDER, QUEUE, GUEST);
    flow(GUEST, 0, OFPP_CONTROLLER);
    flow(OTHER, 0, OFPP_NORMAL);
    put_into(port_of(OTHER), 4, 0); /* NORMAL floods: one that nobody takes at the guest */
    for (unsigned i = 0; i < 20; i++)
        put_into(port_of(SENDER), 1, 0);
    while (vs_switch_poll(sw, 0)) {}
    for (unsigned i = 0; i < 100; i++)
        put_into(port_of(GUEST), (uint8_t)i, 0);
    vs_switch_poll(sw, 0);
}

static void what_a_port_leaves_is_nobody_elses(void)
{
    begin(false);
    for (uint32_t i = SENDER; i <= OTHER; i++)
        add_port(i, 0);
    leave_traces();
    struct worker *w = sw->worker;
    uint32_t index = port_of(GUEST)->index;
    w->ready[index] = 1; /* as epoll may have said */
    CHECK(w->backlogs[index].n > w->backlogs[index].at || take_out(port_of(GUEST)) > 0);
    CHECK(w->said[index] > atomic_load(&w->taken[index]));
    vs_port_ref ref = {.number = GUEST};
    twin_command(sw, VS_CMD_PORT_DEL, &ref, sizeof ref, 0);
    CHECK(packet_ins_of_guest() > 0); /* told while the number was still its own */
    add_port(GUEST, 0);
    CHECK_EQ(port_of(GUEST)->index, index);
    CHECK_EQ(w->said[index], atomic_load(&w->taken[index]));
    CHECK_EQ(w->ready[index], 0);
    CHECK_EQ(w->backlogs[index].n, 0);
    CHECK_EQ(w->lanes.listed[index], 0);
    CHECK(atomic_load(&port_of(GUEST)->lanes) == NULL);
    take_out(port_of(HEARER));
    take_out(port_of(OTHER));
    take_out(port_of(SENDER));
    CHECK_EQ(out(), 0);
    while (vs_switch_poll(sw, UINT64_MAX)) {}
    vs_switch_tick(sw, 0);
    CHECK_EQ(packet_ins_of_guest(), 0);
    CHECK_EQ(take_out(port_of(GUEST)), 0);
    CHECK_EQ(port_of(GUEST)->counters.rx_packets, 0);
    end();
}

/* A station that was told of before is not learned at the port that has the number now. */
static void a_station_told_of_too_late_is_not_learned(void)
{
    begin(true);
    add_port(SENDER, 0);
    add_port(GUEST, 0);
    put_into(port_of(GUEST), 9, 0);
    while (vs_switch_poll(sw, 0)) {}
    vs_port_ref ref = {.number = GUEST};
    twin_command(sw, VS_CMD_PORT_DEL, &ref, sizeof ref, 0);
    add_port(GUEST, 0);
    vs_switch_tick(sw, 0);
    CHECK_EQ(sw->bridges[0]->macs.n, 0);
    put_into(port_of(GUEST), 9, 0); /* and the new one's is */
    while (vs_switch_poll(sw, 0)) {}
    vs_switch_tick(sw, 0);
    CHECK_EQ(sw->bridges[0]->macs.n, 1);
    take_out(port_of(SENDER));
    end();
}

/* ---- a port that can't be ---- */

static void a_port_whose_descriptor_can_not_be_waited_on_leaves_nothing(void)
{
    static _Alignas(8) uint8_t bytes[sizeof(vs_frame) + sizeof(vs_port_spec)], event[VS_FRAME_MAX];
    vs_frame frame = {.size = sizeof bytes, .type = VS_CMD_PORT_ADD, .bridge = TWIN_BRIDGE, .tag = 77};
    vs_port_spec spec = {.number = GUEST, .kind = VS_PORT_TAP, .name = "p"};
    int32_t error = 0;
    int fd = memfd_create("no events", 0);
    begin(true);
    memcpy(bytes, &frame, sizeof frame);
    memcpy(bytes + sizeof frame, &spec, sizeof spec);
    CHECK_EQ(vs_switch_command(sw, bytes, sizeof bytes, fd, 0), 0);
    while (vs_switch_events(sw, event, sizeof event, &fd) > 0)
        if (((const vs_frame *)(const void *)event)->tag == 77)
            error = ((const vs_done *)(const void *)(event + sizeof frame))->error;
    CHECK(error < 0);
    CHECK(port_of(GUEST) == NULL);
    CHECK_EQ(atomic_load(&sw->ports)->n, 0);
    add_port(GUEST, 0);
    CHECK_EQ(port_of(GUEST)->index, 0);
    end();
}

int main(void)
{
    b2_a_port_that_leaves_stays_in_its_vlan();
    b1_a_saturated_queue_is_emptied_by_the_poll_thread();
    b1_a_port_with_saturated_queues_is_emptied_by_the_poll_thread();
    a_port_takes_the_limit_of_its_floods_along();
    b1_a_bridge_goes_with_all_that_waits();
    b1_a_switch_that_ends_gives_everything_back();
    what_a_port_leaves_is_nobody_elses();
    a_station_told_of_too_late_is_not_learned();
    a_port_whose_descriptor_can_not_be_waited_on_leaves_nothing();
    return checks_end();
}
