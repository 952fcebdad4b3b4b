/* Records of statistics: rules, tables, ports, queues, groups, meters (OpenFlow 1.3.5, 7.3.5).  See encode13.h. */
#include "ofp/encode13.h"
#include "ofp/wire13.h"

/* ---- rules, tables, ports ---- */

void put13_flow(struct multipart *m, const struct rule *r, uint64_t now_ns)
{
    uint64_t packets, bytes;
    rule_counts(r, &packets, &bytes);
    size_t wire = (size_t)r->match_size + r->instructions_size;
    uint8_t *at = put13_record(m, FLOW_STATS_SIZE + wire);
    set16(at, (uint16_t)(FLOW_STATS_SIZE + wire));
    at[2] = r->table;
    put13_duration(at + 4, now_ns - r->created_ns);
    set16(at + 12, r->entry.priority);
    set16(at + 14, r->idle);
    set16(at + 16, r->hard);
    set16(at + 18, r->flags);
    set64(at + 24, r->cookie);
    set64(at + 32, packets);
    set64(at + 40, bytes);
    memcpy(at + FLOW_STATS_SIZE, r->wire, wire);
}

void put13_totals(struct multipart *m, const struct rule_totals *totals)
{
    uint8_t *at = put13_record(m, AGGREGATE_SIZE);
    set64(at, totals->packets);
    set64(at + 8, totals->bytes);
    set32(at + 16, totals->rules);
}

void put13_table(struct multipart *m, const struct bridge *b, uint8_t table)
{
    const struct flow_table *t = &b->tables[table];
    uint64_t lookups = 0, misses = 0, bytes;
    if (t->lookup_slot != UINT32_MAX) {
        slots_read(&b->world->slots, t->lookup_slot, &lookups, &bytes);
        slots_read(&b->world->slots, t->miss_slot, &misses, &bytes);
    }
    uint8_t *at = put13_record(m, TABLE_STATS_SIZE);
    at[0] = table;
    set32(at + 4, t->n_rules);
    set64(at + 8, lookups);
    set64(at + 16, lookups - misses);
}

static uint64_t sum_drops(const struct port *p, const uint8_t *reasons, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p->counters.drops[reasons[i]];
    return sum;
}

void put13_port(struct multipart *m, const struct port *p, uint64_t now_ns)
{
    static const uint8_t receive[] = {VS_DROP_NO_BUFFER, VS_DROP_PORT_DOWN};
    static const uint8_t transmit[] = {VS_DROP_OUTPUT_DOWN, VS_DROP_MTU, VS_DROP_TX_FULL};
    const struct port_counters *c = &p->counters;
    uint64_t counts[] = {c->rx_packets,
                         c->tx_packets,
                         c->rx_bytes,
                         c->tx_bytes,
                         sum_drops(p, receive, sizeof receive),
                         sum_drops(p, transmit, sizeof transmit),
                         c->rx_errors,
                         c->tx_errors};
    uint8_t *at = put13_record(m, PORT_STATS_SIZE);
    set32(at, p->spec.number);
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++)
        set64(at + 8 + 8 * i, counts[i]);
    put13_duration(at + 104, now_ns - p->added_ns);
}

/* ---- queues, groups, meters ---- */

static void put_counter(uint8_t *at, const struct slots *slots, uint32_t slot)
{
    uint64_t packets, bytes;
    slots_read(slots, slot, &packets, &bytes);
    set64(at, packets);
    set64(at + 8, bytes);
}

void put13_queue(struct multipart *m, uint32_t port, const struct queue *q, uint64_t now_ns)
{
    uint8_t *at = put13_record(m, QUEUE_STATS_SIZE);
    set32(at, port);
    set32(at + 4, q->id);
    set64(at + 8, q->counters.tx_bytes);
    set64(at + 16, q->counters.tx_packets);
    set64(at + 24, q->counters.tx_errors);
    put13_duration(at + 32, now_ns - q->made_ns);
}

void put13_group(struct multipart *m, const struct group *g, uint64_t now_ns)
{
    size_t size = GROUP_STATS_SIZE + g->n_buckets * (size_t)COUNTER_SIZE;
    uint8_t *at = put13_record(m, size);
    set16(at, (uint16_t)size);
    set32(at + 4, g->id);
    set32(at + 8, g->refs);
    put_counter(at + 16, &g->world->slots, g->slot);
    put13_duration(at + 32, now_ns - g->created_ns);
    for (uint32_t i = 0; i < g->n_buckets; i++)
        put_counter(at + GROUP_STATS_SIZE + i * COUNTER_SIZE, &g->world->slots, g->buckets[i].slot);
}

void put13_group_desc(struct multipart *m, const struct group *g)
{
    size_t size = GROUP_DESC_SIZE + g->wire_size;
    uint8_t *at = put13_record(m, size);
    set16(at, (uint16_t)size);
    at[2] = g->type;
    set32(at + 4, g->id);
    memcpy(at + GROUP_DESC_SIZE, g->wire, g->wire_size);
}

void put13_meter(struct multipart *m, const struct meter_entry *b, uint64_t now_ns)
{
    const struct meter *meter = b->meter;
    size_t size = METER_STATS_SIZE + meter->n_bands * (size_t)COUNTER_SIZE;
    uint8_t *at = put13_record(m, size);
    set32(at, b->id);
    set16(at + 4, (uint16_t)size);
    set32(at + 12, b->refs);
    put_counter(at + 16, &b->world->slots, meter->slot);
    put13_duration(at + 32, now_ns - b->created_ns);
    for (unsigned i = 0; i < meter->n_bands; i++)
        put_counter(at + METER_STATS_SIZE + i * COUNTER_SIZE, &b->world->slots, meter->bands[i].slot);
}

void put13_band(uint8_t *at, const struct meter_band_spec *band)
{
    set16(at, band->type);
    set16(at + 2, METER_BAND_SIZE);
    set32(at + 4, band->rate);
    set32(at + 8, band->burst_size);
    at[12] = band->type == METER_DSCP_REMARK ? band->prec_level : 0;
}

void put13_meter_config(struct multipart *m, const struct meter_entry *b)
{
    const struct meter *meter = b->meter;
    size_t size = METER_CONFIG_SIZE + meter->n_bands * (size_t)METER_BAND_SIZE;
    uint8_t *at = put13_record(m, size);
    set16(at, (uint16_t)size);
    set16(at + 2, meter->flags);
    set32(at + 4, b->id);
    for (unsigned i = 0; i < meter->n_bands; i++)
        put13_band(at + METER_CONFIG_SIZE + i * METER_BAND_SIZE, &meter->bands[i].spec);
}
