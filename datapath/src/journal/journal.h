/* The journal: what controllers have made, in memory that outlives the forwarder.
 *
 * Theory of operation.  A memfd that daemon and forwarder both hold.  Every flow-mod that was
 * accepted is appended as it came, with the time it came at; what is committed together
 * becomes valid together, by one store of the end.  A forwarder that dies leaves at worst a
 * tail that nobody counts.  The next forwarder maps the same memory and plays it back
 * without anybody else's help.  When most of it is dead history, the owner writes the rules that
 * live to a fresh area beside it and flips to that area by one store; the old one is
 * given back to the system.
 *
 * One thread writes.  Host byte order: the readers are forwarders of this machine and boot
 * (time is CLOCK_MONOTONIC).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal {
    int fd;
    uint8_t *map;
    size_t size;  /* of the file and the mapping */
    uint64_t end; /* records written so far, committed or not */
    bool failed;  /* no memory for it: said on stderr, nothing is kept, and no forwarder will believe what was */
};

struct journal_record {
    uint32_t size;   /* of the whole record, a multiple of 8 */
    uint32_t length; /* bytes of the flow-mod that follows; 0: the bridge is gone */
    uint64_t bridge; /* its identity: a number may be given again while nobody is there to write that down */
    uint64_t now_ns; /* when it was accepted */
};

/* A new one, with a number that the next forwarder is to have too / one that a forwarder left behind ('fd' is owned
 * from here on).  0 or -errno. */
int journal_make(struct journal *, uint64_t seed);
int journal_open(struct journal *, int fd);
/* Unmaps it and closes its descriptor. */
void journal_close(struct journal *);

/* Adds a message of a bridge, as of 'now_ns'; it counts from journal_commit on.  'n' 0: the bridge is gone. */
void journal_append(struct journal *, uint64_t bridge, uint64_t now_ns, const uint8_t *message, size_t n);
void journal_commit(struct journal *);         /* all that was appended counts from now on */
void journal_abort(struct journal *);          /* none of it ever will */
uint64_t journal_used(const struct journal *); /* bytes of committed records */
uint64_t journal_seed(const struct journal *);

/* The first committed record after 'at' (NULL: the first), or NULL.  The flow-mod follows the struct. */
const struct journal_record *journal_next(const struct journal *, const struct journal_record *at);

/* Starts a fresh area; what is appended until journal_flip goes there and counts from then on alone.
 * 'room': about how many bytes. */
void journal_fresh(struct journal *, uint64_t room);
void journal_flip(struct journal *);
