"""Which image all containers of an app run, and which hosts have to get it first, from where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from declare.model.app import PullPolicy
from declare.model.observed import Container, Image
from declare.model.plan import ImagePull
from declare.model.problem import Problem, Source


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image reference as one app, or the proxy, uses it on some hosts."""

    reference: str
    user: str
    policy: PullPolicy = "missing"
    platform: str | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """`ids` by host are what a container there must run; a host that is missing in it lacks the image.

    `id` is the one for all of them, None if it is not known yet. `copy_from` is a host that has it, where no registry
    is known to.
    """

    use: ImageUse
    id: str | None = None
    digest: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    copy_from: str | None = None
    has_healthcheck: bool | None = None


def choose_image(
    use: ImageUse, hosts: Iterable[str], found: Mapping[str, Image], digests: Mapping[str, str]
) -> tuple[ImageChoice, Problem | None]:
    """The image for the hosts that run or will run it. A tag that means different images on them is a problem.

    `found` is what each host has under the reference, `digests` what the registry has.
    """
    if use.policy == "always" and use.reference in digests:
        return _choose_pinned(use, digests[use.reference], found), None
    own = {name: found[name] for name in hosts if name in found}
    if _differ(own.values()):
        return ImageChoice(use), _show_difference(use, own)
    known = own or ({} if _differ(found.values()) else found)
    if not known:
        return ImageChoice(use), None
    first = min(known)
    image = known[first]
    digest = _digest_of(image)
    ids = {name: other.id for name, other in found.items() if _same(other, image)}
    one = len(set(ids.values())) == 1
    return ImageChoice(
        use,
        id=image.id if one else None,
        digest=digest,
        ids=ids,
        copy_from=None if digest else first,
        has_healthcheck=image.has_healthcheck,
    ), None


def pull_images(choice: ImageChoice, hosts: Iterable[str]) -> tuple[ImagePull | None, Problem | None]:
    """What must be done so that new containers on these hosts find the image."""
    lacking = tuple(sorted(host for host in set(hosts) if host not in choice.ids))
    use = choice.use
    if not lacking:
        return None, None
    if use.policy == "never":
        problem = Problem(
            f"{use.user}: image {use.reference} is not on {_listed(lacking)}, and pull_policy is never",
            use.source,
            help="load the image there, or let declare pull it",
        )
        return None, problem
    return ImagePull(use.reference, lacking, choice.digest, use.platform, choice.copy_from), None


def differs(choice: ImageChoice, container: Container) -> bool:
    """Whether a container runs another image than the one that its reference means on its host now."""
    wanted = choice.ids.get(container.host)
    if wanted is not None:
        return container.image_id != wanted
    pinned = choice.digest is not None and choice.use.policy == "always"
    return pinned or (choice.id is not None and container.image_id != choice.id)


def short_id(image: str) -> str:
    """As Docker shows it: the algorithm and the first twelve digits."""
    algorithm, colon, digits = image.rpartition(":")
    return f"{algorithm}{colon}{digits[:12]}"


def _choose_pinned(use: ImageUse, digest: str, found: Mapping[str, Image]) -> ImageChoice:
    digest = digest.rpartition("@")[2]
    having = {name: image for name, image in found.items() if digest in map(_bare, image.digests)}
    ids = {name: image.id for name, image in having.items()}
    one = having[min(having)] if having else None
    return ImageChoice(
        use,
        id=one.id if one and len(set(ids.values())) == 1 else None,
        digest=digest,
        ids=ids,
        has_healthcheck=one.has_healthcheck if one else None,
    )


def _differ(images: Iterable[Image]) -> bool:
    distinct = list({image.id: image for image in images}.values())
    return any(not _same(image, distinct[0]) for image in distinct[1:])


def _same(one: Image, other: Image) -> bool:
    """Equal IDs, or one digest in common: hosts of several architectures have one tag, one digest and several IDs."""
    return one.id == other.id or not set(map(_bare, one.digests)).isdisjoint(map(_bare, other.digests))


def _digest_of(image: Image) -> str | None:
    return min(map(_bare, image.digests), default=None)


def _bare(digest: str) -> str:
    return digest.rpartition("@")[2]


def _show_difference(use: ImageUse, images: Mapping[str, Image]) -> Problem:
    hosts: dict[str, list[str]] = {}
    for name, image in sorted(images.items()):
        hosts.setdefault(image.id, []).append(name)
    parts = "; ".join(f"{short_id(image)} on {_listed(names)}" for image, names in sorted(hosts.items()))
    return Problem(
        f"{use.user}: {use.reference} is not the same image on all hosts: {parts}",
        use.source,
        help="pull it again on all of them, or name one by its digest",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
