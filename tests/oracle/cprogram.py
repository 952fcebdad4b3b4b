"""Compiles a small C program of tests/c over the packet room, sanitized, and feeds it frames."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.kit import needs

ROOT = Path(__file__).parents[2]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def _environment() -> dict[str, str]:
    """Without LD_PRELOAD: the compiler does not want a sanitizer that was meant for Python."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def build(name: str, folder: Path) -> Path:
    """The program tests/c/NAME.c, compiled into 'folder'; skips the test without a compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        needs.lack("a C compiler", "apt install gcc")
    sources = [ROOT / "tests/c" / f"{name}.c", *sorted((ROOT / "datapath/src/packet").glob("*.c"))]
    program = folder / name
    flags = ["-std=gnu11", "-O1", "-g", f"-I{ROOT / 'datapath/src'}"]
    subprocess.run(
        [compiler, *flags, *SANITIZERS, *map(str, sources), "-o", str(program)],
        check=True,
        env=_environment(),
    )
    return program


def run(program: Path, records: Iterable[bytes]) -> bytes:
    """Writes each record behind its length (4 bytes, big-endian); returns what came out."""
    data = b"".join(struct.pack("!I", len(record)) + record for record in records)
    done = subprocess.run(
        [str(program)], input=data, capture_output=True, check=False, env=_environment()
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout
