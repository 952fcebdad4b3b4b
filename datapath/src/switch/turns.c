/* See turns.h. */
#include "switch/turns.h"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "switch/passage.h"
#include "switch/upcalls.h"

enum { FIND_MOST = 64 };

/* ---- what packets ask for on their way ---- */

static bool enqueue(struct executor *executor, struct port *to, uint32_t queue, struct packet *p)
{
    struct worker *w = (struct worker *)executor;
    return lanes_put(&w->lanes, to, queue, p, w->executor.now_ns);
}

void turns_prepare(struct worker *w)
{
    w->executor.to_controller = upcall_packet;
    w->executor.go_on = passage_go_on;
    w->executor.enqueue = enqueue;
}

/* ---- ports ---- */

static bool receives(const struct port *port)
{
    uint32_t config = atomic_load_explicit(&port->config, memory_order_relaxed);
    return !(config & (VS_PC_PORT_DOWN | VS_PC_NO_RECV));
}

static void drop_all(struct port *in, struct packet *const *packets, unsigned n, vs_drop reason)
{
    for (unsigned i = 0; i < n; i++) {
        port_drop(in, reason, packets[i]);
        packet_release(packets[i]);
    }
}

/* How many packets may have to wait for the tables: where none does, any one port's.  When buffers are short, what is
 * on its way leaves first; if they are short even so, none. */
