"""Vouch: ask your own documents; every sentence of an answer carries a quote that code has checked."""

__version__ = "0.1.0"
