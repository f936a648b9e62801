"""What every verb shares for one run: the global options, the two output streams, and the project they open."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from declare.flow.project import Project
    from declare.model.canonical import Json
    from declare.model.problem import Problem
    from declare.show.lines import Line
    from declare.show.plan import Header


@dataclass(slots=True)
class Session:
    """The global options as given, and where to write. `json` is set by verbs that have the option."""

    inventory: str | None = None
    files: tuple[str, ...] = ()
    color: str = "auto"
    debug: bool = False
    input: TextIO = field(default_factory=lambda: sys.stdin)
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    _header: "Header | None" = None

    def open_project(self, *, manifests: bool = True) -> "Project":
        """The inventory and, for most verbs, the manifests, read and checked. Raises InputError with all problems."""
        from declare.flow.project import ProjectOptions, open_project

        options = ProjectOptions(self.inventory, self.files, manifests, dict(os.environ), self.input)
        return open_project(options)

    def show(self, lines: "Iterable[Line]") -> None:
        """Write lines to standard output: results."""
        self._write(self.out, lines)

    def tell(self, lines: "Iterable[Line]") -> None:
        """Write lines to standard error: progress and problems."""
        self.out.flush()
        self._write(self.err, lines)

    def tell_problems(self, problems: "Sequence[Problem]") -> None:
        """Write problems to standard error, and where a workflow runs, beside the lines they are about."""
        from declare.cli.github import annotate
        from declare.show.problems import show_problems

        if problems:
            self.tell(show_problems(problems))
            annotate(self.err, problems)

    def print_text(self, text: str) -> None:
        """Write a finished document to standard output."""
        self.out.write(text)
        self.out.flush()

    def print_json(self, document: "Json") -> None:
        """Write a JSON document to standard output."""
        from declare.show.json import render_json

        self.print_text(render_json(document))

    def header(self, project: "Project") -> "Header":
        """What a plan of this project was made from; asked once a run."""
        if self._header is None:
            import declare
            from declare.show.plan import Header

            self._header = Header(declare.__version__, project.inventory.path, project.git)
        return self._header

    def paints(self, stream: TextIO) -> bool:
        """Whether a stream gets colour: --color, then NO_COLOR and TERM, then whether it is a terminal."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return stream.isatty()

    def width(self, stream: TextIO) -> int | None:
        """The columns of a terminal; None for anything else, which is never folded."""
        if not stream.isatty():
            return None
        try:
            columns = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        return max(columns, 40) if columns else 80  # 0: a terminal that does not know

    def options_text(self) -> str:
        """The global options that a following command must repeat to mean the same."""
        import shlex

        given = ["-i", self.inventory] if self.inventory and not os.environ.get("DECLARE_INVENTORY") else []
        for file in self.files:
            given += ["-f", file]
        return "".join(f" {shlex.quote(part)}" for part in given)

    def _write(self, stream: TextIO, lines: "Iterable[Line]") -> None:
        from declare.show.lines import to_text

        if self.paints(stream):
            from declare.show.terminal import paint

            stream.write(paint(lines, width=self.width(stream)))
        else:
            stream.write(to_text(lines, self.width(stream)))
        stream.flush()
