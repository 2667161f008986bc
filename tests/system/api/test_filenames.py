import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from api.intake.filenames import MAX_NAME_BYTES, clean_filename
from stack.local import LocalStack
from tests.system.api.name_corpus import NAMES
from tests.system.api.sending import movies_csv

FILE = movies_csv([{"title": "Metropolis"}])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("movies.csv", "movies.csv"),
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\films.tsv", "films.tsv"),
        ("/", ""),
        ("..", ""),
        (".csv", "csv"),
        ("  spaced name.csv ", "spaced name.csv"),
        ("a\x00b\r\nc.csv", "abc.csv"),
        ("\u202egnp.csv", "gnp.csv"),  # a right-to-left override
        ("Ame\u0301lie.csv", "Amélie.csv"),  # NFC
        ("\ud800.csv", "csv"),  # a lone surrogate
    ],
)
def test_a_name_is_only_a_name(given: str, kept: str) -> None:
    assert clean_filename(given) == kept


def test_a_long_name_keeps_its_extension() -> None:
    name = clean_filename("é" * 400 + ".csv.gz")
    assert name.endswith("é.csv.gz")
    assert MAX_NAME_BYTES - 1 <= len(name.encode()) <= MAX_NAME_BYTES


# The same name as clients write it, in the header of a raw body and in that of a part.
NOTATIONS: dict[str, bytes] = {
    "RFC 6266": 'filename="fëlms.csv"'.encode(),
    "Latin-1": 'filename="fëlms.csv"'.encode("latin-1"),
    "a path of Windows": 'filename="C:\\Users\\me\\fëlms.csv"'.encode(),
    "RFC 8187": b"filename*=utf-8''f%C3%ABlms.csv",
    "RFC 8187 before": b"filename*=utf-8''f%C3%ABlms.csv; filename=other.csv",
    "RFC 8187 behind": b"filename=other.csv; filename*=utf-8''f%C3%ABlms.csv",
    "RFC 8187 in another charset": b"filename*=windows-1252''f%EBlms.csv",
    "RFC 8187 that cannot be decoded": b"filename*=utf-8''f%EBlms.csv; filename==?utf-8?B?ZsOrbG1zLmNzdg==?=",
    "RFC 2231": b"filename*1=ms.csv; filename*0*=utf-8''f%C3%ABl",
    "RFC 2047, base64": b'filename="=?utf-8?B?ZsOrbG1zLmNzdg==?="',
    "RFC 2047, quoted-printable": b'filename="=?iso-8859-1?Q?f=EBlms=2Ecsv?="',
    "RFC 2047, two words": b'filename="=?utf-8?Q?f=C3?= =?utf-8?B?q2xtcy5jc3Y=?="',
    ".NET": b"filename=\"=?utf-8?B?ZsOrbG1zLmNzdg==?=\"; filename*=utf-8''f%C3%ABlms.csv",
}


@pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
def test_a_name_is_understood_in_each_notation(mine: httpx.Client, notation: bytes) -> None:
    assert name_kept_of_header(mine, notation) == "fëlms.csv"
    assert name_kept_of_part(mine, notation) == "fëlms.csv"


def test_what_only_forms_may_write(mine: httpx.Client) -> None:
    assert name_kept_of_part(mine, b'filename="=?utf-8?Q?f=C3=AB?=\r\n =?utf-8?Q?lms.csv?="') == "fëlms.csv"
    assert name_kept_of_part(mine, b"\r\n\tfilename*0=fil;\r\n\tfilename*1=ms.csv") == "films.csv"
    browsers = b'filename="%22a%22%0D%0Ab.csv"'
    assert name_kept_of_part(mine, browsers) == '"a"b.csv'
    assert name_kept_of_header(mine, browsers) == "%22a%22%0D%0Ab.csv"


def name_kept_of_header(client: httpx.Client, notation: bytes) -> str:
    return name_kept(client, [(b"Content-Disposition", b"attachment; " + notation)], FILE)


def name_kept_of_part(client: httpx.Client, notation: bytes) -> str:
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; ' + notation + b"\r\n\r\n"
    content_type = [(b"Content-Type", b"multipart/form-data; boundary=edge")]
    return name_kept(client, content_type, head + FILE + b"\r\n--edge--\r\n")


def name_kept(client: httpx.Client, headers: list[tuple[bytes, bytes]], content: bytes) -> str:
    answer = client.post("/upload", params={"force": "true"}, headers=headers, content=content)
    assert answer.status_code == 202, answer.text
    name: str = answer.json()["filename"]
    return name


def test_there_are_two_hundred_names() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 200


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_of_a_hostile_name_is_a_name(name: str) -> None:
    kept = clean_filename(name)
    assert not set(kept) & set("/\\\0")
    assert not kept.startswith((".", " "))
    assert len(kept.encode()) <= MAX_NAME_BYTES
    assert not [char for char in kept if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029"]
    assert clean_filename(kept) == kept


def forms(name: str) -> Iterator[tuple[dict[str, str], dict[str, str], bytes]]:
    """The ways to send it: query, both kinds of Content-Disposition, and the part of a form."""
    latin = name.encode().decode("latin-1")
    is_header = all(char == "\t" or " " <= char != "\x7f" for char in latin)  # what a client may send at all
    yield {"filename": name[:1024]}, {}, FILE
    yield {}, {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}, FILE
    if is_header:
        yield {}, {"Content-Disposition": f'attachment; filename="{latin}"'}, FILE
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    yield {}, {"Content-Type": "multipart/form-data; boundary=edge"}, head + FILE + b"\r\n--edge--\r\n"


def test_no_name_leads_out_of_the_uploads_directory(stack: LocalStack, mine: httpx.Client) -> None:
    directory = stack.data_dir / "uploads"
    before, statuses = files_around(stack), Counter[int]()
    for index, name in enumerate(NAMES):
        # One way for each name, and each way for every fourth.
        ways = list(forms(name))
        for params, headers, content in ways if index % 4 == 0 else [ways[index % len(ways)]]:
            sent = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
            answer = mine.post("/upload", params=params, headers=sent, content=content)
            statuses[answer.status_code] += 1
            assert answer.status_code in (200, 202, 400, 413, 415, 422), (name, answer.text)
            if answer.is_success:
                assert answer.json()["filename"] == clean_filename(answer.json()["filename"])
    assert statuses[200] + statuses[202] > 50
    made = files_around(stack) - before
    assert [path for path in made if path.parent != directory or not re.fullmatch(r"[0-9a-f]{32}", path.name)] == []
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}


def files_around(stack: LocalStack) -> set[Path]:
    """What lies in the data directory and beside it, but for what servers write for themselves."""
    servers = {stack.data_dir / name for name in ("logs", "postgres", "valkey", "run")}
    inside = {path for path in stack.data_dir.rglob("*") if path.is_file() and not servers & set(path.parents)}
    return inside | {path for path in stack.data_dir.parent.glob("*") if path.is_file()}
