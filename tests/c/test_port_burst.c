/* Packet and TAP ports over a socket pair, which moves one frame a message as their descriptors do.
 * What needs the kernel's own (tags beside frames, interfaces that go) is in test_port_kernel.c. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "ports.h"

enum { HEADER = sizeof(struct virtio_net_hdr) };

static struct packet_pool *pool;
static struct frame f;
static const struct port_ops *ops; /* each test runs for both kinds */
static struct port *port;
static int far; /* the other end of its descriptor */

static void start_over(int type, uint32_t flags, uint32_t mtu)
{
    int ends[2], size = 1 << 20;
    vs_port_spec spec = spec_of(VS_PORT_TAP);
    spec.flags = flags;
    spec.mtu = mtu;
    CHECK_EQ(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends), 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    far = ends[1];
    port = ops->open(&spec, ends[0], NULL);
}

static void start(uint32_t flags, uint32_t mtu) { start_over(SOCK_DGRAM, flags, mtu); }

static void stop(void)
{
    ops->close(port);
    close(far);
    CHECK_EQ(packet_pool_out(pool), 0);
}

static void put(const struct virtio_net_hdr *h, const uint8_t *bytes, size_t n)
{
    struct iovec parts[] = {{(void *)h, h ? HEADER : 0}, {(void *)bytes, n}};
    CHECK_EQ(writev(far, parts, 2), (h ? HEADER : 0) + n);
}

/* The next frame at the far end, its header apart; -1: none. */
static long take(struct virtio_net_hdr *h, uint8_t *bytes, size_t size)
{
    struct iovec parts[] = {{h, HEADER}, {bytes, size}};
    ssize_t n = readv(far, parts, 2);
    return n < 0 ? -1 : n - HEADER;
}

static unsigned receive(struct packet **out)
{
    unsigned n = 0;
    for (unsigned got = 1; got && n < PORT_BATCH;) {
        got = ops->rx(port, pool, out + n, PORT_BATCH - n);
        n += got;
    }
    return n;
}

static void frames_of_every_size_arrive_whole_and_in_order(void)
{
    static const uint32_t sizes[] = {60, 1500, PACKET_SMALL, PACKET_SMALL + 1, 9000, 14, 65000, 100};
    static uint8_t bytes[70000];
    struct packet *out[PORT_BATCH];
    start(VS_PORT_VNET_HDR, 0);
    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < 8; i++)
        put(&(struct virtio_net_hdr){0}, bytes + i, sizes[i]);
    CHECK_EQ(receive(out), 8);
    for (size_t i = 0; i < 8; i++) {
        CHECK_EQ(out[i]->len, sizes[i]);
        CHECK_BYTES(out[i]->data, bytes + i, sizes[i]);
        CHECK_EQ(out[i]->room >= PACKET_LARGE, sizes[i] > PACKET_SMALL); /* nothing small holds a large buffer */
        CHECK_EQ(out[i]->in_port, 7);
        CHECK_EQ(out[i]->refs, 1);
    }
    release_all(out, 8);
    stop();
}

static void a_port_without_traffic_holds_no_buffer(void)
{
    struct packet *out[PORT_BATCH];
    start(VS_PORT_VNET_HDR, 0);
    CHECK_EQ(ops->rx(port, pool, out, PORT_BATCH), 0);
    CHECK_EQ(packet_pool_out(pool), 0);
    CHECK(!atomic_load(&port->dead));
    stop();
}

static unsigned put_many(size_t size)
{
    static const uint8_t bytes[60];
    unsigned n = 0;
    while (write(far, bytes, size) == (ssize_t)size)
        n++;
    CHECK(n > 300);
    return n;
}

static void a_long_queue_is_read_in_full_batches(void)
{
    struct packet *out[PORT_BATCH];
    start_over(SOCK_SEQPACKET, 0, 0);         /* its queue is longer than a datagram socket's */
    for (unsigned all = put_many(60); all;) { /* fewer than a batch would say that nothing more waits */
        unsigned n = ops->rx(port, pool, out, PORT_BATCH);
        CHECK_EQ(n, all < PORT_BATCH ? all : PORT_BATCH);
        CHECK(!port->always);
        release_all(out, n);
        all -= n;
    }
    stop();
}

