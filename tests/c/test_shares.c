/* Floods of one bridge, or of one port, cost others a bounded wait and no packet (HARDENING S14).
 *
 * A loud bridge has 1,000 ports to each of which every broadcast goes; a quiet one has two.  Work is counted in packets
 * sent, so all of this is the same every time: memory ports, ports that only count, a clock that stands still.
 */
#include "base/share.h"
#include "check.h"
#include "switch/switch.h"
#include "vswitch.h"

enum { LOUD = 1, QUIET = 2, SINKS = 1000, FIRST_SINK = 101, FRAME = 60 };

static vs_switch *sw;

/* ---- a switch with bridges ---- */

static void command(uint16_t type, uint32_t bridge, const void *payload, size_t n)
{
    static _Alignas(8) uint8_t buffer[4096];
    vs_frame frame = {.size = (uint32_t)(sizeof frame + n), .type = type, .bridge = bridge};
    memcpy(buffer, &frame, sizeof frame);
    if (n)
        memcpy(buffer + sizeof frame, payload, n);
    CHECK_EQ(vs_switch_command(sw, buffer, frame.size, -1, 0), 0);
}

static void add_port(uint32_t bridge, uint32_t number, uint32_t kind)
{
    vs_port_spec spec = {.number = number, .kind = kind, .name = "p"};
    command(VS_CMD_PORT_ADD, bridge, &spec, sizeof spec);
}

/* A learning switch: ports 1 to 'talkers' can send and receive, 'sinks' more only count. */
static void add_bridge(uint32_t id, uint32_t talkers, uint32_t sinks)
{
    vs_bridge_spec spec = {.name = "b", .standalone = 1};
    command(VS_CMD_BRIDGE_ADD, id, &spec, sizeof spec);
    for (uint32_t i = 1; i <= talkers; i++)
        add_port(id, i, VS_PORT_MEM);
    for (uint32_t i = 0; i < sinks; i++)
        add_port(id, FIRST_SINK + i, VS_PORT_PCAP);
}

static void begin(uint32_t buffers)
{
    vs_config config = {.max_rules = 64, .cache_entries = 4096, .max_buffers = buffers, .seed = 3};
    vs_error error;
    sw = vs_switch_new(&config, 0, &error);
    CHECK(sw != NULL);
}

static void offer(uint32_t bridge, uint32_t port, uint8_t to, unsigned times)
{
    uint8_t frame[FRAME] = {to, to, to, to, to, to, 2, 0, 0, 0, (uint8_t)bridge, (uint8_t)port, 0x88, 0xb5};
    if (to != 0xff)
        memcpy(frame, (uint8_t[]){2, 0, 0, 0, (uint8_t)bridge, to}, 6);
    while (times--)
        CHECK_EQ(vs_mem_send(sw, bridge, port, frame, sizeof frame), 0);
}

static unsigned taken(uint32_t bridge, uint32_t port)
{
    uint8_t frame[FRAME];
    unsigned n = 0;
    while (vs_mem_receive(sw, bridge, port, frame, sizeof frame) > 0)
        n++;
    return n;
}

struct totals { uint64_t rx, tx, no_buffer; };

static struct totals totals(uint32_t bridge)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    struct totals sum = {0};
    int fd;
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0) {}
    command(VS_CMD_STATS, bridge, NULL, 0);
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0) {
        const vs_frame *frame = (const void *)out;
        const vs_port_stats *stats = (const void *)(out + sizeof *frame);
        if (frame->type != VS_EVT_PORT_STATS)
            continue;
        sum.rx += stats->rx_packets;
        sum.tx += stats->tx_packets;
        sum.no_buffer += stats->drops[VS_DROP_NO_BUFFER];
    }
    return sum;
}

