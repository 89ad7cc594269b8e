"""Vouch: ask your own documents; every sentence of an answer carries a checked quote."""

__version__ = "0.1.0"
