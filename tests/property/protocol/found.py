"""Plays that broke something once, made small."""

from tests.property.protocol.play import Act

FOUND: dict[str, list[Act]] = {}
