/* Two switches fed by the same bytes, one with a flow cache, one without: they say and send the same (HARDENING S11).
 *
 * Random rules, groups, meters, queues, VLANs, changes, packets and packet-outs; compared are every frame that leaves,
 * every event byte (packet-ins, errors, FLOW_REMOVED) and all statistics.  The number of packets may be given:
 * test_twins 10000000.
 */
#include <time.h>

#include "traffic.h"
#include "twins.h"

enum { CACHED, UNCACHED, SIDES, WORLD_PACKETS = 240, STEP_PACKETS = 12 };

static vs_switch *sides[SIDES];
static uint64_t now_ns = 1000000000, hits;
static struct message last;

static void complain(const char *what)
{
    printf("the cached switch and the uncached one differ: %s\n", what);
    check_print("the last message", last.bytes, last.n);
    exit(1);
}

static void on_both(uint16_t type, const void *payload, size_t n)
{
    for (unsigned i = 0; i < SIDES; i++)
        twin_command(sides[i], type, payload, n, now_ns);
}

/* Frame by frame, byte by byte. */
static void compare_events(void)
{
    static _Alignas(8) uint8_t out[SIDES][VS_FRAME_MAX];
    long n[SIDES];
    int fd;
    do {
        for (unsigned i = 0; i < SIDES; i++)
            n[i] = vs_switch_events(sides[i], out[i], sizeof out[i], &fd);
        if (n[0] != n[1] || memcmp(out[0], out[1], (size_t)n[0]) != 0)
            complain("events");
    } while (n[0]);
}

static void compare_outputs(void)
{
    static uint8_t out[SIDES][2048];
    for (uint32_t port = 1; port <= MESSAGE_PORTS; port++)
        for (long n[SIDES] = {1}; n[0] > 0;) {
            for (unsigned i = 0; i < SIDES; i++)
                n[i] = vs_mem_receive(sides[i], TWIN_BRIDGE, port, out[i], sizeof out[i]);
            if (n[0] != n[1] || (n[0] > 0 && memcmp(out[0], out[1], (size_t)n[0]) != 0))
                complain("frames that left");
        }
}

static void compare_statistics(void)
{
    for (unsigned i = 0; i < sizeof all_statistics; i++) {
        statistics_message(&last, all_statistics[i]);
        on_both(VS_CMD_OPENFLOW, last.bytes, last.n);
    }
    on_both(VS_CMD_STATS, NULL, 0);
    compare_events();
}

static void change_queue(void)
{
    vs_queue_spec queue = {.port = 1 + dice(MESSAGE_PORTS),
                           .queue = dice(MESSAGE_QUEUES),
                           .max_rate = dice(3) * 1000000,
                           .max_packets = dice(4)};
    on_both(dice(3) ? VS_CMD_QUEUE_SET : VS_CMD_QUEUE_DEL, &queue, sizeof queue);
}

static void change_port(void)
{
    vs_port_ref ref = {.number = 1 + dice(MESSAGE_PORTS),
                       .config = dice(3) ? 0 : VS_PC_PORT_DOWN,
                       .mask = VS_PC_PORT_DOWN,
                       .state = dice(4) ? 0 : VS_PS_LINK_DOWN};
    on_both(VS_CMD_PORT_SET, &ref, sizeof ref);
}

static void change_normal(void)
{
    vs_bridge_spec bridge = random_bridge();
    vs_port_vlans vlans = random_vlans(1 + dice(MESSAGE_PORTS));
    if (dice(2))
        on_both(VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge);
    else
        on_both(VS_CMD_PORT_VLANS, &vlans, sizeof vlans);
}

static void change(void)
{
    struct traffic t;
    if (!dice(12)) {
        change_queue();
    } else if (!dice(12)) {
        change_port();
    } else if (!dice(16)) {
        change_normal();
    } else {
        random_packet(&t);
        random_message(&last, t.bytes, t.n);
        on_both(VS_CMD_OPENFLOW, last.bytes, last.n);
    }
    compare_events();
}

/* One by one, or flows that wait for the tables would overtake each other in another order. */
static void send(const struct traffic *t, uint32_t port)
{
    for (unsigned i = 0; i < SIDES; i++) {
        CHECK_EQ(vs_mem_send(sides[i], TWIN_BRIDGE, port, t->bytes, t->n), 0);
        twin_poll(sides[i], now_ns);
    }
    compare_outputs();
}

/* The same actions for several packets: what one leaves behind is not for the next. */
static void send_out(const struct traffic *pool, unsigned n)
{
    uint64_t same = dice_state;
    for (unsigned i = 0; i < n; i++) {
        dice_state = same;
        packet_out_message(&last, pool[i].bytes, pool[i].n);
        on_both(VS_CMD_OPENFLOW, last.bytes, last.n);
        for (unsigned side = 0; side < SIDES; side++)
            twin_poll(sides[side], now_ns);
        compare_outputs();
    }
}

static void send_some(void)
{
    enum { POOL = 8 }; /* so that many a packet finds its answer in the cache */
    struct traffic pool[POOL];
    uint32_t ports[POOL];
    for (unsigned i = 0; i < POOL; i++) {
        random_packet(&pool[i]);
        ports[i] = 1 + dice(MESSAGE_PORTS);
    }
    for (unsigned i = 0; i < STEP_PACKETS; i++) {
        unsigned k = dice(POOL);
        send(&pool[k], ports[k]);
        now_ns += dice(20) * 1000000;
    }
    if (!dice(4))
        send_out(pool, POOL);
    for (unsigned i = 0; i < SIDES; i++)
        vs_switch_tick(sides[i], now_ns);
    compare_events();
}

/* Many rules look at every bit there is; few rules leave packets alike that an action might tell apart. */
static void one_world(void)
{
    uint32_t messages = dice(2) ? 1 + dice(8) : 30;
    narrow_matches = dice(2);
    for (unsigned i = 0; i < SIDES; i++)
        twin_add_bridge(sides[i], MESSAGE_PORTS, now_ns);
    for (unsigned i = 0; i < messages; i++)
        change();
    for (unsigned n = 0; n < WORLD_PACKETS; n += STEP_PACKETS) {
        send_some();
        if (messages > 8 ? dice(2) : !dice(6))
            change();
    }
    compare_statistics();
    vs_switch_stats stats;
    vs_switch_stats_get(sides[CACHED], &stats);
    hits = stats.hits;
    on_both(VS_CMD_BRIDGE_DEL, NULL, 0);
    compare_events();
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 60000, done = 0;
    dice_state += argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    clock_t start = clock();
    sides[CACHED] = twin_new(0, 64, 7);
    sides[UNCACHED] = twin_new(0, 1, 7);
    for (; done < wanted; done += WORLD_PACKETS)
        one_world();
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("%" PRIu64 " packets through both, %.0f a second; %.0f %% by the cache\n", done, (double)done / seconds,
           100.0 * (double)hits / (double)done);
    CHECK(hits > done / 4);
    for (unsigned i = 0; i < SIDES; i++)
        vs_switch_free(sides[i]);
    return checks_end();
}
