/* Changes to flow tables: pending, committed, taken back, settled; random ones against an array of what should be
 * there. */
#include <pthread.h>
#include <sched.h>

#include "check.h"
#include "bridge/port_list.h"
#include "compose/compose.h"
#include "tables/flow_mods.h"
#include "tables/group_mods.h"
#include "tables/meter_mods.h"

enum { ADDRESSES = 6, PRIORITIES = 3, ROUNDS = 4000 };

struct model {
    bool there[ADDRESSES][PRIORITIES];
    uint16_t port[ADDRESSES][PRIORITIES];
};

static struct world world;
static struct bridge *bridge;
static struct model model;
static unsigned told; /* removals that were reported */

static unsigned random_below(unsigned n)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % n);
}

static struct program *output_to(uint16_t port)
{
    struct program *p = calloc(1, sizeof *p + sizeof(struct action));
    p->n_apply = 1;
    p->actions[0] = (struct action){.kind = ACT_OUTPUT, .port = port};
    return p;
}

/* Address ADDRESSES means all of them (for loose commands). */
static struct flow_mod mod_of(uint8_t command, unsigned address, unsigned priority, uint16_t port)
{
    static const uint8_t wire[8] = {0, 1, 0, 4};
    struct flow_mod mod = {.command = command,
                           .priority = (uint16_t)priority,
                           .out_port = OFPP_ANY,
                           .out_group = UINT32_MAX,
                           .match = wire,
                           .match_size = sizeof wire,
                           .program = output_to(port)};
    if (address < ADDRESSES) {
        mod.value.ipv4_src = address;
        mod.mask.ipv4_src = UINT32_MAX;
    }
    return mod;
}

static void model_change(struct model *m, uint8_t command, unsigned address, unsigned priority, uint16_t port)
{
    bool strict = command == OFPFC_ADD || command == OFPFC_MODIFY_STRICT || command == OFPFC_DELETE_STRICT;
    for (unsigned a = 0; a < ADDRESSES; a++)
        for (unsigned p = 0; p < PRIORITIES; p++) {
            bool meant = (address == ADDRESSES || a == address) && (!strict || p == priority);
            bool there = m->there[a][p];
            if (!meant)
                continue;
            if (command == OFPFC_DELETE || command == OFPFC_DELETE_STRICT)
                m->there[a][p] = false;
            else if (command == OFPFC_ADD)
                m->there[a][p] = true;
            if (command == OFPFC_ADD || (there && (command == OFPFC_MODIFY || command == OFPFC_MODIFY_STRICT)))
                m->port[a][p] = port;
        }
}

static void add_something(struct model *m)
{
    uint8_t command = (uint8_t)random_below(5);
    bool loose = command == OFPFC_MODIFY || command == OFPFC_DELETE;
    unsigned address = random_below(ADDRESSES + (loose ? 1 : 0)), priority = random_below(PRIORITIES);
    uint16_t port = (uint16_t)(1 + random_below(1000));
    struct flow_mod mod = mod_of(command, address, priority, port);
    mod.flags = random_below(2) ? OFPFF_RESET_COUNTS : 0;
    CHECK(bridge_flow_mod(bridge, &mod, 0) == OF_FINE);
    free(mod.program);
    model_change(m, command, address, priority, port);
}

/* The port that the published tables have for an address, 0: no rule. */
static uint32_t published_port(unsigned address)
{
    const struct classifier *c = atomic_load(&bridge->tables[0].classifier);
    struct key key = {.ipv4_src = address};
    uint64_t steps = 0;
    struct cls_entry *e = c ? classifier_lookup(c, &key, world_version(&world), NULL, &steps) : NULL;
    return e ? rule_of(e)->program->actions[0].port : 0;
}

static uint32_t model_port(const struct model *m, unsigned address)
{
    for (unsigned p = PRIORITIES; p-- > 0;)
        if (m->there[address][p])
            return m->port[address][p];
    return 0;
}

static void check_published(const struct model *m)
{
    for (unsigned a = 0; a < ADDRESSES; a++)
        CHECK_EQ(published_port(a), model_port(m, a));
}

static void check_list(const struct model *m)
{
    unsigned want = 0, found = 0;
    for (unsigned a = 0; a < ADDRESSES; a++)
        for (unsigned p = 0; p < PRIORITIES; p++)
            want += m->there[a][p];
    for (const struct rule *r = bridge->tables[0].rules; r; r = r->next)
        found++;
    CHECK_EQ(found, want);
    CHECK_EQ(bridge->tables[0].n_rules, want);
    CHECK_EQ(world.n_rules, want);
}

