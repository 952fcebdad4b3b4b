/* Hot OpenFlow messages: bytes from a session, to the tables, to bytes for the session.
 *
 * Flow-mods become pending one by one and are published together: at a barrier, before anything
 * that reads the tables, at the end of what came at once.  A message that is wrong is
 * answered with its error and changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "bridge/port_list.h"
#include "ofp/spoken.h"
#include "switch/history.h"
#include "switch/request.h"
#include "tables/flow_mods.h"
#include "tables/group_mods.h"
#include "tables/meter_mods.h"
#include "tables/references.h"

static enum of_error flow_mod(struct request *r)
{
    struct flow_mod mod;
    enum of_error error = r->spoken->read_flow_mod(r->message, r->size, &mod);
    if (error == OF_FINE)
        error = bridge_flow_mod(r->bridge, &mod, r->now_ns);
    if (error == OF_FINE)
        history_note(r->sw, r->bridge, r->message, r->size, r->now_ns);
    flow_mod_done(&mod);
    return error;
}

/* ---- packet-out ---- */

static bool put_injection(struct worker *w, const struct injection *in, const struct packet_out *out)
{
    size_t actions = out->n_actions * sizeof(struct action), size = sizeof *in + actions + out->size;
    uint8_t *at = ring_reserve(&w->injections, size);
    if (!at)
        return false;
    memcpy(at, in, sizeof *in);
    memcpy(at + sizeof *in, out->actions, actions);
    memcpy(at + sizeof *in + actions, out->data, out->size);
    ring_commit(&w->injections, size);
    return true;
}

_Static_assert(sizeof(struct injection) + UINT16_MAX / 8 * sizeof(struct action) + UINT16_MAX < INJECTION_RING / 2 - 64,
               "see packet_out");

/* It comes from a port that is there, or from none.  The host's own is not on every bridge, but OpenFlow's programs
 * take it for granted: without it the packet is the controller's. */
static enum of_error find_origin(const struct bridge *b, struct packet_out *out)
{
    if (!is_port_number(out->in_port) || bridge_port(b, out->in_port))
        return OF_FINE;
    if (out->in_port != OFPP_LOCAL)
        return OF_BAD_PORT;
    out->in_port = OFPP_CONTROLLER;
    return OF_FINE;
}

static enum of_error packet_out(struct request *r)
{
    struct packet_out out;
    enum of_error error = r->spoken->read_packet_out(r->message, r->size, &out);
    if (error == OF_FINE)
        error = find_origin(r->bridge, &out);
    if (error == OF_FINE)
        error = bridge_knows_groups(r->bridge, out.actions, out.n_actions);
    if (error == OF_FINE) {
        struct injection in = {.bridge = r->bridge,
                               .from = bridge_port(r->bridge, out.in_port),
                               .in_port = out.in_port,
                               .n_actions = out.n_actions,
                               .size = (uint32_t)out.size};
        history_commit(r->sw, r->bridge);
        if (!put_injection(r->sw->worker, &in, &out)) { /* full: let what is there go first */
            switch_barrier(r->sw, r->now_ns);
            MUST(put_injection(r->sw->worker, &in, &out)); /* the longest message fits an empty ring */
        }
        if (r->sw->running)
            worker_wake(r->sw->worker);
    }
    free(out.actions);
    return error;
}

static void flush_reply(struct request *r)
{
    if (r->reply->size)
        events_openflow(&r->sw->events, r->bridge->id, r->frame->session, r->frame->tag, r->reply->data, r->reply->size,
                        false);
    r->reply->size = 0;
}

static void order(struct request *r)
{
    history_commit(r->sw, r->bridge);
    flush_reply(r); /* before what the barrier may tell the same session */
    switch_barrier(r->sw, r->now_ns);
}

static enum of_error barrier(struct request *r)
{
    order(r);
    r->spoken->write_barrier_reply(r->reply, request_xid(r));
    return OF_FINE;
}

/* ---- groups and meters: in force at once, so what is pending goes first ---- */

static enum of_error group_mod(struct request *r)
{
    struct group_mod mod;
    enum of_error error = r->spoken->read_group_mod(r->message, r->size, &mod);
    history_commit(r->sw, r->bridge);
    if (error == OF_FINE)
        error = bridge_group_mod(r->bridge, &mod, r->now_ns);
    if (error == OF_FINE)
        history_note(r->sw, r->bridge, r->message, r->size, r->now_ns);
    history_commit(r->sw, r->bridge);
    group_mod_done(&mod);
    return error;
}

