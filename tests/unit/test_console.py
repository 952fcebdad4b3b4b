"""The kit that pastes a README's lines notices what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.console import Line, Shell, sections

README = """
# Title

## Installing
Text.

```console
# apt-get update
# vswitch --version
vswitch 0.1.0
```

```
# no console: a comment in a program
```

### Next

```console
# sleep 9 &
# vswitch port ls br0
BRIDGE  NUMBER  ...
br0     1       ...
...
```
"""


def test_lines_are_found_below_their_headings() -> None:
    assert sections(README) == {
        "Installing": [
            Line(8, "apt-get update", ""),
            Line(9, "vswitch --version", "vswitch 0.1.0"),
        ],
        "Next": [
            Line(20, "sleep 9 &", ""),
            Line(21, "vswitch port ls br0", "BRIDGE  NUMBER  ...\nbr0     1       ...\n..."),
        ],
    }


@pytest.mark.parametrize(
    ("shows", "output", "fits"),
    [
        ("", "anything\n", True),
        ("web", "web\n", True),
        ("web", "web1\n", False),
        ("web", "", False),
        ("a  b", "a     b  \n", True),
        ("time=... ms", "time=0.031 ms", True),
        ("time=... ms", "time=0.031 s", False),
        ("...\n1 received\n...", "PING\n64 bytes\n1 received\nrtt\n", True),
        ("...\n1 received\n...", "PING\n0 received\nrtt\n", False),
        ("a.c", "abc", False),
    ],
)
def test_what_is_shown_fits_or_not(shows: str, output: str, fits: bool) -> None:
    assert Line(1, "x", shows).fits(output) is fits


@pytest.fixture
def shell() -> Iterator[Shell]:
    with Shell(["bash"]) as shell:
        yield shell


def test_lines_share_a_shell(shell: Shell) -> None:
    shell.paste(Line(1, "export WHO=me", ""))
    shell.paste(Line(2, "echo $WHO; cat", "me"))  # and none of them reads what is pasted next
    shell.paste(Line(3, "(sleep 0.2; echo ready) &", "ready"))


def test_a_wrong_exit_code_and_a_wrong_output_are_told(shell: Shell) -> None:
    with pytest.raises(AssertionError, match=r"line 7, 'false' ended with 1"):
        shell.paste(Line(7, "false", ""))
    with pytest.raises(AssertionError, match=r"line 8, 'echo no' showed\s+no\s+and not\s+yes"):
        shell.paste(Line(8, "echo no", "yes"))
    with pytest.raises(AssertionError, match=r"took more than 0.2 s"):
        shell.paste(Line(9, "sleep 5", ""), seconds=0.2)


def test_a_shell_that_ends_is_told(shell: Shell) -> None:
    with pytest.raises(AssertionError, match="the shell ended at 'exit 0'"):
        shell.paste(Line(1, "exit 0", ""))
