"""Files made to cost more than they weigh: each is refused, or its record counts are reconciled, within seconds."""

import gzip
import random
import time
import uuid
from dataclasses import dataclass

import httpx
import psutil
import pytest

from stack.local import LocalStack
from tests.archives import Member, archive
from tests.compressing import STREAMS
from tests.rows import MOVIES_HEADER, file_of, movies, titles
from tests.system.api.dirty_files import with_text
from tests.system.api.sending import stored_files, wait_for_end

pytestmark = pytest.mark.alone  # it measures how long answers take

MIB = 1024 * 1024
LONGEST_ANSWER_SECONDS = 5.0
LONGEST_LOAD_SECONDS = 60.0
MOST_API_BYTES = 400 * MIB


@dataclass(frozen=True)
class Bomb:
    """`code`: of the answer that refuses it; else so many records are loaded of those that are rejected or loaded."""

    content: bytes
    code: str | None = None
    loaded: int = 0
    filename: str = "movies.csv"


def with_cell(**changes: str) -> bytes:
    return movies({}, changes)


TABLE = Member("movies.csv", movies({}))
EMPTY_MEMBER = gzip.compress(b"", mtime=0)
SEEDED = random.Random(7)  # noqa: S311  only noise
NOISE = SEEDED.randbytes(MIB)

