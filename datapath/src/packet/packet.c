/* The pool behind packet buffers: one mapping, touched page by page as load asks for it.
 *
 *     struct packet_pool | small: stack of free ones, buffers | large: stack, buffers
 *
 * so that a packet's address tells its class.  A buffer is struct packet, PACKET_HEADROOM, frame bytes.
 */
#include "packet/packet.h"
#include <string.h>
#include <sys/mman.h>
#include "base/check.h"

enum { LINE = 64 };

static size_t lines(size_t bytes) { return (bytes + LINE - 1) & ~(size_t)(LINE - 1); }

static struct packet_class class_of(unsigned count, uint32_t room)
{
    size_t stride = lines(sizeof(struct packet) + PACKET_HEADROOM + room);

    return (struct packet_class){.stride = (uint32_t)stride, .room = room, .count = count, .n_fresh = count};
}

static size_t class_size(const struct packet_class *c)
{
    return lines(c->count * sizeof(struct packet *)) + (size_t)c->stride * c->count;
}

static uint8_t *class_place(struct packet_class *c, uint8_t *at)
{
    c->free = (struct packet **)at;
    c->fresh = at + lines(c->count * sizeof(struct packet *));
    return at + class_size(c);
}

struct packet_pool *packet_pool_new(unsigned small, unsigned large)
{
    struct packet_pool pool = {.small = class_of(small, PACKET_SMALL), .large = class_of(large, PACKET_LARGE)};
    struct packet_pool *at;

    pool.map_size = lines(sizeof pool) + class_size(&pool.small) + class_size(&pool.large);
    at = mmap(NULL, pool.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    class_place(&pool.large, class_place(&pool.small, (uint8_t *)at + lines(sizeof pool)));
    *at = pool;
    return at;
}

static unsigned class_out(const struct packet_class *c) { return c->count - c->n_fresh - c->n_free; }

unsigned packet_pool_out(const struct packet_pool *pool) { return class_out(&pool->small) + class_out(&pool->large); }

void packet_pool_free(struct packet_pool *pool)
{
    if (!pool)
        return;
    MUST(packet_pool_out(pool) == 0);
    poison_lift(pool, pool->map_size);
    munmap(pool, pool->map_size);
}

struct packet *packet_fresh(struct packet_class *c)
{
    struct packet *p = (struct packet *)c->fresh;

    if (!c->n_fresh)
        return NULL;
    c->n_fresh--;
    c->fresh += c->stride;
    return p;
}

struct packet *packet_copy(const struct packet *from)
{
    struct packet *p = packet_new(from->pool, from->len);

    if (!p)
        return NULL;
    p->len = from->len;
    p->in_port = from->in_port;
    p->gso_type = from->gso_type;
    p->offload = from->offload;
    p->gso_size = from->gso_size;
    p->hdr_len = from->hdr_len;
    p->csum_start = from->csum_start;
    p->csum_offset = from->csum_offset;
    p->layout = from->layout;
    memcpy(p->data, from->data, from->len);
    return p;
}

/* Moves the offload offsets that mean something by 'n'; false: they don't fit any more. */
static bool offload_shift(struct packet *p, int64_t n)
{
    int64_t start = p->csum_start, headers = p->hdr_len;

    if (p->offload & PACKET_NEEDS_CSUM)
        start += n;
    if (p->gso_type != GSO_NONE)
        headers = headers + n < 0 ? 0 : headers + n; /* a hint of the sender, not trusted */
    if (start < 0 || start > UINT16_MAX || headers > UINT16_MAX)
        return false;
    p->csum_start = (uint16_t)start;
    p->hdr_len = (uint16_t)headers;
    return true;
}

uint8_t *packet_push(struct packet *p, uint32_t n)
{
    if (n > (size_t)(p->data - (uint8_t *)(p + 1)) || !offload_shift(p, n))
        return NULL;
    p->len += n;
    p->room += n;
    return p->data -= n;
}

uint8_t *packet_pull(struct packet *p, uint32_t n)
{
    if (n > p->len || !offload_shift(p, -(int64_t)n))
        return NULL;
    p->len -= n;
    p->room -= n;
    return p->data += n;
}
