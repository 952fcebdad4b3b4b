/* See journal.h. */
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define MAGIC UINT64_C(0x766a6f75726e3032)
enum { PAGE = 4096, FIRST_SIZE = 1 << 16 };

/* The first page of the file. */
struct head {
    uint64_t magic;
    _Atomic uint64_t active; /* which area counts */
    struct area {
        uint64_t start;
        _Atomic uint64_t end;
    } areas[2];
    uint64_t seed;
};

static struct head *head_of(const struct journal *j) { return (struct head *)(void *)j->map; }
static struct area *active(const struct journal *j) { return &head_of(j)->areas[atomic_load(&head_of(j)->active)]; }
static struct area *other(const struct journal *j) { return &head_of(j)->areas[!atomic_load(&head_of(j)->active)]; }

/* Maps 'size' bytes of the file; on failure the old mapping stays. */
static int map_file(struct journal *j, size_t size)
{
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    if (j->map)
        munmap(j->map, j->size);
    j->map = map;
    j->size = size;
    return 0;
}

/* A journal that misses a change would bring back what was deleted: it is worth nothing from then on. */
static void fail(struct journal *j)
{
    perror("vswitch-forwarder: the journal can't grow, so rules will not outlive this process");
    head_of(j)->magic = 0;
    j->failed = true;
}

/* The file is at least 'size' bytes; false: it can't be, the journal has failed. */
static bool grow(struct journal *j, uint64_t size)
{
    size_t wanted = j->size;
    while (wanted < size)
        wanted *= 2;
    if (wanted == j->size)
        return true;
    if (ftruncate(j->fd, (off_t)wanted) || map_file(j, wanted)) {
        fail(j);
        return false;
    }
    return true;
}

/* Nobody makes the file shorter from now on: what is mapped stays there to be read. */
static bool keep_size(int fd) { return !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK); }

int journal_make(struct journal *j, uint64_t seed)
{
    *j = (struct journal){.fd = memfd_create("vswitch-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING), .end = PAGE};
    if (j->fd < 0 || ftruncate(j->fd, FIRST_SIZE) || !keep_size(j->fd) || map_file(j, FIRST_SIZE))
        return -errno;
    struct head *h = head_of(j);
    h->areas[0] = (struct area){PAGE, PAGE};
    h->seed = seed;
    h->magic = MAGIC;
    return 0;
}

/* A journal from elsewhere is believed only as far as its own lengths agree. */
static bool is_sound(const struct journal *j)
{
    const struct head *h = head_of(j);
    if (h->magic != MAGIC || atomic_load(&h->active) > 1)
        return false;
    uint64_t at = active(j)->start, end = active(j)->end;
    if (at < PAGE || at % 8 || end < at || end > j->size)
        return false;
    for (const struct journal_record *r; at < end; at += r->size) {
        r = (const void *)(j->map + at);
        if (end - at < sizeof *r || r->size < sizeof *r + r->length || r->size % 8 || r->size > end - at)
            return false;
    }
    return true;
}

int journal_open(struct journal *j, int fd)
{
    struct stat file;
    *j = (struct journal){.fd = fd};
    bool stays = keep_size(fd); /* before its size is asked for */
    int code = !stays || fstat(fd, &file)  ? -errno
               : file.st_size < FIRST_SIZE ? -EINVAL
                                           : map_file(j, (size_t)file.st_size);
    if (!code && !is_sound(j))
        code = -EINVAL;
    if (code)
        journal_close(j);
    else
        j->end = active(j)->end;
    return code;
}

void journal_close(struct journal *j)
{
    if (j->map)
        munmap(j->map, j->size);
    close(j->fd);
    *j = (struct journal){.fd = -1};
}

void journal_append(struct journal *j, uint64_t bridge, uint64_t now_ns, const uint8_t *message, size_t n)
{
    struct journal_record r = {.bridge = bridge, .now_ns = now_ns, .length = (uint32_t)n};
    r.size = (uint32_t)((sizeof r + n + 7) & ~(size_t)7);
    if (j->failed || !grow(j, j->end + r.size))
        return;
    memcpy(j->map + j->end, &r, sizeof r);
    if (n)
        memcpy(j->map + j->end + sizeof r, message, n);
    j->end += r.size;
}

void journal_commit(struct journal *j)
{
    if (!j->failed)
        atomic_store_explicit(&active(j)->end, j->end, memory_order_release);
}

void journal_abort(struct journal *j)
{
    if (!j->failed)
        j->end = active(j)->end;
}

uint64_t journal_seed(const struct journal *j) { return head_of(j)->seed; }

uint64_t journal_used(const struct journal *j) { return j->failed ? 0 : active(j)->end - active(j)->start; }

const struct journal_record *journal_next(const struct journal *j, const struct journal_record *at)
{
    if (j->failed)
        return NULL;
    uint64_t next = at ? (uint64_t)((const uint8_t *)at - j->map) + at->size : active(j)->start;
    return next < active(j)->end ? (const void *)(j->map + next) : NULL;
}

void journal_fresh(struct journal *j, uint64_t room)
{
    bool in_front = active(j)->start >= PAGE + room * 2;
    j->end = in_front ? PAGE : (active(j)->end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (grow(j, j->end + room))
        other(j)->start = j->end;
}

void journal_flip(struct journal *j)
{
    if (j->failed)
        return;
    struct area *old = active(j);
    MUST(other(j)->start >= old->end || j->end <= old->start);
    atomic_store(&other(j)->end, j->end);
    atomic_store(&head_of(j)->active, !atomic_load(&head_of(j)->active));
    uint64_t from = (old->start + PAGE - 1) & ~(uint64_t)(PAGE - 1), to = old->end & ~(uint64_t)(PAGE - 1);
    if (to > from) /* memory back to the system; that it can't be is no harm */
        fallocate(j->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
}
