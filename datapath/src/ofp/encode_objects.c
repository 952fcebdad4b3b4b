/* Statistics and descriptions of queues, groups and meters (OpenFlow 1.3.5, 7.3.5.8 to 7.3.5.13).  See encode.h. */
#include "ofp/encode.h"
#include "ofp/wire13.h"

static void put_counter(uint8_t *at, const struct slots *slots, uint32_t slot)
{
    uint64_t packets, bytes;
    slots_read(slots, slot, &packets, &bytes);
    set64(at, packets);
    set64(at + 8, bytes);
}

void encode_queue_stats(struct multipart *m, uint32_t port, const struct queue *q, uint64_t now_ns)
{
    uint8_t *at = multipart_record(m, QUEUE_STATS_SIZE);
    set32(at, port);
    set32(at + 4, q->id);
    set64(at + 8, q->counters.tx_bytes);
    set64(at + 16, q->counters.tx_packets);
    set64(at + 24, q->counters.tx_errors);
    put_duration(at + 32, now_ns - q->made_ns);
}

void encode_group_stats(struct multipart *m, const struct group *g, uint64_t now_ns)
{
    size_t size = GROUP_STATS_SIZE + g->n_buckets * (size_t)COUNTER_SIZE;
    uint8_t *at = multipart_record(m, size);
    set16(at, (uint16_t)size);
    set32(at + 4, g->id);
    set32(at + 8, g->refs);
    put_counter(at + 16, &g->world->slots, g->slot);
    put_duration(at + 32, now_ns - g->created_ns);
    for (uint32_t i = 0; i < g->n_buckets; i++)
        put_counter(at + GROUP_STATS_SIZE + i * COUNTER_SIZE, &g->world->slots, g->buckets[i].slot);
}

void encode_group_desc(struct multipart *m, const struct group *g)
{
    size_t size = GROUP_DESC_SIZE + g->wire_size;
    uint8_t *at = multipart_record(m, size);
    set16(at, (uint16_t)size);
    at[2] = g->type;
    set32(at + 4, g->id);
    memcpy(at + GROUP_DESC_SIZE, g->wire, g->wire_size);
}

void encode_meter_stats(struct multipart *m, const struct meter_entry *b, uint64_t now_ns)
{
    const struct meter *meter = b->meter;
    size_t size = METER_STATS_SIZE + meter->n_bands * (size_t)COUNTER_SIZE;
    uint8_t *at = multipart_record(m, size);
    set32(at, b->id);
    set16(at + 4, (uint16_t)size);
    set32(at + 12, b->refs);
    put_counter(at + 16, &b->world->slots, meter->slot);
    put_duration(at + 32, now_ns - b->created_ns);
    for (unsigned i = 0; i < meter->n_bands; i++)
        put_counter(at + METER_STATS_SIZE + i * COUNTER_SIZE, &b->world->slots, meter->bands[i].slot);
}

static void put_band(uint8_t *at, const struct meter_band_spec *band)
{
    set16(at, band->type);
    set16(at + 2, METER_BAND_SIZE);
    set32(at + 4, band->rate);
    set32(at + 8, band->burst_size);
    at[12] = band->type == METER_DSCP_REMARK ? band->prec_level : 0;
}

void encode_meter_config(struct multipart *m, const struct meter_entry *b)
{
    const struct meter *meter = b->meter;
    size_t size = METER_CONFIG_SIZE + meter->n_bands * (size_t)METER_BAND_SIZE;
    uint8_t *at = multipart_record(m, size);
    set16(at, (uint16_t)size);
    set16(at + 2, meter->flags);
    set32(at + 4, b->id);
    for (unsigned i = 0; i < meter->n_bands; i++)
        put_band(at + METER_CONFIG_SIZE + i * METER_BAND_SIZE, &meter->bands[i].spec);
}
