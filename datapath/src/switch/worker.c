/* See worker.h. */
#include "switch/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "flow/extract.h"
#include "packet/checksum.h"
#include "packet/gso.h"
#include "packet/parse.h"

enum { UPCALL_RING = 4 << 20, INJECTION_RING = 1 << 20, LARGE_BUFFERS = 256, WAKE = UINT32_MAX };

/* ---- packets for the controller ---- */

static bool tell_one(struct worker *w, const struct packet *p, const struct action *a)
{
    struct upcall *up = (void *)ring_reserve(&w->upcalls, sizeof *up + p->len);
    if (!up)
        return false;
    *up = (struct upcall){.bridge = w->bridge->id, .in_port = p->in_port, .size = p->len, .reason = a->reason,
                          .table = a->table, .cookie = a->origin.cookie, .metadata = a->origin.metadata, .tunnel_id = a->tunnel_id};
    memcpy(up + 1, p->data, p->len);
    ring_commit(&w->upcalls, sizeof *up + p->len);
    w->tell = true;
    return true;
}

/* A super-frame goes as the frames it stands for, a deferred checksum is completed. */
static unsigned as_wired(const struct packet *p, struct packet **out)
{
    if (p->gso_type)
        return gso_segment(p, out, GSO_MAX_SEGMENTS);
    out[0] = packet_copy(p);
    if (out[0] && (out[0]->offload & PACKET_NEEDS_CSUM))
        checksum_complete(out[0]);
    return out[0] != NULL;
}

static void to_controller(struct executor *executor, struct port *in, const struct packet *p, const struct action *a)
{
    struct worker *w = (struct worker *)executor;
    if (in && atomic_load_explicit(&in->config, memory_order_relaxed) & VS_PC_NO_PACKET_IN)
        return;
    bool told = true;
    if (!p->gso_type && !(p->offload & PACKET_NEEDS_CSUM)) {
        told = tell_one(w, p, a);
    } else {
        struct packet *wired[GSO_MAX_SEGMENTS];
        unsigned n = as_wired(p, wired);
        told = n > 0;
        for (unsigned i = 0; i < n; i++) {
            told = tell_one(w, wired[i], a) && told;
            packet_release(wired[i]);
        }
    }
    if (!told && in)
        port_drop(in, VS_DROP_PACKET_IN_FULL, 1);
}

static bool enqueue(struct executor *executor, struct port *to, uint32_t queue, struct packet *p)
{
    struct worker *w = (struct worker *)executor;
    return lanes_put(&w->lanes, to, queue, p, w->executor.now_ns);
}

/* A full ring is no harm: the next packet of that station tells again. */
static void tell_station(struct worker *w, uint32_t in_port, uint64_t station)
{
    struct upcall *up = (void *)ring_reserve(&w->upcalls, sizeof *up);
    if (!up)
        return;
    *up = (struct upcall){.kind = UPCALL_LEARN, .bridge = w->bridge->id, .in_port = in_port, .cookie = station};
    ring_commit(&w->upcalls, sizeof *up);
    w->tell = true;
}

static void count_stat(_Atomic uint64_t *c)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1, memory_order_relaxed);
}

struct batch {
    struct bridge *bridge;
    struct port *in;
    unsigned n;
    struct packet *packets[PORT_BATCH];
    struct cache_entry *found[PORT_BATCH];
    struct key keys[PORT_BATCH];
    struct packed_key packed[PORT_BATCH];
};

/* ---- one packet: a composed list is carried out, and the packet may come back for a further stage ---- */

/* A packet on its way: where it came from, and what it counts for. */
struct passage {
    struct port *in;
    struct packet *p;
    uint64_t packets, bytes; /* on the wire, when it came */
};

static void carry_out(struct worker *w, const struct itinerary *list, const struct passage *on)
{
    w->level++;
    actions_execute(&w->executor, list, on->in, on->p, on->packets, on->bytes);
    w->level--;
}

static void carry_out_composed(struct worker *w, const struct composition *c, const struct passage *on)
{
    carry_out(w, &(struct itinerary){c->actions, c->slots, c->n_actions, c->n_slots}, on);
}

/* A copy where the packet may come back: that may put something else in the entry's place. */
static void carry_out_cached(struct worker *w, const struct verdict *v, const struct passage *on)
{
    struct verdict copy;
    if (v->continues) {
        copy = *v;
        v = &copy;
    }
    carry_out(w, &(struct itinerary){v->actions, v->slots, v->n_actions, v->n_slots}, on);
}

