"""The daemon end to end: a real forwarder, veth ports, ovs-ofctl, and deaths in the middle."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import needs
from tests.kit.apps import eventually
from tests.kit.lab import Lab, ended, frame, kill, laboratory, numbers, passes
from tests.kit.ovs import needs_ovs_ofctl
from vswitch.errors import RpcError

Wires = tuple[socket.socket, socket.socket]


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from laboratory()


@pytest.fixture
def wires(lab: Lab) -> Iterator[Wires]:
    left, right = lab.wire("v1", "p1"), lab.wire("v2", "p2")
    with left, right:
        yield left, right


def stored_bridge(lab: Lab) -> None:
    """A stored bridge with v1 and v2 and rules both ways."""
    lab.call("bridge.add", name="br0", dpid="1")
    lab.call("port.add", bridge="br0", name="v1")
    lab.call("port.add", bridge="br0", name="v2")
    lab.call("flow.add", bridge="br0", flow="priority=5,in_port=1,actions=output:2")
    lab.call("flow.add", bridge="br0", flow="priority=5,in_port=2,actions=output:1")


def test_a_line_makes_a_switch_within_a_second_and_sigterm_leaves_nothing(
    lab: Lab, wires: Wires
) -> None:
    began = time.monotonic()
    daemon = lab.start("--ephemeral", "--bridge", "br0", "--port", "v1", "--port", "v2")
    assert passes(*wires, number=1)
    assert time.monotonic() - began < 3  # 1 s on a quiet machine
    pid = lab.forwarder_pid()
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(5) == 0
    assert ended(pid)
    assert not lab.run.exists()


def test_an_ephemeral_forwarder_ends_when_its_daemon_is_killed(lab: Lab, wires: Wires) -> None:
    daemon = lab.start("--ephemeral", "--bridge", "br0", "--port", "v1", "--port", "v2")
    pid = lab.forwarder_pid()
    daemon.kill()
    assert ended(pid)


@pytest.mark.slow
def test_an_ephemeral_forwarder_ends_whose_daemon_never_came(tmp_path: Path) -> None:
    """It was killed between starting the forwarder and speaking to it; ten seconds are enough."""
    program = Path(sys.executable).with_name("vswitch-forwarder")
    forwarder = subprocess.Popen([program, "--listen", str(tmp_path / "socket"), "--ephemeral"])
    assert forwarder.wait(15) == 0


def test_secure_bridges_pass_nothing_without_rules(lab: Lab, wires: Wires) -> None:
    """HARDENING S26."""
    lab.start()
    lab.call("bridge.add", name="br0")
    lab.call("port.add", bridge="br0", name="v1")
    lab.call("port.add", bridge="br0", name="v2")
    assert not passes(*wires, number=1, seconds=0.3)
    lab.call("flow.add", bridge="br0", flow="in_port=1,actions=output:2")
    assert passes(*wires, number=2)


def test_vlans_change_under_traffic_and_outlive_daemon_and_forwarder(
    lab: Lab, wires: Wires
) -> None:
    daemon = lab.start()
    lab.call("bridge.add", name="br0", fail_mode="standalone")
    lab.call("port.add", bridge="br0", name="v1", tag=10)
    lab.call("port.add", bridge="br0", name="v2", tag=10)
    assert passes(*wires, number=1)
    stations = {row["mac"]: row for row in lab.call("mac.list", bridge="br0")}  # the kernel's too
    sender = stations["02:00:00:00:00:01"]
    assert (sender["vlan"], sender["port"], sender["name"]) == (10, 1, "v1")
    assert 0 <= sender["age"] < 5
    lab.call("port.set", bridge="br0", name="v2", tag=20)
    assert not passes(*wires, number=2, seconds=0.3)
    first, second = lab.call("port.list", bridge="br0")
    assert (second["vlan_mode"], second["tag"]) == ("access", 20)
    assert first["drops"]["rule"] > 0  # flooded to nobody, by a port that was never taken off
    assert second["tx_packets"] > 0
    daemon.kill()
    daemon.wait()
    lab.start()
    assert not passes(*wires, number=3, seconds=0.3)
    pid = lab.forwarder_pid()
    kill(pid)
    assert ended(pid)
    wait_for_forwarder(lab, instead_of=pid)
    assert not passes(*wires, number=4, seconds=0.3)
    lab.call("port.set", bridge="br0", name="v2", tag="none", trunks="5,10")
    assert passes(*wires, number=5)
    lab.call("port.set", bridge="br0", name="v2", trunks="5-9")
    assert not passes(*wires, number=6, seconds=0.3)


def wait_for_forwarder(lab: Lab, instead_of: int) -> None:
    """Until the daemon has another forwarder, with both ports."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with contextlib.suppress(RpcError):  # it is just being started
            forwarder, ports = lab.call("status")["forwarder"], lab.call("port.list", bridge="br0")
            up = [port for port in ports if port["state"] == "up"]
            if forwarder and forwarder["pid"] != instead_of and len(up) == 2:
                return
        time.sleep(0.02)
    raise AssertionError("no forwarder came back within 5 s")


