"""A package, not just a folder: others install `tests` of theirs, which would be found instead."""
