"""Users that are not root: their input and output, their home, and what they may send.

As root of many ids; somebody with one id has no other users.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import needs
from tests.kit.pod import Pod, eventually, little_root, pods

GROUPS = Path("/proc/sys/net/ipv4/ping_group_range")


@pytest.fixture
def pod() -> Iterator[Pod]:
    needs.many_users()
    yield from pods()


OPEN_AGAIN = "echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin"


@pytest.mark.parametrize("user", ["0", "1000", "1000:5", "54321"])
@pytest.mark.parametrize("words", [("run", "-u"), ("exec", "-u")])
def test_standard_streams_can_be_opened_by_their_names(
    pod: Pod, words: tuple[str, str], user: str
) -> None:
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    name = ["c"] if words[0] == "exec" else []
    line = [*words, user, *name, "--", "sh", "-c", OPEN_AGAIN]
    result = pod.vswitch(*line, given="in\n")
    assert (result.code, result.out, result.err) == (0, "out\nin\n", "err\n")


def test_so_can_a_terminal_and_the_log(pod: Pod) -> None:
    result = pod.run("-t", "-u", "1000", "--", "sh", "-c", "echo out >/dev/stdout; tty")
    assert (result.code, result.out) == (0, "out\n/dev/pts/0\n")
    pod.run(
        "-d", "-u", "1000", "--name", "c", "--", "sh", "-c", "echo out >>/dev/stdout; echo more"
    )
    (entry,) = pod.ps()
    eventually(lambda: Path(entry["log"]).read_text() == "out\nmore\n")


def test_files_and_devices_of_the_machine_keep_their_owners(pod: Pod) -> None:
    """They are written to through the descriptor; to open them again takes their owner's will."""
    path, pipe = pod.folder / "file", pod.folder / "pipe"
    os.mkfifo(pipe)
    before = os.stat("/dev/null")
    named = os.open(pipe, os.O_RDWR)
    with open(path, "w") as file:
        done = pod.run("-u", "1000", "--", "sh", "-c", "echo x; echo y >/dev/stdout", stdout=file)
        assert "Permission denied" in done.err
        pod.run("-u", "1000", "--", "sh", "-c", "echo z", stdin=named, stdout=subprocess.DEVNULL)
    os.close(named)
    assert (path.read_text(), path.stat().st_uid, pipe.stat().st_uid) == ("x\n", 0, 0)
    after = os.stat("/dev/null")
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)


def test_a_pipeline_goes_on_and_keeps_its_exit_code(pod: Pod) -> None:
    result = pod.run(
        "-u", "1000", "--", "sh", "-c", "head -1 | cat >/dev/stdout; exit 6", given="a\nb\n"
    )
    assert (result.code, result.out) == (6, "a\n")


# ---- home ----------------------------------------------------------------------


def test_home_is_what_the_machine_s_passwd_says(pod: Pod) -> None:
    known = next(line.split(":") for line in Path("/etc/passwd").read_text().splitlines()
                 if line.split(":")[2] not in ("0", "54321"))  # fmt: skip
    show = ("--", "sh", "-c", "echo $HOME")
    assert pod.run("-u", known[2], *show).out == f"{known[5]}\n"
    assert pod.run("-u", "54321", *show).out == "/\n"
    assert pod.run("-u", known[2], "-e", "HOME=/mine", *show).out == "/mine\n"
    assert pod.run(*show).out == "/root\n"
    pod.run("-d", "--name", "c", "--", "sleep", "1000")
    assert pod.vswitch("exec", "-u", known[2], "c", *show[1:]).out == f"{known[5]}\n"


LONG = "x" * 5000
PASSWD = {
    "plain": ("root:x:0:0::/root:/bin/sh\nu:x:1000:1000:A U:/home/u:/bin/sh\n", "/home/u"),
    "the last line without its end": ("u:x:1000:1000::/home/u:/bin/sh", "/home/u"),
    "the first of two": ("a:x:1000:1::/a:\nb:x:1000:1::/b:\n", "/a"),
    "no fields": ("u\n:\n1000\n\n::::::::\n", "/"),
    "no path": ("u:x:1000:1000::home:/bin/sh\n", "/"),
    "no number": ("u:x:1000x:1000::/home/u:\nu:x::1::/x:\n", "/"),
    "another's": ("u:x:100:1000::/home/u:\n", "/"),
    "hidden in a long line": (f"{LONG}:u:x:1000:1000::/home/u:\n{LONG}\n", "/"),
    "behind a long line": (f"{LONG}\nu:x:1000:1000::/home/u:\n", "/home/u"),
    "too long itself": (f"u:x:1000:1000::/{LONG}:/bin/sh\n", "/"),
    "behind more lines than anybody reads": ("\n" * 65536 + "u:x:1000:1000::/home/u:\n", "/"),
    "zeros, which hide what follows": ("\0" * 3000 + "\nu:x:1000:1000::/home/u:\n", "/"),
}


@pytest.mark.parametrize("case", PASSWD)
def test_home_is_read_from_whatever_the_container_has_written(pod: Pod, case: str) -> None:
    root = little_root(pod.folder / "root")
    text, home = PASSWD[case]
    (root / "etc").mkdir()
    (root / "etc" / "passwd").write_text(text)
    result = pod.run("-u", "1000", "--rootfs", str(root), "--", "sh", "-c", "echo $HOME")
    assert (result.code, result.out) == (0, f"{home}\n"), result.err


def test_what_is_no_file_inside_is_nobody_s_home(pod: Pod) -> None:
    root = little_root(pod.folder / "root")
    outside = pod.folder / "passwd"
    outside.write_text("u:x:1000:1000::/outside:\n")
    (root / "etc").mkdir()
    passwd = root / "etc" / "passwd"
    for make in (
        lambda: passwd.symlink_to(outside), lambda: os.mkfifo(passwd), passwd.mkdir,
        lambda: passwd.symlink_to("/proc/1/root/etc/passwd"),
        lambda: (passwd.write_text(outside.read_text()), passwd.chmod(0)),
    ):  # fmt: skip
        make()
        result = pod.run("-u", "1000", "--rootfs", str(root), "--", "sh", "-c", "echo $HOME")
        assert (result.code, result.out) == (0, "/\n"), result.err
        passwd.rmdir() if stat.S_ISDIR(passwd.lstat().st_mode) else passwd.unlink()


# ---- ping ----------------------------------------------------------------------


def test_everybody_inside_may_ping_and_nobody_s_setting_outside_changes(pod: Pod) -> None:
    before = GROUPS.read_text()
    for user in ("0", "1000", "54321:54321"):
        result = pod.run("-u", user, "--", "ping", "-c1", "-W2", "127.0.0.1")
        assert result.code == 0, result.out + result.err
    assert pod.sh(f"cat {GROUPS}").out.split() == ["0", "2147483647"]
    assert pod.sh(f"echo 1 0 > {GROUPS}").code != 0
    assert GROUPS.read_text() == before


def test_somebody_with_one_id_may_ping_as_well() -> None:
    for pod in pods(user=65534):
        assert pod.sh(f"cat {GROUPS}").out.split() == ["0", "0"]
        if _may_ping():
            result = pod.sh("ping -c1 -W2 127.0.0.1")
            assert result.code == 0, result.out + result.err


def _may_ping() -> bool:
    """Whether this kernel has sockets for echo requests at all."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except PermissionError:
        return True
    except OSError:
        return False
    return True
