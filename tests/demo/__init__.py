"""The main job in one go, with the commands that people use: what `make demo` runs."""