BOMBS = {
    # gzip
    "gzip in gzip": Bomb(gzip.compress(gzip.compress(movies({}))), "unsupported_file", filename="movies.csv.gz"),
    "a million empty members of gzip": Bomb(EMPTY_MEMBER * 1_000_000, "empty_file", filename="movies.csv.gz"),
    "a member of gzip for each byte": Bomb(
        b"".join(gzip.compress(movies({})[n : n + 1]) for n in range(len(movies({})))), loaded=1, filename="m.csv.gz"
    ),
    "a gzip header and noise": Bomb(b"\x1f\x8b\x08\x00" + NOISE, "corrupt_compression", filename="movies.csv.gz"),
    "a gzip header with a name without end": Bomb(
        b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"a" * MIB, "corrupt_compression", filename="movies.csv.gz"
    ),
    "zeros behind gzip": Bomb(gzip.compress(movies({})) + b"\0" * 4 * MIB, loaded=1, filename="movies.csv.gz"),
    # other codecs
    **{
        f"100,000 empty streams of {ending}": Bomb(
            compress(b"") * 100_000, "empty_file", filename=f"movies.csv{ending}"
        )
        for ending, compress in STREAMS.items()
    },
    **{
        f"a stream of {ending} for each byte": Bomb(
            b"".join(compress(bytes([byte])) for byte in movies({})), loaded=1, filename=f"movies.csv{ending}"
        )
        for ending, compress in STREAMS.items()
    },
    **{
        f"10 GB of one record in {ending}": Bomb(
            compress(movies({})) + compress(movies(*[{}] * 40_000).partition(b"\n")[2]) * 2_500,
            "compression_ratio_too_high",
            filename=f"movies.csv{ending}",
        )
        for ending, compress in STREAMS.items()
        if ending != ".gz"  # it repeats too much of each record
    },
    "a header of xz and noise": Bomb(b"\xfd7zXZ\0\0\x04" + NOISE, "corrupt_compression", filename="movies.csv.xz"),
    "a header of zstd and noise": Bomb(b"\x28\xb5\x2f\xfd\x24" + NOISE, "corrupt_compression", filename="m.csv.zst"),
    "frames of zstd that decoders skip": Bomb(
        (b"\x50\x2a\x4d\x18" + bytes(4)) * 100_000, "empty_file", filename="movies.csv.zst"
    ),
    "a frame of zstd that is skipped, of 4 GiB": Bomb(
        b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + NOISE, "corrupt_compression", filename="movies.csv.zst"
    ),
    # zip
    "a window of zstd of 2 GiB": Bomb(b"\x28\xb5\x2f\xfd\x00\xa8" + NOISE, "unsupported_file", filename="m.csv.zst"),
    "zip in zip": Bomb(archive(Member("movies.zip", archive(TABLE))), "unsupported_file", filename="movies.zip"),
    "zeros in a member that is no table": Bomb(
        archive(Member("x.jpg", bytes(70 * MIB), descriptor=4), TABLE), "compression_ratio_too_high", filename="m.zip"
    ),
    "gzip in gzip in zip": Bomb(
        archive(Member("m.csv.gz", gzip.compress(gzip.compress(movies({}))))), "unsupported_file", filename="m.zip"
    ),
    "a million empty members of gzip in zip": Bomb(
        archive(Member("m.csv.gz", EMPTY_MEMBER * 1_000_000)), "compression_ratio_too_high", filename="m.zip"
    ),
    "50,000 empty members of zip": Bomb(
        b"".join(Member(b"%06d.csv" % number).local() for number in range(50_000)), "unsupported_file", filename="m.zip"
    ),
    "one name 20,000 times": Bomb(
        b"".join(Member("m.csv", b"x").local() for number in range(20_000)), "corrupt_compression", filename="m.zip"
    ),
    "members that overlap": Bomb(
        archive(TABLE, Member("a.jpg", b"x"), entries=[0, 0]), "corrupt_compression", filename="m.zip"
    ),
    "a member of 16 EiB": Bomb(
        archive(Member("a.jpg", b"x", zip64=True, header={"packed": (1 << 64) - 1}), TABLE),
        "corrupt_compression",
        filename="m.zip",
    ),
    # quotes
    "a million quotes": Bomb(movies({}) + b'"' * MIB, loaded=1),
    "half a million cells of nothing but quotes": Bomb(movies({}) + b'"",' * (MIB // 2), loaded=1),
    "a quote that opens on every line": Bomb(movies({}) + b'"a\r\n' * 20_000, loaded=1),
    "quotes and delimiters at random": Bomb(
        movies({}, end="\n") + bytes(SEEDED.choices(b"\",\n\r\\'a", k=60_000)),
        loaded=1,
    ),
    "a million backslashes": Bomb(movies({}) + b'"' + b"\\" * MIB + b'"\r\n', loaded=1),
    # shape
    "a million delimiters in a line": Bomb(movies({}) + b"," * MIB + b"\r\n", loaded=1),
    "nothing but line ends": Bomb(movies({}) + b"\r\n" * 10_000, loaded=1),
    "nothing but carriage returns": Bomb(movies({}, end="\n") + b"\r" * MIB, loaded=1),
    "a line of 8 MB": Bomb(movies({}) + b"x" * 8 * MIB, loaded=1),
    "9,000 columns": Bomb(movies({}, header=[*MOVIES_HEADER, *(f"c{n}" for n in range(9_000))]), "header_mismatch"),
    "a header that repeats a column 2,000 times": Bomb(
        movies({}, header=[*MOVIES_HEADER, *["x"] * 2_000]), "header_mismatch"
    ),
    "1,000 lines before the header": Bomb(b"sep=,\r\n" * 1_000 + movies({}), "header_mismatch"),
    "10,000 byte order marks": Bomb(b"\xef\xbb\xbf" * 10_000 + movies({}), loaded=1),
    "a byte order mark and nothing": Bomb(b"\xef\xbb\xbf", "empty_file"),
    # text
    "nothing but NUL": Bomb(b"\0" * MIB, "unsupported_file"),
    "NUL in every cell": Bomb(movies({}) + b",".join([b"\0"] * 15) + b"\r\n", loaded=1),
    "noise": Bomb(NOISE, "unreadable_file"),
    "bytes that UTF-8 never has": Bomb(movies({}) + with_text(b"\xff" * 1_000).replace(b"\n", b"\r\n"), loaded=1),
    "surrogates": Bomb(movies({}) + with_text(b"\xed\xa0\x80").replace(b"\n", b"\r\n"), loaded=1),
    "letters with 100,000 accents": Bomb(with_cell(overview="a" + "\u0301" * 100_000), loaded=2),
    "a text that runs the other way": Bomb(with_cell(title="\u202emoc.live\u202c"), loaded=2),
    # cells
    "a list in a list, 40,000 deep": Bomb(with_cell(languages="[" * 40_000 + "]" * 40_000), loaded=1),
    "a list of objects, 30,000 deep": Bomb(
        file_of("tmdb_5000", {}, {"genres": '[{"id":' * 6_000 + "1" + "}]" * 6_000}), loaded=1
    ),
    "a sum instead of a list": Bomb(with_cell(languages="[" + "-" * 50_000 + "1]"), loaded=1),
    "a power instead of a list": Bomb(with_cell(languages="[9**9**9**9]"), loaded=1),
    "a call instead of a list": Bomb(with_cell(languages="[__import__('os').system('id')]"), loaded=1),
    "a number of 100,000 digits": Bomb(with_cell(budget="9" * 100_000), loaded=1),
    "a number beyond all numbers": Bomb(with_cell(vote_average="1e999999999"), loaded=1),
    "not a number": Bomb(with_cell(vote_average="NaN"), loaded=1),
    "one more than a column holds": Bomb(with_cell(vote_count="9223372036854775808"), loaded=1),
    "a date of 100,000 digits": Bomb(with_cell(release_date="1" * 100_000 + "-01-01"), loaded=1),
    "a year of no calendar": Bomb(titles({}, {"startYear": "99999999999"}), loaded=1, filename="title.basics.tsv"),
    "digits of another script": Bomb(with_cell(runtime="\u0661\u0662"), loaded=1),
    "SQL": Bomb(with_cell(title="'); DROP TABLE movies; --", overview="$$;\\copy x from program 'id'"), loaded=2),
    "blanks that a pattern could go back over": Bomb(with_cell(languages="['" + "a, " * 30_000 + "'"), loaded=1),
}


def test_there_are_forty() -> None:
    assert len(BOMBS) >= 40


@pytest.fixture(scope="module")
def sent(stack: LocalStack) -> dict[str, tuple[httpx.Response, float, dict[str, object]]]:
    """Of each: the answer, its seconds, and the upload in the end; sent at once, and loaded side by side."""
    answers = {}
    headers = {"X-Tenant": f"t-{uuid.uuid4().hex[:12]}"}
    with httpx.Client(base_url=f"{stack.api_url}/api/v1", headers=headers, timeout=60, trust_env=False) as client:
        for name, bomb in BOMBS.items():
            started = time.monotonic()
            params = {"filename": bomb.filename, "force": "true"}
            answers[name] = client.post("/upload", params=params, content=bomb.content), time.monotonic() - started
        deadline = time.monotonic() + LONGEST_LOAD_SECONDS
        return {
            name: (
                answer,
                seconds,
                wait_for_end(client, answer.json()["id"], max(deadline - time.monotonic(), 0.5))
                if answer.status_code == 202
                else {},
            )
            for name, (answer, seconds) in answers.items()
        }


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_what_it_weighs(
    sent: dict[str, tuple[httpx.Response, float, dict[str, object]]], name: str
) -> None:
    bomb, (answer, seconds, upload) = BOMBS[name], sent[name]
    assert seconds < LONGEST_ANSWER_SECONDS
    if bomb.code is not None:
        assert (answer.status_code // 100, answer.json()["code"]) == (4, bomb.code)
        return
    assert upload["state"] == "completed", upload
    records = upload["records"]
    assert isinstance(records, dict)
    assert records["loaded"] >= bomb.loaded
    assert records["read"] == records["loaded"] + records["rejected"] + records["duplicate"]


def test_neither_the_api_nor_its_loaders_have_grown_or_died(
    stack: LocalStack, sent: dict[str, tuple[httpx.Response, float, dict[str, object]]]
) -> None:
    assert sent
    assert psutil.Process(stack.api.pid).memory_info().rss < MOST_API_BYTES
    assert "background_loader_died" not in (stack.data_dir / "logs" / "api.log").read_text()
    assert not [path for path in stored_files(stack) if path.name.endswith(".part")]
