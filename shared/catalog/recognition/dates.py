"""How a file writes its dates: in the formats that its schema names, or else in those that its values show."""

import json
from collections.abc import Sequence
from dataclasses import replace

from shared.catalog.recognition.candidate import SHOWN_CHARACTERS, Candidate
from shared.catalog.recognition.values import parses
from shared.catalog.rules.basic_rules import IsoDate
from shared.catalog.rules.formatted_rules import Day, candidate_formats
from shared.catalog.sample import Sample
from shared.catalog.schemas.table_schema import TableSchema
from shared.csv.unreadable import AmbiguousFormat


def with_schema(found: Candidate, schema: TableSchema, header: Sequence[str], sample: Sample) -> Candidate:
    """The candidate with the client's schema, and with the format of each column of dates, which its values show.

    Raises `InvalidSchema`, and `AmbiguousFormat` if the values of the sample fit more than one format.
    """
    dataset, sources = schema.applied(found.dataset, found.columns), found.columns.sources
    nulls = dataset.nulls
    formats: dict[str, str] = {}
    for column in dataset.columns:
        if not isinstance(column.rule, IsoDate) or schema.names_format_of(column, sources):
            continue
        name = sources[column.name]
        cells = [row[header.index(name)] for row in sample]
        values = [cell for cell in cells if cell.strip() and cell not in nulls]
        if values and not all(parses(column, value) for value in values):
            fitting = candidate_formats(values)
            if len({str(Day(format_).parse(value)) for value in values for format_ in fitting}) > len({*values}):
                raise _ambiguous(name, fitting, values[0])
            if fitting:
                formats[name] = fitting[0]
    return replace(found, schema=schema.with_formats(formats) if formats else schema)


def _ambiguous(name: str, formats: Sequence[str], value: str) -> AmbiguousFormat:
    readings = {format_: str(Day(format_).parse(value)) for format_ in formats}
    shown = " or ".join(f"{read} ({format_})" for format_, read in readings.items())
    example = json.dumps({"fields": [{"name": name, "format": formats[0]}]})
    return AmbiguousFormat(
        f"the dates in {name[:SHOWN_CHARACTERS]} can be read in several ways: {value[:SHOWN_CHARACTERS]} is {shown};"
        f" say which with schema={example}",
        {"column": name[:SHOWN_CHARACTERS], "value": value[:SHOWN_CHARACTERS], "readings": readings},
    )
