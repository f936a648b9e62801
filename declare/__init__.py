"""declare: say which containers shall run on plain Docker hosts, see what would change, apply it."""

__version__ = "0.1.0"
