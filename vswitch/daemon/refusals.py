"""What an OpenFlow error means to an operator: why the switch said no, and what to do.

Only what a person's own words can bring about has a sentence; the rest is named as the standard
names it (OpenFlow 1.3.5, 7.4.4).  Pure.
"""

from __future__ import annotations

from datapath.problems import Error
from vswitch.errors import Exit, Failure
from vswitch.openflow.messages.session import ErrorMessage

_OTHERS = "remove others first"
_SEE_GROUPS, _SEE_METERS = "see `vswitch group ls`", "see `vswitch meter ls`"
_SEE_PORTS = "see `vswitch port ls`"

_SENTENCES: dict[Error, tuple[str, str]] = {
    Error.FLOW_MOD_FAILED_TABLE_FULL: ("there is no room for more flows", _OTHERS),
    Error.FLOW_MOD_FAILED_BAD_TABLE_ID: ("255 means all tables", "write 0 to 254"),
    Error.FLOW_MOD_FAILED_OVERLAP: (
        "one of the same priority overlaps it", "give it another priority"
    ),
    Error.BAD_ACTION_BAD_OUT_PORT: ("no output can go to that port", _SEE_PORTS),
    Error.BAD_ACTION_BAD_OUT_GROUP: ("it uses a group that is not there", _SEE_GROUPS),
    Error.BAD_ACTION_BAD_SET_ARGUMENT: (
        "a field can't have that value", "write one that fits; a vlan_vid has 0x1000 in it"
    ),
    Error.BAD_ACTION_MATCH_INCONSISTENT: (
        "its packets may lack a field that it sets", "match what the field needs, as tcp"
    ),
    Error.BAD_ACTION_TOO_MANY: ("it has more actions than a packet may take", "use fewer"),
    Error.BAD_INSTRUCTION_BAD_TABLE_ID: (
        "packets go to tables behind their own alone", "name one of a higher number"
    ),
    Error.BAD_MATCH_BAD_PREREQ: (
        "a field is matched whose header isn't", "match that too, as tcp before tp_dst"
    ),
    Error.GROUP_MOD_FAILED_GROUP_EXISTS: (
        "there is one of that number already", "change it with `group mod`"
    ),
    Error.GROUP_MOD_FAILED_UNKNOWN_GROUP: (
        "there is none of that number", "make it with `group add`"
    ),
    Error.GROUP_MOD_FAILED_INVALID_GROUP: (
        "its buckets don't fit its type", "give indirect one bucket, a weight to select's alone"
    ),
    Error.GROUP_MOD_FAILED_OUT_OF_GROUPS: ("there is no room for more groups", _OTHERS),
    Error.GROUP_MOD_FAILED_OUT_OF_BUCKETS: ("it has more buckets than one may", "use fewer"),
    Error.GROUP_MOD_FAILED_LOOP: ("it would lead back to itself", "use another group in it"),
    Error.GROUP_MOD_FAILED_CHAINED_GROUP: (
        "another group leads to it", "change or remove that one first"
    ),
    Error.GROUP_MOD_FAILED_CHAINING_UNSUPPORTED: (
        "groups would follow one another too deep", "use fewer one behind the other"
    ),
    Error.GROUP_MOD_FAILED_BAD_WATCH: (
        "a bucket watches what can't be watched", "watch a port or group that is there"
    ),
    Error.METER_MOD_FAILED_METER_EXISTS: (
        "there is one of that number already", "change it with `meter mod`"
    ),
    Error.METER_MOD_FAILED_UNKNOWN_METER: (
        "there is none of that number", "make it with `meter add`"
    ),
    Error.METER_MOD_FAILED_INVALID_METER: ("it uses a meter that is not there", _SEE_METERS),
    Error.METER_MOD_FAILED_BAD_RATE: ("a band's rate can't be 0", "use 1 or more"),
    Error.METER_MOD_FAILED_BAD_BAND_VALUE: ("a band's prec_level is too large", "use 1 or 2"),
    Error.METER_MOD_FAILED_OUT_OF_METERS: ("there is no room for more meters", _OTHERS),
    Error.METER_MOD_FAILED_OUT_OF_BANDS: ("it has more bands than one may", "use fewer"),
}  # fmt: skip

_NOT_FOUND = (Error.GROUP_MOD_FAILED_UNKNOWN_GROUP, Error.METER_MOD_FAILED_UNKNOWN_METER)


def failure(what: str, refused: ErrorMessage) -> Failure:
    """The Failure about 'what' that an error message means; exit 3 where something is missing."""
    error = refused.error
    name = getattr(error, "name", str(error))
    standard = (f"the switch answered {name}", "see OpenFlow 1.3.5, section 7.4.4")
    why, do = _SENTENCES.get(error, standard) if isinstance(error, Error) else standard
    return Failure(what, why, do, Exit.NOT_FOUND if error in _NOT_FOUND else None)
