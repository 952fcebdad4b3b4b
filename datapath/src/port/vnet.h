/* virtio_net_hdr <-> a packet's offload state, checked against the frame.
 *
 * The header comes from whoever sends the frame, and a container may write what it likes
 * there.  An open checksum is dangerous: whoever completes it overwrites two bytes
 * of the frame after we have matched on them.  So it stays open only where it is the
 * checksum of the outer transport header; anywhere else (an inner header of a tunnel,
 * SCTP's CRC, an invention) it is completed before anybody looks at the frame.  A super-frame
 * must be exactly the TCP or UDP packet that its header says.
 */
#pragma once
#include "packet/packet.h"

enum { VNET_HDR_SIZE = 10 }; /* struct virtio_net_hdr without num_buffers, native byte order */

/* Sets the offload state of the whole frame 'p' from the header that came with it, whose offsets count
 * from 'shift' bytes into the frame (4 when a stripped VLAN tag was put back).  Leaves the layout
 * parsed or not.  False: the header contradicts the frame. */
bool vnet_decode(struct packet *p, const uint8_t header[VNET_HDR_SIZE], uint32_t shift);
/* Writes the header to send before 'p' (layout current).  False: it can't say what 'p' needs,
 * send the frames that 'p' stands for instead. */
bool vnet_encode(const struct packet *p, uint8_t header[VNET_HDR_SIZE]);
