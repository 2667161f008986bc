"""Streaming one upload into storage: the network fills a block while a thread works on the block before."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, ParamSpec, TypeVar, cast

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from api.http_errors import LimitReached
from api.intake.request_body import MULTIPART_OVERHEAD_BYTES, FileSource, MultipartFile, RequestBody, file_source
from api.limits.upload_quota import ByteMeter
from api.runtime import Runtime
from shared.csv.sniff import HeaderMatcher, TextOptions
from shared.errors import TooLarge
from shared.ingest.intake.file_intake import FileIntake, StagedFile
from shared.ingest.intake.idempotency import LEASE_SECONDS, Reservation, renew
from shared.settings import Settings

# Large enough that handing a block to a thread costs nothing beside hashing and writing it; an upload holds two of
# them at most, and the server's own buffer.
BLOCK_BYTES: Final = 1024 * 1024

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger()


class IntakeStream:
    """Feeds a `FileIntake`, which is synchronous, in threads: never two calls at a time, at most two blocks in memory."""

    def __init__(self, open_intake: Callable[[], FileIntake]) -> None:
        self._open_intake = open_intake
        self._intake: FileIntake | None = None
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

    async def finish(self) -> StagedFile:
        """The stored file, once every byte is on the disk."""
        intake = await self.open()
        if self._waiting:
            await self._feed_waiting()
        await self._idle()
        return await self._done(self._start(intake.finish))

    async def abort(self) -> None:
        """Leave nothing behind; safe at any moment."""
        if self._working is not None:
            await asyncio.gather(self._working, return_exceptions=True)
        if self._intake is not None:
            await asyncio.to_thread(self._intake.abort)

    async def open(self) -> FileIntake:
        """The receiver; a wrong name is refused here, before the rest of the file is sent."""
        if self._intake is None:
            self._intake = await self._done(self._start(self._open_intake))
        return self._intake

    async def _feed_waiting(self) -> None:
        intake = await self.open()
        block = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        await self._idle()
        self._start(intake.feed, block)

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


async def stage_file(
    request: Request,
    runtime: Runtime,
    filename: str | None,
    options: TextOptions,
    matcher: HeaderMatcher,
    meter: ByteMeter,
    reservation: Reservation | None = None,
    settings: Settings | None = None,
) -> StagedFile:
    """Store the request's file; after any error nothing is left of it.

    `meter` counts its bytes. An idempotency key's `reservation` is held for as long as they arrive. `settings`: limits,
    if not the usual ones.
    """
    async with _held(runtime, reservation):
        source = file_source(request, RequestBody(request), filename)
        limits = settings or runtime.settings
        return await _receive(
            request,
            source,
            limits,
            meter,
            lambda: FileIntake(runtime.storage, limits, source.filename, options, matcher),
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
    request: Request, source: FileSource, limits: Settings, meter: ByteMeter, open_intake: Callable[[], FileIntake]
) -> StagedFile:
    overhead = MULTIPART_OVERHEAD_BYTES if isinstance(source, MultipartFile) else 0
    _refuse_too_large(request, limits.max_upload_bytes, overhead)
    stream = IntakeStream(open_intake)
    try:
        if source.filename:
            await stream.open()  # before a client is told that it may send
        async for chunk in source.chunks():
            await meter.add(len(chunk))
            await stream.add(chunk)
        await meter.settle()
        return await stream.finish()
    except BaseException as error:
        log.info("upload_aborted", error=type(error).__name__)
        await asyncio.shield(stream.abort())
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
