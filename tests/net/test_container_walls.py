"""Attempts to get out of a container, each row of them named after its class (S27 to S37).

What holds by construction is tried here once and sharply; test_container_siege.py tries the same
again at length.  As root or inside `unshare -Urnm`.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import platform
import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from containers import seccomp
from containers.launch import Birth
from containers.plan import DEVICES
from tests.kit import needs
from tests.kit.birth import born_with, stands_still, steps_of
from tests.kit.pod import NOBODY, PROGRAM, Pod, children, eventually, init, little_root, pods
from vswitch.errors import Failure

RT_SIGACTION = {"x86_64": 13, "aarch64": 134}.get(platform.machine(), -1)


@pytest.fixture
def pod() -> Iterator[Pod]:
    yield from pods()


@pytest.fixture(params=[None, NOBODY], ids=["us", "nobody"])
def anyone(request: pytest.FixtureRequest) -> Iterator[Pod]:
    """Containers of ours, and of somebody without any rights."""
    yield from pods(user=request.param)


@pytest.fixture(autouse=True)
def _devices() -> Iterator[None]:
    """Whatever a test finds open, the machine gets its devices back as they were."""
    before = {path: os.stat(path) for path in (f"/dev/{name}" for name in DEVICES)}
    yield
    for path, about in before.items():
        if _about(path)[:3] != (about.st_mode, about.st_uid, about.st_gid):
            os.chown(path, about.st_uid, about.st_gid)
            os.chmod(path, stat.S_IMODE(about.st_mode))


@pytest.fixture
def root(pod: Pod) -> Path:
    return little_root(pod.folder / "root")


# ---- paths ---------------------------------------------------------------------

PROBE = """
for d in /proc /sys /dev /moved; do
  [ -e $d/keys ] && [ ! -c $d/keys ] && echo OPEN $d/keys
  [ -w $d/sys/kernel/core_pattern ] && echo OPEN $d/sys
  [ -w $d/sysrq-trigger ] && echo OPEN $d/sysrq-trigger
  [ -e $d/firmware ] && ls $d/firmware | while read name; do echo OPEN $d/firmware; done
  [ -e $d/uevent_seqnum ] || [ -e $d/kernel ] && touch $d/kernel/x 2>&- && echo OPEN $d
