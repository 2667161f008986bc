"""What a report for Sentry holds: what happened and where, and nothing of what was worked on."""

import subprocess
import sys
from typing import Any

import pytest

from shared.observability.error_reports import exception_of, report
from shared.tracebacks import ExceptionInfo
from tests.conftest import ROOT

SECRET = "secret-7d1f"


def raised(error: Exception, cause: Exception | None = None) -> ExceptionInfo:
    variable = SECRET
    try:
        raise error from cause  # noqa: TRY301  its traceback is what is looked at
    except Exception:  # noqa: BLE001  any
        assert variable
        kind, value, trace = sys.exc_info()
        assert kind is not None
        assert value is not None
        return kind, value, trace


def test_it_names_types_files_and_functions_and_no_value() -> None:
    line = {"service": "api", "trace_id": "t", "event": "request_failed", "reason": SECRET, "tenant": SECRET}
    event = report(raised(RuntimeError("broken"), ValueError(SECRET)), "error", line)
    first, last = event["exception"]["values"]
    assert (first["type"], first["value"]) == ("ValueError", "")
    assert (last["type"], last["module"], last["value"]) == ("RuntimeError", "builtins", "broken")
    [frame] = last["stacktrace"]["frames"]
    assert frame["filename"] == "tests/unit/observability/test_error_reports.py"
    assert frame["function"] == "raised"
    assert event["tags"] == {"service": "api", "trace_id": "t"}
    assert SECRET not in repr(event)


@pytest.mark.parametrize("how", ["true", "error", "tuple", "absent", "none"])
def test_the_exception_of_a_line_is_found_however_it_is_given(how: str) -> None:
    given = raised(RuntimeError("broken"))
    lines: dict[str, dict[str, Any]] = {
        "true": {"exc_info": True},
        "error": {"exc_info": given[1]},
        "tuple": {"exc_info": given},
        "absent": {},
        "none": {"exc_info": (None, None, None)},
    }
    try:
        raise given[1]
    except RuntimeError:
        found = exception_of(lines[how])
    assert (found and found[1]) == (given[1] if how in ("true", "error", "tuple") else None)


def test_nothing_of_it_is_imported_unless_it_is_asked_for() -> None:
    program = (
        "import sys, api.main, worker.app, shared.ingest.loading.background_loader;"
        "sys.exit(bool({'opentelemetry.exporter', 'opentelemetry.sdk.trace', 'sentry_sdk'} & set(sys.modules)))"
    )
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0
