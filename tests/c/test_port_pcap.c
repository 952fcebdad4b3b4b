/* Pcap ports: files of every dialect are replayed, damaged ones refused with a sentence, sent frames written. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "port/capture.h"
#include "ports.h"

static struct packet_pool *pool;
static char folder[] = "/tmp/test_port_pcap.XXXXXX", path[64], written[64];
static uint8_t image[4096];
static size_t image_size;

static void put_word(uint32_t word, bool swapped)
{
    word = swapped ? __builtin_bswap32(word) : word;
    memcpy(image + image_size, &word, 4);
    image_size += 4;
}

/* A capture of 'n' frames, the i-th 14 + i bytes of value i. */
static void make_image(uint32_t magic, bool swapped, uint32_t linktype, unsigned n)
{
    image_size = 0;
    put_word(magic, swapped);
    put_word(0x00040002, swapped);
    for (int i = 0; i < 3; i++)
        put_word(i == 2 ? 65535 : 0, swapped);
    put_word(linktype, swapped);
    for (unsigned i = 0; i < n; i++) {
        put_word(1, swapped);
        put_word(2, swapped);
        put_word(14 + i, swapped);
        put_word(9000, swapped); /* it was longer on the wire */
        memset(image + image_size, (int)i, 14 + i);
        image_size += 14 + i;
    }
}

static void write_image(size_t size)
{
    FILE *file = fopen(path, "wb");
    fwrite(image, 1, size, file);
    fclose(file);
}

static struct port *open_pcap(uint32_t flags, vs_error *error)
{
    vs_port_spec spec = spec_of(VS_PORT_PCAP);
    spec.flags = flags;
    strcpy(spec.read_path, path);
    return port_pcap.open(&spec, -1, error);
}

static void every_dialect_is_replayed_for_ever(void)
{
    for (int dialect = 0; dialect < 4; dialect++) {
        make_image(dialect & 1 ? 0xa1b2c3d4 : 0xa1b23c4d, dialect & 2, 1, 5);
        write_image(image_size);
        vs_error error = {0};
        struct port *port = open_pcap(0, &error);
        struct packet *out[PORT_BATCH];
        CHECK(port && port->always && port->fd == -1);
        for (unsigned turn = 0; turn < 3; turn++) {
            CHECK_EQ(port_pcap.rx(port, pool, out, PORT_BATCH), PORT_BATCH);
            for (unsigned i = 0; i < PORT_BATCH; i++) {
                CHECK_EQ(out[i]->len, 14 + (turn * PORT_BATCH + i) % 5);
                CHECK_EQ(out[i]->data[13], (turn * PORT_BATCH + i) % 5);
                CHECK_EQ(out[i]->in_port, 7);
            }
            release_all(out, PORT_BATCH);
        }
        CHECK_EQ(counted(&port->counters.rx_packets), 3 * PORT_BATCH);
        port_pcap.close(port);
    }
}

static void a_single_replay_ends(void)
{
    make_image(0xa1b2c3d4, false, 1, 5);
    write_image(image_size);
    struct port *port = open_pcap(VS_PORT_ONCE, NULL);
    struct packet *out[PORT_BATCH];
    CHECK_EQ(port_pcap.rx(port, pool, out, PORT_BATCH), 5);
    CHECK_EQ(port_pcap.rx(port, pool, out + 5, PORT_BATCH - 5), 0);
    CHECK(!port->always);
    release_all(out, 5);
    port_pcap.close(port);
}

static void an_empty_capture_and_no_capture_are_silent(void)
{
    struct packet *out[PORT_BATCH];
    make_image(0xa1b2c3d4, false, 1, 0);
    write_image(image_size);
    struct port *port = open_pcap(0, NULL);
    CHECK_EQ(port_pcap.rx(port, pool, out, PORT_BATCH), 0);
    CHECK(!port->always);
    port_pcap.close(port);
    vs_port_spec spec = spec_of(VS_PORT_PCAP);
    port = port_pcap.open(&spec, -1, NULL);
    CHECK_EQ(port_pcap.rx(port, pool, out, PORT_BATCH), 0);
    port_pcap.close(port);
}

static void refused(const char *why, int code)
{
    vs_error error = {0};
    CHECK(open_pcap(0, &error) == NULL);
    CHECK_EQ(error.code, code);
    if (!check_note(strstr(error.text, why) != NULL))
        printf("\"%s\" doesn't say \"%s\"\n", error.text, why);
}

static void a_file_cut_anywhere_is_refused(void)
{
    make_image(0xa1b2c3d4, true, 1, 3);
    size_t whole[] = {24, 24 + 30, 24 + 30 + 31, image_size};
    for (size_t size = 0; size <= image_size; size++) {
        bool is_whole = false;
        for (size_t i = 0; i < 4; i++)
            is_whole |= size == whole[i];
        write_image(size);
        if (!is_whole)
            refused(size == 0 ? "is empty" : size < 24 ? "shorter than" : "ends inside frame", -EINVAL);
    }
}

static void what_is_no_ethernet_capture_is_refused(void)
{
    make_image(0xa1b2c3d4, false, 113, 1);
    write_image(image_size);
    refused("no Ethernet frames", -EINVAL);
    make_image(0x0a0d0d0a, false, 1, 1);
    write_image(image_size);
    refused("pcapng", -EINVAL);
    make_image(0x12345678, false, 1, 1);
    write_image(image_size);
    refused("no pcap file", -EINVAL);
    make_image(0xa1b2c3d4, false, 1, 1);
    memset(image + 24 + 8, 0xff, 4);
    write_image(image_size);
    refused("more than a frame can have", -EINVAL);
    unlink(path);
    refused("No such file", -ENOENT);
    mkfifo(path, 0600);
    refused("no regular file", -EINVAL);
    unlink(path);
}

static void long_paths_are_refused(void)
{
    vs_port_spec spec = spec_of(VS_PORT_PCAP);
    vs_error error = {0};
    memset(spec.read_path, 'x', sizeof spec.read_path);
    CHECK(port_pcap.open(&spec, -1, &error) == NULL);
    CHECK_EQ(error.code, -ENAMETOOLONG);
}

static void the_first_frames_sent_are_written_as_on_a_wire(void)
{
    static struct frame f;
    struct capture back;
    vs_port_spec spec = spec_of(VS_PORT_PCAP);
    strcpy(spec.write_path, written);
    spec.write_limit = 4;
    struct port *port = port_pcap.open(&spec, -1, NULL);
    super_frame(&f, 6, false, 2800);
    struct packet *p = super_packet(&f, pool, GSO_TCPV4, 1400), *three[3] = {p, p, p};
    port_pcap.tx(port, three, 3);
    CHECK_EQ(counted(&port->counters.tx_packets), 6);
    CHECK_EQ(counted(&port->counters.tx_bytes), 6 * (66 + 1400));
    packet_release(p);
    CHECK_EQ(capture_load(&back, written, NULL), 0); /* the limit closed it */
    CHECK_EQ(back.count, 4);
    CHECK_EQ(back.frames[3].size, 66 + 1400);
    CHECK_BYTES(back.frames[3].bytes + 66, f.bytes + 66 + 1400, 1400);
    CHECK_BYTES(back.frames[3].bytes, back.frames[1].bytes, 66 + 1400);
    capture_free(&back);
    port_pcap.close(port);
}

static void a_place_that_can_not_be_written_is_refused(void)
{
    vs_error error = {0};
    vs_port_spec spec = spec_of(VS_PORT_PCAP);
    strcpy(spec.write_path, "/nonexistent/folder/out.pcap");
    spec.write_limit = 1;
    CHECK(port_pcap.open(&spec, -1, &error) == NULL);
    CHECK_EQ(error.code, -ENOENT);
}

static void without_buffers_frames_are_counted_as_lost(void)
{
    struct packet_pool *small = packet_pool_new(3, 1);
    struct packet *out[PORT_BATCH];
    make_image(0xa1b2c3d4, false, 1, 5);
    write_image(image_size);
    struct port *port = open_pcap(0, NULL);
    CHECK_EQ(port_pcap.rx(port, small, out, PORT_BATCH), 3);
    CHECK_EQ(dropped(port, VS_DROP_NO_BUFFER), 1);
    release_all(out, 3);
    port_pcap.close(port);
    packet_pool_free(small);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/in.pcap", folder);
    snprintf(written, sizeof written, "%s/out.pcap", folder);
    pool = packet_pool_new(256, 8);
    every_dialect_is_replayed_for_ever();
    a_single_replay_ends();
    an_empty_capture_and_no_capture_are_silent();
    a_file_cut_anywhere_is_refused();
    what_is_no_ethernet_capture_is_refused();
    long_paths_are_refused();
    the_first_frames_sent_are_written_as_on_a_wire();
    a_place_that_can_not_be_written_is_refused();
    without_buffers_frames_are_counted_as_lost();
    CHECK_EQ(packet_pool_out(pool), 0);
    packet_pool_free(pool);
    unlink(path);
    unlink(written);
    rmdir(folder);
    return checks_end();
}
