"""Whether all the lengths inside an OpenFlow message agree: a walk by table, nothing is decoded.

os-ken's parsers believe inner lengths: many never end on one of 0, others read past the record.
Here each record that carries a length is a row (`Record`): where the length stands, the least it
may say, and what lies inside. The walk steps from record to record, always by at least that least
length, so its cost is bounded by the bytes. Rows exist for what a *switch* sends: OpenFlow 1.0
(section 5), 1.2 and 1.3 (section 7, A.3 to A.5 of 1.2) whole, and hello of every version. Pure:
bytes in, a sentence or None out.
"""

from collections.abc import Callable
from dataclasses import dataclass

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER = range(5)
OF10, OF12, OF13, OF14 = 1, 3, 4, 5


class BadLength(Exception):
    """A length that can't be; the text says which one."""


Walk = Callable[[bytes, int, int], None]
"""Walks `message[at:end]`; raises BadLength."""


@dataclass(frozen=True)
class Record:
    """A structure that says its own length.

    `length_at`: where its two bytes stand; `least`: the size of the fixed part; `step`: what the
    length is a multiple of; `align`: padding after the record up to this multiple, not counted in
    the length; `inside`: the walk of what follows the fixed part, if it is known.
    """

    name: str
    length_at: int
    least: int
    step: int = 1
    align: int = 1
    inside: Walk | None = None


def kinds(by_type: dict[int, Record], other: Record) -> Walk:
    """The walk over records up to the end; where `by_type` has rows, two bytes in front choose."""

    rows = {kind: _row(record) for kind, record in by_type.items()}
    otherwise = _row(other)
    choose = rows.get

    def walk(message: bytes, at: int, end: int) -> None:
        while at < end:
            left = end - at
            if left < 4:
                raise BadLength(f"{left} bytes where a {other.name} begins")
            row = choose(message[at] << 8 | message[at + 1], otherwise) if rows else otherwise
            name, length_at, least, step, align, inside = row
            if left < least:
                raise BadLength(f"{left} bytes for a {name} of at least {least}")
            length = message[at + length_at] << 8 | message[at + length_at + 1]
            if length < least or length > left or length % step:
                raise BadLength(f"a {name} of {length} bytes where {left} are left")
            if inside is not None:
                inside(message, at + least, at + length)
            at += length + -length % align

    return walk


Row = tuple[str, int, int, int, int, Walk | None]


def _row(record: Record) -> Row:
    """A record as a tuple: taking one apart is quicker than asking an object six times."""
    return (
        *(record.name, record.length_at, record.least),
        *(record.step, record.align, record.inside),
    )


def many(record: Record) -> Walk:
    """The walk over records of one kind up to the end."""
    return kinds({}, record)


def rows(name: str, size: int) -> Walk:
    """Structures of a fixed size, up to the end."""

    def walk(_message: bytes, at: int, end: int) -> None:
        if (end - at) % size:
            raise BadLength(f"{end - at} bytes are no whole number of {name} of {size}")

    return walk


def at_least(size: int) -> Walk:
    """A structure of `size` bytes and whatever follows."""

    def walk(_message: bytes, at: int, end: int) -> None:
        if end - at < size:
            raise BadLength(f"{end - at} bytes where {size} belong")

    return walk


def after(size: int, inside: Walk) -> Walk:
    """A fixed part, then `inside`."""

    def walk(message: bytes, at: int, end: int) -> None:
        if end - at < size:
            raise BadLength(f"{end - at} bytes where {size} belong")
        inside(message, at + size, end)

    return walk


def oxms(message: bytes, at: int, end: int) -> None:
    """Match fields: class, field and one byte of length (OpenFlow 1.3.5, 7.2.3.2)."""
    while end - at >= 4:
        at += 4 + message[at + 3]
    if at != end:
        raise BadLength("a match field that ends elsewhere than its match")


def one_oxm(message: bytes, at: int, end: int) -> None:
    """The field of a set-field: one, then padding (7.2.5)."""
    if end - at < 4 or 4 + message[at + 3] > end - at:
        raise BadLength("a set-field whose field does not fit")


def oxm_ids(message: bytes, at: int, end: int) -> None:
    """Fields without values: 4 bytes, 8 of an experimenter (7.3.5.5.2)."""
    while end - at >= 4:
        at += 8 if message[at] == 0xFF and message[at + 1] == 0xFF else 4
    if at != end:
        raise BadLength("a list of fields that ends within one")


def match_then(what: Walk) -> Walk:
    """A match with its padding, then `what` (7.2.3.1)."""

    def walk(message: bytes, at: int, end: int) -> None:
        if end - at < 4:
            raise BadLength("no room for a match")
        length = message[at + 2] << 8 | message[at + 3]
        behind = at + (length + 7 & ~7)
        if length < 4 or behind > end:
            raise BadLength(f"a match of {length} bytes where {end - at} are left")
        oxms(message, at + 4, at + length)
        what(message, behind, end)

    return walk


def anything(_message: bytes, _at: int, _end: int) -> None:
    """Bytes without lengths."""


def by_kind(table: dict[int, Walk], fixed: int) -> Walk:
    """A two-byte type, `fixed` bytes of header, then what the type says; unknown ones pass."""

    def walk(message: bytes, at: int, end: int) -> None:
        if end - at < fixed:
            raise BadLength(f"{end - at} bytes where {fixed} belong")
        table.get(message[at] << 8 | message[at + 1], anything)(message, at + fixed, end)

    return walk


# ---- what lies inside ------------------------------------------------------

