"""declare as an installed wheel has it: compiled modules in a folder of their own, and the console script."""

import compileall
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_SCRIPT = """\
import sys
from declare.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""


class Installed:
    """A copy, so that neither a checkout without bytecode nor an editable install's finder is measured."""

    def __init__(self, site: Path) -> None:
        shutil.copytree(ROOT / "declare", site / "declare", ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(site, quiet=1)
        self.script = site / "run-declare"
        self.script.write_text(_SCRIPT)
        self._site = site

    @property
    def environment(self) -> dict[str, str]:
        """Ours without what changes how Python starts."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DECLARE_"))}
        return kept | {"PYTHONPATH": str(self._site)}

    def words(self, *arguments: str) -> list[str | Path]:
        return [sys.executable, self.script, *arguments]

    def python(self, code: str) -> list[str | Path]:
        """The same interpreter with other code: a floor."""
        return [sys.executable, "-c", code]