static void count_removed(void *arg, struct bridge *b, const struct rule *r)
{
    (void)arg;
    (void)b;
    (void)r;
    told++;
}

static void settle(void)
{
    bridge_settle(bridge, count_removed, NULL);
    epoch_collect(&world.epoch);
}

static void random_changes_end_as_they_should(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct model pending = model;
        unsigned n = 1 + random_below(8);
        for (unsigned i = 0; i < n; i++) {
            add_something(&pending);
            check_list(&pending);
            check_published(&model); /* nothing is seen before the commit */
        }
        if (random_below(3)) {
            bridge_commit(bridge);
            model = pending;
        } else {
            bridge_abort(bridge);
        }
        check_published(&model);
        check_list(&model);
        if (random_below(2))
            settle();
    }
}

static void all_slots_come_back(void)
{
    struct flow_mod mod = mod_of(OFPFC_DELETE, ADDRESSES, 0, 1);
    CHECK(bridge_flow_mod(bridge, &mod, 0) == OF_FINE);
    free(mod.program);
    bridge_commit(bridge);
    settle();
    settle();
    CHECK_EQ(world.n_rules, 0);
    CHECK(bridge_settled(bridge));
    CHECK_EQ(world.slots.next - world.slots.n_free, 2); /* what is left counts the table */
}

/* A reader that has not been quiescent keeps a deleted rule from being told and freed. */
static void a_deleted_rule_waits_for_its_readers(void)
{
    struct epoch_reader *reader = epoch_register(&world.epoch);
    struct flow_mod add = mod_of(OFPFC_ADD, 1, 1, 7), delete = mod_of(OFPFC_DELETE, ADDRESSES, 0, 1);
    bridge_flow_mod(bridge, &add, 0);
    bridge_commit(bridge);
    epoch_enter(&world.epoch, reader);
    told = 0;
    bridge_flow_mod(bridge, &delete, 0);
    free(delete.program);
    bridge_commit(bridge);
    settle();
    CHECK_EQ(told, 0);
    epoch_enter(&world.epoch, reader);
    settle();
    CHECK_EQ(told, 1);
    epoch_leave(reader);
    settle();
}

/* Replaced twice and deleted within one change: told once, for the rule that packets met. */
static void what_was_never_seen_is_never_told(void)
{
    struct flow_mod first = mod_of(OFPFC_ADD, 1, 1, 7), second = mod_of(OFPFC_ADD, 1, 1, 8),
                    third = mod_of(OFPFC_ADD, 1, 1, 9);
    struct flow_mod delete = mod_of(OFPFC_DELETE, ADDRESSES, 0, 1);
    bridge_flow_mod(bridge, &first, 0);
    bridge_commit(bridge);
    told = 0;
    bridge_flow_mod(bridge, &second, 0);
    bridge_flow_mod(bridge, &third, 0);
    bridge_flow_mod(bridge, &delete, 0);
    free(delete.program);
    bridge_commit(bridge);
    settle();
    CHECK_EQ(told, 1);
}

/* ---- what a rule names: its meter, its group ---- */

enum { METER = 5, GROUP = 6, PATIENCE = 200000 };

static struct composition composition;

static unsigned composed(uint8_t kind, uint64_t version)
{
    static const struct key key = {.ipv4_src = 1};
    unsigned n = 0;
    compose_tables(&composition, bridge, NULL, version, &key, NULL);
    for (unsigned i = 0; i < composition.n_actions; i++)
        n += composition.actions[i].kind == kind;
    return n;
}

static bool is_dropped_as(vs_drop reason)
{
    const struct action *last = &composition.actions[composition.n_actions - 1];
    return last->kind == ACT_DROP && last->port == (uint32_t)reason;
}

static enum of_error meter_mod(uint16_t command, uint32_t id)
{
    struct meter_mod mod = {
        .command = command, .flags = METER_PKTPS, .id = id, .n_bands = 1, .bands = {{.rate = 1, .type = METER_DROP}}};
    return bridge_meter_mod(bridge, &mod, 0);
}

static enum of_error group_mod(uint16_t command, uint32_t id)
{
    struct group_mod mod = {.command = command, .id = id};
    if (command == OFPGC_ADD) {
        mod.group = calloc(1, sizeof *mod.group);
        mod.group->id = GROUP;
        mod.group->slot = UINT32_MAX;
    }
    return bridge_group_mod(bridge, &mod, 0);
}