static enum of_error meter_mod(struct request *r)
{
    struct meter_mod mod;
    enum of_error error = r->spoken->read_meter_mod(r->message, r->size, &mod);
    history_commit(r->sw, r->bridge);
    if (error == OF_FINE)
        error = bridge_meter_mod(r->bridge, &mod, r->now_ns);
    if (error == OF_FINE)
        history_note(r->sw, r->bridge, r->message, r->size, r->now_ns);
    history_commit(r->sw, r->bridge);
    return error;
}

static enum of_error statistics(struct request *r)
{
    enum { UNREAD = 256 << 20 };
    enum statistics_kind kind;
    enum of_error error = r->spoken->read_statistics_kind(r->spoken, r->message, r->size, &kind);
    if (error == OF_FINE && r->sw->events.bytes > UNREAD)
        error = OF_MULTIPART_OVERFLOW; /* who asks for more than it reads gets no memory for it */
    if (error != OF_FINE)
        return error;
    order(r); /* exact, so behind the same point as a barrier */
    return statistics_answer(r, kind);
}

/* ---- messages ---- */

typedef enum of_error handle(struct request *);

static handle *const handlers[HOT_LIMIT] = {
    [HOT_FLOW_MOD] = flow_mod, [HOT_PACKET_OUT] = packet_out, [HOT_STATISTICS] = statistics,
    [HOT_BARRIER] = barrier,   [HOT_GROUP_MOD] = group_mod,   [HOT_METER_MOD] = meter_mod,
};

/* The message at 'message', and what its version says it is; HOT_NONE: '*error' says why not. */
static enum hot_message take_message(struct request *r, const uint8_t *message, size_t size, enum of_error *error)
{
    const struct of_version *spoken = of_spoken(message[0]);
    r->spoken = spoken ? spoken : &openflow_13; /* what is said about it has to have some form */
    r->message = message;
    r->size = size;
    enum hot_message hot = spoken ? of_hot(spoken, message) : HOT_NONE;
    *error = !spoken ? OF_BAD_VERSION : hot == HOT_NONE ? OF_BAD_TYPE : OF_FINE;
    return hot;
}

static void answer(struct request *r, const uint8_t *message, size_t size)
{
    enum of_error error;
    enum hot_message hot = take_message(r, message, size, &error);
    if (hot != HOT_NONE)
        error = handlers[hot](r);
    if (error != OF_FINE) {
        r->sw->bad_messages++;
        r->spoken->write_error(r->reply, error, r->message, r->size);
    }
}

/* The length of the message at 'at' with 'left' bytes, 0 when it contradicts them (the daemon frames; this is its
 * mistake). */
static size_t message_size(const uint8_t *at, size_t left)
{
    size_t size = left < OF_HEADER ? 0 : get16(at + 2);
    return size >= OF_HEADER && size <= left ? size : 0;
}

void switch_openflow(struct vs_switch *sw, struct bridge *b, const vs_frame *frame, const uint8_t *messages,
                     size_t size, uint64_t now_ns)
{
    struct bytes reply = {0};
    struct request r = {.sw = sw, .bridge = b, .frame = frame, .now_ns = now_ns, .reply = &reply};
    for (size_t n; (n = message_size(messages, size)); messages += n, size -= n)
        answer(&r, messages, n);
    history_commit(sw, b);
    flush_reply(&r);
    bytes_free(&reply);
    if (size)
        sw->bad_messages++;
}

/* 'size' 0: no whole message, about which nothing can be said. */
static enum of_error add_flow_mod(struct request *r, const uint8_t *message, size_t size)
{
    enum of_error error;
    r->size = 0;
    if (!size)
        return OF_BAD_TYPE;
    if (take_message(r, message, size, &error) == HOT_FLOW_MOD)
        return flow_mod(r);
    return error == OF_FINE ? OF_BAD_TYPE : error;
}

int switch_atomic(struct vs_switch *sw, struct bridge *b, const vs_frame *frame, const uint8_t *messages, size_t size,
                  uint64_t now_ns, vs_error *error)
{
    struct bytes reply = {0};
    struct request r = {.sw = sw, .bridge = b, .frame = frame, .now_ns = now_ns, .reply = &reply};
    enum of_error wrong = OF_FINE;
    unsigned index = 0;
    for (size_t n; size && wrong == OF_FINE; messages += n, size -= n, index++) {
        n = message_size(messages, size);
        wrong = add_flow_mod(&r, messages, n);
    }
    if (wrong == OF_FINE) {
        history_commit(sw, b);
        return 0;
    }
    history_abort(sw, b);
    if (r.size)
        r.spoken->write_error(&reply, wrong, r.message, r.size);
    flush_reply(&r);
    bytes_free(&reply);
    return error_set(error, -EINVAL, "flow-mod %u of the transaction: OpenFlow error %u/%u; nothing was changed", index,
                     (unsigned)wrong >> 16, (unsigned)wrong & 0xffff);
}
