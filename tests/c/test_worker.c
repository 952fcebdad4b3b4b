/* A poll thread at work while the control thread changes everything: rules, ports, packet-outs, statistics.
 *
 * Ports are of the TAP kind over socket pairs, so a frame is a datagram and no root is needed.  Nothing may be
 * lost that was not counted, and the sanitizers (make it one with -fsanitize=thread, too) must stay silent.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "check.h"
#include "vswitch.h"

enum { BRIDGE = 1, SESSION = 1, PORTS = 3, HEADER = 10, FRAME = 60, FRAMES = 20000, PATIENCE_MS = 10000 };

static vs_switch *sw;
static int peers[PORTS + 2]; /* the far end of each port's descriptor */
static uint64_t errors, packet_outs;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- commands and events ---- */

static void command(uint16_t type, const void *payload, size_t n, int fd)
{
    static _Alignas(8) uint8_t buffer[65536];
    vs_frame frame = {.size = (uint32_t)(sizeof frame + n), .type = type, .bridge = BRIDGE, .session = SESSION};
    memcpy(buffer, &frame, sizeof frame);
    if (n)
        memcpy(buffer + sizeof frame, payload, n);
    CHECK_EQ(vs_switch_command(sw, buffer, frame.size, fd, now_ns()), 0);
}

static void note_message(const uint8_t *message) { errors += message[1] == 1; }

static void take_events(void)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    long n;
    int fd;
    while ((n = vs_switch_events(sw, out, sizeof out, &fd)) > 0) {
        const vs_frame *frame = (const void *)out;
        const uint8_t *at = out + sizeof *frame, *end = out + n;
        if (frame->type == VS_EVT_DONE)
            errors += ((const vs_done *)(const void *)at)->error != 0;
        for (; frame->type == VS_EVT_OPENFLOW && at < end; at += get16(at + 2))
            note_message(at);
    }
}

/* Drops with a reason that is ours; those for a peer that does not read fast enough (a socket pair holds few
 * datagrams) are counted in 'full'. */
static uint64_t full;
static uint64_t drops_of(uint32_t port, uint64_t *rx)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    uint64_t drops = 0;
    long n;
    int fd;
    take_events();
    command(VS_CMD_STATS, NULL, 0, -1);
    while ((n = vs_switch_events(sw, out, sizeof out, &fd)) > 0) {
        const vs_frame *frame = (const void *)out;
        const vs_port_stats *stats = (const void *)(out + sizeof *frame);
        if (frame->type != VS_EVT_PORT_STATS || stats->number != port)
            continue;
        *rx = stats->rx_packets;
        for (unsigned i = 0; i < VS_DROP_LIMIT; i++)
            *(i == VS_DROP_TX_FULL ? &full : &drops) += stats->drops[i];
    }
    return drops;
}

/* ---- OpenFlow ---- */

/* "in_port=FROM,ip_proto=PROTO(or any),actions=output:TO"; table 0. */
static void flow_mod(uint8_t type, uint16_t priority, uint32_t from, uint32_t to)
{
    uint8_t m[48 + 16 + 24] = {4, 14, 0, sizeof m};
    m[25] = type;
    set16(m + 30, priority);
    memset(m + 32, 0xff, 12);
    set16(m + 48, 1);
    set16(m + 50, 12);
    memcpy(m + 52, (uint8_t[]){0x80, 0, 0, 4}, 4);
    set32(m + 56, from);
    set16(m + 64, 4);
    set16(m + 66, 24);
    set16(m + 74, 16);
    set32(m + 76, to);
    command(VS_CMD_OPENFLOW, m, sizeof m, -1);
}

static void barrier(void) { command(VS_CMD_OPENFLOW, (uint8_t[]){4, 20, 0, 8, 0, 0, 0, 1}, 8, -1); }

static void packet_out(uint32_t port)
{
    uint8_t m[24 + 16 + FRAME] = {4, 13, 0, sizeof m};
    memset(m + 8, 0xff, 4);
    set32(m + 12, 0xfffffffd);
    set16(m + 16, 16);
    set16(m + 26, 16);
    set32(m + 28, port);
    command(VS_CMD_OPENFLOW, m, sizeof m, -1);
    packet_outs++;
}

/* ---- ports and frames ---- */

static void add_port(uint32_t number)
{
    int pair[2], room = 4 << 20;
    vs_port_spec spec = {.number = number, .kind = VS_PORT_TAP, .flags = VS_PORT_VNET_HDR, .name = "p"};
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    for (int i = 0; i < 2; i++)
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    peers[number] = pair[1];
    command(VS_CMD_PORT_ADD, &spec, sizeof spec, pair[0]);
}

static void remove_port(uint32_t number)
{
    vs_port_ref ref = {.number = number};
    command(VS_CMD_PORT_DEL, &ref, sizeof ref, -1);
    close(peers[number]);
}

static bool send_frame(uint32_t port, uint8_t flow)
{
    uint8_t bytes[HEADER + FRAME] = {0};
    memcpy(bytes + HEADER, (uint8_t[]){2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, flow, 0x88, 0xb5}, 14);
    return send(peers[port], bytes, sizeof bytes, 0) == sizeof bytes;
}

