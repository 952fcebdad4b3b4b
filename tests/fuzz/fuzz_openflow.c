/* Whole OpenFlow messages of any content, as a session or a transaction sends them; then packets through
 * whatever rules that left behind, and statistics over it.
 *
 * Input: a byte of flags (1: one transaction instead of single messages, 2: no flow cache, 4: the messages twice; the
 * other bits choose the packets, all of them: a standalone bridge), then messages.  A length that contradicts what is
 * there is set right, as the daemon's framing does by closing the connection; everything else is left as it is.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../c/traffic.h"
#include "vswitch.h"

enum { BRIDGE = 1, SESSION = 1, PORTS = MESSAGE_PORTS, TRANSACTION = 1, UNCACHED = 2, TWICE = 4 };

#define SECOND UINT64_C(1000000000)

static uint8_t out[VS_FRAME_MAX];
static int tap; /* the far end of the last port */

static void command(vs_switch *sw, uint16_t type, const void *payload, size_t n, uint64_t now_ns)
{
    static uint8_t buffer[VS_FRAME_MAX];
    vs_frame frame = {
        .size = (uint32_t)(sizeof frame + n), .type = type, .bridge = BRIDGE, .session = SESSION, .tag = 1};
    memcpy(buffer, &frame, sizeof frame);
    if (n)
        memcpy(buffer + sizeof frame, payload, n);
    uint8_t *exact = malloc(frame.size); /* so that a read past the end is seen */
    memcpy(exact, buffer, frame.size);
    if (vs_switch_command(sw, exact, frame.size, -1, now_ns))
        abort();
    free(exact);
}

/* What the daemon writes to a controller as it is: whole messages, nothing else. */
static void check_messages(const uint8_t *at, size_t size)
{
    while (size) {
        size_t length = size < 8 ? 0 : (size_t)at[2] << 8 | at[3];
        if (length < 8 || length > size || at[0] != 4)
            abort();
        at += length;
        size -= length;
    }
}

static void take_events(vs_switch *sw)
{
    long n;
    int fd;
    while ((n = vs_switch_events(sw, out, sizeof out, &fd))) {
        vs_frame frame;
        memcpy(&frame, out, sizeof frame);
        if (n < (long)sizeof frame || frame.size != (size_t)n)
            abort();
        if (frame.type == VS_EVT_OPENFLOW)
            check_messages(out + sizeof frame, (size_t)n - sizeof frame);
    }
}

/* One switch serves many inputs (making one costs more than using it); each gets a bridge of its own. */
static vs_switch *switch_for(bool uncached)
{
    static vs_switch *switches[2];
    vs_config config = {.max_rules = 64, .cache_entries = uncached ? 1 : 16, .max_buffers = 64, .seed = 1};
    vs_error error;
    if (!switches[uncached])
        switches[uncached] = vs_switch_new(&config, 0, &error);
    if (!switches[uncached])
        abort();
    return switches[uncached];
}

static void add_tap(vs_switch *sw, uint64_t now_ns)
{
    static uint8_t buffer[sizeof(vs_frame) + sizeof(vs_port_spec)];
    vs_frame frame = {.size = sizeof buffer, .type = VS_CMD_PORT_ADD, .bridge = BRIDGE};
    vs_port_spec port = {.number = PORTS, .kind = VS_PORT_TAP, .flags = VS_PORT_VNET_HDR, .mtu = 1500, .name = "t"};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair))
        abort();
    tap = pair[1];
    memcpy(buffer, &frame, sizeof frame);
    memcpy(buffer + sizeof frame, &port, sizeof port);
    vs_switch_command(sw, buffer, sizeof buffer, pair[0], now_ns);
}

static void add_bridge(vs_switch *sw, bool standalone, uint64_t now_ns)
{
    vs_bridge_spec bridge = {.name = "fuzz", .standalone = standalone};
    vs_session_spec session = {4, UINT32_MAX, UINT32_MAX, 128};
    command(sw, VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge, now_ns);
    command(sw, VS_CMD_SESSION, &session, sizeof session, now_ns);
    for (uint32_t i = 1; i < PORTS; i++) {
        vs_port_spec port = {.number = i, .kind = VS_PORT_MEM, .mtu = i == 1 ? 1500 : 0, .name = "p"};
        vs_queue_spec queue = {.port = i, .queue = 1, .max_rate = 1000, .max_packets = 2};
        command(sw, VS_CMD_PORT_ADD, &port, sizeof port, now_ns);
        command(sw, VS_CMD_QUEUE_SET, &queue, sizeof queue, now_ns);
    }
    add_tap(sw, now_ns);
}

/* ---- packets: of every kind, and offloaded ones by a TAP whose other end we hold ---- */

enum { SUPER_HEADER = 10, SUPER_PAYLOAD = 3000, GSO_SIZE = 1000 };

/* TCP in IPv4, to be cut into pieces wherever a header comes on that no offload can express; and one frame whose
 * checksum is left to do. */