/* The quiet bridge's two stations know each other. */
static void meet(void)
{
    for (uint32_t from = 1; from <= 2; from++) {
        offer(QUIET, from, (uint8_t)(3 - from), 1);
        while (vs_switch_poll(sw, 0)) {}
        vs_switch_tick(sw, 0);
    }
    taken(QUIET, 1);
    taken(QUIET, 2);
}

/* ---- between bridges ---- */

/* Whatever the other bridge floods, and however many of its ports do: a turn, and no more than a share and one flood in
 * it. */
static void a_packet_waits_for_a_share_and_one_flood(uint32_t talkers)
{
    enum { PROBES = 200, A_FLOOD = 2 * SINKS };
    begin(8192);
    add_bridge(LOUD, talkers, SINKS);
    add_bridge(QUIET, 2, 0);
    meet();
    for (uint32_t i = 1; i <= talkers; i++)
        offer(LOUD, i, 0xff, 4000 / talkers);
    for (unsigned i = 0; i < PROBES; i++) {
        struct totals before = totals(LOUD);
        offer(QUIET, 1, 2, 1);
        CHECK(vs_switch_poll(sw, 0) > 0);
        CHECK_EQ(taken(QUIET, 2), 1);
        CHECK(totals(LOUD).tx - before.tx <= SHARE + A_FLOOD);
        for (uint32_t k = 1; k <= talkers; k++)
            taken(LOUD, k); /* copies that wait hold buffers */
    }
    vs_switch_free(sw);
}

/* Two that flood all the time do the same work, though a packet of one costs ten times as much. */
static void bridges_that_flood_share_alike(void)
{
    enum { TURNS = 2000, TALKERS = 20 };
    begin(32768);
    add_bridge(LOUD, TALKERS, SINKS);
    add_bridge(QUIET, TALKERS, SINKS / 10);
    for (unsigned i = 0; i < TURNS; i++) {
        for (uint32_t k = 1; k <= TALKERS && i % 10 == 0; k++) {
            offer(QUIET, k, 0xff, 5);
            offer(LOUD, k, 0xff, i % 100 == 0 ? 10 : 0);
        }
        vs_switch_poll(sw, 0);
        for (uint32_t k = 1; k <= TALKERS; k++) {
            taken(LOUD, k);
            taken(QUIET, k);
        }
    }
    double loud = (double)totals(LOUD).tx, quiet = (double)totals(QUIET).tx;
    CHECK(loud > TURNS * SHARE * 0.8);
    CHECK(quiet > loud * 0.8 && quiet < loud * 1.25);
    vs_switch_free(sw);
}

static uint64_t walks(void)
{
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    return stats.misses + stats.stale;
}

/* "dl_dst=02:01:NUMBER,actions=output:1", or for all addresses below the others. */
static void add_rule(uint32_t bridge, const uint32_t *number)
{
    uint8_t m[48 + 16 + 24] = {4, 14, 0, sizeof m};
    m[31] = number ? 10 : 1;
    memset(m + 32, 0xff, 12);
    m[49] = 1;
    m[51] = number ? 14 : 4;
    memcpy(m + 52, (uint8_t[]){0x80, 0, 6, 6, 2, 1}, 6);
    for (unsigned i = 0; number && i < 4; i++)
        m[58 + i] = (uint8_t)(*number >> (24 - 8 * i));
    memset(m + 52, 0, number ? 0 : 10);
    uint8_t *instruction = m + (number ? 64 : 56);
    memcpy(instruction, (uint8_t[]){0, 4, 0, 24, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 1}, 16);
    m[3] = (uint8_t)(instruction + 24 - m);
    command(VS_CMD_OPENFLOW, bridge, m, m[3]);
}

/* A walk along many rules is charged for them: a turn has one of a bridge's whose table is so long, not one of each
 * port. */
