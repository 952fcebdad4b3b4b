/* The pcap file format: an index over a file in memory, and a writer.
 *
 * The classic format only (libpcap's savefile(5)): either byte order, micro- or
 * nanoseconds, Ethernet.  A file is accepted whole or refused with a sentence: one cut
 * short would replay something other than what its owner believes.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vswitch.h"

struct capture_frame {
    const uint8_t *bytes;
    uint32_t size;
};

struct capture {
    void *file; /* the whole file, mapped */
    size_t file_size;
    struct capture_frame *frames; /* pointing into 'file' */
    size_t count;
};

/* Reads the pcap at 'path' into memory.  0 or -errno with *error filled, nothing held then. */
int capture_load(struct capture *, const char *path, vs_error *error);
void capture_free(struct capture *); /* a zeroed one is fine */

/* Finds the frames of a pcap that lies in memory: *frames (free() it; may be NULL for none) and *count.
 * 0 or -errno with a sentence; 'path' is for the sentence only. */
int capture_index(const uint8_t *file, size_t size, const char *path, struct capture_frame **frames, size_t *count,
                  vs_error *error);

/* Starts a pcap file of Ethernet frames.  NULL: *error says why. */
FILE *capture_create(const char *path, vs_error *error);
/* Appends one frame; 'microseconds' is its time stamp.  False: the disk is full or gone. */
int capture_write(FILE *, uint64_t microseconds, const uint8_t *frame, uint32_t size);
