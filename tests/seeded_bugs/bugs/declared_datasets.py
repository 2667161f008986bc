"""Datasets that tenants declare: what a declaration means, what a version may change, what inference may conclude."""

from typing import Final

from tests.seeded_bugs import Bug

DECLARATION: Final = "shared/catalog/schemas/declaration.py"
VERSIONS: Final = "shared/catalog/schemas/declaration_versions.py"
CONSTRAINTS: Final = "shared/catalog/schemas/constraints.py"
CHECKS: Final = "shared/catalog/pandera_schemas.py"
RULES: Final = "shared/catalog/rules/schema_rules.py"
INFERENCE: Final = "shared/catalog/schemas/inference.py"
SHAPE: Final = "shared/csv/sniffing/shape.py"
RECOGNITION: Final = "shared/catalog/recognition/choice.py"
HEADERS: Final = "shared/ingest/intake/headers.py"

OF_DECLARATION: Final = "tests/unit/catalog/test_declaration.py::"
OF_VERSIONS: Final = "tests/unit/catalog/test_declaration_versions.py::"
OF_CONSTRAINTS: Final = "tests/unit/catalog/test_constraints.py::"
OF_TYPES: Final = "tests/unit/catalog/test_field_types.py::"
OF_RULES: Final = "tests/unit/catalog/test_schema_rules.py::"
OF_INFERENCE: Final = "tests/unit/catalog/test_inference.py::"
OF_SHAPE: Final = "tests/unit/csv/test_shape.py::"
OF_RECOGNITION: Final = "tests/unit/catalog/test_declared_recognition.py::"
OF_INTAKE: Final = "tests/unit/ingest/test_inferred_intake.py::"
OF_PREVIEW: Final = "tests/unit/ingest/test_preview.py::"

