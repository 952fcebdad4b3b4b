/* A port that floods takes nothing away from another (HARDENING S14, S15).
 *
 * S14: port 1 sends nothing but new headers, each of which costs a walk along 2,000 rules; the first packet of a flow
 * from port 2 waits for at most one such walk.  S15: port 1 fills the way to the controller; what port 2 tells arrives,
 * and so do replies.  Memory ports and a clock that stands still: the same every time.
 */
#include "traffic.h"
#include "twins.h"

enum { RULES = 2000, FROM_1 = 1, FROM_2 = 2, TO = 3, FRAME = 60, OLD_FLOW = 0xffffff };

static vs_switch *sw;
static struct message m;

/* ---- rules ---- */

static size_t begin_rule(uint16_t priority)
{
    uint8_t *at = message_begin(&m, 14, 40);
    wire16(at + 22, priority);
    memset(at + 24, 0xff, 12);
    size_t start = m.n;
    wire16(more(&m, 4), 1);
    return start;
}

static void end_match(size_t start)
{
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    pad8(&m, start);
}

static void end_rule(uint32_t output)
{
    size_t start = m.n;
    put_action(&m, 4, 8);
    put_output(&m, output, 0xffff);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    message_end(&m);
    twin_openflow(sw, &m, 0);
}

static void station(uint8_t *mac, uint32_t number)
{
    mac[0] = 2;
    wire32(mac + 2, number);
    mac[1] = 0;
}

/* Rules for 2,000 stations that nobody sends to, before the one for all. */
static void add_many_rules(void)
{
    for (uint32_t i = 0; i < RULES; i++) {
        uint8_t mac[6];
        size_t start = begin_rule(100);
        station(mac, 0x1000000 + i);
        put_oxm_bytes(&m, OXM_ETH_DST, mac, sizeof mac, NULL);
        end_match(start);
        end_rule(TO);
    }
    end_match(begin_rule(1));
    end_rule(TO);
    CHECK_EQ(twin_take(sw, NULL), 0);
}

static void add_rule_from(uint32_t port, uint32_t output)
{
    uint8_t number[4];
    size_t start = begin_rule(10);
    wire32(number, port);
    put_oxm_bytes(&m, OXM_IN_PORT, number, sizeof number, NULL);
    end_match(start);
    end_rule(output);
}

/* ---- packets: from which port, of which flow, the how manieth of it ---- */

static void send(uint32_t port, uint32_t flow, uint32_t number)
{
    uint8_t frame[FRAME] = {0};
    station(frame, flow);
    station(frame + 6, port);
    wire16(frame + 12, 0x88b5);
    wire32(frame + 14, number);
    CHECK_EQ(vs_mem_send(sw, TWIN_BRIDGE, port, frame, sizeof frame), 0);
}

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The next packet that came out: where it had come from, its flow and number. */
static bool receive(uint32_t *port, uint32_t *flow, uint32_t *number)
{
    uint8_t frame[FRAME];
    if (vs_mem_receive(sw, TWIN_BRIDGE, TO, frame, sizeof frame) <= 0)
        return false;
    *flow = be32(frame + 2);
    *port = be32(frame + 8);
    *number = be32(frame + 14);
    return true;
}

static unsigned received_from(uint32_t port)
{
    unsigned n = 0;
    for (uint32_t from, flow, number; receive(&from, &flow, &number);)
        n += from == port;
    return n;
}

static uint64_t walks(void)
{
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    return stats.misses + stats.stale;
}

/* ---- S14 ---- */

static void s14_a_first_packet_waits_for_one_foreign_walk(unsigned cache_entries)
{
    enum { BURST = 200, PROBES = 300 };
    uint32_t flow = 0;
    sw = twin_new(TO, cache_entries, 9);
    add_many_rules();
    for (unsigned i = 0; i < BURST; i++)
        send(FROM_1, flow++, 0);
    for (uint32_t probe = 0; probe < PROBES; probe++) {
        uint64_t before = walks();
        send(FROM_1, flow++, 0); /* it never runs dry */
        send(FROM_2, 0x800000 + probe, 0);
        unsigned turns = 0;
        while (!received_from(FROM_2) && turns++ < 10)
            vs_switch_poll(sw, 0);
        CHECK(turns <= 1);
        CHECK(walks() - before <= 2); /* its own and one other */
    }
    twin_poll(sw, 0);
    CHECK_EQ(walks(), BURST + 2 * PROBES); /* and nothing was lost */
    vs_switch_free(sw);
}

