"""`python3 -m tests.images [WORD…]`: builds the images, and with words loads them with `docker WORD… load`."""

import subprocess
import sys

from tests.images import IMAGES, build
from tests.images.catalog import MissingPrograms

try:
    archive = build()
except MissingPrograms as error:
    sys.exit(f"error: {error}")
if sys.argv[1:]:
    with archive.open("rb") as file:
        sys.exit(subprocess.run(["docker", *sys.argv[1:], "load", "--quiet"], stdin=file, check=False).returncode)
print(archive, *IMAGES, sep="\n")
