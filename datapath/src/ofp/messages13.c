/* Flow-mods and packet-outs.  See decode13.h. */
#include "base/check.h"
#include "ofp/decode13.h"
#include "ofp/wire13.h"

/* A rule has to fit a multipart reply again, and a packet has to take all its actions. */
enum { LONGEST = 8192 };

static enum of_error check_flags(const struct flow_mod *m)
{
    enum {
        KNOWN = OFPFF_SEND_FLOW_REM | OFPFF_CHECK_OVERLAP | OFPFF_RESET_COUNTS | OFPFF_NO_PKT_COUNTS |
        OFPFF_NO_BYT_COUNTS
    };
    if (m->flags & ~KNOWN)
        return OF_FLOW_FLAGS;
    return m->command > OFPFC_DELETE_STRICT ? OF_FLOW_COMMAND : OF_FINE;
}

static void read_fixed(const uint8_t *message, struct flow_mod *m)
{
    *m = (struct flow_mod){
        .cookie = get64(message + 8),
        .cookie_mask = get64(message + 16),
        .table = message[24],
        .command = message[25],
        .idle = get16(message + 26),
        .hard = get16(message + 28),
        .priority = get16(message + 30),
        .out_port = get32(message + 36),
        .out_group = get32(message + 40),
        .flags = get16(message + 44),
        .match = message + FLOW_MOD_SIZE,
        .wire_version = OFP13_VERSION,
    };
    if (m->command == OFPFC_ADD)
        m->cookie_mask = 0;
}

enum of_error read13_flow_mod(const uint8_t *message, size_t size, struct flow_mod *m)
{
    m->program = NULL;
    if (size < FLOW_MOD_SIZE + 8)
        return OF_BAD_LENGTH;
    read_fixed(message, m);
    enum of_error error = check_flags(m);
    if (error != OF_FINE)
        return error;
    size_t match_size;
    error = read13_match(m->match, size - FLOW_MOD_SIZE, &m->value, &m->mask, &match_size);
    if (error != OF_FINE)
        return error;
    m->match_size = (uint16_t)match_size;
    m->instructions = m->match + match_size;
    m->instructions_size = (uint16_t)(size - FLOW_MOD_SIZE - match_size);
    if (size > LONGEST)
        return OF_ACTION_TOO_MANY;
    if (m->command == OFPFC_DELETE || m->command == OFPFC_DELETE_STRICT)
        return OF_FINE; /* its instructions mean nothing (section 7.3.4.1) */
    if (get32(message + 32) != UINT32_MAX)
        return OF_BUFFER_UNKNOWN; /* this switch never buffers */
    return read13_instructions(m->instructions, m->instructions_size, m->table, &m->value, &m->mask, &m->program);
}

enum of_error read13_packet_out(const uint8_t *message, size_t size, struct packet_out *out)
{
    out->actions = NULL;
    if (size < PACKET_OUT_SIZE)
        return OF_BAD_LENGTH;
    size_t actions = get16(message + 16);
    if (actions > size - PACKET_OUT_SIZE)
        return OF_BAD_LENGTH;
    if (get32(message + 8) != UINT32_MAX)
        return OF_BUFFER_UNKNOWN;
    out->in_port = get32(message + 12);
    if (!out->in_port)
        out->in_port = OFPP_ANY; /* what programs send that leave it out, and Open vSwitch takes: from no port */
    if (!is_port_number(out->in_port) && out->in_port != OFPP_CONTROLLER && out->in_port != OFPP_ANY)
        return OF_BAD_PORT;
    out->data = message + PACKET_OUT_SIZE + actions;
    out->size = size - PACKET_OUT_SIZE - actions;
    if (out->size < 14)
        return OF_BAD_PACKET;
    out->actions = must_calloc(actions / 8 + 1, sizeof *out->actions);
    return read13_actions(message + PACKET_OUT_SIZE, actions, IN_PACKET_OUT, out->actions, &out->n_actions);
}
