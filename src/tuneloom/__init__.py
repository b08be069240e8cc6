"""Tuneloom: raw instruction data in; an evaluated, registered, reversible model out; every step visible."""

__version__ = "0.1.0"
