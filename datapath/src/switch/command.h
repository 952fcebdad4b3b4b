/* One command frame, while it is carried out (include/vswitch.h says what each means), and its handlers.
 *
 * A handler answers by events with the frame's tag and returns 0 or -errno with 'error' filled; DONE is told by the
 * caller (dispatch.c). Control thread.
 */
#pragma once
#include <string.h>

#include "base/error.h"
#include "switch/switch.h"

struct command {
    struct vs_switch *sw;
    vs_frame frame;
    const uint8_t *payload; /* at any address: copy what has members */
    size_t size;
    int fd; /* owned by whoever takes it and sets it to -1 */
    uint64_t now_ns;
    struct bridge *bridge; /* that the frame names, or NULL */
    vs_error error;
};

typedef int command_handler(struct command *);

/* Fills 'error' and returns 'code'. */
static inline int command_fail(struct command *c, int code, const char *text)
{
    return error_set(&c->error, code, "%s", text);
}
/* Is there a NUL among its 'n' bytes? */
static inline bool command_text_ends(const char *text, size_t n) { return memchr(text, 0, n) != NULL; }

/* command_switch.c */
command_handler command_hello, command_dump, command_replay, command_beat, command_shut_down;

/* command_bridge.c */
command_handler command_bridge_add, command_bridge_del, command_macs, command_mac_forget;

/* command_port.c */
command_handler command_port_add, command_port_del, command_port_set, command_port_stats, command_queue_set,
    command_queue_del, command_port_vlans, command_port_mtu;

/* command_session.c */
command_handler command_openflow, command_atomic_mods, command_session_set, command_session_end, command_trace;
