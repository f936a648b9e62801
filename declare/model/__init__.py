"""Values shared by every room: frozen, comparable, printable. No I/O, no clock, no third-party import."""
