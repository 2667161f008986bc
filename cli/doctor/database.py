"""PostgreSQL: versions, roles, what waits for locks, and what the platform's own tables say."""

import time
from collections.abc import Iterator
from typing import Any, Final

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from cli.doctor.finding import Finding, ok, problem, warning
from cli.migrate import alembic_config
from shared.catalog.registry import Registry
from shared.database import lock_table
from shared.database.engine import API_ROLE, PlainSql
from shared.database.queries.health import locks_setting, schema_revision
from shared.ingest.merging import control
from shared.ingest.operating.tenant_settings import all_decided
from shared.ingest.system_figures import SystemFigures, measure

OLDEST_POSTGRES: Final = 15
_CLOCK_SECONDS: Final = 5.0
_LOCK_SECONDS: Final = 10
_TRANSACTION_SECONDS: Final = 3600
# Notifications are sent again after seconds; what waits so long has nobody who works on it, or too few who do.
_WAITING_SECONDS: Final = 300
_MANY_LEAVES: Final = 64
_MERGE_SECONDS: Final = 600

_VERSION: Final = text("SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000")
_HAS_TABLES: Final = text("SELECT to_regclass('public.alembic_version') IS NOT NULL")
_OWNER: Final = text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('public.uploads')")
_ROLE: Final = text("SELECT rolsuper OR rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = :role")
# Which migrations there are is no secret, so its table has no policies.
_OPEN: Final = text("""
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'alembic_version'
  AND has_any_column_privilege(:role, oid, 'SELECT, INSERT, UPDATE') AND NOT (relrowsecurity AND relforcerowsecurity)
ORDER BY relname
""")
_CLOSED: Final = text("""
SELECT name FROM unnest(ARRAY['uploads', 'batches', 'rejects', 'movies', 'api_keys']) AS name
WHERE NOT has_any_column_privilege(:role, to_regclass('public.' || name), 'SELECT')
""")
_CLOCK: Final = text("SELECT extract(epoch FROM clock_timestamp())::float8")
_LOCKS: Final = text("""
SELECT pid, coalesce(application_name, ''), extract(epoch FROM clock_timestamp() - query_start)::int,
       pg_blocking_pids(pid)
FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND cardinality(pg_blocking_pids(pid)) > 0
  AND query_start < clock_timestamp() - make_interval(secs => :seconds)
ORDER BY query_start
""")
_TRANSACTIONS: Final = text("""
SELECT pid, coalesce(application_name, ''), extract(epoch FROM clock_timestamp() - xact_start)::int
FROM pg_stat_activity
WHERE datname = current_database() AND xact_start < clock_timestamp() - make_interval(secs => :seconds)
  AND pid <> pg_backend_pid() AND backend_type = 'client backend'
ORDER BY xact_start
""")
_STALLED_MERGES: Final = text("""
SELECT count(*) FROM merges
WHERE NOT is_merged AND coalesce(lease_until, created_at) < clock_timestamp() - make_interval(secs => :seconds)
""")


def look(engine: Engine, registry: Registry) -> Iterator[Finding]:
    """Everything about it; raises errors of SQLAlchemy if it does not answer."""
    with engine.connect() as connection:
        yield from _server(connection)
        if not connection.scalar(_HAS_TABLES):
            yield problem("schema", "the database has no tables", "Run `imdb-ingest migrate`.")
            return
        yield from _schema(connection)
        yield from _roles(connection)
        yield from _waiting(connection)
        yield from _work(connection, registry)


def _server(connection: Connection) -> Iterator[Finding]:
    version, major = connection.execute(_VERSION).one()
    if major < OLDEST_POSTGRES:
        yield problem("postgresql", f"PostgreSQL {version} is too old", f"Use {OLDEST_POSTGRES} or newer.")
    else:
        yield ok("postgresql", f"PostgreSQL {version}")
    advice = lock_table.warning_of(connection.scalar(locks_setting()) or 0)
    yield ok("lock_table", "large enough") if advice is None else warning("lock_table", *advice.split(": ", 1))
    before = time.time()
    theirs = float(connection.scalar(_CLOCK) or 0)
    yield from clock("clock_of_postgresql", "PostgreSQL", theirs - (before + time.time()) / 2)


def clock(check: str, whose: str, ahead_seconds: float) -> Iterator[Finding]:
    """What it means that a clock is ahead of this machine's."""
    message = f"the clock of {whose} is {abs(ahead_seconds):.1f} s {'ahead' if ahead_seconds > 0 else 'behind'}"
    if abs(ahead_seconds) > _CLOCK_SECONDS:
        yield warning(check, message, "Let both machines take their time from NTP: logs and ages disagree otherwise.")
    else:
        yield ok(check, message)


