/* The Internet checksum (RFC 1071, 1624), and CRC32c for SCTP.
 *
 * Sums are taken over 16-bit words as they lie in memory, so results are stored
 * as they are, whatever the machine's byte order (RFC 1071, 2(B)).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "packet/packet.h"

/* 'sum' and the words of 'bytes'; n odd only at the end of what is summed. Never overflows: carries come round. */
uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, size_t n);
uint16_t checksum_fold(uint32_t sum); /* folded, not inverted, as stored in memory order */
/* 'sum' (a checksum field as it lies in the packet) after 'n' bytes changed from 'old' to 'new'. n even. */
uint16_t checksum_update(uint16_t sum, const uint8_t *old, const uint8_t *new, size_t n);
/* CRC32c over 'bytes' from register 'crc' on, without the inversions at both ends: ~crc32c(~0u, bytes, n) is the CRC.
 */
uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t n);
/* Completes a NEEDS_CSUM checksum in place, up to the end of the network packet where the layout knows it, and clears
 * the flag (not for GSO frames: segment first; not for SCTP, which has a CRC). The packet must be the caller's own.
 * False: csum_start lies outside the frame. */
bool checksum_complete(struct packet *p);
