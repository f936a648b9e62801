"""Measures declare as a user meets it, on hosts of its own, and what the same work costs at least."""
