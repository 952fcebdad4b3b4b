"""What can be configured: values are made canonical, wrong ones are refused in a sentence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.configs import configs
from vswitch import values
from vswitch.errors import Failure, SchemaError
from vswitch.requests import REQUESTS
from vswitch.schema import Bridge, Config, Controller, Port, Queue

HOSTILE_NAMES = [
    "", "/", "a/b", "..", ".", "../etc", "a..b", ".hidden", "-rf", "a b", "a\tb", "a\nb", "a\0b",
    "a\x1b[2J", "br\u200b0", "br\ud800", "é", "x" * 16, "a:b", "a%b", "$(id)", "a;b", "*", "a\\b",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("cls", [Bridge, Port])
def test_s23_a_name_that_could_be_a_path_or_an_escape_is_refused(cls: Any, name: str) -> None:
    with pytest.raises(SchemaError) as caught:
        cls(name)
    assert str(caught.value).isprintable()
    assert caught.value.exit == 2


def test_what_changes_nothing_is_the_same_record() -> None:
    """So that a thousand ports are not checked anew for each one that is added."""
    port = Port("p", number=1, tag=5)
    assert port.changed(number=1, tag=5) is port
    assert port.changed(tag="5") == port
    assert port.changed(tag=6) != port
    with pytest.raises(SchemaError):
        port.changed(number=True)  # which Python takes for 1


def test_ports_and_queues_are_found_by_name_after_every_change() -> None:
    bridge = Bridge("b", ports=(Port("p"), Port("q")), queues=(Queue("p", 1), Queue("q", 1)))
    assert (bridge.port("q"), bridge.part(Queue, "q", 1)) == (Port("q"), Queue("q", 1))
    without = bridge.without_part(Port, "q")
    assert (without.port("q"), without.part(Queue, "q", 1)) == (None, None)
    assert without.with_part(Port("q", tag=2)).port("q") == Port("q", tag=2)
    assert bridge == Bridge.from_json(bridge.to_json())
    assert hash(bridge) == hash(Bridge.from_json(bridge.to_json()))


@pytest.mark.parametrize("name", ["br0", "a", "x" * 15, "eth0.100", "br-1_a+b", "0"])
def test_s23_a_plain_name_is_taken(name: str) -> None:
    assert Bridge(name).name == name


@pytest.mark.parametrize(
    ("cls", "document", "setting", "value"),
    [
        (Bridge, {"name": "b", "dpid": "0x1F"}, "dpid", 31),
        (Bridge, {"name": "b", "dpid": "000000000000000a"}, "dpid", 10),
        (Bridge, {"name": "b", "dpid": 10}, "dpid", 10),
        (Bridge, {"name": "b", "listen": "ptcp:6654"}, "listen", ("ptcp:6654:127.0.0.1",)),
        (Bridge, {"name": "b", "listen": ["ptcp:1:[::]"]}, "listen", ("ptcp:1:[::]",)),
        (Bridge, {"name": "b", "listen": ["punix:/run/x"]}, "listen", ("punix:/run/x",)),
        (Port, {"name": "p", "number": "7"}, "number", 7),
        (Port, {"name": "p", "number": None}, "number", None),
        (Port, {"name": "p", "mac": "02-00-00-00-00-0A"}, "mac", "02:00:00:00:00:0a"),
        (Port, {"name": "p", "addresses": "10.0.0.1/8,fd00::0:1/64"}, "addresses",
         ("10.0.0.1/8", "fd00::1/64")),
        (Port, {"name": "p", "tag": "10"}, "tag", 10),
        (Port, {"name": "p", "tag": "none"}, "tag", None),
        (Port, {"name": "p", "trunks": "20-30,10,31,9"}, "trunks", ("9-10", "20-31")),
        (Port, {"name": "p", "trunks": [10, "4094", "0"]}, "trunks", ("0", "10", "4094")),
        (Port, {"name": "p", "trunks": []}, "trunks", ()),
        (Port, {"name": "p", "tag": 5}, "vlans", ("access", 5, frozenset())),
        (Port, {"name": "p", "trunks": "1-3"}, "vlans", ("trunk", 0, frozenset({1, 2, 3}))),
        (Port, {"name": "p", "tag": 5, "trunks": "6", "vlan_mode": "native-tagged"}, "vlans",
         ("native-tagged", 5, frozenset({6}))),
        (Bridge, {"name": "b", "mac_age": "0"}, "mac_age", 0),
        (Bridge, {"name": "b", "flood_rate": "1000"}, "flood_rate", 1000),
        (Port, {"name": "p", "number": "local"}, "number", 0xFFFFFFFE),
        (Port, {"name": "p", "number": 0xFFFFFFFE}, "number", 0xFFFFFFFE),
        (Queue, {"port": "p", "number": "0x7"}, "number", 7),
        (Queue, {"port": "p", "number": 0}, "max_rate", 0),
        (Queue, {"port": "p", "number": 0}, "max_packets", 1000),
        (Queue, {"port": "p", "number": 0, "max_rate": "unlimited"}, "max_rate", 0),
        (Queue, {"port": "p", "number": 0, "max_rate": "10Mbps"}, "max_rate", 10**7),
        (Queue, {"port": "p", "number": 0, "max_rate": "2.5gbps"}, "max_rate", 25 * 10**8),
        (Queue, {"port": "p", "number": 0, "max_rate": "1.000001Mbps"}, "max_rate", 1_000_001),
        (Queue, {"port": "p", "number": 0, "max_rate": "8bps"}, "max_rate", 8),
        (Queue, {"port": "p", "number": 0, "max_rate": 500}, "max_rate", 500),
        (Controller, {"target": "tcp:10.0.0.1"}, "target", "tcp:10.0.0.1:6653"),
        (Controller, {"target": "tcp:[::1]:6633"}, "target", "tcp:[::1]:6633"),
        (Controller, {"target": "tcp:App.Example:1"}, "target", "tcp:app.example:1"),
        (Controller, {"target": f"tcp:{'a' * 63}.b:1"}, "target", f"tcp:{'a' * 63}.b:1"),
        (Controller, {"target": "tcp:[fe80::1%v]:1"}, "target", "tcp:[fe80::1%v]:1"),
        (Controller, {"target": "unix:/run/app.sock"}, "target", "unix:/run/app.sock"),
    ],
)  # fmt: skip
def test_a_value_is_kept_in_its_canonical_form(
    cls: Any, document: Any, setting: str, value: object
) -> None:
    assert getattr(cls.from_json(document), setting) == value


@pytest.mark.parametrize(
    ("cls", "document", "sentence"),
    [
        (Bridge, [], "bridge: it is a list, no object; give"),
        (Bridge, {}, "bridge: it has no name"),
        (Bridge, {"name": 1}, "bridge name 1: it is a number"),
        (Bridge, {"name": "b", "colour": 1}, "bridge setting 'colour': it is unknown; use name,"),
        (Bridge, {"name": "b", "dpid": "xyz"}, "bridge dpid 'xyz': a datapath id is"),
        (Bridge, {"name": "b", "dpid": 0}, "bridge dpid 0: a datapath id"),
        (Bridge, {"name": "b", "dpid": "1" * 17}, "bridge dpid"),
        (Bridge, {"name": "b", "dpid": True}, "bridge dpid true"),
        (Bridge, {"name": "b", "fail_mode": "open"}, "use secure or standalone"),
        (Bridge, {"name": "b", "fail_mode": []}, "bridge fail mode none"),
        (Bridge, {"name": "b", "protocols": ["OpenFlow99"]}, "this switch doesn't speak it"),
        (Bridge, {"name": "b", "protocols": [["OpenFlow13"]]}, "this switch doesn't speak it"),
        (Bridge, {"name": "b", "protocols": []}, "name at least one"),
        (Bridge, {"name": "b", "listen": ["ptcp:0"]}, "a number from 1 to 65535"),
        (Bridge, {"name": "b", "listen": ["tcp:1.2.3.4:5"]}, "starts with ptcp: or punix:"),
        (Bridge, {"name": "b", "listen": ["punix:/a/../b"]}, "'..'"),
        (Bridge, {"name": "b", "listen": ["punix:/" + "x" * 107]}, "at most 107 bytes"),
        (Bridge, {"name": "b", "listen": ["ptcp:1", "ptcp:1:127.0.0.1"]},
         "ptcp:1:127.0.0.1': it is there twice"),
        (Bridge, {"name": "b", "ports": [{"name": "p"}, {"name": "p", "mtu": 99}]}, "port name p"),
        (Bridge, {"name": "b", "ports": [{"name": "p", "number": 1}, {"name": "q", "number": 1}]},
         "bridge b port number 1: it is there twice: port p and port q have it; choose another"),
        (Port, {"name": "p", "number": 0}, "from 1 to 65279"),
        (Port, {"name": "p", "number": 65280}, "from 1 to 65279"),
        (Port, {"name": "p", "number": 1.5}, "no whole number"),
        (Port, {"name": "p", "mtu": 67}, "from 68"),
        (Port, {"name": "p", "mac": "01:00:00:00:00:01"}, "use a unicast address"),
        (Port, {"name": "p", "mac": "00:00:00:00:00:00"}, "it stands for no address at all"),
        (Port, {"name": "p", "mac": "0:1"}, "no Ethernet address"),
        (Port, {"name": "p", "netns": "ns1"}, "no absolute path"),
        (Port, {"name": "p", "netns": "/proc/../x"}, "no absolute path without '..'"),
        (Port, {"name": "p", "addresses": ["10.0.0.1"]}, "prefix length"),
        (Port, {"name": "p", "addresses": ["10.0.0.1/33"]}, "prefix length"),
        (Port, {"name": "p", "gateway": "x", "addresses": ["10.0.0.1/8"]}, "no IP address"),
        (Port, {"name": "p", "gateway": "10.0.0.1"}, "no address to reach it from"),
        (Port, {"name": "p", "interface": "eth0"}, "add netns"),
        (Port, {"name": "p", "kind": "packet", "netns": "/x"}, "didn't make"),
        (Port, {"name": "p", "tag": 0}, "from 1 to 4094"),
        (Port, {"name": "p", "tag": 4095}, "from 1 to 4094"),
        (Port, {"name": "p", "trunks": "4095"}, "no VLAN from 0 to 4094"),
        (Port, {"name": "p", "trunks": "30-20"}, "no range; write as in 10,20-30"),
        (Port, {"name": "p", "trunks": [True]}, "no VLAN from 0 to 4094"),
        (Port, {"name": "p", "trunks": 10}, "give a list"),
        (Port, {"name": "p", "tag": 5, "trunks": "6"}, "use vlan mode native-untagged"),
        (Port, {"name": "p", "tag": 5, "vlan_mode": "trunk"}, "use tag none, or vlan mode native"),
        (Port, {"name": "p", "vlan_mode": "access"}, "access needs a VLAN; add a tag"),
        (Port, {"name": "p", "vlan_mode": "native-tagged", "trunks": "5"}, "add a tag, 1 to 4094"),
        (Port, {"name": "p", "vlan_mode": "hybrid"}, "use auto, access, trunk"),
        (Bridge, {"name": "b", "mac_limit": 0}, "from 1 to 65536"),
        (Bridge, {"name": "b", "mac_age": -1}, "from 0"),
        (Port, {"name": "p", "number": 0xFFFFFFFD}, "or LOCAL for the host's own port"),
        (Queue, {"port": "p"}, "it has no number"),
        (Queue, {"port": "p", "number": 0xFFFFFFFF}, "from 0 to 4294967294"),
        (Queue, {"port": "p", "number": 0, "max_rate": "10"}, "write as in 10Mbps"),
        (Queue, {"port": "p", "number": 0, "max_rate": "10Mbit"}, "it is no rate"),
        (Queue, {"port": "p", "number": 0, "max_rate": "-1bps"}, "it is no rate"),
        (Queue, {"port": "p", "number": 0, "max_rate": "0Mbps"}, "no whole number of bits above 0"),
        (Queue, {"port": "p", "number": 0, "max_rate": "1.5bps"}, "no whole number of bits"),
        (Queue, {"port": "p", "number": 0, "max_rate": "1.1Tbps"}, "within 1bps and 1Tbps"),
        (Queue, {"port": "p", "number": 0, "max_rate": 1.5}, "within 1bps and 1Tbps"),
        (Queue, {"port": "p", "number": 0, "max_rate": True}, "within 1bps and 1Tbps"),
        (Queue, {"port": "p", "number": 0, "max_packets": 65537}, "from 1 to 65536"),
        (Bridge, {"name": "b", "queues": [{"port": "p", "number": 0}]},
         "queue of port p: bridge b has no such port; add the port"),
        (Bridge, {"name": "b", "ports": [{"name": "p"}],
                  "queues": [{"port": "p", "number": 0, "max_rate": n} for n in (8, 9)]},
         "bridge b queue 0 of port p: it is there twice"),
        (Bridge, {"name": "b", "ports": [{"name": "p"}],
                  "queues": [{"port": "p", "number": n} for n in range(257)]},
         "queues of port p: 257 are too many; at most 256"),
        (Controller, {"target": "ssl:1.2.3.4:5"}, "starts with tcp: or unix:"),
        (Controller, {"target": "tcp:"}, "a host and a port"),
        (Controller, {"target": "tcp:300.1.1.1:5"}, "no address and no host name"),
        (Controller, {"target": "tcp:h:99999"}, "a number from 1 to 65535"),
        (Controller, {"target": f"tcp:{'a' * 64}:6653"}, "no address and no host name"),
        (Controller, {"target": f"tcp:b.{'a' * 64}.c:6653"}, "no address and no host name"),
        (Controller, {"target": f"tcp:{'a.' * 127}:6653"}, "no address and no host name"),
        (Controller, {"target": "tcp:a..b:6653"}, "no address and no host name"),
        (Controller, {"target": "tcp:.a:6653"}, "no address and no host name"),
        (Controller, {"target": "tcp:-a.b:6653"}, "no address and no host name"),
        (Controller, {"target": "tcp:[fe80::1%]:6653"}, "no address and no host name"),
        (Controller, {"target": "tcp:h:1:2"}, "a host and a port"),
        (Controller, {"target": "tcp:[h]:1"}, "no address and no host name"),
        (Controller, {"target": "unix:rel"}, "absolute"),
        (Controller, {"target": "tcp:h:1\n"}, "control character"),
        (Config, {"bridges": {}}, "give a list"),
        (Config, {"bridges": [{"name": "b"}, {"name": "b", "dpid": 1}]}, "bridge name b"),
        (Config, {"bridges": [{"name": "a", "dpid": 1}, {"name": "b", "dpid": 1}]}, "datapath id"),
        (Config, {"bridges": [{"name": "a", "ports": [{"name": "p"}]},
                              {"name": "b", "ports": [{"name": "p"}]}]}, "port name p"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_a_sentence(
    cls: Any, document: object, sentence: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        cls.from_json(document)
    assert sentence in str(caught.value)


@given(st.integers(0, values.RATE_MAX))
def test_a_rate_in_words_is_read_as_that_rate(rate: int) -> None:
    assert values.rate(values.rate_text(rate)) == rate


def test_a_port_that_goes_takes_its_queues_along() -> None:
    bridge = Bridge("b", ports=(Port("p"), Port("q")), queues=(Queue("p", 0), Queue("q", 0)))
    assert bridge.without_part(Port, "p").queues == (Queue("q", 0),)


TEXT = st.text("abr0123:/.-, x\0\n\u00e9\ud800", max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


def read(cls: Any, document: object) -> tuple[Any, str]:
    """What is made of the document, or the sentence that refuses it."""
    try:
        return cls.from_json(document), ""
    except SchemaError as refusal:
        return None, str(refusal)


NAMES = [*Bridge.settings(), *Port.settings(), *Queue.settings(), "target"]


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_document_is_a_record_or_a_sentence(document: dict[str, Any]) -> None:
    for cls in (Config, Bridge, Port, Queue, Controller):
        made, sentence = read(cls, document)
        assert sentence.isprintable()
        assert made is None or cls.from_json(made.to_json()) == made


@given(configs())
def test_json_and_back_is_the_same_configuration(config: Config) -> None:
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_ports_without_a_number_get_the_lowest_free_ones_in_order() -> None:
    bridge = Bridge("b", ports=(Port("x"), Port("y", number=2), Port("z"), Port("w")))
    assert [port.number for port in bridge.numbered(reserved=[3]).ports] == [1, 2, 4, 5]


def test_a_record_is_replaced_in_its_place_or_added_at_the_end() -> None:
    config = Config((Bridge("a"), Bridge("b")))
    changed = config.with_bridge(Bridge("a", dpid=5)).with_bridge(Bridge("c"))
    assert [(b.name, b.dpid) for b in changed.bridges] == [("a", 5), ("b", None), ("c", None)]
    bridge = Bridge("a").with_part(Port("p")).with_part(Port("p", number=3))
    assert bridge.ports == (Port("p", number=3),)
    assert bridge.without_part(Port, "p").ports == ()
    assert bridge.with_part(Controller("tcp:h")).controllers == (Controller("tcp:h:6653"),)
    assert bridge.with_part(Controller("tcp:h")).without_part(Controller, "tcp:h:6653") == bridge


def test_a_request_takes_what_its_record_takes() -> None:
    given = {"bridge": "br0", "name": "eth1", "number": "3", "ephemeral": True}
    assert REQUESTS["port.add"].check(given) == {**given, "number": 3}


@pytest.mark.parametrize(
    ("method", "params", "sentence"),
    [
        ("bridge.add", {}, "bridge.add: it needs name"),
        ("bridge.add", {"name": "b", "ports": []}, "bridge.add parameter 'ports': it is unknown"),
        ("bridge.show", {"name": ".."}, "bridge name '..'"),
        ("port.list", {"bridge": "a/b"}, "bridge 'a/b'"),
        ("flow.add", {"bridge": "b", "flow": "x\ny"}, "control character"),
        ("flow.rm", {"bridge": "b", "strict": "yes"}, "flow strict 'yes': it is text"),
        ("trace", {"bridge": "b", "packet": "x" * 65537}, "longer than 65536"),
        ("status", {"x": 1}, "use none"),
    ],
)
def test_a_wrong_parameter_is_refused(method: str, params: Any, sentence: str) -> None:
    with pytest.raises(Failure) as caught:
        REQUESTS[method].check(params)
    assert sentence in str(caught.value)
    assert caught.value.exit == 2
