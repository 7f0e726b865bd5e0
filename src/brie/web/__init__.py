"""The viewer: a local web app over a project's store, and the blind voting page."""

from brie.web.server import PORT, serve

__all__ = ["PORT", "serve"]
