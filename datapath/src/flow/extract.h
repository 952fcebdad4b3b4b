/* From a packet with its layout to its flow key. */
#pragma once
#include "flow/key.h"
#include "packet/packet.h"

/* Fills every word of 'key'; metadata and tunnel_id are 0. */
void key_extract(const struct packet *p, struct key *key);