BUGS: Final = (
    # -- what a declaration means
    Bug(
        "a-field-twice",
        DECLARATION,
        "        require(len(seen) == position,",
        "        require(len(seen) == fields.index(field) + 1,",
        (f"{OF_DECLARATION}test_names_that_headers_do_not_tell_apart_are_refused",),
    ),
    Bug(
        "a-dataset-called-auto",
        DECLARATION,
        " and name != AUTO,",
        ",",
        (f"{OF_DECLARATION}test_a_dataset_cannot_have_other_names",),
    ),
    Bug(
        "a-list-in-an-index",
        DECLARATION,
        "require(not listed,",
        "require(True,",
        (f"{OF_DECLARATION}test_an_index_that_cannot_be_is_refused",),
    ),
    Bug(
        "a-text-too-long-for-its-index",
        DECLARATION,
        "_INDEX_BYTES // len(in_it))",
        "_INDEX_BYTES)",
        (f"{OF_DECLARATION}test_a_text_in_an_index_is_short_enough_for_it_in_bytes",),
    ),
    Bug(
        "a-key-without-a-value",
        DECLARATION,
        " or name in self.primary_key\n            description",
        "\n            description",
        (f"{OF_DECLARATION}test_a_key_needs_a_value_in_each_record",),
    ),
    Bug(
        "numbers-that-are-none-are-stored",
        "shared/catalog/schemas/members.py",
        ", allow_nan=False",
        "",
        (f"{OF_CONSTRAINTS}test_what_a_constraint_cannot_mean_is_refused",),
    ),
    # -- its constraints and types
    Bug(
        "limits-that-nothing-can-pass",
        CONSTRAINTS,
        "low is None or high is None or low <= high",
        "True",
        (f"{OF_CONSTRAINTS}test_what_a_constraint_cannot_mean_is_refused",),
    ),
    Bug(
        "a-limit-that-no-double-holds",
        CONSTRAINTS,
        "(abs(value) <= _GREATEST and float(value) == value)",
        "True",
        (f"{OF_CONSTRAINTS}test_what_a_constraint_cannot_mean_is_refused",),
    ),
    Bug(
        "the-last-day-is-excluded",
        CHECKS,
        "passed &= values <= high",
        "passed &= values < high",
        (f"{OF_CONSTRAINTS}test_what_breaks_a_constraint_is_rejected",),
    ),
    Bug(
        "characters-are-counted-for-bytes",
        CHECKS,
        "pc.binary_length(pa.array(values, pa.string()))",
        "pc.utf8_length(pa.array(values, pa.string()))",
        (f"{OF_DECLARATION}test_a_text_in_an_index_is_short_enough_for_it_in_bytes",),
    ),
    Bug(
        "a-pattern-matches-a-part",
        CHECKS,
        r'rf"^(?:{check.pattern})\z"',
        'rf"(?:{check.pattern})"',
        (f"{OF_CONSTRAINTS}test_what_breaks_a_constraint_is_rejected",),
    ),
    Bug(
        "null-is-no-word",
        RULES,
        "plain = pc.if_else(pc.is_valid(column), known, None)",
        "plain = known",
        (f"{OF_RULES}test_the_rules_are_equal_if_they_mean_the_same_and_nulls_stay_nulls",),
    ),
    Bug(
        "a-directive-twice-in-a-format",
        RULES,
        "any(found.count(directive) > 1 for directive in _ONCE)",
        "False",
        (f"{OF_RULES}test_a_format_is_one_moment_in_every_locale",),
    ),
    Bug(
        "a-zone-is-ignored",
        RULES,
        "return moment.astimezone(UTC)",
        "return moment.replace(tzinfo=UTC)",
        (f"{OF_RULES}test_a_moment_is_iso_8601_and_in_utc_without_a_zone",),
    ),
    # -- its versions
    Bug(
        "a-version-narrows-a-range",
        VERSIONS,
        "wide.high >= narrow.high",
        "wide.high <= narrow.high",
        (f"{OF_VERSIONS}test_what_narrows_a_field_is_refused_with_its_name",),
    ),
    Bug(
        "a-version-narrows-an-enum",
        VERSIONS,
        "set(narrow.values) <= set(wide.values)",
        "set(wide.values) <= set(narrow.values)",
        (f"{OF_VERSIONS}test_what_narrows_a_field_is_refused_with_its_name",),
    ),
    Bug(
        "a-version-narrows-a-format",
        VERSIONS,
        "(*kind.checks, *checks_of(",
        "(*(), *checks_of(",
        (f"{OF_VERSIONS}test_what_narrows_a_field_is_refused_with_its_name",),
    ),
    Bug(
        "a-version-moves-columns",
        VERSIONS,
        'fields=(*(described[field["name"]] for field in was.fields), *added),',
        "fields=wanted.fields,",
        (f"{OF_VERSIONS}test_what_adds_and_widens_leaves_each_column_where_it_is",),
    ),
    Bug(
        "a-version-demands-what-rows-lack",
        VERSIONS,
        "require(not is_required,",
        "require(True,",
        (f"{OF_VERSIONS}test_fields_indexes_and_the_key_stay",),
    ),
    # -- inference
    Bug(
        "leading-zeros-are-lost",
        INFERENCE,
        r'"0|-?[1-9]\d{0,17}"',
        r'"-?\d{1,18}"',
        (f"{OF_INFERENCE}test_what_is_not_certain_is_text",),
    ),
    Bug(
        "digits-are-rounded",
        INFERENCE,
        " and sum(map(str.isdigit, value)) <= _MOST_DIGITS",
        "",
        (f"{OF_INFERENCE}test_what_is_not_certain_is_text",),
    ),
    Bug(
        "a-doubtful-day-is-guessed",
        INFERENCE,
        "if len(readings) == 1 and",
        "if readings and",
        (f"{OF_INFERENCE}test_what_is_not_certain_is_text",),
    ),
    Bug(
        "namibia-is-null",
        INFERENCE,
        "word == _ALWAYS_NULL or word not in texts",
        "word",
        (f"{OF_INFERENCE}test_a_word_for_null_that_is_a_text_elsewhere_is_text_everywhere",),
    ),
    Bug(
        "a-file-called-auto",
        INFERENCE,
        'if name in ("", AUTO) else name',
        'if name == "" else name',
        (f"{OF_INFERENCE}test_a_file_gives_its_dataset_a_name",),
    ),
    Bug(
        "decimal-commas-divide-cells",
        SHAPE,
        "-joined / len(records)",
        "0.0",
        (f"{OF_SHAPE}test_the_shape_of_a_table",),
    ),
    Bug(
        "a-record-is-a-header",
        SHAPE,
        "return not unnamed or named > unnamed",
        "return True",
        (f"{OF_SHAPE}test_a_header_has_text_where_others_have_values",),
    ),
    # -- which dataset a file is
    Bug(
        "a-header-with-unknown-names-is-its-own",
        RECOGNITION,
        "candidate.dataset.declaration is not None and not candidate.columns.extra",
        "candidate.dataset.declaration is not None",
        (f"{OF_RECOGNITION}test_a_header_with_unknown_names_is_judged_as_always",),
    ),
    Bug(
        "a-declared-dataset-hides-a-built-in-one",
        "shared/catalog/registry.py",
        "Registry([*declared, *self])",
        "Registry([*self, *declared])",
        (f"{OF_RECOGNITION}test_a_name_of_a_built_in_dataset_stays_its_own",),
    ),
    Bug(
        "contradicted-values-are-loaded",
        HEADERS,
        "and found.contradicted:",
        "and False:",
        (f"{OF_INTAKE}test_values_that_contradict_the_declared_dataset_make_another_one",),
    ),
    Bug(
        "every-file-gets-a-dataset",
        HEADERS,
        "_of_any_shape(text, options, self.schema) if self.may_infer else None",
        "_of_any_shape(text, options, self.schema)",
        (f"{OF_INTAKE}test_a_file_of_no_dataset_is_refused_unless_it_may_have_one",),
    ),
    Bug(
        "a-preview-shows-half-a-record",
        "shared/ingest/preview/preview.py",
        'end = content.rfind(b"\\n") + 1',
        "end = len(content)",
        (f"{OF_PREVIEW}test_the_beginning_of_a_file_is_enough",),
    ),
)