def test_ephemeral_ports_have_vlans_and_wrong_ones_are_refused(lab: Lab, wires: Wires) -> None:
    lab.start()
    lab.call("bridge.add", name="br0", fail_mode="standalone", mac_age=60)
    lab.call("port.add", bridge="br0", name="v1", tag=10)
    lab.call("mac.flush", bridge="br0")
    with pytest.raises(RpcError, match="no whole number from 1 to 4094"):
        lab.call("port.set", bridge="br0", name="v1", tag=4095)
    with pytest.raises(RpcError, match="has none of that name"):
        lab.call("port.set", bridge="br0", name="v9", tag=1)
    lab.call("port.add", bridge="br0", name="v2", ephemeral=True)
    lab.call("port.set", bridge="br0", name="v2", tag=10)
    assert passes(*wires, number=1)


def test_killing_the_daemon_loses_no_packet_and_the_next_one_adopts(lab: Lab, wires: Wires) -> None:
    sender, receiver = wires
    daemon = lab.start()
    stored_bridge(lab)
    pid = lab.forwarder_pid()
    assert passes(sender, receiver, number=10**6)
    total, arrived = 2500, set[int]()
    reading = threading.Thread(target=lambda: arrived.update(numbers(receiver, 6, total - 1)))
    sending = threading.Thread(target=send_at_rate, args=(sender, total, 1000))
    reading.start()
    sending.start()
    time.sleep(0.3)
    daemon.kill()
    daemon.wait()
    time.sleep(0.3)
    lab.start()
    status = lab.call("status")
    flows = lab.call("flow.list", bridge="br0")
    sending.join()
    reading.join()
    assert status["forwarder"]["pid"] == pid
    assert status["forwarder"]["adopted"]
    assert len(flows) == 2
    assert len(arrived & set(range(total))) == total


def send_at_rate(sender: socket.socket, total: int, rate: int) -> None:
    began = time.monotonic()
    for number in range(total):
        sender.send(frame(number))
        if (ahead := began + number / rate - time.monotonic()) > 0:
            time.sleep(ahead)


def test_what_is_stored_is_active_again_after_both_were_ended(lab: Lab, wires: Wires) -> None:
    lab.start()
    stored_bridge(lab)
    lab.call("shutdown")
    lab.daemons[-1].wait(5)
    lab.start()
    ports = lab.call("port.list", bridge="br0")
    assert [(p["name"], p["number"], p["state"]) for p in ports] == [
        ("v1", 1, "up"),
        ("v2", 2, "up"),
    ]


def test_sigterm_of_a_stored_daemon_leaves_the_forwarder_at_work(lab: Lab, wires: Wires) -> None:
    daemon = lab.start()
    stored_bridge(lab)
    pid = lab.forwarder_pid()
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(5) == 0
    assert passes(*wires, number=1)
    lab.start()
    assert lab.forwarder_pid() == pid


def test_a_killed_forwarder_is_replaced_and_gets_its_ports_back(lab: Lab, wires: Wires) -> None:
    lab.start("--ephemeral", "--bridge", "br0", "--port", "v1:3", "--port", "v2:9")
    assert passes(*wires, number=1)
    lab.call("port.add", bridge="br0", name="t0", kind="tap", ephemeral=True)
    pid = lab.forwarder_pid()
    kill(pid)
    assert passes(*wires, number=2)
    assert lab.forwarder_pid() != pid
    assert [p["number"] for p in lab.call("port.list")] == [1, 3, 9]


@pytest.mark.slow
def test_a_stopped_forwarder_is_replaced_and_gets_its_ports_back(lab: Lab, wires: Wires) -> None:
    """Five seconds are the limit; what passes before would be the dead one's."""
    lab.start()
    stored_bridge(lab)
    assert passes(*wires, number=1)
    pid = lab.forwarder_pid()
    os.kill(pid, signal.SIGSTOP)
    assert not passes(*wires, number=2, seconds=1)
    assert passes(*wires, number=3, seconds=15)
    assert ended(pid)
    status = lab.call("status")
    assert status["forwarder"]["pid"] != pid
    assert status["replaced"]["why"].endswith("and is stopped")
    assert len(lab.call("flow.list", bridge="br0")) == 2


