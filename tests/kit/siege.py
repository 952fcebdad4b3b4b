"""Programs that attack a container from inside, and somebody who renames in its root from outside.

Each program gets the seconds it has, tries for so long, and prints a line beginning with OPEN for
whatever it should not have been able to do; at its end how many attempts it has made.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_HEAD = """
import ctypes, itertools, os, platform, random, stat, sys, time
end, tries = time.monotonic() + float(sys.argv[1]), 0
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
def opens(path, flags=os.O_RDONLY):
    global tries
    tries += 1
    try: return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError: return -1
def link(path):
    try: return os.readlink(path)
    except OSError: return ""
def others():
    return [n for n in os.listdir("/proc") if n.isdigit() and int(n) != os.getpid()]
def over(): return time.monotonic() >= end
"""
_TAIL = '\nprint("tries", tries)\n'

DESCRIPTORS = """
while not over():
    for pid in ("self", "thread-self", *others()):
        for fd in range(300):
            held = opens(f"/proc/{pid}/fd/{fd}")
            if held >= 0:
                try: text = os.read(held, 200)
                except OSError: text = b""
                os.close(held)
                if b"of the caller" in text: print("OPEN", pid, fd)
            if "secret" in link(f"/proc/{pid}/fd/{fd}"): print("OPEN link", pid, fd)
"""
"""S27: everything that anybody in here has open."""

PROCESS_1 = """
names = ("exe", "mem", "maps", "environ", "auxv", "root", "cwd", "ns/net", "ns/user", "syscall")
while not over():
    for pid in others():
        program = link(f"/proc/{pid}/exe")
        if "vswitch-init" in program: print("OPEN exe", pid)
        for name in names:
            for flags in (os.O_RDONLY, os.O_RDWR):
                held = opens(f"/proc/{pid}/{name}", flags)
                if held >= 0:
                    if "vswitch-init" in link(f"/proc/self/fd/{held}"): print("OPEN", pid, name)
                    if pid == "1" and name not in ("cwd", "root") and os.fstat(held).st_size >= 0:
                        try:
                            if os.read(held, 1): print("OPEN read", name)
                        except OSError: pass
                    os.close(held)
        for fd in range(3, 40):
            if link(f"/proc/{pid}/fd/{fd}").startswith(("/memfd", "socket:", "anon_inode:")):
                print("OPEN fd", pid, fd)
    for request in (16, 0x4206):
        if libc.ptrace(request, 1, 0, 0) == 0:
            print("OPEN ptrace")
            if request == 16: os.waitpid(1, 0x40000000)
            else: libc.ptrace(0x4207, 1, 0, 0); os.waitpid(1, 0x40000000)  # interrupt it
            libc.ptrace(17, 1, 0, 0)  # and let it go
"""
"""S28: process 1, and whoever enters just now."""

KERNEL_FILES = """
while not over():
    for top in ("/proc/sys", "/proc/fs", "/proc/irq", "/proc/bus", "/sys"):
        for folder, _, files in os.walk(top):
            for name in files:
                if opens(f"{folder}/{name}", os.O_WRONLY) >= 0: print("OPEN", folder, name)
            if over(): break
    for path in sys.argv[2].split(","):
        if opens(path, os.O_WRONLY) >= 0 and not stat.S_ISCHR(os.stat(path).st_mode):
            print("OPEN to write", path)
        held = opens(path)
        if held >= 0 and stat.S_ISDIR(os.fstat(held).st_mode):
            if os.listdir(held): print("OPEN folder", path)
        elif held >= 0 and os.read(held, 1): print("OPEN file", path)
        if held >= 0: os.close(held)
        for change in (lambda: os.chmod(path, 0o777), lambda: os.utime(path),
                       lambda: os.unlink(path), lambda: os.chown(path, 0, 0)):
            try: change(); print("OPEN to change", path)
            except OSError: pass
    for name in os.listdir("/proc"):
        path = f"/proc/{name}"
        if name.isdigit() or os.path.islink(path): continue
        tries += 1
        try: os.chmod(path, stat.S_IMODE(os.stat(path).st_mode)); print("OPEN to change", path)
        except OSError: pass
    for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern"):
        if opens(path, os.O_WRONLY) >= 0: print("OPEN", path)
"""
"""S30, S32: each file of the kernel's."""

CAPABILITIES = """
keep = int(sys.argv[2])
capset, capget = (126, 125) if x86 else (91, 90)
def look():
    for line in open("/proc/self/status"):
        if line.startswith(("CapPrm", "CapEff", "CapBnd", "CapAmb")):
            if int(line.split()[1], 16) & ~keep: print("OPEN", line)
        if line.startswith(("NoNewPrivs:\\t0", "Seccomp:\\t0")): print("OPEN", line)
helpers = [p for p in ("/bin/su", "/bin/mount", "/bin/ping", "/usr/bin/sudo", "/usr/bin/passwd",
                       "/usr/bin/newuidmap") if os.path.exists(p)]
while not over():
    tries += 1
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(*(random.getrandbits(32) for _ in range(6)))
    libc.syscall(capset, header, data)
    for cap in range(41): libc.prctl(47, 2, cap, 0, 0)
    libc.prctl(28, random.getrandbits(8)); libc.prctl(38, 0, 0, 0, 0); libc.prctl(22, 0)
    look()
    child = os.fork()
    if child == 0:
        look_up = "grep -E 'Cap(Prm|Eff|Bnd|Amb)' /proc/self/status >/tmp/caps"
        try: os.execv("/bin/sh", ["sh", "-c", look_up])
        finally: os._exit(1)
    os.waitpid(child, 0)
    for line in open("/tmp/caps"):
        if int(line.split()[1], 16) & ~keep: print("OPEN after exec", line)
    if random.random() < 0.1 and helpers:
        if os.spawnl(os.P_WAIT, random.choice(helpers), "x", "--version") == -1: break
"""
"""S33: more rights than were kept."""

