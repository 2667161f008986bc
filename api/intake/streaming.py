"""Stream one upload into storage: the network fills a block while a thread works on the previous one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, ParamSpec, TypeVar, cast

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from api.intake.request_body import (
    MULTIPART_OVERHEAD_BYTES,
    FileSource,
    MultipartFile,
    RawFile,
    RequestBody,
    file_source,
)
from api.intake.text_parameters import with_charset
from api.intake.upload_quota import ByteMeter
from api.runtime import Runtime
from shared.csv.compression.registry import codec_of
from shared.csv.sniffing.sniff import HeaderMatcher, TextOptions
from shared.errors import LimitReached, TooLarge
from shared.ingest.intake.file_intake import FileIntake, StagedFile
from shared.ingest.intake.idempotency import LEASE_SECONDS, Reservation, renew
from shared.settings import Settings

# Large enough that handing a block to a thread costs nothing compared with hashing and writing it. An upload holds at
# most two blocks and the server's own buffer in memory.
BLOCK_BYTES: Final = 1024 * 1024

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger()


class IntakeStream:
    """Feed a `FileIntake`, which is synchronous, in threads: one call at a time, at most two blocks in memory."""

    def __init__(self, open_intake: Callable[[], FileIntake]) -> None:
        self._open_intake = open_intake
        self._intake: FileIntake | None = None
        self._working: asyncio.Future[object] | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    async def add(self, chunk: bytes) -> None:
        """Add a chunk of the file. Errors of the `FileIntake` are raised here or in `finish`."""
        await self.open()
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes >= BLOCK_BYTES:
            await self._feed_waiting()

    async def finish(self) -> StagedFile:
        """Wait until every byte is on the disk and return the stored file."""
        intake = await self.open()
        if self._waiting:
            await self._feed_waiting()
        await self._wait_until_idle()
        return await self._result_of(self._start(intake.finish))

    async def abort(self) -> None:
        """Stop and remove everything; can be called at any time."""
        if self._working is not None:
            await asyncio.gather(self._working, return_exceptions=True)
        if self._intake is not None:
            await asyncio.to_thread(self._intake.abort)

    async def open(self) -> FileIntake:
        """The `FileIntake`; opening it refuses a wrong file name before the client sends the rest of the file."""
        if self._intake is None:
            self._intake = await self._result_of(self._start(self._open_intake))
        return self._intake

    async def _feed_waiting(self) -> None:
        intake = await self.open()
        block = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        await self._wait_until_idle()
        self._start(intake.feed, block)

    def _start(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        future = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
        self._working = cast("asyncio.Future[object]", future)
        return future

    async def _wait_until_idle(self) -> None:
        if self._working is not None:
            await self._result_of(self._working)

    async def _result_of(self, future: "asyncio.Future[T]") -> T:
        # Shielded, because a cancelled request must not end while its thread still writes.
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
    member: str | None = None,
) -> StagedFile:
    """Store the request's file; after an error nothing of it remains.

    If `options` name no encoding, the `charset` of its Content-Type does; raises `UnknownEncoding`.
    `meter` counts the bytes. The `reservation` of an idempotency key is renewed while they arrive. `settings` overrides
    the limits of the runtime's settings. `member`: which member of an archive is the table.
    """
    source = file_source(request, RequestBody(request), filename)
    return await stage_source(request, runtime, source, options, matcher, meter, reservation, settings, member)


async def stage_source(
    request: Request,
    runtime: Runtime,
    source: FileSource,
    options: TextOptions,
    matcher: HeaderMatcher,
    meter: ByteMeter,
    reservation: Reservation | None = None,
    settings: Settings | None = None,
    member: str | None = None,
) -> StagedFile:
    """The same for a file from any source."""
    async with _renewed(runtime, reservation):
        limits = settings or runtime.settings
        return await _stream_file(
            request,
            source,
            limits,
            meter,
            lambda: FileIntake(
                runtime.storage, limits, source.filename, with_charset(options, source.charset), matcher, member
            ),
        )


@asynccontextmanager
async def _renewed(runtime: Runtime, reservation: Reservation | None) -> AsyncIterator[None]:
    """Keep renewing the reservation, if there is one, until the block ends."""
    if reservation is None:
        yield
        return
    renewing = asyncio.create_task(_keep_renewing(runtime, reservation))
    try:
        yield
    finally:
        renewing.cancel()


async def _keep_renewing(runtime: Runtime, reservation: Reservation) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        try:
            await asyncio.to_thread(renew, runtime.request_engine, reservation)
        except SQLAlchemyError as error:  # the next renewal, or `complete`, shows whether the reservation is lost
            log.warning("reservation_not_renewed", error=type(error).__name__)


async def _stream_file(
    request: Request, source: FileSource, limits: Settings, meter: ByteMeter, open_intake: Callable[[], FileIntake]
) -> StagedFile:
    overhead = MULTIPART_OVERHEAD_BYTES if isinstance(source, MultipartFile) else 0
    _refuse_too_large(request, limits.max_upload_bytes, overhead)
    stream = IntakeStream(open_intake)
    try:
        # Before the client gets "100 Continue". What the part of a form says is known later.
        if isinstance(source, RawFile):
            await stream.open()
        elif source.filename:
            codec_of(source.filename)  # it refuses names that are no table's
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
            f"Content-Length is {announced} bytes; the limit is {max_upload_bytes}.",
            {"max_upload_bytes": max_upload_bytes},
        )
