"""Detached containers' logs and streams: kept within bounds, joined and left again."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl

import pytest

from tests.kit import needs
from tests.kit.pod import PROGRAM, Pod, eventually, is_gone, pods


@pytest.fixture
def pod() -> Iterator[Pod]:
    yield from pods()


def start(pod: Pod, name: str, script: str, *options: str) -> None:
    result = pod.run("-d", "--name", name, *options, "--", "sh", "-c", script)
    assert (result.code, result.out) == (0, f"{name}\n"), result.err


def states(pod: Pod) -> dict[str, str]:
    return {entry["name"]: entry["status"] for entry in pod.ps()}


def console(pod: Pod, name: str) -> socket.socket:
    """A connection that says only what the test says."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.settimeout(10)
    folder = os.open(pod.run_folder / "containers" / name, os.O_PATH)
    try:
        made.connect(f"/proc/self/fd/{folder}/console")
    finally:
        os.close(folder)
    return made


def joins(pod: Pod, name: str) -> bool:
    """Whether somebody could join, who leaves at once."""
    try:
        console(pod, name).close()
    except BlockingIOError:  # as many as may wait to be taken in
        return False
    return True


def test_a_log_has_both_streams_in_order_and_is_followed_to_the_end(pod: Pod) -> None:
    start(pod, "a", "echo one; echo two >&2; sleep 1; echo three; exit 3")
    eventually(lambda: pod.vswitch("logs", "a").out == "one\ntwo\n")
    follower = pod.popen("logs", "-f", "a")
    assert follower.communicate(timeout=20)[0] == "one\ntwo\nthree\n"
    assert states(pod) == {"a": "exited 3"}
    assert pod.vswitch("logs", "a").out == "one\ntwo\nthree\n", "it stays to tell"


def test_all_that_was_written_is_there_when_it_has_ended(pod: Pod) -> None:
    start(pod, "a", "seq 20000")
    eventually(lambda: states(pod) == {"a": "exited 0"})
    assert pod.vswitch("logs", "a").lines() == [str(n) for n in range(1, 20001)]


def test_a_log_is_bounded_and_keeps_the_newest(pod: Pod) -> None:
    start(pod, "a", "seq 50000", "--log-size", "8192")
    eventually(lambda: states(pod) == {"a": "exited 0"})
    folder = pod.run_folder / "containers" / "a"
    sizes = [(folder / name).stat().st_size for name in ("log", "log.1")]
    assert max(sizes) <= 8192
    lines = pod.vswitch("logs", "a").lines()
    assert lines[1:] == [str(n) for n in range(int(lines[1]), 50001)]
    assert sum(map(len, lines)) > 4096


def test_no_log_is_the_container_s_to_change_s27(pod: Pod) -> None:
    """It may fill, cut or give away what it has open; that is a pipe."""
    script = "readlink /proc/self/fd/1 /proc/self/fd/2; : > /dev/stdout; chmod 777 /dev/fd/1"
    start(pod, "a", script)
    eventually(lambda: states(pod)["a"].startswith("exited"))
    first, second = pod.vswitch("logs", "a").lines()[:2]
    assert first == second
    assert first.startswith("pipe:")
    log = pod.run_folder / "containers" / "a" / "log"
    assert log.stat().st_mode & 0o777 == 0o600


def test_who_joins_types_and_reads_and_has_the_exit_code(pod: Pod) -> None:
    start(pod, "a", "while read line; do echo got $line; done; exit 7", "-i")
    result = pod.vswitch("attach", "a", given="one\ntwo\n")
    assert (result.code, result.out) == (7, "got one\ngot two\n"), result.err
    assert pod.vswitch("logs", "a").out == "got one\ngot two\n"


def test_without_input_it_reads_nothing_and_is_only_watched(pod: Pod) -> None:
    start(pod, "a", "cat; sleep 1; echo end; exit 4")
    result = pod.vswitch("attach", "a", given="ignored\n")
    assert (result.code, result.out) == (4, "end\n")


def test_many_join_at_once_and_each_sees_all(pod: Pod) -> None:
    start(pod, "a", "read line; seq 1000", "-i")
    others = [pod.popen("attach", "a", stdin=subprocess.PIPE) for _ in range(3)]
    with console(pod, "a") as ours:
        time.sleep(1)  # they have joined
        ours.send(b"Igo\n")
        said = b"".join(iter(lambda: ours.recv(5000)[1:], b""))
    wanted = "".join(f"{n}\n" for n in range(1, 1001))
    assert said.decode() == wanted
    for other in others:
        assert other.stdout
        assert other.stdout.read() == wanted
        assert other.wait(10) == 0


