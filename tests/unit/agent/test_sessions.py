"""Sessions fed with bytes: what goes to the peer, what to the forwarder, in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datapath.frames import PortSpec, SessionSpec
from datapath.of13.rule import flow_mod
from datapath.ports import Reserved
from datapath.problems import Error
from datapath.rule import parse_rule
from vswitch.agent.agent import STEPS_MAX, TURN_MAX, Agent
from vswitch.agent.effects import Effect, HangUp, Later, Pause, Relay, Send, SetPort, Subscribe
from vswitch.agent.framing import QUESTIONS_MAX, RUN_MAX
from vswitch.agent.session import HELLO_SECONDS
from vswitch.agent.view import View, linked, port_of
from vswitch.openflow import decode, encode
from vswitch.openflow.messages import group as gr
from vswitch.openflow.messages import meter as me
from vswitch.openflow.messages import queue as qu
from vswitch.openflow.messages import session as se
from vswitch.openflow.messages import switch as sw
from vswitch.openflow.messages.base import Message
from vswitch.openflow.messages.packet import PacketOut
from vswitch.openflow.messages.port import (
    PortConfig,
    PortDescReply,
    PortDescRequest,
    PortMod,
    PortReason,
    PortState,
    PortStatsReply,
    PortStatsRequest,
    PortStatus,
)
from vswitch.openflow.messages.table import (
    TableFeatures,
    TableFeaturesReply,
    TableFeaturesRequest,
    TableMod,
)

HELLO = encode(se.Hello(4, frozenset({4})))
FLOW_MOD = flow_mod(parse_rule("in_port=1,actions=output:2"), xid=9)
BARRIER = encode(se.BarrierRequest(xid=10))
BARRIER_REPLY = encode(se.BarrierReply(xid=10))
GROUP_MOD = encode(gr.GroupMod(gr.GroupCommand.DELETE, gr.GroupType.ALL, gr.ALL_GROUPS, xid=13))
METER_MOD = encode(me.MeterMod(me.MeterCommand.DELETE, me.MeterFlags.NONE, me.ALL_METERS, xid=14))
ECHO = encode(se.EchoRequest(b"there?", xid=11))
PORT = port_of(PortSpec(1, 3, "v1", bytes.fromhex("020000000001"), state=4))  # type: ignore[arg-type]


def agent(**ports: object) -> Agent:
    made = Agent(View("br0", 0x2A), (4,))
    made.port_added(PORT)
    return made


def opened(a: Agent, id: int = 1, *, service: bool = False) -> None:
    a.opened(id, 0.0, service=service, probe=5.0)
    a.received(id, HELLO, 0.0)


def ask(a: Agent, *messages: Message, id: int = 1) -> list[Message]:
    """What a peer is answered, decoded."""
    effects = in_turns(a, a.received(id, b"".join(encode(m) for m in messages), 1.0), id)
    return [decode(e.data) for e in effects if isinstance(e, Send) and e.session == id]


def in_turns(a: Agent, effects: list[Effect], id: int = 1) -> list[Effect]:
    """What was done, and what follows when a session has had all its turns."""
    done: list[Effect] = []
    while effects and isinstance(effects[-1], Later):
        done += effects[:-1]
        effects = a.go_on(id)
    return done + effects


def merged(effects: list[Effect]) -> list[Effect]:
    """Effects with neighbouring bytes put together, and no pauses: what counts for a peer."""
    out: list[Effect] = []
    for effect in effects:
        last = out[-1] if out else None
        if isinstance(effect, Send | Relay) and type(last) is type(effect):
            assert isinstance(last, Send | Relay)
            out[-1] = replace(last, data=last.data + effect.data)
        elif not isinstance(effect, Pause):
            out.append(effect)
    return out


# ---- hello ---------------------------------------------------------------------


def test_a_hello_is_answered_by_a_subscription() -> None:
    a = Agent(View("br0", 1), (4,))
    (ours,) = a.opened(1, 0.0, service=False, probe=5.0)
    assert isinstance(ours, Send)
    assert decode(ours.data) == se.Hello(4, frozenset({4}))
    assert a.received(1, HELLO, 0.0) == [Subscribe(1, SessionSpec(4, 0b011, 0b1111, 128))]


def test_an_older_peer_is_told_and_hung_up_on() -> None:
    a = Agent(View("br0", 1), (4,))
    a.opened(1, 0.0, service=False, probe=5.0)
    error, end = a.received(1, encode(se.Hello(1)), 0.0)
    assert isinstance(error, Send)
    assert isinstance(end, HangUp)
    told = decode(error.data)
    assert isinstance(told, se.ErrorMessage)
    assert told.error == Error.HELLO_FAILED_INCOMPATIBLE


def test_nothing_but_a_hello_opens_a_session() -> None:
    a = Agent(View("br0", 1), (4,))
    a.opened(1, 0.0, service=False, probe=5.0)
    (end,) = a.received(1, FLOW_MOD + HELLO, 0.0)
    assert isinstance(end, HangUp)


def test_hello_elements_of_length_0_hang_nothing() -> None:
    """HARDENING S1."""
    a = Agent(View("br0", 1), (4,))
    a.opened(1, 0.0, service=False, probe=5.0)
    effects = a.received(1, bytes.fromhex("0400001000000001 0001000000000000"), 0.0)
    assert isinstance(effects[-1], Subscribe | HangUp)


# ---- hot and rare --------------------------------------------------------------


def test_hot_messages_are_relayed_unread_in_one_run() -> None:
    a = agent()
    opened(a)
    stats = encode(PortStatsRequest(xid=12))
    hot = FLOW_MOD * 3 + BARRIER + stats
    assert a.received(1, hot, 0.0) == [Relay(1, hot)]


HOT = (
    FLOW_MOD,
    GROUP_MOD,
    METER_MOD,
    *(
        encode(asked)
        for asked in (
            gr.GroupStatsRequest(xid=15),
            gr.GroupDescRequest(xid=16),
            qu.QueueStatsRequest(xid=17),
            me.MeterStatsRequest(xid=18),
            me.MeterConfigRequest(xid=19),
        )
    ),
)


@pytest.mark.parametrize("message", HOT, ids=lambda data: f"{data[1]}.{data[9]}")
def test_what_the_core_decides_is_relayed_as_it_came(message: bytes) -> None:
    a = agent()
    opened(a)
    assert a.received(1, message, 0.0) == [Relay(1, message)]


def test_runs_are_cut_at_whole_messages_below_64_kib() -> None:
    a = agent()
    opened(a)
    effects = a.received(1, FLOW_MOD * 2000, 0.0)
    runs = [effect.data for effect in effects if isinstance(effect, Relay)]
    assert b"".join(runs) == FLOW_MOD * 2000
    assert all(len(run) <= RUN_MAX and len(run) % len(FLOW_MOD) == 0 for run in runs)


def test_a_rare_message_waits_for_the_barrier_before_it() -> None:
    a = agent()
    opened(a)
    assert a.received(1, FLOW_MOD + BARRIER + ECHO + FLOW_MOD, 0.0) == [
        Relay(1, FLOW_MOD + BARRIER),
        Pause(1, True),
    ]
    assert a.received(1, ECHO, 0.0) == [Pause(1, True)]
    resumed = a.relayed(1, BARRIER_REPLY)
    assert resumed[0] == Pause(1, False)
    reply = encode(se.EchoReply(b"there?", xid=11))
    assert merged(resumed) == [Send(1, reply), Relay(1, FLOW_MOD), Send(1, reply)]


def test_few_questions_are_on_their_way_at_a_time() -> None:
    """HARDENING S7: each may have a whole table for an answer."""
    a = agent()
    opened(a)
    many = ASKED * QUESTIONS_MAX
    assert a.received(1, many + ASKED + FLOW_MOD, 0.0) == [Relay(1, many), Pause(1, True)]
    assert a.relayed(1, encode(PortStatsReply(more=True))) == []
    assert a.relayed(1, STATS) == [Pause(1, False), Relay(1, ASKED + FLOW_MOD)]
    refused = encode(se.ErrorMessage(Error.BAD_REQUEST_BAD_PORT, ASKED))
    assert a.received(1, ASKED, 0.0) == [Pause(1, True)]
    assert a.relayed(1, encode(se.ErrorMessage(Error.BAD_REQUEST_BAD_TYPE, FLOW_MOD))) == []
    assert a.relayed(1, refused) == [Pause(1, False), Relay(1, ASKED)]


def test_questions_wait_until_a_slow_peer_has_read_the_answers() -> None:
    """HARDENING S7."""
    a = agent()
    opened(a)
    a.received(1, ASKED * (QUESTIONS_MAX + 1), 0.0)
    assert a.relayed(1, STATS, slow=True) == [Pause(1, False), Later(1)]
    assert a.relayed(1, STATS) == []
    assert a.go_on(1) == [Relay(1, ASKED)]


def test_a_peer_that_asks_for_much_waits_for_its_next_turn() -> None:
    """HARDENING S7: 16 bytes ask for all tables with their abilities."""
    a = agent()
    opened(a)
    ask_all = encode(TableFeaturesRequest(xid=7))
    effects = a.received(1, ask_all * 1000 + ECHO, 0.0)
    turns = 1
    while effects and isinstance(effects[-1], Later):
        assert sum(len(e.data) for e in effects if isinstance(e, Send)) < 2 * TURN_MAX
        assert a.received(1, b"", 0.0) == []
        if turns == 3:
            return
        effects = a.go_on(1)
        turns += 1
    pytest.fail("all at once")


@pytest.mark.parametrize(
    "small",
    [ECHO, encode(PortDescRequest(xid=2)), bytes.fromhex("0463000800000001"), FLOW_MOD + ECHO],
)
def test_a_peer_that_asks_for_little_very_often_waits_for_its_turns(small: bytes) -> None:
    """HARDENING S7: what a message costs is not what its answer weighs."""
    a = agent()
    opened(a)
    effects = a.received(1, small * 1000, 0.0)
    assert isinstance(effects[-1], Later)
    assert len(effects) <= STEPS_MAX
    assert a.received(1, b"", 0.0) == []
    done = in_turns(a, effects)
    assert sum(isinstance(e, Send) for e in done) == 1000
    assert ask(a, se.EchoRequest(b"more", xid=5)) == [se.EchoReply(b"more", xid=5)]


@pytest.mark.parametrize(
    "silent",
    [
        encode(se.EchoReply(b"", xid=1)),
        encode(se.Hello(4)),
        encode(se.ErrorMessage(Error.BAD_REQUEST_BAD_LEN)),
    ],
)
def test_a_peer_that_says_what_needs_no_answer_takes_turns_too(silent: bytes) -> None:
    """HARDENING S7."""
    a = agent()
    opened(a)
    assert a.received(1, silent * 1000 + ECHO, 0.0) == [Later(1)]
    assert in_turns(a, a.go_on(1)) == [Send(1, encode(se.EchoReply(b"there?", xid=11)))]


def test_after_its_turns_a_peer_has_had_every_answer_in_order() -> None:
    a = agent()
    opened(a)
    request = encode(TableFeaturesRequest(xid=7))
    effects = in_turns(a, a.received(1, (request + ECHO) * 3, 0.0))
    kinds = [type(decode(e.data)) for e in effects if isinstance(e, Send)]
    parts = kinds.index(se.EchoReply)
    assert kinds == ([TableFeaturesReply] * parts + [se.EchoReply]) * 3


def test_packet_ins_on_the_way_are_no_barrier_replies() -> None:
    a = agent()
    opened(a)
    a.received(1, BARRIER + ECHO, 0.0)
    assert a.relayed(1, encode(se.EchoReply(b"\x04\x15\x00\x08", xid=1))) == []


ASKED = encode(PortStatsRequest(xid=3))
STATS = encode(PortStatsReply(xid=3))
WORDS = (FLOW_MOD, BARRIER, ECHO, GROUP_MOD, METER_MOD,
         encode(sw.FeaturesRequest(xid=1)), encode(PortDescRequest(xid=2)),
         bytes.fromhex("0463000800000001"), ASKED)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(st.sampled_from(WORDS), max_size=12), st.data())
def test_one_byte_at_a_time_gives_the_same(messages: list[bytes], data: st.DataObject) -> None:
    stream = HELLO + b"".join(messages)
    whole, pieces = agent(), agent()
    for a in (whole, pieces):
        a.opened(1, 0.0, service=False, probe=5.0)
    cut = data.draw(st.sampled_from((1, 3, 7, 64)))
    at_once = merged(settle(whole, whole.received(1, stream, 0.0)))
    steps = [stream[i : i + cut] for i in range(0, len(stream), cut)]
    piecewise = [e for step in steps for e in settle(pieces, pieces.received(1, step, 0.0))]
    assert merged(piecewise) == at_once


def settle(a: Agent, effects: list[Effect]) -> list[Effect]:
    """Answers every barrier and question that was relayed, as the forwarder would."""
    done: list[Effect] = []
    while effects:
        done += effects
        relayed = b"".join(e.data for e in effects if isinstance(e, Relay))
        answers = BARRIER_REPLY * relayed.count(BARRIER) + STATS * relayed.count(ASKED)
        effects = a.relayed(1, answers) if answers else []
    return done


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_answers_or_a_hang_up(junk: bytes) -> None:
    a = agent()
    opened(a)
    for effect in a.received(1, junk, 0.0):
        assert isinstance(effect, Effect)


# ---- errors --------------------------------------------------------------------


@pytest.mark.parametrize("length", range(8))
def test_a_length_below_8_ends_the_connection_with_an_error(length: int) -> None:
    """HARDENING S2."""
    a = agent()
    opened(a)
    opened(a, 2)
    error, end = a.received(1, bytes([4, 2, 0, length, 0, 0, 0, 1]), 0.0)
    assert isinstance(error, Send)
    assert isinstance(end, HangUp)
    assert ask(a, se.EchoRequest(b"", xid=3), id=2) == [se.EchoReply(b"", xid=3)]


def test_another_version_is_refused_with_the_bytes_at_fault() -> None:
    a = agent()
    opened(a)
    stranger = b"\x01" + FLOW_MOD[1:]
    (effect,) = a.received(1, stranger, 0.0)
    assert isinstance(effect, Send)
    assert decode(effect.data) == se.ErrorMessage(
        Error.BAD_REQUEST_BAD_VERSION, stranger[:64], xid=9
    )


def test_an_unknown_type_is_refused() -> None:
    a = agent()
    opened(a)
    (effect,) = a.received(1, bytes.fromhex("0463000800000007"), 0.0)
    assert isinstance(effect, Send)
    error = decode(effect.data)
    assert isinstance(error, se.ErrorMessage)
    assert (error.error, error.xid) == (Error.BAD_REQUEST_BAD_TYPE, 7)


def test_experimenters_are_refused() -> None:
    a = agent()
    opened(a)
    (error,) = ask(a, se.Experimenter(0x2320, 1, b"", xid=5))
    assert isinstance(error, se.ErrorMessage)
    assert error.error == Error.BAD_REQUEST_BAD_EXPERIMENTER


# ---- the switch as a whole -------------------------------------------------------


def test_features_and_config_are_told() -> None:
    a = agent()
    opened(a)
    features, config = ask(a, sw.FeaturesRequest(xid=1), sw.GetConfigRequest(xid=2))
    assert isinstance(features, sw.FeaturesReply)
    assert (features.datapath_id, features.n_tables, features.n_buffers) == (0x2A, 255, 0)
    assert features.auxiliary_id == 0
    assert features.capabilities == sw.Capabilities(0b1001111)
    assert config == sw.GetConfigReply(miss_send_len=128, xid=2)


def test_a_configuration_is_kept_for_each_session() -> None:
    a = agent()
    opened(a, 1)
    opened(a, 2)
    ask(a, sw.SetConfig(sw.Fragments.NORMAL, 77), id=1)
    assert ask(a, sw.GetConfigRequest(), id=1) == [sw.GetConfigReply(miss_send_len=77)]
    assert ask(a, sw.GetConfigRequest(), id=2) == [sw.GetConfigReply(miss_send_len=128)]


@pytest.mark.parametrize("flags", [sw.Fragments.DROP, sw.Fragments.REASSEMBLE, 3])
def test_fragments_can_only_pass(flags: int) -> None:
    a = agent()
    opened(a)
    refused, config = ask(a, sw.SetConfig(sw.Fragments(flags), 77), sw.GetConfigRequest())
    assert isinstance(refused, se.ErrorMessage)
    assert refused.error == Error.SWITCH_CONFIG_FAILED_BAD_FLAGS
    assert config == sw.GetConfigReply(miss_send_len=128)


def test_a_new_miss_send_len_reaches_the_forwarder() -> None:
    a = agent()
    opened(a)
    (effect,) = a.received(1, encode(sw.SetConfig(miss_send_len=0xFFFF, xid=2)), 0.0)
    assert effect == Subscribe(1, SessionSpec(4, 0b011, 0b1111, 0xFFFF))


# ---- roles -----------------------------------------------------------------------


def test_a_new_master_makes_the_old_one_a_slave_that_hears_and_writes_nothing() -> None:
    a = agent()
    opened(a, 1)
    opened(a, 2)
    assert ask(a, se.RoleRequest(se.Role.MASTER, 1, xid=1), id=1) == [
        se.RoleReply(se.Role.MASTER, 1, xid=1)
    ]
    effects = a.received(2, encode(se.RoleRequest(se.Role.MASTER, 2, xid=1)), 0.0)
    assert Subscribe(1, SessionSpec(4, 0, 0, 128)) in effects
    (refused,) = a.received(1, FLOW_MOD, 0.0)
    assert isinstance(refused, Send)
    error = decode(refused.data)
    assert isinstance(error, se.ErrorMessage)
    assert error.error == Error.BAD_REQUEST_IS_SLAVE
    assert a.received(1, encode(PortStatsRequest(xid=1)), 0.0) == [
        Relay(1, encode(PortStatsRequest(xid=1)))
    ]


CHANGES = (
    FLOW_MOD,
    GROUP_MOD,
    METER_MOD,
    encode(PacketOut(b"", ())),
    encode(PortMod(1, PORT.hw_addr)),
    encode(TableMod(0)),
    encode(TableFeaturesRequest((TableFeatures(0),))),
)


@pytest.mark.parametrize("message", CHANGES, ids=lambda data: str(data[1]))
def test_whatever_changes_the_switch_is_refused_from_a_slave(message: bytes) -> None:
    """With the first 64 bytes of what is refused (6.3.4, 7.4.4)."""
    a = agent()
    opened(a)
    ask(a, se.RoleRequest(se.Role.SLAVE, 1))
    (refused,) = a.received(1, message, 0.0)
    assert isinstance(refused, Send)
    xid = int.from_bytes(message[4:8])
    assert decode(refused.data) == se.ErrorMessage(
        Error.BAD_REQUEST_IS_SLAVE, message[:64], xid=xid
    )


def test_three_controllers_have_one_master_and_anyone_may_be_equal() -> None:
    a = agent()
    for id in (1, 2, 3):
        opened(a, id)
    for id in (1, 2, 3):
        ask(a, se.RoleRequest(se.Role.MASTER, id), id=id)
        roles = {session.id: session.role for session in a.sessions.values()}
        assert [i for i, role in roles.items() if role == se.Role.MASTER] == [id]
    assert a.sessions[1].role == se.Role.SLAVE
    told = ask(a, se.RoleRequest(se.Role.EQUAL, 0, xid=9))
    assert told == [se.RoleReply(se.Role.EQUAL, 3, xid=9)]
    assert a.received(1, FLOW_MOD, 0.0) == [Relay(1, FLOW_MOD)]
    assert a.sessions[3].role == se.Role.MASTER


def test_a_generation_outlives_the_master_that_brought_it() -> None:
    a = agent()
    opened(a, 1)
    ask(a, se.RoleRequest(se.Role.MASTER, 7))
    a.closed(1)
    opened(a, 2)
    (late,) = ask(a, se.RoleRequest(se.Role.MASTER, 6), id=2)
    assert isinstance(late, se.ErrorMessage)
    assert late.error == Error.ROLE_REQUEST_FAILED_STALE
    assert a.sessions[2].role == se.Role.EQUAL


def test_before_any_generation_all_ones_are_told() -> None:
    a = agent()
    opened(a)
    assert ask(a, se.RoleRequest(se.Role.NOCHANGE, 0)) == [
        se.RoleReply(se.Role.EQUAL, (1 << 64) - 1)
    ]


def test_each_role_is_sent_what_its_own_masks_say() -> None:
    a = agent()
    opened(a)
    masks = se.SetAsync(0b001, 0b100, 0b001, 0b010, 0b0011, 0b0100)
    ask(a, masks)
    effects = a.received(1, encode(se.RoleRequest(se.Role.SLAVE, 1)), 0.0)
    assert effects[0] == Subscribe(1, SessionSpec(4, 0b100, 0b0100, 128))
    assert a.port_added(replace(PORT, number=2)) == []
    assert len(a.port_removed(2)) == 1
    effects = a.received(1, encode(se.RoleRequest(se.Role.MASTER, 2)), 0.0)
    assert effects[0] == Subscribe(1, SessionSpec(4, 0b001, 0b0011, 128))
    assert len(a.port_added(replace(PORT, number=2))) == 1
    assert a.port_removed(2) == []


def test_an_old_generation_is_stale_around_the_end_of_its_numbers() -> None:
    a = agent()
    opened(a)
    newest = (1 << 64) - 1
    ask(a, se.RoleRequest(se.Role.MASTER, newest, xid=1))
    (late,) = ask(a, se.RoleRequest(se.Role.SLAVE, newest - 1, xid=2))
    assert isinstance(late, se.ErrorMessage)
    assert late.error == Error.ROLE_REQUEST_FAILED_STALE
    (wrapped,) = ask(a, se.RoleRequest(se.Role.SLAVE, 3, xid=3))
    assert wrapped == se.RoleReply(se.Role.SLAVE, 3, xid=3)
    (asked,) = ask(a, se.RoleRequest(se.Role.NOCHANGE, 0, xid=4))
    assert asked == se.RoleReply(se.Role.SLAVE, 3, xid=4)


def test_asynchronous_masks_are_kept_and_told() -> None:
    a = agent()
    opened(a)
    masks = se.SetAsync(1, 0, 0, 7, 3, 0, xid=6)
    effects = a.received(1, encode(masks) + encode(se.GetAsyncRequest(xid=7)), 0.0)
    assert effects[0] == Subscribe(1, SessionSpec(4, 1, 3, 128))
    assert isinstance(effects[1], Send)
    assert decode(effects[1].data) == se.GetAsyncReply(1, 0, 0, 7, 3, 0, xid=7)
    assert a.port_added(replace(PORT, number=2)) == []


# ---- ports -----------------------------------------------------------------------


def test_port_status_goes_to_controllers_and_not_to_services() -> None:
    a = agent()
    opened(a, 1)
    opened(a, 2, service=True)
    (told,) = a.port_added(replace(PORT, number=2))
    assert isinstance(told, Send)
    assert decode(told.data) == PortStatus(PortReason.ADD, replace(PORT, number=2))
    (gone,) = a.port_removed(2)
    assert isinstance(gone, Send)
    assert decode(gone.data) == PortStatus(PortReason.DELETE, replace(PORT, number=2))
    assert a.port_removed(2) == []


def test_a_service_hears_once_it_sets_a_miss_send_len() -> None:
    a = agent()
    opened(a, 1, service=True)
    a.received(1, encode(sw.SetConfig(miss_send_len=128)), 0.0)
    assert len(a.port_added(replace(PORT, number=2))) == 1


def test_a_port_mod_changes_port_forwarder_and_peers() -> None:
    a = agent()
    opened(a)
    mod = PortMod(1, PORT.hw_addr, PortConfig.PORT_DOWN, PortConfig.PORT_DOWN, xid=8)
    effects = a.received(1, encode(mod), 0.0)
    assert isinstance(effects[0], SetPort)
    assert (effects[0].port.config, effects[0].port.state) == (1, 0xFFFFFFFF)
    assert isinstance(effects[1], Send)
    (ports,) = ask(a, PortDescRequest(xid=1))
    assert isinstance(ports, PortDescReply)
    assert ports.ports[0].config == PortConfig.PORT_DOWN


@pytest.mark.parametrize("number", [1, int(Reserved.LOCAL)])
@pytest.mark.parametrize("blocked", [PortState.NONE, PortState.BLOCKED])
def test_live_goes_with_the_link_and_with_port_down(number: int, blocked: PortState) -> None:
    """FAUCET waits for it: port-status and port description say so after every step."""
    a = Agent(View("br0", 0x2A), (4,))
    a.port_added(port_of(PortSpec(number, 3, "v1", PORT.hw_addr, state=int(blocked))))  # type: ignore[arg-type]
    opened(a)
    down = PortConfig.PORT_DOWN
    told = []
    for is_down in (False, True, False):
        for up in (True, False, True):
            mod = PortMod(number, PORT.hw_addr, down if is_down else PortConfig.NONE, down)
            effects = a.received(1, encode(mod), 0.0)
            effects += a.port_changed(linked(a.view.ports[number], up))
            told += [decode(e.data).port for e in effects if isinstance(e, Send)]  # type: ignore[attr-defined]
            link = PortState.NONE if up else PortState.LINK_DOWN
            lives = up and not is_down and not blocked
            state = link | blocked | (PortState.LIVE if lives else PortState.NONE)
            (ports,) = ask(a, PortDescRequest(xid=1))
            assert isinstance(ports, PortDescReply)
            assert (ports.ports[0].config & down, ports.ports[0].state) == (is_down, state)
            assert told[-1:] in ([], [ports.ports[0]])
    assert len(told) == 8, "each change once"


@pytest.mark.parametrize(
    ("mod", "error"),
    [
        (PortMod(9, PORT.hw_addr), Error.PORT_MOD_FAILED_BAD_PORT),
        (PortMod(1, bytes(6)), Error.PORT_MOD_FAILED_BAD_HW_ADDR),
        (PortMod(1, PORT.hw_addr, PortConfig(2), PortConfig(2)), Error.PORT_MOD_FAILED_BAD_CONFIG),
    ],
)
def test_a_wrong_port_mod_is_refused(mod: PortMod, error: Error) -> None:
    a = agent()
    opened(a)
    (told,) = ask(a, mod)
    assert isinstance(told, se.ErrorMessage)
    assert told.error == error


# ---- time ------------------------------------------------------------------------


def test_a_silent_peer_is_asked_and_then_given_up() -> None:
    a = agent()
    opened(a)
    assert a.tick(4.0) == []
    (probe,) = a.tick(5.1)
    assert isinstance(probe, Send)
    assert isinstance(decode(probe.data), se.EchoRequest)
    assert a.tick(6.0) == []
    (end,) = a.tick(10.2)
    assert isinstance(end, HangUp)


def test_any_bytes_end_the_silence() -> None:
    a = agent()
    opened(a)
    a.tick(5.1)
    a.received(1, encode(se.EchoReply(b"", xid=1)), 6.0)
    assert a.tick(10.2) == []
    a.tick(11.1)
    (end,) = a.tick(16.2)  # and what is silent from then on isn't kept for that
    assert isinstance(end, HangUp)


def test_whoever_says_no_hello_is_hung_up_on() -> None:
    """HARDENING S8: half-open connections end."""
    a = agent()
    a.opened(1, 0.0, service=True, probe=0.0)
    assert a.tick(HELLO_SECONDS) == []
    (end,) = a.tick(HELLO_SECONDS + 0.1)
    assert isinstance(end, HangUp)
