/* Hot OpenFlow messages: bytes from a session, to the tables, to bytes for the session.
 *
 * Flow-mods are staged one by one and published together: at a barrier, before anything
 * that reads the tables, at the end of what came at once.  A message that is wrong is
 * answered with its error and changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "ofp/decode.h"
#include "ofp/encode.h"
#include "ofp/wire13.h"
#include "switch/history.h"

struct request {
    struct vs_switch *sw;
    struct bridge *bridge;
    const vs_frame *frame;
    const uint8_t *message;
    size_t size;
    uint64_t now_ns;
    struct bytes *reply;
};

static uint32_t xid(const struct request *r) { return get32(r->message + 4); }

static enum of_error flow_mod(struct request *r)
{
    struct flow_mod mod;
    enum of_error error = decode_flow_mod(r->message, r->size, &mod);
    if (error == OF_FINE)
        error = bridge_stage(r->bridge, &mod, r->now_ns);
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

static enum of_error packet_out(struct request *r)
{
    struct packet_out out;
    enum of_error error = decode_packet_out(r->message, r->size, &out);
    if (error == OF_FINE) {
        struct injection in = {.bridge = r->bridge, .in_port = out.in_port, .n_actions = out.n_actions, .size = (uint32_t)out.size};
        history_commit(r->sw, r->bridge);
        if (!put_injection(r->sw->worker, &in, &out)) { /* full: let what is there go first */
            switch_barrier(r->sw, r->now_ns);
            MUST(put_injection(r->sw->worker, &in, &out));
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
        events_openflow(&r->sw->events, r->bridge->id, r->frame->session, r->frame->tag, r->reply->data, r->reply->size, false);
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
    encode_barrier_reply(r->reply, xid(r));
    return OF_FINE;
}

/* ---- statistics: exact, so behind the same point as a barrier ---- */

struct selection {
    struct flow_select select;
    unsigned first, last;
    union { struct match m; uint8_t room[sizeof(struct match) + KEY_WORDS * sizeof(struct match_word)]; } match;
};

static enum of_error read_selection(const struct request *r, struct selection *s)
{
    const uint8_t *body = r->message + MULTIPART_SIZE;
    size_t left = r->size - MULTIPART_SIZE, match_size;
    struct key value, mask;
    if (left < FLOW_STATS_REQUEST_SIZE + 8)
        return OF_BAD_LENGTH;
    enum of_error error = decode_match(body + FLOW_STATS_REQUEST_SIZE, left - FLOW_STATS_REQUEST_SIZE, &value, &mask, &match_size);
    if (error != OF_FINE)
        return error;
    if (body[0] >= N_TABLES && body[0] != TABLE_ALL)
        return OF_BAD_TABLE;
    match_set(&s->match.m, &value, &mask);
    s->select = (struct flow_select){get64(body + 16), get64(body + 24), get32(body + 4), get32(body + 8), &s->match.m};
    s->first = body[0] == TABLE_ALL ? 0 : body[0];
    s->last = body[0] == TABLE_ALL ? N_TABLES - 1 : body[0];
    return OF_FINE;
}

typedef void take_rule(void *arg, const struct rule *);

static void for_selected(const struct bridge *b, const struct selection *s, take_rule *take, void *arg)
{
    for (unsigned i = s->first; i <= s->last; i++)
        for (const struct rule *rule = b->tables[i].rules; rule; rule = rule->next)
            if (rule_selected(rule, &s->select))
                take(arg, rule);
}

struct flow_dump { struct multipart part; uint64_t now_ns; };

static void take_flow(void *arg, const struct rule *rule)
{
    struct flow_dump *dump = arg;
    encode_flow_stats(&dump->part, rule, dump->now_ns);
}

static enum of_error flow_stats(struct request *r)
{
    struct selection s;
    struct flow_dump dump = {.now_ns = r->now_ns};
    enum of_error error = read_selection(r, &s);
    if (error != OF_FINE)
        return error;
    multipart_begin(&dump.part, r->reply, OFPMP_FLOW, xid(r));
    for_selected(r->bridge, &s, take_flow, &dump);
    multipart_end(&dump.part);
    return OF_FINE;
}

struct totals { uint64_t packets, bytes; uint32_t flows; };

static void take_totals(void *arg, const struct rule *rule)
{
    struct totals *t = arg;
    uint64_t packets, bytes;
    rule_counts(rule, &packets, &bytes);
    t->packets += packets;
    t->bytes += bytes;
    t->flows++;
}

static enum of_error aggregate_stats(struct request *r)
{
    struct selection s;
    struct totals t = {0};
    struct multipart part;
    enum of_error error = read_selection(r, &s);
    if (error != OF_FINE)
        return error;
    for_selected(r->bridge, &s, take_totals, &t);
    multipart_begin(&part, r->reply, OFPMP_AGGREGATE, xid(r));
    uint8_t *at = multipart_record(&part, AGGREGATE_SIZE);
    set64(at, t.packets);
    set64(at + 8, t.bytes);
    set32(at + 16, t.flows);
    multipart_end(&part);
    return OF_FINE;
}