def test_one_too_many_is_hung_up_on_and_nobody_else(pod: Pod) -> None:
    start(pod, "a", "cat", "-i")
    there = [console(pod, "a") for _ in range(8)]
    with console(pod, "a") as late:
        assert late.recv(100) == b""
    there.pop().close()
    with console(pod, "a") as next_one:
        next_one.send(b"Ihello\n")
        assert [one.recv(100) for one in (*there, next_one)] == [b"Ohello\n"] * 8
    for one in there:
        one.close()


@pytest.mark.parametrize("wrong", [b"X", b"W", b"W123456", b"I" + b"x" * 5000])
def test_who_talks_nonsense_is_hung_up_on(pod: Pod, wrong: bytes) -> None:
    start(pod, "a", "cat", "-i")
    with console(pod, "a") as one, console(pod, "a") as two:
        one.send(wrong)
        assert one.recv(100) == b""
        two.send(b"Ihello\n")
        assert two.recv(100) == b"Ohello\n"


def test_who_reads_nothing_holds_the_container_up_for_a_moment_only(pod: Pod) -> None:
    start(pod, "a", "read line; seq 100000; echo end", "-i")
    with console(pod, "a") as deaf:
        deaf.send(b"Igo\n")
        eventually(lambda: states(pod) == {"a": "exited 0"})
        assert pod.vswitch("logs", "a").lines()[-1] == "end"


def test_many_who_read_nothing_are_waited_for_together(pod: Pod) -> None:
    """One after the other, they would keep a signal from the command for as many seconds."""
    start(pod, "a", "trap 'exit 7' TERM; read line; yes & while :; do sleep 0.05; done", "-i")
    deaf = [console(pod, "a") for _ in range(8)]
    deaf[0].send(b"Igo\n")
    eventually(lambda: "y" in pod.vswitch("logs", "a").out[-10:])
    assert pod.vswitch("stop", "-t", "3", "a").code == 0
    assert states(pod) == {"a": "exited 7"}
    for one in deaf:
        one.close()


def test_who_leaves_or_is_killed_leaves_the_container_alone(pod: Pod) -> None:
    start(pod, "a", "while :; do echo x; sleep 0.05; done")
    for number in (signal.SIGINT, signal.SIGKILL):
        process = pod.popen("attach", "a")
        assert process.stdout
        assert process.stdout.readline() == "x\n"
        process.send_signal(number)
        process.wait(10)
        assert process.returncode in (0, -signal.SIGKILL)
        assert states(pod) == {"a": "running"}


def test_input_that_nobody_reads_stops_nothing(pod: Pod) -> None:
    """It waits at whoever types; signals, output and others go on."""
    start(pod, "a", "trap 'exit 9' TERM; while :; do echo x; sleep 0.1; done", "-i")
    with console(pod, "a") as typing, console(pod, "a") as reading:
        typing.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(10000):
                typing.send(b"I" + b"y" * 4000)
            pytest.fail("it takes whatever is typed")
        assert reading.recv(100) == b"Ox\n"
        assert pod.vswitch("stop", "a").code == 0
        assert states(pod) == {"a": "exited 9"}


def test_what_was_typed_arrives_though_its_writer_has_left(pod: Pod) -> None:
    start(pod, "a", "while ! [ -e /tmp/go ]; do sleep 0.05; done; cat > /tmp/got", "-i")
    sent = 0
    with console(pod, "a") as one:
        one.settimeout(0.5)
        with contextlib.suppress(TimeoutError):  # as much as goes in while nobody reads
            while sent < 1 << 20:
                one.send(b"I" + b"x" * 4000)
                sent += 4000
    assert 65536 < sent < 1 << 20
    for _ in range(10):  # who left keeps no place from anybody
        eventually(lambda: joins(pod, "a"))
    assert pod.vswitch("exec", "a", "--", "touch", "/tmp/go").code == 0
    size = ("exec", "a", "--", "stat", "-c", "%s", "/tmp/got")
    eventually(lambda: pod.vswitch(*size).out == f"{sent}\n")


def test_a_command_that_closes_its_input_is_not_killed_for_it(pod: Pod) -> None:
    """Writing to nobody is a signal for the writer: process 1 keeps it to itself."""
    start(pod, "a", "exec <&-; trap 'echo pipe' PIPE; echo ready; sleep 2; echo end", "-i")
    with console(pod, "a") as one:
        eventually(lambda: "ready" in pod.vswitch("logs", "a").out)
        one.send(b"Ihello\n")
        one.send(b"Ihello\n")
        eventually(lambda: states(pod) == {"a": "exited 0"})
    assert pod.vswitch("logs", "a").lines() == ["ready", "end"]