done
[ -e /proc/self/status ] && [ -c /dev/null ] && [ -e /sys/kernel ] && echo whole
echo end
"""


class Mover:
    """Who owns the root's files, and renames a folder that a file system was put on."""

    def __init__(self, place: Path, *, leaves_a_folder: bool) -> None:
        self._place, self._leaves = place, leaves_a_folder
        self._moved = place.with_name("moved")

    def move(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._place.rename(self._moved)
        if self._leaves:
            self._place.mkdir()

    def clean(self) -> None:
        for folder in (self._place, self._moved):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
@pytest.mark.parametrize("leaves", [False, True])
def test_what_moves_away_at_any_step_is_masked_or_never_used_s29_s30_s32(
    pod: Pod, root: Path, name: str, leaves: bool
) -> None:
    program = init()
    assert program
    mover = Mover(root / name, leaves_a_folder=leaves)
    steps = steps_of(root, PROBE, pod.folder / "run")
    order = [step.name for step in steps]
    verify = order.index("verify")
    mounted = next(i for i, step in enumerate(steps) if step.arguments[1:2] == (f"/{name}",))
    for before in range(order.index("root") + 1, order.index("wait")):
        out, reason = born_with(program, steps, before, mover.move)
        mover.clean()
        assert "OPEN" not in out, steps[before]
        if mounted < before <= verify:
            assert "again where it was mounted" in reason, (steps[before], out)
        elif before > verify:
            assert out.endswith("end\n"), (steps[before], reason)


def test_nobody_moves_anything_and_the_same_container_is_born_s29(pod: Pod, root: Path) -> None:
    program = init()
    assert program
    steps = steps_of(root, PROBE, pod.folder / "run")
    before = [step.name for step in steps].index("mask")
    assert born_with(program, steps, before, lambda: None) == ("whole\nend\n", "")


def test_what_is_removed_under_a_container_takes_the_masks_along_s29_s30(anyone: Pod) -> None:
    """Whoever owns the root may remove the folder that /proc is on, and takes it away whole."""
    root = anyone.own(little_root(anyone.folder / "root", ("sh", "cat")))
    script = """cd /proc; echo ready; read line
      [ -c keys ] && echo masked
      [ -e sys/kernel ] && [ ! -w sys/kernel/core_pattern ] && echo closed
      cat /proc/uptime"""
    process = anyone.popen("run", "--rootfs", str(root), "--", "sh", "-c", script)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    (root / "proc").rmdir()
    out, err = process.communicate("\n", timeout=20)
    assert out == "masked\nclosed\n"
    assert "/proc/uptime: No such file" in err


SAME_MODE = """
for f in /proc/[a-z]*; do
  [ -L $f ] || chmod $(stat -c %a $f) $f 2>&- && [ ! -L $f ] && echo OPEN $f
done
echo 100 > /proc/self/oom_score_adj && cat /proc/self/oom_score_adj
"""


def test_the_kernel_s_files_keep_mode_and_owner_s30(anyone: Pod) -> None:
    """Those in /proc have one for the whole machine; what is set here is the mode they have."""
    assert anyone.sh(SAME_MODE).lines() == ["100"]


def test_without_that_step_root_inside_could_change_them_s30(pod: Pod, root: Path) -> None:
    little_root(root, ("sh", "stat", "chmod", "cat"))
    program = init()
    assert program
    steps = [step for step in steps_of(root, SAME_MODE, pod.folder / "run")
             if step.name != "freeze"]  # fmt: skip
    before = [step.name for step in steps].index("root")
    out, reason = born_with(program, steps, before, lambda: None)
    assert reason == ""
    if Path("/proc/version").stat().st_uid == os.geteuid() == 0:
        assert "OPEN /proc/version" in out


# ---- process 1 and what it holds ------------------------------------------------


def test_nothing_the_caller_has_open_is_in_process_1_s27(anyone: Pod) -> None:
    """Not even while it is out of reach: what isn't there can't be read."""
    secret = anyone.own(_file(anyone.folder / "secret", "of the caller"))
    with open(secret) as file:
        os.set_inheritable(file.fileno(), True)
        script = f"ls /proc/1/fd; cat /proc/1/fd/{file.fileno()} /proc/self/fd/{file.fileno()}"
        result = anyone.run("--", "sh", "-c", script, pass_fds=[file.fileno()])
        assert str(file.fileno()) not in result.lines()
    assert "of the caller" not in result.out
    assert result.lines()[:3] == ["0", "1", "2"]
    assert len(result.lines()) <= 5  # the line to the runner, its signals


def test_nor_what_a_shell_has_opened_before_we_had_anything_open_s27(pod: Pod) -> None:
    """Descriptor 3 and one far above: those that we keep lie between them."""
    secret = _file(pod.folder / "secret", "of the caller")
    script = "ls /proc/1/fd; cat /proc/1/fd/3 /proc/self/fd/3 /proc/1/fd/9 /proc/self/fd/9"
    line = ["sh", "-c", 'exec "$@" 3<"$0" 9<"$0"', str(secret), sys.executable, "-c"]
    control = subprocess.run([*line, "import os; print(os.read(3, 99), os.read(9, 99))"],
                             capture_output=True, text=True, check=True)  # fmt: skip
    assert control.stdout.count("of the caller") == 2
    line += [PROGRAM, "run", "--", "sh", "-c", script]
    done = subprocess.run(line, env=pod.environment, capture_output=True, text=True, check=False)
    assert "of the caller" not in done.stdout
    found = done.stdout.splitlines()
    assert found[:3] == ["0", "1", "2"], done.stderr
    assert len(found) <= 5


PROCESS_1 = """
import ctypes, os
for name in ("exe", "mem", "maps", "environ", "root", "cwd", "fd/0", "ns/net"):
    try:
        os.close(os.open(f"/proc/1/{name}", os.O_RDONLY))
        print("opened", name)
    except OSError:
        pass
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(16, 1, 0, 0), libc.ptrace(0x4206, 1, 0, 0))  # ATTACH, SEIZE
print(libc.process_vm_readv(1, None, 0, None, 0, 0))
"""


@pytest.mark.parametrize("command", ["run", "exec"])
def test_process_1_can_t_be_traced_nor_read_s28(anyone: Pod, command: str) -> None:
    needs.file(Path("/usr/bin/python3"))  # the container sees no other
    words = ["python3", "-c", PROCESS_1]
    if command == "run":
        result = anyone.run("--", *words)
    else:
        anyone.run("-d", "--name", "c", "--", "sleep", "1000")
        result = anyone.vswitch("exec", "c", *words)
    assert result.lines()[:1] == ["-1 -1"], result
    before = anyone.sh("kill -STOP 1; kill -KILL 1; cat /proc/1/comm")
    assert before.lines() == ["vswitch-init"]


# ---- devices ---------------------------------------------------------------------

CHANGES = "chmod 640 {0}; chown 1:1 {0}; touch {0}; true"


def test_the_machine_s_device_nodes_can_t_be_changed_through_ours_s35(anyone: Pod) -> None:
    paths = [f"/dev/{name}" for name in DEVICES]
    before = [_about(path) for path in paths]
    masked = [path for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list")
              if Path(path).exists()]  # fmt: skip
    result = anyone.sh("".join(CHANGES.format(path) + ";" for path in (*paths, *masked)))
    assert [_about(path) for path in paths] == before
    assert result.err.count("Read-only file system") >= 2 * len(paths)
    assert anyone.sh("echo x > /dev/null && head -c2 /dev/zero | wc -c").lines() == ["2"]


def test_nor_through_standard_input_and_output_s35(anyone: Pod) -> None:
    before = _about("/dev/null")
    script = "for n in 0 1 2; do p=/proc/self/fd/$n; " + CHANGES.format("$p") + "; done >&- 2>&-"
    with open("/dev/null", "r+") as null:
        anyone.run("--", "sh", "-c", script, stdin=null, stdout=null, stderr=null)
        anyone.run("-d", "--name", "c", "--", "sh", "-c", f"{script}; cat; echo over; sleep 1000")
        eventually(lambda: Path(anyone.ps()[0]["log"]).read_text() == "over\n")
        if anyone.user is None:  # others hand over what is theirs
            anyone.vswitch("exec", "c", "sh", "-c", script, stdin=null)
    assert _about("/dev/null") == before
    if os.geteuid() == 0 and before[1] == 0:  # else the first run could have changed nothing at all
        with open("/dev/zero", "rb") as zero:
            same = anyone.run("--", "head", "-c", "3", stdin=zero)
        assert same.out == "\0\0\0"


def _disk(path: Path) -> Path:
    """A node of our own for a disk of this machine; a skip if we may not have one."""
    for about in sorted(Path("/sys/block").glob("*/dev")):
        major, minor = map(int, about.read_text().split(":"))
        with contextlib.suppress(OSError):
            os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(major, minor))
            os.close(os.open(path, os.O_RDONLY))
            break
        path.unlink(missing_ok=True)
    else:
        needs.lack("a disk, and the right to make a node for it")
    return path


