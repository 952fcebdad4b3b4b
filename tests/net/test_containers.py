"""Containers for real: what is inside, what is out of reach, and that nothing stays.

As root or inside `unshare -Urnm`.  No daemon takes part here; ports are in
test_container_ports.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from containers.plan import DEVICES, LINKS, MASKED, READ_ONLY
from containers.steps import hide
from tests.kit import needs
from tests.kit.birth import born_with, steps_of
from tests.kit.pod import PROGRAM, Pod, children, eventually, init, is_gone, kill, little_root, pods

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


@pytest.fixture
def pod() -> Iterator[Pod]:
    yield from pods()


@pytest.fixture
def root(pod: Pod) -> Path:
    return little_root(pod.folder / "root")


# ---- inside ------------------------------------------------------------------


def test_every_namespace_is_its_own(pod: Pod) -> None:
    script = "".join(f"readlink /proc/self/ns/{name};" for name in NAMESPACES)
    inside = pod.sh(script).lines()
    outside = [os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES]
    assert len(inside) == len(NAMESPACES)
    assert not set(inside) & set(outside)


def test_process_1_is_ours_and_sees_only_its_own_processes(pod: Pod) -> None:
    result = pod.sh("cat /proc/1/comm; echo $$; ls -d /proc/[0-9]* | wc -l")
    assert result.lines()[:2] == ["vswitch-init", "2"]
    assert int(result.lines()[2]) <= 4


def test_host_name_and_loopback_are_set(pod: Pod) -> None:
    script = "cat /proc/sys/kernel/hostname; cat /proc/net/fib_trie"
    assert pod.sh(script, "--name", "web").lines()[0] == "web"
    result = pod.sh(script, "--hostname", "www.example")
    assert result.lines()[0] == "www.example"
    assert "127.0.0.1" in result.out


def test_environment_folder_and_user_are_those_asked_for(pod: Pod) -> None:
    result = pod.sh("echo $A,$HOME; pwd", "-e", "A=b c", "-w", "/etc")
    assert result.lines() == ["b c,/root", "/etc"]
    if os.geteuid() == 0 and len(Path("/proc/self/uid_map").read_text().split()) == 3:
        other = pod.sh("id -u; id -g; id -G", "-u", "0:0")
        assert other.lines()[:2] == ["0", "0"]


def test_the_machine_s_files_can_t_be_written_and_scratch_can(pod: Pod) -> None:
    result = pod.sh("for d in /etc /usr /tmp /run /dev/shm; do touch $d/vswitch-x && echo $d; done")
    assert result.lines() == ["/tmp", "/run", "/dev/shm"]
    assert "Read-only file system" in result.err
    assert not Path("/tmp/vswitch-x").exists()


def test_the_run_folder_with_the_daemon_s_socket_is_out_of_reach(pod: Pod) -> None:
    folder = Path.home() / f".vswitch-test-{os.getpid()}"
    pod.environment["VSWITCH_RUN"] = str(folder)
    try:
        folder.mkdir(mode=0o700)
        (folder / "vswitch.sock").touch()
        assert pod.sh(f"ls -A {folder}").out == ""
        pod.environment["VSWITCH_RUN"] = str(pod.folder)  # no daemon's any more, and seen
        assert "vswitch.sock" in pod.sh(f"ls -A {folder}").lines()
    finally:
        shutil.rmtree(folder)


def shown(pod: Pod, place: str, *options: str, before: str = "true") -> tuple[str, str]:
    """What a container sees in a folder, and its errors; `before` is done first, in a mount table
    that goes with the runner."""
    line = f'{before} && exec "$@"'
    run = [sys.executable, "-c", PROGRAM, "run", *options, "--", "ls", "-A", place]
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", line, "sh", *run],
        env=pod.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.mark.parametrize("options", [(), ("--read-only",)])
def test_no_root_shows_the_run_folder_whatever_it_is_called(
    pod: Pod, options: tuple[str, ...]
) -> None:
    """The root holds it itself, by a link, through a bind mount of a parent, of it, of a part."""
    little_root(pod.folder)
    pod.run("--", "true")
    (pod.run_folder / "marker").touch()
    for name in ("mnt", "proc", "sys", "dev"):
        (pod.folder / name).mkdir()
    (pod.folder / "root").symlink_to(pod.folder)
    home, run = pod.folder, pod.run_folder
    for root in ("/", str(home), str(home / "root")):
        place = str(run) if root == "/" else "/run"
        out, err = shown(pod, place, "--rootfs", root, *options)
        scratch = root == "/" and options  # a fresh /tmp lies above it
        assert (out, "No such file" in err) == ("", bool(scratch)), err
    rootfs = ("--rootfs", str(home), *options)
    for bound, place in ((home, "/mnt/run"), (run, "/mnt"), (run / "containers", "/mnt")):
        assert shown(pod, place, *rootfs, before=f"mount --bind {bound} {home}/mnt") == ("", "")
    (home / "sock").touch()
    bind = f"mount --bind {run}/marker {home}/sock"
    assert "/sock" in shown(pod, "/sock", *rootfs, before=bind)[0]
    assert pod.sh("[ -c /sock ] || echo plain", *rootfs).out == "plain\n"
    (home / "etc").mkdir()
    (home / "etc" / "marker").touch()
    assert shown(pod, "/etc", *rootfs) == ("marker\n", "")  # all else is there


def test_a_root_inside_the_run_folder_is_refused(pod: Pod) -> None:
    pod.run("--", "true")
    little_root(pod.run_folder / "root")
    for root in (pod.run_folder, pod.run_folder / "root"):
        refused = pod.run("--rootfs", str(root), "--", "true")
        assert refused.code == 1
        assert "it lies in the run folder" in refused.err
    bind = f"mkdir {pod.folder}/m && mount --bind {pod.run_folder}/root {pod.folder}/m"
    out, err = shown(pod, "/", "--rootfs", str(pod.folder / "m"), before=bind)
    assert (out, "container c1: " in err) == ("", True)


@pytest.mark.parametrize("replaced", [True, False])
def test_a_run_folder_that_is_renamed_meanwhile_gets_no_container(
    pod: Pod, replaced: bool
) -> None:
    """Hidden is what was found, not what is called so by then."""
    pod.run("--", "true")
    program, run = init(), pod.run_folder
    assert program
    about = run.stat()
    steps = steps_of(Path("/"), "true", pod.folder)
    at = [step.name for step in steps].index("root")
    steps = (*steps[:at], hide(str(run), about.st_dev, about.st_ino), *steps[at:])

    def rename() -> None:
        run.rename(pod.folder / "elsewhere")
        if replaced:
            run.mkdir()

    _, reason = born_with(program, steps, at, rename)
    what = "checking that" if replaced else "finding"
    assert f"{what} {run}" in reason


def test_a_root_of_one_s_own_is_used_and_can_be_written(pod: Pod, root: Path) -> None:
    (root / "etc").mkdir()
    (root / "etc" / "motd").write_text("hello\n")
    result = pod.sh("cat /etc/motd; ls /; touch /new; ls /proc/1/comm", "--rootfs", str(root))
    assert result.lines()[0] == "hello"
    assert {"bin", "dev", "etc", "proc", "sys"} <= set(result.lines())
    assert (root / "new").exists()
    assert list((root / "dev").iterdir()) == []
    refused = pod.sh("touch /newer", "--rootfs", str(root), "--read-only")
    assert refused.code == 1
    assert not (root / "newer").exists()


def test_orphans_are_reaped_by_process_1(pod: Pod) -> None:
    script = "(sh -c 'true & true' &); sleep 0.1; sleep 0.1; cat /proc/[0-9]*/stat"
    states = [line.rpartition(")")[2].split()[0] for line in pod.sh(script).lines()]
    assert len(states) >= 2  # process 1, and the shell that became cat
    assert "Z" not in states
    unreaped = "(true & exec sleep 1) & sleep 0.2; cat /proc/[0-9]*/stat"
    kept = [line.rpartition(")")[2].split()[0] for line in pod.sh(unreaped).lines()]
    assert "Z" in kept  # a child of a program that doesn't wait is one to see


# ---- out of reach --------------------------------------------------------------


def test_only_three_descriptors_come_along_s27(pod: Pod, tmp_path: Path) -> None:
    with open(tmp_path / "secret", "w+") as secret:
        os.set_inheritable(secret.fileno(), True)
        result = pod.run(
            "--", "sh", "-c", "ls /proc/$$/fd", pass_fds=[secret.fileno()]
        )  # fmt: skip
    assert result.lines() == ["0", "1", "2"]


@pytest.mark.parametrize("folder", ["/proc/self/fd/1", "/proc/1/cwd", "/proc/1/root/etc"])
def test_no_magic_link_leads_out_as_a_working_folder_s27(pod: Pod, folder: str) -> None:
    result = pod.sh("pwd", "-w", folder)
    assert result.code == 1
    assert "entering the folder" in result.err


def test_process_1_and_its_program_can_t_be_reached_s28(pod: Pod) -> None:
    program = init()
    assert program
    before = program.read_bytes()
    result = pod.sh("readlink /proc/1/fd/* /proc/1/exe; echo x >/proc/1/exe; cat /proc/1/mem; true")
    assert result.out == ""
    assert pod.run("--", "/proc/self/exe").code == 2  # itself, without a plan: refuses
    assert program.read_bytes() == before


@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
@pytest.mark.parametrize("target", ["/", "../../../..", "/etc"])
def test_a_link_in_the_root_leads_nowhere_s29(pod: Pod, root: Path, name: str, target: str) -> None:
    (root / name).symlink_to(target)
    result = pod.sh("ls /", "--rootfs", str(root))
    assert result.code == 1
    assert "Too many levels of symbolic links" in result.err


def test_renaming_in_the_root_meanwhile_leads_nobody_out_s29(pod: Pod, root: Path) -> None:
    outside = pod.folder / "outside"
    outside.mkdir()
    (root / "real").mkdir()
    (root / "link").symlink_to(outside)
    over = threading.Event()

    def rename(name: str, new: str) -> None:
        with contextlib.suppress(OSError):  # the container makes a folder in between
            (root / name).rename(root / new)

    def swap() -> None:
        while not over.is_set():
            for name in ("real", "link"):
                rename(name, "dev")
                rename("dev", name)

    racer = threading.Thread(target=swap)
    racer.start()
    try:
        for _ in range(15):
            pod.sh("true", "--rootfs", str(root))
            assert list(outside.iterdir()) == []
    finally:
        over.set()
        racer.join()


def test_masked_paths_are_empty_and_read_only_ones_stay_s30(pod: Pod) -> None:
    masked = " ".join(path for path in MASKED if Path(path).exists())
    result = pod.sh(f"for p in {masked}; do if [ -d $p ]; then ls -A $p; else cat $p; fi; done")
    assert (result.code, result.out) == (0, "")
    read_only = " ".join(path for path in READ_ONLY if Path(path).exists())
    result = pod.sh(f"for p in {read_only}; do [ -w $p ] && echo $p; done; true")
    assert (result.code, result.out) == (0, "")
    for path in (
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/sys/kernel/uevent_seqnum",
    ):
        assert pod.sh(f"echo x > {path}").code != 0


def test_dev_holds_what_it_should_and_nothing_else_s35(pod: Pod) -> None:
    result = pod.sh("ls /dev; [ -c /dev/null ] && echo gone > /dev/null && cat /dev/null")
    assert set(result.lines()) == {*DEVICES, *LINKS, "pts", "shm", "mqueue"}
    assert pod.sh("mknod /tmp/mem c 1 1 && cat /tmp/mem").code != 0


def test_capabilities_are_few_and_none_is_inheritable_s33(pod: Pod) -> None:
    status = pod.sh("cat /proc/self/status").fields()
    assert status["CapInh"] == status["CapAmb"] == "0" * 16
    assert status["CapPrm"] == status["CapEff"] == status["CapBnd"] == "00000000200425eb"
    assert status["NoNewPrivs"] == "1"


def test_cgroups_and_mounts_can_t_be_changed_s34(pod: Pod) -> None:
    assert pod.sh("ls -A /sys/fs/cgroup").out == ""
    for script in ("mount -t tmpfs x /mnt", "umount /proc/sys", "mount -o remount,rw /"):
        assert pod.sh(script).code != 0


def test_the_init_has_no_rights_of_its_own_s37() -> None:
    program = init()
    assert program
    assert program.stat().st_mode & 0o6000 == 0


def test_where_user_namespaces_are_refused_the_rest_still_holds(pod: Pod) -> None:
    needs.user_namespaces()
    limit = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    # SECBIT_NO_SETUID_FIXUP: another user than root would keep root's capabilities.
    code = f"import ctypes; assert not ctypes.CDLL(None).prctl(28, 4); {PROGRAM}"
    look = "import ctypes; print('bits', ctypes.CDLL(None).prctl(27))"
    script = f'cat /proc/1/comm; cat /proc/self/status; python3 -c "{look}"; touch /etc/x'
    words = ["run", "--", "sh", "-c", script]
    line = ["unshare", "-Urnm", "sh", "-c", limit, "sh", sys.executable, "-c", code, *words]
    done = subprocess.run(line, env=pod.environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("vswitch-init\n"), done.stderr
    assert "CapEff:\t00000000200425eb" in done.stdout
    assert "Seccomp:\t2" in done.stdout
    assert "bits 0" in done.stdout
    assert "Read-only file system" in done.stderr


# ---- how it ends ---------------------------------------------------------------


def test_the_exit_code_is_the_command_s(pod: Pod) -> None:
    assert pod.sh("exit 7").code == 7
    assert pod.sh("kill -9 $$").code == 128 + 9
    assert pod.run("--", "true").code == 0


def test_what_can_t_be_started_says_so_as_a_shell_would(pod: Pod) -> None:
    missing = pod.run("--name", "c", "--", "no-such-program")
    assert missing.code == 127
    assert missing.err == (
        "vswitch: container c: starting no-such-program: No such file or directory; "
        "name a program that is in the container's files\n"
    )
    assert pod.run("--", "/etc/passwd").code == 126
    assert pod.ps() == []


def test_input_and_output_pass_through(pod: Pod) -> None:
    result = pod.run("--", "sh", "-c", "cat; echo sideways >&2", given="hello\n")
    assert (result.out, result.err) == ("hello\n", "sideways\n")


def test_signals_reach_the_command(pod: Pod) -> None:
    process = pod.popen(
        "run", "--", "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done"
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 5


def test_a_runner_killed_takes_everything_along(pod: Pod) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    runner = pod.popen("run", "--name", "c", "--", "sh", "-c", "sleep 1000 & sleep 1000")
    first = pod.pid("c")
    eventually(lambda: len(children(first)) == 1 and len(children(children(first)[0])) == 2)
    command = children(first)[0]
    all_pids = [first, command, *children(command)]
    runner.kill()
    eventually(lambda: all(is_gone(pid) for pid in all_pids))
    assert pod.ps() == []
    assert not (pod.run_folder / "containers" / "c").exists()
    assert Path("/proc/self/mountinfo").read_text() == before


def test_an_init_killed_takes_everything_along_and_the_runner_says_137(pod: Pod) -> None:
    runner = pod.popen("run", "--name", "c", "--", "sh", "-c", "sleep 1000 & sleep 1000")
    first = pod.pid("c")
    eventually(lambda: bool(children(first)))
    command = children(first)[0]
    kill(first)
    assert runner.wait(10) == 137
    eventually(lambda: is_gone(command))
    assert os.listdir(pod.run_folder / "containers") == [".lock"]


def test_a_command_that_ends_takes_its_children_along(pod: Pod) -> None:
    process = pod.popen("run", "--name", "c", "--", "sh", "-c", "sleep 1000 & cat")
    first = pod.pid("c")
    eventually(lambda: bool(children(first)) and bool(children(children(first)[0])))
    left = children(children(first)[0])
    process.communicate("", timeout=10)
    assert process.returncode == 0
    eventually(lambda: all(is_gone(pid) for pid in left))


# ---- detached, entered, stopped --------------------------------------------------


def test_a_detached_container_stays_logs_and_keeps_its_exit_code(pod: Pod) -> None:
    script = "echo started; trap 'exit 5' TERM; while :; do sleep 0.01; done"
    started = pod.run("-d", "--name", "web", "--", "sh", "-c", script)
    assert (started.code, started.out) == (0, "web\n")
    (entry,) = pod.ps()
    assert entry["status"] == "running"
    assert not entry["attached"]
    eventually(lambda: Path(entry["log"]).read_text() == "started\n")
    assert pod.vswitch("stop", "web").code == 0
    assert [entry["status"] for entry in pod.ps()] == ["exited 5"]
    assert pod.vswitch("rm", "web").code == 0
    assert pod.ps() == []


def test_whoever_starts_a_container_for_a_program_is_told_what_ps_tells(pod: Pod) -> None:
    told = pod.vswitch("-o", "json", "run", "-d", "--name", "c", "--", "sleep", "1000")
    assert [json.loads(told.out)] == pod.ps()
    assert pod.vswitch("-o", "name", "ps").out == "c\n"
    wrong = pod.vswitch("-o", "json", "rm", "c", "nobody")
    first, second = (json.loads(line)["error"] for line in wrong.err.splitlines())
    assert (first["what"], second["what"]) == ("container c", "container 'nobody'")
    assert (wrong.code, second["exit"]) == (3, 3)


def test_a_detached_container_holds_its_lock_as_long_as_it_lives(pod: Pod) -> None:
    """By it those who count processes differently see whether it lives: process 1 keeps it."""
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    with open(pod.run_folder / "containers" / "c" / "exit") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        assert pod.vswitch("stop", "c").code == 0
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_a_detached_container_that_can_t_start_leaves_nothing(pod: Pod) -> None:
    assert pod.run("-d", "--", "no-such-program").code == 127
    assert os.listdir(pod.run_folder / "containers") == [".lock"]


def test_stop_kills_what_won_t_end(pod: Pod) -> None:
    pod.run("-d", "--name", "deaf", "--", "sh", "-c", "trap '' TERM; while :; do sleep 0.01; done")
    first = pod.pid("deaf")
    assert pod.vswitch("stop", "--time", "0.1", "deaf").code == 0
    assert is_gone(first)
    assert [entry["status"] for entry in pod.ps()] == ["killed"]


def test_exec_joins_every_namespace_with_the_same_restrictions(pod: Pod) -> None:
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    first = pod.pid("c")
    script = "".join(f"readlink /proc/self/ns/{name};" for name in NAMESPACES)
    entered = pod.vswitch(
        "exec", "c", "--", "sh", "-c", script + "ls /proc/$$/fd; cat /proc/self/status"
    )
    assert entered.code == 0, entered.err
    lines = entered.lines()
    assert lines[:7] == [os.readlink(f"/proc/{first}/ns/{name}") for name in NAMESPACES]
    assert lines[7:10] == ["0", "1", "2"]
    status = entered.fields()
    assert status["CapInh"] == "0" * 16
    assert status["CapEff"] == status["CapBnd"] == "00000000200425eb"
    assert status["NoNewPrivs"] == "1"
    assert pod.vswitch("exec", "c", "sh", "-c", "exit 9").code == 9
    assert pod.vswitch("exec", "c", "no-such-program").code == 127


@pytest.mark.parametrize("user", ["0:0", "1000:1000"])
def test_exec_killed_leaves_nothing_in_the_container(pod: Pod, user: str) -> None:
    if user != "0:0":
        needs.many_users()
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    entering = pod.popen("exec", "-u", user, "c", "sh", "-c", "echo $$; exec sleep 1000")
    assert entering.stdout
    entering.stdout.readline()
    # The process that cloned it has ended, but the runner may not have reaped it yet.
    eventually(lambda: len(children(entering.pid)) == 1)
    (entered,) = children(entering.pid)
    entering.kill()
    eventually(lambda: is_gone(entered))
    assert [entry["status"] for entry in pod.ps()] == ["running"]


def test_names_are_taken_once_and_used_again(pod: Pod) -> None:
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    again = pod.run("--name", "c", "--", "true")
    assert again.code == 1
    assert "there is one of that name" in again.err
    assert pod.vswitch("rm", "c").code == 1
    assert pod.vswitch("rm", "-f", "c").code == 0
    assert pod.vswitch("rm", "c").code == 3
    assert pod.run("--name", "c", "--", "true").code == 0
    assert pod.run("--name", "../x", "--", "true").code == 2


# ---- terminals -------------------------------------------------------------------


Typist = Callable[[int, "subprocess.Popen[str]", bytes], None]
"""Told of our side of the terminal, the runner and what was seen so far, after each new piece."""


def watched(pod: Pod, *words: str, typist: Typist, size: bytes = bytes(8)) -> tuple[int, bytes]:
    """Runs a command with a terminal of its own, whose size is `size`; its code and output."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, size)
    process = pod.popen(*words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    seen = b""
    try:
        while select.select([master], [], [], 20)[0] and (chunk := os.read(master, 4096)):
            seen += chunk
            typist(master, process, seen)
    except OSError:
        pass  # the last process that had the other side has closed it
    finally:
        os.close(master)
    return process.wait(10), seen


def at_a_terminal(pod: Pod, *words: str, typed: bytes) -> tuple[int, bytes]:
    """The same, where `typed` is typed once it has said "ready"."""
    left = [typed] if typed else []

    def type_once(master: int, _: subprocess.Popen[str], seen: bytes) -> None:
        if left and b"ready" in seen:
            os.write(master, left.pop())

    return watched(pod, *words, typist=type_once)


def test_whoever_sits_at_a_terminal_gets_one_inside_s31(pod: Pod) -> None:
    script = "tty; [ -t 2 ] && echo ready; read line; echo got $line; exit 4"
    code, seen = at_a_terminal(pod, "run", "--", "sh", "-c", script, typed=b"hello\r")
    assert code == 4
    assert seen.startswith(b"/dev/pts/0\r\n")
    assert seen.endswith(b"got hello\r\n")


def size(rows: int, columns: int) -> bytes:
    return struct.pack("4H", rows, columns, 0, 0)


def quiet(master: int, process: subprocess.Popen[str], seen: bytes) -> None:
    pass


def test_the_size_is_right_at_the_first_instruction(pod: Pod) -> None:
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    for words in (("run", "--"), ("exec", "c")):
        for number in range(5):
            shape = size(30 + number, 90)
            code, seen = watched(pod, *words, "stty", "size", typist=quiet, size=shape)
            assert (code, seen) == (0, f"{30 + number} 90\r\n".encode())


def test_the_size_follows(pod: Pod) -> None:
    script = "trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.01; done"

    def resize(master: int, process: subprocess.Popen[str], seen: bytes) -> None:
        if b"ready" in seen:
            fcntl.ioctl(master, termios.TIOCSWINSZ, size(44, 111))
            process.send_signal(signal.SIGWINCH)  # no session of the terminal's own, so by hand

    code, seen = watched(pod, "run", "--", "sh", "-c", script, typist=resize, size=size(9, 9))
    assert (code, seen) == (4, b"ready\r\n44 111\r\n")


def test_what_is_typed_at_a_terminal_that_the_command_closed_harms_nobody(pod: Pod) -> None:
    """What it can still take waits there until the command opens it again."""
    closed = "exec <&- >&- 2>&-; sleep 0.2"
    code, seen = at_a_terminal(
        pod, "run", "--", "sh", "-c", f"echo ready; {closed}; exit 5", typed=b"a\r" * 9000
    )
    assert code == 5, seen
    assert b"Traceback" not in seen
    again = "exec <>/dev/pts/0 >&0; read line; echo got $line"
    code, seen = at_a_terminal(
        pod, "run", "--", "sh", "-c", f"echo ready; {closed}; {again}", typed=b"hello\r"
    )
    assert (code, b"got hello" in seen) == (0, True), seen


def test_a_file_is_typed_and_then_ends(pod: Pod) -> None:
    result = pod.run("-t", "--", "cat", stdin=subprocess.DEVNULL)
    assert (result.code, result.err) == (0, "")
    with open("/etc/passwd") as file:
        first = file.readline().strip()
        file.seek(0)
        result = pod.run("-t", "--", "sh", "-c", "stty -echo; read l; echo $l; cat", stdin=file)
    assert (result.code, result.lines()[0]) == (0, first), result.err


def test_a_terminal_whose_output_goes_nowhere_is_told_and_restored(pod: Pod) -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    with open("/dev/full", "w") as full:
        result = pod.run("-t", "--", "sh", "-c", "echo x; read l", stdin=slave, stdout=full)
    assert result.code == 1
    assert result.err == (
        "vswitch: standard output: No space left on device; give it a place that can be written\n"
    )
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["run", "run -t", "exec c", "exec -t c"])
def test_closed_streams_end_in_no_traceback_and_are_nobody_else_s(
    pod: Pod, words: str, closed: str
) -> None:
    if words.startswith("exec"):
        pod.run("-d", "--name", "c", "--", "sleep", "1000")
    run = [sys.executable, "-c", PROGRAM, *words.split(), "sh", "-c", "echo hello; exit 7"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *run], env=pod.environment, check=False,
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    relayed_nowhere = "-t" in words and ">&-" in closed.split()
    assert done.returncode == (1 if relayed_nowhere else 7), done.stderr


