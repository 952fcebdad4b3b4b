"""Measuring: how fast the switch is, on which machine, with which traffic. Not in the wheel."""
