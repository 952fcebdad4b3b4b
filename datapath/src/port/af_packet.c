/* Packet ports: an AF_PACKET socket bound to an interface, which may be a veth or a NIC.
 *
 * The socket comes ready from datapath.kernel: bound, PACKET_VNET_HDR, PACKET_AUXDATA,
 * PACKET_IGNORE_OUTGOING.  Here are its system calls and what comes beside a frame: the kernel takes the outer
 * VLAN tag off before we see the frame, so it is put back; and with SO_RXQ_OVFL it tells how
 * many frames it had to drop because we were too slow.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>

#include "port/burst.h"

enum { VLAN_TAG = 4, MAC_ADDRESSES = 2 * ETH_ALEN };

static int receive(int fd, struct mmsghdr *messages, unsigned n)
{
    return recvmmsg(fd, messages, n, MSG_DONTWAIT, NULL);
}

static int send_burst(int fd, struct mmsghdr *messages, unsigned n)
{
    return sendmmsg(fd, messages, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* An interface that was removed leaves its sockets bound to index -1. */
static bool gone(int fd)
{
    struct sockaddr_ll address = {0};
    socklen_t size = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &size) ||
           (address.sll_family == AF_PACKET && address.sll_ifindex <= 0);
}

/* Puts a stripped tag back between the addresses and the type.  Bytes inserted or -1: no room. */
static int restore_tag(struct packet *p, const struct tpacket_auxdata *aux)
{
    if (!(aux->tp_status & TP_STATUS_VLAN_VALID) || p->len < ETH_HLEN)
        return 0;
    uint16_t tpid = aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETH_P_8021Q;
    uint8_t *front = packet_push(p, VLAN_TAG);
    if (!front)
        return -1;
    memmove(front, front + VLAN_TAG, MAC_ADDRESSES);
    const uint8_t tag[VLAN_TAG] = {(uint8_t)(tpid >> 8), (uint8_t)tpid, (uint8_t)(aux->tp_vlan_tci >> 8),
                                   (uint8_t)aux->tp_vlan_tci};
    memcpy(front + MAC_ADDRESSES, tag, sizeof tag);
    return VLAN_TAG;
}

/* 'total' frames were lost so far, says the kernel (a 32-bit counter that wraps). */
static void note_losses(struct burst_port *b, uint32_t total)
{
    port_drop_frames(&b->port, VS_DROP_NO_BUFFER, (uint32_t)(total - b->lost));
    b->lost = total;
}

static int ancillary(struct burst_port *b, struct msghdr *message, struct packet *p)
{
    int shift = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA &&
            c->cmsg_len >= CMSG_LEN(sizeof(struct tpacket_auxdata))) {
            struct tpacket_auxdata aux;
            memcpy(&aux, CMSG_DATA(c), sizeof aux);
            shift = restore_tag(p, &aux);
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL &&
                   c->cmsg_len >= CMSG_LEN(sizeof(uint32_t))) {
            uint32_t total;
            memcpy(&total, CMSG_DATA(c), sizeof total);
            note_losses(b, total);
        }
    }
    return shift;
}

static const struct burst_io packet_io = {.receive = receive, .send = send_burst, .gone = gone, .ancillary = ancillary};

static struct port *packet_open(const vs_port_spec *spec, int fd, vs_error *error)
{
    struct port *port = burst_open(&port_packet, &packet_io, spec, fd, error);
    if (port)
        port->one_tag =
            true; /* the kernel refuses more (packet_extra_vlan_len_allowed), but of super-frames it looks at nothing */
    return port;
}

const struct port_ops port_packet = {
    .name = "packet", .open = packet_open, .close = burst_close, .rx = burst_rx, .tx = burst_tx};
