"""nginx: a model's configuration as text, and its way to a host, reached only through the engine's protocol."""
