/* The switch: made, driven, freed.  The contract is include/vswitch.h. */
#include "switch/switch.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/hash.h"
#include "bridge/port_list.h"
#include "switch/turns.h"

const char *vs_drop_name(uint32_t reason)
{
    static const char *const names[] = {
        [VS_DROP_RX_SHORT] = "rx-short",
        [VS_DROP_RX_TRUNCATED] = "rx-truncated",
        [VS_DROP_RX_OFFLOAD] = "rx-offload",
        [VS_DROP_NO_BUFFER] = "no-buffer",
        [VS_DROP_PORT_DOWN] = "port-down",
        [VS_DROP_TABLE_MISS] = "table-miss",
        [VS_DROP_RULE] = "rule",
        [VS_DROP_NO_PORT] = "no-port",
        [VS_DROP_OUTPUT_DOWN] = "output-down",
        [VS_DROP_OUTPUT_SELF] = "output-self",
        [VS_DROP_TTL] = "ttl",
        [VS_DROP_MTU] = "mtu",
        [VS_DROP_TX_FULL] = "tx-full",
        [VS_DROP_TX_ERROR] = "tx-error",
        [VS_DROP_PACKET_IN_FULL] = "packet-in-full",
        [VS_DROP_TOO_DEEP] = "too-deep",
        [VS_DROP_RESERVED] = "reserved-address",
        [VS_DROP_GROUP] = "group",
        [VS_DROP_METER] = "meter",
        [VS_DROP_QUEUE_FULL] = "queue-full",
        [VS_DROP_VLAN] = "vlan",
        [VS_DROP_FLOOD_LIMIT] = "flood-limit",
        [VS_DROP_NO_IN_PORT] = "no-in-port",
        [VS_DROP_BUFFER_SHARE] = "buffer-share",
    };
    _Static_assert(sizeof names / sizeof names[0] == VS_DROP_LIMIT, "every drop has a name");
    return reason < VS_DROP_LIMIT ? names[reason] : NULL;
}

static int complete(vs_config *c, vs_error *error)
{
    enum { MOST_RULES = 100000000 };
    c->max_rules = c->max_rules ? c->max_rules : 1000000;
    c->cache_entries = c->cache_entries ? c->cache_entries : 65536;
    c->max_buffers = c->max_buffers ? c->max_buffers : 16384;
    if (c->max_rules > MOST_RULES)
        return error_set(error, -EINVAL, "%u rules: a switch holds at most %u", c->max_rules, MOST_RULES);
    if (c->cache_entries & (c->cache_entries - 1))
        return error_set(error, -EINVAL, "a flow cache of %u entries: the number must be a power of two",
                         c->cache_entries);
    return 0;
}