def test_ctrl_c_is_a_signal_to_the_command_inside(pod: Pod) -> None:
    """No exec behind "ready": a shell about to exec keeps an interrupt for later and forgets it."""
    script = "echo ready; read line"
    code, _ = at_a_terminal(pod, "run", "--", "sh", "-c", script, typed=b"\x03")
    assert code == 130


def test_a_command_ignores_no_signal_that_its_runner_ignores(pod: Pod) -> None:
    """A shell's background jobs ignore interrupts, Python broken pipes; an exec would keep that."""
    ignoring = pod.popen(
        "run", "--", "cat", "/proc/self/status",
        preexec_fn=lambda: [signal.signal(number, signal.SIG_IGN) for number in (2, 3, 10)],
        restore_signals=False,
    )  # fmt: skip
    out, _ = ignoring.communicate(timeout=20)
    assert ignored_of(out) & sum(1 << number - 1 for number in (2, 3, 10, 13)) == 0
    itself = pod.sh("trap '' INT; cat /proc/self/status").out
    assert ignored_of(itself) & 1 << 2 - 1  # one that ignores a signal of its own will


def ignored_of(status: str) -> int:
    """The signals that a process ignores, as bits, by its /proc/PID/status."""
    (line,) = (line for line in status.splitlines() if line.startswith("SigIgn:"))
    return int(line.split()[1], 16)


def test_exec_gives_a_terminal_too(pod: Pod) -> None:
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    code, seen = at_a_terminal(pod, "exec", "c", "sh", "-c", "tty; echo $TERM", typed=b"")
    assert code == 0, seen
    assert seen.startswith(b"/dev/pts/0\r\n")