static unsigned receive_all(uint32_t port)
{
    uint8_t bytes[2048];
    unsigned n = 0;
    while (recv(peers[port], bytes, sizeof bytes, 0) > 0)
        n++;
    return n;
}

/* ---- tests ---- */

static void start(void)
{
    vs_config config = {.max_rules = 1000, .cache_entries = 256, .max_buffers = 1024, .seed = 1};
    vs_bridge_spec bridge = {.name = "b"};
    vs_session_spec session = {4, UINT32_MAX, UINT32_MAX, 128};
    vs_error error;
    sw = vs_switch_new(&config, now_ns(), &error);
    CHECK(sw != NULL);
    command(VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge, -1);
    command(VS_CMD_SESSION, &session, sizeof session, -1);
    for (uint32_t i = 1; i <= PORTS; i++)
        add_port(i);
    CHECK_EQ(vs_switch_start(sw, 1), 0);
}

/* The k-th of many small changes, none of which may lose a packet from port 1 to port 2. */
static void change_something(unsigned k)
{
    switch (k % 6) {
    case 0: flow_mod(0, (uint16_t)(100 + k % 200), 3, 1); break;
    case 1: flow_mod(0, 10, 1, 2); break; /* replaced by itself */
    case 2: flow_mod(3, 0, 3, 1); break;
    case 3: k % 4 ? add_port(PORTS + 1) : barrier(); break;
    case 4: k % 4 ? packet_out(3) : barrier(); break;
    case 5:
        if (peers[PORTS + 1])
            remove_port(PORTS + 1);
        peers[PORTS + 1] = 0;
        break;
    }
    vs_switch_tick(sw, now_ns());
    take_events();
}

static bool is_sent(unsigned *sent)
{
    while (*sent < FRAMES && send_frame(1, (uint8_t)(*sent % 50)))
        ++*sent;
    return *sent == FRAMES;
}

/* Everything that came in has left or was counted as dropped. */
static void no_packet_is_lost_while_rules_and_ports_change(void)
{
    enum { TURNS = 100 }; /* so that each kind of change has its turn however fast packets move */
    unsigned sent = 0, received = 0, injected = 0;
    uint64_t end = now_ns() + PATIENCE_MS * 1000000ull, rx = 0, ignored;
    flow_mod(0, 10, 1, 2);
    barrier();
    for (unsigned k = 0; (!is_sent(&sent) || received < FRAMES || k < TURNS) && now_ns() < end; k++) {
        if (peers[PORTS + 1] == 0 || k % 6 != 3)
            change_something(k);
        received += receive_all(2);
        injected += receive_all(3);
        if (k > 5000)
            sched_yield();
    }
    uint64_t drops = drops_of(1, &rx) + drops_of(2, &ignored) + drops_of(3, &ignored); /* behind a barrier */
    CHECK(packet_outs > 0);
    CHECK_EQ(sent, FRAMES);
    CHECK_EQ(rx, FRAMES);
    CHECK_EQ(received + receive_all(2) + injected + receive_all(3) + full, FRAMES + packet_outs);
    CHECK_EQ(drops, 0);
    CHECK_EQ(errors, 0);
}

/* After a barrier a new rule holds for every frame that comes. */
static void a_barrier_holds(void)
{
    for (unsigned i = 0; i < 300; i++) {
        uint32_t to = 2 + i % 2, other = 5 - to;
        flow_mod(0, 10, 1, to);
        barrier();
        receive_all(other);
        CHECK(send_frame(1, (uint8_t)i));
        struct pollfd wait = {peers[to], POLLIN, 0};
        CHECK_EQ(poll(&wait, 1, PATIENCE_MS), 1);
        CHECK_EQ(receive_all(to), 1);
        CHECK_EQ(receive_all(other), 0);
    }
}

/* A burst larger than what one receive takes reaches the other side without a further frame to wake anybody. */
static void a_burst_needs_no_second_nudge(void)
{
    flow_mod(0, 10, 1, 2);
    barrier();
    for (unsigned burst = 1; burst < 130; burst += 3) {
        unsigned received = 0;
        uint64_t end = now_ns() + 2000000000ull;
        for (unsigned i = 0; i < burst; i++)
            CHECK(send_frame(1, (uint8_t)i));
        while (received < burst && now_ns() < end) {
            struct pollfd wait = {peers[2], POLLIN, 0};
            poll(&wait, 1, 100);
            received += receive_all(2);
        }
        CHECK_EQ(received, burst);
    }
}

static void a_port_whose_other_end_is_closed_is_reported_once(void)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    unsigned gone = 0;
    uint64_t end = now_ns() + 300000000ull;
    int fd;
    close(peers[3]);
    while (now_ns() < end) {
        vs_switch_tick(sw, now_ns());
        for (long n; (n = vs_switch_events(sw, out, sizeof out, &fd)) > 0;)
            gone += ((const vs_frame *)(const void *)out)->type == VS_EVT_PORT_GONE;
        sched_yield();
    }
    CHECK(gone <= 1);
}

int main(void)
{
    start();
    no_packet_is_lost_while_rules_and_ports_change();
    a_barrier_holds();
    a_burst_needs_no_second_nudge();
    a_port_whose_other_end_is_closed_is_reported_once();
    vs_switch_stop(sw);
    vs_switch_free(sw);
    return checks_end();
}
