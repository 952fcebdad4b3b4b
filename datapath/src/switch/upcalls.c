/* See upcalls.h. */
#include "switch/upcalls.h"

#include <string.h>

#include "packet/checksum.h"
#include "tables/meter_entry.h"

/* Has the port left room for others?  'taken' is what the control thread has taken out of what it said. */
static bool may_say(const struct worker *w, const struct port *in)
{
    if (!in)
        return true;
    uint64_t waiting = w->said[in->index] - atomic_load_explicit(&w->taken[in->index], memory_order_relaxed);
    uint64_t used = ring_written((struct ring *)&w->upcalls) - ring_read((struct ring *)&w->upcalls);
    return waiting <= w->upcalls.size - used;
}

static bool tell_one(struct worker *w, struct port *in, const struct packet *p, const struct action *a)
{
    size_t size = sizeof(struct upcall) + p->len;
    struct upcall *up = may_say(w, in) ? (void *)ring_reserve(&w->upcalls, size) : NULL;
    if (!up)
        return false;
    *up = (struct upcall){.bridge = w->bridge->id,
                          .in_port = p->in_port,
                          .size = p->len,
                          .reason = a->reason,
                          .table = a->table,
                          .cookie = a->origin.cookie,
                          .metadata = a->origin.metadata,
                          .tunnel_id = a->tunnel_id,
                          .teller = in ? in->index : NO_TELLER};
    memcpy(up + 1, p->data, p->len);
    ring_commit(&w->upcalls, size);
    if (in)
        w->said[in->index] += size;
    w->tell = true;
    return true;
}

/* A super-frame goes as the frames it stands for, a deferred checksum is completed. */
static unsigned as_wired(const struct packet *p, struct packet **out)
{
    if (p->gso_type)
        return gso_segment(p, out, GSO_MAX_SEGMENTS);
    out[0] = packet_copy(p);
    if (out[0] && (out[0]->offload & PACKET_NEEDS_CSUM))
        checksum_complete(out[0]);
    return out[0] != NULL;
}

/* The virtual meter of all that goes to controllers (OpenFlow 1.3.5, 7.3.4.4), if somebody has set it. */
static bool passes_meter(struct worker *w, const struct packet *p)
{
    const struct meter_entry *m = bridge_meter(w->bridge, OFPM_CONTROLLER);
    uint64_t packets, bytes;
    if (!m)
        return true;
    gso_wire(p, &packets, &bytes);
    int band = meter_account(&w->executor, m->meter, packets, bytes);
    return band < 0 || m->meter->bands[band].spec.type != METER_DROP;
}

static void lose(struct port *in, const struct packet *p, vs_drop reason)
{
    if (in)
        port_drop(in, reason, p);
}

static void tell(struct worker *w, struct port *in, const struct packet *p, const struct action *a)
{
    if (!tell_one(w, in, p, a))
        lose(in, p, VS_DROP_PACKET_IN_FULL);
}

static void tell_wired(struct worker *w, struct port *in, const struct packet *p, const struct action *a)
{
    struct packet *wired[GSO_MAX_SEGMENTS];
    unsigned n = as_wired(p, wired);
    if (!n)
        lose(in, p, gso_frames(p) > GSO_MAX_SEGMENTS ? VS_DROP_TOO_DEEP : VS_DROP_NO_BUFFER);
    for (unsigned i = 0; i < n; i++) {
        tell(w, in, wired[i], a);
        packet_release(wired[i]);
    }
}

void upcall_packet(struct executor *executor, struct port *in, const struct packet *p, const struct action *a)
{
    struct worker *w = (struct worker *)executor;
    if (in && a->reason == OFPR_NO_MATCH &&
        atomic_load_explicit(&in->config, memory_order_relaxed) & VS_PC_NO_PACKET_IN)
        return; /* it speaks of table misses only (OpenFlow 1.3.5, 7.2.1) */
    if (!passes_meter(w, p))
        lose(in, p, VS_DROP_METER);
    else if (p->gso_type || p->offload & PACKET_NEEDS_CSUM)
        tell_wired(w, in, p, a);
    else
        tell(w, in, p, a);
}

/* A station that can't be told of is no harm: its next packet tells again. */
void upcall_station(struct worker *w, uint32_t in_port, uint64_t station)
{
    struct station_told *told = (void *)ring_reserve(&w->stations, sizeof *told);
    if (!told)
        return;
    *told = (struct station_told){.bridge = w->bridge->id, .in_port = in_port, .station = station};
    ring_commit(&w->stations, sizeof *told);
    w->tell = true;
}
