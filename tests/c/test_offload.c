/* Offload headers as a hostile container writes them, on frames of every kind, through rules of every kind.
 *
 * The far ends of two TAPs are ours: each frame has a virtio_net_hdr before it whose offsets lie where the checksum is,
 * near that, or anywhere, with super-frames of the size that the frame has, or another.  Rules edit at random, stage by
 * stage.  Nothing may end the process or touch a byte that is not the packet's (the sanitizers), an open checksum stays
 * that of the outer transport header, and every buffer comes back.  How many may be given: test_offload 10000000.
 */
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "port/vnet.h"
#include "switch/switch.h"
#include "traffic.h"
#include "twins.h"

enum { TAPS = 2, FIRST_TAP = MESSAGE_PORTS, WORLD_FRAMES = 200, ROOM = 4096 };

static vs_switch *sw;
static int far_ends[TAPS];
static uint64_t now_ns = 1000000000, sent, drops[VS_DROP_LIMIT], left_open;
static struct message m;

/* ---- the port ---- */

static void add_tap(unsigned which)
{
    static _Alignas(8) uint8_t buffer[sizeof(vs_frame) + sizeof(vs_port_spec)];
    vs_frame frame = {.size = sizeof buffer, .type = VS_CMD_PORT_ADD, .bridge = TWIN_BRIDGE};
    vs_port_spec port = {.number = FIRST_TAP + which, .kind = VS_PORT_TAP, .flags = VS_PORT_VNET_HDR, .name = "t"};
    int pair[2], room = 1 << 20;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    for (unsigned i = 0; i < 2; i++)
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    far_ends[which] = pair[1];
    memcpy(buffer, &frame, sizeof frame);
    memcpy(buffer + sizeof frame, &port, sizeof port);
    CHECK_EQ(vs_switch_command(sw, buffer, sizeof buffer, pair[0], now_ns), 0);
}

/* ---- frames ---- */

/* Ends somewhere behind an IPv4 or IPv6 header whose length follows, or anywhere. */
static void add_payload(struct traffic *t, uint8_t *frame, size_t *n)
{
    size_t more = dice(3) ? 0 : dice(dice(2) ? 64 : 3000);
    memcpy(frame, t->bytes, t->n);
    memset(frame + t->n, 0x5a, more);
    *n = t->n + more;
    for (size_t at = 14; at + 20 < t->n && at < 40; at += 4) {
        bool four = frame[at - 2] == 8 && frame[at - 1] == 0, six = frame[at - 2] == 0x86 && frame[at - 1] == 0xdd;
        if (four)
            wire16(frame + at + 2, (uint32_t)(*n - at));
        if (six && *n - at >= 40)
            wire16(frame + at + 4, (uint32_t)(*n - at - 40));
        if (four || six)
            return;
    }
}

static void put16(uint8_t *at, unsigned v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
} /* the machine's order */

/* What a kernel says of a frame with TCP or UDP behind a plain IP header; of others, something. */
static void honest_header(uint8_t *h, const uint8_t *frame, size_t n)
{
    unsigned start = dice((uint32_t)n), proto = 0, super = 0;
    for (size_t at = 14; at + 40 < n && at < 40 && !proto; at += 4) {
        bool four = frame[at - 2] == 8 && frame[at - 1] == 0, six = frame[at - 2] == 0x86 && frame[at - 1] == 0xdd;
        if (!four && !six)
            continue;
        proto = frame[at + (four ? 9 : 6)];
        start = (unsigned)at + (four ? 20 : 40);
        super = proto == 17 ? 5 : four ? 1 : 4;
    }
    bool summed = proto == 6 || proto == 17;
    memset(h, 0, VNET_HDR_SIZE);
    if (!summed && dice(3))
        return;
    h[0] = 1;
    h[1] = (uint8_t)(dice(2) ? 0 : super);
    put16(h + 2, start + (proto == 17 ? 8 : 20));
    put16(h + 4, h[1] ? 1 + dice(dice(2) ? 4 : 1000) : 0);
    put16(h + 6, start);
    put16(h + 8, proto == 17 ? 6 : 16);
}

/* Another value in some of its members: near the right one, or anywhere. */
static void random_header(uint8_t *h, const uint8_t *frame, size_t n)
{
    static const uint16_t values[] = {0, 1, 2, 6, 8, 14, 16, 34, 65535};
    honest_header(h, frame, n);
    while (!dice(3)) {
        uint8_t *member = h + 2 + 2 * dice(4);
        uint16_t was = (uint16_t)(member[0] | member[1] << 8);
        if (!dice(4))
            h[dice(2)] = (uint8_t)(dice(2) ? dice(8) : dice_bits());
        else
            put16(member, dice(2) ? was + dice(5) - 2 : dice(2) ? ONE_OF(values) : dice((uint32_t)n + 4));
    }
}

static void send_hostile(void)
{
    uint8_t bytes[VNET_HDR_SIZE + ROOM];
    struct traffic t;
    size_t n;
    random_packet(&t);
    add_payload(&t, bytes + VNET_HDR_SIZE, &n);
    random_header(bytes, bytes + VNET_HDR_SIZE, n);
    CHECK(send(far_ends[dice(8) ? 0 : 1], bytes, VNET_HDR_SIZE + n, 0) >= 0);
    sent++;
    twin_poll(sw, now_ns);
}

