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
                          .table = a->table, .cookie = a->origin.cookie, .metadata = a->origin.metadata};
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

/* ---- one batch of packets from one port ---- */

static void count_stat(_Atomic uint64_t *c)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Does a composed list to 'p' and counts it at every rule and table on its way: those it came to. */
static void act_on(struct worker *w, const struct action *actions, unsigned n, const uint32_t *slots, unsigned n_slots, struct port *in, struct packet *p)
{
    uint64_t packets = 1, bytes = p->len;
    if (p->gso_type)
        gso_wire(p, &packets, &bytes);
    const struct action *end = actions_execute(&w->executor, actions, n, in, p);
    if (end && end->kind == ACT_DEC_TTL)
        n_slots = end->n_slots;
    for (unsigned i = 0; i < n_slots; i++)
        slot_add(&w->counts[slots[i]], packets, bytes);
}

struct batch {
    struct bridge *bridge;
    struct port *in;
    const struct key_shape *shape;
    uint64_t version;
    unsigned n;
    struct packet *packets[PORT_BATCH];
    struct cache_entry *found[PORT_BATCH];
    struct key keys[PORT_BATCH];
    struct packed_key packed[PORT_BATCH];
};

/* Through the tables; what was found goes to 'entry' (stale) or to a new one. */
static void act_by_tables(struct worker *w, struct batch *b, unsigned i, struct cache_entry *entry)
{
    struct composition *c = &w->composition;
    struct packet *p = b->packets[i];
    compose_tables(c, b->bridge, b->version, &b->keys[i], p, NULL);
    struct verdict v;
    if (w->cache && compose_verdict(c, &v)) {
        if (!entry)
            entry = cache_insert(w->cache, &b->packed[i], b->shape);
        memcpy(entry->payload, &v, sizeof v);
        entry->version = b->version;
    }
    if (c->learn)
        tell_station(w, p->in_port, c->learn);
    act_on(w, c->actions, c->n_actions, c->slots, c->n_slots, b->in, p);
}

static void look_up(struct worker *w, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        layout_parse(b->packets[i]);
        key_extract(b->packets[i], &b->keys[i]);
        if (!w->cache)
            continue;
        key_pack(&b->packed[i], &b->keys[i], b->shape, w->world->seed);
        cache_prefetch(w->cache, b->packed[i].hash);
    }
    for (unsigned i = 0; i < b->n && w->cache; i++) {
        b->found[i] = cache_find(w->cache, &b->packed[i], b->shape);
        if (b->found[i])
            __builtin_prefetch(b->found[i]->payload);
    }
}

static void process(struct worker *w, struct batch *b)
{
    bool inserted = false; /* an insert may have replaced what was found: look again from then on */
    w->bridge = b->bridge;
    look_up(w, b);
    for (unsigned i = 0; i < b->n; i++) {
        struct cache_entry *e = w->cache ? b->found[i] : NULL;
        if (inserted)
            e = cache_find(w->cache, &b->packed[i], b->shape);
        if (e && e->version == b->version) {
            count_stat(&w->stats.hits);
            const struct verdict *v = (const struct verdict *)e->payload;
            act_on(w, v->actions, v->n_actions, v->slots, v->n_slots, b->in, b->packets[i]);
            continue;
        }
        count_stat(e ? &w->stats.stale : &w->stats.misses);
        act_by_tables(w, b, i, e);
        inserted = w->cache && (inserted || !e);
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
    b->shape = bridge_shape(from->bridge);
    b->n = from->port->ops->rx(from->port, w->pool, b->packets, PORT_BATCH);
    if (b->n && !receives(from->port))
        drop_all(b, VS_DROP_PORT_DOWN);
    else if (b->n)
        process(w, b);
    return b->n;
}

/* ---- packet-outs ---- */

static void inject(struct worker *w, const struct injection *in, uint64_t version)
{
    const struct action *actions = (const void *)(in + 1);
    struct packet *p = packet_new(w->pool, in->size);
    struct port *port = bridge_port(in->bridge, in->in_port);
    if (!p) {
        if (port)
            port_drop(port, VS_DROP_NO_BUFFER, 1);
        return;
    }
    memcpy(p->data, actions + in->n_actions, in->size);
    p->len = in->size;
    p->in_port = in->in_port;
    layout_parse(p);
    struct key key;
    key_extract(p, &key);
    w->bridge = in->bridge;
    compose_packet_out(&w->composition, in->bridge, version, &key, p, actions, in->n_actions);
    const struct composition *c = &w->composition;
    act_on(w, c->actions, c->n_actions, c->slots, c->n_slots, port, p);
}

/* What is injected counts as done (ring_read) only when it has left. */
static unsigned inject_all(struct worker *w, uint64_t version)
{
    unsigned n = 0;
    size_t size;
    for (uint8_t *record; n < PORT_BATCH && (record = ring_peek(&w->injections, &size)); n++) {
        inject(w, (const struct injection *)(const void *)record, version);
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

static unsigned poll_ports(struct worker *w, uint64_t version, bool everything)
{
    const struct poll_list *list = atomic_load_explicit(w->ports, memory_order_acquire);
    struct batch b;
    unsigned moved = 0;
    b.version = version;
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

unsigned worker_turn(struct worker *w, bool everything)
{
    epoch_enter(&w->world->epoch, w->reader);
    uint64_t version = world_version(w->world);
    unsigned moved = inject_all(w, version);
    moved += poll_ports(w, version, everything);
    outlet_flush(&w->executor.outlet);
    if (w->tell)
        tell_control(w);
    return moved;
}

void worker_inject(struct worker *w)
{
    epoch_enter(&w->world->epoch, w->reader);
    inject_all(w, world_version(w->world));
    outlet_flush(&w->executor.outlet);
    epoch_leave(w->reader);
}

static unsigned find_ready(struct worker *w, int timeout_ms)
{
    struct epoll_event events[64];
    int n = epoll_wait(w->epoll, events, 64, timeout_ms);
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

static void sleep_until_work(struct worker *w)
{
    epoch_leave(w->reader);
    atomic_store(&w->sleeping, true);
    size_t n;
    if (!ring_peek(&w->injections, &n) && !atomic_load(&w->stop))
        find_ready(w, -1);
    atomic_store(&w->sleeping, false);
}

void *worker_main(void *arg)
{
    enum { SPIN_NS = 20000, LOOK_EVERY = 8 };
    struct worker *w = arg;
    uint64_t busy_ns = clock_ns();
    for (unsigned turns = 0; !atomic_load_explicit(&w->stop, memory_order_relaxed); turns++) {
        bool busy = worker_turn(w, false) > 0 || w->restless;
        if (busy && turns % LOOK_EVERY)
            continue;
        if (find_ready(w, 0) || busy)
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
    outlet_init(&w->executor.outlet);
    ring_init(&w->upcalls, UPCALL_RING);
    ring_init(&w->injections, INJECTION_RING);
    w->reader = epoch_register(&world->epoch);
    w->counts = slots_thread(&world->slots);
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
    packet_pool_free(w->pool);
    close(w->epoll);
    close(w->wake_fd);
    free(w);
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