/* Old flows, new flows and flows that come to be known, all from one port: whole, and each in its order. */
static void s14_nothing_is_lost_or_overtaken_within_a_flow(unsigned cache_entries)
{
    enum { FLOWS = 40, PACKETS = 6000 };
    uint32_t sent[FLOWS] = {0}, seen[FLOWS] = {0}, left = PACKETS, port, flow, number;
    sw = twin_new(TO, cache_entries, 9);
    add_many_rules();
    while (left) {
        for (uint32_t burst = 1 + dice(60); burst && left; burst--, left--) {
            uint32_t k = dice(2) ? dice(4) : dice(FLOWS);
            send(FROM_1, k, sent[k]++);
        }
        for (uint32_t turns = dice(20) ? dice(5) : 2000; turns; turns--)
            vs_switch_poll(sw, 0);
        if (!dice(10))
            add_rule_from(FROM_2, TO); /* everything is stale */
        while (receive(&port, &flow, &number))
            CHECK_EQ(number, seen[flow]++);
    }
    twin_poll(sw, 0);
    while (receive(&port, &flow, &number))
        CHECK_EQ(number, seen[flow]++);
    for (unsigned i = 0; i < FLOWS; i++)
        CHECK_EQ(seen[i], sent[i]);
    vs_switch_free(sw);
}

/* A port that goes away while its packets wait leaves no buffer behind. */
static void s14_a_port_that_goes_takes_its_backlog_along(void)
{
    enum { TIMES = 300, BURST = 32 };
    vs_port_ref ref = {.number = FROM_1};
    vs_port_spec spec = {.number = FROM_1, .kind = VS_PORT_MEM, .name = "p"};
    vs_config config = {.max_rules = 64, .cache_entries = 1, .max_buffers = 128, .seed = 1};
    vs_error error;
    sw = vs_switch_new(&config, 0, &error);
    twin_add_bridge(sw, TO, 0);
    end_match(begin_rule(1));
    end_rule(TO);
    for (uint32_t i = 0; i < TIMES; i++) {
        for (uint32_t k = 0; k < BURST; k++)
            send(FROM_1, i * BURST + k, 0);
        CHECK_EQ(vs_switch_poll(sw, 0), 1); /* the others wait */
        CHECK_EQ(received_from(FROM_1), 1);
        twin_command(sw, VS_CMD_PORT_DEL, &ref, sizeof ref, 0);
        twin_command(sw, VS_CMD_PORT_ADD, &spec, sizeof spec, 0);
        CHECK_EQ(vs_switch_poll(sw, 0), 0);
    }
    send(FROM_1, OLD_FLOW, 0);
    CHECK_EQ(vs_switch_poll(sw, 0), 1);
    CHECK_EQ(received_from(FROM_1), 1);
    vs_switch_free(sw);
}

/* Stations that were told of together make one version: a flood of new addresses does not make others' answers stale
 * one by one. */
static void s14_many_stations_make_one_version(void)
{
    enum { STATIONS = 100 };
    vs_switch_stats before, after;
    sw = twin_new(TO, 1024, 9);
    add_rule_from(FROM_1, 0xfffffffa);
    for (uint32_t i = 0; i < STATIONS; i++) {
        uint8_t frame[FRAME] = {0};
        station(frame, 1);
        station(frame + 6, 0x100 + i);
        CHECK_EQ(vs_mem_send(sw, TWIN_BRIDGE, FROM_1, frame, sizeof frame), 0);
    }
    twin_poll(sw, 0);
    vs_switch_stats_get(sw, &before);
    vs_switch_tick(sw, 0);
    vs_switch_stats_get(sw, &after);
    CHECK_EQ(after.version - before.version, 1);
    vs_switch_free(sw);
}

