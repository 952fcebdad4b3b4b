/* Packet buffers: references, copies, head and tail of their room, and what the pool counts. */
#include "check.h"
#include "packet/packet.h"

static void a_pool_gives_what_it_has_and_takes_it_back(void)
{
    struct packet_pool *pool = packet_pool_new(4, 2);
    struct packet *p[4];

    for (int i = 0; i < 4; i++)
        CHECK((p[i] = packet_new(pool, 100)) != NULL);
    CHECK(packet_new(pool, 100) == NULL);
    CHECK_EQ(packet_pool_out(pool), 4);
    packet_release(p[2]);
    CHECK(packet_new(pool, PACKET_SMALL) == p[2]);
    for (int i = 0; i < 4; i++)
        packet_release(p[i]);
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
}

static void a_new_packet_is_empty(void)
{
    struct packet_pool *pool = packet_pool_new(1, 1);
    struct packet *p = packet_new(pool, 64);

    p->in_port = 3;
    p->gso_type = GSO_TCPV4;
    p->offload = PACKET_NEEDS_CSUM;
    p->layout.l4 = 34;
    packet_push(p, 10);
    packet_release(p);
    p = packet_new(pool, 64);
    CHECK_EQ(p->len, 0);
    CHECK_EQ(p->in_port, 0);
    CHECK_EQ(p->gso_type, 0);
    CHECK_EQ(p->offload, 0);
    CHECK_EQ(p->layout.l4, 0);
    CHECK_EQ(p->room, PACKET_SMALL);
    CHECK_EQ(p->refs, 1);
    packet_release(p);
    packet_pool_free(pool);
}

static void a_frame_gets_the_buffer_it_fits(void)
{
    struct packet_pool *pool = packet_pool_new(1, 1);
    struct packet *small = packet_new(pool, PACKET_SMALL), *large = packet_new(pool, PACKET_SMALL + 1);

    CHECK_EQ(small->room, PACKET_SMALL);
    CHECK_EQ(large->room, PACKET_LARGE);
    CHECK(packet_new(pool, PACKET_LARGE) == NULL);
    packet_release(large);
    CHECK(packet_new(pool, PACKET_LARGE + 1) == NULL);
    CHECK((large = packet_new(pool, PACKET_LARGE)) != NULL);
    memset(large->data, 0xaa, PACKET_LARGE);
    memset(small->data, 0x55, PACKET_SMALL);
    CHECK_EQ(large->refs, 1);
    packet_release(small);
    packet_release(large);
    packet_release(NULL);
    packet_pool_free(pool);
}

static struct packet *filled(struct packet_pool *pool)
{
    struct packet *p = packet_new(pool, 100);

    p->len = 100;
    for (uint8_t i = 0; i < 100; i++)
        p->data[i] = i;
    p->in_port = 9;
    p->gso_type = GSO_TCPV6;
    p->gso_size = 1440;
    p->offload = PACKET_NEEDS_CSUM;
    p->hdr_len = 54;
    p->csum_start = 34;
    p->csum_offset = 16;
    p->layout = (struct layout){.l3 = 14, .l4 = 34, .kind = L3_IPV4, .l3_end = 100};
    return p;
}

static void check_same(const struct packet *a, const struct packet *b)
{
    CHECK_EQ(a->len, b->len);
    CHECK_BYTES(a->data, b->data, a->len);
    CHECK_EQ(a->in_port, b->in_port);
    CHECK_EQ(a->gso_type, b->gso_type);
    CHECK_EQ(a->gso_size, b->gso_size);
    CHECK_EQ(a->offload, b->offload);
    CHECK_EQ(a->hdr_len, b->hdr_len);
    CHECK_EQ(a->csum_start, b->csum_start);
    CHECK_EQ(a->csum_offset, b->csum_offset);
    CHECK_BYTES(&a->layout, &b->layout, sizeof a->layout);
}

static void owning_copies_only_what_is_shared(void)
{
    struct packet_pool *pool = packet_pool_new(2, 1);
    struct packet *p = filled(pool), *mine;

    CHECK(packet_own(p) == p);
    packet_ref(p);
    mine = packet_own(p);
    CHECK(mine != p && mine->refs == 1 && p->refs == 1);
    check_same(mine, p);
    packet_ref(p);
    CHECK(packet_own(p) == NULL); /* no buffer is left: the reference is gone all the same */
    CHECK_EQ(p->refs, 1);
    packet_release(mine);
    packet_release(p);
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
}

