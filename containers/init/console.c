/* Between a detached container's command, its log and whoever has joined: see console.h. */
#include "console.h"
#include "pty.h"
#include "sys.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 4096,
    CHUNKS_AT_ONCE = 16,
    CHUNKS_IN_THE_END = 1024,
    PATIENCE_MS = 1000,
    END_OF_INPUT = 4,
};

struct console {
    int listening, log[2];
    unsigned current; /* which log is written to */
    uint64_t used, limit;
    bool terminal;
    int source, sink; /* what is written comes from there, what is typed goes there; -1: closed */
    int theirs[2];    /* the command's ends: input (-1: it has /dev/null) and output */
    int client[CONSOLE_CLIENTS];
    size_t pending; /* bytes typed that the command has not taken yet */
    char typed[CHUNK];
};

static struct console the_console;

static void put_away(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int never_wait(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

/* A terminal has one descriptor for both ways; its other side stays open, so that the command may
 * close it and open it again. */
static int open_terminal(struct birth *birth, struct console *console)
{
    console->source = pty_open(birth);
    if (console->source < 0)
        return -1;
    console->sink = console->source;
    console->theirs[1] = pty_peer(console->source);
    return console->theirs[1] < 0 ? -1 : never_wait(console->source);
}

/* Who owns a pipe may open it again, as /dev/stdout. */
static int open_pipes(struct console *console, bool interactive, uid_t owner)
{
    int out[2], in[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) < 0 || never_wait(out[0]) < 0 || (owner && fchown(out[1], owner, (gid_t)-1) < 0))
        return -1;
    if (interactive &&
        (pipe2(in, O_CLOEXEC) < 0 || never_wait(in[1]) < 0 || (owner && fchown(in[0], owner, (gid_t)-1) < 0)))
        return -1;
    console->source = out[0];
    console->sink = in[1];
    console->theirs[0] = in[0];
    console->theirs[1] = out[1];
    return 0;
}

/* The kernel's clock is too coarse to tell which log was written to last: the other's time is 0. */
static int make_older(int log)
{
    static const struct timespec never[2];
    return futimens(log, never);
}

/* console(listening, log, other_log, limit, terminal, interactive, owner) */
int step_console(struct birth *birth, const struct arg *arg)
{
    struct console *console = &the_console;
    console->listening = (int)arg[0].number;
    console->log[0] = (int)arg[1].number;
    console->log[1] = (int)arg[2].number;
    console->limit = arg[3].number;
    console->terminal = arg[4].number != 0;
    console->source = console->sink = console->theirs[0] = console->theirs[1] = -1;
    for (unsigned i = 0; i < CONSOLE_CLIENTS; i++)
        console->client[i] = -1;
    int result = console->terminal ? open_terminal(birth, console)
                                   : open_pipes(console, arg[5].number != 0, (uid_t)arg[6].number);
    if (result < 0 || make_older(console->log[1]) < 0)
        return failed(birth, "making the command's streams");
    birth->console = console;
    return 0;
}

int console_master(const struct birth *birth)
{
    return birth->console && birth->console->terminal ? birth->console->source : -1;
}

int console_enter(struct birth *birth)
{
    const struct console *console = birth->console;
    if (!console || console->terminal)
        return 0;
    if (console->theirs[0] >= 0 && dup2(console->theirs[0], STDIN_FILENO) < 0)
        return failed(birth, "taking the input over");
    if (dup2(console->theirs[1], STDOUT_FILENO) < 0 || dup2(console->theirs[1], STDERR_FILENO) < 0)
        return failed(birth, "taking the output over");
    return 0;
}

void console_keep(struct birth *birth)
{
    struct console *console = birth->console;
    if (!console || console->terminal)
        return;
    put_away(&console->theirs[0]);
    put_away(&console->theirs[1]);
}

unsigned console_polls(struct birth *birth, struct pollfd *set)
{
    const struct console *console = birth->console;
    if (!console)
        return 0;
    set[0] = (struct pollfd){.fd = console->listening, .events = POLLIN};
    set[1] = (struct pollfd){.fd = console->source, .events = POLLIN};
    set[2] = (struct pollfd){.fd = console->pending ? console->sink : -1, .events = POLLOUT};
    for (unsigned i = 0; i < CONSOLE_CLIENTS; i++)
        set[3 + i] = (struct pollfd){.fd = console->pending ? -1 : console->client[i], .events = POLLIN};
    return CONSOLE_POLLS;
}

/* ---- what is written ---- */

/* A log that can't be written (a full disk) loses what it can't hold; the container goes on. */
static void keep(struct console *console, const char *bytes, size_t size)
{
    if (console->used + size > console->limit) {
        int full = console->log[console->current];
        console->current ^= 1;
        console->used = 0;
        if (ftruncate(console->log[console->current], 0) < 0 || make_older(full) < 0)
            return;
    }
    ssize_t kept = write(console->log[console->current], bytes, size);
    console->used += kept > 0 ? (size_t)kept : 0;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int until(int64_t end)
{
    int64_t left = end - now_ms();
    return left > 0 ? (int)left : 0;
}

static bool has_passed_on(int client, const char *message, size_t size)
{
    return send(client, message, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* To everybody who has joined. Those who are slow are all waited for at the same time, and then hung up
 * on; true if there was one: who else wants to be served has waited, too. */
static bool pass_on(struct console *console, const char *message, size_t size)
{
    int64_t end = 0;
    for (unsigned i = 0; i < CONSOLE_CLIENTS; i++) {
        int *client = &console->client[i];
        if (*client < 0 || has_passed_on(*client, message, size))
            continue;
        struct pollfd room = {.fd = *client, .events = POLLOUT};
        bool slow = errno == EAGAIN;
        if (slow && !end)
            end = now_ms() + PATIENCE_MS;
        if (!slow || poll(&room, 1, until(end)) <= 0 || !has_passed_on(*client, message, size))
            put_away(client);
    }
    return end;
}

enum pumped { NOTHING, A_CHUNK, SLOWLY };

/* Takes a chunk of what the command has written. */
static enum pumped pump(struct console *console)
{
    char message[1 + CHUNK] = {'O'};
    if (console->source < 0)
        return NOTHING;
    ssize_t size = read(console->source, message + 1, CHUNK);
    if (size > 0) {
        keep(console, message + 1, (size_t)size);
        return pass_on(console, message, 1 + (size_t)size) ? SLOWLY : A_CHUNK;
    }
    bool later = size < 0 && (errno == EAGAIN || errno == EINTR);
    if (!later && !console->terminal)
        put_away(&console->source);
    return NOTHING;
}

/* ---- what is typed ---- */

static void flush(struct console *console)
{
    ssize_t size = write(console->sink, console->typed, console->pending);
    if (size > 0) {
        console->pending -= (size_t)size;
        memmove(console->typed, console->typed + size, console->pending);
    } else if (errno != EAGAIN && errno != EINTR) { /* nobody will ever read it */
        console->pending = 0;
        if (!console->terminal)
            put_away(&console->sink);
    }
}

static void type(struct console *console, const char *bytes, size_t size)
{
    if (console->sink < 0)
        return;
    memcpy(console->typed, bytes, size);
    console->pending = size;
    if (size)
        flush(console);
}

static void end_input(struct console *console)
{
    const char end = END_OF_INPUT;
    if (console->terminal)
        type(console, &end, 1);
    else
        put_away(&console->sink);
}

static void fit(const struct console *console, const uint8_t *size)
{
    struct winsize window = {.ws_row = (unsigned short)(size[0] | size[1] << 8),
                             .ws_col = (unsigned short)(size[2] | size[3] << 8)};
    if (console->terminal)
        (void)ioctl(console->source, TIOCSWINSZ, &window);
}

/* One message of a client's; false if it makes no sense, or is the last. */
static bool hear(struct console *console, int client)
{
    char message[1 + CHUNK];
    ssize_t size = recv(client, message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (size == 0 || (size_t)size > sizeof message)
        return false;
    switch (message[0]) {
    case 'I': type(console, message + 1, (size_t)size - 1); return true;
    case 'W':
        if (size == 5)
            fit(console, (const uint8_t *)message + 1);
        return size == 5;
    case 'E': end_input(console); return true;
    default: return false;
    }
}

/* Has left, and nothing of what was typed there still waits. */
static bool has_left(int client)
{
    char first;
    return recv(client, &first, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/* A place that is free, or can be. */
static int *place(struct console *console)
{
    for (unsigned i = 0; i < CONSOLE_CLIENTS; i++) {
        int *client = &console->client[i];
        if (*client >= 0 && has_left(*client))
            put_away(client);
        if (*client < 0)
            return client;
    }
    return NULL;
}

static void greet(struct console *console)
{
    int client = accept4(console->listening, NULL, NULL, SOCK_CLOEXEC);
    int *free = client >= 0 ? place(console) : NULL;
    if (free)
        *free = client;
    else
        put_away(&client); /* one too many */
}

void console_serve(struct birth *birth, const struct pollfd *set)
{
    struct console *console = birth->console;
    if (!console)
        return;
    if (set[2].revents)
        flush(console);
    for (unsigned i = 0; i < CONSOLE_CLIENTS; i++) {
        int client = console->client[i];
        if (client < 0 || !set[3 + i].revents || console->pending)
            continue;
        if (!hear(console, client))
            put_away(&console->client[i]);
    }
    for (unsigned i = 0; set[1].revents && i < CHUNKS_AT_ONCE && pump(console) == A_CHUNK; i++)
        ;
    if (set[0].revents & POLLIN)
        greet(console);
}

void console_finish(struct birth *birth)
{
    for (unsigned i = 0; birth->console && i < CHUNKS_IN_THE_END && pump(birth->console) != NOTHING; i++)
        ;
}
