"""`vswitch-controller` as a process, and the learning app against raw OpenFlow bytes."""

import re
import signal
import socket
import struct
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.options import Listen, parse_listen
from tests.unit.controlplane.fakeswitch import (
    ECHO_REPLY,
    ECHO_REQUEST,
    FLOW_MOD,
    HELLO,
    PACKET_OUT,
    PORT_STATUS,
    FakeSwitch,
    command,
    controller,
    environment,
    free_port,
    wait_for_listener,
)
from tests.unit.controlplane.replies import POINTS
from vswitch.errors import Failure
from vswitch.signals import HARMLESS

ANN, BOB = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
FLOOD = 0xFFFFFFFB


@pytest.fixture(scope="module")
def learning() -> Iterator[int]:
    with controller("learning") as (port, _):
        yield port


@pytest.fixture
def switch(learning: int) -> Iterator[FakeSwitch]:
    fake = FakeSwitch(learning)
    with fake.socket:
        fake.handshake()
        yield fake


def frame(destination: bytes, source: bytes) -> bytes:
    return destination + source + b"\x08\x00" + bytes(46)


def flow_mod(body: bytes) -> tuple[int, int, int, bytes]:
    """(command, idle timeout, priority, match bytes) of a flow-mod's body."""
    command_, idle, priority = body[17], *struct.unpack_from("!H2xH", body, 18)
    (match_length,) = struct.unpack_from("!H", body, 42)
    return command_, idle, priority, body[44 : 40 + match_length]


def output_port(body: bytes) -> int:
    """The port of a packet-out's only action."""
    return int(struct.unpack_from("!I", body, 16 + 4)[0])


def test_a_switch_is_told_to_send_what_it_does_not_know(switch: FakeSwitch) -> None:
    message = switch.until(FLOW_MOD)
    assert flow_mod(message.body) == (0, 0, 0, b"")
    controller_action = struct.pack("!HHIH6x", 0, 16, 0xFFFFFFFD, 0xFFFF)
    assert message.body.endswith(controller_action)


def test_two_stations_get_a_flow_and_the_frame_goes_on(switch: FakeSwitch) -> None:
    switch.until(FLOW_MOD)
    switch.packet_in(1, frame(b"\xff" * 6, ANN))
    assert output_port(switch.until(PACKET_OUT).body) == FLOOD
    switch.packet_in(2, frame(ANN, BOB))
    command_, idle, priority, match = flow_mod(switch.until(FLOW_MOD).body)
    assert (command_, idle, priority) == (0, 60, 10)
    assert struct.pack("!II", 0x80000004, 2) in match
    assert b"\x80\x00\x06\x06" + ANN in match
    assert b"\x80\x00\x08\x06" + BOB in match
    out = switch.until(PACKET_OUT)
    assert output_port(out.body) == 1
    assert out.body.endswith(frame(ANN, BOB))


def test_a_dead_port_takes_the_flows_of_its_stations_along(switch: FakeSwitch) -> None:
    switch.until(FLOW_MOD)
    switch.packet_in(7, frame(b"\xff" * 6, ANN))
    switch.until(PACKET_OUT)
    port = struct.pack("!I4x6s2x16s8I", 7, ANN, b"p7", 0, 1, 0, 0, 0, 0, 0, 0)
    switch.send(PORT_STATUS, struct.pack("!B7x", 2) + port)
    out_of, into = switch.until(FLOW_MOD).body, switch.until(FLOW_MOD).body
    assert (flow_mod(out_of)[0], flow_mod(out_of)[3]) == (3, b"")  # OFPFC_DELETE of all matches
    assert struct.unpack_from("!I", out_of, 28) == (7,)  # that output to the port
    assert (flow_mod(into)[0], flow_mod(into)[3]) == (3, struct.pack("!II", 0x80000004, 7))
    assert out_of[8:16] == into[8:16] == b"\xff" * 8  # of ours, by their cookie


def test_an_echo_is_answered(switch: FakeSwitch) -> None:
    switch.send(ECHO_REQUEST, b"hi", xid=77)
    reply = switch.until(ECHO_REPLY)
    assert (reply.xid, reply.body) == (77, b"hi")


def test_s1_a_hello_with_inner_length_0_stops_nobody_else(learning: int) -> None:
    bad = FakeSwitch(learning)
    bad.send(HELLO, struct.pack("!HHI", 1, 0, 0))
    good = FakeSwitch(learning, dpid=0x99)
    with bad.socket, good.socket:
        good.handshake()
        with pytest.raises(EOFError):
            bad.until(FLOW_MOD)


def test_s1_no_length_of_any_message_stops_the_others(learning: int) -> None:
    good = FakeSwitch(learning, dpid=0x77)
    with good.socket:
        good.handshake()
        for point in POINTS:
            bad = FakeSwitch(learning, dpid=0x78)
            with bad.socket:
                if point.message[1] != HELLO:
                    bad.handshake()
                bad.socket.sendall(point.saying(0))
                with pytest.raises((EOFError, ConnectionResetError)):
                    bad.until(ECHO_REPLY)
            good.send(ECHO_REQUEST, b"still?", xid=1)
            assert good.until(ECHO_REPLY).body == b"still?"


