/* Statistics of rules, tables, ports, queues, groups and meters (OpenFlow 1.3.5, 7.3.5): what is asked for, in one
 * reply of as many messages as it takes.  Exact, since whoever calls has ordered what came before.
 */
#include <string.h>

#include "base/check.h"
#include "bridge/port_list.h"
#include "switch/request.h"
#include "tables/table.h"

/* A reply being written. */
struct dump {
    const struct of_version *spoken;
    struct multipart part;
    uint64_t now_ns;
};

static struct dump begin(struct request *r, enum statistics_kind kind)
{
    struct dump d = {.spoken = r->spoken, .now_ns = r->now_ns};
    r->spoken->multipart_begin(&d.part, r->spoken, r->reply, kind, request_xid(r));
    return d;
}

static enum of_error end(struct dump *d)
{
    d->spoken->multipart_end(&d->part);
    return OF_FINE;
}

/* ---- rules and tables ---- */

typedef void take_rule(void *arg, const struct rule *);

static void for_selected(const struct bridge *b, const struct statistics_request *asked, take_rule *take, void *arg)
{
    union {
        struct match m;
        uint8_t room[sizeof(struct match) + KEY_WORDS * sizeof(struct match_word)];
    } match;
    struct flow_select select = {asked->cookie, asked->cookie_mask, asked->out_port, asked->out_group, &match.m};
    bool all = asked->table == TABLE_ALL;
    match_set(&match.m, &asked->value, &asked->mask);
    for (unsigned i = all ? 0 : asked->table; i <= (all ? N_TABLES - 1 : asked->table); i++)
        for (const struct rule *rule = b->tables[i].rules; rule; rule = rule->next)
            if (rule_selected(rule, &select))
                take(arg, rule);
}

static void take_flow(void *arg, const struct rule *rule)
{
    struct dump *d = arg;
    d->spoken->put_flow(&d->part, rule, d->now_ns);
}

static bool has_table(const struct statistics_request *asked)
{
    return asked->table < N_TABLES || asked->table == TABLE_ALL;
}

static enum of_error flow_stats(struct request *r, const struct statistics_request *asked)
{
    if (!has_table(asked))
        return OF_BAD_TABLE;
    struct dump d = begin(r, STATISTICS_FLOW);
    for_selected(r->bridge, asked, take_flow, &d);
    return end(&d);
}

static void take_totals(void *arg, const struct rule *rule)
{
    struct rule_totals *t = arg;
    uint64_t packets, bytes;
    rule_counts(rule, &packets, &bytes);
    t->packets += packets;
    t->bytes += bytes;
    t->rules++;
}

static enum of_error aggregate_stats(struct request *r, const struct statistics_request *asked)
{
    struct rule_totals t = {0};
    if (!has_table(asked))
        return OF_BAD_TABLE;
    for_selected(r->bridge, asked, take_totals, &t);
    struct dump d = begin(r, STATISTICS_AGGREGATE);
    r->spoken->put_totals(&d.part, &t);
    return end(&d);
}

static enum of_error table_stats(struct request *r, const struct statistics_request *asked)
{
    (void)asked;
    struct dump d = begin(r, STATISTICS_TABLE);
    for (unsigned i = 0; i < N_TABLES; i++)
        r->spoken->put_table(&d.part, r->bridge, (uint8_t)i);
    return end(&d);
}

/* ---- ports and queues ---- */

static enum of_error port_stats(struct request *r, const struct statistics_request *asked)
{
    if (asked->number != OFPP_ANY && !bridge_port(r->bridge, asked->number))
        return OF_BAD_PORT;
    struct dump d = begin(r, STATISTICS_PORT);
    const struct port_list *list = bridge_ports(r->bridge);
    for (uint32_t i = 0; i < list->n; i++)
        if (asked->number == OFPP_ANY || list->ports[i]->spec.number == asked->number)
            r->spoken->put_port(&d.part, list->ports[i], r->now_ns);
    return end(&d);
}

static void put_queues(struct dump *d, const struct port *port, uint32_t queue)
{
    const struct lanes *lanes = atomic_load_explicit(&port->lanes, memory_order_acquire);
    for (uint32_t i = 0; lanes && i < lanes->n; i++)
        if (queue == OFPQ_ALL || lanes->queues[i]->id == queue)
            d->spoken->put_queue(&d->part, port->spec.number, lanes->queues[i], d->now_ns);
}