def _schema(connection: Connection) -> Iterator[Finding]:
    revision = connection.scalar(schema_revision())
    scripts = ScriptDirectory.from_config(alembic_config())
    head = scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}
    if revision == head:
        yield ok("schema", f"revision {revision}")
    elif revision is None:
        yield problem("schema", "the schema has no revision", "A restore was interrupted: repeat it with --replace.")
    elif revision in known:
        yield problem("schema", f"revision {revision}, and this version has {head}", "Run `imdb-ingest migrate`.")
    else:
        yield problem("schema", f"revision {revision} is newer than this version", "Use the version that migrated it.")


def _roles(connection: Connection) -> Iterator[Finding]:
    role = {"role": API_ROLE}
    powers = connection.execute(_ROLE, role).one_or_none()
    if powers is None:
        yield problem("roles", f"the role {API_ROLE} is gone", "Restore a backup, or create it and grant its rights.")
        return
    sees_all, may_log_in = powers
    if sees_all or may_log_in:
        yield problem("roles", f"{API_ROLE} may do more than requests need", "Make it NOSUPERUSER NOBYPASSRLS NOLOGIN.")
    elif not connection.scalar(_OWNER):
        yield problem("roles", "DATABASE_URL does not name the owner of the tables", "Name the user that migrates.")
    else:
        yield ok("roles", f"requests have the role {API_ROLE}, which owns nothing")
    opened, closed = (list(connection.scalars(each, role)) for each in (_OPEN, _CLOSED))
    if opened:
        advice = "ENABLE and FORCE row level security again: requests see the rows of every tenant."
        yield problem("row_security", f"without row-level security: {', '.join(opened)}", advice)
    elif closed:
        yield problem(
            "row_security", f"{API_ROLE} has no rights on {', '.join(closed)}", "Grant them as migrations do."
        )
    else:
        yield ok("row_security", "on every table that requests reach")


def _waiting(connection: Connection) -> Iterator[Finding]:
    locks = connection.execute(_LOCKS, {"seconds": _LOCK_SECONDS}).all()
    if locks:
        pid, name, seconds, blockers = locks[0]
        message = f"{len(locks)} sessions wait for locks; {name} ({pid}) for {seconds} s, for {_numbers(blockers)}"
        yield warning(
            "locks", message, "Look at these sessions in pg_stat_activity; end one with pg_terminate_backend."
        )
    else:
        yield ok("locks", f"nobody waits longer than {_LOCK_SECONDS} s")
    old = connection.execute(_TRANSACTIONS, {"seconds": _TRANSACTION_SECONDS}).all()
    if old:
        pid, name, seconds = old[0]
        advice = "Vacuum cannot remove what died since then. End it if it is no backup and no export."
        yield warning("transactions", f"{name} ({pid}) has had one open for {seconds // 60} minutes", advice)
    else:
        yield ok("transactions", "none is older than an hour")


def _work(connection: Connection, registry: Registry) -> Iterator[Finding]:
    figures = measure(PlainSql(connection), registry)
    yield _queue(figures)
    yield _paused(connection)
    stalled = int(connection.scalar(_STALLED_MERGES, {"seconds": _MERGE_SECONDS}) or 0)
    if control.is_paused(PlainSql(connection)):
        advice = "`imdb-ingest merging show` says why; `imdb-ingest merging resume` lets it go on."
        yield warning("merging", "paused", advice)
    elif stalled and not any(figures.uploads.values()):
        advice = "No API and no worker goes on with them: look for `merging_failed` in their logs."
        yield warning("merging", f"{stalled} merges stand still", advice)
    elif figures.most_leaves > _MANY_LEAVES:
        advice = "Merging gives way to loads: let it catch up, or look for `merging_failed`."
        yield warning("merging", f"a collection has {figures.most_leaves} leaves", advice)
    else:
        yield ok("merging", f"{figures.merges} under way, at most {figures.most_leaves} leaves")


def _queue(figures: SystemFigures) -> Finding:
    active = sum(figures.uploads.values())
    message = f"{active} uploads wait or load, {figures.pending_batches} batches, {figures.leased_batches} of them held"
    if figures.oldest_waiting_seconds > _WAITING_SECONDS:
        waits = f"{message}; the oldest has waited for {figures.oldest_waiting_seconds / 60:.0f} minutes"
        if figures.leased_batches or figures.leased_publishings:
            return warning("loading", waits, "More is sent than is loaded: add workers, see docs/OPERATIONS.md.")
        return problem("loading", waits, "Nobody works on it: start a worker, and look at its log.")
    return ok("loading", message)


def _paused(connection: Connection) -> Finding:
    paused = [decided.tenant for decided in all_decided(connection) if decided.is_paused]
    if paused:
        advice = "`imdb-ingest admin resume TENANT` lets loaders go on."
        return warning("tenants", f"nothing is loaded of {', '.join(paused)}", advice)
    return ok("tenants", "none is paused")


def _numbers(values: list[Any]) -> str:
    return ", ".join(map(str, values))
