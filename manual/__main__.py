"""`python -m manual FOLDER`: manual pages and completions, where share/ has them."""

from __future__ import annotations

import sys
from pathlib import Path

from manual.pages import PAGES, text
from vswitch.cli.shells import SCRIPTS

COMPLETIONS = {
    "bash": "bash-completion/completions/vswitch",
    "zsh": "zsh/site-functions/_vswitch",
    "fish": "fish/vendor_completions.d/vswitch.fish",
}


def write(folder: Path) -> None:
    """Writes all of them below 'folder'."""
    files = {f"man/{where}": text(page()) for where, page in PAGES.items()}
    files |= {where: SCRIPTS[shell] for shell, where in COMPLETIONS.items()}
    for where, content in files.items():
        path = folder / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