/* ---- what comes of them ---- */

/* Whoever completes an open checksum writes where the transport header has it, and nowhere else. */
static void look_at(const uint8_t *bytes, size_t n)
{
    static struct packet_pool *pool;
    if (!pool)
        pool = packet_pool_new(4, 4);
    CHECK(n >= VNET_HDR_SIZE + 14);
    struct packet *p = packet_new(pool, (uint32_t)(n - VNET_HDR_SIZE));
    memcpy(p->data, bytes + VNET_HDR_SIZE, n - VNET_HDR_SIZE);
    p->len = (uint32_t)(n - VNET_HDR_SIZE);
    if (bytes[0] & 1) {
        CHECK(vnet_decode(p, bytes, 0));
        CHECK(p->offload & PACKET_NEEDS_CSUM); /* it was the outer one, or it would be complete now */
        left_open++;
    }
    packet_release(p);
}

static void take_all(void)
{
    static uint8_t out[VNET_HDR_SIZE + 2 * PACKET_LARGE];
    for (uint32_t port = 1; port < FIRST_TAP; port++)
        while (vs_mem_receive(sw, TWIN_BRIDGE, port, out, sizeof out) > 0) {}
    for (unsigned i = 0; i < TAPS; i++)
        for (ssize_t n; (n = recv(far_ends[i], out, sizeof out, 0)) > 0;)
            look_at(out, (size_t)n);
}

static void count_drops(void)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    int fd;
    twin_command(sw, VS_CMD_STATS, NULL, 0, now_ns);
    while (vs_switch_events(sw, out, sizeof out, &fd) > 0) {
        const vs_port_stats *stats = (const void *)(out + sizeof(vs_frame));
        if (((const vs_frame *)(const void *)out)->type != VS_EVT_PORT_STATS || stats->number < FIRST_TAP)
            continue;
        for (unsigned i = 0; i < VS_DROP_LIMIT; i++)
            drops[i] += stats->drops[i];
    }
}

/* TCP or UDP, over IPv4 or IPv6: some actions at random, then out by a TAP or elsewhere. */
static void rule_message(void)
{
    static const uint16_t types[] = {0x0800, 0x86dd};
    struct species s = all_species[dice(2) ? 2 : 3]; /* the fields of TCP, of UDP */
    uint8_t *at = message_begin(&m, 14, 40), proto = s.proto;
    s.type = ONE_OF(types);
    wire16(at + 22, dice(3));
    memset(at + 24, 0xff, 12);
    size_t start = m.n;
    wire16(more(&m, 4), 1);
    put_oxm_bytes(&m, OXM_ETH_TYPE, (uint8_t[]){(uint8_t)(s.type >> 8), (uint8_t)s.type}, 2, NULL);
    put_oxm_bytes(&m, OXM_IP_PROTO, &proto, 1, NULL);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    pad8(&m, start);
    start = m.n;
    put_action(&m, dice(4) ? 4 : 3, 8);
    for (uint32_t n = dice(6); n; n--)
        put_random_action(&m, &s);
    put_output(&m, 1 + dice(MESSAGE_PORTS + 1), 0xffff);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    message_end(&m);
}

static void one_world(void)
{
    struct traffic t;
    narrow_matches = dice(4);
    twin_add_bridge(sw, FIRST_TAP - 1, now_ns);
    for (unsigned i = 0; i < TAPS; i++)
        add_tap(i);
    random_packet(&t);
    for (uint32_t n = 8 + dice(12); n; n--) {
        if (dice(2))
            rule_message();
        else
            random_message(&m, t.bytes, t.n);
        twin_openflow(sw, &m, now_ns);
    }
    for (unsigned i = 0; i < WORLD_FRAMES; i++) {
        send_hostile();
        take_all();
        now_ns += 1000000;
    }
    vs_switch_tick(sw, now_ns);
    twin_take(sw, NULL);
    count_drops();
    twin_command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, now_ns);
    for (unsigned i = 0; i < TAPS; i++)
        close(far_ends[i]);
    CHECK_EQ(packet_pool_out(sw->worker->pool), 0);
    twin_take(sw, NULL);
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 60000;
    dice_state += argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    clock_t start = clock();
    sw = twin_new(0, 64, 13);
    while (sent < wanted)
        one_world();
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("%" PRIu64 " frames, %.0f a second: %" PRIu64 " contradict their header, %" PRIu64
           " without a buffer, %" PRIu64 " left open\n",
           sent, (double)sent / seconds, drops[VS_DROP_RX_OFFLOAD], drops[VS_DROP_NO_BUFFER], left_open);
    CHECK(drops[VS_DROP_RX_OFFLOAD] > sent / 10);
    CHECK(drops[VS_DROP_RX_OFFLOAD] < sent - sent / 4);
    CHECK(left_open > sent / 100);
    vs_switch_free(sw);
    return checks_end();
}
