/* Memory ports: in order, bounded, and out as on a wire. */
#include <errno.h>
#include "ports.h"

enum { QUEUE = 4096 };

static struct packet_pool *pool;
static struct frame f;
static uint8_t bytes[PACKET_LARGE + 1];

static struct port *open_mem(uint32_t mtu)
{
    vs_port_spec spec = spec_of(VS_PORT_MEM);
    spec.mtu = mtu;
    return port_mem.open(&spec, -1, NULL);
}

static void end(struct port *port)
{
    port_mem.let_go(port);
    port_mem.close(port);
}

static void frames_come_in_in_order_with_their_port(void)
{
    struct port *port = open_mem(0);
    struct packet *out[PORT_BATCH];
    for (uint8_t i = 0; i < 40; i++) {
        memset(bytes, i, 100);
        CHECK_EQ(port_mem_put(port, pool, bytes, 60u + i), 0);
    }
    CHECK_EQ(port_mem.rx(port, pool, out, PORT_BATCH), PORT_BATCH);
    CHECK_EQ(out[31]->len, 91);
    CHECK_EQ(out[31]->data[0], 31);
    CHECK_EQ(out[31]->in_port, 7);
    CHECK_EQ(out[31]->refs, 1);
    release_all(out, PORT_BATCH);
    CHECK_EQ(port_mem.rx(port, pool, out, PORT_BATCH), 8);
    CHECK_EQ(counted(&port->counters.rx_packets), 40);
    CHECK_EQ(counted(&port->counters.rx_bytes), 40 * 60 + 39 * 20);
    release_all(out, 8);
    end(port);
}

static void what_can_not_be_a_frame_is_told_or_counted(void)
{
    struct port *port = open_mem(0);
    struct packet *out[PORT_BATCH];
    CHECK_EQ(port_mem_put(port, pool, bytes, PACKET_LARGE + 1), -EMSGSIZE);
    CHECK_EQ(port_mem_put(port, pool, bytes, 13), 0);
    CHECK_EQ(port_mem_put(port, pool, NULL, 0), 0);
    CHECK_EQ(port_mem_put(port, pool, bytes, PACKET_LARGE), 0);
    CHECK_EQ(port_mem.rx(port, pool, out, PORT_BATCH), 1);
    CHECK_EQ(out[0]->len, PACKET_LARGE);
    CHECK_EQ(dropped(port, VS_DROP_RX_SHORT), 2);
    CHECK_EQ(counted(&port->counters.rx_errors), 2);
    release_all(out, 1);
    end(port);
}

static void both_queues_are_bounded(void)
{
    struct port *port = open_mem(0);
    struct packet *p;
    for (int i = 0; i < QUEUE; i++)
        CHECK_EQ(port_mem_put(port, pool, bytes, 60), 0);
    CHECK_EQ(port_mem_put(port, pool, bytes, 60), -ENOBUFS);
    super_frame(&f, 6, false, 10);
    frame_end(&f);
    p = frame_packet(&f, pool);
    for (int i = 0; i < QUEUE + 3; i++)
        port_mem.tx(port, &p, 1);
    CHECK_EQ(counted(&port->counters.tx_packets), QUEUE);
    CHECK_EQ(dropped(port, VS_DROP_TX_FULL), 3);
    packet_release(p);
    end(port); /* with both queues full */
    CHECK_EQ(packet_pool_out(pool), 0);
}

static void one_packet_may_wait_at_several_ports(void)
{
    struct port *a = open_mem(0), *b = open_mem(0);
    super_frame(&f, 17, false, 100);
    frame_end(&f);
    struct packet *p = frame_packet(&f, pool), *pair[2] = {p, p};
    port_mem.tx(a, pair, 2);
    port_mem.tx(b, &p, 1);
    packet_release(p);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(port_mem_take(a, bytes, sizeof bytes), f.n);
    CHECK_BYTES(bytes, f.bytes, f.n);
    CHECK_EQ(port_mem_take(a, bytes, sizeof bytes), 0);
    CHECK_EQ(port_mem_take(b, bytes, 20), 20);
    end(a);
    end(b);
}