static unsigned backlog_room(struct worker *w, const struct bridge *b)
{
    if (packet_pool_short(w->pool)) {
        outlet_flush(&w->executor.outlet);
        if (packet_pool_short(w->pool))
            return 0;
    }
    if (!w->n_waiting)
        return PORT_BATCH;
    uint32_t small = packet_class_backlog_room(&w->pool->small, b->backlog[0]);
    uint32_t large = packet_class_backlog_room(&w->pool->large, b->backlog[1]); /* nobody knows what comes */
    return small < large ? small : large;
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

static unsigned take_in(struct worker *w, const struct polled *from, struct packet **packets, unsigned n,
                        unsigned *misses)
{
    if (receives(from->port))
        return passage_batch(w, from->bridge, from->port, packets, n, misses);
    drop_all(from->port, packets, n, VS_DROP_PORT_DOWN);
    return n;
}

/* At most a batch, and never more at once than pass or find room to wait: so where there is no room, what is in the
 * cache passes even so, one by one, until something isn't. */
static unsigned receive(struct worker *w, const struct polled *from, bool *drained)
{
    struct packet *packets[PORT_BATCH];
    struct port *in = from->port;
    unsigned misses = MISSES_A_TURN, got = 0, moved = 0, n, most;
    do {
        most = least(PORT_BATCH - got, misses + backlog_room(w, from->bridge));
        if (!most)
            return moved;
        got += n = in->ops->rx(in, w->pool, packets, most);
        *drained = n < most;
        moved += n ? take_in(w, from, packets, n, &misses) : 0;
    } while (!*drained && got < PORT_BATCH && !w->backlogs[in->index].n);
    return moved;
}

/* Packets moved; '*drained': the port has no more. */
static unsigned poll_port(struct worker *w, const struct polled *from, bool *drained)
{
    *drained = false;
    return w->backlogs[from->port->index].n ? passage_backlog(w, from->port) : receive(w, from, drained);
}

/* ---- what is injected ---- */

static void inject_rate(struct worker *w, const struct injection *in)
{
    queue_set_rate(in->queue, in->rate, w->executor.now_ns);
}
static void inject_let_go(struct worker *w, const struct injection *in) { in->let_go(w, in->object); }

static void (*const injectors[])(struct worker *, const struct injection *) = {
    [INJECT_PACKET] = passage_inject,
    [INJECT_RATE] = inject_rate,
    [INJECT_LET_GO] = inject_let_go,
};

/* First in every turn, and a share of it at most: floods of others don't keep it waiting, nor it them.  What is
 * injected counts as done (ring_read) only when it has left. */
static unsigned inject_all(struct worker *w)
{
    unsigned n = 0;
    size_t size;
    uint64_t before = w->executor.worked;
    for (uint8_t *record;
         n < PORT_BATCH && w->executor.worked - before < SHARE && (record = ring_peek(&w->injections, &size)); n++) {
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
    if (index < OUTLET_PORTS)
        w->ready[index] = 1;
}

/* Its share of the turn. */
static unsigned serve(struct worker *w, const struct polled *at, bool *drained)
{
    uint64_t before = w->executor.worked;
    unsigned n = poll_port(w, at, drained);
    share_ends(&at->bridge->share, &at->port->share, w->executor.worked - before + n);
    return n;
}

static unsigned poll_ports(struct worker *w, bool everything)
{
    const struct poll_list *list = atomic_load_explicit(w->ports, memory_order_acquire);
    unsigned moved = 0;
    w->restless = w->owed = false;
    uint64_t turn = atomic_load_explicit(&w->turn, memory_order_relaxed) + 1;
    atomic_store_explicit(&w->turn, turn, memory_order_relaxed);
    for (uint32_t i = 0; i < list->n; i++) {
        struct port *port = list->ports[i].port;
        if (!everything && !w->ready[port->index] && !port->always)
            continue;
        if (!share_begins(&list->ports[i].bridge->share, &port->share, turn)) {
            w->owed = true;
            continue;
        }
        bool drained;
        moved += serve(w, &list->ports[i], &drained);
        if (drained && !w->backlogs[port->index].n)
            w->ready[port->index] = 0;
        w->restless |= port->always && port->fd >= 0;
        if (atomic_load_explicit(&port->dead, memory_order_relaxed))
            w->tell = true;
    }
    return moved;
}

/* What it said to the control thread needs no clearing: all of it has been taken before the index is given again. */
void worker_let_go(struct worker *w, struct port *port)
{
    lanes_let_go(&w->lanes, port);
    passage_forget(w, port);
    if (port->ops->let_go)
        port->ops->let_go(port);
    w->ready[port->index] = 0;
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
    do
        moved += poll_ports(w, everything);
    while (!moved && w->owed); /* nobody but those who owe: they have paid in some turns */
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

static unsigned find_some_ready(struct worker *w, const struct timespec *timeout)
{
    struct epoll_event events[FIND_MOST];
    int n = epoll_pwait2(w->epoll, events, FIND_MOST, timeout, NULL);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 != WORKER_WAKE) {
            mark_ready(w, events[i].data.u32);
            continue;
        }
        uint64_t count;
        ssize_t got = read(w->wake_fd, &count, sizeof count);
        (void)got;
    }
    return n > 0 ? (unsigned)n : 0;
}

/* All that are: one that stood behind many others would be found some turns late. */
static unsigned find_ready(struct worker *w, const struct timespec *timeout)
{
    static const struct timespec at_once = {0};
    unsigned n = find_some_ready(w, timeout), all = n;
    while (n == FIND_MOST && all < OUTLET_PORTS) {
        n = find_some_ready(w, &at_once);
        all += n;
    }
    return all;
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
    uint64_t next = w->lanes.n ? lanes_next_ns(&w->lanes) : UINT64_MAX, now = clock_ns(),
             left = next > now ? next - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
    epoch_leave(w->reader);
    atomic_exchange(&w->sleeping, true); /* against worker_wake: of two exchanges one comes first */
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
    uint64_t now_ns = clock_ns(), busy_ns = now_ns, looked = 0;
    for (unsigned turns = 0; !atomic_load_explicit(&w->stop, memory_order_relaxed); turns++) {
        if (atomic_load_explicit(&w->world->n_timed, memory_order_relaxed))
            now_ns = clock_ns();
        bool busy = worker_turn(w, false, now_ns) > 0 || w->restless;
        if (busy && !w->n_waiting && turns % LOOK_EVERY && w->executor.worked - looked < SHARE)
            continue; /* but who waits for tables lets others come first, and who floods */
        looked = w->executor.worked;
        if (find_ready(w, &at_once) || busy)
            busy_ns = clock_ns();
        else if (clock_ns() - busy_ns > SPIN_NS)
            sleep_until_work(w);
    }
    epoch_leave(w->reader);
    return NULL;
}
