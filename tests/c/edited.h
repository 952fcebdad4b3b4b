/* What tests of edits share: frames of any kind, and the judgement of what became of one. */
#pragma once
#include "check.h"
#include "frames.h"
#include "packet/checksum.h"
#include "packet/edit.h"

static struct packet_pool *pool;
static struct frame f, again;

static void build(bool ipv6, uint8_t proto, unsigned tags, unsigned exts)
{
    frame_ethernet(&f, tags);
    if (ipv6)
        frame_ipv6(&f, proto);
    else
        frame_ipv4(&f, proto, exts * 4);
    for (unsigned i = 0; ipv6 && i < exts; i++)
        frame_ext(&f, 60, 16);
    if (proto == 58)
        frame_nd(&f, random_bits() & 1 ? 135 : 136);
    else
        frame_transport(&f, random_bits() % 200);
    frame_end(&f);
}

/* 'p' is what it would be if it had been built as it is now. */
static void check_checksums(const struct packet *p)
{
    again = f;
    memcpy(again.bytes, p->data, p->len);
    again.n = p->len;
    again.l3 = p->layout.l3;
    again.l4 = p->layout.l4;
    again.proto = p->layout.ip_proto;
    if (again.ipv6)
        memcpy(again.final_dst, p->data + again.l3 + 24, 16);
    frame_end(&again);
    CHECK_BYTES(p->data, again.bytes, p->len);
}

static void check_layout(const struct packet *p)
{
    struct packet copy = *p;

    layout_parse(&copy);
    CHECK_BYTES(&copy.layout, &p->layout, sizeof copy.layout);
}