def test_nor_a_disk_s_node_that_is_input_s35(pod: Pod) -> None:
    """What is read goes on where it was left."""
    disk = _disk(pod.folder / "disk")
    before = _about(str(disk))
    at = "import os; print(os.lseek(0, 0, os.SEEK_CUR))"
    with open(disk, "rb", buffering=0) as opened:
        size = opened.seek(0, os.SEEK_END)  # a loop device without a file has none
        opened.seek(size // 1024 * 512)
        assert pod.run("--", "python3", "-c", at, stdin=opened).out == f"{opened.tell()}\n"
        done = pod.run("--", "sh", "-c", CHANGES.format("/proc/self/fd/0"), stdin=opened)
        assert done.err.count("Read-only file system") == 3
    assert _about(str(disk)) == before


def test_no_folder_is_handed_over_s27(pod: Pod, root: Path) -> None:
    """From a folder of the machine, ".." leads to all others."""
    program = init()
    assert program

    def born(output: int) -> None:
        with Birth("container held") as child:
            child.start(str(program), steps_of(root, "true", pod.folder / "run"), output)
            child.await_walls()

    with open(pod.folder / "file", "w") as file:
        born(file.fileno())
    folder = os.open(pod.folder, os.O_RDONLY)
    try:
        with pytest.raises(Failure, match="Is a directory; hand over a file"):
            born(folder)
    finally:
        os.close(folder)


def test_a_null_device_of_another_dev_is_as_good_s35(pod: Pod) -> None:
    """A chroot, a container: whoever started the runner had another /dev."""
    needs.mounts()
    with open("/dev/null") as null:
        line = "mount -t tmpfs t /dev/shm && cd /dev/shm && for d in null zero full random urandom"
        line += " tty; do touch $d; mount --bind /dev/$d $d; done; mkdir pts shm; touch ptmx"
        line += ' && mount --move /dev/shm /dev && exec "$@"'
        run = [sys.executable, "-c", PROGRAM, "run", "--", "sh", "-c", "cat; echo read"]
        options: dict[str, Any] = {"capture_output": True, "text": True, "stdin": null}
        words = ["unshare", "-m", "sh", "-c", line, "sh", *run]
        done = subprocess.run(words, env=pod.environment, check=False, **options)
    assert (done.stdout, done.stderr) == ("read\n", "")


def test_a_terminal_that_is_handed_over_stays_the_user_s_s31_s35(pod: Pod) -> None:
    master, slave = os.openpty()
    try:
        before = os.fstat(slave)
        script = "chmod 666 /proc/self/fd/0; echo to the terminal >&0"
        result = pod.run("--no-tty", "--", "sh", "-c", script, stdin=slave)
        assert "Read-only file system" in result.err
        assert os.fstat(slave).st_mode == before.st_mode
        assert os.read(master, 100) == b"to the terminal\r\n"
    finally:
        os.close(master)
        os.close(slave)


SPOIL = """
import fcntl, struct, sys
for request, argument in ((0x540C, 0), (0x5423, struct.pack("i", 27))):  # TIOCEXCL; N_NULL
    try: fcntl.ioctl(0, request, argument)
    except OSError as error: print(error.strerror)
    else: print("spoilt")
"""


@pytest.mark.parametrize("command", ["alone", "run", "exec"])
def test_a_terminal_that_is_handed_over_works_afterwards_s31(anyone: Pod, command: str) -> None:
    master, slave = os.openpty()
    if anyone.user is not None:
        os.fchown(slave, anyone.user, -1)
    line = ["python3", "-c", SPOIL]
    try:
        if command == "alone":
            control = subprocess.run(line, stdin=slave, capture_output=True, text=True, check=True)
            assert control.stdout == "spoilt\n" * 2
            return
        if command == "run":
            done = anyone.run("--no-tty", "--", *line, stdin=slave)
        else:
            anyone.run("-d", "--name", "c", "--", "sleep", "1000")
            done = anyone.vswitch("exec", "--no-tty", "c", *line, stdin=slave)
        assert done.out == "Operation not permitted\n" * 2
        os.write(slave, b"still there\n")
        assert os.read(master, 100) == b"still there\r\n"
    finally:
        os.close(master)
        os.close(slave)


def _about(path: str) -> tuple[int, int, int, int]:
    about = os.stat(path)
    return about.st_mode, about.st_uid, about.st_gid, about.st_ctime_ns


def _file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


# ---- what crosses from the runner --------------------------------------------------


def inherited(pod: Pod, script: str, prepare: Callable[[], object]) -> list[str]:
    """What a script prints in a container whose runner was prepared by `prepare`."""
    process = pod.popen("run", "--", "sh", "-c", script, preexec_fn=prepare, restore_signals=False)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return [str(line) for line in out.splitlines()]


def test_no_signal_is_ignored_or_blocked_at_birth(anyone: Pod) -> None:
    def prepare() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        ignore = struct.pack("QQQQ", 1, 0, 0, 0)
        for number in (1, 2, 3, 10, 13, 32, 33, 34, 64):
            assert libc.syscall(RT_SIGACTION, number, ignore, None, 8) == 0
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    lines = inherited(anyone, "grep -E 'Sig(Blk|Ign|Pnd)' /proc/self/status", prepare)
    assert [line.split()[1] for line in lines] == ["0" * 16] * 3


def test_the_runner_s_peculiarities_stay_outside(anyone: Pod) -> None:
    def prepare() -> None:
        libc = ctypes.CDLL(None)
        libc.personality(0x0040000)  # addresses that are not random
        libc.prctl(29, 1_000_000)  # timers late by a millisecond
        os.umask(0)

    script = "umask; cat /proc/self/personality /proc/self/timerslack_ns"
    assert inherited(anyone, script, prepare) == ["0022", "00000000", "50000"]


@pytest.mark.parametrize(("outside", "inside"), [("-500", "0"), ("300", "300")])
def test_no_exemption_from_the_memory_killer_crosses(pod: Pod, outside: str, inside: str) -> None:
    own = Path("/proc/self/oom_score_adj")
    before = own.read_text()
    try:
        own.write_text(outside)
    except PermissionError:
        needs.lack("the right to be exempt")
    try:
        assert pod.sh("cat /proc/self/oom_score_adj").lines() == [inside]
    finally:
        own.write_text(before)


def test_what_an_operator_gives_on_purpose_crosses(anyone: Pod) -> None:
    def prepare() -> None:
        os.nice(3)
        os.sched_setaffinity(0, {0})
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 256))

    script = "nice; nproc; ulimit -Sn; ulimit -Hn"
    assert inherited(anyone, script, prepare) == ["3", "1", "128", "256"]