/* "meter:5,output:7" or "group:6"; there is no port 7, but that is another reason to drop. */
static void add_naming_rule(bool of_meter)
{
    struct flow_mod mod = mod_of(OFPFC_ADD, 1, 1, 7);
    mod.program->has_meter = of_meter;
    mod.program->meter = METER;
    if (!of_meter)
        mod.program->actions[0] = (struct action){.kind = ACT_GROUP, .port = GROUP};
    CHECK(bridge_flow_mod(bridge, &mod, 0) == OF_FINE);
    bridge_commit(bridge);
}

static void keep(void *object) { (void)object; }

/* A meter that is not there can't have let the packet pass. */
static void without_its_meter_a_rule_does_nothing(void)
{
    CHECK(meter_mod(OFPMC_ADD, METER) == OF_FINE);
    add_naming_rule(true);
    CHECK_EQ(composed(ACT_METER, world_version(&world)), 1);
    CHECK(is_dropped_as(VS_DROP_NO_PORT)); /* it got as far as the output */
    struct meter_entry *meter = bridge_meter(bridge, METER);
    idmap_remove(&bridge->meters, METER, keep);
    CHECK_EQ(composed(ACT_METER, world_version(&world)), 0);
    CHECK_EQ(composition.n_actions, 1);
    CHECK(is_dropped_as(VS_DROP_METER));
    idmap_put(&bridge->meters, meter, keep);
    CHECK(meter_mod(OFPMC_DELETE, METER) == OF_FINE);
    settle();
}

/* A packet that is on its way while both are deleted. */
static struct slow {
    bool of_meter;
    _Atomic bool reads, done;
    struct epoch_reader *reader;
    unsigned named, misses;
} slow;

static void *read_slowly(void *unused)
{
    (void)unused;
    epoch_enter(&world.epoch, slow.reader);
    uint64_t version = world_version(&world);
    atomic_store(&slow.reads, true);
    for (unsigned i = 0; i < PATIENCE && !atomic_load(&slow.done); i++)
        sched_yield();
    composed(ACT_METER, version);
    slow.named = slow.of_meter ? is_dropped_as(VS_DROP_NO_PORT) : composition.n_slots == 3; /* table, rule, group */
    epoch_enter(&world.epoch, slow.reader);
    slow.misses = composed(ACT_METER, world_version(&world)) == 0 && is_dropped_as(VS_DROP_TABLE_MISS);
    epoch_leave(slow.reader);
    return NULL;
}

/* 'first': the rule goes by a flow-mod of its own, right before what it names; 'all': that goes with all of its kind.
 */
static void a_packet_meets_both_or_neither(bool of_meter, bool first, bool all)
{
    pthread_t thread;
    CHECK((of_meter ? meter_mod(OFPMC_ADD, METER) : group_mod(OFPGC_ADD, GROUP)) == OF_FINE);
    add_naming_rule(of_meter);
    slow.of_meter = of_meter;
    slow.done = slow.reads = false;
    CHECK_EQ(pthread_create(&thread, NULL, read_slowly, NULL), 0);
    while (!atomic_load(&slow.reads))
        sched_yield();
    if (first) {
        struct flow_mod mod = mod_of(OFPFC_DELETE, ADDRESSES, 0, 1);
        bridge_flow_mod(bridge, &mod, 0);
        free(mod.program);
        bridge_commit(bridge);
    }
    CHECK((of_meter ? meter_mod(OFPMC_DELETE, all ? OFPM_ALL : METER)
                    : group_mod(OFPGC_DELETE, all ? OFPG_ALL : GROUP)) == OF_FINE);
    atomic_store(&slow.done, true);
    pthread_join(thread, NULL);
    CHECK(slow.named);
    CHECK(slow.misses);
    settle();
}

int main(void)
{
    vs_bridge_spec spec = {.name = "b"};
    epoch_init(&world.epoch);
    slots_init(&world.slots, 1000);
    slots_thread(&world.slots);
    atomic_init(&world.version, 1);
    world.max_rules = 500;
    bridge = bridge_new(&world, 1, &spec);
    random_changes_end_as_they_should();
    all_slots_come_back();
    a_deleted_rule_waits_for_its_readers();
    what_was_never_seen_is_never_told();
    without_its_meter_a_rule_does_nothing();
    slow.reader = epoch_register(&world.epoch);
    for (unsigned i = 0; i < 8; i++)
        a_packet_meets_both_or_neither(i & 1, i & 2, i & 4);
    settle();
    all_slots_come_back();
    tables_free(bridge);
    bridge_free(bridge);
    epoch_destroy(&world.epoch);
    slots_destroy(&world.slots);
    return checks_end();
}
