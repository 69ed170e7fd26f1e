"""Pixo: filter images of any size by tiles. This package is what the roles share; it knows none of them."""

__version__ = "0.1.0"
