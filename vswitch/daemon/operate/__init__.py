"""Carries out a plan's operations: the forwarder first, then the picture, then the peers."""
