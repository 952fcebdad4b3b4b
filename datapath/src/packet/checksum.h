/* The Internet checksum (RFC 1071, 1624), and CRC32c for SCTP. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "packet/packet.h"

uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, size_t n); /* unfolded; n odd only at the end */
uint16_t checksum_fold(uint32_t sum);                                 /* folded, not inverted, as stored in memory order */
/* 'sum' (a checksum field as it lies in the packet) after 'n' bytes changed from 'old' to 'new'. n even. */
uint16_t checksum_update(uint16_t sum, const uint8_t *old, const uint8_t *new, size_t n);
uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t n);
/* Completes a NEEDS_CSUM checksum in place and clears the flag (not for GSO frames: segment first).
 * The packet must be the caller's own.  False: csum_start lies outside the frame. */
bool checksum_complete(struct packet *p);
