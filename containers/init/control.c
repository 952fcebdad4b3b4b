/* Messages to and from the runner: see control.h for what they are. */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_MAX = 640 };

static int tell(struct birth *birth, char kind, const void *body, size_t size)
{
    char message[MESSAGE_MAX] = {kind};
    memcpy(message + 1, body, size);
    if (send(birth->control, message, size + 1, MSG_NOSIGNAL) < 0)
        return failed(birth, "talking to the runner");
    return 0;
}

int control_born(struct birth *birth, pid_t pid)
{
    uint32_t number = (uint32_t)pid;
    return tell(birth, 'B', &number, sizeof number);
}

int control_namespaces(struct birth *birth, uint64_t flags) { return tell(birth, 'N', &flags, sizeof flags); }

void control_error(struct birth *birth, const char *step)
{
    char body[MESSAGE_MAX - 1];
    int32_t number = birth->error;
    memcpy(body, &number, sizeof number);
    int text = snprintf(body + 4, sizeof body - 4, "%.64s%c%s", step, '\0', birth->doing);
    size_t size = 4 + (size_t)text;
    (void)tell(birth, 'E', body, size < sizeof body ? size : sizeof body);
}

int control_terminal(struct birth *birth, int master)
{
    char kind = 'T';
    struct iovec payload = {.iov_base = &kind, .iov_len = 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } room = {.bytes = {0}};
    struct msghdr message = {
        .msg_iov = &payload, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &master, sizeof master);
    if (sendmsg(birth->control, &message, MSG_NOSIGNAL) < 0)
        return failed(birth, "handing the terminal to the runner");
    return 0;
}

/* standing(): all that keeps a container in is done; before that, nobody may be let in. */
int step_standing(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    return tell(birth, 'W', "", 0);
}

/* wait(): stand still until the runner has put the port in place; without a runner, end quietly. */
int step_wait(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    char word = 0;
    ssize_t size = recv(birth->control, &word, 1, 0);
    if (size == 1 && word == 'G')
        return 0;
    if (size == 0)
        _exit(EXIT_FAILURE);
    errno = size < 0 ? errno : EPROTO;
    return failed(birth, "waiting for the runner's go");
}