KEYS = """
import ctypes, os, platform, sys
add, ctl = {"x86_64": (248, 250), "aarch64": (217, 219)}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
if sys.argv[1] == "add":
    assert libc.syscall(ctl, 1, b"vswitch-test") >= 0
    assert libc.syscall(add, b"user", b"secret", b"TOPSECRET", 9, -3) >= 0
    os.execvp(sys.argv[2], sys.argv[2:])
print("found", libc.syscall(ctl, 10, -3, b"user", b"secret", 0) > 0)
"""


UNFILTERED = """
from containers import seccomp
seccomp.program = lambda *_: seccomp.Instruction(seccomp.RETURN, seccomp.ALLOW).to_bytes()
"""
"""Takes the filter away, behind which nobody sees whether there are keys."""


@pytest.mark.parametrize("filter", ["", UNFILTERED], ids=["filtered", "unfiltered"])
def test_the_session_s_keys_stay_outside(pod: Pod, filter: str) -> None:
    look = ["python3", "-c", KEYS, "look"]
    control = subprocess.run(["python3", "-c", KEYS, "add", *look], capture_output=True, text=True,
                             check=False)  # fmt: skip
    if control.stdout != "found True\n":
        needs.lack("a kernel with keys", control.stderr)
    program = [sys.executable, "-c", filter + PROGRAM]

    def with_keys(*words: str) -> str:
        line = ["python3", "-c", KEYS, "add", *program, *words, *look]
        options: dict[str, Any] = {"env": pod.environment, "capture_output": True, "text": True}
        done = subprocess.run(line, check=False, **options)
        return str(done.stdout + done.stderr)

    assert with_keys("run", "--") == "found False\n"
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    assert with_keys("exec", "c") == "found False\n"


