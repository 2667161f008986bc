"""How a request arrives: slowly, from elsewhere, too large, with a parameter or a header twice."""

from typing import Final

from tests.seeded_bugs import Bug

DEADLINES: Final = "api/server/protocol.py"
LOCAL_ONLY: Final = "api/middleware/local_only.py"
BODY_LIMITS: Final = "api/middleware/body_limits.py"
SLOW: Final = "tests/system/api/test_slow_clients.py::"
LYING: Final = "tests/system/api/test_lying_clients.py::"
SERVER: Final = "tests/system/api/test_server.py::"
PARAMETERS: Final = "tests/system/api/test_parameters.py::"
SEVERAL: Final = "tests/system/api/test_several_processes.py::"
INTAKE: Final = "api/intake/streaming.py"

BUGS: Final = (
    # -- the door
    Bug(
        "heads-have-no-deadline",
        DEADLINES,
        "        elif self._clock.seconds - self._began >= self.transfer_rate.head_seconds:",
        "        elif self._clock.seconds - self._began >= math.inf:",
        (f"{SLOW}test_two_hundred_slow_clients_end_and_disturb_nobody",),
    ),
    Bug(
        "bodies-have-no-transfer-rate",
        DEADLINES,
        "if self._body_bytes >= self.transfer_rate.window_bytes:",
        "if self._body_bytes >= 0:",
        (f"{SLOW}test_a_slow_upload_keeps_no_idempotency_key",),
    ),
    Bug(
        "our-own-pauses-are-the-clients",
        "api/server/transfer_rate.py",
        "self._seconds + (0.0 if self.read_paused else self._now() - self._since)",
        "self._now()",
        (f"{SLOW}test_time_in_which_we_do_not_read_is_not_the_clients",),
    ),
    Bug(
        "answers-wait-for-ever",
        DEADLINES,
        "return before - waiting < self.transfer_rate.window_bytes",
        "return False",
        (f"{SLOW}test_an_answer_that_is_not_taken_is_cut_and_one_that_is_taken_slowly_is_not",),
    ),
    Bug(
        "stalled-heads-take-all-connections",
        DEADLINES,
        "        self._make_room()\n",
        "",
        (f"{SLOW}test_a_slot_is_freed_for_the_next_client_when_all_are_taken",),
    ),
    Bug(
        "every-address-is-loopback",
        LOCAL_ONLY,
        '(getattr(address, "ipv4_mapped", None) or address).is_loopback',
        "True",
        (f"{SERVER}test_without_keys_the_server_listens_on_no_address_of_others",),
    ),
    Bug(
        "clients-from-elsewhere-are-let-in",
        LOCAL_ONLY,
        "and not _came_in_locally(scope):",
        'and scope.get("server") is None:',
        (f"{SERVER}test_another_server_refuses_what_comes_from_elsewhere",),
    ),
    Bug(
        "any-name-is-ours",
        LOCAL_ONLY,
        'if not all(self._is_allowed(value) for value in Headers(scope=scope).getlist("host")):',
        "if False:",
        (f"{SERVER}test_a_web_page_cannot_give_this_machine_a_name",),
    ),
    Bug(
        "the-rest-of-a-body-is-the-next-request",
        BODY_LIMITS,
        "                if not body.is_complete:\n",
        "                if False:\n",
        (f"{LYING}test_a_route_without_a_file_reads_no_file",),
    ),
    # -- requests
    Bug(
        "misspelt-parameters-are-ignored",
        "api/description/strict_parameters.py",
        "return unknown + repeated",
        "return repeated",
        (f"{PARAMETERS}test_an_upload_with_a_misspelt_option_is_not_taken",),
    ),
    Bug(
        "the-last-of-two-parameters-counts",
        "api/description/strict_parameters.py",
        "return unknown + repeated",
        "return unknown",
        (f"{PARAMETERS}test_a_parameter_stands_there_once",),
    ),
    Bug(
        "the-first-of-two-tenants-counts",
        "api/description/strict_parameters.py",
        "if len(request.headers.getlist(name)) > 1",
        "if not request.headers.getlist(name)",
        (f"{PARAMETERS}test_a_header_stands_there_once",),
    ),
    Bug(
        "announced-sizes-are-not-looked-at",
        INTAKE,
        "    _refuse_too_large(request, limits.max_upload_bytes, overhead)\n",
        "",
        ("tests/system/api/test_upload.py::test_too_large_an_announcement_is_refused_before_one_byte_of_the_file",),
    ),
    Bug(
        "a-wrong-name-is-refused-after-the-file",
        INTAKE,
        "            await stream.open()",
        "            pass",
        (f"{LYING}test_a_client_that_waits_for_100_continue_is_told_to_send_or_is_refused",),
    ),
    Bug(
        "heads-of-any-number-of-headers",
        DEADLINES,
        " or len(self.headers) > MOST_HEADERS",
        "",
        (f"{LYING}test_a_head_has_a_size",),
    ),
    Bug(
        "trailers-are-headers",
        DEADLINES,
        "        if self._stage is Stage.HEAD:\n            super().on_header(name, value)",
        "        super().on_header(name, value)",
        (f"{LYING}test_trailers_are_no_headers",),
    ),
    Bug(
        "bodies-without-a-file-have-no-size",
        BODY_LIMITS,
        "elif self._bytes > (most := _most_bytes(self._scope)) and",
        "elif self._bytes > (most := _most_bytes(self._scope) ** 2) and",
        (f"{LYING}test_a_body_that_the_application_reads_has_a_size",),
    ),
    Bug(
        "refused-senders-are-reset",
        DEADLINES,
        "        self.cycle.transport = LingeringTransport(self.transport, self._close_gently)\n",
        "",
        ("tests/system/api/test_keys.py::test_a_refusal_in_a_body_ends_without_a_reset",),
    ),
    Bug(
        "refused-heads-are-reset",
        DEADLINES,
        "        self.transport.write(response.encoded())\n        self.transport.write_eof()\n",
        "        self.transport.write(response.encoded())\n        self.transport.close()\n",
        (f"{LYING}test_who_is_refused_may_end_its_sentence",),
    ),
    Bug(
        "no-connection-left-without-a-code",
        DEADLINES,
        "busy if app is service_unavailable else app",
        "app",
        (f"{SLOW}test_when_all_slots_are_taken_by_those_who_send_the_next_is_refused",),
    ),
    Bug(
        "who-dies-silently-is-waited-for",
        "api/server/serve.py",
        "            process.child_conn.close()\n",
        "            pass\n",
        (f"{SEVERAL}test_one_dies_and_the_others_answer_until_it_is_replaced",),
    ),
)
