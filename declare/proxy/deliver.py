"""A new configuration comes into service in a running nginx container, or the old one stays there.

Two steps, so that all proxy hosts can test before the first one swaps: `prepare` changes nothing that is served.
At any moment the file that nginx would start with is one that nginx has tested.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from declare.model.engine import EngineWriter, FileContent
from declare.model.errors import EngineError, HostError
from declare.proxy.ask import ask_config
from declare.proxy.config import Acknowledgement, Answer, NginxConfig, hash_text, parse_answer
from declare.proxy.failure import ProxyNotAcknowledged, ProxyRefused
from declare.proxy.place import CANDIDATE, CONFIG, FOLDER, PREVIOUS
from declare.proxy.read import find_complaint, read_complaint, read_configs

ACK_TIMEOUT = 10.0
_POLL = 0.05
_WAY_ROUND_AFTER = 0.5

# The title alone does not tell the workers of before: for a moment after the signal they look like the new ones.
_WORKERS = 'grep -ls "^nginx: worker process" /proc/[0-9]*/cmdline'
_ENDING = 'grep -ls "^nginx: worker process is shutting down" /proc/[0-9]*/cmdline'
# The signal is sent from inside: the engine's own kill call takes it for a stop by hand, and would then leave nginx
# stopped when the host comes back.
_SWAP = f'{_WORKERS}; if [ -n "$3" ]; then ln -f "$1" "$2"; fi; mv -f "$0" "$1" && kill -HUP 1'
_ASK = (
    'curl --noproxy "*" -fsS -m 2 "http://$0:$1$2" || wget -q -T 2 -O - "http://$0:$1$2" ||'
    ' printf "GET %s HTTP/1.0\\r\\n\\r\\n" "$2" | nc "$3" "$1"'
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration that nginx accepted and does not serve yet; `previous` is the text that it serves.

    `keep`: that text is the live file's, which an apply that was cut off may have left otherwise.
    """

    engine: EngineWriter
    container_id: str
    config: NginxConfig
    previous: str | None = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Swapped:
    """A configuration in service. `workers` are the processes that may still serve the one before."""

    engine: EngineWriter
    container_id: str
    workers: frozenset[str]


def prepare(engine: EngineWriter, container_id: str, config: NginxConfig) -> Prepared:
    """Put the candidate beside the live file and let nginx test it. Raises ProxyRefused with nginx's own words."""
    texts = read_configs(engine, container_id)
    served = ask(engine, container_id, config.ack)
    known = [texts[name] for name in (CONFIG, PREVIOUS) if name in texts]
    previous = next((text for text in known if served and hash_text(text) == served.hash), next(iter(known), None))
    _write_candidate(engine, container_id, config)
    _test(engine, container_id)
    keep = previous is not None and previous == texts.get(CONFIG)
    return Prepared(engine, container_id, config, previous, keep)


def swap(prepared: Prepared, *, seconds: float = ACK_TIMEOUT) -> Swapped:
    """Put the candidate into service and wait until nginx answers its hash.

    Raises ProxyNotAcknowledged after `seconds`, when the previous configuration was put back.
    """
    engine, container_id, config = prepared.engine, prepared.container_id, prepared.config
    workers = _swap_in(engine, container_id, keep=prepared.keep)
    if await_config(engine, container_id, config, seconds=seconds):
        return Swapped(engine, container_id, workers)
    complaint = read_complaint(engine, container_id)
    restored = _put_back(prepared, seconds=seconds)
    raise ProxyNotAcknowledged(
        engine.host,
        "nginx did not take over the new configuration" + (f": {complaint}" if complaint else ""),
        restored=restored,
        help="the old configuration is back in service" if restored else "what nginx serves there is unknown",
    )


def await_workers(swapped: Swapped, *, drain: float) -> bool:
    """Whether all requests that began under the configuration before have ended, within `drain` seconds.

    Whatever `drain` is, it waits until none of those workers takes new requests any more.
    """
    start = time.monotonic()
    pause = 2 * _POLL
    while True:
        taking, ending = _workers_of_before(swapped)
        if not taking and not ending:
            return True
        left = start + (ACK_TIMEOUT if taking else drain) - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(1.0, 1.5 * pause)


def deliver(engine: EngineWriter, container_id: str, config: NginxConfig, *, drain: float) -> bool:
    """Prepare, swap and wait on one host; whether the requests under the configuration before have ended."""
    return await_workers(swap(prepare(engine, container_id, config)), drain=drain)


