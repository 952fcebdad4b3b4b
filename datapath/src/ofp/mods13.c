/* The messages that make rules, groups and meters, written from these.  See encode13.h. */
#include <string.h>

#include "ofp/encode13.h"
#include "ofp/wire13.h"

/* A flow-mod about exactly this rule: strict deletion, or addition with all that it has. */
void write13_flow_mod(struct bytes *out, const struct rule *r, enum of_flow_command command)
{
    size_t tail = command == OFPFC_ADD ? r->instructions_size : 0, size = FLOW_MOD_SIZE + r->match_size + tail;
    uint8_t *at = put13_header(out, OFPT_FLOW_MOD, size, 0);
    set64(at + 8, r->cookie);
    at[24] = r->table;
    at[25] = (uint8_t)command;
    set16(at + 26, r->idle);
    set16(at + 28, r->hard);
    set16(at + 30, r->entry.priority);
    set32(at + 32, UINT32_MAX);
    set32(at + 36, OFPP_ANY);
    set32(at + 40, UINT32_MAX);
    set16(at + 44, r->flags & (uint16_t)~(OFPFF_CHECK_OVERLAP | OFPFF_RESET_COUNTS));
    memcpy(at + FLOW_MOD_SIZE, r->wire, r->match_size + tail);
}

void write13_group_mod(struct bytes *out, const struct group *g, enum of_group_command command)
{
    size_t buckets = g->wire_size;
    uint8_t *at = put13_header(out, OFPT_GROUP_MOD, GROUP_MOD_SIZE + buckets, 0);
    set16(at + 8, (uint16_t)command);
    at[10] = g->type;
    set32(at + 12, g->id);
    if (buckets)
        memcpy(at + GROUP_MOD_SIZE, g->wire, buckets);
}

void write13_meter_mod(struct bytes *out, const struct meter_entry *m)
{
    size_t n = m->meter->n_bands;
    uint8_t *at = put13_header(out, OFPT_METER_MOD, METER_MOD_SIZE + n * METER_BAND_SIZE, 0);
    set16(at + 8, OFPMC_ADD);
    set16(at + 10, m->meter->flags);
    set32(at + 12, m->id);
    for (unsigned i = 0; i < n; i++)
        put13_band(at + METER_MOD_SIZE + i * METER_BAND_SIZE, &m->meter->bands[i].spec);
}