static void a_packet_waits_for_one_walk_through_a_long_table(void)
{
    enum { RULES = 20000, TALKERS = 40, TURNS = 100 };
    vs_config config = {.max_rules = RULES + 1, .cache_entries = 4096, .max_buffers = 8192, .seed = 3};
    vs_error error;
    sw = vs_switch_new(&config, 0, &error);
    CHECK(sw != NULL);
    add_bridge(LOUD, TALKERS, 0);
    add_bridge(QUIET, 2, 0);
    for (uint32_t i = 0; i < RULES; i++)
        add_rule(LOUD, &i);
    add_rule(LOUD, NULL);
    meet();
    offer(QUIET, 1, 2, 1);
    vs_switch_poll(sw, 0); /* its answer is known now */
    for (uint32_t i = 1; i <= TALKERS; i++)
        for (uint32_t flow = 0; flow < 64; flow++)
            CHECK_EQ(vs_mem_send(sw, LOUD, i,
                                 (const uint8_t[FRAME]){2, 2, 0, 0, (uint8_t)i, (uint8_t)flow, 2, 0, 0, 0, 1,
                                                        (uint8_t)i, 0x88, 0xb5},
                                 FRAME),
                     0);
    for (unsigned i = 0; i < TURNS; i++) {
        uint64_t before = walks();
        offer(QUIET, 1, 2, 1);
        CHECK(vs_switch_poll(sw, 0) > 0);
        CHECK(walks() - before <= 1);
    }
    CHECK_EQ(taken(QUIET, 2), TURNS + 1);
    while (vs_switch_poll(sw, 0))
        taken(LOUD, 1);
    taken(LOUD, 1);
    CHECK_EQ(totals(LOUD).rx, TALKERS * 64); /* and all of it comes round */
    vs_switch_free(sw);
}

/* Two ports that say the same address in turn: what the other bridge has cached stays right. */
static void stations_that_move_cost_another_bridge_no_walk(void)
{
    enum { MOVES = 200 };
    begin(8192);
    add_bridge(LOUD, 2, 0);
    add_bridge(QUIET, 2, 0);
    meet();
    offer(QUIET, 1, 2, 1);
    vs_switch_poll(sw, 0);
    uint64_t before = walks();
    for (unsigned i = 0; i < MOVES; i++) {
        CHECK_EQ(vs_mem_send(sw, LOUD, 1 + i % 2,
                             (const uint8_t[FRAME]){2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 9, 1, 0x88, 0xb5}, FRAME),
                 0);
        vs_switch_poll(sw, 0);
        vs_switch_tick(sw, 0);
        offer(QUIET, 1, 2, 1);
        vs_switch_poll(sw, 0);
    }
    CHECK_EQ(walks() - before, MOVES); /* each that was not where it was known to be, and no other */
    CHECK_EQ(taken(QUIET, 2), MOVES + 1);
    vs_switch_free(sw);
}

/* ---- between ports ---- */

/* One floods, one speaks to a station that is known: both get on, by the work that they make. */
static void a_port_that_floods_leaves_the_bridge_to_others(void)
{
    enum { TURNS = 2000 };
    unsigned spoken = 0;
    begin(8192);
    add_bridge(LOUD, 3, SINKS);
    offer(LOUD, 3, 0xff, 1);
    while (vs_switch_poll(sw, 0)) {}
    vs_switch_tick(sw, 0);
    offer(LOUD, 2, 3, 1); /* so that both are known */
    while (vs_switch_poll(sw, 0)) {}
    vs_switch_tick(sw, 0);
    struct totals before = totals(LOUD);
    taken(LOUD, 3);
    offer(LOUD, 1, 0xff, 3000);
    for (unsigned i = 0; i < TURNS; i++) {
        offer(LOUD, 2, 3, 8);
        vs_switch_poll(sw, 0);
        uint8_t frame[FRAME];
        while (vs_mem_receive(sw, LOUD, 3, frame, sizeof frame) > 0)
            spoken += frame[0] != 0xff;
        taken(LOUD, 2);
    }
    CHECK(spoken > TURNS * 8 - 400); /* what it said has come, but for the last */
    CHECK(totals(LOUD).tx - before.tx > TURNS * 200);
    vs_switch_free(sw);
}

