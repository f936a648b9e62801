"""What declare asks of one Docker engine: reading and writing apart, so that a plan can't write."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from declare.model.canonical import Json
from declare.model.observed import Container, EngineInfo, Image, PortBinding, Volume

if TYPE_CHECKING:
    import socket


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file put into a container."""

    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class ContainerRequest:
    """All that a new container needs. `spec` is the app's container spec in manifest terms; `image` an image's ID or
    reference; `environment` is given besides the spec's own; `volumes` maps a volume's manifest name to Docker's.
    """

    name: str
    image: str
    labels: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Json] = field(default_factory=dict)
    bindings: tuple[PortBinding, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: Mapping[str, str] = field(default_factory=dict)
    secrets_volume: bool = False


class EngineReader(Protocol):
    """Calls that change nothing. Each has a deadline; each raises Unreachable or EngineError."""

    host: str
    address: str

    def read_info(self) -> EngineInfo: ...

    def list_containers(self) -> Sequence[Container]:
        """All containers in any state, by name; without `settings`, `exit_code` and what only an inspection tells."""
        ...

    def inspect_container(self, container_id: str) -> Container: ...

    def list_images(self) -> Sequence[Image]: ...

    def inspect_image(self, reference: str) -> Image: ...

    def list_volumes(self) -> Mapping[str, Volume]:
        """All volumes by name."""
        ...

    def read_files(self, container_id: str, folder: str) -> Mapping[str, bytes]:
        """The regular files right below a folder of a container, running or not, by file name."""
        ...

    def read_logs(self, container_id: str, *, tail: int = 20) -> tuple[str, ...]: ...

    def resolve_digest(self, reference: str) -> str:
        """The digest that the registry has for a reference now, asked by the engine with this machine's login."""
        ...

    def save_image(self, reference: str) -> Iterator[bytes]: ...

    def connect(self, address: str, port: int, *, timeout: float) -> "socket.socket":
        """A TCP connection from where the engine is reached: through ssh for ssh hosts, straight otherwise."""
        ...

    def close(self) -> None: ...


class EngineWriter(EngineReader, Protocol):
    """Calls that change the host. A time-out leaves the outcome unknown: read again before the next decision."""

    def pull_image(self, reference: str, *, digest: str | None = None, platform: str | None = None,
                   progress: Callable[[str], None] | None = None) -> None:  # fmt: skip
        """Pull, pinned to `digest` if given, and tag it as `reference`."""
        ...

    def load_image(self, archive: Iterable[bytes]) -> None: ...

    def import_empty_image(self, reference: str) -> None:
        """Make an image without a file, for containers that are never started."""
        ...

    def create_container(self, request: ContainerRequest) -> str:
        """The new container's ID. Raises Conflict if the name is taken, NotFound if the image is missing."""
        ...

    def start_container(self, container_id: str) -> None:
        """Raises PortTaken if a host port is held by something else. Starting a running container is no error."""
        ...

    def stop_container(self, container_id: str, *, grace: float | None = None) -> None:
        """SIGTERM (or the container's own signal), then SIGKILL after `grace` seconds; None is the container's own."""
        ...

    def signal_container(self, container_id: str, signal: str) -> None: ...

    def remove_container(self, container_id: str, *, force: bool = False) -> None:
        """Remove it with its anonymous volumes; one that is gone already is no error."""
        ...

    def rename_container(self, container_id: str, name: str) -> None: ...

    def unpause_container(self, container_id: str) -> None: ...

    def update_container(self, container_id: str, settings: Mapping[str, Json]) -> None:
        """Set what can be altered in place, by manifest name, as Container.settings has them."""
        ...

    def write_files(self, container_id: str, folder: str, files: Mapping[str, FileContent]) -> None: ...

    def run_command(self, container_id: str, command: Sequence[str], *, timeout: float = 10.0) -> tuple[int, str]:
        """Run a command in a running container; its exit code and its output."""
        ...

    def create_volume(
        self, name: str, *, driver: str, driver_opts: Mapping[str, str], labels: Mapping[str, str]
    ) -> None: ...

    def remove_volume(self, name: str) -> None: ...
