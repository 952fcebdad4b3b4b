/* A poll thread at work while ports, queues and bridges leave, saturated (test_leaving.c has the same step by step).
 *
 * Every tenant's frames are filled with a byte of its own, so a buffer that two hold at once shows; VLANs come by
 * counting at descriptors whose frames must not meet.  The sanitizers (make it one with -fsanitize=thread, too) stay
 * silent.  Rounds are the first argument.
 */
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "twins.h"

enum { HEADER = 10, FRAME = 1000, SMALL = 60, MARK = 30, BYTES_ROOM = 4 << 20 };
enum { A_IN = 1, A_OUT, B_IN, B_OUT, QUEUE = 7, A_MARK = 0xaa, B_MARK = 0xbb };
enum { SENDER = 1, HEARER = 2, OTHER = 3, GUEST = 4, HERE = 10, THERE = 20 };

static vs_switch *sw;
static int peers[8]; /* the far end of each port's descriptor */
static unsigned rounds = 60;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void wait_ns(uint64_t ns)
{
    for (uint64_t until = now_ns() + ns; now_ns() < until;)
        sched_yield();
}

/* ---- ports: TAPs over socket pairs ---- */

static void add_port(uint32_t number, uint16_t access, void (*before)(int fd))
{
    static _Alignas(8) uint8_t buffer[sizeof(vs_frame) + sizeof(vs_port_spec)];
    int pair[2], room = BYTES_ROOM;
    vs_port_spec spec = {.number = number, .kind = VS_PORT_TAP, .flags = VS_PORT_VNET_HDR, .name = "p"};
    vs_frame frame = {.size = sizeof buffer, .type = VS_CMD_PORT_ADD, .bridge = TWIN_BRIDGE};
    if (access)
        spec.vlans = (vs_vlans){.mode = VS_VLAN_ACCESS, .tag = access};
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    for (int i = 0; i < 2; i++)
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    peers[number] = pair[1];
    if (before)
        before(pair[1]);
    memcpy(buffer, &frame, sizeof frame);
    memcpy(buffer + sizeof frame, &spec, sizeof spec);
    CHECK_EQ(vs_switch_command(sw, buffer, sizeof buffer, pair[0], now_ns()), 0);
}

static void remove_port(uint32_t number)
{
    vs_port_ref ref = {.number = number};
    twin_command(sw, VS_CMD_PORT_DEL, &ref, sizeof ref, now_ns());
}

static void begin(bool standalone)
{
    vs_config config = {.max_rules = 4096, .max_buffers = 4096, .seed = 1};
    vs_bridge_spec bridge = {.name = "b", .standalone = standalone};
    vs_error error;
    sw = vs_switch_new(&config, now_ns(), &error);
    CHECK(sw != NULL);
    twin_add_bridge(sw, 0, now_ns());
    twin_command(sw, VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge, now_ns());
}

static void end(void)
{
    vs_switch_stop(sw);
    CHECK_EQ(twin_take(sw, NULL), 0);
    vs_switch_free(sw); /* asserts that every buffer came back */
    for (unsigned i = 0; i < sizeof peers / sizeof *peers; i++)
        if (peers[i])
            close(peers[i]);
    memset(peers, 0, sizeof peers);
}

/* ---- saturated queues ---- */

static void flow(uint32_t from, uint32_t queue, uint32_t to) { twin_flow(sw, from, queue, to, now_ns()); }

static void fill(uint32_t port, uint8_t mark, unsigned n)
{
    uint8_t bytes[HEADER + FRAME] = {0};
    memset(bytes + HEADER, 2, 12);
    wire16(bytes + HEADER + 12, 0x88b5);
    memset(bytes + HEADER + 14, mark, FRAME - 14);
    for (uint64_t end_ns = now_ns() + 2000000000; n && now_ns() < end_ns;)
        if (send(peers[port], bytes, sizeof bytes, 0) > 0)
            n--;
        else
            sched_yield();
}