/* An entry whose stages are gone is as good as none. */
static bool is_current(struct worker *w, const struct cache_entry *e)
{
    const struct verdict *v = (const struct verdict *)e->payload;
    if (e->version != w->version)
        return false;
    for (unsigned i = 0; v->continues && i < v->n_actions; i++)
        if (v->actions[i].kind == ACT_CONTINUE && !stages_find(w->stages, v->actions[i].stage))
            return false;
    return true;
}

static void keep(struct worker *w, const struct composition *c, const struct packed_key *key, struct cache_entry *entry)
{
    struct verdict v;
    if (!w->cache || !key || !compose_verdict(c, &v))
        return;
    if (!entry) {
        entry = cache_insert(w->cache, key, w->shape);
        w->inserts++;
    }
    memcpy(entry->payload, &v, sizeof v);
    entry->version = w->version;
}

/* Through the tables, or on from a stage; what was found goes to 'entry' (stale) or to a new one. */
static void by_tables(struct worker *w, const struct stage *stage, const struct key *key, const struct packed_key *packed,
                      struct cache_entry *entry, const struct passage *on)
{
    struct composition *c = &w->compositions[w->level];
    count_stat(entry ? &w->stats.stale : &w->stats.misses);
    if (stage)
        compose_stage(c, stage, w->version, key, NULL);
    else
        compose_tables(c, w->bridge, w->version, key, NULL);
    keep(w, c, packed, entry);
    if (c->learn)
        tell_station(w, on->p->in_port, c->learn);
    carry_out_composed(w, c, on);
}

static void go_on(struct executor *executor, struct port *in, struct packet *p, uint64_t id, uint64_t packets, uint64_t bytes)
{
    struct worker *w = (struct worker *)executor;
    struct passage on = {in, p, packets, bytes};
    const struct stage *stage = stages_find(w->stages, id);
    struct cache_entry *e = NULL;
    struct packed_key packed;
    struct key key;
    MUST(stage); /* it is in use by this very packet */
    if (w->level == WORKER_LEVELS) {
        if (in)
            port_drop(in, VS_DROP_TOO_DEEP, 1);
        packet_release(p);
        return;
    }
    key_extract(p, &key);
    stage_fill(stage, &key);
    bool caches = w->cache && !stage->state.transient;
    if (caches) {
        key_pack(&packed, &key, w->shape, id, w->world->seed);
        e = cache_find(w->cache, &packed, w->shape);
    }
    if (e && is_current(w, e)) {
        count_stat(&w->stats.hits);
        carry_out_cached(w, (const struct verdict *)e->payload, &on);
    } else {
        by_tables(w, stage, &key, caches ? &packed : NULL, e, &on);
    }
}

/* ---- one batch of packets from one port ---- */

static void look_up(struct worker *w, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        layout_parse(b->packets[i]);
        key_extract(b->packets[i], &b->keys[i]);
        if (!w->cache)
            continue;
        key_pack(&b->packed[i], &b->keys[i], w->shape, 0, w->world->seed);
        cache_prefetch(w->cache, b->packed[i].hash);
    }
    for (unsigned i = 0; i < b->n && w->cache; i++) {
        b->found[i] = cache_find(w->cache, &b->packed[i], w->shape);
        if (b->found[i])
            __builtin_prefetch(b->found[i]->payload);
    }
}

static void process(struct worker *w, struct batch *b)
{
    uint64_t inserts = w->inserts;
    w->bridge = b->bridge;
    w->shape = bridge_shape(b->bridge);
    look_up(w, b);
    for (unsigned i = 0; i < b->n; i++) {
        struct passage on = {b->in, b->packets[i], 1, b->packets[i]->len};
        struct cache_entry *e = w->cache ? b->found[i] : NULL;
        if (w->cache && w->inserts != inserts) /* one may have replaced what was found */
            e = cache_find(w->cache, &b->packed[i], w->shape);
        if (on.p->gso_type)
            gso_wire(on.p, &on.packets, &on.bytes);
        stages_next_packet(w->stages);
        if (e && is_current(w, e)) {
            count_stat(&w->stats.hits);
            carry_out_cached(w, (const struct verdict *)e->payload, &on);
        } else {
            by_tables(w, NULL, &b->keys[i], w->cache ? &b->packed[i] : NULL, e, &on);
        }
    }
}

static bool receives(const struct port *port)
{
    uint32_t config = atomic_load_explicit(&port->config, memory_order_relaxed);
    return !(config & (VS_PC_PORT_DOWN | VS_PC_NO_RECV));
}

static void drop_all(struct batch *b, vs_drop reason)
{
    port_drop(b->in, reason, b->n);
    for (unsigned i = 0; i < b->n; i++)
        packet_release(b->packets[i]);
}

