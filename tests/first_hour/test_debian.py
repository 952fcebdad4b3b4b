"""The README's lines from a bare Debian on, one by one, and the services under a real systemd.

Everything runs from what those lines have installed: nothing of this checkout but its commits, and
nothing of this environment's Python.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.console import Line, Shell, sections
from tests.kit.debian import Machine, Root, base
from tests.kit.pod import eventually

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
README = sections((ROOT / "README.md").read_text(encoding="utf-8"))
SOURCE = "usr/local/src/from"
"""Where a reader of the README would have its URL."""

Installed = tuple[Path, Path]


def paste(shell: Shell, heading: str, seconds: float = 60) -> None:
    for line in README[heading]:
        shell.paste(line, seconds)


@pytest.fixture(scope="module")
def installed() -> Iterator[Installed]:
    """The bare files, and over them what "Installing" has changed, with systemd beside it."""
    bare = base()
    with Root(bare) as root:
        _commits(root.path / SOURCE)
        environment = root.reach_mirrors()
        with root.shell(network=True, FROM=f"/{SOURCE}", **environment) as shell:
            paste(shell, "Installing", seconds=900)
            shell.paste(Line(0, "apt-get install --yes systemd systemd-sysv", ""), 300)
        yield bare, root.changes


def _commits(folder: Path) -> None:
    """The tree as it stands, in a repository that can be cloned."""
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    names = (name for name in files.split(b"\0") if (ROOT / name.decode()).is_file())
    there = b"".join(name + b"\0" for name in names)
    copy = f"xargs -0 cp --parents -t {folder}"
    subprocess.run(["sh", "-c", copy], cwd=ROOT, input=there, check=True)
    commit = ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "as it stands"]
    for words in (["add", "-A"], commit):
        subprocess.run(["git", "-C", str(folder), *words], check=True)


@pytest.fixture
def root(installed: Installed) -> Iterator[Root]:
    with Root(*installed) as root:
        yield root


@pytest.fixture
def machine(root: Root) -> Iterator[Machine]:
    """One that has just been booted, with the services as the README starts them."""
    with Machine(root) as machine:
        with machine.shell() as shell:
            paste(shell, "As a service")
        yield machine


@pytest.fixture
def switch(machine: Machine) -> Machine:
    """With the README's stored bridge, and a container to ping on it from the host."""
    with machine.shell() as shell:
        paste(shell, "A switch that stays")
    line = "vswitch run -d --name c --bridge br0 --address 10.0.0.3/24 -- sleep 1d"
    machine.run(*line.split())
    return machine


def main_pid(machine: Machine, unit: str) -> int:
    return int(machine.run("systemctl", "show", "-P", "MainPID", unit))


def pinging(machine: Machine, seconds: float) -> subprocess.Popen[str]:
    count = str(int(seconds * 200))
    line = machine.line("ping", "-q", "-i", "0.005", "-c", count, "-W", "1", "10.0.0.3")
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True)


def lost(ping: subprocess.Popen[str]) -> int:
    """How many were not answered."""
    said, _ = ping.communicate(timeout=60)
    found = re.search(r"(\d+) packets transmitted, (\d+) received", said)
    assert found, said
    assert int(found[1]) > 100
    return int(found[1]) - int(found[2])


# ---- a bare root -------------------------------------------------------------------


def test_a_bare_debian_runs_a_first_switch_and_one_that_stays(root: Root) -> None:
    with root.shell(network=False) as shell:
        paste(shell, "A first switch, and nothing left of it")
        paste(shell, "Without systemd")
        paste(shell, "A switch that stays")


# ---- services ----------------------------------------------------------------------


def test_systemd_finds_nothing_wrong_with_the_units(root: Root) -> None:
    with root.shell(network=False) as shell:
        shell.paste(Line(0, "cp /opt/vswitch/lib/systemd/system/*.service /etc/systemd/system", ""))
        units = "vswitchd.service vswitch-forwarder.service vswitch-controller@learning.service"
        said, code = shell.run(f"systemd-analyze verify --man=no {units}")
        assert (code, said.strip()) == (0, "")
        shell.run("sed -i s/^Type=notify/Tipe=notify/ /etc/systemd/system/vswitchd.service")
        said, _ = shell.run("systemd-analyze verify --man=no vswitchd.service")
        assert "Unknown key 'Tipe'" in said


def test_all_three_are_ready_and_their_log_is_the_journal_s(machine: Machine) -> None:
    for unit in ("vswitchd", "vswitch-forwarder", "vswitch-controller@learning"):
        assert machine.run("systemctl", "is-active", unit) == "active\n"
    log = machine.run("journalctl", "-o", "cat", "-u", "vswitchd")
    assert f"adopted forwarder {main_pid(machine, 'vswitch-forwarder')}" in log
    assert machine.run("journalctl", "-q", "-p", "warning", "-u", "vswitch*") == ""
    with machine.shell() as shell:
        paste(shell, "A switch that stays")
    machine.run("vswitch", "controller", "add", "br0", "tcp:127.0.0.1:6653")
    line = ["vswitch", "-o", "json", "controller", "ls", "br0"]
    eventually(lambda: '"connected": true' in machine.run(*line))


