"""The two ways input can be wrong: text that a person wrote, bytes that a peer sent.

`SyntaxProblem` names the word that is wrong, why, and what to write instead.
`ProtocolProblem` carries the OpenFlow error that answers the bytes, so that
whoever holds the connection can send it.  `Error` is OpenFlow's list of errors
under names that no version owns; the values are the (type, code) numbers of
OpenFlow 1.3.5 section 7.4.4, and other versions map the names to numbers of
their own.
"""

from __future__ import annotations

from enum import Enum


class Error(Enum):
    """Every error that OpenFlow 1.3.5 knows, as <type>_<code>."""

    HELLO_FAILED_INCOMPATIBLE = (0, 0)
    HELLO_FAILED_EPERM = (0, 1)
    BAD_REQUEST_BAD_VERSION = (1, 0)
    BAD_REQUEST_BAD_TYPE = (1, 1)
    BAD_REQUEST_BAD_MULTIPART = (1, 2)
    BAD_REQUEST_BAD_EXPERIMENTER = (1, 3)
    BAD_REQUEST_BAD_EXP_TYPE = (1, 4)
    BAD_REQUEST_EPERM = (1, 5)
    BAD_REQUEST_BAD_LEN = (1, 6)
    BAD_REQUEST_BUFFER_EMPTY = (1, 7)
    BAD_REQUEST_BUFFER_UNKNOWN = (1, 8)
    BAD_REQUEST_BAD_TABLE_ID = (1, 9)
    BAD_REQUEST_IS_SLAVE = (1, 10)
    BAD_REQUEST_BAD_PORT = (1, 11)
    BAD_REQUEST_BAD_PACKET = (1, 12)
    BAD_REQUEST_MULTIPART_BUFFER_OVERFLOW = (1, 13)
    BAD_ACTION_BAD_TYPE = (2, 0)
    BAD_ACTION_BAD_LEN = (2, 1)
    BAD_ACTION_BAD_EXPERIMENTER = (2, 2)
    BAD_ACTION_BAD_EXP_TYPE = (2, 3)
    BAD_ACTION_BAD_OUT_PORT = (2, 4)
    BAD_ACTION_BAD_ARGUMENT = (2, 5)
    BAD_ACTION_EPERM = (2, 6)
    BAD_ACTION_TOO_MANY = (2, 7)
    BAD_ACTION_BAD_QUEUE = (2, 8)
    BAD_ACTION_BAD_OUT_GROUP = (2, 9)
    BAD_ACTION_MATCH_INCONSISTENT = (2, 10)
    BAD_ACTION_UNSUPPORTED_ORDER = (2, 11)
    BAD_ACTION_BAD_TAG = (2, 12)
    BAD_ACTION_BAD_SET_TYPE = (2, 13)
    BAD_ACTION_BAD_SET_LEN = (2, 14)
    BAD_ACTION_BAD_SET_ARGUMENT = (2, 15)
    BAD_INSTRUCTION_UNKNOWN_INST = (3, 0)
    BAD_INSTRUCTION_UNSUP_INST = (3, 1)
    BAD_INSTRUCTION_BAD_TABLE_ID = (3, 2)
    BAD_INSTRUCTION_UNSUP_METADATA = (3, 3)
    BAD_INSTRUCTION_UNSUP_METADATA_MASK = (3, 4)
    BAD_INSTRUCTION_BAD_EXPERIMENTER = (3, 5)
    BAD_INSTRUCTION_BAD_EXP_TYPE = (3, 6)
    BAD_INSTRUCTION_BAD_LEN = (3, 7)
    BAD_INSTRUCTION_EPERM = (3, 8)
    BAD_MATCH_BAD_TYPE = (4, 0)
    BAD_MATCH_BAD_LEN = (4, 1)
    BAD_MATCH_BAD_TAG = (4, 2)
    BAD_MATCH_BAD_DL_ADDR_MASK = (4, 3)
    BAD_MATCH_BAD_NW_ADDR_MASK = (4, 4)
    BAD_MATCH_BAD_WILDCARDS = (4, 5)
    BAD_MATCH_BAD_FIELD = (4, 6)
    BAD_MATCH_BAD_VALUE = (4, 7)
    BAD_MATCH_BAD_MASK = (4, 8)
    BAD_MATCH_BAD_PREREQ = (4, 9)
    BAD_MATCH_DUP_FIELD = (4, 10)
    BAD_MATCH_EPERM = (4, 11)
    FLOW_MOD_FAILED_UNKNOWN = (5, 0)
    FLOW_MOD_FAILED_TABLE_FULL = (5, 1)
    FLOW_MOD_FAILED_BAD_TABLE_ID = (5, 2)
    FLOW_MOD_FAILED_OVERLAP = (5, 3)
    FLOW_MOD_FAILED_EPERM = (5, 4)
    FLOW_MOD_FAILED_BAD_TIMEOUT = (5, 5)
    FLOW_MOD_FAILED_BAD_COMMAND = (5, 6)
    FLOW_MOD_FAILED_BAD_FLAGS = (5, 7)
    GROUP_MOD_FAILED_GROUP_EXISTS = (6, 0)
    GROUP_MOD_FAILED_INVALID_GROUP = (6, 1)
    GROUP_MOD_FAILED_WEIGHT_UNSUPPORTED = (6, 2)
    GROUP_MOD_FAILED_OUT_OF_GROUPS = (6, 3)
    GROUP_MOD_FAILED_OUT_OF_BUCKETS = (6, 4)
    GROUP_MOD_FAILED_CHAINING_UNSUPPORTED = (6, 5)
    GROUP_MOD_FAILED_WATCH_UNSUPPORTED = (6, 6)
    GROUP_MOD_FAILED_LOOP = (6, 7)
    GROUP_MOD_FAILED_UNKNOWN_GROUP = (6, 8)
    GROUP_MOD_FAILED_CHAINED_GROUP = (6, 9)
    GROUP_MOD_FAILED_BAD_TYPE = (6, 10)
    GROUP_MOD_FAILED_BAD_COMMAND = (6, 11)
    GROUP_MOD_FAILED_BAD_BUCKET = (6, 12)
    GROUP_MOD_FAILED_BAD_WATCH = (6, 13)
    GROUP_MOD_FAILED_EPERM = (6, 14)
    PORT_MOD_FAILED_BAD_PORT = (7, 0)
    PORT_MOD_FAILED_BAD_HW_ADDR = (7, 1)
    PORT_MOD_FAILED_BAD_CONFIG = (7, 2)
    PORT_MOD_FAILED_BAD_ADVERTISE = (7, 3)
    PORT_MOD_FAILED_EPERM = (7, 4)
    TABLE_MOD_FAILED_BAD_TABLE = (8, 0)
    TABLE_MOD_FAILED_BAD_CONFIG = (8, 1)
    TABLE_MOD_FAILED_EPERM = (8, 2)
    QUEUE_OP_FAILED_BAD_PORT = (9, 0)
    QUEUE_OP_FAILED_BAD_QUEUE = (9, 1)
    QUEUE_OP_FAILED_EPERM = (9, 2)
    SWITCH_CONFIG_FAILED_BAD_FLAGS = (10, 0)
    SWITCH_CONFIG_FAILED_BAD_LEN = (10, 1)
    SWITCH_CONFIG_FAILED_EPERM = (10, 2)
    ROLE_REQUEST_FAILED_STALE = (11, 0)
    ROLE_REQUEST_FAILED_UNSUP = (11, 1)
    ROLE_REQUEST_FAILED_BAD_ROLE = (11, 2)
    METER_MOD_FAILED_UNKNOWN = (12, 0)
    METER_MOD_FAILED_METER_EXISTS = (12, 1)
    METER_MOD_FAILED_INVALID_METER = (12, 2)
    METER_MOD_FAILED_UNKNOWN_METER = (12, 3)
    METER_MOD_FAILED_BAD_COMMAND = (12, 4)
    METER_MOD_FAILED_BAD_FLAGS = (12, 5)
    METER_MOD_FAILED_BAD_RATE = (12, 6)
    METER_MOD_FAILED_BAD_BURST = (12, 7)
    METER_MOD_FAILED_BAD_BAND = (12, 8)
    METER_MOD_FAILED_BAD_BAND_VALUE = (12, 9)
    METER_MOD_FAILED_OUT_OF_METERS = (12, 10)
    METER_MOD_FAILED_OUT_OF_BANDS = (12, 11)
    TABLE_FEATURES_FAILED_BAD_TABLE = (13, 0)
    TABLE_FEATURES_FAILED_BAD_METADATA = (13, 1)
    TABLE_FEATURES_FAILED_BAD_TYPE = (13, 2)
    TABLE_FEATURES_FAILED_BAD_LEN = (13, 3)
    TABLE_FEATURES_FAILED_BAD_ARGUMENT = (13, 4)
    TABLE_FEATURES_FAILED_EPERM = (13, 5)


SIZE_MAX = 0xFFFF
"""Bytes that a message, or anything in one that has a size of its own, can have (1.3.5, 7.1)."""


class SyntaxProblem(ValueError):
    """Text that says nothing we understand: the word, why, what to write instead."""

    def __init__(self, word: str, why: str, instead: str) -> None:
        super().__init__(f"{word}: {why}; {instead}")
        self.word = word
        self.why = why
        self.instead = instead


class TooLong(ValueError):
    """Something that is longer than a message of OpenFlow can be, or than what it stands in."""

    def __init__(self, what: str, size: int) -> None:
        super().__init__(f"{what} of {size} bytes is longer than {SIZE_MAX}")


class ProtocolProblem(ValueError):
    """Bytes that break OpenFlow: the error that answers them, and why in words.

    'data' and 'xid' are of the message at fault, filled in by whoever knows the
    whole message (`vswitch.openflow.decode`).
    """

    def __init__(self, error: Error, why: str, data: bytes = b"", xid: int = 0) -> None:
        super().__init__(f"{error.name}: {why}")
        self.error = error
        self.why = why
        self.data = data
        self.xid = xid