static void broken_frames_do_not_hide_good_ones(void)
{
    struct packet *out[PORT_BATCH];
    uint8_t bytes[60] = {0};
    start(0, 0);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(write(far, bytes, i % 4 == 3 ? 60 : 5), i % 4 == 3 ? 60 : 5);
    CHECK_EQ(ops->rx(port, pool, out, PORT_BATCH), 2);
    release_all(out, 2);
    stop();
}

static void a_turn_among_broken_frames_ends_and_asks_for_another(void)
{
    struct packet *out[PORT_BATCH];
    unsigned turns = 1;
    start_over(SOCK_SEQPACKET, 0, 0);
    unsigned all = put_many(5);
    for (; ops->rx(port, pool, out, PORT_BATCH) == 0 && port->always; turns++)
        CHECK(dropped(port, VS_DROP_RX_SHORT) <= turns * 16 * PORT_BATCH);
    CHECK_EQ(dropped(port, VS_DROP_RX_SHORT), all);
    CHECK(turns > 1);
    stop();
}

static void a_super_frame_passes_whole(void)
{
    static uint8_t bytes[70000];
    struct virtio_net_hdr back;
    struct packet *out[PORT_BATCH];
    start(VS_PORT_VNET_HDR, 1500);
    super_frame(&f, 6, true, 60000);
    struct virtio_net_hdr h = super_header(&f, GSO_TCPV6, 1400);
    put(&h, f.bytes, f.n);
    CHECK_EQ(receive(out), 1);
    CHECK_EQ(out[0]->gso_type, GSO_TCPV6);
    CHECK_EQ(counted(&port->counters.rx_packets), 43);
    layout_parse(out[0]);
    ops->tx(port, out, 1);
    CHECK_EQ(counted(&port->counters.tx_packets), 43);
    CHECK_EQ(take(&back, bytes, sizeof bytes), f.n);
    CHECK_BYTES(bytes, f.bytes, f.n);
    CHECK_EQ(back.gso_type, GSO_TCPV6);
    CHECK_EQ(back.hdr_len, 14 + 40 + 32);
    CHECK_EQ(out[0]->refs, 1);
    release_all(out, 1);
    stop();
}

static void a_port_without_offload_headers_gets_finished_frames(void)
{
    static uint8_t bytes[2000];
    start(0, 0);
    super_frame(&f, 6, false, 2801);
    struct packet *p = super_packet(&f, pool, GSO_TCPV4, 1400), *open = frame_packet_open(&f, pool),
                  *both[2] = {p, open};
    ops->tx(port, both, 2);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(read(far, bytes, sizeof bytes), 66 + (i < 2 ? 1400 : 1));
    static uint8_t whole[4000];
    frame_finish(&f, false);
    CHECK_EQ(read(far, whole, sizeof whole), f.n);
    CHECK_BYTES(whole, f.bytes, f.n);
    CHECK_EQ(counted(&port->counters.tx_packets), 4);
    release_all(both, 2);
    stop();
}

static void what_is_broken_is_counted_by_reason(void)
{
    struct packet *out[PORT_BATCH];
    static uint8_t bytes[PACKET_LARGE + 1];
    start(VS_PORT_VNET_HDR, 0);
    put(NULL, bytes, 9);                         /* not even a header */
    put(&(struct virtio_net_hdr){0}, bytes, 13); /* not even Ethernet */
    put(&(struct virtio_net_hdr){0}, bytes, 0);
    put(&(struct virtio_net_hdr){.gso_type = 1}, bytes, 100); /* a super-frame without what it takes */
    put(&(struct virtio_net_hdr){0}, bytes, PACKET_LARGE + 1);
    CHECK_EQ(receive(out), 0);
    receive(out);
    CHECK_EQ(dropped(port, VS_DROP_RX_OFFLOAD), 2);
    CHECK_EQ(dropped(port, VS_DROP_RX_SHORT), 2);
    CHECK_EQ(dropped(port, VS_DROP_RX_TRUNCATED), 1);
    CHECK_EQ(counted(&port->counters.rx_errors), 5);
    CHECK_EQ(counted(&port->counters.rx_packets), 0);
    stop();
}

