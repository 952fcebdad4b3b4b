/* What the container is called, and the one network interface that needs no switch. */
#include "birth.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* hostname(name) */
int step_hostname(struct birth *birth, const struct arg *arg)
{
    if (sethostname(arg[0].text, strlen(arg[0].text)) < 0)
        return failed(birth, "setting the host name to %s", arg[0].text);
    return 0;
}

/* loopback(): bring lo up, which gives it its addresses. */
int step_loopback(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (handle < 0 || ioctl(handle, SIOCSIFFLAGS, &request) < 0)
        return failed(birth, "bringing lo up");
    return close(handle);
}