@pytest.mark.slow
def test_a_forwarder_that_goes_on_in_time_has_lost_no_packet(lab: Lab, wires: Wires) -> None:
    lab.start()
    stored_bridge(lab)
    assert passes(*wires, number=1)
    pid = lab.forwarder_pid()
    os.kill(pid, signal.SIGSTOP)
    for number in range(100, 150):
        wires[0].send(frame(number))
    time.sleep(2)
    os.kill(pid, signal.SIGCONT)
    assert numbers(wires[1], 1, last=149) >= set(range(100, 150))
    time.sleep(6)
    assert lab.forwarder_pid() == pid


def test_flows_outlive_the_forwarder(lab: Lab, wires: Wires) -> None:
    """Secure: what passes after the death passes by the flows that were played back."""
    lab.start()
    stored_bridge(lab)
    assert passes(*wires, number=1)
    began = time.monotonic()
    kill(lab.forwarder_pid())
    assert passes(*wires, number=2)
    assert time.monotonic() - began < 1
    assert len(lab.call("flow.list", bridge="br0")) == 2


def test_a_second_daemon_says_a_sentence_and_ends(lab: Lab) -> None:
    daemon = lab.start()
    second = lab.launch("--run", str(lab.run), "--state", str(lab.state))
    assert second.wait(10) == 1
    assert f"it is in use by process {daemon.pid}" in lab.log.read_text()
    third = lab.launch("--run", str(lab.folder / "other"), "--state", str(lab.state))
    assert third.wait(10) == 1
    assert lab.call("status")["pid"] == daemon.pid


def test_a_missing_port_ends_an_ephemeral_daemon_with_a_sentence(lab: Lab) -> None:
    arguments = ("--ephemeral", "--run", str(lab.run), "--bridge", "br0", "--port", "lo")
    daemon = lab.launch(*arguments)
    assert daemon.wait(10) == 1
    assert "is no Ethernet interface" in lab.log.read_text()
    assert not lab.run.exists()


def test_a_port_without_its_interface_is_stored_and_comes_with_it(lab: Lab) -> None:
    lab.start()
    lab.call("bridge.add", name="br0")
    with pytest.raises(RpcError) as caught:
        lab.call("port.add", bridge="br0", name="v1", kind="packet")
    assert caught.value.exit == 65
    with lab.wire("v1", "p1"):
        assert eventually(lambda: state_of(lab, "v1") == "up")
        lab.shell("ip", "link", "del", "v1")
        assert eventually(lambda: state_of(lab, "v1") == "missing")


def state_of(lab: Lab, name: str) -> str | None:
    ports = {port["name"]: port["state"] for port in lab.call("port.list")}
    return ports.get(name)


def test_a_link_that_goes_down_is_told(lab: Lab, wires: Wires) -> None:
    lab.start("--ephemeral", "--bridge", "br0", "--port", "v1", "--port", "v2")
    lab.shell("ip", "link", "set", "p1", "down")
    assert eventually(lambda: state_of(lab, "v1") == "down")
    lab.shell("ip", "link", "set", "p1", "up")
    assert eventually(lambda: state_of(lab, "v1") == "up")
    assert passes(*wires, number=1)


def test_an_ephemeral_port_lives_in_a_namespace_and_dies_with_it(lab: Lab) -> None:
    lab.start("--ephemeral", "--bridge", "br0")
    sleeper = subprocess.Popen(["unshare", "-n", "sleep", "60"])
    try:
        own = f"/proc/{sleeper.pid}/ns/net"
        assert eventually(lambda: different_namespace(own))
        with open(own) as namespace:
            port = lab.call(
                "port.add", {"namespace": namespace.fileno()}, bridge="br0", name="c1", kind="tap",
                netns=own, ephemeral=True, addresses=["10.9.9.2/24"],
            )  # fmt: skip
        assert port["number"] == 1
        shown = subprocess.run(
            ["nsenter", f"--net={own}", "ip", "-br", "addr"], capture_output=True, check=True
        )
        assert b"eth0" in shown.stdout
        assert b"10.9.9.2/24" in shown.stdout
    finally:
        sleeper.kill()
        sleeper.wait()
    assert eventually(lambda: lab.call("port.list") == [])


def test_a_number_in_a_path_is_not_believed(lab: Lab) -> None:
    """Another process may have it where the caller is, and will have it here some day."""
    lab.start()
    lab.call("bridge.add", name="br0")
    own = f"/proc/{os.getpid()}/ns/net"
    port = {"bridge": "br0", "name": "c1", "kind": "tap", "netns": own}
    for ephemeral in (True, False):
        with pytest.raises(RpcError, match="names another process sooner or later"):
            lab.call("port.add", ephemeral=ephemeral, **port)
    lab.call("port.rm", bridge="br0", name="c1")  # stored, and not active
    with open(own) as namespace, pytest.raises(RpcError, match="another process sooner or later"):
        lab.call("port.add", {"namespace": namespace.fileno()}, **port)
    assert lab.call("port.list") == []


