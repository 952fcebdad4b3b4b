/* See worker.h. */
#include "switch/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

enum { UPCALL_RING = 4 << 20, STATION_RING = 256 << 10, LARGE_BUFFERS = 512 };

static int add_to_epoll(struct worker *w, int fd, uint32_t data)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = data};
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void *map_zeroes(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(p != MAP_FAILED);
    return p;
}

struct worker *worker_new(struct world *world, _Atomic(struct poll_list *) *ports, const vs_config *config,
                          int upcall_fd, _Atomic bool *told)
{
    struct worker *w = must_calloc(1, sizeof *w);
    w->world = world;
    w->ports = ports;
    w->upcall_fd = upcall_fd;
    w->told = told;
    w->stages = stages_new();
    w->backlogs = map_zeroes(OUTLET_PORTS * sizeof *w->backlogs);
    w->compositions = must_calloc(WORKER_LEVELS, sizeof *w->compositions);
    for (unsigned i = 0; i < WORKER_LEVELS; i++)
        w->compositions[i].stages = w->stages;
    outlet_init(&w->executor.outlet);
    ring_init(&w->upcalls, UPCALL_RING);
    ring_init(&w->stations, STATION_RING);
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
    MUST(w->epoll >= 0 && w->wake_fd >= 0 && !add_to_epoll(w, w->wake_fd, WORKER_WAKE));
    return w;
}

void worker_free(struct worker *w)
{
    outlet_destroy(&w->executor.outlet);
    ring_destroy(&w->upcalls);
    ring_destroy(&w->stations);
    ring_destroy(&w->injections);
    cache_free(w->cache);
    stages_free(w->stages);
    free(w->compositions);
    munmap(w->backlogs, OUTLET_PORTS * sizeof *w->backlogs);
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
    /* Either it sees what was put into the ring before this, or we see that it sleeps. */
    if (atomic_exchange(&w->sleeping, false)) {
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