/* ---- S15 ---- */

/* Port 1 speaks until it may no more, nobody listening; then port 2 does. */
static void s15_the_way_to_the_controller_is_shared(uint32_t flood_output)
{
    enum { MOST = 100000, TELLS = 50 };
    unsigned packet_ins[256] = {0};
    sw = twin_new(TO, 1024, 9);
    add_rule_from(FROM_1, flood_output);
    add_rule_from(FROM_2, 0xfffffffd);
    CHECK_EQ(twin_take(sw, NULL), 0);
    for (uint32_t i = 0; i < MOST; i++) { /* stations that NORMAL does not know are told of, too */
        uint8_t frame[FRAME] = {0};
        station(frame, 1);
        station(frame + 6, 0x100 + i);
        CHECK_EQ(vs_mem_send(sw, TWIN_BRIDGE, FROM_1, frame, sizeof frame), 0);
        vs_switch_poll(sw, 0);
        received_from(FROM_1);
        vs_mem_receive(sw, TWIN_BRIDGE, FROM_2, frame, sizeof frame); /* NORMAL floods */
    }
    for (uint32_t i = 0; i < TELLS; i++)
        send(FROM_2, i, 0);
    twin_poll(sw, 0);
    for (unsigned i = 0; i < 16; i++) { /* what nobody has read keeps the rest where it is */
        vs_switch_tick(sw, 0);
        CHECK_EQ(twin_take(sw, packet_ins), 0);
    }
    CHECK_EQ(packet_ins[FROM_2], TELLS);
    CHECK(packet_ins[FROM_1] < MOST); /* it was a flood */
    vs_switch_free(sw);
}

/* Replies come although so many packet-ins wait for whoever reads that further ones are refused; and in their order. */
static void s15_replies_are_never_refused(void)
{
    enum { ROUNDS = 80, BURST = 1500 };
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    uint32_t barriers = 0, errors = 0, packet_ins = 0;
    int fd;
    sw = twin_new(TO, 1024, 9);
    add_rule_from(FROM_1, 0xfffffffd);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < BURST; i++)
            send(FROM_1, 1, i);
        twin_poll(sw, 0);
        vs_switch_tick(sw, 0);
    }
    message_begin(&m, 14, 40);
    message_end(&m);
    twin_openflow(sw, &m, 0); /* a flow-mod that is cut short: an error */
    barrier_message(&m);
    twin_openflow(sw, &m, 0);
    for (long n; (n = vs_switch_events(sw, out, sizeof out, &fd)) > 0;) {
        const vs_frame *frame = (const void *)out;
        const uint8_t *at = out + sizeof *frame, *end = out + n;
        for (; frame->type == VS_EVT_OPENFLOW && at < end; at += at[2] << 8 | at[3]) {
            packet_ins += at[1] == 10;
            errors += at[1] == 1;
            barriers += at[1] == 21 && errors == 1;
        }
    }
    CHECK(packet_ins < ROUNDS * BURST);
    CHECK_EQ(errors, 1);
    CHECK_EQ(barriers, 1);
    vs_switch_free(sw);
}

int main(void)
{
    s14_a_first_packet_waits_for_one_foreign_walk(4096);
    s14_a_first_packet_waits_for_one_foreign_walk(1);
    s14_nothing_is_lost_or_overtaken_within_a_flow(4096);
    s14_nothing_is_lost_or_overtaken_within_a_flow(16);
    s14_nothing_is_lost_or_overtaken_within_a_flow(1);
    s14_a_port_that_goes_takes_its_backlog_along();
    s14_many_stations_make_one_version();
    s15_the_way_to_the_controller_is_shared(0xfffffffd);
    s15_the_way_to_the_controller_is_shared(0xfffffffa);
    s15_replies_are_never_refused();
    return checks_end();
}
