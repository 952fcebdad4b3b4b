/* See history.h. */
#include "switch/history.h"

#include <string.h>

#include "ofp/decode.h"
#include "ofp/encode.h"
#include "ofp/wire13.h"
#include "tables/flow_mods.h"
#include "tables/group_mods.h"
#include "tables/meter_mods.h"

void history_commit(struct vs_switch *sw, struct bridge *b)
{
    bridge_commit(b);
    journal_commit(&sw->journal);
}

void history_abort(struct vs_switch *sw, struct bridge *b)
{
    bridge_abort(b);
    journal_abort(&sw->journal);
}

void history_note(struct vs_switch *sw, const struct bridge *b, const uint8_t *message, size_t size, uint64_t now_ns)
{
    journal_append(&sw->journal, b->identity, now_ns, message, size);
}

void history_note_bridge_gone(struct vs_switch *sw, uint64_t identity, uint64_t now_ns)
{
    journal_append(&sw->journal, identity, now_ns, NULL, 0);
    journal_commit(&sw->journal);
}

/* A flow-mod about exactly this rule: strict deletion, or addition with all that it has. */
static void put_flow_mod(struct bytes *out, const struct rule *r, enum of_flow_command command)
{
    size_t tail = command == OFPFC_ADD ? r->instructions_size : 0, size = FLOW_MOD_SIZE + r->match_size + tail;
    uint8_t *at = bytes_more(out, size);
    at[0] = OFP13_VERSION;
    at[1] = OFPT_FLOW_MOD;
    set16(at + 2, (uint16_t)size);
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

static void append_rule(struct vs_switch *sw, const struct bridge *b, const struct rule *r, enum of_flow_command command, uint64_t now_ns)
{
    sw->reply.size = 0;
    put_flow_mod(&sw->reply, r, command);
    journal_append(&sw->journal, b->identity, now_ns, sw->reply.data, sw->reply.size);
}

void history_note_expiry(struct vs_switch *sw, const struct bridge *b, const struct rule *r, uint64_t now_ns)
{
    append_rule(sw, b, r, OFPFC_DELETE_STRICT, now_ns);
}

/* ---- groups and meters as the messages that make them ---- */

static void put_header(uint8_t *at, enum of_type type, size_t size)
{
    at[0] = OFP13_VERSION;
    at[1] = (uint8_t)type;
    set16(at + 2, (uint16_t)size);
}

static void append_group_mod(struct vs_switch *sw, const struct bridge *b, const struct group *g, enum of_group_command command, size_t buckets)
{
    sw->reply.size = 0;
    uint8_t *at = bytes_more(&sw->reply, GROUP_MOD_SIZE + buckets);
    put_header(at, OFPT_GROUP_MOD, GROUP_MOD_SIZE + buckets);
    set16(at + 8, (uint16_t)command);
    at[10] = command == OFPGC_ADD ? OFPGT_ALL : g->type;
    set32(at + 12, g->id);
    if (buckets)
        memcpy(at + GROUP_MOD_SIZE, g->wire, buckets);
    journal_append(&sw->journal, b->identity, g->created_ns, sw->reply.data, sw->reply.size);
}

/* A bucket may watch a group that was deleted since: it has to be there while the bucket is made. */
static void append_watched(struct vs_switch *sw, const struct bridge *b, enum of_group_command command)
{
    const struct group *g;
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));)
        for (uint32_t i = 0; i < g->n_buckets; i++) {
            struct group gone = {.id = g->buckets[i].watch_group};
            if (gone.id != OFPG_ANY && !bridge_group(b, gone.id))
                append_group_mod(sw, b, &gone, command, 0);
        }
}

/* First every number, then what each does: a group may name any other. */
static void append_groups(struct vs_switch *sw, const struct bridge *b)
{
    const struct group *g;
    append_watched(sw, b, OFPGC_ADD);
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));)
        append_group_mod(sw, b, g, OFPGC_ADD, 0);
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));)
        append_group_mod(sw, b, g, OFPGC_MODIFY, g->wire_size);
    append_watched(sw, b, OFPGC_DELETE);
}

static void append_meters(struct vs_switch *sw, const struct bridge *b)
{
    const struct meter_entry *m;
    for (size_t at = 0; (m = idmap_next(&b->meters, &at));) {
        struct multipart part;
        sw->reply.size = 0;
        multipart_begin(&part, &sw->reply, OFPMP_METER_CONFIG, 0);
        encode_meter_config(&part, m); /* a meter-mod has the same body, its command in the place of the length */
        uint8_t *at_body = sw->reply.data + MULTIPART_SIZE, *mod = at_body - OFP_HEADER;
        set16(at_body, OFPMC_ADD);
        put_header(mod, OFPT_METER_MOD, sw->reply.size - OFP_HEADER);
        journal_append(&sw->journal, b->identity, m->created_ns, mod, sw->reply.size - OFP_HEADER);
    }
}

static uint64_t live_object_bytes(const struct bridge *b)
{
    enum { RECORD = sizeof(struct journal_record) + GROUP_MOD_SIZE + 8 };
    const struct group *g;
    uint64_t sum = b->meters.n * (uint64_t)(RECORD + METER_MAX_BANDS * METER_BAND_SIZE);
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));) {
        sum += 2 * RECORD + g->wire_size;
        for (uint32_t i = 0; i < g->n_buckets; i++)
            sum += g->buckets[i].watch_group != OFPG_ANY ? 2 * RECORD : 0;
    }
    return sum;
}

/* ---- making it short ---- */