/* Positive control: who waits is served in the end, all of it, and in order of rounds. */
static void nothing_is_lost_and_all_ports_get_on_together(void)
{
    enum { TALKERS = 50, EACH = 20 };
    begin(8192);
    add_bridge(LOUD, TALKERS, SINKS);
    for (uint32_t i = 1; i <= TALKERS; i++)
        offer(LOUD, i, 0xff, EACH);
    while (vs_switch_poll(sw, 0))
        for (uint32_t i = 1; i <= TALKERS; i++)
            taken(LOUD, i);
    struct totals all = totals(LOUD);
    CHECK_EQ(all.rx, TALKERS * EACH);
    CHECK_EQ(all.tx, TALKERS * EACH * (SINKS + TALKERS - 1));
    vs_switch_free(sw);
}

/* ---- buffers ---- */

/* Packets that wait for their port's turn leave buffers for other bridges. */
static void what_waits_takes_no_more_than_its_part_of_the_buffers(void)
{
    enum { TALKERS = 100, BUFFERS = 4096 };
    begin(BUFFERS);
    add_bridge(LOUD, TALKERS, 20);
    add_bridge(QUIET, 2, 0);
    meet();
    for (uint32_t i = 1; i <= TALKERS; i++)
        offer(LOUD, i, 0xff, 32); /* 3,200 */
    for (unsigned i = 0; i < 50; i++)
        vs_switch_poll(sw, 0);
    offer(QUIET, 1, 2, 64);
    CHECK(vs_switch_poll(sw, 0) > 0);
    vs_switch_free(sw);
}

static void offer_flows(uint32_t bridge, uint32_t port, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        CHECK_EQ(vs_mem_send(sw, bridge, port,
                             (const uint8_t[FRAME]){2, 2, 0, 0, (uint8_t)port, (uint8_t)i, 2, 0, 0, 0, 1, (uint8_t)port,
                                                    0x88, 0xb5},
                             FRAME),
                 0);
}

/* What waits for the tables: an eighth of the buffers, of which one bridge has half at most, so that another has room.
 */
static void new_flows_of_one_bridge_leave_room_for_those_of_another(void)
{
    enum { TALKERS = 40, BUFFERS = 4096, ROOM = BUFFERS / PACKET_KEPT };
    begin(BUFFERS);
    add_bridge(LOUD, TALKERS, 0);
    add_bridge(QUIET, 1, 0);
    const struct packet_class *small = &sw->worker->pool->small;
    for (uint32_t i = 1; i <= TALKERS; i++)
        offer_flows(LOUD, i, PORT_BATCH);
    for (unsigned i = 0; i < 4; i++) /* a share is some ports' */
        vs_switch_poll(sw, 0);
    CHECK(small->backlog > ROOM / 2 - PORT_BATCH && small->backlog <= ROOM / 2);
    CHECK_EQ(switch_bridge(sw, LOUD)->backlog[0], small->backlog);
    offer_flows(QUIET, 1, PORT_BATCH);
    vs_switch_poll(sw, 0);
    CHECK_EQ(switch_bridge(sw, QUIET)->backlog[0], PORT_BATCH - 1);
    vs_port_ref ref = {.number = 1};
    command(VS_CMD_PORT_DEL, QUIET, &ref, sizeof ref); /* with all of them */
    CHECK_EQ(switch_bridge(sw, QUIET)->backlog[0], 0);
    while (vs_switch_poll(sw, 0)) {}
    CHECK_EQ(small->backlog, 0);
    CHECK_EQ(switch_bridge(sw, LOUD)->backlog[0], 0);
    CHECK_EQ(totals(LOUD).rx, TALKERS * PORT_BATCH);
    vs_switch_free(sw);
}

/* ---- the arithmetic alone ---- */

