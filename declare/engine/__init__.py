"""One host's Docker engine behind the Protocols of the model: reading and writing are two classes.

It knows one host at a time, decides nothing, and lets no reply of an engine reach the other rooms unparsed.
"""
