"""What a check finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from celery.exceptions import CeleryError
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from shared.errors import IngestError
from stack.stack_errors import StackError

# What a server, a disk or a network may raise; anything else is a mistake of the doctor's own.
_TROUBLE: Final = (SQLAlchemyError, RedisError, KombuError, CeleryError, IngestError, StackError, OSError)


class Level(StrEnum):
    """`warning`: it works, and should be changed all the same. `problem`: something does not work, or is not safe."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`check`: a name that stays the same. `advice`: what to do, empty if there is nothing to do."""

    check: str
    level: Level
    message: str
    advice: str = ""


Check = Callable[[], Iterator[Finding]]


def ok(check: str, message: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, advice: str) -> Finding:
    """It should be changed."""
    return Finding(check, Level.WARNING, message, advice)


def problem(check: str, message: str, advice: str) -> Finding:
    """It must be repaired."""
    return Finding(check, Level.PROBLEM, message, advice)


def found(name: str, check: Check) -> list[Finding]:
    """What a check finds; if it cannot be carried out, that is a problem itself."""
    findings: list[Finding] = []
    try:
        findings.extend(check())
    except _TROUBLE as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()
        shown = reason[0] if reason else type(error).__name__
        findings.append(problem(name, f"cannot be checked: {shown}", "Repair what it names, then look again."))
    return findings
