/* Tracing: an imaginary packet through the real tables, step by step, without a trace in counters or ports.
 *
 * The packet is composed as any other; then each action of the list is done to a copy, so that
 * every output shows the frame as it would leave.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "flow/extract.h"
#include "ofp/wire13.h"
#include "packet/parse.h"
#include "switch/switch.h"

struct tracing {
    struct bytes out;
    struct packet *packet;
    struct executor quiet; /* has nobody to tell */
};

static void step(struct tracing *t, vs_trace_kind kind, uint32_t number, const void *head, size_t n_head, const void *body, size_t n)
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
    vs_trace_rule head = {.cookie = r->cookie, .priority = r->entry.priority, .match_size = r->match_size,
                          .instructions_size = r->instructions_size, .table = (uint8_t)table};
    step(arg, VS_TRACE_RULE, table, &head, sizeof head, r->wire, (size_t)r->match_size + r->instructions_size);
}

static void saw_miss(void *arg, unsigned table) { step(arg, VS_TRACE_MISS, table, NULL, 0, NULL, 0); }

static void saw_normal(void *arg, uint32_t port) { step(arg, VS_TRACE_NORMAL, port, NULL, 0, NULL, 0); }

static void saw_end(struct tracing *t, const struct action *a)
{
    const struct packet *p = t->packet;
    if (a->kind == ACT_SEND)
        step(t, VS_TRACE_OUTPUT, a->to->spec.number, NULL, 0, p->data, p->len);
    else if (a->kind == ACT_CONTROLLER)
        step(t, VS_TRACE_CONTROLLER, a->reason, NULL, 0, p->data, p->len);
    else
        step(t, VS_TRACE_DROP, a->port, NULL, 0, NULL, 0);
}

static bool is_end(const struct action *a) { return a->kind == ACT_SEND || a->kind == ACT_CONTROLLER || a->kind == ACT_DROP; }

/* ---- the composed list as OpenFlow 1.3 actions ---- */

static void put_action(struct bytes *out, const struct action *a)
{
    static const uint16_t types[ACT_LIMIT] = {
        [ACT_SET_FIELD] = OFPAT_SET_FIELD, [ACT_PUSH_VLAN] = OFPAT_PUSH_VLAN, [ACT_POP_VLAN] = OFPAT_POP_VLAN,
        [ACT_DEC_TTL] = OFPAT_DEC_NW_TTL,  [ACT_SET_TTL] = OFPAT_SET_NW_TTL,
    };
    const vs_field_info *f = &fields[a->field].info;
    size_t n = a->kind == ACT_SET_FIELD ? (4u + 4u + f->bytes + 7u) & ~7u : a->kind == ACT_SEND || a->kind == ACT_CONTROLLER ? 16 : 8;
    if (a->kind == ACT_DROP)
        return;
    uint8_t *at = bytes_more(out, n);
    set16(at, types[a->kind]);
    set16(at + 2, (uint16_t)n);
    switch (a->kind) {
    case ACT_SET_FIELD:
        set16(at + 4, f->oxm_class);
        at[6] = (uint8_t)(f->oxm_field << 1);
        at[7] = f->bytes;
        memcpy(at + 8, a->value, f->bytes);
        break;
    case ACT_PUSH_VLAN: set16(at + 4, a->arg); break;
    case ACT_SET_TTL: at[4] = (uint8_t)a->arg; break;
    case ACT_SEND: set32(at + 4, a->to->spec.number); break;
    case ACT_CONTROLLER:
        set32(at + 4, OFPP_CONTROLLER);
        set16(at + 8, a->arg);
        break;
    }
}

static void show_actions(struct tracing *t, const struct composition *c)
{
    struct bytes list = {0};
    for (unsigned i = 0; i < c->n_actions; i++)
        put_action(&list, &c->actions[i]);
    step(t, VS_TRACE_ACTIONS, 0, NULL, 0, list.data, list.size);
    bytes_free(&list);
}

static void nobody(struct executor *e, struct port *in, const struct packet *p, const struct action *a)
{
    (void)e; (void)in; (void)p; (void)a;
}

static void play(struct tracing *t, const struct composition *c)
{
    for (unsigned i = 0; i < c->n_actions; i++) {
        const struct action *a = &c->actions[i];
        if (is_end(a)) {
            saw_end(t, a);
        } else if (!action_edit(&t->quiet, a, NULL, &t->packet)) {
            step(t, VS_TRACE_DROP, a->kind == ACT_DEC_TTL ? VS_DROP_TTL : VS_DROP_TOO_DEEP, NULL, 0, NULL, 0);
            return;
        }
    }
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

int switch_trace(struct vs_switch *sw, struct bridge *b, const vs_frame *frame, const uint8_t *payload, size_t size, vs_error *error)
{
    vs_trace_request request;
    if (size < sizeof request)
        return error_set(error, -EINVAL, "trace: the request is cut short");
    memcpy(&request, payload, sizeof request);
    if (request.size != size - sizeof request || request.size < 14 || request.size > 9216)
        return error_set(error, -EINVAL, "trace: a packet of %u bytes can't be traced; give 14 to 9216 bytes", request.size);
    struct tracing t = {.quiet.to_controller = nobody, .packet = packet_new(sw->pool, request.size)};
    struct compose_watch watch = {&t, saw_rule, saw_miss, saw_normal};
    struct key key;
    if (!t.packet)
        return error_set(error, -ENOBUFS, "trace: no packet buffer is free; try again");
    memcpy(t.packet->data, payload + sizeof request, request.size);
    t.packet->len = request.size;
    t.packet->in_port = request.in_port;
    layout_parse(t.packet);
    key_extract(t.packet, &key);
    compose_tables(sw->composition, b, world_version(&sw->world), &key, t.packet, &watch);
    show_actions(&t, sw->composition);
    play(&t, sw->composition);
    packet_release(t.packet);
    report(sw, frame, &t.out);
    bytes_free(&t.out);
    return 0;
}
