"""Carrying a plan out: one engine call a step, hosts in parallel, every transition told. Decides nothing but what a
failure forces: the next free port, the way back."""
