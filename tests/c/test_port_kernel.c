/* A TAP port and a packet port at the two sides of one interface of the real kernel.
 *
 *     tap port -- descriptor | interface t0 | AF_PACKET socket -- packet port
 *
 * What the TAP port sends, the packet port receives, and the other way round.  Runs in a network
 * namespace of its own, as root or inside a user namespace; says so and passes where neither may be made.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ports.h"
#include "port/kind.h"

enum { HEADER = sizeof(struct virtio_net_hdr), ETH_P_EVERY = 3, IGNORE_OUTGOING = 23 };

static struct packet_pool *pool;
static struct port *tap, *sock;

static int open_tap(void)
{
    struct ifreq request = {.ifr_name = "t0", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int size = HEADER, fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETVNETHDRSZ, &size))
        return -1;
    if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN))
        return -1;
    return fd;
}

static int open_socket(void)
{
    int one = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);
    static const int options[] = {PACKET_VNET_HDR, PACKET_AUXDATA, IGNORE_OUTGOING, PACKET_QDISC_BYPASS};
    for (size_t i = 0; i < 4; i++)
        if (setsockopt(fd, SOL_PACKET, options[i], &one, sizeof one))
            return -1;
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_EVERY), .sll_ifindex = (int)if_nametoindex("t0")};
    return bind(fd, (struct sockaddr *)&address, sizeof address) ? -1 : fd;
}

static void set_up(bool up)
{
    struct ifreq request = {.ifr_name = "t0", .ifr_flags = up ? IFF_UP : 0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

/* The kernel's own IPv6 stack would greet its neighbours between our frames. */
static void silence_ipv6(void)
{
    int fd = open("/proc/sys/net/ipv6/conf/t0/disable_ipv6", O_WRONLY);
    if (fd >= 0 && write(fd, "1", 1) != 1)
        printf("IPv6 stays on: its own frames may disturb\n");
    close(fd);
}

/* Waits for what is under way: delivery may take another context of the kernel. */
static unsigned receive(struct port *port, struct packet **out, unsigned wanted)
{
    unsigned n = 0;
    for (int turns = 0; n < wanted && turns < 100; turns++) {
        struct pollfd wait = {port->fd, POLLIN, 0};
        poll(&wait, 1, 20);
        n += port->ops->rx(port, pool, out + n, PORT_BATCH - n);
    }
    return n;
}

static void send_one(struct port *port, struct packet *p) { port->ops->tx(port, &p, 1); }

/* 'p' goes in at 'from' and comes out at 'to' as it was, offloads included. */
static void crosses(struct port *from, struct port *to, struct packet *p)
{
    struct packet *out[PORT_BATCH];
    layout_parse(p);
    send_one(from, p);
    unsigned n = receive(to, out, 1);
    CHECK_EQ(n, 1);
    if (n != 1)
        return;
    CHECK_EQ(out[0]->len, p->len);
    CHECK_BYTES(out[0]->data, p->data, p->len);
    CHECK_EQ(out[0]->gso_type, p->gso_type);
    CHECK_EQ(out[0]->gso_size, p->gso_size);
    CHECK_EQ(out[0]->hdr_len, p->hdr_len);
    CHECK_EQ(out[0]->offload & PACKET_NEEDS_CSUM, p->offload & PACKET_NEEDS_CSUM);
    CHECK_EQ(out[0]->csum_start, p->csum_start);
    release_all(out, n);
}

static void tagged(struct frame *f, unsigned tags, bool ipv6, uint32_t payload)
{
    frame_ethernet(f, tags);
    f->bytes[0] &= 0xfe;
    f->bytes[6] &= 0xfe;
    if (ipv6)
        frame_ipv6(f, 6);
    else
        frame_ipv4(f, 6, 0);
    frame_transport(f, payload);
    frame_finish(f, true);
}

static struct packet *super_of(struct frame *f)
{
    struct packet *p = super_packet(f, pool, f->ipv6 ? GSO_TCPV6 : GSO_TCPV4, 1400);
    layout_parse(p);
    return p;
}

