"""The compiled core, and nothing else: the only importer of `datapath._vswitch`.

Pointers, lengths and NULL stay here.  `Core` owns one vs_switch; its methods
are the C functions of `datapath/include/vswitch.h` with bytes and ints for
arguments and exceptions for errors.  One control thread may call it; `run`
lets go of the interpreter lock while packets move.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from datapath._vswitch import ffi, lib

FRAME_MAX: int = lib.VS_FRAME_MAX


class CoreProblem(OSError):
    """The core refused: errno and a sentence with what, why, and what to do."""


@dataclass(frozen=True, slots=True)
class CoreStats:
    """Counters of the whole switch (vs_switch_stats)."""

    hits: int
    misses: int
    stale: int
    evictions: int
    rules: int
    version: int
    packet_ins_lost: int
    bad_messages: int


@dataclass(frozen=True, slots=True)
class CoreField:
    """A match field as the C core knows it (vs_field_info)."""

    name: str
    oxm_class: int
    oxm_field: int
    bytes: int
    bits: int
    maskable: bool
    settable: bool
    format: int
    prerequisite: int


def core_fields() -> list[CoreField]:
    """Every match field, in the order of fields.def."""
    found: list[CoreField] = []
    while (info := lib.vs_field(len(found))) != ffi.NULL:
        found.append(
            CoreField(
                ffi.string(info.name).decode(),
                info.oxm_class,
                info.oxm_field,
                info.bytes,
                info.bits,
                bool(info.maskable),
                bool(info.settable),
                info.format,
                info.prerequisite,
            )
        )
    return found


def drop_names() -> list[str]:
    """Names of the drop reasons, in the order of vs_drop."""
    return [ffi.string(lib.vs_drop_name(i)).decode() for i in range(lib.VS_DROP_LIMIT)]


def layout_of(struct_name: str) -> tuple[int, dict[str, int]]:
    """Size of a struct of vswitch.h and the offset of each member."""
    kind = ffi.typeof(struct_name)
    return ffi.sizeof(kind), {name: field.offset for name, field in kind.fields}


class Core:
    """One switch inside this process."""

    def __init__(
        self, now_ns: int, *, max_rules: int = 0, cache_entries: int = 0, max_buffers: int = 0,
        seed: int = 0,
    ) -> None:  # fmt: skip
        config = ffi.new(
            "vs_config *",
            {
                "max_rules": max_rules,
                "cache_entries": cache_entries,
                "max_buffers": max_buffers,
                "seed": seed,
            },
        )
        error = ffi.new("vs_error *")
        switch = lib.vs_switch_new(config, now_ns, error)
        if switch == ffi.NULL:
            raise CoreProblem(-error.code, ffi.string(error.text).decode())
        self._switch = ffi.gc(switch, lib.vs_switch_free)
        self._buffer = ffi.new("uint8_t[]", FRAME_MAX)

    def close(self) -> None:
        """Frees the switch; only close may follow."""
        switch, self._switch = self._switch, ffi.NULL
        if switch != ffi.NULL:
            ffi.release(switch)

    def command(self, frame: bytes, now_ns: int, fd: int = -1) -> None:
        """Carries out a command frame; the core owns 'fd' from here on."""
        code = lib.vs_switch_command(self._switch, frame, len(frame), fd, now_ns)
        if code:
            raise CoreProblem(-code, "the frame contradicts its own size")

    def event(self) -> tuple[bytes, int] | None:
        """The next event frame and the descriptor that goes along (the core's own, -1: none)."""
        fd = ffi.new("int *")
        n = lib.vs_switch_events(self._switch, self._buffer, FRAME_MAX, fd)
        return (bytes(ffi.buffer(self._buffer, n)), fd[0]) if n else None

    def tick(self, now_ns: int) -> None:
        """Expiry, packet-ins from poll threads, dead ports."""
        lib.vs_switch_tick(self._switch, now_ns)

    def poll(self, now_ns: int) -> int:
        """One turn over all ports on this thread; packets moved."""
        return int(lib.vs_switch_poll(self._switch, now_ns))

    def run(self, duration_ns: int) -> int:
        """Turns on this thread for that long; CPU time used, in ns."""
        return int(lib.vs_switch_run(self._switch, duration_ns))

    def stats(self) -> CoreStats:
        """The core's counters, over all bridges, as they are now."""
        out = ffi.new("vs_switch_stats *")
        lib.vs_switch_stats_get(self._switch, out)
        return CoreStats(
            out.hits, out.misses, out.stale, out.evictions, out.rules, out.version,
            out.packet_ins_lost, out.bad_messages,
        )  # fmt: skip

    def mem_send(self, bridge: int, port: int, frame: bytes) -> None:
        """Puts a frame into a memory port's receive queue; CoreProblem when it can't."""
        code = lib.vs_mem_send(self._switch, bridge, port, frame, len(frame))
        if code:
            raise CoreProblem(-code, f"memory port {port}: {os.strerror(-code)}")

    def mem_receive(self, bridge: int, port: int) -> bytes | None:
        """The oldest frame that left by a memory port, or None."""
        n = lib.vs_mem_receive(self._switch, bridge, port, self._buffer, FRAME_MAX)
        if n < 0:
            raise CoreProblem(errno.ENOENT, f"memory port {port}: there is none")
        return bytes(ffi.buffer(self._buffer, n)) if n else None