static void send_offloaded(void)
{
    static const uint8_t headers[] = {
        1,
        1,
        54,
        0,
        GSO_SIZE & 0xff,
        GSO_SIZE >> 8,
        34,
        0,
        16,
        0, /* virtio_net_hdr: NEEDS_CSUM, TCPV4 */
        2,
        0,
        0,
        0,
        0,
        2,
        2,
        0,
        0,
        0,
        0,
        1,
        8,
        0,
        0x45,
        0,
        0x0b,
        0xe0,
        0,
        1,
        0,
        0,
        64,
        6,
        0,
        0,
        10,
        0,
        0,
        1,
        10,
        0,
        0,
        2,
        0,
        80,
        0x1f,
        0x90,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0x50,
        0x18,
        0x20,
        0,
        0,
        0,
        0,
        0,
    };
    uint8_t frame[sizeof headers + SUPER_PAYLOAD] = {0};
    memcpy(frame, headers, sizeof headers);
    if (send(tap, frame, sizeof frame, 0) < 0)
        abort();
    frame[1] = 0;
    memset(frame + 2, 0, 4);
    if (send(tap, frame, sizeof frame, 0) < 0)
        abort();
}

static void take_frames(vs_switch *sw)
{
    for (uint32_t i = 1; i <= PORTS; i++)
        while (vs_mem_receive(sw, BRIDGE, i, out, sizeof out) > 0) {}
    while (recv(tap, out, sizeof out, 0) > 0) {}
}

static void send_packets(vs_switch *sw, unsigned which, uint64_t now_ns)
{
    enum { PACKETS = 6 };
    dice_state = 88172645463325252u + which;
    for (unsigned i = 0; i < PACKETS; i++) {
        struct traffic t;
        random_packet(&t);
        for (unsigned again = 0; again < 2; again++) /* the second by the cache */
            vs_mem_send(sw, BRIDGE, 1 + i % (PORTS - 1), t.bytes, t.n);
    }
    send_offloaded();
    while (vs_switch_poll(sw, now_ns)) {}
    vs_switch_tick(sw, now_ns);
    take_frames(sw);
}

static void trace(vs_switch *sw, uint64_t now_ns)
{
    struct {
        vs_trace_request head;
        uint8_t frame[sizeof(((struct traffic *)0)->bytes)];
    } request;
    struct traffic t;
    random_packet(&t);
    request.head = (vs_trace_request){1, (uint32_t)t.n};
    memcpy(request.frame, t.bytes, t.n);
    command(sw, VS_CMD_TRACE, &request, sizeof request.head + t.n, now_ns);
}

static void ask_for_statistics(vs_switch *sw, uint64_t now_ns)
{
    static struct message m;
    for (unsigned i = 0; i < sizeof all_statistics; i++) {
        statistics_message(&m, all_statistics[i]);
        command(sw, VS_CMD_OPENFLOW, m.bytes, m.n, now_ns);
    }
}

/* Sets right the lengths of the messages in 'at'; bytes that are left over at the end are cut off. */
static size_t make_whole(uint8_t *at, size_t size)
{
    size_t whole = 0;
    while (size - whole >= 8) {
        uint8_t *message = at + whole;
        size_t length = (size_t)message[2] << 8 | message[3], left = size - whole;
        if (length < 8 || length > left)
            length = left < UINT16_MAX ? left : UINT16_MAX;
        message[2] = (uint8_t)(length >> 8);
        message[3] = (uint8_t)length;
        whole += length;
    }
    return whole;
}

/* In two frames: the first message, then the others. */
static void transaction(vs_switch *sw, const uint8_t *messages, size_t size, uint64_t now_ns)
{
    static struct {
        vs_transaction head;
        uint8_t messages[65536];
    } part;
    size_t first = size ? (size_t)messages[2] << 8 | messages[3] : 0;
    part.head = (vs_transaction){1, VS_TRANSACTION_BEGIN};
    memcpy(part.messages, messages, first);
    command(sw, VS_CMD_ATOMIC, &part, sizeof part.head + first, now_ns);
    part.head.steps = VS_TRANSACTION_COMMIT;
    memcpy(part.messages, messages + first, size - first);
    command(sw, VS_CMD_ATOMIC, &part, sizeof part.head + size - first, now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { LONGEST = 65536 };
    static uint8_t messages[LONGEST];
    if (size < 1 || size > LONGEST)
        return -1;
    memcpy(messages, data + 1, size - 1);
    size_t n = make_whole(messages, size - 1);
    vs_switch *sw = switch_for(data[0] & UNCACHED);
    static uint64_t now_ns;
    now_ns += 10 * SECOND;
    add_bridge(sw, data[0] >> 3 == 31, now_ns);
    for (int i = 0; i < (data[0] & TWICE ? 2 : 1); i++) {
        if (data[0] & TRANSACTION)
            transaction(sw, messages, n, now_ns);
        else
            command(sw, VS_CMD_OPENFLOW, messages, n, now_ns);
        send_packets(sw, data[0] >> 3, now_ns);
    }
    ask_for_statistics(sw, now_ns);
    take_events(sw);
    for (unsigned i = 1; i <= 3; i++)
        vs_switch_tick(sw, now_ns + i * SECOND);
    send_packets(sw, data[0] >> 3, now_ns + 4 * SECOND);
    trace(sw, now_ns + 4 * SECOND);
    command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, now_ns + 5 * SECOND);
    close(tap);
    take_events(sw);
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    if (stats.rules)
        abort();
    return 0;
}
