"""Renders values as text, JSON and Markdown: same value, same bytes. Reads no clock, no file and no terminal."""
