/* Software segmentation: a super-frame becomes the frames that it stands for.
 *
 * Used wherever a super-frame can't go: memory and pcap ports, packet-ins, ports
 * without the offload.  Oracle: edit-then-segment equals segment-then-edit.
 */
#pragma once
#include "packet/packet.h"

/* How many frames and bytes 'p' puts on the wire (1 and len without GSO).  Goes by hdr_len, which
 * whoever set gso_type has made exact; needs no layout. */
void gso_wire(const struct packet *p, uint64_t *packets, uint64_t *bytes);
/* How many frames 'p' stands for: what a drop counts. */
static inline uint64_t gso_frames(const struct packet *p)
{
    uint64_t packets = 1, bytes;

    if (p->gso_type)
        gso_wire(p, &packets, &bytes);
    return packets;
}
/* Segments 'p' (layout current) into at most 'max' packets with complete checksums and current layout in
 * 'out'; the number, or 0 when it can't (no buffers, contradictory offsets, no NEEDS_CSUM, GSO_UDP: cut by IP): nothing
 * is in 'out' then. 'p' is untouched, the caller keeps it. */
unsigned gso_segment(const struct packet *p, struct packet **out, unsigned max);
enum { GSO_MAX_SEGMENTS = 1024 }; /* of a 64 KiB frame with a segment size of 64 */
