"""Makes an unusual place usable for the demo: a bare chroot, a silent `lo`, no rights.

On an ordinary machine as root there is nothing to do. In a bare root the demo goes on in a mount
namespace of its own, where it mounts what is missing; that goes away with the demo. A chroot is no
place for containers (pivot_root(2) wants a root that is a mount), so there the namespace gets the
same folder as its true root. Without any rights the demo says how to get some.
"""

import ctypes
import os
import shutil
from pathlib import Path

from tests.demo.stage import Failed, raise_loopback

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}

libc = ctypes.CDLL(None, use_errno=True)


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
    try:
        if not _is_usable():
            _make_usable()
        raise_loopback()
    except PermissionError as error:
        why = f"this process may not change mounts or the network here ({error})"
        raise Failed(f"{why}: run it as 'unshare -Urnm make demo'") from None
    except OSError as error:
        raise Failed(f"what is missing here can't be mounted: {error}; mount /proc") from None


def _is_usable() -> bool:
    return os.path.exists("/dev/net/tun") and os.path.exists("/sys/class") and _root_is_a_mount()


def _root_is_a_mount() -> bool:
    mounts = Path("/proc/self/mountinfo")
    return mounts.exists() and any(
        line.split()[4] == "/" for line in mounts.read_text().splitlines()
    )


def _make_usable() -> None:
    """From here on in a mount namespace of its own, with what is missing."""
    print("==> Mounting what is missing here, for the time of the demo", flush=True)
    folder = os.getcwd()
    _check(libc.unshare(CLONE_NEWNS), "unshare")
    try:
        _mount("none", "/", "", MS_REC | MS_PRIVATE)
    except OSError:  # "/" is no mount: a chroot
        _make_root_a_mount()
    if not os.path.exists("/proc/self/status"):
        _mount("proc", "/proc", "proc")
    if not os.path.exists("/sys/class"):
        _mount("sysfs", "/sys", "sysfs")
    if not os.path.exists("/dev/net/tun"):
        _mount("devtmpfs", "/dev", "devtmpfs")
    os.chdir(folder)


def _make_root_a_mount() -> None:
    """The folder that is our root by chroot(2) becomes the root by pivot_root(2).

    For that it has to be bound onto itself, which only its name in the namespace can say: a root
    below the working directory lets us up to where that name is valid.
    """
    root = os.open("/", os.O_DIRECTORY)
    os.chroot("/tmp")
    os.fchdir(root)
    while not os.path.samestat(os.stat("."), os.stat("..")):
        os.chdir("..")
    os.chroot(".")
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    name = os.readlink(f"/proc/self/fd/{root}")
    os.close(root)
    _mount(name, name, "", MS_BIND | MS_REC)
    os.chdir(name)
    _check(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _check(libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def _mount(source: str, target: str, kind: str, flags: int = 0) -> None:
    result = libc.mount(source.encode(), target.encode(), kind.encode(), flags, None)
    _check(result, f"mount {target}")


def _check(result: int, what: str) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
