/*
 * What the container's processes may do: capabilities, the promise never to gain privileges, who
 * they are. The inheritable and ambient sets are empty, always (S33).
 */
#include "birth.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* undumpable(): nobody inside may trace this process or reach its fds and its program. */
int step_undumpable(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return failed(birth, "hiding process 1 from tracers");
    return 0;
}

/* Drop from the bounding set all but `keep`; the kernel says EINVAL past its last capability. */
static int bound_capabilities(uint64_t keep)
{
    for (unsigned long cap = 0; cap < 64; cap++)
        if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap) < 0)
            return errno == EINVAL ? 0 : -1;
    return 0;
}

static int set_capabilities(uint64_t keep)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    for (unsigned word = 0; word < 2; word++) {
        data[word].permitted &= (uint32_t)(keep >> (32 * word));
        data[word].effective = data[word].permitted;
        data[word].inheritable = 0;
    }
    return (int)syscall(SYS_capset, &header, data);
}

/* A user namespace of one's own begins without special rules for root; elsewhere they may cross. */
static int drop_securebits(void)
{
    int bits = prctl(PR_GET_SECUREBITS);
    return bits > 0 ? prctl(PR_SET_SECUREBITS, 0) : bits;
}

/* capabilities(keep): a bit mask, for this process and all after it. */
int step_capabilities(struct birth *birth, const struct arg *arg)
{
    if (drop_securebits() < 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
        bound_capabilities(arg[0].number) < 0 || set_capabilities(arg[0].number) < 0)
        return failed(birth, "dropping capabilities");
    return 0;
}

/* no-new-privileges() */
int step_no_new_privileges(struct birth *birth, const struct arg *arg)
{
    (void)arg;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(birth, "giving up new privileges");
    return 0;
}

/* user(uid, gid, clear_groups): become that user; leaving root also empties the capability sets. */
int step_user(struct birth *birth, const struct arg *arg)
{
    uid_t uid = (uid_t)arg[0].number;
    gid_t gid = (gid_t)arg[1].number;
    if (arg[2].number && setgroups(0, NULL) < 0)
        return failed(birth, "leaving the caller's groups");
    if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return failed(birth, "becoming user %u, group %u", uid, gid);
    return birth->tied ? tie_to_runner(birth) : 0; /* a change of user makes the kernel forget it */
}