static unsigned poll_port(struct worker *w, const struct polled *from, struct batch *b)
{
    b->bridge = from->bridge;
    b->in = from->port;
    b->n = from->port->ops->rx(from->port, w->pool, b->packets, PORT_BATCH);
    if (b->n && !receives(from->port))
        drop_all(b, VS_DROP_PORT_DOWN);
    else if (b->n)
        process(w, b);
    return b->n;
}

/* ---- packet-outs ---- */

static void inject_packet(struct worker *w, const struct injection *in)
{
    const struct action *actions = (const void *)(in + 1);
    struct composition *c = &w->compositions[0];
    struct passage on = {bridge_port(in->bridge, in->in_port), packet_new(w->pool, in->size), 1, in->size};
    struct key key;
    if (!on.p) {
        if (on.in)
            port_drop(on.in, VS_DROP_NO_BUFFER, 1);
        return;
    }
    memcpy(on.p->data, actions + in->n_actions, in->size);
    on.p->len = in->size;
    on.p->in_port = in->in_port;
    layout_parse(on.p);
    key_extract(on.p, &key);
    w->bridge = in->bridge;
    w->shape = bridge_shape(in->bridge);
    stages_next_packet(w->stages);
    compose_packet_out(c, in->bridge, w->version, &key, actions, in->n_actions);
    carry_out_composed(w, c, &on);
}

static void inject_rate(struct worker *w, const struct injection *in) { queue_set_rate(in->queue, in->rate, w->executor.now_ns); }
static void inject_drop(struct worker *w, const struct injection *in) { (void)w; lanes_drop(in->port, in->queue); }
static void inject_forget(struct worker *w, const struct injection *in) { lanes_forget(&w->lanes, in->port); }

static void (*const injectors[])(struct worker *, const struct injection *) = {
    [INJECT_PACKET] = inject_packet, [INJECT_RATE] = inject_rate, [INJECT_DROP] = inject_drop, [INJECT_FORGET] = inject_forget,
};

/* What is injected counts as done (ring_read) only when it has left. */
static unsigned inject_all(struct worker *w)
{
    unsigned n = 0;
    size_t size;
    for (uint8_t *record; n < PORT_BATCH && (record = ring_peek(&w->injections, &size)); n++) {
        const struct injection *in = (const void *)record;
        injectors[in->kind](w, in);
        outlet_flush(&w->executor.outlet);
        ring_consume(&w->injections);
    }
    return n;
}

/* ---- turns ---- */

static void mark_ready(struct worker *w, uint32_t index)
{
    if (index < OUTLET_PORTS && !w->ready[index]) {
        w->ready[index] = 1;
        w->n_ready++;
    }
}

static void mark_drained(struct worker *w, uint32_t index)
{
    if (w->ready[index]) {
        w->ready[index] = 0;
        w->n_ready--;
    }
}

static unsigned poll_ports(struct worker *w, bool everything)
{
    const struct poll_list *list = atomic_load_explicit(w->ports, memory_order_acquire);
    struct batch b;
    unsigned moved = 0;
    w->restless = false;
    for (uint32_t i = 0; i < list->n; i++) {
        struct port *port = list->ports[i].port;
        if (!everything && !w->ready[port->index] && !port->always)
            continue;
        unsigned n = poll_port(w, &list->ports[i], &b);
        if (n < PORT_BATCH)
            mark_drained(w, port->index);
        w->restless |= port->always && port->fd >= 0;
        if (atomic_load_explicit(&port->dead, memory_order_relaxed))
            w->tell = true;
        moved += n;
    }
    return moved;
}

static void tell_control(struct worker *w)
{
    w->tell = false;
    if (!atomic_exchange(w->told, true)) {
        uint64_t one = 1;
        ssize_t n = write(w->upcall_fd, &one, sizeof one);
        (void)n; /* the counter of an eventfd can't overflow with one writer who asks first */
    }
}

static void begin(struct worker *w)
{
    epoch_enter(&w->world->epoch, w->reader);
    w->version = world_version(w->world);
}

unsigned worker_turn(struct worker *w, bool everything, uint64_t now_ns)
{
    begin(w);
    w->executor.now_ns = now_ns;
    unsigned moved = inject_all(w);
    moved += poll_ports(w, everything);
    if (w->lanes.n)
        moved += lanes_release(&w->lanes, &w->executor.outlet, now_ns);
    outlet_flush(&w->executor.outlet);
    if (w->tell)
        tell_control(w);
    return moved;
}

void worker_inject(struct worker *w)
{
    begin(w);
    inject_all(w);
    outlet_flush(&w->executor.outlet);
    epoch_leave(w->reader);
}

