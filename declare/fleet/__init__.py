"""All hosts together: the picture that is observed, and what the fleet itself remembers (record, lock, identity).

Knows engines only through the Protocols of the model, one per host. Decides nothing about apps.
"""