def test_what_the_units_keep_from_the_daemon_is_nothing_that_it_needs(switch: Machine) -> None:
    """Namespaces of containers are followed, TAPs made, stored ports in named ones found."""
    switch.run("vswitch", "exec", "c", "sh", "-c", "ip link set eth0 mtu 1234 || true")
    switch.run("ip", "netns", "add", "named")
    line = "vswitch port add br0 n1 --kind tap --netns /run/netns/named --addresses 10.0.0.9/24"
    assert switch.run(*line.split()) == "port n1 is number 3 of br0\n"
    switch.run("ping", "-c", "1", "-W", "2", "10.0.0.9")
    switch.run("systemctl", "reload", "vswitchd")
    log = switch.run("journalctl", "-o", "cat", "-u", "vswitchd")
    assert "SIGHUP: no --config was given" in log
    assert "not permitted" not in log
    assert "are not followed" not in log
    wrong = "find /etc -newer /opt/vswitch/pyvenv.cfg -name nothing; touch /etc/x"
    pid = str(main_pid(switch, "vswitchd"))
    inside = switch.tried("nsenter", "-t", pid, "-m", "sh", "-c", wrong)
    assert "Read-only file system" in inside.stderr
    assert switch.tried("touch", "/etc/x").returncode == 0


def test_the_daemon_s_restart_loses_no_packet_and_leaves_the_forwarder(switch: Machine) -> None:
    forwarder, daemon = main_pid(switch, "vswitch-forwarder"), main_pid(switch, "vswitchd")
    ping = pinging(switch, 6)
    time.sleep(0.5)
    switch.run("systemctl", "restart", "vswitchd")
    switch.run("systemctl", "kill", "-s", "KILL", "vswitchd")
    eventually(lambda: switch.tried("vswitch", "status").returncode == 0, 20)
    assert lost(ping) == 0
    assert main_pid(switch, "vswitch-forwarder") == forwarder
    assert main_pid(switch, "vswitchd") not in (0, daemon)


@pytest.mark.parametrize("how", ["restart", "kill -s KILL"])
def test_the_forwarder_s_restart_brings_all_back_and_leaves_the_daemon(
    switch: Machine, how: str
) -> None:
    switch.run("vswitch", "flow", "add", "br0", "priority=7,tcp,tp_dst=7,actions=drop")
    forwarder, daemon = main_pid(switch, "vswitch-forwarder"), main_pid(switch, "vswitchd")
    ping = pinging(switch, 6)
    time.sleep(0.5)
    switch.run("systemctl", *how.split(), "vswitch-forwarder")
    gone = lost(ping)
    print(f"packets lost at {how}: {gone} of 1200, one each 5 ms")
    assert gone < 400  # those that wait in a TAP until the next one reads are late, not lost
    assert main_pid(switch, "vswitch-forwarder") not in (0, forwarder)
    assert main_pid(switch, "vswitchd") == daemon
    warned = switch.run("journalctl", "-o", "cat", "-p", "warning", "-u", "vswitchd")
    assert re.search(rf"^vswitchd: the forwarder \(process {forwarder}\) is gone$", warned, re.M)
    assert "adopted" not in warned  # which is no warning
    assert "tp_dst=7" in switch.run("vswitch", "flow", "ls", "br0")
    switch.run("ping", "-c", "1", "-W", "2", "10.0.0.3")


def test_a_reboot_brings_the_configuration_back(switch: Machine) -> None:
    switch.power_off()
    switch.boot()
    with switch.shell() as shell:
        shell.paste(Line(0, "ip link add veth1 type veth peer name far1", ""))
        eventually(lambda: "not active" not in switch.run("vswitch", "status"))
        shell.paste(README["A switch that stays"][-1])
    switch.run("vswitch", "run", "--bridge", "br0", "--address", "10.0.0.2/24", "--",
               "ping", "-c", "1", "-W", "2", "10.0.0.1")  # fmt: skip


def test_an_end_that_was_asked_for_is_one(switch: Machine) -> None:
    switch.run("vswitch", "shutdown")
    time.sleep(2)  # longer than both wait before they start again
    for unit in ("vswitchd", "vswitch-forwarder"):
        assert switch.tried("systemctl", "is-active", unit).stdout == "inactive\n"
    switch.run("systemctl", "start", "vswitchd")
    assert switch.run("systemctl", "is-active", "vswitch-forwarder") == "active\n"
    assert "veth1" in switch.run("vswitch", "port", "ls", "br0")


def test_backup_upgrade_and_removal(installed: Installed) -> None:
    """The daemon is another, over the same forwarder; then that one is; then nothing is left."""
    with Root(*installed) as root:
        environment = root.reach_mirrors()
        with Machine(root) as machine, root.shell(network=True, **environment) as outside:
            with machine.shell() as shell:
                paste(shell, "As a service")
                paste(shell, "A switch that stays")
                forwarder = main_pid(machine, "vswitch-forwarder")
                assert "vswitchd.service" in machine.run("systemctl", "list-unit-files")
                for line in README["Backup, upgrade, removal"]:
                    if "pip install" in line.text:  # a machine's network has no way out
                        outside.paste(line, 600)
                        continue
                    if line.text == "systemctl restart vswitch-forwarder":
                        assert main_pid(machine, "vswitch-forwarder") == forwarder
                    shell.paste(line)
            shutil.rmtree(root.path / SOURCE)
            left = machine.run("find", "/", "-xdev", "-name", "vswitch*")
            assert left.split() == ["/var/backups/vswitch.toml"]
            units = ["systemctl", "list-unit-files", "--no-legend"]
            assert "vswitch" not in machine.run(*units)