static unsigned find_ready(struct worker *w, const struct timespec *timeout)
{
    struct epoll_event events[64];
    int n = epoll_pwait2(w->epoll, events, 64, timeout, NULL);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 != WAKE) {
            mark_ready(w, events[i].data.u32);
            continue;
        }
        uint64_t count;
        ssize_t got = read(w->wake_fd, &count, sizeof count);
        (void)got;
    }
    return n > 0 ? (unsigned)n : 0;
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Until a port has something, somebody wakes us, or a queue may let something go. */
static void sleep_until_work(struct worker *w)
{
    uint64_t next = w->lanes.n ? lanes_next_ns(&w->lanes) : UINT64_MAX, now = clock_ns(), left = next > now ? next - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
    epoch_leave(w->reader);
    atomic_store(&w->sleeping, true);
    size_t n;
    if (!ring_peek(&w->injections, &n) && !atomic_load(&w->stop))
        find_ready(w, next == UINT64_MAX ? NULL : &timeout);
    atomic_store(&w->sleeping, false);
}

void *worker_main(void *arg)
{
    enum { SPIN_NS = 20000, LOOK_EVERY = 8 };
    static const struct timespec at_once = {0};
    struct worker *w = arg;
    uint64_t now_ns = clock_ns(), busy_ns = now_ns;
    for (unsigned turns = 0; !atomic_load_explicit(&w->stop, memory_order_relaxed); turns++) {
        if (atomic_load_explicit(&w->world->n_timed, memory_order_relaxed))
            now_ns = clock_ns();
        bool busy = worker_turn(w, false, now_ns) > 0 || w->restless;
        if (busy && turns % LOOK_EVERY)
            continue;
        if (find_ready(w, &at_once) || busy)
            busy_ns = clock_ns();
        else if (clock_ns() - busy_ns > SPIN_NS)
            sleep_until_work(w);
    }
    epoch_leave(w->reader);
    return NULL;
}

/* ---- making and waking ---- */

static int add_to_epoll(struct worker *w, int fd, uint32_t data)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = data};
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

struct worker *worker_new(struct world *world, _Atomic(struct poll_list *) *ports, const vs_config *config, int upcall_fd, _Atomic bool *told)
{
    struct worker *w = must_calloc(1, sizeof *w);
    w->world = world;
    w->ports = ports;
    w->upcall_fd = upcall_fd;
    w->told = told;
    w->executor.to_controller = to_controller;
    w->executor.go_on = go_on;
    w->executor.enqueue = enqueue;
    w->stages = stages_new();
    w->compositions = must_calloc(WORKER_LEVELS, sizeof *w->compositions);
    for (unsigned i = 0; i < WORKER_LEVELS; i++)
        w->compositions[i].stages = w->stages;
    outlet_init(&w->executor.outlet);
    ring_init(&w->upcalls, UPCALL_RING);
    ring_init(&w->injections, INJECTION_RING);
    w->reader = epoch_register(&world->epoch);
    w->executor.counts = slots_thread(&world->slots);
    w->pool = packet_pool_new(config->max_buffers, LARGE_BUFFERS);
    MUST(w->pool);
    if (config->cache_entries > 1) {
        w->cache = cache_new(config->cache_entries, sizeof(struct verdict));
        MUST(w->cache);
    }
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    MUST(w->epoll >= 0 && w->wake_fd >= 0 && !add_to_epoll(w, w->wake_fd, WAKE));
    return w;
}

void worker_free(struct worker *w)
{
    outlet_destroy(&w->executor.outlet);
    ring_destroy(&w->upcalls);
    ring_destroy(&w->injections);
    cache_free(w->cache);
    stages_free(w->stages);
    free(w->compositions);
    packet_pool_free(w->pool);
    close(w->epoll);
    close(w->wake_fd);
    free(w);
}

bool worker_put(struct worker *w, const void *record, size_t size)
{
    uint8_t *at = ring_reserve(&w->injections, size);
    if (!at)
        return false;
    memcpy(at, record, size);
    ring_commit(&w->injections, size);
    return true;
}

void worker_wake(struct worker *w)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&w->sleeping)) {
        uint64_t one = 1;
        ssize_t n = write(w->wake_fd, &one, sizeof one);
        (void)n;
    }
}

int worker_watch(struct worker *w, const struct port *port)
{
    return port->fd < 0 ? 0 : add_to_epoll(w, port->fd, port->index);
}

void worker_unwatch(struct worker *w, const struct port *port)
{
    if (port->fd >= 0)
        epoll_ctl(w->epoll, EPOLL_CTL_DEL, port->fd, NULL);
}