static uint64_t random_seed(uint32_t wanted)
{
    uint64_t seed = wanted;
    if (!wanted && getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    return seed;
}

vs_switch *vs_switch_new(const vs_config *config, uint64_t now_ns, vs_error *error)
{
    vs_config c = *config;
    if (complete(&c, error))
        return NULL;
    struct vs_switch *sw = must_calloc(1, sizeof *sw);
    sw->config = c;
    sw->started_ns = now_ns;
    epoch_init(&sw->world.epoch);
    sw->world.max_rules = c.max_rules;
    /* Twice: a transaction may replace every rule, and the old ones keep theirs until they are settled. */
    slots_init(&sw->world.slots, 2 * c.max_rules + OBJECT_SLOTS + MAX_BRIDGES * 2 * N_TABLES + MAX_STATIONS);
    sw->world.seed = random_seed(c.seed);
    atomic_init(&sw->world.version, 1);
    atomic_init(&sw->ports, must_calloc(1, sizeof(struct poll_list)));
    events_init(&sw->events);
    sw->world.select_seed =
        hash_end(hash_mix(sw->world.seed, 1)); /* the journal is in other hands too: not the seed itself */
    if (journal_make(&sw->journal, sw->world.select_seed))
        sw->journal.failed = true; /* forwarding matters more: a restart will then ask the controllers */
    sw->upcall_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    MUST(sw->upcall_fd >= 0);
    sw->worker = worker_new(&sw->world, &sw->ports, &sw->config, sw->upcall_fd, &sw->told);
    turns_prepare(sw->worker);
    sw->pool = packet_pool_new(TRACE_BUFFERS, TRACE_BUFFERS);
    sw->stages = stages_new();
    sw->compositions = must_calloc(WORKER_LEVELS, sizeof *sw->compositions);
    for (unsigned i = 0; i < WORKER_LEVELS; i++)
        sw->compositions[i].stages = sw->stages;
    return sw;
}

void vs_switch_free(vs_switch *sw)
{
    if (!sw)
        return;
    vs_switch_stop(sw);
    while (sw->n_bridges)
        switch_remove_bridge(sw, sw->bridges[0], 0);
    epoch_destroy(&sw->world.epoch);
    worker_free(sw->worker);
    slots_destroy(&sw->world.slots);
    events_destroy(&sw->events);
    journal_close(&sw->journal);
    switch_end_sessions(sw, 0);
    packet_pool_free(sw->pool);
    bytes_free(&sw->reply);
    free(sw->compositions);
    stages_free(sw->stages);
    free(atomic_load(&sw->ports));
    close(sw->upcall_fd);
    free(sw);
}

long vs_switch_events(vs_switch *sw, uint8_t *out, size_t size, int *fd)
{
    return events_take(&sw->events, out, size, fd);
}

int vs_switch_wakeup_fd(vs_switch *sw) { return sw->upcall_fd; }

void vs_switch_tick(vs_switch *sw, uint64_t now_ns)
{
    uint64_t count;
    ssize_t n = read(sw->upcall_fd, &count, sizeof count);
    (void)n; /* empty is fine */
    switch_drain_upcalls(sw, now_ns, false);
    switch_report_dead_ports(sw);
    switch_expire(sw, now_ns);
    switch_settle(sw, now_ns);
}

unsigned vs_switch_poll(vs_switch *sw, uint64_t now_ns)
{
    MUST(!sw->running);
    unsigned moved = worker_turn(sw->worker, true, now_ns);
    epoch_leave(sw->worker->reader);
    return moved;
}

static uint64_t clock_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t vs_switch_run(vs_switch *sw, uint64_t duration_ns)
{
    enum { TURNS = 64 };
    MUST(!sw->running);
    uint64_t end = clock_of(CLOCK_MONOTONIC) + duration_ns, cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t now; (now = clock_of(CLOCK_MONOTONIC)) < end;)
        for (unsigned i = 0; i < TURNS; i++)
            worker_turn(sw->worker, true, now);
    epoch_leave(sw->worker->reader);
    return clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
}

int vs_switch_start(vs_switch *sw, unsigned threads)
{
    if (threads != MAX_WORKERS)
        return -EOPNOTSUPP; /* ports would need owners: one thread for now */
    if (sw->running)
        return -EALREADY;
    atomic_store(&sw->worker->stop, false);
    int code = pthread_create(&sw->worker->thread, NULL, worker_main, sw->worker);
    sw->running = code == 0;
    return -code;
}

void vs_switch_stop(vs_switch *sw)
{
    if (!sw->running)
        return;
    atomic_store(&sw->worker->stop, true);
    worker_wake(sw->worker);
    pthread_join(sw->worker->thread, NULL);
    sw->running = false;
}

void vs_switch_stats_get(vs_switch *sw, vs_switch_stats *out)
{
    const struct worker *w = sw->worker;
    *out = (vs_switch_stats){
        .hits = w->stats.hits,
        .misses = w->stats.misses,
        .stale = w->stats.stale,
        .evictions = w->cache ? cache_evictions(w->cache) : 0,
        .rules = sw->world.n_rules,
        .version = sw->world.version + sw->world.station_changes,
        .packet_ins_lost = sw->events.lost,
        .bad_messages = sw->bad_messages,
    };
}

static struct port *mem_port(vs_switch *sw, uint32_t bridge, uint32_t number)
{
    struct bridge *b = switch_bridge(sw, bridge);
    struct port *port = b ? bridge_port(b, number) : NULL;
    MUST(!sw->running);
    return port && port->ops == &port_mem ? port : NULL;
}

int vs_mem_send(vs_switch *sw, uint32_t bridge, uint32_t number, const uint8_t *frame, size_t size)
{
    struct port *port = mem_port(sw, bridge, number);
    return port ? port_mem_put(port, sw->worker->pool, frame, size) : -ENOENT;
}

long vs_mem_receive(vs_switch *sw, uint32_t bridge, uint32_t number, uint8_t *out, size_t size)
{
    struct port *port = mem_port(sw, bridge, number);
    return port ? port_mem_take(port, out, size) : -ENOENT;
}