def await_config(
    engine: EngineWriter,
    container_id: str,
    config: NginxConfig,
    *,
    seconds: float,
    is_hopeless: Callable[[], bool] = lambda: False,
) -> bool:
    """Whether nginx comes to answer the configuration's hash in time; `is_hopeless` may end the wait before."""
    start = time.monotonic()
    deadline = start + seconds
    while (left := deadline - time.monotonic()) > 0:
        answer = ask_config(engine, config.ack, timeout=min(2.0, left))
        if answer is None and time.monotonic() - start > _WAY_ROUND_AFTER:
            answer = ask_inside(engine, container_id, config.ack)
        if answer is not None and answer.hash == config.hash:
            return True
        if answer is None and is_hopeless():
            return False
        time.sleep(_POLL)
    return False


def ask(engine: EngineWriter, container_id: str, ack: Acknowledgement) -> Answer | None:
    """What nginx says of itself, asked over its address, or from within its container if that can't be reached."""
    return ask_config(engine, ack) or ask_inside(engine, container_id, ack)


def ask_inside(engine: EngineWriter, container_id: str, ack: Acknowledgement) -> Answer | None:
    """The same with whatever client the image has."""
    words = [ack.host, str(ack.port), ack.path, ack.address or ack.host]
    try:
        _, output = engine.run_command(container_id, ["sh", "-c", _ASK, *words], timeout=10.0)
    except HostError:
        return None
    return next((answer for line in output.splitlines() if (answer := parse_answer(line))), None)


def write_config(engine: EngineWriter, container_id: str, config: NginxConfig, *, name: str) -> None:
    """`config` as a file of that name, after the files that it refers to."""
    by_folder: dict[str, dict[str, FileContent]] = {}
    for path, content in sorted(config.files.items()):
        folder, _, file = path.rpartition("/")
        by_folder.setdefault(folder, {})[file] = content
    for folder, files in by_folder.items():
        engine.write_files(container_id, folder, files)
    engine.write_files(container_id, FOLDER, {name: FileContent(config.text.encode())})


def _write_candidate(engine: EngineWriter, container_id: str, config: NginxConfig) -> None:
    write_config(engine, container_id, config, name=CANDIDATE)


def _test(engine: EngineWriter, container_id: str) -> None:
    code, output = engine.run_command(container_id, ["nginx", "-t", "-q", "-c", _path(CANDIDATE)], timeout=30.0)
    if code:
        said = find_complaint(output) or output.strip().rpartition("\n")[2]
        raise ProxyRefused(engine.host, f"nginx refuses the new configuration: {said}", help="nothing was changed")


def _swap_in(engine: EngineWriter, container_id: str, *, keep: bool) -> frozenset[str]:
    names = [_path(CANDIDATE), _path(CONFIG), _path(PREVIOUS), "keep" if keep else ""]
    return _processes(_run(engine, container_id, ["sh", "-c", _SWAP, *names]))


def _put_back(prepared: Prepared, *, seconds: float) -> bool:
    """The previous configuration into service by the same steps as any other; whether nginx answers its hash."""
    if prepared.previous is None:
        return False
    old = replace(prepared.config, text=prepared.previous, hash=hash_text(prepared.previous), files={})
    try:
        _write_candidate(prepared.engine, prepared.container_id, old)
        _test(prepared.engine, prepared.container_id)
        _swap_in(prepared.engine, prepared.container_id, keep=False)
        return await_config(prepared.engine, prepared.container_id, old, seconds=seconds)
    except HostError:
        return False


def _workers_of_before(swapped: Swapped) -> tuple[frozenset[str], frozenset[str]]:
    """Those that still take requests, and those that only end theirs."""
    script = f"{_WORKERS}; echo; {_ENDING}; true"
    listing, _, listed_ending = _run(swapped.engine, swapped.container_id, ["sh", "-c", script]).partition("\n\n")
    ending = _processes(listed_ending)
    return (swapped.workers & _processes(listing)) - ending, ending


def _processes(listing: str) -> frozenset[str]:
    return frozenset(line for line in listing.split() if line.startswith("/proc/"))


def _run(engine: EngineWriter, container_id: str, command: Sequence[str]) -> str:
    code, output = engine.run_command(container_id, command)
    if code:
        raise EngineError(engine.host, f"a command failed in the proxy container: {output.strip() or code}")
    return output


def _path(name: str) -> str:
    return f"{FOLDER}/{name}"