def test_sigterm_ends_the_controller_and_frees_the_port() -> None:
    with controller("learning") as (port, process):
        fake = FakeSwitch(port)
        fake.handshake()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        fake.socket.close()


RYU_APP = """
from ryu.base import app_manager
from ryu.controller import ofp_event
from ryu.controller.handler import CONFIG_DISPATCHER, set_ev_cls
from ryu.exception import RyuException
import os_ken.base.app_manager
assert app_manager is os_ken.base.app_manager

class Greeter(app_manager.RyuApp):
    OFP_VERSIONS = [4]

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def features(self, ev):
        dp = ev.msg.datapath
        dp.send_msg(dp.ofproto_parser.OFPEchoRequest(dp, data=b"ryu was here"))
"""


def test_an_unmodified_ryu_app_runs_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "greeter.py"
    path.write_text(RYU_APP)
    with controller(str(path)) as (port, _):
        fake = FakeSwitch(port)
        with fake.socket:
            fake.handshake()
            assert fake.until(ECHO_REQUEST).body == b"ryu was here"


def complaint(*arguments: str) -> tuple[int, str]:
    """Exit code and the only line on standard error."""
    done = subprocess.run(
        command(*arguments),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    (line,) = done.stderr.strip().splitlines()
    return done.returncode, line


def test_an_app_that_does_not_exist_is_told_in_a_sentence() -> None:
    code, line = complaint("nosuch", "--listen", f"tcp:{free_port()}")
    assert code == 3
    assert line.startswith("vswitch-controller: app nosuch: no such module; give")
    assert "learning" in line


def test_an_app_that_breaks_on_import_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import os\n1 / 0\n")
    code, line = complaint(str(tmp_path / "broken.py"), "--listen", f"tcp:{free_port()}")
    assert code == 1
    assert "ZeroDivisionError" in line
    assert "broken.py:2" in line


def test_a_module_without_an_app_is_told() -> None:
    code, line = complaint("json", "--listen", f"tcp:{free_port()}")
    assert code == 1
    assert "no class derived from OSKenApp" in line


def test_an_address_of_another_machine_is_told_as_that() -> None:
    code, line = complaint("learning", "--listen", "tcp:192.0.2.1:6653")
    assert code == 1
    assert line.rstrip().endswith("Cannot assign requested address; choose another --listen")


def test_a_taken_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, line = complaint("learning", "--listen", f"tcp:127.0.0.1:{port}")
    assert code == 1
    assert f"port {port}: Address already in use;" in line


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--nosuch", "learning"), "unrecognized arguments: --nosuch"),
        ((), "no app is named"),
        (("learning", "--wsapi-port", "x"), "Invalid Integer value: x"),
        (("learning", "--config-file", "/proc/nosuch"), "find some config files: /proc/nosuch"),
        (("learning", "--user-flags", "/proc/nosuch"), "No such file or directory"),
    ],
)
def test_options_that_cannot_be_are_told_in_a_sentence(
    arguments: tuple[str, ...], why: str
) -> None:
    code, line = complaint(*arguments)
    assert code == 2
    assert line.startswith("vswitch-controller: ")
    assert why in line


STARTS_NOT = """
from ryu.base import app_manager

class StartsNot(app_manager.RyuApp):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        raise RuntimeError("no luck")
"""


def test_an_app_that_does_not_start_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_text(STARTS_NOT)
    code, line = complaint(str(path), "--listen", f"tcp:{free_port()}")
    assert code == 1
    assert "starting it failed with RuntimeError: no luck" in line
    assert "app.py:7" in line


