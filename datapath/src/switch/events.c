/* See events.h. */
#include "switch/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum { LOSSY_LIMIT = 4 << 20, SHARED_ROOM = 65536 };

void events_init(struct events *e)
{
    *e = (struct events){.lent = -1};
    e->last = &e->first;
}

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

void events_destroy(struct events *e)
{
    close_descriptor(e->lent);
    for (struct event *at = e->first, *next; at; at = next) {
        next = at->next;
        close_descriptor(at->fd);
        free(at);
    }
    events_init(e);
}

static struct event *append(struct events *e, vs_frame header, size_t n, size_t room, int fd)
{
    struct event *event = malloc(sizeof *event + room);
    MUST(event);
    MUST(sizeof(vs_frame) + n <= VS_FRAME_MAX);
    header.size = (uint32_t)(sizeof(vs_frame) + n);
    *event = (struct event){.fd = fd, .room = room, .frame = header};
    *e->last = event;
    e->last = &event->next;
    e->bytes += header.size;
    return event;
}

static uint8_t *payload(struct event *event) { return (uint8_t *)(&event->frame + 1); }

void events_put(struct events *e, vs_frame header, const void *bytes, size_t n, int fd)
{
    struct event *event = append(e, header, n, n, fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (n)
        memcpy(payload(event), bytes, n);
}

void events_done(struct events *e, const vs_frame *command, int error, const char *text)
{
    struct {
        vs_done done;
        char text[256];
    } body = {0};
    size_t n = text ? strnlen(text, sizeof body.text) : 0;
    body.done.error = error;
    body.done.size = (uint32_t)n;
    if (n)
        memcpy(body.text, text, n);
    vs_frame header = {
        .type = VS_EVT_DONE, .bridge = command->bridge, .session = command->session, .tag = command->tag};
    events_put(e, header, &body, sizeof body.done + n, -1);
}

/* The last frame if these bytes may join it. */
static struct event *joinable(struct events *e, uint32_t bridge, uint32_t session, uint64_t tag, size_t n,
                              uint16_t flags)
{
    if (!e->first)
        return NULL;
    struct event *last = (struct event *)((char *)e->last - offsetof(struct event, next));
    const vs_frame *f = &last->frame;
    bool same = f->type == VS_EVT_OPENFLOW && f->bridge == bridge && f->session == session && f->tag == tag &&
                f->flags == flags;
    return same && f->size - sizeof(vs_frame) + n <= last->room ? last : NULL;
}

static void put_openflow(struct events *e, uint32_t bridge, uint32_t session, uint64_t tag, const uint8_t *bytes,
                         size_t n, uint16_t flags)
{
    struct event *event = joinable(e, bridge, session, tag, n, flags);
    if (!event) {
        vs_frame header = {.type = VS_EVT_OPENFLOW, .flags = flags, .bridge = bridge, .session = session, .tag = tag};
        event = append(e, header, n, n < 2048 ? 4096 : SHARED_ROOM > n ? SHARED_ROOM : n, -1);
        memcpy(payload(event), bytes, n);
        return;
    }
    memcpy(payload(event) + event->frame.size - sizeof(vs_frame), bytes, n);
    event->frame.size += (uint32_t)n;
    e->bytes += n;
}

void events_openflow(struct events *e, uint32_t bridge, uint32_t session, uint64_t tag, const uint8_t *messages,
                     size_t n, bool lossy)
{
    if (lossy && e->bytes > LOSSY_LIMIT) {
        e->lost++;
        return;
    }
    while (n) { /* whole messages, as many as a frame takes */
        size_t part = 0;
        while (part < n) {
            size_t length = (size_t)messages[part + 2] << 8 | messages[part + 3];
            MUST(length >= 8 && part + length <= n);
            if (part && part + length > SHARED_ROOM)
                break;
            part += length;
        }
        put_openflow(e, bridge, session, tag, messages, part, lossy ? VS_FRAME_LOSSY : 0);
        messages += part;
        n -= part;
    }
}

long events_take(struct events *e, uint8_t *out, size_t size, int *fd)
{
    struct event *event = e->first;
    *fd = -1;
    if (!event)
        return 0;
    size_t n = event->frame.size;
    if (n > size)
        return -ENOSPC;
    memcpy(out, &event->frame, n);
    close_descriptor(e->lent);
    *fd = e->lent = event->fd;
    e->first = event->next;
    if (!e->first)
        e->last = &e->first;
    e->bytes -= n;
    free(event);
    return (long)n;
}