static void a_frame_grown_beyond_small_is_copied_whole(void)
{
    struct packet_pool *pool = packet_pool_new(1, 1);
    struct packet *p = packet_new(pool, PACKET_SMALL), *copy;

    p->len = PACKET_SMALL;
    CHECK(packet_push(p, PACKET_HEADROOM) != NULL);
    memset(p->data, 0x77, p->len);
    copy = packet_copy(p);
    CHECK(copy && copy->room == PACKET_LARGE);
    check_same(copy, p);
    packet_release(copy);
    packet_release(p);
    packet_pool_free(pool);
}

static void the_start_moves_within_the_headroom(void)
{
    struct packet_pool *pool = packet_pool_new(1, 1);
    struct packet *p = filled(pool);
    uint8_t *data = p->data;

    CHECK(packet_push(p, 4) == data - 4);
    CHECK_EQ(p->len, 104);
    CHECK_EQ(p->room, PACKET_SMALL + 4);
    CHECK_EQ(p->csum_start, 38);
    CHECK_EQ(p->hdr_len, 58);
    CHECK(packet_push(p, PACKET_HEADROOM - 3) == NULL);
    CHECK(packet_push(p, PACKET_HEADROOM - 4) != NULL);
    CHECK(packet_pull(p, PACKET_HEADROOM) == data);
    CHECK_EQ(p->csum_start, 34);
    CHECK_EQ(p->hdr_len, 54);
    CHECK(packet_pull(p, 35) == NULL); /* would cut off where the open checksum starts */
    p->offload = 0;
    CHECK(packet_pull(p, 101) == NULL);
    CHECK(packet_pull(p, 100) == data + 100);
    CHECK_EQ(p->len, 0);
    packet_release(p);
    packet_pool_free(pool);
}

static void the_accessor_gives_only_bytes_of_the_frame(void)
{
    struct packet_pool *pool = packet_pool_new(1, 0);
    struct packet *p = packet_new(pool, 10);

    p->len = 10;
    CHECK(packet_at(p, 0, 10) == p->data);
    CHECK(packet_at(p, 10, 0) == p->data + 10);
    CHECK(packet_at(p, 9, 1) == p->data + 9);
    CHECK(packet_at(p, 9, 2) == NULL);
    CHECK(packet_at(p, 11, 0) == NULL);
    CHECK(packet_at(p, 1, UINT32_MAX) == NULL);
    CHECK(packet_at(p, UINT32_MAX, UINT32_MAX) == NULL);
    packet_release(p);
    packet_pool_free(pool);
}

/* Half of the reserve is for what waits nowhere else; the rest of it only for what is on its way. */
static void one_may_wait_anywhere_as_long_as_half_of_the_reserve_is_there(void)
{
    enum { COUNT = 80, RESERVE = COUNT / PACKET_KEPT };
    struct packet_pool *pool = packet_pool_new(COUNT, 0);
    struct packet *all[COUNT];
    for (unsigned n = 0; n < COUNT; n++) {
        unsigned left = COUNT - n - 1;
        all[n] = packet_new(pool, 60);
        CHECK_EQ(packet_may_wait(all[n], 0, SHARE_OF_QUEUE), left >= RESERVE / 2);
        CHECK_EQ(packet_may_wait(all[n], 1, SHARE_OF_PORT), left > RESERVE);
    }
    for (unsigned n = 0; n < COUNT; n++)
        packet_release(all[n]);
    packet_pool_free(pool);
}

int main(void)
{
    a_pool_gives_what_it_has_and_takes_it_back();
    a_new_packet_is_empty();
    a_frame_gets_the_buffer_it_fits();
    owning_copies_only_what_is_shared();
    a_frame_grown_beyond_small_is_copied_whole();
    the_start_moves_within_the_headroom();
    the_accessor_gives_only_bytes_of_the_frame();
    one_may_wait_anywhere_as_long_as_half_of_the_reserve_is_there();
    return checks_end();
}