/* Members that all want to go on for ever, each with work of its own: the same work in the end. */
static void members_do_the_same_work_whatever_a_visit_costs(void)
{
    enum { MEMBERS = 5, TURNS = 200000 };
    static const uint64_t costs[MEMBERS] = {1000, 600, SHARE, 4096, 700}; /* none less than its share */
    struct share_group group = {0};
    struct share_member members[MEMBERS] = {0};
    uint64_t done[MEMBERS] = {0}, all = 0;
    for (uint64_t turn = 1; turn <= TURNS; turn++)
        for (unsigned i = 0; i < MEMBERS; i++)
            if (share_begins(&group, &members[i], turn)) {
                share_ends(&group, &members[i], costs[i]);
                done[i] += costs[i];
                all += costs[i];
            }
    CHECK(all <= (uint64_t)SHARE * (TURNS + 10)); /* the group never does more than its share */
    for (unsigned i = 0; i < MEMBERS; i++)
        CHECK(done[i] > all / MEMBERS * 97 / 100 && done[i] < all / MEMBERS * 103 / 100);
}

static void who_was_idle_owes_nothing_and_has_saved_nothing(void)
{
    struct share_group group = {0};
    struct share_member member = {0};
    uint64_t turn = 2;
    CHECK(share_begins(&group, &member, 1));
    share_ends(&group, &member, 100 * SHARE);
    while (!share_begins(&group, &member, turn))
        turn++;
    CHECK_EQ(turn, 100 + 100); /* the group pays for 100 shares, and when it is served the member does */
    share_ends(&group, &member, 4 * SHARE);
    for (turn = 100000; !share_begins(&group, &member, turn);)
        turn++;
    CHECK_EQ(turn, 100000 + 3);                  /* the group has paid meanwhile, the member does by its visits */
    CHECK(!share_begins(&group, &member, turn)); /* once a round */
}

/* A controller's floods are floods as well: no more of them in a turn than a share and one. */
static void packet_outs_take_a_share_of_a_turn(void)
{
    enum { ORDERS = 20 };
    static const uint8_t order[40 + FRAME] = {
        4,    13,   0,    sizeof order, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xfd, 0,    16,           0, 0, 0, 0, 0,    0,    0,    0,    0,    16,
        0xff, 0xff, 0xff, 0xfc,         0, 0, 0, 0, 0,    0,    0,    0, /* output:ALL */
    };
    unsigned turns = 0;
    size_t n;
    begin(8192);
    add_bridge(LOUD, 1, SINKS);
    add_bridge(QUIET, 2, 0);
    meet();
    for (unsigned i = 0; i < ORDERS; i++)
        command(VS_CMD_OPENFLOW, LOUD, order, sizeof order);
    for (; ring_peek(&sw->worker->injections, &n); turns++) {
        offer(QUIET, 1, 2, 1);
        CHECK(vs_switch_poll(sw, 0) > 0);
        CHECK_EQ(taken(QUIET, 2), 1);
        CHECK_EQ(taken(LOUD, 1), 1);
    }
    CHECK_EQ(turns, ORDERS);
    vs_switch_free(sw);
}

int main(void)
{
    a_packet_waits_for_a_share_and_one_flood(1);
    a_packet_waits_for_a_share_and_one_flood(40);
    packet_outs_take_a_share_of_a_turn();
    bridges_that_flood_share_alike();
    stations_that_move_cost_another_bridge_no_walk();
    a_packet_waits_for_one_walk_through_a_long_table();
    a_port_that_floods_leaves_the_bridge_to_others();
    nothing_is_lost_and_all_ports_get_on_together();
    what_waits_takes_no_more_than_its_part_of_the_buffers();
    new_flows_of_one_bridge_leave_room_for_those_of_another();
    members_do_the_same_work_whatever_a_visit_costs();
    who_was_idle_owes_nothing_and_has_saved_nothing();
    return checks_end();
}
