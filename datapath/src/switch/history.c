/* See history.h. */
#include "switch/history.h"

#include <string.h>

#include "ofp/spoken.h"
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

static void append(struct vs_switch *sw, const struct bridge *b, uint64_t now_ns)
{
    journal_append(&sw->journal, b->identity, now_ns, sw->reply.data, sw->reply.size);
    sw->reply.size = 0;
}

/* A flow-mod about exactly this rule, in the version that it came in: strict deletion, or addition with all that it
 * has. */
static void append_rule(struct vs_switch *sw, const struct bridge *b, const struct rule *r,
                        enum of_flow_command command, uint64_t now_ns)
{
    sw->reply.size = 0;
    of_spoken(r->wire_version)->write_flow_mod(&sw->reply, r, command);
    append(sw, b, now_ns);
}

void history_note_expiry(struct vs_switch *sw, const struct bridge *b, const struct rule *r, uint64_t now_ns)
{
    append_rule(sw, b, r, OFPFC_DELETE_STRICT, now_ns);
}

/* ---- groups and meters as the messages that make them ---- */

static void append_group_mod(struct vs_switch *sw, const struct bridge *b, const struct group *g,
                             enum of_group_command command)
{
    sw->reply.size = 0;
    of_spoken(g->wire_version)->write_group_mod(&sw->reply, g, command);
    append(sw, b, g->created_ns);
}

/* Only its number: of a type that needs no buckets. */
static void append_number(struct vs_switch *sw, const struct bridge *b, uint32_t id, uint64_t created_ns,
                          enum of_group_command command)
{
    const struct group empty = {
        .id = id, .type = OFPGT_ALL, .created_ns = created_ns, .wire_version = openflow_13.number};
    append_group_mod(sw, b, &empty, command);
}

/* A bucket may watch a group that was deleted since: it has to be there while the bucket is made. */
static void append_watched(struct vs_switch *sw, const struct bridge *b, enum of_group_command command)
{
    const struct group *g;
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));)
        for (uint32_t i = 0; i < g->n_buckets; i++) {
            uint32_t watched = g->buckets[i].watch_group;
            if (watched != OFPG_ANY && !bridge_group(b, watched))
                append_number(sw, b, watched, 0, command);
        }
}

/* First every number, then what each does: a group may name any other. */
static void append_groups(struct vs_switch *sw, const struct bridge *b)
{
    const struct group *g;
    append_watched(sw, b, OFPGC_ADD);
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));)
        append_number(sw, b, g->id, g->created_ns, OFPGC_ADD);
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));)
        append_group_mod(sw, b, g, OFPGC_MODIFY);
    append_watched(sw, b, OFPGC_DELETE);
}

static void append_meters(struct vs_switch *sw, const struct bridge *b)
{
    const struct meter_entry *m;
    for (size_t at = 0; (m = idmap_next(&b->meters, &at));) {
        sw->reply.size = 0;
        openflow_13.write_meter_mod(&sw->reply, m);
        append(sw, b, m->created_ns);
    }
}

static uint64_t live_object_bytes(const struct bridge *b)
{
    const struct message_sizes *sizes = &openflow_13.sizes;
    const uint64_t record = sizeof(struct journal_record) + sizes->group_mod + 8;
    const struct group *g;
    uint64_t sum = b->meters.n * (record + METER_MAX_BANDS * sizes->band);
    for (size_t at = 0; (g = idmap_next(&b->groups, &at));) {
        sum += 2 * record + g->wire_size;
        for (uint32_t i = 0; i < g->n_buckets; i++)
            sum += g->buckets[i].watch_group != OFPG_ANY ? 2 * record : 0;
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
                sum += sizeof(struct journal_record) + openflow_13.sizes.flow_mod + 8 + r->match_size +
                       r->instructions_size;
    }
    return sum;
}

/* Youngest first: played back, only the order of overlapping rules of one priority differs, which OpenFlow leaves open.
 */
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

/* One message of the journal, of its bridge, as of its time. */
struct replayed {
    struct bridge *bridge;
    const struct of_version *version;
    const uint8_t *message;
    size_t size;
    uint64_t now_ns;
};

static void replay_flow_mod(const struct replayed *r)
{
    struct flow_mod mod;
    if (r->version->read_flow_mod(r->message, r->size, &mod) == OF_FINE)
        bridge_flow_mod(r->bridge, &mod, r->now_ns);
    flow_mod_done(&mod);
}

static void replay_group_mod(const struct replayed *r)
{
    struct group_mod mod;
    bridge_commit(r->bridge);
    if (r->version->read_group_mod(r->message, r->size, &mod) == OF_FINE)
        bridge_group_mod(r->bridge, &mod, r->now_ns);
    group_mod_done(&mod);
}

static void replay_meter_mod(const struct replayed *r)
{
    struct meter_mod mod;
    bridge_commit(r->bridge);
    if (r->version->read_meter_mod(r->message, r->size, &mod) == OF_FINE)
        bridge_meter_mod(r->bridge, &mod, r->now_ns);
}

static void replay_one(struct bridge *b, const struct journal_record *record)
{
    static void (*const players[HOT_LIMIT])(const struct replayed *) = {
        [HOT_FLOW_MOD] = replay_flow_mod,
        [HOT_GROUP_MOD] = replay_group_mod,
        [HOT_METER_MOD] = replay_meter_mod,
    };
    const uint8_t *message = (const uint8_t *)(record + 1);
    if (!record->length) {
        replay_gone(b, record);
        return;
    }
    const struct of_version *version = of_spoken(message[0]);
    enum hot_message hot = version ? of_hot(version, message) : HOT_NONE;
    if (players[hot])
        players[hot](&(struct replayed){b, version, message, record->length, record->now_ns});
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
