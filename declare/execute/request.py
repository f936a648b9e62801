"""A replica's container as the engine shall make it: labels, ports, volumes and secrets put together."""

from declare.execute.execution import Execution
from declare.model.app import App, SecretUse
from declare.model.engine import ContainerRequest, FileContent
from declare.model.labels import write_labels
from declare.model.names import volume
from declare.model.observed import Ownership
from declare.model.plan import AppChange, Placed

SECRETS_FOLDER = "/run/secrets"


def build_request(execution: Execution, change: AppChange, app: App, replica: str, placed: Placed) -> ContainerRequest:
    """The request for one new container; secrets given as variables are in it, those given as files are not."""
    owner = Ownership(
        project=execution.project,
        role="replica",
        app=app.name,
        replica=replica,
        generation=placed.generation,
        revision=change.revision,
        spec=change.spec,
        ports=placed.bindings,
        operation=execution.operation,
    )
    return ContainerRequest(
        name=placed.name,
        image=app.image,
        labels=write_labels(owner),
        spec=app.container_spec,
        bindings=placed.bindings,
        environment={
            use.env: execution.secrets[use.name].reveal().decode("utf-8", "surrogateescape")
            for use in app.secrets
            if use.env
        },
        volumes=_volume_names(execution, app),
        secrets_volume=bool(app.spec.get("read_only")) and any(not use.env for use in app.secrets),
    )


def _volume_names(execution: Execution, app: App) -> dict[str, str]:
    declared = execution.desired.volumes
    mounted = [mount.source for mount in app.volumes if mount.kind == "volume" and mount.source]
    return {name: declared[name].name if name in declared else volume(execution.project, name) for name in mounted}


def secret_files(execution: Execution, app: App) -> dict[str, dict[str, FileContent]]:
    """The app's secrets that are files, by folder and file name."""
    folders: dict[str, dict[str, FileContent]] = {}
    for use in app.secrets:
        if not use.env:
            folder, _, name = _path(use).rpartition("/")
            content = FileContent(execution.secrets[use.name].reveal(), use.mode, use.uid, use.gid)
            folders.setdefault(folder or "/", {})[name] = content
    return folders


def _path(use: SecretUse) -> str:
    target = use.target or use.name
    return target if target.startswith("/") else f"{SECRETS_FOLDER}/{target}"
