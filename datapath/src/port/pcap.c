/* Pcap ports: a capture replayed from memory, and a counter for what is sent.
 *
 * The file is loaded when the port opens; rx then copies frame after frame into fresh
 * buffers, round and round (once with VS_PORT_ONCE), as fast as it is asked: the port
 * that benchmarks measure with.  tx counts; the first write_limit frames also go to
 * write_path, segmented and completed as they would leave on a wire, stamped with their
 * number as microseconds since a port has no clock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "packet/gso.h"
#include "port/capture.h"
#include "port/kind.h"

enum { PREFETCH_AHEAD = 4, CACHE_LINE = 64 };

struct pcap_port {
    struct port port;
    struct capture capture;
    size_t next;  /* frame to replay */
    FILE *writer; /* NULL: not asked for, or the limit is reached */
    uint64_t written;
};

static int open_files(struct pcap_port *pcap, vs_error *error)
{
    const vs_port_spec *spec = &pcap->port.spec;
    if (!memchr(spec->read_path, 0, sizeof spec->read_path) || !memchr(spec->write_path, 0, sizeof spec->write_path))
        return error_set(error, -ENAMETOOLONG, "pcap port: path too long: give one of at most %zu bytes",
                         sizeof spec->read_path - 1);
    if (spec->read_path[0]) {
        int bad = capture_load(&pcap->capture, spec->read_path, error);
        if (bad)
            return bad;
    }
    if (spec->write_path[0] && spec->write_limit && !(pcap->writer = capture_create(spec->write_path, error)))
        return -EIO;
    return 0;
}

static void stop_writing(struct pcap_port *pcap)
{
    if (pcap->writer && fclose(pcap->writer))
        port_count(&pcap->port.counters.tx_errors, 1);
    pcap->writer = NULL;
}

static void pcap_close(struct port *port)
{
    struct pcap_port *pcap = (struct pcap_port *)port;
    stop_writing(pcap);
    capture_free(&pcap->capture);
    free(pcap);
}

static struct port *pcap_open(const vs_port_spec *spec, int fd, vs_error *error)
{
    if (fd >= 0)
        close(fd);
    struct pcap_port *pcap = port_make(sizeof *pcap, &port_pcap, spec, -1);
    if (open_files(pcap, error)) {
        pcap_close(&pcap->port);
        return NULL;
    }
    pcap->port.always = pcap->capture.count > 0;
    return &pcap->port;
}

/* The next frame of the capture, or NULL when a single replay is over. */
static const struct capture_frame *next_frame(struct pcap_port *pcap)
{
    const struct capture *c = &pcap->capture;
    if (pcap->next == c->count) {
        if (!c->count || (pcap->port.spec.flags & VS_PORT_ONCE)) {
            pcap->port.always = false;
            return NULL;
        }
        pcap->next = 0;
    }
    size_t ahead = pcap->next + PREFETCH_AHEAD;
    const struct capture_frame *soon = &c->frames[ahead < c->count ? ahead : 0];
    __builtin_prefetch(soon->bytes);
    if (soon->size > CACHE_LINE)
        __builtin_prefetch(soon->bytes + CACHE_LINE);
    return &c->frames[pcap->next++];
}

static unsigned pcap_rx(struct port *port, struct packet_pool *pool, struct packet **out, unsigned max)
{
    struct pcap_port *pcap = (struct pcap_port *)port;
    unsigned n = 0;
    for (unsigned tried = 0; tried < max; tried++) {
        const struct capture_frame *frame = next_frame(pcap);
        if (!frame)
            break;
        struct packet *p = packet_new(pool, frame->size);
        if (!p) {
            port_drop_frames(port, VS_DROP_NO_BUFFER, 1);
            break;
        }
        memcpy(p->data, frame->bytes, frame->size);
        p->len = frame->size;
        if (port_accept(port, p))
            out[n++] = p;
    }
    port_count_rx(port, out, n);
    return n;
}

static void write_frame(struct pcap_port *pcap, const struct packet *p)
{
    if (!pcap->writer)
        return;
    if (!capture_write(pcap->writer, pcap->written, p->data, p->len))
        port_count(&pcap->port.counters.tx_errors, 1);
    if (++pcap->written == pcap->port.spec.write_limit)
        stop_writing(pcap);
}

/* While a file is written, every frame is made as it would look on a wire. */
static void send_written(struct pcap_port *pcap, struct packet *p)
{
    struct packet *frames[GSO_MAX_SEGMENTS];
    unsigned count = port_wire_frames(&pcap->port, p, frames);
    port_count_tx(&pcap->port, frames, count);
    for (unsigned i = 0; i < count; i++) {
        write_frame(pcap, frames[i]);
        packet_release(frames[i]);
    }
}

/* Drops what is longer than the MTU and counts the rest. */
static void send_counted(struct port *port, struct packet *const *packets, unsigned n)
{
    unsigned from = 0;
    bool limited = atomic_load_explicit(&port->mtu, memory_order_relaxed);
    for (unsigned i = 0; limited && i < n; i++) {
        if (!port_fits(port, packets[i])) {
            port_tx_drop(port, VS_DROP_MTU, packets[i]);
            port_count_tx(port, packets + from, i - from);
            from = i + 1;
        }
    }
    port_count_tx(port, packets + from, n - from);
}

static void pcap_tx(struct port *port, struct packet *const *packets, unsigned n)
{
    struct pcap_port *pcap = (struct pcap_port *)port;
    unsigned i = 0;
    while (i < n && pcap->writer) /* until its limit is reached */
        send_written(pcap, packets[i++]);
    send_counted(port, packets + i, n - i);
}

const struct port_ops port_pcap = {
    .name = "pcap", .open = pcap_open, .close = pcap_close, .rx = pcap_rx, .tx = pcap_tx};
