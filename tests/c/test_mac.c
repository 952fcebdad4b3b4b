/* The MAC table: random stations, moves, ages and limits against an array of what should be there. */
#include "check.h"
#include "bridge/mac.h"

enum { STATIONS = 40, PORTS = 4, ROUNDS = 20000, AGE_S = 10 };
#define SECOND 1000000000ull

struct known {
    bool there;
    uint32_t port;
    uint64_t heard_ns;
};

static struct world world;
static struct mac_table table;
static struct slot_count *counts;
static struct known model[STATIONS];

static unsigned random_below(unsigned n)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % n);
}

/* Half of them differ by their VLAN alone. */
static uint64_t station(unsigned i)
{
    uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)(i / 2)};
    return mac_station(mac, (uint16_t)(i % 2 * 4094));
}

static unsigned size(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < STATIONS; i++)
        n += model[i].there;
    return n;
}

static void learn(unsigned i, uint32_t port, uint64_t now_ns)
{
    bool room = model[i].there || size() < table.limit, news = !model[i].there || model[i].port != port;
    CHECK_EQ(mac_full(&table), size() >= table.limit);
    CHECK_EQ(mac_learn(&table, station(i), port, now_ns), room && news);
    if (room && news)
        model[i] = (struct known){true, port, now_ns};
}

/* A packet of a station that is known, as the poll thread counts it. */
static void hear(unsigned i, uint64_t now_ns)
{
    const struct mac_entry *e = mac_find(&table, station(i));
    if (!e)
        return;
    slot_add(&counts[e->slot], 1, 64);
    mac_age(&table, now_ns);
    model[i].heard_ns = now_ns;
}

static void forget_old(uint64_t now_ns)
{
    mac_age(&table, now_ns);
    for (unsigned i = 0; i < STATIONS; i++)
        if (table.age_s && now_ns - model[i].heard_ns >= table.age_s * SECOND)
            model[i].there = false;
}

static void forget_port(uint32_t port)
{
    mac_forget_port(&table, port);
    for (unsigned i = 0; i < STATIONS; i++)
        model[i].there &= model[i].port != port;
}

struct seen {
    unsigned n;
    uint64_t now_ns;
};

static void see(void *arg, const struct mac_entry *e, uint64_t age_ns)
{
    struct seen *seen = arg;
    seen->n++;
    for (unsigned i = 0; i < STATIONS; i++)
        if (station(i) == e->station) {
            CHECK_EQ(e->port, model[i].port);
            CHECK_EQ(age_ns, seen->now_ns - model[i].heard_ns);
        }
}

static void compare(uint64_t now_ns)
{
    struct seen seen = {0, now_ns};
    for (unsigned i = 0; i < STATIONS; i++) {
        const struct mac_entry *e = mac_find(&table, station(i));
        CHECK_EQ(e != NULL, model[i].there);
        CHECK_EQ(e ? e->port : 0, model[i].there ? model[i].port : 0);
    }
    mac_visit(&table, see, &seen, now_ns);
    CHECK_EQ(seen.n, size());
    CHECK_EQ(table.n, size());
}

static void random_stations_are_where_they_should_be(void)
{
    uint64_t now_ns = SECOND;
    mac_set(&table, 25, AGE_S);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned what = random_below(100), i = random_below(STATIONS);
        forget_old(now_ns);
        if (what < 60)
            learn(i, 1 + random_below(PORTS), now_ns);
        else if (what < 95)
            hear(i, now_ns);
        else if (what < 98)
            forget_port(1 + random_below(PORTS));
        else
            mac_set(&table, 10 + random_below(30), random_below(4) ? AGE_S : 0);
        compare(now_ns);
        now_ns += random_below(3) * SECOND / 4;
        epoch_publish(&world.epoch);
        epoch_collect(&world.epoch);
    }
}

static void all_slots_come_back(void)
{
    mac_flush(&table);
    CHECK_EQ(table.n, 0);
    CHECK(!mac_flush(&table));
    epoch_publish(&world.epoch);
    epoch_collect(&world.epoch);
    CHECK_EQ(world.slots.n_free, world.slots.next);
}

static void settings_left_out_have_their_values(void)
{
    mac_set(&table, 0, 0);
    CHECK_EQ(table.limit, MAC_LIMIT);
    CHECK_EQ(mac_vlan(station(1)), 4094);
}

int main(void)
{
    epoch_init(&world.epoch);
    slots_init(&world.slots, 1000);
    counts = slots_thread(&world.slots);
    table.world = &world;
    random_stations_are_where_they_should_be();
    all_slots_come_back();
    settings_left_out_have_their_values();
    mac_destroy(&table);
    epoch_destroy(&world.epoch);
    slots_destroy(&world.slots);
    return checks_end();
}
