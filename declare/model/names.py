"""The names of containers and volumes: how they are made, so that no two rooms make them differently."""

EMPTY_IMAGE = "declare.local/empty:1"


def replica_container(project: str, app: str, replica: str, generation: int) -> str:
    """PROJECT-APP-N-G."""
    return f"{project}-{app}-{replica}-{generation}"


def proxy_container(project: str, generation: int) -> str:
    """PROJECT.proxy-G; the dot can't stand in an app's name, so it never meets a replica."""
    return f"{project}.proxy-{generation}"


def record_container(project: str) -> str:
    """PROJECT.record, one on each host."""
    return f"{project}.record"


def lock_container(project: str) -> str:
    """PROJECT.lock, one on each host: the engine lets only one container have the name."""
    return f"{project}.lock"


def failed_container(name: str) -> str:
    """The name of a replica's container that failed and is kept stopped for its logs."""
    return f"{name}.failed"


def volume(project: str, name: str) -> str:
    """PROJECT_NAME, as in Compose."""
    return f"{project}_{name}"
