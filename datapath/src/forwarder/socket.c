/* See socket.h. */
#include "forwarder/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER = 4 << 20 };

static int address_of(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    memcpy(address->sun_path, path, strlen(path));
    return 0;
}

/* Removes what a dead process left.  A name that is no socket, or at which somebody answers, is not ours. */
static int make_room(const struct sockaddr_un *address)
{
    struct stat found;
    if (lstat(address->sun_path, &found))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(found.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int code = connect(fd, (const struct sockaddr *)address, sizeof *address) ? errno : EADDRINUSE;
    close(fd);
    if (code != ECONNREFUSED && code != ENOENT)
        return -EADDRINUSE;
    unlink(address->sun_path);
    return 0;
}

int wire_listen(const char *path)
{
    struct sockaddr_un address;
    int code = address_of(path, &address);
    if (code)
        return code;
    code = make_room(&address);
    if (code)
        return code;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t old = umask(0177);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4))
        code = -errno;
    umask(old);
    if (code && fd >= 0)
        close(fd);
    return code ? code : fd;
}

int wire_name(const char *path, struct wire_name *name)
{
    struct stat found;
    if (lstat(path, &found))
        return -errno;
    *name = (struct wire_name){found.st_dev, found.st_ino};
    return 0;
}

bool wire_is_named(const char *path, const struct wire_name *name)
{
    struct wire_name found;
    return !wire_name(path, &found) && found.device == name->device && found.inode == name->inode;
}

int wire_accept(int listener)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), buffer = BUFFER;
    if (fd < 0)
        return -errno;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || (peer.uid != 0 && peer.uid != getuid())) {
        close(fd);
        return -EPERM;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer))
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    return fd;
}

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

int wire_send(int fd, const struct wire_frame *frame)
{
    struct iovec part = {(void *)frame->bytes, frame->size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union control control = {0};
    if (frame->fd >= 0) {
        control.header =
            (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &frame->fd, sizeof(int));
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    for (;;) {
        if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno != EINTR)
            return errno == ENOBUFS ? -EAGAIN : -errno;
    }
}

static int descriptor_of(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int))) {
            int fd;
            memcpy(&fd, CMSG_DATA(c), sizeof fd);
            return fd;
        }
    return -1;
}

int wire_receive(int fd, struct wire_frame *frame)
{
    struct iovec part = {frame->bytes, sizeof frame->bytes};
    union control control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n == 0 ? -ECONNRESET : -errno;
    frame->fd = descriptor_of(&message);
    frame->size = (size_t)n;
    return 0;
}

void wire_refuse(int fd, const char *why)
{
    struct {
        vs_frame header;
        vs_done done;
        char text[128];
    } body = {0};
    size_t n = strnlen(why, sizeof body.text);
    body.done = (vs_done){-EBUSY, (uint32_t)n};
    memcpy(body.text, why, n);
    body.header = (vs_frame){.size = (uint32_t)(sizeof body.header + sizeof body.done + n), .type = VS_EVT_DONE};
    ssize_t sent = send(fd, &body, body.header.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* a courtesy */
}
