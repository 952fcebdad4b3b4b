/* Whole OpenFlow messages of any content, as a session or a transaction sends them; then packets through
 * whatever rules that left behind, and statistics over it.
 *
 * Input: a byte of flags (1: one transaction instead of single messages, 2: no flow cache, 4: the messages
 * twice), then messages.  A length that contradicts what is there is set right, as the daemon's framing does
 * by closing the connection; everything else is left as it is.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch.h"

enum { BRIDGE = 1, SESSION = 1, PORTS = 3, TRANSACTION = 1, UNCACHED = 2, TWICE = 4 };

#define SECOND UINT64_C(1000000000)

static uint8_t out[VS_FRAME_MAX];

static void command(vs_switch *sw, uint16_t type, const void *payload, size_t n, uint64_t now_ns)
{
    static uint8_t buffer[VS_FRAME_MAX];
    vs_frame frame = {.size = (uint32_t)(sizeof frame + n), .type = type, .bridge = BRIDGE, .session = SESSION, .tag = 1};
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

static void add_bridge(vs_switch *sw, uint64_t now_ns)
{
    vs_bridge_spec bridge = {.name = "fuzz"};
    vs_session_spec session = {4, UINT32_MAX, UINT32_MAX, 128};
    command(sw, VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge, now_ns);
    command(sw, VS_CMD_SESSION, &session, sizeof session, now_ns);
    for (uint32_t i = 1; i <= PORTS; i++) {
        vs_port_spec port = {.number = i, .kind = VS_PORT_MEM, .mtu = i == PORTS ? 1500 : 0, .name = "p"};
        command(sw, VS_CMD_PORT_ADD, &port, sizeof port, now_ns);
    }
}

static void send_packets(vs_switch *sw, uint64_t now_ns)
{
    static const uint8_t tcp[] = {
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0x60, 5, 8, 0, 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0x66, 0xcd, 10, 0, 0, 1,
        10, 0, 0, 2, 0, 80, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0x20, 0, 0, 0, 0, 0,
    };
    static const uint8_t arp[] = {
        255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1,
        0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
    };
    for (uint32_t i = 1; i <= PORTS; i++)
        for (unsigned again = 0; again < 2; again++) { /* the second by the cache */
            vs_mem_send(sw, BRIDGE, i, tcp, sizeof tcp);
            vs_mem_send(sw, BRIDGE, i, arp, sizeof arp);
        }
    while (vs_switch_poll(sw, now_ns)) {}
    vs_switch_tick(sw, now_ns);
    for (uint32_t i = 1; i <= PORTS; i++)
        while (vs_mem_receive(sw, BRIDGE, i, out, sizeof out) > 0) {}
}

static void ask_for_statistics(vs_switch *sw, uint64_t now_ns)
{
    static const uint8_t flows[56] = {4, 18, 0, 56, 0, 0, 0, 1, 0, 1, [16] = 255, [20] = 255, 255, 255, 255, 255, 255, 255, 255, [49] = 1, [51] = 4};
    static const uint8_t tables[16] = {4, 18, 0, 16, 0, 0, 0, 2, 0, 3};
    static const uint8_t ports[24] = {4, 18, 0, 24, 0, 0, 0, 3, 0, 4, [16] = 255, 255, 255, 255};
    command(sw, VS_CMD_OPENFLOW, flows, sizeof flows, now_ns);
    command(sw, VS_CMD_OPENFLOW, tables, sizeof tables, now_ns);
    command(sw, VS_CMD_OPENFLOW, ports, sizeof ports, now_ns);
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
    add_bridge(sw, now_ns);
    for (int i = 0; i < (data[0] & TWICE ? 2 : 1); i++) {
        command(sw, data[0] & TRANSACTION ? VS_CMD_ATOMIC : VS_CMD_OPENFLOW, messages, n, now_ns);
        send_packets(sw, now_ns);
    }
    ask_for_statistics(sw, now_ns);
    take_events(sw);
    for (unsigned i = 1; i <= 3; i++)
        vs_switch_tick(sw, now_ns + i * SECOND);
    send_packets(sw, now_ns + 4 * SECOND);
    command(sw, VS_CMD_BRIDGE_DEL, NULL, 0, now_ns + 5 * SECOND);
    take_events(sw);
    vs_switch_stats stats;
    vs_switch_stats_get(sw, &stats);
    if (stats.rules)
        abort();
    return 0;
}