SET_FIELD = 25
_ACTION = Record("action", 2, 8, step=8)
ACTIONS = kinds(
    {
        0: Record("output action", 2, 16, step=8),
        SET_FIELD: Record("set-field action", 2, 4, step=8, inside=one_oxm),
    },
    _ACTION,
)
ACTIONS_10 = many(_ACTION)
_APPLY = Record("instruction", 2, 8, step=8, inside=ACTIONS)
INSTRUCTIONS = kinds(
    {2: Record("write-metadata", 2, 24, step=8), 3: _APPLY, 4: _APPLY},
    Record("instruction", 2, 8, step=8),
)
BUCKETS = many(Record("bucket", 0, 16, step=8, inside=ACTIONS))
QUEUE_PROPERTIES = many(Record("queue property", 2, 8, step=8))
QUEUES = many(Record("queue", 8, 16, step=8, inside=QUEUE_PROPERTIES))
QUEUES_10 = many(Record("queue", 4, 8, step=8, inside=QUEUE_PROPERTIES))
BANDS = many(Record("meter band", 2, 12, step=4))
HELLO_ELEMENTS = many(Record("hello element", 2, 4, step=8))  # os-ken spins on their padding

_IDS = many(Record("id", 2, 4, step=4))
_FIELDS = Record("table feature", 2, 4, align=8, inside=oxm_ids)
_KINDS = Record("table feature", 2, 4, align=8, inside=_IDS)
TABLE_PROPERTIES = kinds(
    {
        **dict.fromkeys((0, 1, 4, 5, 6, 7), _KINDS),
        **dict.fromkeys((8, 10, 12, 13, 14, 15), _FIELDS),
    },
    Record("table feature", 2, 4, align=8),
)

# ---- multipart bodies by type (1.3.5, 7.3.5) -------------------------------

MULTIPART_13 = by_kind(
    {
        0: rows("description", 1056),
        1: many(Record("flow", 0, 48, step=8, inside=match_then(INSTRUCTIONS))),
        2: rows("aggregate", 24),
        3: rows("table statistics", 24),
        4: rows("port statistics", 112),
        5: rows("queue statistics", 40),
        6: many(Record("group statistics", 0, 40, step=8, inside=rows("bucket counters", 16))),
        7: many(Record("group", 0, 8, step=8, inside=BUCKETS)),
        8: rows("group features", 40),
        9: many(Record("meter statistics", 4, 40, step=8, inside=rows("band counters", 16))),
        10: many(Record("meter", 0, 8, inside=BANDS)),
        11: rows("meter features", 16),
        12: many(Record("table", 0, 64, step=8, inside=TABLE_PROPERTIES)),
        13: rows("port", 64),
        0xFFFF: at_least(8),
    },
    fixed=8,
)
MULTIPART_12 = by_kind(
    {
        1: many(Record("flow", 0, 48, step=8, inside=match_then(INSTRUCTIONS))),
        3: rows("table statistics", 128),
        4: rows("port statistics", 104),
        5: rows("queue statistics", 32),
        6: many(Record("group statistics", 0, 32, step=8, inside=rows("bucket counters", 16))),
        7: many(Record("group", 0, 8, step=8, inside=BUCKETS)),
    },
    fixed=8,
)
MULTIPART_10 = by_kind(
    {
        1: many(Record("flow", 0, 88, step=8, inside=ACTIONS_10)),
        3: rows("table statistics", 64),
        4: rows("port statistics", 104),
        5: rows("queue statistics", 32),
    },
    fixed=4,
)

# ---- messages by version and type -----------------------------------------

_ANY_VERSION: dict[int, Walk] = {
    ERROR: at_least(4),
    ECHO_REQUEST: anything,
    ECHO_REPLY: anything,
}
_LATER: dict[int, Walk] = {
    **_ANY_VERSION,
    EXPERIMENTER: at_least(8),
    6: at_least(24),  # features reply
    8: at_least(4),  # get-config reply
    12: at_least(72),  # port status
    21: anything,  # barrier reply
    23: after(8, QUEUES),  # queue-get-config reply
    25: at_least(16),  # role reply
}
FROM_SWITCH: dict[int, dict[int, Walk]] = {
    OF10: {
        **_ANY_VERSION,
        HELLO: anything,
        EXPERIMENTER: at_least(4),
        6: after(24, rows("port", 48)),
        8: at_least(4),
        10: at_least(10),  # packet-in
        11: at_least(80),  # flow-removed
        12: at_least(56),
        17: MULTIPART_10,
        19: anything,
        21: after(8, QUEUES_10),
    },
    OF12: {
        **_LATER,
        HELLO: anything,
        6: after(24, rows("port", 64)),
        10: after(8, match_then(at_least(2))),
        11: after(40, match_then(anything)),
        19: MULTIPART_12,
    },
    OF13: {
        **_LATER,
        HELLO: HELLO_ELEMENTS,
        10: after(16, match_then(at_least(2))),
        11: after(40, match_then(anything)),
        19: MULTIPART_13,
        27: at_least(24),  # get-async reply
    },
}
"""What a switch may send, by version and type; a type that is not there is a controller's."""


def complaint(message: bytes) -> str | None:
    """What is wrong with the lengths in `message`, header included, or None.

    Of versions without a table (1.1, 1.4 and later) only a hello's elements are looked at.
    """
    if len(message) < 8:
        return f"{len(message)} bytes are no OpenFlow header"
    length = message[2] << 8 | message[3]
    if length != len(message):
        return f"a message of {length} bytes in {len(message)}"
    version, kind = message[0], message[1]
    table = FROM_SWITCH.get(version)
    if table is None:
        walk = HELLO_ELEMENTS if kind == HELLO and version >= OF14 else anything
    elif kind in table:
        walk = table[kind]
    else:
        return f"message type {kind} is none that a switch sends"
    try:
        walk(message, 8, length)
    except BadLength as bad:
        return str(bad)
    return None