def test_verbose_shows_the_traceback(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_text(STARTS_NOT)
    done = subprocess.run(
        command(str(path), "--verbose", "--listen", f"tcp:{free_port()}"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("vswitch-controller: app app: starting")


SERVES_HTTP = """
from ryu import cfg
from ryu.app.wsgi import ControllerBase, WSGIApplication, route
from ryu.base import app_manager
from webob import Response

class Page(ControllerBase):
    @route("page", "/page")
    def page(self, req, **kwargs):
        return Response(text=cfg.CONF.word)

class Serves(app_manager.RyuApp):
    _CONTEXTS = {"wsgi": WSGIApplication}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        kwargs["wsgi"].register(Page)
"""


def test_an_app_serves_http_with_options_of_its_own(tmp_path: Path) -> None:
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "serves.py").write_text("from mine.inner import *\n" + SERVES_HTTP)
    (package / "inner.py").write_text("")
    (tmp_path / "flags.py").write_text(
        "from ryu import cfg\ncfg.CONF.register_cli_opts([cfg.StrOpt('word')])\n"
    )
    http = free_port()
    options = ("--user-flags", str(tmp_path / "flags.py"), "--word", "hello")
    more = (*options, "--wsapi-port", str(http), "--pid-file", str(tmp_path / "pid"))
    apps = f"learning,{package / 'serves.py'}"
    with controller(apps, *more) as (_, process):
        wait_for_listener(http)
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/page", timeout=5) as answer:
            assert answer.read() == b"hello"
        assert int((tmp_path / "pid").read_text()) == process.pid


def test_a_taken_http_port_is_told(tmp_path: Path) -> None:
    path = tmp_path / "serves.py"
    path.write_text(SERVES_HTTP)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = (str(path), "--listen", f"tcp:{free_port()}", "--wsapi-port", str(port))
        code, line = complaint(*arguments)
    assert code == 1
    assert f"port {port}: Address already in use; end what listens there" in line
    assert line.endswith("--wsapi-port")


def test_a_file_named_like_a_library_module_takes_nothing_away(tmp_path: Path) -> None:
    path = tmp_path / "logging.py"
    path.write_text(RYU_APP)
    with controller(str(path)) as (port, _):
        fake = FakeSwitch(port)
        with fake.socket:
            fake.handshake()
            assert fake.until(ECHO_REQUEST).body == b"ryu was here"


@pytest.mark.parametrize("text", ["", "6653", "udp:1.2.3.4:5", "tcp:1.2.3.4:0", "tcp:1.2.3.4:x"])
def test_a_wrong_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_listen(text)
    assert caught.value.exit == 2


def test_addresses_are_read() -> None:
    assert parse_listen("tcp:127.0.0.1:1") == Listen("127.0.0.1", 1)
    assert parse_listen("tcp:[::1]:6653") == Listen("::1", 6653)
    assert parse_listen("tcp:0.0.0.0:6653") == Listen("0.0.0.0", 6653)
    assert parse_listen("ptcp:6653:[::]") == Listen("::", 6653)


@pytest.mark.parametrize("text", ["tcp:6653", "ptcp:6653"])
def test_s22_without_an_address_only_this_machine_is_listened_to(text: str) -> None:
    assert parse_listen(text) == Listen("127.0.0.1", 6653)


# ---- two switches with one datapath id ---------------------------------------------


def test_the_second_switch_of_one_datapath_id_is_refused_and_the_first_goes_on() -> None:
    with controller("learning", "--log-file", "/dev/stdout") as (port, process):
        first, second = FakeSwitch(port, dpid=0x55), FakeSwitch(port, dpid=0x55)
        with first.socket, second.socket:
            first.handshake()
            first.packet_in(1, frame(b"\xff" * 6, ANN))
            first.until(PACKET_OUT)
            with pytest.raises(EOFError):
                second.handshake()
            asked = first.until(ECHO_REQUEST)  # whether it lives
            first.send(ECHO_REPLY, asked.body, asked.xid)
            first.packet_in(2, frame(ANN, BOB))
            assert output_port(first.until(PACKET_OUT).body) == 1  # where it was learned
            assert_refused(process, first, second)


def assert_refused(process: subprocess.Popen[str], first: FakeSwitch, second: FakeSwitch) -> None:
    """The log names both."""
    assert process.stdout is not None
    here, there = (fake.socket.getsockname()[1] for fake in (first, second))
    while "0000000000000055 is that of" not in (line := process.stdout.readline()):
        assert line, "the log says nothing"
    assert f"the switch at 127.0.0.1 port {here};" in line
    assert f"switch ('127.0.0.1', {there}) closed" in line


def test_a_first_switch_that_is_silent_makes_room_for_the_second() -> None:
    with controller("learning") as (port, _):
        silent = FakeSwitch(port, dpid=0x56)
        with silent.socket:
            silent.handshake()
            refused = 0
            while True:
                again = FakeSwitch(port, dpid=0x56)
                with again.socket:
                    try:
                        again.handshake()
                        break
                    except (EOFError, ConnectionResetError):
                        refused += 1
                        time.sleep(0.2)
            assert refused


def test_signals_without_a_meaning_do_not_end_it() -> None:
    with controller("learning") as (port, process):
        for number in HARMLESS:
            process.send_signal(number)
        fake = FakeSwitch(port)
        with fake.socket:
            fake.handshake()
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_its_log_has_time_and_level(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with controller("learning", "--log-file", str(log)) as (port, _):
        fake = FakeSwitch(port)
        with fake.socket:
            fake.handshake()
            fake.socket.sendall(struct.pack("!BBHI", 4, 1, 12, 1) + bytes(4))  # an error of ours
            deadline = time.monotonic() + 10
            while not log.read_text() and time.monotonic() < deadline:
                time.sleep(0.02)
    first = log.read_text().splitlines()[0]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z vswitch-controller [a-z]+: ", first)
