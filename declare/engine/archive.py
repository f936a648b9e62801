"""Tar archives as the engine's file calls carry them: a folder's files out, files in."""

import io
from collections.abc import Mapping

from declare.model.engine import FileContent


def unpack(archive: bytes) -> dict[str, bytes]:
    """The regular files right below the archive's one folder, by file name. Raises ValueError."""
    import tarfile

    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content and member.name.removeprefix("./").count("/") == 1:
                    files[member.name.rpartition("/")[2]] = content.read()
    except tarfile.TarError as error:
        raise ValueError(str(error)) from error
    return dict(sorted(files.items()))


def pack(files: Mapping[str, FileContent], *, folder: str = "") -> bytes:
    """An archive of these files, below `folder` if given; nothing in it depends on the time."""
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, file in sorted(files.items()):
            member = tarfile.TarInfo(f"{folder.strip('/')}/{name}".lstrip("/"))
            member.size, member.mode, member.uid, member.gid = len(file.content), file.mode, file.uid, file.gid
            tar.addfile(member, io.BytesIO(file.content))
    return packed.getvalue()


EMPTY = bytes(1024)
"""An archive without a file."""
