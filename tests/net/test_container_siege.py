"""The walls of a container under siege: each class of escape, tried over and over.

A second of each belongs to the ordinary suite; `make test-full` takes a minute of each, for
containers of ours and of somebody without any rights, and says how it goes.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers.plan import CAPABILITIES, DEVICES, MASKED
from tests.kit import needs, siege
from tests.kit.pod import NOBODY, Pod, Result, init, kill, little_root, pods

KEEP = sum(1 << bit for bit in CAPABILITIES.values())
ROUND_SECONDS = 10.0
"""How long one container is attacked before the next takes its place."""

seconds = pytest.mark.parametrize(
    "seconds", [0.6, pytest.param(60.0, marks=pytest.mark.slow)], ids=["a-second", "a-minute"]
)


@pytest.fixture(params=[None, NOBODY], ids=["us", "nobody"])
def pod(request: pytest.FixtureRequest) -> Iterator[Pod]:
    yield from pods(user=request.param)


class Siege:
    """Goes on for some seconds, says each ten what has come of it, and keeps what was found."""

    def __init__(self, row: str, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
        self._row, self._capsys = row, capsys
        self._begin = time.monotonic()
        self._end, self._said = self._begin + seconds, self._begin
        self.rounds, self.tries = 0, 0
        self.found: list[str] = []

    def goes_on(self) -> bool:
        now = time.monotonic()
        if now - self._said >= ROUND_SECONDS:
            self._said = now
            with self._capsys.disabled():
                so_far = f"{self.rounds} rounds, {self.tries} attempts, {len(self.found)} found"
                print(f"\n{self._row}: {now - self._begin:.0f} s, {so_far}", end="", flush=True)
        return now < self._end

    def left(self) -> str:
        """The seconds for the next program inside."""
        return f"{min(ROUND_SECONDS, max(self._end - time.monotonic(), 0.2)):.1f}"

    def note(self, result: Result) -> Result:
        """What a program of `tests/kit/siege.py` has printed."""
        self.rounds += 1
        self.found += [line for line in result.lines() if line.startswith("OPEN")]
        self.tries += sum(int(line[6:]) for line in result.lines() if line.startswith("tries "))
        return result

    def inside(self, pod: Pod, body: str, *words: str, options: tuple[str, ...] = ()) -> None:
        """Carries a program out in a container until the siege is over."""
        while self.goes_on():
            line = ["python3", "-c", siege.program(body), self.left(), *words]
            result = self.note(pod.run(*options, "--", *line))
            assert result.code == 0, result.err
        assert self.tries > 0
        assert self.found == []


WITHOUT_WALLS = """
mount -t tmpfs t /tmp && mount -t tmpfs t /dev && mount -t tmpfs -o ro t /sys || exit
echo text >/tmp/file; "$@"; true
"""
OPEN = {
    "descriptors": (siege.DESCRIPTORS, [], "OPEN self"),
    "process 1": (siege.PROCESS_1, [], "OPEN read maps"),
    "files": (siege.KERNEL_FILES, ["/tmp/file"], "OPEN file /tmp/file"),
    "capabilities": (siege.CAPABILITIES, ["0"], "OPEN Cap"),
    "namespaces": (siege.CGROUPS, [], "OPEN unshare"),
    "devices": (siege.DEVICES, ["/dev/null"], "OPEN change fd 0"),
}


@pytest.mark.parametrize("name", OPEN)
def test_the_programs_find_what_is_open(tmp_path: Path, name: str) -> None:
    """The same in a user namespace without walls, so that "nothing found" means something.

    Nothing of the machine may be within their reach there: root in it is the same user as we are,
    so /dev is empty and /sys cannot be written.  What is started is nowhere below /tmp, which is
    covered: this checkout may be there, and the Python in it.
    """
    body, words, found = OPEN[name]
    master, slave = os.openpty()
    secret = tmp_path / "secret"
    secret.write_text("of the caller")
    needs.user_namespaces()
    python = os.path.realpath(sys.executable)
    line = ["unshare", "-Urpfm", "--mount-proc", "sh", "-c", WITHOUT_WALLS]
    try:
        with open(secret) as file:
            done = subprocess.run(
                [*line, "sh", python, "-c", siege.program(body), "0.5", *words], cwd="/",
                stdin=slave, pass_fds=[file.fileno()], capture_output=True, text=True, check=False,
                timeout=20,
            )  # fmt: skip
    finally:
        os.close(master)
        os.close(slave)
    assert found in done.stdout, done.stdout[-500:] + done.stderr


@seconds
def test_descriptors_s27(pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    row = Siege("S27", seconds, capsys)
    secret = pod.folder / "secret"
    secret.write_text("of the caller")
    pod.own(secret.parent)
    with contextlib.ExitStack() as stack:
        fds = [stack.enter_context(open(secret)).fileno() for _ in range(20)]
        for fd in fds:
            os.set_inheritable(fd, True)
        while row.goes_on():
            chosen = random.choice((*fds, 0, 3, 5, 9))
            folder = f"/proc/{random.choice(('self', '1', 'thread-self'))}/fd/{chosen}"
            elsewhere = pod.run("-w", folder, "--", "cat", ".", "secret", pass_fds=fds)
            assert elsewhere.code != 0
            line = ["python3", "-c", siege.program(siege.DESCRIPTORS), row.left()]
            row.note(pod.run("--", *line, pass_fds=fds))
    assert row.tries > 0
    assert row.found == []


@seconds
def test_process_1_and_whoever_enters_s28(
    pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Siege("S28", seconds, capsys)
    program = init()
    assert program
    before = program.read_bytes()
    while row.goes_on():
        enough = str(max(float(row.left()), 2.0))  # for somebody to enter meanwhile
        line = ["python3", "-c", siege.program(siege.PROCESS_1), enough]
        attacker = pod.popen("run", "--name", "c", "--", *line)
        pod.pid("c")
        entered = 0
        while attacker.poll() is None:
            entered += pod.vswitch("exec", "c", "true").code == 0
        out, err = attacker.communicate()
        row.note(Result(attacker.returncode, out, err))
        assert entered > 0
    assert row.tries > 0
    assert row.found == []
    assert program.read_bytes() == before


PROBE = """
for d in /proc /sys /dev /moved; do (  # a folder that is entered is one, whatever it is called next
  cd $d 2>&- || exit
  [ -e keys ] && [ ! -c keys ] && echo OPEN keys in $d
  [ -w sys/kernel/core_pattern ] && echo OPEN sys in $d
  [ -w sysrq-trigger ] && echo OPEN sysrq-trigger in $d
  for f in firmware/*; do [ -e $f ] && echo OPEN $f in $d; done
  [ -e uevent_seqnum ] || [ -e kernel/uevent_seqnum ] && touch kernel/x 2>&- && echo OPEN $d
) done
[ -e /marker ] && echo OPEN outside
true
"""


@seconds
def test_a_root_whose_folders_are_renamed_s29(
    pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Siege("S29", seconds, capsys)
    root, outside = little_root(pod.folder / "root"), pod.folder / "outside"
    outside.mkdir()
    (outside / "marker").write_text("x")
    pod.own(pod.folder)
    born = 0
    with siege.renaming(root, ("proc", "sys", "dev", "bin", "other"), outside):
        while row.goes_on():
            result = row.note(pod.starts(root, PROBE, float(row.left())))
            assert result.code == 0, result.err
            born += int(result.lines()[-1].removeprefix("born "))
            assert os.listdir(outside) == ["marker"]
    assert row.found == []
    assert row.tries > born > 0 or seconds < 10
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(root) not in mounts


@seconds
def test_masked_and_read_only_files_s30(
    pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    masked = ",".join(path for path in MASKED if Path(path).exists())
    Siege("S30", seconds, capsys).inside(pod, siege.KERNEL_FILES, masked)


@seconds
def test_terminals_while_dev_is_swapped_s31(
    pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Siege("S31", seconds, capsys)
    root, outside = little_root(pod.folder / "root", ("sh", "tty", "chmod")), pod.folder / "outside"
    (outside / "pts").mkdir(parents=True)
    (outside / "pts" / "ptmx").write_text("no terminal")
    pod.own(pod.folder)
    born = 0
    with siege.renaming(root, ("dev",), outside):
        while row.goes_on():
            result = pod.sh("echo on $(tty); chmod 666 /dev/pts/0; echo tries 1", "--tty",
                            "--rootfs", str(root))  # fmt: skip
            row.note(result)
            if result.code == 0:
                born += 1
                assert re.fullmatch("on (/(dev|moved)/pts/0|not a tty)", result.lines()[0]), result
    assert row.found == []
    assert born > 0 or seconds < 10
    assert (outside / "pts" / "ptmx").read_text() == "no terminal"


@seconds
def test_a_false_proc_is_never_written_to_s32(
    pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """What we ourselves write to /proc, limits, goes to the kernel or nowhere."""
    row = Siege("S32", seconds, capsys)
    root, outside = little_root(pod.folder / "root", ("sh", "cat")), pod.folder / "outside"
    limits = ["max_user_namespaces", "max_cgroup_namespaces"]
    for folder in (outside / "sys" / "user", root / "other" / "sys" / "user"):
        folder.mkdir(parents=True)
        for name in limits:
            (folder / name).write_text("false")
    pod.own(pod.folder)
    script = "".join(f"[ -e /proc/self ] && [ $(cat /proc/sys/user/{name}) != 0 ] && "
                     f"echo OPEN {name};" for name in limits) + "true"  # fmt: skip
    with siege.renaming(root, ("proc",), outside):
        while row.goes_on():
            assert row.note(pod.starts(root, script, float(row.left()))).code == 0
    assert row.found == []
    false = [*outside.rglob("max_*"), *(root / "other").rglob("max_*")]
    assert {path.read_text() for path in false} == {"false"}


@seconds
def test_capabilities_s33(pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    Siege("S33", seconds, capsys).inside(pod, siege.CAPABILITIES, str(KEEP))


@seconds
def test_control_groups_and_namespaces_s34(
    pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    Siege("S34", seconds, capsys).inside(pod, siege.CGROUPS)


@seconds
def test_devices_s35(pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [f"/dev/{name}" for name in DEVICES]
    before = [os.stat(path)[:7] for path in nodes]
    masked = ",".join(path for path in MASKED if Path(path).is_file())
    Siege("S35", seconds, capsys).inside(pod, siege.DEVICES, masked)
    assert [os.stat(path)[:7] for path in nodes] == before


@seconds
def test_words_of_every_length_s36(
    pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused in a sentence or passed on whole, never cut."""
    row = Siege("S36", seconds, capsys)
    lengths = (0, 1, 63, 64, 65, 255, 256, 4095, 4096, 32767, 65533, 65535, 65536, 131000)
    passed = 0
    while row.goes_on():
        size = max(random.choice(lengths) + random.choice((-1, 0, 1)), 1)
        text = "".join(random.choices("aä/.-", k=size))[: 131000 // 2]
        where = random.choice(("-e", "word", "-e", "word", "-w", "--hostname", "--name", "--user"))
        value = f"V={text}" if where == "-e" else text
        options = [] if where == "word" else [f"{where}={value}" if where[1] == "-" else where]
        options += [value] if where in ("-e", "-w") else []
        show = 'printf "%s" "$V" | wc -c; printf "%s" "$1" | wc -c'
        words = [text] if where == "word" else ["none"]
        result = row.note(pod.run(*options, "--", "sh", "-c", show, "sh", *words))
        row.tries += 1
        assert "Traceback" not in result.err
        assert result.code in (0, 1, 2), result
        if result.code == 0:
            passed += 1
            given = [len(text.encode()) if where == "-e" else 0, len(words[0].encode())]
            assert [int(line) for line in result.lines()] == given
    assert passed > 0 or seconds < 10


@seconds
def test_another_user_gets_nothing_s37(
    pod: Pod, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Siege("S37", seconds, capsys)
    program = init()
    assert program
    needs.many_users()
    for installed in (program, Path(sys.executable), Path(sys.executable).with_name("vswitch")):
        assert installed.stat().st_mode & 0o6000 == 0
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    first = pod.pid("c")
    stranger: dict[str, object] = {"user": 1000, "group": 1000, "extra_groups": []}
    attempts = (["exec", "c", "id"], ["stop", "c"], ["rm", "-f", "c"], ["ps"], ["run", "--", "id"],
                ["run", "--name", "c", "--", "id"])  # fmt: skip
    while row.goes_on():
        for words in attempts:
            result = row.note(pod.vswitch(*words, **stranger))
            row.tries += 1
            assert result.code != 0, words
            assert "uid=" not in result.out
        line = [str(program), "0", *(str(random.randrange(3, 9)) for _ in range(3))]
        direct = subprocess.run(line, user=1000, group=1000, capture_output=True, check=False)
        assert direct.returncode != 0, line
    assert [entry["pid"] for entry in pod.ps()] == [first]
    kill(first)
