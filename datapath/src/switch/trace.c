/* Tracing: an imaginary packet through the real tables, step by step, without a trace in counters or ports.
 *
 * The packet is composed as any other; then the list is played, so that every output shows the frame as it
 * would leave.  Nothing is sent, counted or charged to a meter.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "bridge/port_list.h"
#include "flow/extract.h"
#include "ofp/version.h"
#include "meter/meter.h"
#include "packet/parse.h"
#include "switch/switch.h"
#include "tables/rule.h"

struct tracing {
    struct vs_switch *sw;
    struct bytes out;
    struct executor quiet; /* has nobody to tell */
    struct compose_watch watch;
    uint64_t version;
    struct port *in;
    unsigned level, continued; /* stages that the packet is in, and has been in */
};

static void step(struct tracing *t, vs_trace_kind kind, uint32_t number, const void *head, size_t n_head,
                 const void *body, size_t n)
{
    vs_trace_step s = {.kind = kind, .number = number, .length = (uint32_t)(n_head + n)};
    s.size = (uint32_t)((sizeof s + n_head + n + 7) & ~(size_t)7);
    size_t start = t->out.size;
    bytes_put(&t->out, &s, sizeof s);
    bytes_put(&t->out, head, n_head);
    bytes_put(&t->out, body, n);
    bytes_pad(&t->out, 8, start);
}

static void saw_rule(void *arg, unsigned table, const struct rule *r)
{
    vs_trace_rule head = {.cookie = r->cookie,
                          .priority = r->entry.priority,
                          .match_size = r->match_size,
                          .instructions_size = r->instructions_size,
                          .table = (uint8_t)table};
    step(arg, VS_TRACE_RULE, table, &head, sizeof head, r->wire, (size_t)r->match_size + r->instructions_size);
}

static void saw_miss(void *arg, unsigned table) { step(arg, VS_TRACE_MISS, table, NULL, 0, NULL, 0); }

static void saw_normal(void *arg, uint32_t port) { step(arg, VS_TRACE_NORMAL, port, NULL, 0, NULL, 0); }

static void saw_vlan(void *arg, uint32_t port, unsigned vlan)
{
    uint32_t vid = vlan;
    step(arg, VS_TRACE_VLAN, port, &vid, sizeof vid, NULL, 0);
}

static void saw_group(void *arg, uint32_t group, int bucket)
{
    uint32_t chosen = (uint32_t)bucket;
    step(arg, VS_TRACE_GROUP, group, &chosen, sizeof chosen, NULL, 0);
}

static void show_actions(struct tracing *t, const struct composition *c)
{
    struct bytes list = {0};
    openflow_13.write_actions(&list, c->actions, c->n_actions); /* what it leaves out is told by steps of its own */
    step(t, VS_TRACE_ACTIONS, 0, NULL, 0, list.data, list.size);
    bytes_free(&list);
}

static void nobody(struct executor *e, struct port *in, const struct packet *p, const struct action *a)
{
    (void)e;
    (void)in;
    (void)p;
    (void)a;
}

/* ---- playing the list: each handler says whether the packet goes on ---- */

struct play {
    struct tracing *t;
    const struct composition *c;
    struct packet *p; /* owned */
    unsigned at, end;
};

static void play(struct play *);
typedef bool player(struct play *, const struct action *);

static bool play_send(struct play *y, const struct action *a)
{
    y->t->quiet.done = true;
    uint32_t to = a->to->spec.number;
    if (a->port != NO_QUEUE)
        step(y->t, VS_TRACE_QUEUE, a->port, &to, sizeof to, NULL, 0);
    step(y->t, VS_TRACE_OUTPUT, to, NULL, 0, y->p->data, y->p->len);
    return true;
}

static bool play_controller(struct play *y, const struct action *a)
{
    y->t->quiet.done = true;
    step(y->t, VS_TRACE_CONTROLLER, a->reason, NULL, 0, y->p->data, y->p->len);
    return true;
}

static bool play_drop(struct play *y, const struct action *a)
{
    if (a->arg && y->t->quiet.done)
        return true;
    y->t->quiet.done = true;
    step(y->t, VS_TRACE_DROP, a->port, NULL, 0, NULL, 0);
    return true;
}

static bool play_meter(struct play *y, const struct action *a)
{
    step(y->t, VS_TRACE_METER, a->meter->id, NULL, 0, NULL, 0);
    return true;
}

static bool play_edit(struct play *y, const struct action *a)
{
    if (action_edit(&y->t->quiet, a, NULL, &y->p))
        return true;
    bool ttl = a->kind == ACT_DEC_TTL || a->kind == ACT_DEC_MPLS_TTL;
    step(y->t, VS_TRACE_DROP, ttl ? VS_DROP_TTL : VS_DROP_TOO_DEEP, NULL, 0, NULL, 0);
    return false;
}

