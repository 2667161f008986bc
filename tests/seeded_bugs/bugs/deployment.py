"""What runs, as which user, and what can reach it: servers, containers, images, packages."""

from typing import Final

from tests.seeded_bugs import Bug

COMPOSE: Final = "docker-compose.yml"
IMAGE: Final = "Dockerfile.api"
LOCK: Final = "requirements.txt"
VALKEY: Final = "stack/valkey.py"
SERVICES: Final = "stack/services.py"
COMPOSED: Final = "tests/deploy/test_compose.py::"
HARDENED: Final = f"{COMPOSED}test_services_are_hardened"
WITHOUT_A_WAY_OUT: Final = f"{COMPOSED}test_servers_and_workers_have_no_way_out_and_no_port"
IMAGES: Final = f"{COMPOSED}test_images_are_built_from_the_lock_and_run_as_nobody_special"
SUPPLIED: Final = "tests/deploy/test_supply_chain.py::"
CANARY: Final = "tests/system/platform/test_canary.py::"
OUR_VALKEY: Final = "tests/system/stack/test_valkey.py::"

BUGS: Final = (
    # -- servers
    Bug(
        "valkey-without-a-password",
        VALKEY,
        "user default on #{password_sha256}",
        "user default on nopass",
        (f"{OUR_VALKEY}test_the_password_is_needed_and_kept_private",),
    ),
    Bug(
        "valkey-lets-itself-be-emptied",
        VALKEY,
        " -flushall -flushdb -config",
        " -config",
        (f"{OUR_VALKEY}test_commands_that_only_harm_are_refused",),
    ),
    Bug(
        "valkey-listens-to-all",
        VALKEY,
        "bind {host}\n",
        "bind 0.0.0.0\n",
        (f"{CANARY}test_every_server_listens_on_this_machine_only",),
    ),
    Bug(
        "flower-without-a-password",
        SERVICES,
        "FLOWER_BASIC_AUTH=",
        "FLOWER_LOGIN=",
        (f"{CANARY}test_flowers_pages_need_its_password",),
    ),
    Bug(
        "metrics-without-a-password",
        "worker/flower.py",
        "    @authenticated\n",
        "",
        (f"{CANARY}test_flowers_pages_need_its_password",),
    ),
    Bug(
        "metrics-that-are-served-twice",
        "worker/flower.py",
        "if routes.count(_OPEN) != 1:",
        "if _OPEN not in routes:",
        ("tests/system/platform/test_flower.py::test_a_flower_whose_metrics_are_served_otherwise_does_not_start",),
    ),
    Bug(
        "flowers-password-in-its-arguments",
        SERVICES,
        'f"--address={LOCALHOST}"',
        'f"--address={LOCALHOST}", f"--basic-auth={FLOWER_USER}:{password_in(self.password_path)}"',
        (f"{CANARY}test_no_list_of_processes_tells_a_secret",),
    ),
    Bug(
        "a-library-that-asks-any-address",
        "shared/advice/hints.py",
        "import re\n",
        "import re\nimport urllib.request\n",
        ("tests/unit/test_security.py::test_only_what_fetches_files_opens_connections_to_elsewhere",),
    ),
    # -- containers
    Bug("containers-may-be-written", COMPOSE, "  read_only: true\n", "  read_only: false\n", (HARDENED,)),
    Bug("containers-have-capabilities", COMPOSE, "  cap_drop: [ALL]\n", "", (HARDENED,)),
    Bug("containers-gain-privileges", COMPOSE, '["no-new-privileges:true"]', "[]", (HARDENED,)),
    Bug("a-port-on-all-addresses", COMPOSE, '"127.0.0.1:${API_PORT', '"${API_PORT', (HARDENED,)),
    Bug("servers-have-a-way-out", COMPOSE, "    internal: true\n", "    internal: false\n", (WITHOUT_A_WAY_OUT,)),
    Bug(
        "redis-has-a-port",
        COMPOSE,
        '    volumes: ["redis:/data"]\n',
        '    volumes: ["redis:/data"]\n    ports: ["127.0.0.1:6379:6379"]\n',
        (WITHOUT_A_WAY_OUT,),
    ),
    Bug(
        "a-containers-flower-without-a-password",
        COMPOSE,
        "FLOWER_BASIC_AUTH: $",
        "FLOWER_LOGIN: $",
        (f"{COMPOSED}test_flower_answers_only_to_who_knows_the_password",),
    ),
    Bug(
        "rows-in-a-containers-log",
        COMPOSE,
        "      - --log_error_verbosity=terse\n",
        "",
        (f"{COMPOSED}test_no_row_gets_into_the_databases_log",),
    ),
    # -- images and packages
    Bug("an-image-runs-as-root", IMAGE, "USER 10001:10001\n", "", (IMAGES,)),
    Bug("an-image-takes-any-package", IMAGE, " --require-hashes", "", (IMAGES,)),
    Bug(
        "a-package-from-before-a-repair",
        LOCK,
        "\nh11==",
        "\nh11==0.",
        (f"{SUPPLIED}test_nothing_is_older_than_the_repair_of_a_weakness",),
    ),
    Bug(
        "a-package-without-a-hash",
        LOCK,
        "\nh11==",
        "\nh10==1.0\nh11==",
        (f"{SUPPLIED}test_every_file_is_known_by_its_hash",),
    ),
    Bug(
        "weaknesses-are-not-asked-for",
        "Makefile",
        "\t@$(BIN)/python -m tools.audit\n",
        "",
        (f"{SUPPLIED}test_weaknesses_are_asked_for_in_every_check",),
    ),
)