def test_no_link_to_a_root_but_our_own_is_followed_s29(anyone: Pod) -> None:
    """Where others may rename what leads to a root, a link would choose the machine's tree."""
    root, link = little_root(anyone.folder / "root"), anyone.folder / "link"
    link.symlink_to("root")
    for owner, lines in ((anyone.user or 0, ["bin"]), (12345, [])):
        if os.getuid() == 0 and owner:
            with contextlib.suppress(OSError):  # there is no such user here
                os.lchown(link, owner, owner)
        anyone.own(root)
        result = anyone.run("--rootfs", str(link), "--", "ls", "-d", "/bin")
        if link.lstat().st_uid == owner:
            assert result.lines() == [f"/{line}" for line in lines]
            assert ("a link that another user has made" in result.err) is not bool(lines)


def test_a_link_that_takes_the_root_s_place_meanwhile_leads_nowhere_s29(
    pod: Pod, root: Path
) -> None:
    program = init()
    assert program
    steps = steps_of(root, "echo born", pod.folder / "run")
    at = [step.name for step in steps].index("root")
    assert born_with(program, steps, at, lambda: None) == ("born\n", "")

    def swap() -> None:
        root.rename(root.with_name("other"))
        root.symlink_to("/")

    out, reason = born_with(program, steps, at, swap)
    assert (out, "keep others from renaming" in reason) == ("", True), reason


