"""The HTTP client of the API, with one method per use. Answers that are not a success become exceptions."""

import ipaddress
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from cli.client.client_errors import Json, ProblemError, UnreachableError, no_key, not_ours, problem_of, unreachable
from cli.sending.files import OpenFile
from shared.database.state_machine import ACTIVE_STATES
from shared.keys.api_key import parse_key

API_PREFIX = "/api/v1"

# The API reads no more of a file for a preview.
PREVIEW_BYTES = 1024 * 1024
FIRST_POLL_SECONDS = 0.1
LONGEST_POLL_SECONDS = 1.0
# A restart of the API takes a few seconds and harms no upload, so `watch` continues for this long without answers.
OUTAGE_SECONDS = 60.0
FIRST_SERVER_ERROR = 500
TOO_MANY_REQUESTS = 429

# The API answers an upload only when the whole file is on its disk, so the answer may take long.
_TIMEOUT = httpx.Timeout(30.0, connect=5.0, read=300.0, write=300.0)

Params = dict[str, str | int | bool | None]


class ApiClient:
    """A connection pool to one API, for one tenant (None: the server's default). A context manager.

    It sends `api_key` with each request; raises `NoKeyError` if the key is malformed.
    """

    def __init__(self, api_url: str, tenant: str | None, api_key: str | None = None) -> None:
        self.api_url = api_url.rstrip("/")
        self.tenant = tenant
        if api_key and parse_key(api_key) is None:
            raise no_key()
        self._http = httpx.Client(
            base_url=self.api_url + API_PREFIX,
            headers=_present({"X-Tenant": tenant or None, "X-API-Key": api_key or None}),
            timeout=_TIMEOUT,
            # a proxy from the environment cannot reach loopback addresses of this machine
            trust_env=not _is_loopback(self.api_url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def page(self, path: str, params: Params) -> Json:
        """A page of the list at `path`; parameters that are None are not sent."""
        return self._json("GET", path, params, "items")

    def document(self, path: str, member: str) -> Json:
        """The document at `path`, which has this member."""
        return self._json("GET", path, {}, member)

    def ask(self, path: str, params: Params) -> Json:
        """Ask for what happens at `path`; return what came of it."""
        return self._json("POST", path, params, "id")

    def act(self, upload_id: object, action: str, if_match: str | None = None) -> Json:
        """Apply, cancel, retry or undo an upload, and return the upload after that."""
        headers = _present({"If-Match": if_match})
        return self._json("POST", f"/uploads/{upload_id}/{action}", {}, "id", headers)

    def send_document(
        self,
        method: str,
        path: str,
        document: Json,
        member: str,
        params: Params | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """Send a JSON document to `path`; return the answer, which has this member."""
        headers = _present({"Idempotency-Key": idempotency_key})
        try:
            response = self._http.request(method, path, params=_present(params or {}), headers=headers, json=document)
        except httpx.TransportError as error:
            raise unreachable(self.api_url, error) from error
        return _checked(response, member)

    def delete(self, path: str, params: Params) -> None:
        """Delete what is at `path`."""
        try:
            response = self._http.delete(path, params=_present(params))
        except httpx.TransportError as error:
            raise unreachable(self.api_url, error) from error
        if response.is_error:
            raise problem_of(response)

    def preview(self, file: OpenFile, params: Params) -> Json:
        """What the file would become; only its beginning is sent."""
        beginning = b""
        for block in file.blocks(lambda _done: None):
            beginning += block
            if len(beginning) > PREVIEW_BYTES:
                break
        asked = _present({"filename": file.name, **params})
        try:
            response = self._http.post("/preview", params=asked, content=beginning)
        except httpx.TransportError as error:
            raise unreachable(self.api_url, error) from error
        return _checked(response, "dialect")

    def upload(
        self,
        file: OpenFile,
        params: Params,
        on_sent: Callable[[int], None],
        path: str = "/upload",
        idempotency_key: str | None = None,
    ) -> Json:
        """Stream `file` to `path` as the raw body, in constant memory; `on_sent` gets the bytes sent so far.

        Without a size the body goes out in chunks. Raises `ClientError`.
        """
        headers = _present({"Content-Length": file.size, "Idempotency-Key": idempotency_key})
        headers["Content-Type"] = "application/octet-stream"
        try:
            response = self._http.post(path, params=_present(params), headers=headers, content=file.blocks(on_sent))
        except httpx.TransportError as error:
            raise unreachable(self.api_url, error) from error
        return _checked(response, "id")

    def blocks(self, path: str, params: Params) -> Iterator[bytes]:
        """The body of the answer, block by block as it arrives: for downloads of any size."""
        try:
            with self._http.stream("GET", path, params=_present(params)) as response:
                if response.is_error:
                    response.read()
                    raise problem_of(response)
                yield from response.iter_bytes()
        except httpx.TransportError as error:
            raise unreachable(self.api_url, error) from error

    def watch(self, upload_id: str) -> Iterator[Json]:
        """Poll the upload until it is no longer active; yields each answer, the last one included."""
        pause, last_answer = FIRST_POLL_SECONDS, time.monotonic()
        while True:
            try:
                upload = self._json("GET", f"/uploads/{upload_id}", {}, "id")
            except (ProblemError, UnreachableError) as error:
                if _is_final(error) or time.monotonic() - last_answer > OUTAGE_SECONDS:
                    raise
            else:
                last_answer = time.monotonic()
                yield upload
                if upload["state"] not in ACTIVE_STATES:
                    return
            time.sleep(pause)
            pause = min(pause * 1.3, LONGEST_POLL_SECONDS)

    def _json(self, method: str, path: str, params: Params, member: str, headers: dict[str, str] | None = None) -> Json:
        try:
            response = self._http.request(method, path, params=_present(params), headers=headers)
        except httpx.TransportError as error:
            raise unreachable(self.api_url, error) from error
        return _checked(response, member)


def _checked(response: httpx.Response, member: str) -> Json:
    """The JSON object of the answer; an object without `member` cannot come from this API."""
    if response.is_error:
        raise problem_of(response)
    try:
        body = response.json()
    except ValueError as error:
        raise not_ours(response) from error
    if not isinstance(body, dict) or member not in body:
        raise not_ours(response)
    return body


def _present(params: Params) -> dict[str, str]:
    present: dict[str, str] = {}
    for name, value in params.items():
        if value is not None:
            present[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return present


def _is_final(error: ProblemError | UnreachableError) -> bool:
    # a limit on requests is over within a minute
    return isinstance(error, ProblemError) and error.status < FIRST_SERVER_ERROR and error.status != TOO_MANY_REQUESTS


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