static bool play_clone(struct play *y, const struct action *a)
{
    struct play copy = {y->t, y->c, packet_ref(y->p), y->at + 1, y->at + 1 + a->arg};
    step(y->t, VS_TRACE_COPY, 1, NULL, 0, NULL, 0);
    play(&copy);
    step(y->t, VS_TRACE_COPY, 0, NULL, 0, NULL, 0);
    y->at += a->arg;
    return true;
}

static void play_composed(struct tracing *t, const struct composition *c, struct packet *p)
{
    struct play all = {t, c, p, 0, c->n_actions};
    show_actions(t, c);
    play(&all);
}

static bool play_continue(struct play *y, const struct action *a)
{
    enum { LONGEST = 8 << 20 }; /* bytes of a trace: beyond, copies of copies are not followed */
    struct tracing *t = y->t;
    const struct stage *stage = stages_find(t->sw->stages, a->stage);
    if (++t->level == WORKER_LEVELS || t->continued++ >= WORKER_STAGES || t->out.size > LONGEST || !stage) {
        step(t, VS_TRACE_DROP, VS_DROP_TOO_DEEP, NULL, 0, NULL, 0);
    } else {
        struct composition *c = &t->sw->compositions[t->level];
        struct key key;
        step(t, VS_TRACE_AGAIN, 0, NULL, 0, NULL, 0);
        key_extract(y->p, &key);
        compose_stage(c, stage, t->in, t->version, &key, &t->watch);
        play_composed(t, c, y->p);
        y->p = NULL;
    }
    t->level--;
    return false;
}

static player *const players[ACT_LIMIT] = {
    [ACT_SEND] = play_send,   [ACT_CONTROLLER] = play_controller, [ACT_DROP] = play_drop,
    [ACT_METER] = play_meter, [ACT_CLONE] = play_clone,           [ACT_CONTINUE] = play_continue,
};

static void play(struct play *y)
{
    for (; y->at < y->end; y->at++) {
        const struct action *a = &y->c->actions[y->at];
        if (!(players[a->kind] ? players[a->kind] : play_edit)(y, a))
            break;
    }
    packet_release(y->p);
}

static void report(struct vs_switch *sw, const vs_frame *frame, const struct bytes *out)
{
    enum { PART = VS_FRAME_MAX - 4096 };
    vs_frame header = {.type = VS_EVT_TRACE, .bridge = frame->bridge, .session = frame->session, .tag = frame->tag};
    size_t sent = 0;
    while (sent < out->size) { /* whole steps, as many as a frame takes */
        size_t n = 0;
        while (sent + n < out->size) {
            vs_trace_step s;
            memcpy(&s, out->data + sent + n, sizeof s);
            if (n && n + s.size > PART)
                break;
            n += s.size;
        }
        header.flags = sent + n < out->size ? VS_FRAME_MORE : 0;
        events_put(&sw->events, header, out->data + sent, n, -1);
        sent += n;
    }
}

int switch_trace(struct vs_switch *sw, struct bridge *b, const vs_frame *frame, const uint8_t *payload, size_t size,
                 vs_error *error)
{
    vs_trace_request request;
    if (size < sizeof request)
        return error_set(error, -EINVAL, "trace: the request is cut short");
    memcpy(&request, payload, sizeof request);
    if (request.size != size - sizeof request || request.size < 14 || request.size > PACKET_LARGE)
        return error_set(error, -EINVAL,
                         "trace: a packet of %u bytes can't be traced; give 14 to %d bytes, as a port does",
                         request.size, PACKET_LARGE);
    struct packet *p = packet_new(sw->pool, request.size);
    struct tracing t = {.sw = sw, .quiet.to_controller = nobody, .version = world_version(&sw->world)};
    struct key key;
    t.watch = (struct compose_watch){&t, saw_rule, saw_miss, saw_normal, saw_vlan, saw_group};
    if (!p)
        return error_set(error, -ENOBUFS, "trace: no packet buffer is free; try again");
    memcpy(p->data, payload + sizeof request, request.size);
    p->len = request.size;
    p->in_port = request.in_port;
    layout_parse(p);
    key_extract(p, &key);
    stages_next_packet(sw->stages, 1);
    t.in = bridge_port(b, request.in_port);
    compose_tables(&sw->compositions[0], b, t.in, t.version, &key, &t.watch);
    play_composed(&t, &sw->compositions[0], p);
    report(sw, frame, &t.out);
    bytes_free(&t.out);
    return 0;
}