static enum of_error table_stats(struct request *r)
{
    struct multipart part;
    multipart_begin(&part, r->reply, OFPMP_TABLE, xid(r));
    for (unsigned i = 0; i < N_TABLES; i++)
        encode_table_stats(&part, r->bridge, (uint8_t)i);
    multipart_end(&part);
    return OF_FINE;
}

static enum of_error port_stats(struct request *r)
{
    if (r->size < MULTIPART_SIZE + PORT_STATS_REQUEST_SIZE)
        return OF_BAD_LENGTH;
    uint32_t number = get32(r->message + MULTIPART_SIZE);
    struct multipart part;
    if (number != OFPP_ANY && !bridge_port(r->bridge, number))
        return OF_BAD_PORT;
    multipart_begin(&part, r->reply, OFPMP_PORT_STATS, xid(r));
    const struct port_list *list = bridge_ports(r->bridge);
    for (uint32_t i = 0; i < list->n; i++)
        if (number == OFPP_ANY || list->ports[i]->spec.number == number)
            encode_port_stats(&part, list->ports[i], r->now_ns);
    multipart_end(&part);
    return OF_FINE;
}

typedef enum of_error handle(struct request *);

static enum of_error multipart(struct request *r)
{
    static handle *const handlers[] = {
        [OFPMP_FLOW] = flow_stats, [OFPMP_AGGREGATE] = aggregate_stats, [OFPMP_TABLE] = table_stats, [OFPMP_PORT_STATS] = port_stats,
    };
    if (r->size < MULTIPART_SIZE)
        return OF_BAD_LENGTH;
    unsigned type = get16(r->message + 8);
    if (type >= sizeof handlers / sizeof handlers[0] || !handlers[type])
        return OF_BAD_MULTIPART;
    if (get16(r->message + 10) & OFPMPF_MORE)
        return OF_MULTIPART_OVERFLOW; /* none of these requests needs more than one message */
    order(r);
    return handlers[type](r);
}

/* ---- messages ---- */

static handle *const handlers[] = {
    [OFPT_FLOW_MOD] = flow_mod, [OFPT_PACKET_OUT] = packet_out, [OFPT_MULTIPART_REQUEST] = multipart, [OFPT_BARRIER_REQUEST] = barrier,
};

static void answer(struct request *r)
{
    unsigned type = r->message[1];
    enum of_error error = OF_BAD_TYPE;
    if (r->message[0] != OFP13_VERSION)
        error = OF_BAD_VERSION;
    else if (type < sizeof handlers / sizeof handlers[0] && handlers[type])
        error = handlers[type](r);
    if (error != OF_FINE) {
        r->sw->bad_messages++;
        encode_error(r->reply, error, r->message, r->size);
    }
}

/* The length of the message at 'at' with 'left' bytes, 0 when it contradicts them (the daemon frames; this is its mistake). */
static size_t message_size(const uint8_t *at, size_t left)
{
    size_t size = left < OFP_HEADER ? 0 : get16(at + 2);
    return size >= OFP_HEADER && size <= left ? size : 0;
}

void switch_openflow(struct vs_switch *sw, struct bridge *b, const vs_frame *frame, const uint8_t *messages, size_t size, uint64_t now_ns)
{
    struct bytes reply = {0};
    struct request r = {.sw = sw, .bridge = b, .frame = frame, .now_ns = now_ns, .reply = &reply};
    for (size_t n; (n = message_size(messages, size)); messages += n, size -= n) {
        r.message = messages;
        r.size = n;
        answer(&r);
    }
    history_commit(sw, b);
    flush_reply(&r);
    bytes_free(&reply);
    if (size)
        sw->bad_messages++;
}

int switch_atomic(struct vs_switch *sw, struct bridge *b, const vs_frame *frame, const uint8_t *messages, size_t size, uint64_t now_ns, vs_error *error)
{
    struct bytes reply = {0};
    struct request r = {.sw = sw, .bridge = b, .frame = frame, .now_ns = now_ns, .reply = &reply};
    enum of_error wrong = OF_FINE;
    unsigned index = 0;
    for (; size && wrong == OF_FINE; index++) {
        r.size = message_size(messages, size);
        r.message = messages;
        wrong = !r.size || messages[1] != OFPT_FLOW_MOD ? OF_BAD_TYPE : flow_mod(&r);
        messages += r.size;
        size -= r.size;
    }
    if (wrong == OF_FINE) {
        history_commit(sw, b);
        return 0;
    }
    history_abort(sw, b);
    if (r.size)
        encode_error(&reply, wrong, r.message, r.size);
    flush_reply(&r);
    bytes_free(&reply);
    return error_set(error, -EINVAL, "flow-mod %u of the transaction: OpenFlow error %u/%u; nothing was changed",
                     index, (unsigned)wrong >> 16, (unsigned)wrong & 0xffff);
}