# ---- being made --------------------------------------------------------------------

HELD = """
import sys
from containers import plan, steps
from vswitch.cli import main
whole = plan.birth
def held(*arguments):
    made = whole(*arguments)
    at = [step.name for step in made].index(sys.argv[1])
    return (*made[:at], steps.wait(), *made[at:])
plan.birth = held
sys.exit(main(sys.argv[2:]))
"""
"""`vswitch ...` whose container stands still before a step."""


@pytest.mark.parametrize("before", ["private", "root", "mask", "pivot", "capabilities"])
def test_nobody_enters_a_container_before_its_walls_stand_s27(pod: Pod, before: str) -> None:
    """Whoever did would stand in the machine's tree, or among fewer walls than there shall be."""
    line = [sys.executable, "-c", HELD, before, "run", "--name", "c", "--", "sleep", "1000"]
    runner = subprocess.Popen(line, env=pod.environment, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: any(map(stands_still, children(runner.pid))))
        eventually(lambda: bool(pod.ps()))
        entered = pod.vswitch("exec", "c", "--", "sh", "-c", "echo entered")
        assert (entered.code, entered.out) == (3, "")
        assert "it doesn't run" in entered.err
        assert [entry["status"] for entry in pod.ps()] == ["starting"]
        assert pod.vswitch("rm", "-f", "c").code == 0
        _, said = runner.communicate(timeout=30)
        assert (runner.returncode, said.count("\n")) == (1, 1), said
    finally:
        runner.kill()
        runner.communicate()


# ---- system calls ------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "exec"])
def test_no_user_namespace_and_no_mount_inside_s34(anyone: Pod, command: str) -> None:
    script = """
    unshare -Ur true && echo MADE a user namespace
    unshare -UrmC sh -c 'mkdir /tmp/g && mount -t cgroup2 none /tmp/g' && echo MOUNTED
    for c in memory pids cpu devices freezer; do mkdir -p /tmp/$c
      mount -t cgroup -o $c none /tmp/$c && echo MOUNTED $c; done
    grep Seccomp: /proc/self/status
    cat /proc/sys/user/max_user_namespaces /proc/sys/user/max_cgroup_namespaces
    """
    if command == "run":
        result = anyone.sh(script)
    else:
        anyone.run("-d", "--name", "c", "--", "sleep", "1000")
        result = anyone.vswitch("exec", "c", "sh", "-c", script)
    assert result.lines() == ["Seccomp:\t2", "0", "0"]


