"""The images that tests and the quickstart deploy, assembled on this machine without an engine or a registry.

The same sources give the same bytes, so every engine that loads them shows the same image IDs.
"""

from tests.images.catalog import IMAGES, build

__all__ = ["IMAGES", "build"]