static void frames_cross_with_and_without_tags(void)
{
    static struct frame f;
    for (unsigned tags = 0; tags < 3; tags++) {
        for (int way = 0; way < 2; way++) {
            struct port *from = way ? sock : tap, *to = way ? tap : sock;
            tagged(&f, tags, way, 500);
            frame_finish(&f, false);
            struct packet *p = frame_packet(&f, pool);
            crosses(from, to, p);
            packet_release(p);
            frame_finish(&f, true);
            p = frame_packet_open(&f, pool);
            crosses(from, to, p);
            packet_release(p);
        }
    }
}

static void super_frames_cross_with_and_without_tags(void)
{
    static struct frame f;
    for (unsigned tags = 0; tags < 2; tags++) {
        for (int ipv6 = 0; ipv6 < 2; ipv6++) {
            tagged(&f, tags, ipv6, 60000);
            struct packet *p = super_of(&f);
            crosses(tap, sock, p);
            if (!tags) /* a TAP takes no tagged super-frames from its interface: the kernel cuts them before */
                crosses(sock, tap, p);
            packet_release(p);
        }
    }
}

static void many_frames_cross_in_order(void)
{
    static struct frame f;
    struct packet *in[PORT_BATCH], *out[PORT_BATCH];
    for (uint32_t i = 0; i < PORT_BATCH; i++) {
        tagged(&f, 0, false, i * 40);
        frame_finish(&f, false);
        in[i] = frame_packet(&f, pool);
    }
    tap->ops->tx(tap, in, PORT_BATCH);
    CHECK_EQ(receive(sock, out, PORT_BATCH), PORT_BATCH);
    for (unsigned i = 0; i < PORT_BATCH; i++)
        CHECK_EQ(out[i]->len, in[i]->len);
    release_all(out, PORT_BATCH);
    sock->ops->tx(sock, in, PORT_BATCH);
    CHECK_EQ(receive(tap, out, PORT_BATCH), PORT_BATCH);
    for (unsigned i = 0; i < PORT_BATCH; i++)
        CHECK_EQ(out[i]->len, in[i]->len);
    release_all(out, PORT_BATCH);
    release_all(in, PORT_BATCH);
}

static bool leaves_by(struct port *port, struct packet *p)
{
    uint64_t before = counted(&port->counters.tx_packets);
    struct packet *out[PORT_BATCH];
    send_one(port, p);
    bool sent = counted(&port->counters.tx_packets) > before;
    if (sent)
        release_all(out, receive(port == sock ? tap : sock, out, 1));
    return sent;
}

/* The kernel is asked where no MTU is checked here; of super-frames it looks at nothing, so we do. */
static void the_mtu_means_what_it_means_to_the_kernel(void)
{
    static const uint16_t tpids[] = {0x8100, 0x88a8};
    static struct frame f;
    unsigned passed = 0, refused = 0;
    for (unsigned tags = 0; tags < 4; tags++) {
        for (uint32_t payload = 1500 - 52 - 16; payload <= 1500 - 52 + 8; payload++) {
            tagged(&f, tags, false, payload);
            for (unsigned i = 0; i < tags; i++)
                put_be16(f.bytes + 12 + 4 * i, tpids[random_bits() % 2]);
            frame_finish(&f, false);
            struct packet *p = frame_packet(&f, pool), *super;
            layout_parse(p);
            bool sent = leaves_by(sock, p);
            atomic_store(&sock->mtu, 1500);
            CHECK_EQ(leaves_by(sock, p), sent);
            *(sent ? &passed : &refused) += 1;
            super = packet_copy(p); /* two pieces as long as 'p' */
            super->gso_type = GSO_TCPV4;
            super->hdr_len = (uint16_t)(p->len - payload);
            super->gso_size = (uint16_t)payload;
            CHECK_EQ(port_fits(sock, super), sent);
            super->gso_size++;
            CHECK(port_fits(sock, super) <= sent);
            atomic_store(&sock->mtu, 0);
            packet_release(super);
            packet_release(p);
        }
    }
    CHECK(passed > 20 && refused > 20);
}

