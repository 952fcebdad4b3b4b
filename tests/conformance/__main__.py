"""What os-ken's switch tests say of our switch: python -m tests.conformance [VERSION] [--failed].

Needs no root, no network, no other process.  Exit code 1 when something failed that a right
switch passes.
"""

import argparse

from .osken_cases import VERSIONS, case_files
from .osken_table import outcomes, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("version", nargs="?", default="of13", choices=VERSIONS)
    parser.add_argument("--failed", action="store_true", help="tell every test that failed")
    asked = parser.parse_args()
    found = [one for file in case_files(asked.version) for one in outcomes(asked.version, file)]
    failed = [one for one in found if one.failed]
    print(table(found))
    if asked.failed:
        print("", *failed, sep="\n")
    return bool(failed)


raise SystemExit(main())
