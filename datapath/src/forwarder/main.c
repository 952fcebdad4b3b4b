/* vswitch-forwarder: the process that moves packets.
 *
 * Theory of operation.  It holds one switch and one socket.  The poll thread moves
 * packets; this thread carries commands in from the daemon and events out to it, one
 * frame a datagram, and calls the switch's clock.  When the daemon goes away, nothing
 * changes for packets; the next daemon connects, asks for a dump (descriptors ride along)
 * and goes on.  With --ephemeral the forwarder ends when its daemon does.
 *
 * It takes one daemon at a time, of its own user or root.  Nobody waits for a slow daemon:
 * events wait in the switch's queue, packet-ins are dropped there when too many wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "forwarder/notify.h"
#include "forwarder/socket.h"
#include "vswitch.h"

enum { TICK_MS = 50, WRONG_USE = 2 };
static const uint64_t PATIENCE_NS = 10000000000, LOOK_NS = 1000000000;

struct forwarder {
    const char *path;
    bool ephemeral;
    vs_switch *sw;
    int listener, daemon, signals; /* daemon: -1 while there is none */
    struct wire_name name;         /* of the listener: what 'path' led to when it was made */
    uint64_t look_ns;              /* when the name is looked at again */
    struct wire_frame out;         /* an event that did not fit the socket yet: size > 0 */
    uint64_t patience_ns; /* until when an ephemeral one waits for its first daemon: that may have died meanwhile */
    bool ending;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void lose_daemon(struct forwarder *f)
{
    close(f->daemon);
    f->daemon = -1;
    f->out.size = 0;
    vs_switch_orphaned(f->sw);
    f->ending |= f->ephemeral;
}

/* Events for a daemon that is not there are for nobody: the next one asks for what is. */
static void send_events(struct forwarder *f)
{
    for (;;) {
        if (!f->out.size) {
            long n = vs_switch_events(f->sw, f->out.bytes, sizeof f->out.bytes, &f->out.fd);
            if (n <= 0)
                return;
            f->out.size = (size_t)n;
        }
        int code = f->daemon < 0 ? 0 : wire_send(f->daemon, &f->out);
        if (code == -EAGAIN)
            return;
        f->out.size = 0;
        if (code)
            lose_daemon(f);
    }
}

static void take_daemon(struct forwarder *f)
{
    int fd = wire_accept(f->listener);
    if (fd < 0)
        return;
    if (f->daemon >= 0) {
        wire_refuse(fd, "another daemon drives this forwarder; end it first");
        close(fd);
        return;
    }
    f->daemon = fd;
}

/* A turn's worth of commands: packets don't wait for them, the clock and events do. */
static void take_commands(struct forwarder *f)
{
    enum { TURN = 64 };
    static struct wire_frame in;
    for (unsigned i = 0; i < TURN && f->daemon >= 0; i++) {
        int code = wire_receive(f->daemon, &in);
        if (code == -EAGAIN)
            return;
        if (code || vs_switch_command(f->sw, in.bytes, in.size, in.fd, now_ns())) {
            lose_daemon(f);
            return;
        }
        vs_frame header;
        memcpy(&header, in.bytes, sizeof header);
        f->ending |= header.type == VS_CMD_SHUTDOWN;
        send_events(f);
    }
}

static int open_listener(struct forwarder *f)
{
    int fd = wire_listen(f->path);
    if (fd >= 0)
        wire_name(f->path, &f->name);
    return fd;
}

/* The next daemon finds it by its name alone, which can be removed, with the folder or without it.  Then it listens
 * anew as soon as that can be; a daemon that is connected notices nothing. */
static void keep_name(struct forwarder *f, uint64_t now)
{
    if (now < f->look_ns)
        return;
    f->look_ns = now + LOOK_NS;
    struct wire_name found;
    if (wire_name(f->path, &found) != -ENOENT) /* or it is another's by now */
        return;
    int fd = open_listener(f);
    if (fd < 0)
        return;
    close(f->listener);
    f->listener = fd;
}

static void loop(struct forwarder *f)
{
    while (!f->ending) {
        struct pollfd fds[] = {
            {f->signals, POLLIN, 0},
            {f->listener, POLLIN, 0},
            {vs_switch_wakeup_fd(f->sw), POLLIN, 0},
            {f->daemon, (short)(POLLIN | (f->out.size ? POLLOUT : 0)), 0},
        };
        poll(fds, sizeof fds / sizeof fds[0], TICK_MS);
        f->ending |= fds[0].revents != 0;
        if (fds[1].revents)
            take_daemon(f);
        if (fds[3].revents)
            take_commands(f);
        keep_name(f, now_ns());
        vs_switch_tick(f->sw, now_ns());
        send_events(f);
        f->ending |= f->ephemeral && f->daemon < 0 && now_ns() > f->patience_ns;
    }
}

static int die(const char *what, const char *why, const char *advice)
{
    fprintf(stderr, "vswitch-forwarder: %s: %s; %s\n", what, why, advice);
    return 1;
}

/* What others send to every program (for logs, statistics, a terminal that was closed) must not end this one. */
static void bear_signals(void)
{
    static const int harmless[] = {SIGHUP,  SIGPIPE, SIGALRM, SIGUSR1,   SIGUSR2, SIGVTALRM,
                                   SIGPROF, SIGIO,   SIGPWR,  SIGSTKFLT, SIGXFSZ};
    for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++)
        signal(harmless[i], SIG_IGN);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        signal(number, SIG_IGN);
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before the poll thread starts, so that it inherits it */
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(struct forwarder *f)
{
    vs_error error;
    vs_config config = {0};
    bear_signals();
    f->signals = open_signals();
    f->listener = open_listener(f);
    if (f->listener == -EADDRINUSE) { /* trying again won't help, so services don't */
        die(f->path, "another forwarder listens there", "end it, or give another path");
        return WRONG_USE;
    }
    if (f->listener < 0)
        return die(f->path, strerror(-f->listener), "give a path in a folder that you may write");
    f->sw = vs_switch_new(&config, now_ns(), &error);
    if (!f->sw)
        return die("no switch", error.text, "free some memory");
    f->patience_ns = now_ns() + PATIENCE_NS;
    int code = vs_switch_start(f->sw, 1);
    if (code)
        return die("no poll thread", strerror(-code), "raise the limit of processes");
    notify_tell("READY=1");
    loop(f);
    notify_tell("STOPPING=1");
    if (f->daemon >= 0)
        close(f->daemon);
    if (wire_is_named(f->path, &f->name))
        unlink(f->path);
    vs_switch_free(f->sw);
    return 0;
}

static int usage(void)
{
    fputs("usage: vswitch-forwarder --listen PATH [--ephemeral]\n"
          "Moves packets for the vswitch daemon that connects to PATH.\n"
          "  --ephemeral  end when the daemon goes away\n",
          stderr);
    return WRONG_USE;
}

/* Whoever closed a standard stream must not have the first socket written to in its place. */
static void hold_streams(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO) {}
    close(fd);
}

int main(int argc, char **argv)
{
    hold_streams();
    static struct forwarder f = {.daemon = -1};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--listen") && i + 1 < argc)
            f.path = argv[++i];
        else if (!strcmp(argv[i], "--ephemeral"))
            f.ephemeral = true;
        else
            return usage();
    }
    return f.path ? run(&f) : usage();
}
