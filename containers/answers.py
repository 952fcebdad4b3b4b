"""What `vswitch ps -o json` says of a container.  Pure."""

from __future__ import annotations

from vswitch.shapes import FLAG, MOMENT, NULL, NUMBER, TEXT, Field, Shape, many

CONTAINER = Shape(
    "container", "A container of a run folder.",
    Field("name", TEXT, "its name"),
    Field("status", TEXT, "starting, running, detached, exited N, or killed"),
    Field("reason", TEXT | NULL, "of one that is detached: why it has no port"),
    Field("pid", NUMBER | NULL, "the process that keeps it, while it runs and can be seen here"),
    Field("bridge", TEXT | NULL, "the bridge that its port is on"),
    Field("port", TEXT | NULL, "its port's name"),
    Field("addresses", many(TEXT), "addresses of its interface"),
    Field("started", MOMENT, "when it was started"),
    Field("command", TEXT, "its first command"),
    Field("attached", FLAG, "whoever started it waits for it"),
    Field("log", TEXT | NULL, "of a detached one: the file with what it says"),
    name="{name}",
)  # fmt: skip