static enum of_error queue_stats(struct request *r, const struct statistics_request *asked)
{
    const struct port *one = bridge_port(r->bridge, asked->number);
    if (asked->number != OFPP_ANY && !one)
        return OF_QUEUE_PORT;
    if (one && asked->queue != OFPQ_ALL && !lanes_find(one, asked->queue))
        return OF_QUEUE_QUEUE;
    struct dump d = begin(r, STATISTICS_QUEUE);
    const struct port_list *list = bridge_ports(r->bridge);
    for (uint32_t i = 0; i < list->n; i++)
        if (asked->number == OFPP_ANY || list->ports[i] == one)
            put_queues(&d, list->ports[i], asked->queue);
    return end(&d);
}

/* ---- groups and meters, by rising number ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = **(uint32_t *const *)a, y = **(uint32_t *const *)b;
    return (x > y) - (x < y);
}

typedef void take_object(struct dump *, const void *object);

static void for_objects(const struct idmap *map, uint32_t id, uint32_t all, take_object *take, struct dump *d)
{
    void **objects = must_calloc(map->n + 1, sizeof *objects), *object;
    size_t n = 0;
    for (size_t at = 0; (object = idmap_next(map, &at));)
        if (id == all || *(uint32_t *)object == id)
            objects[n++] = object;
    qsort(objects, n, sizeof *objects, by_number);
    for (size_t i = 0; i < n; i++)
        take(d, objects[i]);
    free(objects);
}

static void take_group(struct dump *d, const void *g) { d->spoken->put_group(&d->part, g, d->now_ns); }
static void take_group_desc(struct dump *d, const void *g) { d->spoken->put_group_desc(&d->part, g); }
static void take_meter(struct dump *d, const void *m) { d->spoken->put_meter(&d->part, m, d->now_ns); }
static void take_meter_config(struct dump *d, const void *m) { d->spoken->put_meter_config(&d->part, m); }

static enum of_error group_stats(struct request *r, const struct statistics_request *asked)
{
    struct dump d = begin(r, STATISTICS_GROUP);
    for_objects(&r->bridge->groups, asked->number, OFPG_ALL, take_group, &d);
    return end(&d);
}

static enum of_error group_desc(struct request *r, const struct statistics_request *asked)
{
    (void)asked;
    struct dump d = begin(r, STATISTICS_GROUP_DESC);
    for_objects(&r->bridge->groups, OFPG_ALL, OFPG_ALL, take_group_desc, &d);
    return end(&d);
}

static enum of_error meters(struct request *r, enum statistics_kind kind, uint32_t id, take_object *take)
{
    if (id != OFPM_ALL && !bridge_meter(r->bridge, id))
        return OF_METER_UNKNOWN;
    struct dump d = begin(r, kind);
    for_objects(&r->bridge->meters, id, OFPM_ALL, take, &d);
    return end(&d);
}

static enum of_error meter_stats(struct request *r, const struct statistics_request *asked)
{
    return meters(r, STATISTICS_METER, asked->number, take_meter);
}

static enum of_error meter_config(struct request *r, const struct statistics_request *asked)
{
    return meters(r, STATISTICS_METER_CONFIG, asked->number, take_meter_config);
}

/* ---- dispatch ---- */

enum of_error statistics_answer(struct request *r, enum statistics_kind kind)
{
    static enum of_error (*const answers[STATISTICS_LIMIT])(struct request *, const struct statistics_request *) = {
        [STATISTICS_FLOW] = flow_stats,           [STATISTICS_AGGREGATE] = aggregate_stats,
        [STATISTICS_TABLE] = table_stats,         [STATISTICS_PORT] = port_stats,
        [STATISTICS_QUEUE] = queue_stats,         [STATISTICS_GROUP] = group_stats,
        [STATISTICS_GROUP_DESC] = group_desc,     [STATISTICS_METER] = meter_stats,
        [STATISTICS_METER_CONFIG] = meter_config,
    };
    struct statistics_request asked;
    enum of_error error = r->spoken->read_statistics(r->message, r->size, kind, &asked);
    return error == OF_FINE ? answers[kind](r, &asked) : error;
}
