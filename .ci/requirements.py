"""Prints what pip has to install for a purpose, one requirement a line, from pyproject.toml.

    python .ci/requirements.py build run test

`build` is the build back-end (we build without isolation, so that a rebuild takes seconds),
`run` the package's own dependencies, any other word the extra of that name.
"""

import sys
import tomllib
from pathlib import Path


def requirements(purposes: list[str]) -> list[str]:
    """The requirements of all `purposes`, in order, each once."""
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    settings = tomllib.loads(text)
    project = settings["project"]
    known = {
        "build": settings["build-system"]["requires"],
        "run": project["dependencies"],
        **project["optional-dependencies"],
    }
    return list(dict.fromkeys(line for purpose in purposes for line in known[purpose]))


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1:])))