def test_a_lasting_path_is_stored_only_if_it_is_the_same_here(lab: Lab) -> None:
    """A namespace that has a name, and one that somebody else calls so."""
    lab.start()
    lab.call("bridge.add", name="br0")
    named = lab.folder / "named"
    named.touch()
    needs.mounts()
    subprocess.run(["unshare", f"--net={named}", "true"], check=True)
    try:
        port = {"bridge": "br0", "name": "c1", "kind": "tap", "netns": str(named)}
        with open("/proc/self/ns/net") as other, pytest.raises(RpcError, match="another namespace"):
            lab.call("port.add", {"namespace": other.fileno()}, **port)
        assert lab.call("port.list") == []
        with open(named) as same:
            assert lab.call("port.add", {"namespace": same.fileno()}, **port)["number"] == 1
        assert "eth0" in lab.shell("nsenter", f"--net={named}", "ip", "-br", "link")
    finally:
        subprocess.run(["umount", str(named)], check=True)


def test_a_port_goes_only_when_its_owner_asks(lab: Lab) -> None:
    """Names are used again: who ended late must not take another's port along."""
    lab.start("--ephemeral", "--bridge", "br0")
    port = {"bridge": "br0", "name": "t1", "kind": "tap"}
    lab.call("port.add", ephemeral=True, owner="a", **port)
    with pytest.raises(RpcError, match="has none of that name and owner"):
        lab.call("port.rm", bridge="br0", name="t1", owner="b")
    assert state_of(lab, "t1") is not None
    lab.call("port.rm", bridge="br0", name="t1", owner="a")
    with pytest.raises(RpcError, match="a stored port has none"):
        lab.call("port.add", owner="a", **port)


def different_namespace(path: str) -> bool:
    with contextlib.suppress(OSError):
        return os.readlink(path) != os.readlink("/proc/self/ns/net")
    return False


def test_a_daemon_whose_streams_are_closed_serves_and_ends_well(lab: Lab) -> None:
    program = "from vswitch.daemon import main; raise SystemExit(main())"
    line = [sys.executable, "-c", program, "--run", str(lab.run), "--state", str(lab.state)]
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *line]
    daemon = subprocess.Popen(lab.there(*closed), env=lab.environment)
    lab.daemons.append(daemon)  # type: ignore[arg-type]
    assert eventually((lab.run / "vswitch.sock").exists)
    lab.call("bridge.add", name="br0")
    held = [os.readlink(f"/proc/{daemon.pid}/fd/{fd}") for fd in range(3)]
    assert held == ["/dev/null"] * 3
    lab.call("shutdown")
    assert daemon.wait(10) == 0


def test_sockets_are_for_their_owner_and_nothing_listens_on_the_network(lab: Lab) -> None:
    """HARDENING S22, S23."""
    lab.start("--ephemeral", "--bridge", "br0", "--listen", "ptcp:6654")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in lab.run.iterdir()}
    sockets = ("br0.mgmt", "br0.snoop", "vswitch.sock", "forwarder.sock")
    assert {name: modes[name] for name in sockets} == dict.fromkeys(sockets, "0o600")
    listening = [line.split()[3] for line in lab.shell("ss", "-Hltn").splitlines()]
    assert listening == ["127.0.0.1:6654"]


@needs_ovs_ofctl
def test_ovs_ofctl_shows_adds_and_dumps(lab: Lab, wires: Wires) -> None:
    lab.start("--ephemeral", "--bridge", "br0", "--dpid", "2a", "--port", "v1", "--port", "v2:7",
              "--fail-mode", "secure")  # fmt: skip
    assert "dpid:000000000000002a" in lab.ofctl("show")
    assert "7(v2)" in lab.ofctl("dump-ports-desc")
    lab.ofctl("add-flow", "priority=9,in_port=1,actions=output:7")
    assert "priority=9,in_port=1 actions=output:7" in lab.ofctl("dump-flows")
    assert passes(*wires, number=1)
    assert "port  7" in lab.ofctl("dump-ports")
    lab.ofctl("mod-port", "7", "down")
    assert "PORT_DOWN" in lab.ofctl("dump-ports-desc")
    assert not passes(*wires, number=2, seconds=0.2)
    assert "table 254" in lab.ofctl("dump-table-features")
