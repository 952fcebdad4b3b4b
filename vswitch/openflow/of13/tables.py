"""The shape that each file of this folder fills in: numbers, classes, and their layouts."""

from __future__ import annotations

from typing import Any

from datapath.wire import Codec

Entry = tuple[type[Any], Codec[Any]]
Entries = dict[int, Entry]
"""Number of a message or multipart type -> its class and how that lies in bytes."""
