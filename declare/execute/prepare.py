"""What must be there before anything is changed: images on every host that will run them, then volumes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from declare.execute.execution import Execution
from declare.model.errors import Conflict, DeclareError, HostError
from declare.model.event import Failure
from declare.model.labels import PROJECT
from declare.model.plan import ImagePull, VolumeCreate


class NotPrepared(DeclareError):
    """An image could not be brought to a host, or a volume not be made: no app was touched."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("; ".join(f"{failure.host}: {failure.subject}: {failure.reason}" for failure in failures))
        self.failures = tuple(failures)


def pull_images(execution: Execution, pulls: Sequence[ImagePull]) -> None:
    """Bring each image to each host that lacks it, all at once. Raises NotPrepared with every host's reason."""
    wanted = [(pull, host) for pull in pulls for host in pull.hosts]
    if not wanted:
        return
    with ThreadPoolExecutor(max_workers=min(16, len(wanted))) as pool:
        futures = [(pull, host, pool.submit(_pull, execution, pull, host)) for pull, host in wanted]
    failures = []
    for pull, host, future in futures:
        error = future.exception()
        if isinstance(error, HostError):
            failures.append(Failure(f"image {pull.image}", host, error.reason))
        elif error:
            raise error
    if failures:
        raise NotPrepared(failures)
    for pull in pulls:
        _require_one_id(execution, pull)


def _pull(execution: Execution, pull: ImagePull, host: str) -> None:
    engine = execution.engines[host]
    subject = f"image {pull.image}"
    execution.interrupt.raise_if(1)
    if pull.copy_from:
        execution.tell(subject, "copying", host=host, detail=f"from {pull.copy_from}")
        engine.load_image(execution.engines[pull.copy_from].save_image(pull.image))
    else:
        execution.tell(subject, "pulling", host=host)
        engine.pull_image(pull.image, digest=pull.digest, platform=pull.platform)
    execution.tell(subject, "present", host=host)


def _require_one_id(execution: Execution, pull: ImagePull) -> None:
    """A tag that moved between two pulls would give two versions of one app."""
    ids = {host: execution.engines[host].inspect_image(pull.image).id for host in pull.hosts}
    if len(set(ids.values())) > 1:
        told = ", ".join(f"{host} has {image_id[:19]}" for host, image_id in sorted(ids.items()))
        raise Conflict(pull.hosts[0], f"{pull.image} is not the same image on all hosts: {told}")


def create_volumes(execution: Execution, volumes: Sequence[VolumeCreate]) -> None:
    """Make the volumes that replicas need; creating one that exists changes nothing. Raises NotPrepared."""
    for volume in volumes:
        try:
            execution.engines[volume.host].create_volume(
                volume.name,
                driver=volume.driver,
                driver_opts=volume.driver_opts,
                labels={**volume.labels, PROJECT: execution.project},
            )
        except HostError as error:
            raise NotPrepared([Failure(f"volume {volume.name}", error.host, error.reason)]) from error
        execution.tell(f"volume {volume.name}", "created", host=volume.host)
