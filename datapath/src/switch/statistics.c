/* Statistics of rules, tables, ports, queues, groups and meters (OpenFlow 1.3.5, 7.3.5): what is asked for, in one reply
 * of as many messages as it takes.  Exact, since whoever calls has ordered what came before.
 */
#include <string.h>

#include "base/check.h"
#include "bridge/port_list.h"
#include "ofp/decode.h"
#include "ofp/encode.h"
#include "ofp/wire13.h"
#include "switch/request.h"
#include "tables/table.h"

/* ---- rules and tables ---- */

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
    multipart_begin(&dump.part, r->reply, OFPMP_FLOW, request_xid(r));
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
    multipart_begin(&part, r->reply, OFPMP_AGGREGATE, request_xid(r));
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
    multipart_begin(&part, r->reply, OFPMP_TABLE, request_xid(r));
    for (unsigned i = 0; i < N_TABLES; i++)
        encode_table_stats(&part, r->bridge, (uint8_t)i);
    multipart_end(&part);
    return OF_FINE;
}

/* ---- ports and queues ---- */

static enum of_error port_stats(struct request *r)
{
    if (r->size < MULTIPART_SIZE + PORT_STATS_REQUEST_SIZE)
        return OF_BAD_LENGTH;
    uint32_t number = get32(r->message + MULTIPART_SIZE);
    struct multipart part;
    if (number != OFPP_ANY && !bridge_port(r->bridge, number))
        return OF_BAD_PORT;
    multipart_begin(&part, r->reply, OFPMP_PORT_STATS, request_xid(r));
    const struct port_list *list = bridge_ports(r->bridge);
    for (uint32_t i = 0; i < list->n; i++)
        if (number == OFPP_ANY || list->ports[i]->spec.number == number)
            encode_port_stats(&part, list->ports[i], r->now_ns);
    multipart_end(&part);
    return OF_FINE;
}

static void put_queues(struct multipart *part, const struct port *port, uint32_t queue, uint64_t now_ns)
{
    const struct lanes *lanes = atomic_load_explicit(&port->lanes, memory_order_acquire);
    for (uint32_t i = 0; lanes && i < lanes->n; i++)
        if (queue == OFPQ_ALL || lanes->queues[i]->id == queue)
            encode_queue_stats(part, port->spec.number, lanes->queues[i], now_ns);
}

static enum of_error queue_stats(struct request *r)
{
    if (r->size < MULTIPART_SIZE + NUMBER_REQUEST_SIZE)
        return OF_BAD_LENGTH;
    uint32_t number = get32(r->message + MULTIPART_SIZE), queue = get32(r->message + MULTIPART_SIZE + 4);
    const struct port *one = bridge_port(r->bridge, number);
    struct multipart part;
    if (number != OFPP_ANY && !one)
        return OF_QUEUE_PORT;
    if (one && queue != OFPQ_ALL && !lanes_find(one, queue))
        return OF_QUEUE_QUEUE;
    multipart_begin(&part, r->reply, OFPMP_QUEUE, request_xid(r));
    const struct port_list *list = bridge_ports(r->bridge);
    for (uint32_t i = 0; i < list->n; i++)
        if (number == OFPP_ANY || list->ports[i] == one)
            put_queues(&part, list->ports[i], queue, r->now_ns);
    multipart_end(&part);
    return OF_FINE;
}

/* ---- groups and meters, by rising number ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = **(uint32_t *const *)a, y = **(uint32_t *const *)b;
    return (x > y) - (x < y);
}

typedef void take_object(void *arg, const void *object);

static void for_objects(const struct idmap *map, uint32_t id, uint32_t all, take_object *take, void *arg)
{
    void **objects = must_calloc(map->n + 1, sizeof *objects), *object;
    size_t n = 0;
    for (size_t at = 0; (object = idmap_next(map, &at));)
        if (id == all || *(uint32_t *)object == id)
            objects[n++] = object;
    qsort(objects, n, sizeof *objects, by_number);
    for (size_t i = 0; i < n; i++)
        take(arg, objects[i]);
    free(objects);
}

struct object_dump { struct multipart part; uint64_t now_ns; };

static enum of_error dump_objects(struct request *r, enum of_multipart type, const struct idmap *map, uint32_t id, uint32_t all, take_object *take)
{
    struct object_dump dump = {.now_ns = r->now_ns};
    multipart_begin(&dump.part, r->reply, (uint16_t)type, request_xid(r));
    for_objects(map, id, all, take, &dump);
    multipart_end(&dump.part);
    return OF_FINE;
}

static void take_group(void *arg, const void *g) { encode_group_stats(&((struct object_dump *)arg)->part, g, ((struct object_dump *)arg)->now_ns); }
static void take_group_desc(void *arg, const void *g) { encode_group_desc(&((struct object_dump *)arg)->part, g); }
static void take_meter(void *arg, const void *m) { encode_meter_stats(&((struct object_dump *)arg)->part, m, ((struct object_dump *)arg)->now_ns); }
static void take_meter_config(void *arg, const void *m) { encode_meter_config(&((struct object_dump *)arg)->part, m); }

static bool has_number(const struct request *r) { return r->size >= MULTIPART_SIZE + NUMBER_REQUEST_SIZE; }

static enum of_error group_stats(struct request *r)
{
    if (!has_number(r))
        return OF_BAD_LENGTH;
    return dump_objects(r, OFPMP_GROUP, &r->bridge->groups, get32(r->message + MULTIPART_SIZE), OFPG_ALL, take_group);
}

static enum of_error group_desc(struct request *r)
{
    return dump_objects(r, OFPMP_GROUP_DESC, &r->bridge->groups, OFPG_ALL, OFPG_ALL, take_group_desc);
}

static enum of_error meters(struct request *r, enum of_multipart type, take_object *take)
{
    if (!has_number(r))
        return OF_BAD_LENGTH;
    uint32_t id = get32(r->message + MULTIPART_SIZE);
    if (id != OFPM_ALL && !bridge_meter(r->bridge, id))
        return OF_METER_UNKNOWN;
    return dump_objects(r, type, &r->bridge->meters, id, OFPM_ALL, take);
}

static enum of_error meter_stats(struct request *r) { return meters(r, OFPMP_METER, take_meter); }
static enum of_error meter_config(struct request *r) { return meters(r, OFPMP_METER_CONFIG, take_meter_config); }

/* ---- dispatch ---- */

static enum of_error (*const answers[])(struct request *) = {
    [OFPMP_FLOW] = flow_stats,   [OFPMP_AGGREGATE] = aggregate_stats, [OFPMP_TABLE] = table_stats,
    [OFPMP_PORT_STATS] = port_stats, [OFPMP_QUEUE] = queue_stats,     [OFPMP_GROUP] = group_stats,
    [OFPMP_GROUP_DESC] = group_desc, [OFPMP_METER] = meter_stats,     [OFPMP_METER_CONFIG] = meter_config,
};

enum of_error statistics_check(const struct request *r)
{
    if (r->size < MULTIPART_SIZE)
        return OF_BAD_LENGTH;
    unsigned type = get16(r->message + 8);
    if (type >= sizeof answers / sizeof answers[0] || !answers[type])
        return OF_BAD_MULTIPART;
    return get16(r->message + 10) & OFPMPF_MORE ? OF_MULTIPART_OVERFLOW : OF_FINE; /* none of these requests needs more than one message */
}

enum of_error statistics_answer(struct request *r) { return answers[get16(r->message + 8)](r); }