static void without_buffers_frames_are_lost_but_the_queue_moves(void)
{
    struct packet_pool *tiny = packet_pool_new(1, 0);
    struct packet *out[PORT_BATCH], *p = packet_new(tiny, 60);
    static uint8_t bytes[5000];
    start(VS_PORT_VNET_HDR, 0);
    put(&(struct virtio_net_hdr){0}, bytes, 60);
    CHECK_EQ(ops->rx(port, tiny, out, PORT_BATCH), 0); /* no buffer at all */
    CHECK_EQ(dropped(port, VS_DROP_NO_BUFFER), 1);
    packet_release(p);
    put(&(struct virtio_net_hdr){0}, bytes, 5000); /* no large one */
    CHECK_EQ(ops->rx(port, tiny, out, PORT_BATCH), 0);
    CHECK_EQ(dropped(port, VS_DROP_NO_BUFFER), 2);
    put(&(struct virtio_net_hdr){0}, bytes, 1500);
    CHECK_EQ(ops->rx(port, tiny, out, PORT_BATCH), 1);
    release_all(out, 1);
    stop();
    packet_pool_free(tiny);
}

static void a_full_queue_drops_after_a_bounded_number_of_tries(void)
{
    start(VS_PORT_VNET_HDR, 0);
    super_frame(&f, 17, false, 100);
    frame_end(&f);
    struct packet *p = frame_packet(&f, pool), *batch[PORT_BATCH];
    for (int i = 0; i < PORT_BATCH; i++)
        batch[i] = p;
    for (int i = 0; i < 400; i++)
        ops->tx(port, batch, PORT_BATCH);
    CHECK(counted(&port->counters.tx_packets) >= 10);
    CHECK_EQ(counted(&port->counters.tx_packets) + dropped(port, VS_DROP_TX_FULL), 400 * PORT_BATCH);
    CHECK_EQ(p->refs, 1);
    packet_release(p);
    stop();
}

static void what_the_mtu_forbids_is_not_sent(void)
{
    start(VS_PORT_VNET_HDR, 500);
    super_frame(&f, 6, false, 1000);
    struct packet *p = frame_packet_open(&f, pool), *super = super_packet(&f, pool, GSO_TCPV4, 448),
                  *both[2] = {p, super};
    ops->tx(port, both, 2);
    CHECK_EQ(dropped(port, VS_DROP_MTU), 1);
    CHECK_EQ(counted(&port->counters.tx_packets), 3);
    release_all(both, 2);
    stop();
}

static void a_port_whose_other_side_is_gone_is_dead(void)
{
    struct packet *out[PORT_BATCH];
    start(VS_PORT_VNET_HDR, 0);
    close(far);
    far = dup(0);
    super_frame(&f, 17, false, 100);
    struct packet *p = frame_packet(&f, pool), *three[3] = {p, p, p};
    ops->tx(port, three, 3);
    CHECK(atomic_load(&port->dead));
    CHECK_EQ(dropped(port, VS_DROP_OUTPUT_DOWN), 3);
    CHECK_EQ(ops->rx(port, pool, out, PORT_BATCH), 0);
    packet_release(p);
    stop();
}

static void a_port_needs_a_descriptor(void)
{
    vs_error error = {0};
    vs_port_spec spec = spec_of(VS_PORT_TAP);
    CHECK(ops->open(&spec, -1, &error) == NULL);
    CHECK_EQ(error.code, -EBADF);
    CHECK(strstr(error.text, "no usable file descriptor") != NULL);
}

int main(void)
{
    static const struct port_ops *const kinds[] = {&port_packet, &port_tap};
    pool = packet_pool_new(512, 64);
    for (int i = 0; i < 2; i++) {
        ops = kinds[i];
        frames_of_every_size_arrive_whole_and_in_order();
        a_port_without_traffic_holds_no_buffer();
        a_long_queue_is_read_in_full_batches();
        broken_frames_do_not_hide_good_ones();
        a_turn_among_broken_frames_ends_and_asks_for_another();
        a_super_frame_passes_whole();
        a_port_without_offload_headers_gets_finished_frames();
        what_is_broken_is_counted_by_reason();
        without_buffers_frames_are_lost_but_the_queue_moves();
        a_full_queue_drops_after_a_bounded_number_of_tries();
        what_the_mtu_forbids_is_not_sent();
        a_port_whose_other_side_is_gone_is_dead();
        a_port_needs_a_descriptor();
    }
    packet_pool_free(pool);
    return checks_end();
}
