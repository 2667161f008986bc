"""Which trace and which parent a span has, and that none is made where nobody takes it."""

import uuid
from collections.abc import Iterator

import pytest

from shared.observability import spans
from shared.observability.spans import Kind, Span, span, span_of_upload, trace, traceparent, w3c_trace_id

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture
def exported() -> Iterator[list[Span]]:
    taken: list[Span] = []
    spans.export_with(taken.append)
    yield taken
    spans.export_with(None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(TRACE, TRACE), ("0AF76519-16CD-43DD-8448-EB211C80319C", TRACE), (TRACE.upper(), TRACE)],
)
def test_an_id_of_32_digits_is_the_id_of_the_trace(given: str, expected: str) -> None:
    assert w3c_trace_id(given) == expected


@pytest.mark.parametrize("given", ["request-1", "0" * 32, "a" * 64, TRACE[:-1]])
def test_any_other_id_is_hashed_and_the_same_everywhere(given: str) -> None:
    made = w3c_trace_id(given)
    assert made == w3c_trace_id(given) != w3c_trace_id(given + "x")
    assert w3c_trace_id(made) == made


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"00-{TRACE}-{PARENT}-01", (TRACE, int(PARENT, 16))),
        (f"01-{TRACE}-{PARENT}-00-more", (TRACE, int(PARENT, 16))),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{PARENT}-01", None),
        (f"00-{TRACE}-{PARENT}", None),
        ("", None),
    ],
)
def test_a_traceparent_is_what_w3c_says(header: str, expected: tuple[str, int] | None) -> None:
    assert traceparent(header) == expected


def test_spans_within_spans_are_of_one_trace(exported: list[Span]) -> None:
    with trace("outer", TRACE, int(PARENT, 16), Kind.SERVER), span("middle"), span("inner", number=3):
        pass
    inner, middle, outer = exported
    assert {each.trace_id for each in exported} == {int(TRACE, 16)}
    assert (inner.parent_id, middle.parent_id, outer.parent_id) == (middle.span_id, outer.span_id, int(PARENT, 16))
    assert inner.attributes == {"number": 3}
    assert outer.started_ns <= inner.started_ns <= inner.ended_ns <= outer.ended_ns


def test_what_is_raised_is_told_by_its_type_alone(exported: list[Span]) -> None:
    with pytest.raises(ValueError, match="a secret"), trace("failing", TRACE, None, Kind.SERVER):
        raise ValueError("a secret")
    assert exported[0].error == "ValueError"
    assert "secret" not in repr(exported)


def test_without_an_exporter_there_is_no_span() -> None:
    with trace("outer", TRACE, None, Kind.SERVER) as outer, span("inner") as inner:
        assert (outer, inner, spans.current_span()) == (None, None, None)


def test_outside_of_a_trace_there_is_no_span(exported: list[Span]) -> None:
    with span("alone") as alone:
        assert alone is None
    assert not exported


def test_a_share_of_all_traces_is_kept_and_by_all_processes_the_same() -> None:
    kept: list[Span] = []
    ids = [uuid.uuid4().hex for _ in range(400)]
    spans.export_with(kept.append, 0.25)
    for _process in range(2):
        for each in ids:
            with trace("outer", each, None, Kind.SERVER), span("inner"):
                pass
    spans.export_with(None)
    traces = [each.trace_id for each in kept]
    assert 40 < len(set(traces)) < 180
    assert all(traces.count(each) == 4 for each in set(traces))


def test_the_span_of_an_upload_follows_from_its_id() -> None:
    upload_id = uuid.UUID("00000000-0000-4000-8123-456789abcdef")
    assert span_of_upload(upload_id) == 0x8123456789ABCDEF
