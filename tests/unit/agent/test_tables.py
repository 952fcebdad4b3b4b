"""Table features read and set, and requests that come in parts (OpenFlow 1.3.5, 7.3.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from datapath.fields import BY_NAME, FIELDS
from datapath.problems import Error
from datapath.rule import Rule
from tests.unit.agent.test_sessions import agent, ask, opened
from vswitch.agent.agent import Agent
from vswitch.agent.effects import Send
from vswitch.agent.parts import BYTES_MAX, REQUESTS_MAX
from vswitch.openflow import decode, encode
from vswitch.openflow.messages import table as ta
from vswitch.openflow.messages.flow import FlowStatsRequest
from vswitch.openflow.messages.session import ErrorMessage
from vswitch.openflow.messages.switch import DescReply, DescRequest
from vswitch.openflow.messages.table import Ability, TableFeatures

Tables = tuple[TableFeatures, ...]


def switch() -> Agent:
    a = agent()
    opened(a)
    return a


def features(a: Agent) -> Tables:
    """What the switch says of its tables, all parts together."""
    return told(ask(a, ta.TableFeaturesRequest(xid=4)))


def told(replies: list[object]) -> Tables:
    assert all(isinstance(reply, ta.TableFeaturesReply) for reply in replies), replies
    return tuple(t for r in replies if isinstance(r, ta.TableFeaturesReply) for t in r.tables)


def configure(a: Agent, tables: Tables) -> list[object]:
    """Asks for a whole configuration, ten tables a message."""
    parts = [tables[start : start + 10] for start in range(0, len(tables), 10)]
    asked = [ta.TableFeaturesRequest(part, more=True, xid=5) for part in parts[:-1]]
    return list(ask(a, *asked, ta.TableFeaturesRequest(parts[-1], xid=5)))


def error_of(replies: list[object]) -> Error:
    (error,) = replies
    assert isinstance(error, ErrorMessage)
    assert isinstance(error.error, Error)
    return error.error


def ids(of: TableFeatures, ability: Ability) -> tuple[object, ...]:
    (found,) = [p for p in of.properties if getattr(p, "ability", None) == ability]
    assert not isinstance(found, ta.ExperimenterFeature)
    return found.tables if isinstance(found, ta.NextTables) else found.ids


# ---- what tables can do ----------------------------------------------------------


def test_there_are_tables_0_to_254_that_lead_to_later_ones() -> None:
    tables = features(switch())
    assert [table.table for table in tables] == list(range(255))
    assert ids(tables[0], Ability.NEXT_TABLES) == tuple(range(1, 255))
    assert ids(tables[253], Ability.NEXT_TABLES) == (254,)
    assert ids(tables[254], Ability.NEXT_TABLES) == ()


def test_a_table_can_do_everything_of_the_standard() -> None:
    first, *_, last = features(switch())
    everything = tuple(ta.TypeId(number) for number in (0, 11, 12, *range(15, 28)))
    for ability in (Ability.WRITE_ACTIONS, Ability.APPLY_ACTIONS):
        assert ids(first, ability) == everything
    assert ids(first, Ability.INSTRUCTIONS) == tuple(map(ta.TypeId, range(1, 7)))
    assert ids(last, Ability.INSTRUCTIONS) == tuple(map(ta.TypeId, range(2, 7)))
    assert len(ids(first, Ability.MATCH)) == len(ids(first, Ability.WILDCARDS)) == len(FIELDS)
    assert first.metadata_match == first.metadata_write == (1 << 64) - 1


# ---- a new configuration ----------------------------------------------------------


def test_what_is_told_can_be_asked_for() -> None:
    a = switch()
    before = features(a)
    assert told(configure(a, before)) == before


def test_names_and_configuration_bits_are_taken_over() -> None:
    a = switch()
    before = features(a)
    wanted = (replace(before[0], name="acl", config=3), *before[1:])
    assert told(configure(a, wanted)) == wanted
    assert features(a) == wanted


def test_who_asks_for_less_gets_all_that_there_is() -> None:
    """The new abilities may be a superset of those asked for (7.3.5.5)."""
    a = switch()
    before = features(a)
    bare = (
        ta.Instructions(Ability.INSTRUCTIONS),
        ta.NextTables(Ability.NEXT_TABLES),
        ta.Instructions(Ability.WRITE_ACTIONS),
        ta.Instructions(Ability.APPLY_ACTIONS),
        ta.Instructions(Ability.APPLY_ACTIONS_MISS),
        ta.Fields(Ability.MATCH, (ta.FieldId(unmasked("ipv4_src")),)),
        ta.Fields(Ability.WILDCARDS),
        ta.Fields(Ability.WRITE_SETFIELD),
        ta.Fields(Ability.APPLY_SETFIELD),
    )
    wanted = (TableFeatures(0, "table0", 1, 0, 0, 10, bare), *before[1:])
    assert told(configure(a, wanted)) == before


def unmasked(name: str) -> int:
    field = BY_NAME[name]
    return field.oxm_class << 16 | field.oxm_field << 9 | field.bytes


def without(ability: Ability) -> Callable[[TableFeatures], TableFeatures]:
    def change(table: TableFeatures) -> TableFeatures:
        kept = [p for p in table.properties if getattr(p, "ability", None) != ability]
        return replace(table, properties=tuple(kept))

    return change


def instead(wanted: ta.TableProperty, of: Ability) -> Callable[[TableFeatures], TableFeatures]:
    def change(table: TableFeatures) -> TableFeatures:
        kept = without(of)(table).properties
        return replace(table, properties=(*kept, wanted))

    return change


def also(wanted: ta.TableProperty) -> Callable[[TableFeatures], TableFeatures]:
    return lambda table: replace(table, properties=(*table.properties, wanted))


_ARGUMENT = Error.TABLE_FEATURES_FAILED_BAD_ARGUMENT
_TWICE = ta.Fields(Ability.MATCH, ())

WRONG: dict[str, tuple[Callable[[TableFeatures], TableFeatures], Error]] = {
    "a table that is not there": (
        lambda table: replace(table, table=255), Error.TABLE_FEATURES_FAILED_BAD_TABLE),
    "a table twice": (
        lambda table: replace(table, table=2), Error.TABLE_FEATURES_FAILED_BAD_TABLE),
    "unknown bits": (lambda table: replace(table, config=4), _ARGUMENT),
    "too many rules": (lambda table: replace(table, max_entries=1_000_001), _ARGUMENT),
    "a list missing": (without(Ability.MATCH), _ARGUMENT),
    "a list twice": (also(_TWICE), _ARGUMENT),
    "an unknown instruction": (
        instead(ta.Instructions(Ability.INSTRUCTIONS, (ta.TypeId(9),)), Ability.INSTRUCTIONS),
        _ARGUMENT),
    "an unknown action": (
        instead(ta.Instructions(Ability.APPLY_ACTIONS, (ta.TypeId(99),)), Ability.APPLY_ACTIONS),
        _ARGUMENT),
    "an experimenter's action": (
        instead(ta.Instructions(Ability.APPLY_ACTIONS, (ta.TypeId(0xFFFF, 1),)),
                Ability.APPLY_ACTIONS),
        _ARGUMENT),
    "a way back": (instead(ta.NextTables(Ability.NEXT_TABLES, (3,)), Ability.NEXT_TABLES),
                   _ARGUMENT),
    "an unknown field": (
        instead(ta.Fields(Ability.MATCH, (ta.FieldId(0x80007F04),)), Ability.MATCH), _ARGUMENT),
    "a mask where there is none": (
        instead(ta.Fields(Ability.MATCH, (ta.FieldId(unmasked("in_port") | 0x100),)),
                Ability.MATCH),
        _ARGUMENT),
    "a field that can't be set": (
        also(ta.Fields(Ability.WRITE_SETFIELD_MISS, (ta.FieldId(unmasked("in_port")),))),
        _ARGUMENT),
    "an experimenter's property": (
        also(ta.ExperimenterFeature(1, 2)), Error.TABLE_FEATURES_FAILED_BAD_TYPE),
}  # fmt: skip


@pytest.mark.parametrize(("change", "error"), WRONG.values(), ids=WRONG)
def test_a_wrong_configuration_is_refused_and_nothing_changes(
    change: Callable[[TableFeatures], TableFeatures], error: Error
) -> None:
    a = switch()
    before = features(a)
    renamed = [replace(table, name="new") for table in before]
    wanted = (*renamed[:3], change(renamed[3]), *renamed[4:])
    assert error_of(configure(a, wanted)) == error
    assert features(a) == before


def test_tables_can_not_be_taken_away() -> None:
    a = switch()
    before = features(a)
    assert error_of(configure(a, before[:-1])) == Error.TABLE_FEATURES_FAILED_EPERM
    assert features(a) == before


@pytest.mark.parametrize(
    ("tail", "error"),
    [
        ("00630004 00000000", Error.TABLE_FEATURES_FAILED_BAD_TYPE),
        ("00080003 00000000", Error.TABLE_FEATURES_FAILED_BAD_LEN),
        ("000800ff 00000000", Error.TABLE_FEATURES_FAILED_BAD_LEN),
    ],
)
def test_properties_that_make_no_sense_are_refused(tail: str, error: Error) -> None:
    a = switch()
    whole = bytearray(encode(ta.TableFeaturesRequest((TableFeatures(0),)))) + bytes.fromhex(tail)
    whole[2:4] = len(whole).to_bytes(2)
    whole[16:18] = (len(whole) - 16).to_bytes(2)
    effects = a.received(1, bytes(whole), 0.0)
    assert error_of([decode(e.data) for e in effects if isinstance(e, Send)]) == error


@pytest.mark.parametrize(
    ("name", "taken"), [(b"a" * 31, True), (b"\xff" * 31, True), (b"a" * 32, False)]
)
def test_a_name_is_any_31_bytes_and_a_nul(name: bytes, taken: bool) -> None:
    a = switch()
    parts = [ta.TableFeaturesRequest((table,), more=True, xid=5) for table in features(a)]
    first = bytearray(encode(parts[0]))
    first[24:56] = name.ljust(32, b"\0")
    a.received(1, bytes(first), 0.0)
    answers = list(ask(a, *parts[1:-1], replace(parts[-1], more=False)))
    if taken:
        assert encode(ta.TableFeaturesReply(told(answers)[:1]))[24:56] == name + b"\0"
    else:
        assert {e.error for e in answers if isinstance(e, ErrorMessage)} == {
            Error.TABLE_FEATURES_FAILED_BAD_ARGUMENT
        }
        assert features(a)[0].name == "table0"


# ---- table mods --------------------------------------------------------------------


def test_a_table_mod_is_told_again() -> None:
    a = switch()
    assert ask(a, ta.TableMod(254, 3)) == []
    assert [table.config for table in features(a)] == [0] * 254 + [3]
    assert ask(a, ta.TableMod(255, 1)) == []
    assert [table.config for table in features(a)] == [1] * 255


def test_a_table_mod_with_unknown_bits_is_refused() -> None:
    a = switch()
    assert error_of(list(ask(a, ta.TableMod(0, 4)))) == Error.TABLE_MOD_FAILED_BAD_CONFIG
    assert features(a)[0].config == 0


# ---- requests in parts ---------------------------------------------------------------


def test_parts_of_two_requests_may_alternate() -> None:
    a = switch()
    before = features(a)
    half = [before[:100], before[100:]]
    first = [ta.TableFeaturesRequest(part[:40], more=True, xid=6) for part in half]
    renamed = [replace(table, name="x") for table in before]
    other = ta.TableFeaturesRequest(tuple(renamed[:30]), more=True, xid=7)
    assert ask(a, first[0], other) == []
    assert isinstance(ask(a, DescRequest(xid=8))[0], DescReply)
    rest = [t for t in before if t.table >= 40]
    parts = [tuple(rest[at : at + 40]) for at in range(0, len(rest), 40)]
    middle = [ta.TableFeaturesRequest(part, more=True, xid=6) for part in parts[:-1]]
    assert told(list(ask(a, *middle, ta.TableFeaturesRequest(parts[-1], xid=6)))) == before


def test_parts_of_one_request_have_one_type() -> None:
    a = switch()
    assert ask(a, ta.TableFeaturesRequest(more=True, xid=6)) == []
    assert error_of(list(ask(a, DescRequest(xid=6)))) == Error.BAD_REQUEST_BAD_MULTIPART
    assert isinstance(ask(a, DescRequest(xid=6))[0], DescReply)


@pytest.mark.parametrize(
    "asked", [DescRequest(more=True), FlowStatsRequest(Rule(), more=True)], ids=["rare", "hot"]
)
def test_nothing_can_follow_a_request_without_a_list(asked: ta.MultipartRequest) -> None:
    assert error_of(list(ask(switch(), asked))) == Error.BAD_REQUEST_BAD_LEN


def test_unfinished_requests_are_bounded_in_bytes() -> None:
    """HARDENING S7."""
    a = switch()
    part = ta.TableFeaturesRequest(features(a)[:40], more=True, xid=6)
    size = len(encode(part))
    fitting = BYTES_MAX // size
    assert ask(a, *[part] * fitting) == []
    assert error_of(list(ask(a, part))) == Error.BAD_REQUEST_MULTIPART_BUFFER_OVERFLOW
    assert ask(a, part) == [], "it is forgotten"


def test_unfinished_requests_are_bounded_in_number() -> None:
    """HARDENING S7."""
    a = switch()
    parts = [ta.TableFeaturesRequest(more=True, xid=xid) for xid in range(REQUESTS_MAX)]
    assert ask(a, *parts) == []
    one_more = ta.TableFeaturesRequest(more=True, xid=99)
    assert error_of(list(ask(a, one_more))) == Error.BAD_REQUEST_MULTIPART_BUFFER_OVERFLOW
