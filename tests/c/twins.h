/* A switch in memory, driven by frames: one bridge, memory ports, one session that is told everything. */
#pragma once
#include "check.h"
#include "messages.h"
#include "vswitch.h"

enum { TWIN_BRIDGE = 1, TWIN_SESSION = 1 };

static inline void twin_command(vs_switch *sw, uint16_t type, const void *payload, size_t n, uint64_t now_ns)
{
    static _Alignas(8) uint8_t buffer[VS_FRAME_MAX];
    vs_frame frame = {
        .size = (uint32_t)(sizeof frame + n), .type = type, .bridge = TWIN_BRIDGE, .session = TWIN_SESSION};
    memcpy(buffer, &frame, sizeof frame);
    if (n)
        memcpy(buffer + sizeof frame, payload, n);
    CHECK_EQ(vs_switch_command(sw, buffer, frame.size, -1, now_ns), 0);
}

static inline void twin_openflow(vs_switch *sw, const struct message *m, uint64_t now_ns)
{
    twin_command(sw, VS_CMD_OPENFLOW, m->bytes, m->n, now_ns);
}

/* "in_port=FROM,actions=set_queue:QUEUE (0: without),output:TO" */
static inline void twin_flow(vs_switch *sw, uint32_t from, uint32_t queue, uint32_t to, uint64_t now_ns)
{
    static struct message m;
    uint8_t *at = message_begin(&m, 14, 40), number[4];
    memset(at + 24, 0xff, 12);
    size_t start = m.n;
    wire16(more(&m, 4), 1);
    wire32(number, from);
    put_oxm_bytes(&m, OXM_IN_PORT, number, sizeof number, NULL);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    pad8(&m, start);
    start = m.n;
    put_action(&m, 4, 8);
    if (queue)
        put_numbered(&m, 21, queue);
    put_output(&m, to, 0xffff);
    wire16(m.bytes + start + 2, (uint32_t)(m.n - start));
    message_end(&m);
    twin_openflow(sw, &m, now_ns);
}

static inline void twin_add_bridge(vs_switch *sw, uint32_t ports, uint64_t now_ns)
{
    vs_bridge_spec bridge = {.name = "b"};
    vs_session_spec session = {4, UINT32_MAX, UINT32_MAX, 128};
    twin_command(sw, VS_CMD_BRIDGE_ADD, &bridge, sizeof bridge, now_ns);
    twin_command(sw, VS_CMD_SESSION, &session, sizeof session, now_ns);
    for (uint32_t i = 1; i <= ports; i++) {
        vs_port_spec port = {.number = i, .kind = VS_PORT_MEM, .name = "p"};
        twin_command(sw, VS_CMD_PORT_ADD, &port, sizeof port, now_ns);
    }
}

/* What NORMAL goes by: whether it works without a rule, and VLANs of a port; at random, without flood limit. */
static inline vs_bridge_spec random_bridge(void) { return (vs_bridge_spec){.name = "b", .standalone = dice(2)}; }

static inline vs_port_vlans random_vlans(uint32_t port)
{
    vs_port_vlans spec = {.number = port, .vlans.mode = (uint16_t)dice(4)};
    spec.vlans.tag = (uint16_t)(spec.vlans.mode == VS_VLAN_TRUNK ? 0 : 1 + dice(3));
    return spec;
}

static inline vs_switch *twin_new(uint32_t ports, uint32_t cache_entries, uint32_t seed)
{
    vs_config config = {.max_rules = 4096, .cache_entries = cache_entries, .max_buffers = 2048, .seed = seed};
    vs_error error;
    vs_switch *sw = vs_switch_new(&config, 0, &error);
    CHECK(sw != NULL);
    if (ports)
        twin_add_bridge(sw, ports, 0);
    return sw;
}

/* Takes all events away; errors among the OpenFlow messages, and packet-ins by 'port' (may be NULL). */
static inline unsigned twin_take(vs_switch *sw, unsigned *packet_ins)
{
    static _Alignas(8) uint8_t out[VS_FRAME_MAX];
    unsigned errors = 0;
    int fd;
    for (long n; (n = vs_switch_events(sw, out, sizeof out, &fd)) > 0;) {
        const vs_frame *frame = (const void *)out;
        const uint8_t *at = out + sizeof *frame, *end = out + n;
        for (; frame->type == VS_EVT_OPENFLOW && at < end; at += at[2] << 8 | at[3]) {
            errors += at[1] == 1;
            if (at[1] == 10 && packet_ins)
                packet_ins[at[35]]++; /* in_port is the first OXM, at 24 + 4 + 4; its last byte */
        }
    }
    return errors;
}

static inline void twin_poll(vs_switch *sw, uint64_t now_ns)
{
    while (vs_switch_poll(sw, now_ns)) {}
}
