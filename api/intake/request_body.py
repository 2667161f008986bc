"""The body of an upload request: its media types, and the bytes of the file as they arrive.

RequestBody     the chunks of the body, as the client sends them
RawFile         the whole body is the file
MultipartFile   the file is the form's part `file`; nothing is spooled, other parts are skipped
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from fastapi import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from api.description.public_names import MULTIPART_TYPE, RAW_TYPES
from api.http_errors import FilenameRequired, IncompleteBody, MalformedMultipart, MissingFile, UnsupportedMediaType
from api.intake.content_disposition import filename_of
from api.intake.filenames import clean_filename
from shared.errors import TooLarge

FILE_PART: Final = "file"
# For boundaries, part headers and other fields.
MULTIPART_OVERHEAD_BYTES: Final = 256 * 1024
_MOST_PARTS: Final = 100
# It maps each byte to a character and back, so that a header in any other charset comes through unchanged.
_HEADER_CHARSET: Final = "latin-1"


class RequestBody:
    """The chunks of a request's body."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises `IncompleteBody` if the client disconnects."""
        is_complete = False
        while not is_complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise IncompleteBody("The connection ended before the whole body had arrived; nothing was kept.")
            is_complete = not message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk


class FileSource(Protocol):
    """The source of a file's bytes and name, and of the encoding that its Content-Type names.

    `filename` and `charset` are set when the first chunk is out; "" and None if there is none.
    """

    filename: str
    charset: str | None

    def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes as they arrive."""


class RawFile:
    """The whole body is the file; its name is in the query or in Content-Disposition."""

    def __init__(self, request: Request, body: RequestBody, filename: str | None) -> None:
        disposition = request.headers.get("content-disposition", "")
        self.filename = clean_filename(filename or _filename_of(disposition, in_form=False))
        self.charset = _parameters(request).get("charset")
        self._body = body
        if not self.filename:
            raise FilenameRequired(
                "A raw body needs a file name: add ?filename=movies.csv to the address, or send the header"
                ' Content-Disposition: attachment; filename="movies.csv".'
            )

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes."""
        return self._body.chunks()


class MultipartFile:
    """The part `file` of a form; a `filename` in the query takes precedence over the part's own."""

    def __init__(self, request: Request, body: RequestBody, filename: str | None) -> None:
        self._given_name = clean_filename(filename or "")
        self.filename = self._given_name
        self.charset: str | None = None
        self._body = body
        self._file: MultipartSegment | None = None
        self._part: MultipartSegment | None = None
        boundary = _parameters(request).get("boundary")
        if not boundary:
            raise MalformedMultipart("The Content-Type of a form must name its boundary.")
        self._parser = PushMultipartParser(boundary, max_segment_count=_MOST_PARTS, header_charset=_HEADER_CHARSET)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of the part `file`; raises `MissingFile`, `FilenameRequired` and `MalformedMultipart`."""
        overhead = 0
        async for chunk in self._body.chunks():
            pieces = self._parse(chunk)
            overhead += len(chunk) - sum(map(len, pieces))
            if overhead > MULTIPART_OVERHEAD_BYTES:
                raise TooLarge(f"The form holds more than {MULTIPART_OVERHEAD_BYTES} bytes besides the file.")
            for piece in pieces:
                yield piece
        self._parse(b"")  # the end: raises if the form is incomplete
        if self._file is None:
            raise MissingFile("The form has no part named `file`.")

    def _parse(self, chunk: bytes) -> list[bytes]:
        """The bytes of this chunk that belong to the file."""
        pieces = []
        try:
            for event in self._parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is not None and self._part is self._file:
                    pieces.append(bytes(event))
        except MultipartError as error:
            raise MalformedMultipart("The multipart body cannot be parsed.") from error
        return pieces

    def _begin(self, part: MultipartSegment) -> None:
        self._part = part
        if part.name != FILE_PART:
            return
        if self._file is not None:
            raise MissingFile("The form has more than one part named `file`; upload one file at a time.")
        self._file = part
        self.charset = part.charset
        self.filename = self._given_name or clean_filename(_filename_of(part["Content-Disposition"], in_form=True))
        if not self.filename:
            raise FilenameRequired('The part `file` has no file name: send filename="movies.csv" with it.')


def _filename_of(disposition: str, *, in_form: bool) -> str:
    return filename_of(disposition.encode(_HEADER_CHARSET), in_form=in_form) or ""


def _parameters(request: Request) -> dict[str, str]:
    """Of the request's Content-Type."""
    parameters: dict[str, str] = parse_options_header(request.headers.get("content-type", ""))[1]
    return parameters


def file_source(
    request: Request, body: RequestBody, filename: str | None, raw_types: Sequence[str] = RAW_TYPES
) -> FileSource:
    """The source of the request's file, by its Content-Type; raises `UnsupportedMediaType`, `FilenameRequired`.

    `raw_types`: those of a body that is the file itself.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(
            "Content-Encoding is not supported; send a compressed file as it is, with a name such as movies.csv.gz."
        )
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == MULTIPART_TYPE:
        return MultipartFile(request, body, filename)
    if media_type and media_type not in raw_types:
        raise UnsupportedMediaType(
            "Send the file as the part `file` of multipart/form-data, or as the raw body with a type such as"
            f" {raw_types[1]}.",
            {"supported": [MULTIPART_TYPE, *raw_types]},
        )
    return RawFile(request, body, filename)