class Terminal:
    """`vswitch ...` at a terminal of ours."""

    def __init__(self, pod: Pod, *words: str) -> None:
        self.master, slave = pty.openpty()
        self.resize(40, 100)
        line = [sys.executable, "-c", PROGRAM, *words]
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            line, stdin=slave, stdout=slave, stderr=slave, env=pod.environment
        )
        self.slave, self.seen = slave, ""

    def resize(self, rows: int, columns: int) -> None:
        ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text: bytes) -> None:
        """Keys, once they go through as they are: what was typed before is thrown away."""
        eventually(lambda: termios.tcgetattr(self.slave) != self.before)
        os.write(self.master, text)

    def shows(self, text: str) -> None:
        end = time.monotonic() + 10
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 4096).decode()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def test_a_detached_terminal_is_joined_left_and_joined_again(pod: Pod) -> None:
    result = pod.run("-dit", "--name", "a", "--", "sh")
    assert result.code == 0, result.err
    for rows in (40, 41):
        here = Terminal(pod, "attach", "a")
        try:
            here.resize(rows, 100)
            here.type(b"echo $((6 * 7)) here\r")
            here.shows("42 here")
            os.kill(here.process.pid, signal.SIGWINCH)
            here.type(b"stty size\r")
            here.shows(f"{rows} 100")
            here.type(b"\x10\x11")
            assert here.process.wait(10) == 0
            assert termios.tcgetattr(here.slave) == here.before
        finally:
            here.close()
        assert states(pod) == {"a": "running"}
    here = Terminal(pod, "attach", "a")
    try:
        here.type(b"echo $((5 * 5)) waits; sleep 1000\r")
        here.shows("25 waits")
        here.type(b"\x03")
        here.shows("^C")
        here.type(b"echo $((5 * 6)) goes on\r")
        here.shows("30 goes on")
        here.type(b"exit 6\r")
        assert here.process.wait(10) == 6
    finally:
        here.close()


def test_run_rm_it_is_what_it_is_elsewhere(pod: Pod) -> None:
    here = Terminal(pod, "run", "--rm", "-it", "--name", "a", "--", "sh")
    try:
        here.type(b"tty; exit 5\r")
        here.shows("/dev/pts/0")
        assert here.process.wait(10) == 5
    finally:
        here.close()
    assert pod.ps() == []


def test_a_detached_one_with_rm_leaves_nothing(pod: Pod) -> None:
    start(pod, "a", "sleep 1", "--rm")
    assert states(pod) == {"a": "running"}
    folder = pod.run_folder / "containers"
    eventually(lambda: os.listdir(folder) == [".lock"])


@pytest.mark.parametrize("words", [["attach", "a"], ["logs", "a"], ["logs", "-f", "a"]])
def test_one_that_is_not_detached_says_so(pod: Pod, words: list[str]) -> None:
    process = pod.popen("run", "--name", "a", "--", "sleep", "1000")
    first = pod.pid("a")
    refused = pod.vswitch(*words)
    assert refused.code == 1
    assert "start it with -d" in refused.err
    assert pod.vswitch(words[0], "nobody").code == 3
    process.kill()
    eventually(lambda: is_gone(first))


def test_one_that_has_ended_can_t_be_joined(pod: Pod) -> None:
    start(pod, "a", "true")
    eventually(lambda: states(pod) == {"a": "exited 0"})
    refused = pod.vswitch("attach", "a")
    assert refused.code == 3
    assert "it doesn't run" in refused.err


def test_nothing_inside_reaches_the_console(pod: Pod) -> None:
    script = "for fd in /proc/1/fd/*; do readlink $fd; cat $fd; done 2> /dev/null; "
    script += "ls -l /proc/self/fd | grep -c socket; cat /proc/net/unix | wc -l"
    start(pod, "a", script)
    eventually(lambda: states(pod)["a"].startswith("exited"))
    said = pod.vswitch("logs", "a").out
    assert said.split() == ["0", "1"], "no socket is open, none is seen"


def test_a_user_other_than_root_may_open_its_output_again(pod: Pod) -> None:
    needs.many_users()
    script = "echo one > /dev/stdout; cat < /dev/stdin; echo two > /dev/stderr"
    start(pod, "a", script, "-i", "-u", "7")
    result = pod.vswitch("attach", "a", given="typed\n")
    assert result.code == 0
    assert pod.vswitch("logs", "a").lines() == ["one", "typed", "two"]
