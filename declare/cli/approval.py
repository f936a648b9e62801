"""Asks before anything is changed: only `yes` counts, and where nobody can be asked nothing happens."""

from declare.cli.session import Session
from declare.model.errors import NotAllowed

_QUESTION = "Only yes is accepted as an answer: "


def require_somebody(session: Session, *, yes: bool) -> None:
    """Raise NotAllowed at once if approval will be needed and nobody could give it."""
    if yes:
        return
    if "-" in session.files:
        raise NotAllowed("nobody can be asked, as standard input is a manifest", help="add --yes")
    if not session.input.isatty():
        raise NotAllowed("nobody can be asked for approval, as standard input is no terminal", help="add --yes")


def ask(session: Session, *, yes: bool, question: str) -> None:
    """Raise NotAllowed unless the answer is `yes`."""
    if yes:
        return
    session.err.write(f"\n{question} {_QUESTION}")
    session.err.flush()
    answer = session.input.readline()
    if answer.strip() != "yes":
        raise NotAllowed("not approved: nothing was changed")
