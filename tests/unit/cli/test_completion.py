"""Completion: what may stand at the cursor, and the real shells that ask for it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kit import needs
from tests.kit.fakedaemon import FakeDaemon
from tests.unit.cli.conftest import Vswitch
from vswitch import words
from vswitch.cli.commands import COMMANDS, requests
from vswitch.cli.completion import FILES, candidates
from vswitch.cli.shells import SCRIPTS
from vswitch.requests import REQUESTS

ASKED: dict[str, object] = {
    "bridge.list": [{"name": "br0", "dpid": "01"}, {"name": "lab", "dpid": "02"}],
    "port.list": [
        {"name": "eth1", "number": 1, "bridge": "br0"},
        {"name": "veth-1.10", "number": 2, "bridge": "br0"},
    ],
    "queue.list": [{"number": 7, "port": "eth1", "max_rate": "10Mbps"}],
    "controller.list": [{"target": "tcp:127.0.0.1:6653", "bridge": "br0"}],
}


def at(line: str) -> list[str]:
    """The candidates at the end of a line behind `vswitch`."""
    found = candidates(requests(), line.split(" "), lambda method, **_: ASKED[method])
    return [word for word, _ in found]


EXPECTED = {
    "por": ["port"],
    "port ": ["ls", "add", "set", "show", "rm"],
    "port s": ["set", "show"],
    "-o json port ls ": ["br0", "lab"],
    "--run /x port show br0 e": ["eth1"],
    "port show br0 veth-": ["veth-1.10"],
    "bridge show l": ["lab"],
    "bridge add l": [],
    "bridge set br0 --fail-mode ": ["secure", "standalone"],
    "bridge set br0 --fail-mode=st": ["--fail-mode=standalone"],
    "bridge set br0 --mac-": ["--mac-age", "--mac-limit"],
    "bridge set br0 --mac-age 5 --mac-": ["--mac-limit"],
    "port add br0 eth1 --net": ["--netns"],
    "port add br0 eth1 --netns ": [FILES[0]],
    "queue add br0 ": ["eth1", "veth-1.10"],
    "queue rm br0 eth1 ": ["7"],
    "controller rm br0 tcp:127": ["tcp:127.0.0.1:6653"],
    "flow add br0 -f ": [FILES[0]],
    "flow ls br0 --na": ["--names"],
    "trace br0 x --in-port v": ["veth-1.10"],
    "plan -f ": [FILES[0]],
    "-o j": ["json"],
    "--run ": [FILES[0]],
    "completion z": ["zsh"],
    "nonsense ": [],
    "port ls br0 more words ": [],
    "run --bri": ["--bridge"],
    "run --bridge l": ["lab"],
    "exec -o ": [],
}


@pytest.mark.parametrize("line", EXPECTED)
def test_what_may_stand_at_the_cursor(line: str) -> None:
    assert at(line) == EXPECTED[line]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_and_option_is_found(name: str) -> None:
    *before, last = name.split()
    assert last in at(" ".join([*before, last[:1]]))
    required = [p for p in COMMANDS[name].request.parameters if p.positional and p.required]
    for parameter in words.options(COMMANDS[name].request):
        for option in words.named(parameter):
            assert option in at(f"{name} {'x ' * len(required)}{option[:4]}")


def test_a_port_s_number_is_told_as_people_know_it() -> None:
    ports = [
        {"name": "eth1", "number": 1, "bridge": "b"},
        {"name": "b", "number": 0xFFFFFFFE, "bridge": "b"},
    ]
    found = candidates(requests(), ["port", "show", "b", ""], lambda method, **_: ports)
    assert [help for _, help in found] == ["port 1 of b", "port LOCAL of b"]


def test_names_come_from_the_daemon_of_the_line(vswitch: Vswitch, daemon: FakeDaemon) -> None:
    words = ("completion", "candidates", "--", "port", "rm", "br0", "")
    daemon.answers["port.list"] = ASKED["port.list"]
    ended = vswitch(*words)
    assert ended.out == "eth1\tport 1 of br0\nveth-1.10\tport 2 of br0\n"
    assert daemon.calls == [("port.list", {"bridge": "br0"})]
    other = vswitch("completion", "candidates", "--", "--run", "/nowhere", "port", "rm", "br0", "")
    assert (other.code, other.out, other.err) == (0, "", "")


def test_a_daemon_that_answers_nothing_is_not_waited_for(vswitch: Vswitch, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "vswitch.sock"))
        silent.listen()
        began = time.monotonic()
        ended = vswitch("completion", "candidates", "--", "bridge", "show", "")
        assert (ended.code, ended.out) == (0, "")
        assert time.monotonic() - began < 5


# ---- the real shells ----

STUB = f"""#!/bin/sh
exec {sys.executable} -c 'from vswitch.cli import main; raise SystemExit(main())' "$@"
"""


@pytest.fixture
def home(daemon: FakeDaemon, tmp_path: Path) -> Path:
    """A home with `vswitch` on the PATH, its scripts, and a daemon that answers."""
    daemon.answers |= ASKED
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/vswitch"
    program.write_text(STUB)
    program.chmod(0o755)
    for shell, script in SCRIPTS.items():
        (tmp_path / shell).write_text(script)
    (tmp_path / "some-file").touch()
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    return {
        "PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(home), "VSWITCH_RUN": str(home),
        "PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "dumb", "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": f"{home}/config", "XDG_DATA_HOME": f"{home}/data", "PS1": "$ ",
    }  # fmt: skip


TABS = {
    "vswitch po": "port",
    "vswitch port sh": "show",
    "vswitch port show b": "br0",
    "vswitch port show br0 ve": "veth-1.10",
    "vswitch controller rm br0 tcp:1": "tcp:127.0.0.1:6653",
    "vswitch bridge set br0 --fail-mode=st": "--fail-mode=standalone",
    "vswitch plan -f some": "some-file",
}
"""A line, and what its last word is behind TAB."""


@needs.command("bash", "bash")
@pytest.mark.parametrize("line", TABS)
def test_bash_completes(home: Path, line: str) -> None:
    assert typed(home, ["bash", "--norc", "-i"], f". {home}/bash", line) == TABS[line]


@needs.command("zsh", "zsh")
@pytest.mark.parametrize("line", TABS)
def test_zsh_completes(home: Path, line: str) -> None:
    setup = f"autoload -Uz compinit; compinit -u -D; . {home}/zsh; PS1='$ '"
    assert typed(home, ["zsh", "-f", "-i"], setup, line) == TABS[line]


@needs.command("fish", "fish")
@pytest.mark.parametrize("line", TABS)
def test_fish_completes(home: Path, line: str) -> None:
    program = f"source {home}/fish; complete -C '{line}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", program], cwd=home, env=environment(home),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found = [row.split("\t")[0] for row in done.stdout.splitlines()]
    assert (found, done.stderr) == ([TABS[line]], "")


def typed(home: Path, shell: list[str], setup: str, line: str) -> str:
    """What the last word of 'line' is once an interactive shell has heard TAB behind it."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(home)
        os.execvpe(shell[0], shell, environment(home))
    try:
        os.write(terminal, f"{setup}; echo set\\up\n".encode())
        heard(terminal, "setup")
        home_key, end_key = b"\x01", b"\x05"
        shows = b"printf '<%s>\\n' "  # the words of the line, instead of carrying it out
        os.write(terminal, f"{line}\t".encode() + home_key + shows + end_key + b"\n")
        text = heard(terminal, "<vswitch>", "\n", "$ ")
        return re.findall("<([^<>]*)>", text[text.rindex("<vswitch>") :])[-1]
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def heard(terminal: int, *parts: str) -> str:
    """What a terminal shows until it has shown these, one behind the other."""
    text, until = "", time.monotonic() + 30
    while time.monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 1)
        if ready:
            text += os.read(terminal, 65536).decode(errors="replace")
        at = 0
        for part in parts:
            at = text.find(part, at)
            if at < 0:
                break
        else:
            return text
    raise AssertionError(f"not shown: {parts} in {text!r}")


def test_each_method_of_lists_that_names_come_from_is_there() -> None:
    assert ASKED.keys() <= REQUESTS.keys()