static unsigned own, foreign;

static void look(uint32_t port, uint8_t mark)
{
    uint8_t in[2048];
    while (recv(peers[port], in, sizeof in, 0) > 0)
        in[MARK] == mark ? own++ : foreign++;
}

static void set_queue(void)
{
    vs_queue_spec spec = {.port = A_OUT, .queue = QUEUE, .max_rate = 1000000, .max_packets = 1000};
    twin_command(sw, VS_CMD_QUEUE_SET, &spec, sizeof spec, now_ns());
}

static void take_queue_away(void)
{
    vs_queue_spec spec = {.port = A_OUT, .queue = QUEUE};
    twin_command(sw, VS_CMD_QUEUE_DEL, &spec, sizeof spec, now_ns());
}

static void take_port_away(void)
{
    remove_port(A_OUT);
    look(A_OUT, A_MARK);
    close(peers[A_OUT]);
    add_port(A_OUT, 0, NULL);
}

static void set_up(void)
{
    for (uint32_t port = A_IN; port <= B_OUT; port++)
        add_port(port, 0, NULL);
    flow(A_IN, QUEUE, A_OUT);
    flow(B_IN, 0, B_OUT);
}

static void take_bridge_away(void)
{
    twin_command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, now_ns());
    look(A_OUT, A_MARK);
    look(B_OUT, B_MARK);
    for (uint32_t port = A_IN; port <= B_OUT; port++)
        close(peers[port]);
    twin_add_bridge(sw, 0, now_ns());
    set_up();
}

/* What waited is the poll thread's to give back: no frame ever has another tenant's bytes, and no buffer is lost. */
static void b1_saturated_queues_leave_nothing_to_others(void)
{
    static void (*const ways[])(void) = {take_queue_away, take_port_away, take_bridge_away};
    begin(false);
    set_up();
    CHECK_EQ(vs_switch_start(sw, 1), 0);
    for (unsigned k = 0; k < rounds; k++) {
        set_queue();
        fill(A_IN, A_MARK, 300);
        wait_ns(1000000);
        fill(B_IN, B_MARK, 100); /* keeps the pool busy meanwhile */
        ways[k % 3]();
        look(A_OUT, A_MARK);
        look(B_OUT, B_MARK);
        vs_switch_tick(sw, now_ns());
        CHECK_EQ(twin_take(sw, NULL), 0);
    }
    CHECK_EQ(foreign, 0);
    CHECK(own > rounds * 20);
    end();
}

/* ---- VLANs: an access port of another VLAN comes and goes ---- */

static void send_broadcast(int fd, uint8_t station, uint16_t vlan, unsigned n)
{
    uint8_t bytes[HEADER + SMALL] = {0};
    memset(bytes + HEADER, 0xff, 6);
    bytes[HEADER + 6] = 2;
    bytes[HEADER + 11] = station;
    wire16(bytes + HEADER + 12, vlan ? 0x8100 : 0x88b5);
    wire16(bytes + HEADER + 14, vlan);
    wire16(bytes + HEADER + 16, 0x88b5);
    while (n--)
        send(fd, bytes, sizeof bytes, 0);
}

/* What an access port of VLAN THERE may send, and what it may not. */
static void send_both(int fd)
{
    send_broadcast(fd, 9, HERE, 20);
    send_broadcast(fd, 9, 0, 2);
}

static unsigned receive_all(uint32_t port, uint8_t station)
{
    uint8_t in[2048];
    unsigned n = 0;
    while (recv(peers[port], in, sizeof in, 0) > 0)
        n += in[HEADER + 11] == station;
    return n;
}

/* The same, once something has come; 0 after a second in which nothing does. */
static unsigned await_some(uint32_t port, uint8_t station)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 20000 && !(n = receive_all(port, station)); i++)
        wait_ns(50000);
    return n;
}