static uint64_t live_bytes(const struct vs_switch *sw)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < sw->n_bridges; i++) {
        sum += live_object_bytes(sw->bridges[i]);
        for (unsigned t = 0; t < N_TABLES; t++)
            for (const struct rule *r = sw->bridges[i]->tables[t].rules; r; r = r->next)
                sum += sizeof(struct journal_record) + FLOW_MOD_SIZE + 8 + r->match_size + r->instructions_size;
    }
    return sum;
}

/* Youngest first: played back, only the order of overlapping rules of one priority differs, which OpenFlow leaves open. */
static void append_table(struct vs_switch *sw, const struct bridge *b, const struct flow_table *t)
{
    for (const struct rule *r = t->rules; r; r = r->next)
        append_rule(sw, b, r, OFPFC_ADD, r->created_ns);
}

static void write_anew(struct vs_switch *sw, uint64_t live)
{
    journal_fresh(&sw->journal, live);
    for (unsigned i = 0; i < sw->n_bridges; i++) {
        append_groups(sw, sw->bridges[i]);
        append_meters(sw, sw->bridges[i]);
        for (unsigned t = 0; t < N_TABLES; t++)
            append_table(sw, sw->bridges[i], &sw->bridges[i]->tables[t]);
    }
    journal_flip(&sw->journal);
}

void history_shorten(struct vs_switch *sw)
{
    enum { WORTH_IT = 1 << 20 };
    if (sw->inherits || journal_used(&sw->journal) < sw->shorten_at)
        return;
    uint64_t live = live_bytes(sw);
    sw->shorten_at = live * 3 + WORTH_IT;
    if (journal_used(&sw->journal) >= sw->shorten_at)
        write_anew(sw, live);
}

int history_adopt(struct vs_switch *sw, int fd)
{
    struct journal left;
    int code = journal_open(&left, fd);
    if (code)
        return code;
    journal_close(&sw->journal);
    sw->journal = left;
    sw->world.select_seed = journal_seed(&left);
    sw->inherits = true;
    return 0;
}

/* ---- played back ---- */

static struct bridge *bridge_of(const struct vs_switch *sw, uint64_t identity)
{
    for (unsigned i = 0; i < sw->n_bridges; i++)
        if (sw->bridges[i]->identity == identity)
            return sw->bridges[i];
    return NULL;
}

/* The bridge was deleted, with all it had, and made again. */
static void replay_gone(struct bridge *b, const struct journal_record *record)
{
    struct flow_mod flows = {.command = OFPFC_DELETE, .table = TABLE_ALL, .out_port = OFPP_ANY, .out_group = OFPG_ANY};
    struct group_mod groups = {.command = OFPGC_DELETE, .id = OFPG_ALL};
    struct meter_mod meters = {.command = OFPMC_DELETE, .id = OFPM_ALL};
    bridge_commit(b);
    bridge_flow_mod(b, &flows, record->now_ns);
    bridge_commit(b);
    bridge_group_mod(b, &groups, record->now_ns);
    bridge_meter_mod(b, &meters, record->now_ns);
}

static void replay_flow_mod(struct bridge *b, const struct journal_record *record)
{
    struct flow_mod mod;
    if (decode_flow_mod((const uint8_t *)(record + 1), record->length, &mod) == OF_FINE)
        bridge_flow_mod(b, &mod, record->now_ns);
    flow_mod_done(&mod);
}

static void replay_group_mod(struct bridge *b, const struct journal_record *record)
{
    struct group_mod mod;
    bridge_commit(b);
    if (decode_group_mod((const uint8_t *)(record + 1), record->length, &mod) == OF_FINE)
        bridge_group_mod(b, &mod, record->now_ns);
    group_mod_done(&mod);
}

static void replay_meter_mod(struct bridge *b, const struct journal_record *record)
{
    struct meter_mod mod;
    bridge_commit(b);
    if (decode_meter_mod((const uint8_t *)(record + 1), record->length, &mod) == OF_FINE)
        bridge_meter_mod(b, &mod, record->now_ns);
}

static void replay_one(struct bridge *b, const struct journal_record *record)
{
    static void (*const players[])(struct bridge *, const struct journal_record *) = {
        [OFPT_FLOW_MOD] = replay_flow_mod, [OFPT_GROUP_MOD] = replay_group_mod, [OFPT_METER_MOD] = replay_meter_mod,
    };
    uint8_t type = record->length ? ((const uint8_t *)(record + 1))[1] : 0;
    if (!record->length)
        replay_gone(b, record);
    else if (type < sizeof players / sizeof players[0] && players[type])
        players[type](b, record);
}

/* Idle times begin anew: nobody knows when the last packet came. */
static void restart_idle(struct bridge *b, uint64_t now_ns)
{
    for (struct rule *r = b->timed; r; r = r->next_timed)
        r->used_ns = now_ns;
}

/* Only one bridge at a time may have a pending change: what another one publishes would publish that too.
 * A bridge that is not there was deleted while there was no forwarder: nobody wrote that down, so it is done now. */
void history_replay(struct vs_switch *sw, uint64_t now_ns)
{
    bool strangers = false;
    struct bridge *last = NULL;
    if (!sw->inherits)
        return;
    sw->inherits = false;
    for (const struct journal_record *r = NULL; (r = journal_next(&sw->journal, r));) {
        struct bridge *b = bridge_of(sw, r->bridge);
        if (last && b != last)
            bridge_commit(last);
        last = b;
        strangers |= !b;
        if (b)
            replay_one(b, r);
    }
    for (unsigned i = 0; i < sw->n_bridges; i++) {
        bridge_commit(sw->bridges[i]);
        restart_idle(sw->bridges[i], now_ns);
    }
    if (strangers)
        write_anew(sw, live_bytes(sw));
}
