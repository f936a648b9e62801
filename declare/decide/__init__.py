"""The deciding core: desired and observed in, a plan out. Pure: no clock, no randomness, no I/O, no map order."""