def test_nested_it_makes_user_namespaces_but_mounts_no_control_groups_s34(anyone: Pod) -> None:
    script = """
    unshare -Urm sh -c 'mount -t tmpfs none /mnt && echo mounted'
    unshare -UrmC true && echo MADE a cgroup namespace
    for c in memory pids cpu devices freezer; do
      unshare -Urm sh -c "mount -t cgroup -o $c none /mnt && echo MOUNTED $c"; done
    unshare -Urm sh -c 'mount -t cgroup2 none /mnt && echo MOUNTED 2'
    """
    result = anyone.sh(script, "--nested")
    assert result.lines() == ["mounted"], result.err
    anyone.run("-d", "--nested", "--name", "c", "--", "sleep", "1000")
    assert anyone.vswitch("exec", "c", "unshare", "-Ur", "id", "-u").lines() == ["0"]


def test_nested_it_takes_no_wall_down(anyone: Pod) -> None:
    """Mounts that come from a more powerful user namespace are locked, flags and all."""
    script = """unshare -Urm sh -c '
      for p in /dev/null /proc/sys /proc/keys /etc; do mount -o remount,bind,rw $p && echo OPEN $p
      done
      for p in /proc/keys /proc/sys /dev/null /proc; do umount $p && echo OPEN $p; done
      mount -t sysfs s /mnt && echo OPEN sysfs
      [ -w /proc/sys/kernel/core_pattern ] && echo OPEN core_pattern
      chmod 600 /dev/null && echo OPEN chmod
      unshare -p --fork sh -c "mount -t proc p /mnt && echo OPEN proc"; echo over'
    """
    result = anyone.sh(script, "--nested")
    assert result.lines() == ["over"], result.err


def test_where_a_fresh_sysfs_is_refused_sys_is_empty_s30(pod: Pod) -> None:
    """Not the machine's, which would be half hidden there for a reason."""
    needs.user_namespaces()
    hide = 'mount -t tmpfs t /sys/kernel && exec "$@"'
    inside = "ls -A /sys; grep -c ' /sys ' /proc/self/mounts; touch /sys/x"
    line = ["unshare", "-Urnm", "sh", "-c", hide, "sh", sys.executable, "-c", PROGRAM, "run", "--",
            "sh", "-c", inside]  # fmt: skip
    done = subprocess.run(line, env=pod.environment, capture_output=True, text=True, check=False)
    assert "Read-only file system" in done.stderr
    assert int(done.stdout) > 0, done.stdout


CAPABLE_FILE = """
import os, sys
try:
    os.setxattr("/tmp/f", "security.capability", bytes.fromhex("0100000280000000" + 24 * "0"))
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("words", [[], ["--nested"]])
def test_no_file_gets_capabilities_s33(anyone: Pod, words: list[str]) -> None:
    result = anyone.run(*words, "--", "sh", "-c", f"touch /tmp/f; python3 -c '{CAPABLE_FILE}'")
    assert result.lines() == ["Operation not supported" if words else "Operation not permitted"]


CALLS = """
import ctypes, errno, json, sys
libc = ctypes.CDLL(None, use_errno=True)
for name, number, want in json.loads(sys.argv[1]):
    ctypes.set_errno(0)
    if libc.syscall(number, *(ctypes.c_long(-1) for _ in range(6))) != -1:
        print(name, "was let through")
    elif ctypes.get_errno() != want:
        print(name, errno.errorcode.get(ctypes.get_errno()))
