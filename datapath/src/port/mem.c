/* Memory ports: two bounded queues of packets, for tests and for programs that embed a switch.
 *
 * What is put in comes out of rx; what is sent waits until it is taken.  Frames leave as
 * they would on a wire: super-frames segmented, checksums complete.  Everything happens
 * on the thread that polls the port (memory mode has only one).  A packet may wait in
 * the queues of several ports at once (several outputs share one payload), so the queues
 * hold pointers and leave packet->next alone.  Each takes what is its share of the buffers (packet.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "packet/gso.h"
#include "port/kind.h"

enum { QUEUE_FRAMES = 4096 };

struct fifo {
    unsigned first, count;
    struct packet *slots[QUEUE_FRAMES];
};

struct mem_port {
    struct port port;
    struct fifo rx, tx;
};

static bool fifo_put(struct fifo *q, struct packet *p)
{
    if (q->count == QUEUE_FRAMES)
        return false;
    q->slots[(q->first + q->count++) % QUEUE_FRAMES] = p;
    return true;
}

static struct packet *fifo_take(struct fifo *q)
{
    if (!q->count)
        return NULL;
    struct packet *p = q->slots[q->first];
    q->first = (q->first + 1) % QUEUE_FRAMES;
    q->count--;
    return p;
}

static void queue_empty(struct fifo *q)
{
    for (struct packet *p; (p = fifo_take(q));)
        packet_release(p);
}

static struct port *mem_open(const vs_port_spec *spec, int fd, vs_error *error)
{
    if (fd >= 0)
        close(fd);
    struct mem_port *mem = port_make(sizeof *mem, &port_mem, spec, -1);
    (void)error; /* nothing here can fail */
    mem->port.always = true;
    return &mem->port;
}

static void mem_let_go(struct port *port)
{
    struct mem_port *mem = (struct mem_port *)port;
    queue_empty(&mem->rx);
    queue_empty(&mem->tx);
}

static void mem_close(struct port *port)
{
    struct mem_port *mem = (struct mem_port *)port;
    MUST(!mem->rx.count && !mem->tx.count);
    free(mem);
}

static unsigned mem_rx(struct port *port, struct packet_pool *pool, struct packet **out, unsigned max)
{
    struct mem_port *mem = (struct mem_port *)port;
    unsigned n = 0;
    (void)pool; /* port_mem_put has the buffers */
    for (struct packet *p; n < max && (p = fifo_take(&mem->rx));)
        if (port_accept(port, p))
            out[n++] = p;
    port_count_rx(port, out, n);
    return n;
}

static void mem_tx(struct port *port, struct packet *const *packets, unsigned n)
{
    struct mem_port *mem = (struct mem_port *)port;
    struct packet *frames[GSO_MAX_SEGMENTS];
    for (unsigned i = 0; i < n; i++) {
        unsigned count = port_wire_frames(port, packets[i], frames);
        for (unsigned j = 0; j < count; j++) {
            bool fair = packet_may_wait(frames[j], mem->tx.count, SHARE_OF_PORT);
            if (fair && fifo_put(&mem->tx, frames[j])) {
                port_count_tx(port, &frames[j], 1);
            } else {
                port_tx_drop(port, fair ? VS_DROP_TX_FULL : VS_DROP_BUFFER_SHARE, frames[j]);
                packet_release(frames[j]);
            }
        }
    }
}

int port_mem_put(struct port *port, struct packet_pool *pool, const uint8_t *frame, size_t size)
{
    struct mem_port *mem = (struct mem_port *)port;
    if (size > PACKET_LARGE)
        return -EMSGSIZE;
    struct packet *p = packet_new(pool, (uint32_t)size);
    if (!p)
        return -ENOBUFS;
    if (size)
        memcpy(p->data, frame, size);
    p->len = (uint32_t)size;
    if (packet_may_wait(p, mem->rx.count, SHARE_OF_PORT) && fifo_put(&mem->rx, p))
        return 0;
    packet_release(p);
    return -ENOBUFS;
}

long port_mem_take(struct port *port, uint8_t *out, size_t size)
{
    struct mem_port *mem = (struct mem_port *)port;
    struct packet *p = fifo_take(&mem->tx);
    if (!p)
        return 0;
    size_t n = p->len < size ? p->len : size;
    if (n)
        memcpy(out, p->data, n);
    packet_release(p);
    return (long)n;
}

const struct port_ops port_mem = {
    .name = "mem", .open = mem_open, .close = mem_close, .rx = mem_rx, .tx = mem_tx, .let_go = mem_let_go};
