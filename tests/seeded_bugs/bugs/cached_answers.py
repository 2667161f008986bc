"""Answers that are kept: of which version, for whom, and which of them."""

from typing import Final

from tests.seeded_bugs import Bug

ROUTES: Final = "api/cache/routes.py"
STORED: Final = "api/cache/stored_answers.py"
CACHED: Final = "tests/system/api/test_cached_answers.py::"
KEPT: Final = "tests/system/api/test_stored_answers.py::"
SEALED: Final = "tests/unit/api/test_sealing.py::"

BUGS: Final = (
    Bug(
        "answers-of-any-version",
        ROUTES,
        "tenant.name, version.digest, request.url.path",
        "tenant.name, request.url.path",
        (f"{CACHED}test_each_change_of_the_rows_makes_another_answer",),
    ),
    Bug(
        "answers-for-any-tenant",
        ROUTES,
        "software, tenant.name, version.digest",
        "software, version.digest",
        (f"{CACHED}test_tenants_share_no_answer",),
    ),
    Bug(
        "answers-to-any-parameters",
        ROUTES,
        "request.url.path, parameters, of_headers",
        "request.url.path, of_headers",
        (f"{CACHED}test_the_same_question_in_another_order_is_the_same_question",),
    ),
    Bug(
        "answers-about-any-moment",
        ROUTES,
        'if "as_of" in given:',
        "if not arguments:",
        (f"{CACHED}test_rows_of_another_moment_are_not_kept",),
    ),
    Bug(
        "a-changed-declaration-is-no-version",
        "api/cache/versions.py",
        "(row.revision, row.collections, row.declarations)",
        "(row.revision, row.collections)",
        (f"{CACHED}test_a_declared_dataset_is_answered_as_it_is_declared_now",),
    ),
    Bug(
        "any-tag-is-the-tag",
        "api/cache/entity_tags.py",
        'each.strip().removeprefix("W/") == tag.removeprefix("W/")',
        'each.strip() == "*" or each.strip().removeprefix("W/") == tag.removeprefix("W/")',
        ("tests/unit/api/test_entity_tags.py::test_a_header_names_a_tag_or_it_does_not",),
    ),
    Bug(
        "errors-are-kept",
        STORED,
        "answer.status_code != HTTPStatus.OK or ",
        "",
        (f"{KEPT}test_only_what_went_well_is_kept",),
    ),
    Bug(
        "a-full-broker-gets-more",
        STORED,
        "return self._has_room or not self._settings.cache_memory_bytes",
        "return True",
        (f"{KEPT}test_a_full_server_gets_no_more",),
    ),
    Bug(
        "each-of-many-makes-its-own-answer",
        STORED,
        "making = self._making.get(name)",
        "making = self._making.pop(name, None) and None",
        (f"{KEPT}test_many_at_once_make_one",),
    ),
    Bug(
        "an-answer-opens-under-any-name",
        "api/cache/sealing.py",
        "self._cipher.encrypt(nonce, content, name.encode())",
        'self._cipher.encrypt(nonce, content, b"")',
        (f"{SEALED}test_what_was_not_closed_like_this_is_no_answer",),
        (("self._cipher.decrypt(nonce, content, name.encode())", 'self._cipher.decrypt(nonce, content, b"")'),),
    ),
)
