"""A stranger's tests of our switch, and what they say: `python -m tests.conformance`."""
