/* Messages out, and replies of records.  See encode13.h. */
#include "ofp/encode13.h"

#include "ofp/wire13.h"

uint8_t *put13_header(struct bytes *out, uint8_t type, size_t size, uint32_t xid)
{
    uint8_t *at = bytes_more(out, size);
    at[0] = OFP13_VERSION;
    at[1] = type;
    set16(at + 2, (uint16_t)size);
    set32(at + 4, xid);
    return at;
}

void write13_error(struct bytes *out, enum of_error error, const uint8_t *message, size_t size)
{
    enum { QUOTED = 64 };
    size_t quoted = size < QUOTED ? size : QUOTED;
    uint8_t *at = put13_header(out, OFPT_ERROR, ERROR_SIZE + quoted, get32(message + 4));
    set16(at + 8, (uint16_t)(error >> 16));
    set16(at + 10, (uint16_t)error);
    memcpy(at + ERROR_SIZE, message, quoted);
}

void write13_barrier_reply(struct bytes *out, uint32_t xid) { put13_header(out, OFPT_BARRIER_REPLY, OF_HEADER, xid); }

/* ---- packet-in and flow-removed ---- */

enum { OXM_IN_PORT = 0, OXM_METADATA = 2, OXM_TUNNEL_ID = 38 };

static uint8_t *put_oxm(uint8_t *at, unsigned field, const void *value, uint8_t n)
{
    set16(at, 0x8000);
    at[2] = (uint8_t)(field << 1);
    at[3] = n;
    memcpy(at + 4, value, n);
    return at + 4 + n;
}

/* ofp_match of a packet-in: where the packet came from, and what travels with it if it has some (section 7.4.1). */
static size_t put_packet_match(uint8_t *at, const struct packet_in *p)
{
    uint8_t in_port[4], *end = at + MATCH_HEADER;
    set32(in_port, p->in_port);
    end = put_oxm(end, OXM_IN_PORT, in_port, sizeof in_port);
    if (p->metadata)
        end = put_oxm(end, OXM_METADATA, &p->metadata, sizeof p->metadata);
    if (p->tunnel_id)
        end = put_oxm(end, OXM_TUNNEL_ID, &p->tunnel_id, sizeof p->tunnel_id);
    set16(at, 1);
    set16(at + 2, (uint16_t)(end - at));
    return ((size_t)(end - at) + 7) & ~(size_t)7;
}

void write13_packet_in(struct bytes *out, const struct packet_in *p)
{
    uint8_t match[40] = {0};
    size_t match_size = put_packet_match(match, p), size = PACKET_IN_SIZE + match_size + 2 + p->size;
    uint8_t *at = put13_header(out, OFPT_PACKET_IN, size, 0);
    set32(at + 8, UINT32_MAX);
    set16(at + 12, p->total_len);
    at[14] = p->reason;
    at[15] = p->table;
    set64(at + 16, p->cookie);
    memcpy(at + PACKET_IN_SIZE, match, match_size);
    memcpy(at + PACKET_IN_SIZE + match_size + 2, p->data, p->size);
}

void put13_duration(uint8_t *at, uint64_t ns)
{
    set32(at, (uint32_t)(ns / 1000000000));
    set32(at + 4, (uint32_t)(ns % 1000000000));
}

void write13_flow_removed(struct bytes *out, const struct rule *r, uint64_t now_ns)
{
    uint64_t packets, bytes;
    rule_counts(r, &packets, &bytes);
    uint8_t *at = put13_header(out, OFPT_FLOW_REMOVED, FLOW_REMOVED_SIZE + (size_t)r->match_size, 0);
    set64(at + 8, r->cookie);
    set16(at + 16, r->entry.priority);
    at[18] = r->removed_by;
    at[19] = r->table;
    put13_duration(at + 20, now_ns - r->created_ns);
    set16(at + 28, r->idle);
    set16(at + 30, r->hard);
    set64(at + 32, packets);
    set64(at + 40, bytes);
    memcpy(at + FLOW_REMOVED_SIZE, r->wire, r->match_size);
}

/* ---- multipart ---- */

static void multipart_open(struct multipart *m)
{
    m->start = m->out->size;
    set16(put13_header(m->out, OFPT_MULTIPART_REPLY, MULTIPART_SIZE, m->xid) + 8, m->type);
}

static void multipart_close(struct multipart *m, bool more)
{
    uint8_t *at = m->out->data + m->start;
    set16(at + 2, (uint16_t)(m->out->size - m->start));
    set16(at + 10, more ? OFPMPF_MORE : 0);
}

void multipart13_begin(struct multipart *m, const struct of_version *version, struct bytes *out,
                       enum statistics_kind kind, uint32_t xid)
{
    unsigned type = 0;
    while (version->statistics[type] != kind)
        type++;
    *m = (struct multipart){.version = version, .out = out, .xid = xid, .type = (uint16_t)type};
    multipart_open(m);
}

uint8_t *put13_record(struct multipart *m, size_t n)
{
    if (m->out->size - m->start + n > UINT16_MAX) {
        multipart_close(m, true);
        multipart_open(m);
    }
    return bytes_more(m->out, n);
}

void multipart13_end(struct multipart *m) { multipart_close(m, false); }
