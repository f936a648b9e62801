"""Image references taken apart, as the engine's image calls want them."""


def split_reference(reference: str) -> tuple[str, str]:
    """Name, and tag or digest ("latest" where neither is given): "a.io:5000/b:1" is ("a.io:5000/b", "1")."""
    name, at, digest = reference.partition("@")
    if at:
        return _cut_tag(name)[0], digest
    name, tag = _cut_tag(reference)
    return name, tag or "latest"


def registry_of(reference: str) -> str:
    """The registry's host that a reference names, "docker.io" where it names none."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def pin(reference: str, digest: str) -> str:
    """The same repository, at one digest."""
    return f"{split_reference(reference)[0]}@{digest}"


def _cut_tag(reference: str) -> tuple[str, str]:
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "")
