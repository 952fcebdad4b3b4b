"""Makes an unusual place usable for the demo: no rights, no /proc, no TUN device, a silent `lo`.

On an ordinary machine as root there is nothing to do. In a bare root (a chroot where nothing is
mounted) the demo moves into a mount namespace of its own, where it mounts what is missing: that
goes away with the demo. Without any rights it says in a sentence how to get some.
"""

import os
import shutil
import sys

from demo.stage import Failed, raise_loopback

MOVED = "VSWITCH_DEMO_MOVED"

MOUNT_WHAT_IS_MISSING = """
[ -e /proc/self/status ] || mount -t proc proc /proc || exit 1
[ -e /sys/class ] || mount -t sysfs sysfs /sys || true
if [ ! -c /dev/net/tun ]; then
    mkdir -p /dev/net && mount -t tmpfs tmpfs /dev/net && mknod /dev/net/tun c 10 200 || exit 1
fi
exec "$@"
"""


def prepare() -> None:
    """Returns where the demo can run; Failed with what to do where it can't."""
    for tool in ("ping", "iperf3", "sleep"):
        if not shutil.which(tool):
            raise Failed(f"there is no {tool} here: run 'make demo', which installs it")
    if os.geteuid():
        raise Failed(
            "needs root or a user namespace of its own, to make namespaces and TAPs: "
            "run it with sudo, or as 'unshare -Urnm make demo'"
        )
    if not _is_usable():
        _move()
    try:
        raise_loopback()
    except PermissionError:
        why = "this process may not configure the network here"
        raise Failed(f"{why}: run it as 'unshare -Urnm make demo'") from None


def _is_usable() -> bool:
    return os.path.exists("/proc/self/status") and os.path.exists("/dev/net/tun")


def _move() -> None:
    """Starts over in a private mount namespace (unshare(1)), with what is missing mounted there."""
    if MOVED in os.environ:
        raise Failed("/proc or /dev/net/tun is missing and can't be mounted here")
    os.environ[MOVED] = "1"
    words = ["unshare", "--mount", "--", "sh", "-c", MOUNT_WHAT_IS_MISSING, "demo"]
    os.execvp("unshare", [*words, sys.executable, "-m", "demo"])