static void a_frame_that_the_kernel_refuses_holds_no_others_up(void)
{
    static struct frame f;
    struct packet *in[5];
    uint64_t before = counted(&sock->counters.tx_packets), long_ones = dropped(sock, VS_DROP_MTU);
    for (uint32_t i = 0; i < 5; i++) {
        tagged(&f, 0, false, i % 2 ? 2000 : 100);
        frame_finish(&f, false);
        in[i] = frame_packet(&f, pool);
    }
    sock->ops->tx(sock, in, 5);
    CHECK_EQ(counted(&sock->counters.tx_packets) - before, 3);
    CHECK_EQ(dropped(sock, VS_DROP_MTU) - long_ones, 2);
    release_all(in, 5);
    struct packet *out[PORT_BATCH];
    release_all(out, receive(tap, out, 3));
}

static void what_the_kernel_had_to_drop_is_counted(void)
{
    static struct frame f;
    struct packet *out[PORT_BATCH];
    int least = 0, was;
    socklen_t size = sizeof was;
    uint64_t before = counted(&tap->counters.tx_packets), received = counted(&sock->counters.rx_packets);
    getsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &was, &size);
    setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    tagged(&f, 0, false, 1000);
    frame_finish(&f, false);
    struct packet *p = frame_packet(&f, pool);
    for (int i = 0; i < 50; i++)
        send_one(tap, p);
    setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &was, sizeof was);
    for (unsigned n; (n = receive(sock, out, 1));)
        release_all(out, n);
    send_one(tap, p); /* the next frame carries the count */
    release_all(out, receive(sock, out, 1));
    CHECK_EQ(counted(&sock->counters.rx_packets) - received + dropped(sock, VS_DROP_NO_BUFFER),
             counted(&tap->counters.tx_packets) - before);
    CHECK(dropped(sock, VS_DROP_NO_BUFFER) > 10);
    packet_release(p);
}

static void an_interface_that_is_down_drops_and_recovers(void)
{
    static struct frame f;
    struct packet *out[PORT_BATCH];
    tagged(&f, 0, false, 100);
    frame_finish(&f, false);
    struct packet *p = frame_packet(&f, pool);
    set_up(false);
    CHECK_EQ(sock->ops->rx(sock, pool, out, PORT_BATCH), 0);
    send_one(tap, p);
    send_one(sock, p);
    CHECK_EQ(dropped(tap, VS_DROP_OUTPUT_DOWN), 1);
    CHECK_EQ(dropped(sock, VS_DROP_OUTPUT_DOWN), 1);
    CHECK(!atomic_load(&tap->dead) && !atomic_load(&sock->dead));
    set_up(true);
    crosses(tap, sock, p);
    crosses(sock, tap, p);
    packet_release(p);
}

static void an_interface_that_goes_leaves_a_dead_packet_port(void)
{
    static struct frame f;
    struct packet *out[PORT_BATCH];
    tap->ops->close(tap); /* the last descriptor: t0 goes */
    tagged(&f, 0, false, 100);
    struct packet *p = frame_packet(&f, pool);
    for (int i = 0; i < 100 && !atomic_load(&sock->dead); i++) {
        sock->ops->rx(sock, pool, out, PORT_BATCH);
        send_one(sock, p);
    }
    CHECK(atomic_load(&sock->dead));
    packet_release(p);
}

int main(void)
{
    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
        printf("skipped: no network namespace may be made here (%s)\n", strerror(errno));
        return 0;
    }
    int fd = open_tap();
    if (fd < 0) {
        printf("skipped: no TAP may be made here (%s)\n", strerror(errno));
        return 0;
    }
    silence_ipv6();
    set_up(true);
    vs_port_spec spec = spec_of(VS_PORT_TAP);
    pool = packet_pool_new(512, 64);
    tap = port_tap.open(&spec, fd, NULL);
    sock = port_packet.open(&spec, open_socket(), NULL);
    CHECK(tap && sock);
    frames_cross_with_and_without_tags();
    super_frames_cross_with_and_without_tags();
    many_frames_cross_in_order();
    the_mtu_means_what_it_means_to_the_kernel();
    a_frame_that_the_kernel_refuses_holds_no_others_up();
    what_the_kernel_had_to_drop_is_counted();
    an_interface_that_is_down_drops_and_recovers();
    an_interface_that_goes_leaves_a_dead_packet_port();
    sock->ops->close(sock);
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
    return checks_end();
}