"""


@pytest.mark.parametrize("nested", [False, True])
def test_every_call_of_the_table_is_refused_for_real(anyone: Pod, nested: bool) -> None:
    numbers = seccomp.MACHINES[platform.machine()].numbers
    calls = [(name, numbers[name], want)
             for names, want in ((seccomp.REFUSED, errno.EPERM), (seccomp.UNKNOWN, errno.ENOSYS))
             for name in names
             if name in numbers and not (nested and name in seccomp.NESTED)]  # fmt: skip
    calls.append(("newer than all", seccomp.LAST + 1, errno.ENOSYS))
    words = ["--nested"] if nested else []
    result = anyone.run(*words, "--", "python3", "-c", CALLS, json.dumps(calls))
    assert (result.code, result.out) == (0, ""), result.err
    assert len(calls) > 30


OLD_CALL = """
import ctypes, mmap
room = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
room.write(bytes.fromhex("53 b814000000 cd80 5b c3"))  # getpid, as a program of 32 bits asks
at = ctypes.addressof(ctypes.c_char.from_buffer(room))
print(ctypes.CFUNCTYPE(ctypes.c_int)(at)() > 0)
"""


LEASE = """
import fcntl
try: fcntl.fcntl(0, fcntl.F_SETLEASE, fcntl.F_RDLCK)
except OSError as error: print(error.strerror)
else: print("leased")
"""


@pytest.mark.parametrize("options", [(), ("--nested",)])
def test_nobody_on_the_machine_waits_for_a_file_that_is_only_read_inside(
    anyone: Pod, options: tuple[str, ...]
) -> None:
    """A lease needs no right to write: being the file's owner is enough, as our root is."""
    path = anyone.folder / "file"
    path.write_text("read me\n")
    anyone.own(path.parent)
    with open(path) as file:
        line = ["python3", "-c", LEASE]
        control = subprocess.run(line, stdin=file, capture_output=True, text=True, check=True)
        assert control.stdout == "leased\n"
        done = anyone.popen("run", *options, "--", *line, stdin=file)
        assert done.communicate(timeout=30) == ("Operation not permitted\n", "")


def test_a_call_by_another_architecture_s_numbers_ends_the_process(anyone: Pod) -> None:
    if platform.machine() != "x86_64":
        needs.lack("a machine with two ways to call")
    words = ["python3", "-c", OLD_CALL]
    control = subprocess.run(words, capture_output=True, text=True, check=False)
    if control.stdout != "True\n":
        needs.lack("a kernel that runs programs of 32 bits")
    result = anyone.run("--", *words)
    assert (result.code, result.out) == (128 + signal.SIGSYS, "")


def test_root_s_own_files_never_become_setuid_a7(anyone: Pod) -> None:
    """Ids are the machine's: what is setuid root in a root is setuid root on the machine."""
    root = anyone.own(little_root(anyone.folder / "root", ("sh", "cp", "chmod", "install")))
    script = """
    cp /bin/sh /shell; chmod 755 /shell && echo plain
    for mode in u+s 4755 2755 6755 g+s; do chmod $mode /shell && echo CHANGED $mode; done
    install -m 4755 /bin/sh /other
    echo $?
    """
    result = anyone.sh(script, "--rootfs", str(root))
    assert result.lines() == ["plain", "1"], result.err
    assert not [path for path in root.rglob("*") if path.lstat().st_mode & 0o6000]


def test_threads_and_processes_are_made_as_ever(anyone: Pod) -> None:
    code = (
        "import subprocess, threading, os; t = threading.Thread(target=print, args=('thread',));"
        "t.start(); t.join(); print(subprocess.check_output(['echo', 'child']).decode(), end='');"
        "print(os.waitpid(os.fork() or os._exit(3), 0)[1] >> 8)"
    )
    assert anyone.run("--", "python3", "-c", code).lines() == ["thread", "child", "3"]