CGROUPS = """
new = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80)
unshare, clone, mount, setns, fsopen = (272, 56, 165, 308, 430) if x86 else (97, 220, 40, 268, 430)
kinds = (b"cgroup", b"cgroup2", b"proc", b"sysfs", b"tmpfs", b"debugfs", b"bpf", b"tracefs")
os.makedirs("/tmp/g", exist_ok=True)
while not over():
    tries += 1
    flags = random.choice(new) | (random.choice(new) if random.random() < 0.7 else 0)
    if libc.syscall(unshare, ctypes.c_ulong(flags | random.choice((0, 1 << 32)))) == 0:
        print("OPEN unshare", hex(flags))
    if flags & ~0xFF:
        child = libc.syscall(clone, ctypes.c_ulong(flags & ~0xFF | 17), 0, 0, 0, 0)
        if child == 0: os._exit(0)
        if child > 0: os.waitpid(child, 0); print("OPEN clone", hex(flags))
    kind = random.choice(kinds)
    controller = random.choice((b"memory", b"pids", b"cpu", b"devices", b"freezer", b""))
    if libc.mount(b"none", b"/tmp/g", kind, random.choice((0, 1, 15)), controller) == 0:
        print("OPEN mount", kind)
    if libc.syscall(fsopen, kind, 0) >= 0: print("OPEN fsopen", kind)
    for name in ("user", "cgroup", "mnt"):
        held = opens(f"/proc/self/ns/{name}")
        if held >= 0:
            if libc.syscall(setns, held, 0) == 0: print("OPEN setns", name)
            os.close(held)
    if tries % 50 == 1:
        for folder, _, files in os.walk("/sys/fs"):
            if "cgroup.procs" in files or "release_agent" in files: print("OPEN", folder)
"""
"""S34: a hierarchy of control groups, or the namespaces to mount one in."""

DEVICES = """
nodes = [f"/dev/{name}" for name in os.listdir("/dev")] + sys.argv[2].split(",")
for kind, major in itertools.cycle(itertools.product((stat.S_IFCHR, stat.S_IFBLK), range(256))):
    if over(): break
    for minor in (0, 1, random.randrange(256)):
        path = f"/tmp/node-{kind}-{major}-{minor}"
        tries += 1
        try: os.mknod(path, kind | 0o666, os.makedev(major, minor))
        except OSError: continue
        if kind == stat.S_IFCHR and (major, minor) == (0, 0): os.unlink(path)  # a whiteout
        else: print("OPEN made", path)
    path = random.choice(nodes)
    for change in (lambda: os.chmod(path, 0o600), lambda: os.chown(path, 1, 1),
                   lambda: os.utime(path), lambda: os.setxattr(path, "user.x", b"y")):
        try:
            if os.path.islink(path) or not stat.S_ISCHR(os.stat(path).st_mode): continue
            change()
            print("OPEN change", path)
        except OSError: pass
    for fd in range(3):
        for change in (lambda: os.fchmod(fd, 0o600), lambda: os.fchown(fd, 1, 1)):
            try:
                if stat.S_ISCHR(os.fstat(fd).st_mode): change(); print("OPEN change fd", fd)
            except OSError: pass
"""
"""S35: nodes of every major number, and changes of those there are."""


def program(body: str) -> str:
    """A whole program for `python3 -c`."""
    return _HEAD + body + _TAIL


@contextlib.contextmanager
def renaming(root: Path, names: tuple[str, ...], outside: Path) -> Iterator[None]:
    """Within, folders of a root are moved away, replaced by folders, links out, and put back."""
    over = threading.Event()
    luck = random.Random(7)

    def meddle() -> None:
        while not over.is_set():
            place = root / luck.choice(names)
            moved = root / "moved"
            time.sleep(luck.random() * 0.004)
            with contextlib.suppress(OSError):
                place.rename(moved)
                if luck.random() < 0.5:
                    place.mkdir()
                elif luck.random() < 0.5:
                    place.symlink_to(outside)
            time.sleep(luck.random() * 0.03)
            with contextlib.suppress(OSError):
                place.unlink() if place.is_symlink() else place.rmdir()
            with contextlib.suppress(OSError):
                moved.rename(place)

    racer = threading.Thread(target=meddle)
    racer.start()
    try:
        yield
    finally:
        over.set()
        racer.join()
