/* Reading and writing pcap files: see capture.h. */
#include "port/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "packet/packet.h"

enum { FILE_HEADER = 24, RECORD_HEADER = 16, LINKTYPE_ETHERNET = 1 };
enum { MAGIC_MICRO = 0xa1b2c3d4u, MAGIC_NANO = 0xa1b23c4du, MAGIC_PCAPNG = 0x0a0d0d0au };
static const uint64_t FILE_LIMIT = 4ull << 30; /* held in memory whole */

static uint32_t word(const uint8_t *bytes, bool swapped)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return swapped ? __builtin_bswap32(value) : value;
}

static int refuse(vs_error *error, int code, const char *path, const char *why)
{
    return error_set(error, code, "pcap %s: %s", path, why);
}

/* Judges the file header and tells the byte order of the rest. */
static int check_header(const uint8_t *file, size_t size, const char *path, bool *swapped, vs_error *error)
{
    if (size < FILE_HEADER)
        return refuse(error, -EINVAL, path, "shorter than a pcap header: give a file written by tcpdump -w");
    uint32_t magic = word(file, false);
    if (magic == MAGIC_PCAPNG)
        return refuse(error, -EINVAL, path, "is pcapng: convert it with editcap -F pcap");
    *swapped = magic == __builtin_bswap32(MAGIC_MICRO) || magic == __builtin_bswap32(MAGIC_NANO);
    if (!*swapped && magic != MAGIC_MICRO && magic != MAGIC_NANO)
        return refuse(error, -EINVAL, path, "is no pcap file: give a file written by tcpdump -w");
    if ((word(file + 20, *swapped) & 0x0fffffff) != LINKTYPE_ETHERNET) /* above it: length of a frame check sequence */
        return refuse(error, -EINVAL, path, "holds no Ethernet frames: capture on one interface, not on \"any\"");
    return 0;
}

/* Walks the records; fills 'frames' if it is there.  The number of frames or -errno. */
static long walk(const uint8_t *file, size_t size, const char *path, bool swapped, struct capture_frame *frames,
                 vs_error *error)
{
    long n = 0;
    for (size_t at = FILE_HEADER; at < size; n++) {
        bool whole_header = size - at >= RECORD_HEADER;
        uint32_t length = whole_header ? word(file + at + 8, swapped) : 0;
        if (whole_header && length > PACKET_LARGE)
            return error_set(
                error, -EINVAL,
                "pcap %s: frame %ld claims %u bytes, more than a frame can have: the file is damaged, capture it again",
                path, n + 1, length);
        if (!whole_header || length > size - at - RECORD_HEADER)
            return error_set(error, -EINVAL,
                             "pcap %s: ends inside frame %ld: capture it again or cut it with editcap -r", path, n + 1);
        if (frames)
            frames[n] = (struct capture_frame){file + at + RECORD_HEADER, length};
        at += RECORD_HEADER + length;
    }
    return n;
}

int capture_index(const uint8_t *file, size_t size, const char *path, struct capture_frame **frames, size_t *count,
                  vs_error *error)
{
    bool swapped = false;
    *frames = NULL;
    *count = 0;
    int bad = check_header(file, size, path, &swapped, error);
    if (bad)
        return bad;
    long n = walk(file, size, path, swapped, NULL, error);
    if (n <= 0)
        return (int)n;
    *frames = calloc((size_t)n, sizeof **frames);
    if (!*frames)
        return refuse(error, -ENOMEM, path, "no memory for its index: replay a shorter capture");
    walk(file, size, path, swapped, *frames, error);
    *count = (size_t)n;
    return 0;
}

static int read_whole(int fd, uint8_t *to, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t n = read(fd, to + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO; /* shrank while we read it */
        have += (size_t)n;
    }
    return 0;
}

/* The open file's content, mapped privately: later changes of the file can't reach the replay. */
static int slurp(struct capture *c, int fd, const char *path, vs_error *error)
{
    struct stat status;
    if (fstat(fd, &status))
        return refuse(error, -errno, path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(error, -EINVAL, path, "is no regular file: the replay holds it in memory whole");
    if (status.st_size == 0)
        return refuse(error, -EINVAL, path, "is empty: give a file written by tcpdump -w");
    if ((uint64_t)status.st_size > FILE_LIMIT)
        return refuse(error, -EFBIG, path, "is larger than 4 GiB: cut it with editcap -c");
    void *map = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return refuse(error, -ENOMEM, path, "no memory to hold it: cut it with editcap -c");
    madvise(map, (size_t)status.st_size, MADV_HUGEPAGE); /* fewer TLB misses in a replay; fine without */
    c->file = map;
    c->file_size = (size_t)status.st_size;
    int bad = read_whole(fd, map, c->file_size);
    return bad ? refuse(error, bad, path, strerror(-bad)) : 0;
}

int capture_load(struct capture *c, const char *path, vs_error *error)
{
    memset(c, 0, sizeof *c);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (fd < 0)
        return refuse(error, -errno, path, strerror(errno));
    int bad = slurp(c, fd, path, error);
    close(fd);
    if (!bad)
        bad = capture_index(c->file, c->file_size, path, &c->frames, &c->count, error);
    if (bad)
        capture_free(c);
    return bad;
}

void capture_free(struct capture *c)
{
    if (c->file)
        munmap(c->file, c->file_size);
    free(c->frames);
    memset(c, 0, sizeof *c);
}

FILE *capture_create(const char *path, vs_error *error)
{
    FILE *file = fopen(path, "wbe");
    if (!file) {
        refuse(error, -errno, path, strerror(errno));
        return NULL;
    }
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, sigfigs, snaplen, linktype;
    } header = {
        MAGIC_MICRO, 2, 4, 0, 0, PACKET_LARGE, LINKTYPE_ETHERNET,
    };
    _Static_assert(sizeof header == FILE_HEADER, "pcap file header");
    fwrite(&header, sizeof header, 1, file);
    return file;
}

int capture_write(FILE *file, uint64_t microseconds, const uint8_t *frame, uint32_t size)
{
    const uint32_t record[4] = {(uint32_t)(microseconds / 1000000), (uint32_t)(microseconds % 1000000), size, size};
    return fwrite(record, sizeof record, 1, file) == 1 && fwrite(frame, 1, size, file) == size;
}