static void an_open_checksum_is_completed_in_a_copy(void)
{
    struct port *port = open_mem(0);
    super_frame(&f, 6, true, 1000);
    struct packet *p = frame_packet_open(&f, pool);
    port_mem.tx(port, &p, 1);
    CHECK_BYTES(p->data, f.bytes, f.n);
    CHECK_EQ(p->offload, PACKET_NEEDS_CSUM);
    frame_finish(&f, false);
    CHECK_EQ(port_mem_take(port, bytes, sizeof bytes), f.n);
    CHECK_BYTES(bytes, f.bytes, f.n);
    packet_release(p);
    end(port);
}

static void a_super_frame_leaves_as_the_frames_it_stands_for(void)
{
    struct port *port = open_mem(1500);
    super_frame(&f, 6, false, 14000 + 1);
    struct packet *p = super_packet(&f, pool, GSO_TCPV4, 1400);
    port_mem.tx(port, &p, 1);
    CHECK_EQ(counted(&port->counters.tx_packets), 11);
    CHECK_EQ(counted(&port->counters.tx_bytes), 11 * 66 + 14001);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(port_mem_take(port, bytes, sizeof bytes), 66 + 1400);
    CHECK_EQ(port_mem_take(port, bytes, sizeof bytes), 66 + 1);
    CHECK_BYTES(bytes + 66, f.bytes + f.n - 1, 1);
    packet_release(p);
    end(port);
}

static void a_super_frame_that_can_not_be_cut_is_an_error(void)
{
    struct port *port = open_mem(0);
    super_frame(&f, 6, false, GSO_MAX_SEGMENTS + 1);
    struct packet *p = super_packet(&f, pool, GSO_TCPV4, 1);
    port_mem.tx(port, &p, 1);
    CHECK_EQ(dropped(port, VS_DROP_TX_ERROR), GSO_MAX_SEGMENTS + 1);
    CHECK_EQ(counted(&port->counters.tx_errors), GSO_MAX_SEGMENTS + 1);
    CHECK_EQ(port_mem_take(port, bytes, sizeof bytes), 0);
    packet_release(p);
    end(port);
}

static void what_is_longer_than_the_mtu_is_dropped(void)
{
    struct port *port = open_mem(1000);
    for (uint32_t payload = 947; payload <= 950; payload++) { /* IPv4 20 + TCP 32 */
        super_frame(&f, 6, false, payload);
        frame_end(&f);
        struct packet *p = frame_packet(&f, pool);
        port_mem.tx(port, &p, 1);
        packet_release(p);
    }
    CHECK_EQ(counted(&port->counters.tx_packets), 2);
    CHECK_EQ(dropped(port, VS_DROP_MTU), 2);
    super_frame(&f, 6, false, 949 * 3);
    struct packet *p = super_packet(&f, pool, GSO_TCPV4, 949);
    port_mem.tx(port, &p, 1);
    CHECK_EQ(dropped(port, VS_DROP_MTU), 5);
    p->gso_size = 948;
    port_mem.tx(port, &p, 1);
    CHECK_EQ(counted(&port->counters.tx_packets), 6);
    atomic_store(&port->mtu, 999);
    port_mem.tx(port, &p, 1);
    CHECK_EQ(dropped(port, VS_DROP_MTU), 9);
    atomic_store(&port->mtu, UINT32_MAX);
    port_mem.tx(port, &p, 1);
    CHECK_EQ(counted(&port->counters.tx_packets), 10);
    packet_release(p);
    end(port);
}

int main(void)
{
    pool = packet_pool_new(8192, 8);
    frames_come_in_in_order_with_their_port();
    what_can_not_be_a_frame_is_told_or_counted();
    both_queues_are_bounded();
    one_packet_may_wait_at_several_ports();
    an_open_checksum_is_completed_in_a_copy();
    a_super_frame_leaves_as_the_frames_it_stands_for();
    a_super_frame_that_can_not_be_cut_is_an_error();
    what_is_longer_than_the_mtu_is_dropped();
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
    return checks_end();
}
