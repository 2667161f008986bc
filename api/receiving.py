"""Streaming one upload into storage: the network fills a block while a thread works on the block before."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, ParamSpec, TypeVar, cast

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from api.admission import ByteMeter
from api.body import MULTIPART_OVERHEAD_BYTES, FileSource, MultipartFile, RequestBody, file_source
from api.errors import LimitReached
from api.runtime import Runtime
from shared.errors import TooLarge
from shared.ingest.accept import ReceivedFile, Receiver
from shared.ingest.idempotency import LEASE_SECONDS, Reservation, renew
from shared.ingest.sniff import Wanted
from shared.settings import Settings

# Large enough that handing a block to a thread costs nothing beside hashing and writing it; an upload holds two of
# them at most, and the server's own buffer.
BLOCK_BYTES: Final = 1024 * 1024

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger()


class Intake:
    """Feeds a `Receiver`, which is synchronous, in threads: never two calls at a time, at most two blocks in memory."""

    def __init__(self, open_receiver: Callable[[], Receiver]) -> None:
        self._open_receiver = open_receiver
        self._receiver: Receiver | None = None
        self._working: asyncio.Future[object] | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    async def add(self, chunk: bytes) -> None:
        """Take a chunk of the file; the receiver's errors come out here or in `finish`."""
        await self.open()
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes >= BLOCK_BYTES:
            await self._feed_waiting()

    async def finish(self) -> ReceivedFile:
        """The stored file, once every byte is on the disk."""
        receiver = await self.open()
        if self._waiting:
            await self._feed_waiting()
        await self._idle()
        return await self._done(self._start(receiver.finish))

    async def abort(self) -> None:
        """Leave nothing behind; safe at any moment."""
        if self._working is not None:
            await asyncio.gather(self._working, return_exceptions=True)
        if self._receiver is not None:
            await asyncio.to_thread(self._receiver.abort)

    async def open(self) -> Receiver:
        """The receiver; a wrong name is refused here, before the rest of the file is sent."""
        if self._receiver is None:
            self._receiver = await self._done(self._start(self._open_receiver))
        return self._receiver

    async def _feed_waiting(self) -> None:
        receiver = await self.open()
        block = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        await self._idle()
        self._start(receiver.feed, block)

    def _start(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        future = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
        self._working = cast("asyncio.Future[object]", future)
        return future

    async def _idle(self) -> None:
        if self._working is not None:
            await self._done(self._working)

    async def _done(self, future: "asyncio.Future[T]") -> T:
        # Shielded: a request that is cancelled must not leave while its thread still writes.
        return await asyncio.shield(future)


async def receive_file(
    request: Request,
    runtime: Runtime,
    filename: str | None,
    wanted: Wanted,
    meter: ByteMeter,
    reservation: Reservation | None = None,
    settings: Settings | None = None,
) -> ReceivedFile:
    """Store the request's file; after any error nothing is left of it.

    `meter` counts its bytes. An idempotency key's `reservation` is held for as long as they arrive. `settings`: limits,
    if not the usual ones.
    """
    async with _held(runtime, reservation):
        source = file_source(request, RequestBody(request), filename)
        limits = settings or runtime.settings
        return await _receive(
            request, source, limits, meter, lambda: Receiver(runtime.storage, limits, source.filename, wanted)
        )


@asynccontextmanager
async def _held(runtime: Runtime, reservation: Reservation | None) -> AsyncIterator[None]:
    """Renew the reservation, if there is one, until the block ends."""
    if reservation is None:
        yield
        return
    holding = asyncio.create_task(_hold(runtime, reservation))
    try:
        yield
    finally:
        holding.cancel()


async def _hold(runtime: Runtime, reservation: Reservation) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        try:
            await asyncio.to_thread(renew, runtime.request_engine, reservation)
        except SQLAlchemyError as error:  # the next renewal, or `complete`, finds out what became of it
            log.warning("reservation_not_renewed", error=type(error).__name__)


async def _receive(
    request: Request, source: FileSource, limits: Settings, meter: ByteMeter, open_receiver: Callable[[], Receiver]
) -> ReceivedFile:
    overhead = MULTIPART_OVERHEAD_BYTES if isinstance(source, MultipartFile) else 0
    _refuse_too_large(request, limits.max_upload_bytes, overhead)
    intake = Intake(open_receiver)
    try:
        if source.filename:
            await intake.open()  # before a client is told that it may send
        async for chunk in source.chunks():
            await meter.add(len(chunk))
            await intake.add(chunk)
        await meter.settle()
        return await intake.finish()
    except BaseException as error:
        log.info("upload_aborted", error=type(error).__name__)
        await asyncio.shield(intake.abort())
        with suppress(LimitReached):
            await asyncio.shield(meter.settle())
        raise


def _refuse_too_large(request: Request, max_upload_bytes: int, overhead: int) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_upload_bytes + overhead:
        raise TooLarge(
            f"The upload announces {announced} bytes; the limit is {max_upload_bytes}.",
            {"max_upload_bytes": max_upload_bytes},
        )