/* Everything else that the control thread reads or replaces while packets move, one kind after the other. */
static void look_around(unsigned k)
{
    static const vs_vlans ways[] = {{.mode = VS_VLAN_ACCESS, .tag = THERE},
                                    {.mode = VS_VLAN_NATIVE_UNTAGGED, .tag = THERE, .trunks[30] = 1}};
    vs_port_vlans vlans = {.number = OTHER, .vlans = ways[k / 8 % 2]};
    vs_bridge_spec bridge = {.name = "b", .standalone = true, .flood_rate = k / 8 % 2 ? 100000000 : 0};
    vs_port_ref up = {.number = OTHER, .state = 0};
    vs_queue_spec queue = {.port = OTHER, .queue = k / 8 % 3, .max_rate = 1000000000};
    struct {
        vs_trace_request request;
        uint8_t frame[SMALL];
    } traced = {.request = {SENDER, SMALL}, .frame = {0xff, 0xff}};
    vs_switch_stats stats;
    switch (k % 8) {
    case 0: twin_command(sw, VS_CMD_DUMP, NULL, 0, now_ns()); break;
    case 1: twin_command(sw, VS_CMD_MACS, NULL, 0, now_ns()); break;
    case 2: twin_command(sw, VS_CMD_PORT_VLANS, &vlans, sizeof vlans, now_ns()); break;
    case 3: twin_command(sw, VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge, now_ns()); break;
    case 4: twin_command(sw, VS_CMD_QUEUE_SET, &queue, sizeof queue, now_ns()); break;
    case 5: twin_command(sw, VS_CMD_TRACE, &traced, sizeof traced, now_ns()); break;
    case 6: twin_command(sw, k / 8 % 5 ? VS_CMD_STATS : VS_CMD_MAC_FLUSH, NULL, 0, now_ns()); break;
    default: twin_command(sw, VS_CMD_PORT_SET, &up, sizeof up, now_ns()); break;
    }
    vs_switch_stats_get(sw, &stats);
    CHECK(stats.misses > 0 || k < 10);
}

static void b2_no_frame_changes_its_vlan_while_a_port_comes_and_goes(void)
{
    unsigned leaked_in = 0, leaked_out = 0, here = 0, there = 0;
    begin(true);
    add_port(SENDER, HERE, NULL);
    add_port(HEARER, HERE, NULL);
    add_port(OTHER, THERE, NULL);
    CHECK_EQ(vs_switch_start(sw, 1), 0);
    for (unsigned k = 0; k < 5 * rounds; k++) {
        send_broadcast(peers[SENDER], 1, 0, 40);
        add_port(GUEST, THERE, send_both);
        wait_ns(20000);
        send_broadcast(peers[SENDER], 1, 0, 40);
        send_both(peers[GUEST]);
        look_around(k);
        if (k % 2) /* it has been heard; else it may go before that */
            there += await_some(OTHER, 9);
        remove_port(GUEST);
        leaked_out += receive_all(GUEST, 1);
        close(peers[GUEST]);
        leaked_in += receive_all(SENDER, 9);
        here += receive_all(HEARER, 1);
        there += receive_all(OTHER, 9);
        vs_switch_tick(sw, now_ns());
        CHECK_EQ(twin_take(sw, NULL), 0);
    }
    peers[GUEST] = 0;
    CHECK_EQ(leaked_out, 0);
    CHECK_EQ(leaked_in + receive_all(SENDER, 9), 0);
    wait_ns(20000000);
    here += receive_all(HEARER, 1);
    there += receive_all(OTHER, 9);
    CHECK(here > 5 * rounds);
    CHECK(there > rounds);
    printf("%u frames in one VLAN, %u in the other\n", here, there);
    end();
}

int main(int argc, char **argv)
{
    rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : rounds;
    b1_saturated_queues_leave_nothing_to_others();
    b2_no_frame_changes_its_vlan_while_a_port_comes_and_goes();
    return checks_end();
}
