"""The web app's server: `serve` opens it on loopback and blocks until it is stopped."""

from rag.server.serve import serve

__all__ = ["serve"]
