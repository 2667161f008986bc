"""Faults of PostgreSQL and Valkey."""

import enum
import shutil
import time
from contextlib import closing

import redis

from stack.postgres import PostgresServer
from stack.valkey import ValkeyServer


class Emptying(enum.Enum):
    """FLUSHALL is denied by the server's own rules; both have its effect."""

    LIVE = "keys deleted"
    FILES = "killed, files removed"


def crash_postgres(server: PostgresServer, seconds: float) -> None:
    """Immediate stop, then a start with crash recovery."""
    server.stop(immediate=True)
    time.sleep(seconds)
    server.start()


def kill_valkey(server: ValkeyServer, seconds: float) -> None:
    """SIGKILL, then a start with what its append-only file kept."""
    server.kill()
    time.sleep(seconds)
    server.start()


def empty_valkey(server: ValkeyServer, how: Emptying) -> None:
    """Every queue, binding and message is gone."""
    if how is Emptying.LIVE:
        with closing(redis.Redis.from_url(server.url, socket_timeout=5)) as client:
            keys = list(client.scan_iter(count=1000))
            if keys:
                client.delete(*keys)
        return
    server.kill()
    for path in server.directory.glob("appendonly*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    server.start()
