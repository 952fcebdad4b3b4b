"""Writes the C source of the extension module `datapath._vswitch` (build time only).

`datapath/include/vswitch.h` is written in the subset of C that cffi reads, so the binding has
no second copy of any declaration: this script drops the preprocessor lines, keeps integer
`#define`s as constants, and lets cffi emit the C file that CMake then compiles.

    python build_ffi.py datapath/include/vswitch.h OUT.c
"""

import re
import sys
from pathlib import Path

from cffi import FFI

INTEGER_DEFINE = re.compile(r"#define\s+(\w+)\s+(0[xX][0-9a-fA-F]+|\d+)\s*(?:/\*.*\*/)?\s*$")


def declarations(header: str) -> str:
    """The header's text as cffi reads it: no preprocessor lines but integer constants."""
    lines = []
    for line in header.splitlines():
        if not line.startswith("#"):
            lines.append(line)
        elif define := INTEGER_DEFINE.match(line):
            lines.append(f"#define {define[1]} {define[2]}")
    return "\n".join(lines)


def emit(header: Path, output: Path) -> None:
    """Writes the extension's C source for `header` to `output`."""
    ffi = FFI()
    ffi.cdef(declarations(header.read_text(encoding="utf-8")))
    ffi.set_source("datapath._vswitch", f'#include "{header.name}"')
    ffi.emit_c_code(str(output))


if __name__ == "__main__":
    emit(Path(sys.argv[1]), Path(sys.argv[2]))
