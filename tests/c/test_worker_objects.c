/* A poll thread at work while the control thread changes groups, meters, queues, links and ports under its packets.
 *
 * Packets with labels go through a chain of groups that take the labels off, so that each is read anew at every step
 * (stages); all of them are sent by exactly one bucket.  Whatever was in force at that moment: what came in has left or
 * was counted as dropped, and the sanitizers (make it one with -fsanitize=thread, too) stay silent.
 */
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"
#include "twins.h"

enum { PORTS = 3, WATCHED = 4, HEADER = 10, CHANGES = 1500, PATIENCE_S = 60 };
enum { ADD, MODIFY, DELETE };
enum { SELECT = 1, INDIRECT = 2, FF = 3 };

static vs_switch *sw;
static int peers[WATCHED + 1];                /* the far end of each port's descriptor */
static unsigned frames = 20000, errors, outs; /* frames: the first argument */
static struct message m;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void openflow(void)
{
    message_end(&m);
    twin_openflow(sw, &m, now_ns());
}

static void barrier(void)
{
    barrier_message(&m);
    openflow();
}

/* ---- ports: TAPs over socket pairs ---- */

static void add_port(uint32_t number)
{
    static _Alignas(8) uint8_t buffer[sizeof(vs_frame) + sizeof(vs_port_spec)];
    int pair[2], room = 4 << 20;
    vs_port_spec spec = {.number = number, .kind = VS_PORT_TAP, .flags = VS_PORT_VNET_HDR, .name = "p"};
    vs_frame frame = {.size = sizeof buffer, .type = VS_CMD_PORT_ADD, .bridge = TWIN_BRIDGE};
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    for (int i = 0; i < 2; i++)
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    memcpy(buffer, &frame, sizeof frame);
    memcpy(buffer + sizeof frame, &spec, sizeof spec);
    peers[number] = pair[1];
    CHECK_EQ(vs_switch_command(sw, buffer, sizeof buffer, pair[0], now_ns()), 0);
}

static void remove_port(uint32_t number)
{
    vs_port_ref ref = {.number = number};
    twin_command(sw, VS_CMD_PORT_DEL, &ref, sizeof ref, now_ns());
    close(peers[number]);
    peers[number] = 0;
}

static unsigned receive_all(void)
{
    uint8_t bytes[2048];
    unsigned n = 0;
    for (uint32_t port = 2; port <= PORTS; port++)
        while (recv(peers[port], bytes, sizeof bytes, 0) > 0)
            n++;
    return n;
}

/* Two labels and IPv4, of one of many flows. */
static size_t labelled(uint8_t *at)
{
    struct traffic t = {0};
    traffic_addresses(&t);
    wire16(traffic_more(&t, 2), 0x8847);
    wire32(traffic_more(&t, 4), dice(3) << 12 | 64);
    wire32(traffic_more(&t, 4), dice(3) << 12 | 0x100 | 64);
    traffic_ipv4(&t);
    memcpy(at, t.bytes, t.n);
    return t.n;
}

static bool send_one(void)
{
    uint8_t bytes[HEADER + sizeof(((struct traffic *)0)->bytes)] = {0};
    size_t n = HEADER + labelled(bytes + HEADER);
    return send(peers[1], bytes, n, 0) == (ssize_t)n;
}

static bool is_sent(unsigned *sent)
{
    while (*sent < frames && send_one())
        ++*sent;
    return *sent == frames;
}

/* ---- rules, groups, meters ---- */

static size_t begin_bucket(uint8_t type, uint32_t watch)
{
    size_t start = m.n;
    uint8_t *at = more(&m, 16);
    wire16(at + 2, type == SELECT ? 1 + dice(3) : 0);
    wire32(at + 4, type == FF ? watch : UINT32_MAX);
    wire32(at + 8, UINT32_MAX);
    return start;
}

static void end_list(size_t start, size_t length_at) { wire16(m.bytes + start + length_at, (uint32_t)(m.n - start)); }

static void begin_group(uint16_t command, uint8_t type, uint32_t id)
{
    uint8_t *at = message_begin(&m, 15, 8);
    wire16(at, command);
    at[2] = type;
    wire32(at + 4, id);
}

/* Takes a label off, then goes on to 'next'. */
static void popping_group(uint16_t command, uint32_t id, uint16_t inside, uint32_t next)
{
    uint8_t type = dice(2) ? SELECT : INDIRECT;
    begin_group(command, type, id);
    for (uint32_t n = type == SELECT ? 1 + dice(3) : 1; n; n--) {
        size_t start = begin_bucket(type, 0);
        put_typed(&m, 20, inside);
        if (dice(2))
            put_action(&m, 24, 8)[1] = 16; /* some decrement the label's TTL as well */
        put_numbered(&m, 22, next);
        end_list(start, 0);
    }
    openflow();
}

/* By port 3 while port 4 is there or port 3 lives, else by port 2; now and then by a queue. */
static void sending_group(uint16_t command, uint32_t id)
{
    static const uint32_t watches[] = {WATCHED, 3, 2}, ports[] = {3, 3, 2};
    begin_group(command, FF, id);
    for (unsigned i = dice(2); i < 3; i++) {
        size_t start = begin_bucket(FF, watches[i]);
        if (dice(2))
            put_numbered(&m, 21, 1 + dice(2));
        put_output(&m, ports[i], 0);
        end_list(start, 0);
    }
    openflow();
}

static void spare_group(uint16_t command)
{
    begin_group(command, INDIRECT, 9);
    if (command != DELETE) {
        size_t start = begin_bucket(INDIRECT, 0);
        put_numbered(&m, 22, 1);
        end_list(start, 0);
    }
    openflow();
}

static void meter(uint16_t command)
{
    uint8_t *at = message_begin(&m, 29, 8);
    wire16(at, command);
    at[3] = 2 | 8;
    wire32(at + 4, 1);
    uint8_t *band = put_action(&m, 1 + dice(2), 16);
    wire32(band + 4, dice(2) ? 1000 : 100000000);
    openflow();
}

/* "in_port=FROM,mpls,meter:1,apply(group:GROUP)", without the meter for others than port 1. */
static void rule(uint32_t from, uint32_t group)
{
    uint8_t *at = message_begin(&m, 14, 40), number[4];
    memset(at + 24, 0xff, 12);
    size_t start = m.n;
    wire16(more(&m, 4), 1);
    wire32(number, from);
    put_oxm_bytes(&m, OXM_IN_PORT, number, sizeof number, NULL);
    put_oxm_bytes(&m, OXM_ETH_TYPE, (uint8_t[]){0x88, 0x47}, 2, NULL);
    end_list(start, 2);
    pad8(&m, start);
    if (from == 1)
        put_numbered(&m, 6, 1);
    start = m.n;
    put_action(&m, 4, 8);
    put_numbered(&m, 22, group);
    end_list(start, 2);
    openflow();
}

static void packet_out(void)
{
    uint8_t frame[sizeof(((struct traffic *)0)->bytes)];
    size_t n = labelled(frame);
    uint8_t *at = message_begin(&m, 13, 16);
    memset(at, 0xff, 4);
    wire32(at + 4, 0xfffffffd);
    wire16(at + 8, 8);
    put_numbered(&m, 22, 1 + dice(2));
    memcpy(more(&m, n), frame, n);
    openflow();
    outs++;
}

/* ---- commands ---- */

static void queue(uint16_t command)
{
    vs_queue_spec spec = {.port = 2 + dice(2), .queue = 1, .max_rate = dice(2) ? 0 : 10000000000};
    twin_command(sw, command, &spec, sizeof spec, now_ns());
}

static void link_of_3(uint32_t state)
{
    vs_port_ref ref = {.number = 3, .state = state};
    twin_command(sw, VS_CMD_PORT_SET, &ref, sizeof ref, now_ns());
}

static void change_something(unsigned k)
{
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats); /* while the poll thread counts */
    switch (k % 14) {
    case 0: popping_group(MODIFY, 1, 0x8847, 2); break;
    case 1: popping_group(MODIFY, 2, 0x0800, 3); break;
    case 2:
    case 7: sending_group(MODIFY, 3); break;
    case 3: meter(MODIFY); break;
    case 4:
    case 5: queue(VS_CMD_QUEUE_SET); break;
    case 6: queue(VS_CMD_QUEUE_DEL); break;
    case 8: link_of_3(dice(2) ? VS_PS_LINK_DOWN : 0); break;
    case 9: add_port(WATCHED); break;
    case 10:
        spare_group(ADD);
        rule(3, 9);
        break;
    case 11: dice(2) ? barrier() : packet_out(); break;
    case 12: remove_port(WATCHED); break;
    case 13: spare_group(DELETE); break; /* its rule goes with it */
    }
    vs_switch_tick(sw, now_ns());
    errors += twin_take(sw, NULL);
}

static uint64_t all_drops(uint64_t *rx)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    uint64_t drops = 0;
    int fd;
    errors += twin_take(sw, NULL);
    twin_command(sw, VS_CMD_STATS, NULL, 0, now_ns());
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0) {
        const vs_port_stats *stats = (const void *)(out + sizeof(vs_frame));
        if (((const vs_frame *)(const void *)out)->type != VS_EVT_PORT_STATS)
            continue;
        *rx += stats->number == 1 ? stats->rx_packets : 0;
        for (unsigned i = 0; i < VS_DROP_LIMIT; i++)
            drops += stats->drops[i];
    }
    return drops;
}

int main(int argc, char **argv)
{
    frames = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : frames;
    dice_state += argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    unsigned sent = 0, received = 0, k = 0;
    uint64_t rx = 0, drops = 0, end;
    sw = twin_new(0, 256, 1);
    twin_add_bridge(sw, 0, now_ns());
    for (uint32_t i = 1; i <= PORTS; i++)
        add_port(i);
    sending_group(ADD, 3);
    popping_group(ADD, 2, 0x0800, 3);
    popping_group(ADD, 1, 0x8847, 2);
    meter(ADD);
    rule(1, 1);
    CHECK_EQ(vs_switch_start(sw, 1), 0);
    end = now_ns() + PATIENCE_S * 1000000000ull;
    for (; (!is_sent(&sent) || k < CHANGES) && now_ns() < end; k++) {
        change_something(k);
        received += receive_all();
        if (k > 5000)
            sched_yield();
    }
    while (rx < frames && now_ns() < end) { /* until it is all in, and what waits in queues has left */
        rx = 0;
        drops = all_drops(&rx);
        received += receive_all();
    }
    do {
        uint64_t ignored = 0;
        vs_switch_tick(sw, now_ns());
        received += receive_all();
        drops = all_drops(&ignored);
    } while (received + drops < frames + outs && now_ns() < end);
    received += receive_all();
    CHECK_EQ(sent, frames);
    CHECK_EQ(rx, frames);
    printf("%u changes: %u frames and %u packet-outs in, %u out, %" PRIu64 " dropped\n", k, frames, outs, received,
           drops);
    CHECK_EQ(received + drops, frames + outs);
    CHECK(received > frames / 100);
    CHECK_EQ(errors, 0);
    vs_switch_stop(sw);
    vs_switch_free(sw);
    return checks_end();
}
