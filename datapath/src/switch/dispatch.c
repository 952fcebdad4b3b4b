/* Command frames: a table of small handlers.  Each answers with DONE, after whatever else it has to tell. */
#include "switch/command.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static const struct handler {
    command_handler *run;
    size_t least; /* bytes of payload */
    bool on_bridge, silent;
} handlers[VS_CMD_LIMIT] = {
    [VS_CMD_HELLO] = {command_hello, sizeof(vs_hello), false, false},
    [VS_CMD_BRIDGE_ADD] = {command_bridge_add, sizeof(vs_bridge_spec), false, false},
    [VS_CMD_BRIDGE_DEL] = {command_bridge_del, 0, true, false},
    [VS_CMD_PORT_ADD] = {command_port_add, sizeof(vs_port_spec), true, false},
    [VS_CMD_PORT_DEL] = {command_port_del, sizeof(vs_port_ref), true, false},
    [VS_CMD_PORT_SET] = {command_port_set, sizeof(vs_port_ref), true, false},
    [VS_CMD_OPENFLOW] = {command_openflow, 0, true, true},
    [VS_CMD_ATOMIC] = {command_atomic_mods, sizeof(vs_transaction), true, false},
    [VS_CMD_SESSION] = {command_session_set, sizeof(vs_session_spec), true, false},
    [VS_CMD_SESSION_END] = {command_session_end, 0, false, false},
    [VS_CMD_DUMP] = {command_dump, 0, false, false},
    [VS_CMD_STATS] = {command_port_stats, 0, true, false},
    [VS_CMD_TRACE] = {command_trace, sizeof(vs_trace_request), true, false},
    [VS_CMD_REPLAY] = {command_replay, 0, false, false},
    [VS_CMD_QUEUE_SET] = {command_queue_set, sizeof(vs_queue_spec), true, false},
    [VS_CMD_QUEUE_DEL] = {command_queue_del, sizeof(vs_queue_spec), true, false},
    [VS_CMD_PORT_VLANS] = {command_port_vlans, sizeof(vs_port_vlans), true, false},
    [VS_CMD_PORT_MTU] = {command_port_mtu, sizeof(vs_port_mtu), true, false},
    [VS_CMD_MACS] = {command_macs, 0, true, false},
    [VS_CMD_MAC_FLUSH] = {command_mac_forget, 0, true, false},
    [VS_CMD_BEAT] = {command_beat, 0, false, false},
    [VS_CMD_SHUTDOWN] = {command_shut_down, 0, false, false},
};

static int run(struct command *c, const struct handler *h)
{
    if (!h)
        return error_set(&c->error, -EOPNOTSUPP,
                         "command %u is unknown: the daemon and the forwarder are of different versions",
                         c->frame.type);
    if (c->size < h->least)
        return error_set(&c->error, -EINVAL, "command %u has %zu bytes and needs %zu", c->frame.type, c->size,
                         h->least);
    if (h->on_bridge && !c->bridge)
        return error_set(&c->error, -ENOENT, "command %u names bridge %u, which is not there", c->frame.type,
                         c->frame.bridge);
    return h->run(c);
}

int vs_switch_command(vs_switch *sw, const uint8_t *frame, size_t size, int fd, uint64_t now_ns)
{
    struct command c = {.sw = sw, .fd = fd, .now_ns = now_ns};
    int result = -EINVAL;
    if (size >= sizeof c.frame)
        memcpy(&c.frame, frame, sizeof c.frame);
    if (size >= sizeof c.frame && c.frame.size == size && size <= VS_FRAME_MAX) {
        const struct handler *h =
            c.frame.type < VS_CMD_LIMIT && handlers[c.frame.type].run ? &handlers[c.frame.type] : NULL;
        c.payload = frame + sizeof c.frame;
        c.size = size - sizeof c.frame;
        c.bridge = switch_bridge(sw, c.frame.bridge);
        int code = run(&c, h);
        if (code || !h || !h->silent)
            events_done(&sw->events, &c.frame, code, code ? c.error.text : NULL);
        result = 0;
    }
    if (c.fd >= 0)
        close(c.fd);
    switch_settle(sw, now_ns);
    return result;
}
