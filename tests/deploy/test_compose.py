"""docker-compose.yml, the Dockerfiles and .env.example agree with the code; the commands really run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError

from shared.messaging import QUEUES
from stack.local import LocalStack
from stack.ports import free_port
from stack.postgres import SETTINGS as POSTGRES_SETTINGS
from tests.deploy.compose import ROOT, MissingVariableError, environment_of, read, text
from tests.deploy.containers import FOR_TESTS, SETTINGS, changed, end, image, run, running, sessions, status, wait_for

SECRETS = {
    "POSTGRES_PASSWORD": "p1",
    "API_DATABASE_PASSWORD": "p2",
    "REDIS_PASSWORD": "redis-password-1",
    "FLOWER_PASSWORD": "f1",
}
OURS = ("migrate", "api", "worker", "beat", "flower")
LASTING = ("postgres", "redis", "api", "worker", "beat", "flower")
# What answers nobody.
SILENT = ("beat",)
SERVICES = read(SECRETS)["services"]


@pytest.mark.parametrize("secret", SECRETS)
def test_it_does_not_start_without_a_password(secret: str) -> None:
    with pytest.raises(MissingVariableError, match=secret):
        read({name: value for name, value in SECRETS.items() if name != secret})


def test_no_secret_has_a_default() -> None:
    assert not re.findall(r"\$\{\w*(?:PASSWORD|SECRET|TOKEN|KEY)\w*(?::?-[^}]*)?\}", text())
    example = (ROOT / ".env.example").read_text()
    for secret in SECRETS:
        assert re.search(rf"^{secret}=$", example, re.MULTILINE)


def test_all_services_are_there() -> None:
    assert set(SERVICES) == {"postgres", "redis", "migrate", "api", "worker", "beat", "flower"}


@pytest.mark.parametrize("queue", QUEUES)
def test_every_queue_is_consumed_by_the_worker(queue: str) -> None:
    consumed = [
        option.partition("=")[2].split(",") for option in SERVICES["worker"]["command"] if "--queues=" in option
    ]
    assert queue in consumed[0]
    assert f'"--queues={",".join(QUEUES)}"' in (ROOT / "Dockerfile.worker").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"]
    assert service["networks"]
    assert service["restart"]
    # A container that runs wild takes no other one along.
    assert service["pids_limit"] <= 1024
    assert service["mem_limit"].endswith(("m", "g"))
    # Docker's own seccomp and AppArmor profiles are in force unless they are switched off.
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"} & set(service) - (
        {"cap_add"} if name == "postgres" else set()
    )
    assert service.get("user", "") != "root"
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_servers_and_workers_have_no_way_out_and_no_port() -> None:
    networks = read(SECRETS)["networks"]
    assert networks["backend"] == {"internal": True}
    for name in ("postgres", "redis", "worker", "beat", "migrate"):
        assert SERVICES[name]["networks"] == ["backend"]
        assert "ports" not in SERVICES[name]


def test_no_socket_of_docker_and_no_directory_of_the_host_is_mounted() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in ("postgres", "redis", "uploads"), name


def test_no_row_gets_into_the_databases_log() -> None:
    command = set(SERVICES["postgres"]["command"])
    for setting in ("log_min_error_statement", "log_parameter_max_length_on_error", "log_error_verbosity"):
        assert f"--{setting}={POSTGRES_SETTINGS[setting]}" in command
    assert not [part for part in command if part.startswith(("--log_statement", "--log_min_duration"))]


@pytest.mark.parametrize("name", LASTING)
def test_lasting_services_tell_their_health_and_get_time_to_stop(name: str) -> None:
    assert SERVICES[name]["healthcheck"] == {"disable": True} or name not in SILENT
    assert SERVICES[name]["healthcheck"].get("test") or name in SILENT
    assert SERVICES[name]["stop_grace_period"]


def test_nothing_starts_before_what_it_needs() -> None:
    healthy, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"] == {"postgres": healthy}
    for name in ("api", "worker"):
        assert SERVICES[name]["depends_on"] == {"migrate": done, "postgres": healthy, "redis": healthy}


def test_api_and_worker_see_the_same_files() -> None:
    assert SERVICES["api"]["volumes"] == SERVICES["worker"]["volumes"]
    for name in ("api", "worker"):
        assert SERVICES[name]["volumes"][0].endswith(":" + environment_of(SERVICES[name])["INGEST_DATA_DIR"])


@pytest.mark.parametrize("name", OURS)
def test_every_setting_reaches_the_containers(name: str) -> None:
    given = set(SERVICES[name]["environment"])
    assert given >= SETTINGS
    assert not given & FOR_TESTS


def test_redis_keeps_its_password_out_of_its_arguments() -> None:
    command = SERVICES["redis"]["command"]
    assert SECRETS["REDIS_PASSWORD"] not in " ".join(command)
    assert "requirepass $REDIS_PASSWORD" in command[-1]
    assert "appendonly yes" in command[-1]


@pytest.mark.parametrize("name", ["Dockerfile.api", "Dockerfile.worker"])
def test_images_are_built_from_the_lock_and_run_as_nobody_special(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert len([line for line in lines if line.startswith("FROM ")]) == 2
    assert any("--require-hashes" in line for line in lines)
    assert any(re.fullmatch(r"USER [1-9]\d*:[1-9]\d*", line) for line in lines)
    assert any(line.startswith("STOPSIGNAL ") for line in lines)
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert any(line.startswith("CMD [") for line in lines)
    for source in [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]:
        assert (ROOT / source).exists()
        assert f"!{source}\n" in (ROOT / ".dockerignore").read_text()


def test_the_api_image_can_back_up_the_server_of_compose() -> None:
    """The worker's cannot: it has no command line."""
    _, final = re.split(r"^FROM \S+$", (ROOT / "Dockerfile.api").read_text(), flags=re.MULTILINE)
    (client,) = re.findall(r"^ARG POSTGRES=(\d+)$", final, re.MULTILINE)
    server = SERVICES["postgres"]["image"].partition(":")[2]
    assert int(client) >= int(server)
    installed = final.index("postgresql-client-${POSTGRES}")
    assert final.index("ARG POSTGRES") < installed < final.index("USER ")
    assert "rm -rf /var/lib/apt/lists/*" in final
    assert "COPY cli" not in (ROOT / "Dockerfile.worker").read_text()


def test_redis_asks_for_the_password_and_keeps_what_it_is_told(tmp_path: Path, redis_program: Path) -> None:
    port = free_port()
    shell, option, script = SERVICES["redis"]["command"]
    script = script.replace("dir /data", f"dir {tmp_path}\nport {port}\nbind 127.0.0.1")
    environment = {"PATH": f"{redis_program.parent}:{os.environ['PATH']}", **environment_of(SERVICES["redis"])}
    process = subprocess.Popen([shell, option, script], env=environment, stdout=subprocess.DEVNULL)
    try:
        with Redis(port=port, password=SECRETS["REDIS_PASSWORD"]) as known, Redis(port=port) as stranger:
            wait_for(lambda: pings(known), tmp_path / "none.log")
            assert not pings(stranger)
            assert known.config_get("appendonly") == {"appendonly": "yes"}
            assert SECRETS["REDIS_PASSWORD"] not in " ".join(psutil.Process(process.pid).cmdline())
    finally:
        end(process)


def test_containers_listen_to_others_only_behind_keys() -> None:
    image = (ROOT / "Dockerfile.api").read_text()
    assert "--host=0.0.0.0" in SERVICES["api"]["command"]
    assert environment_of(SERVICES["api"])["INGEST_REQUIRE_KEYS"] == "true"
    assert '"--host=0.0.0.0"' in image
    assert "INGEST_REQUIRE_KEYS=true" in image


@pytest.fixture(scope="module")
def migrated(stack: LocalStack) -> subprocess.CompletedProcess[str]:
    """What became of the service that goes before the others."""
    return run(changed(SERVICES["migrate"]["command"], {}), container("migrate", stack))


def test_migrate_ends_well(migrated: subprocess.CompletedProcess[str]) -> None:
    assert migrated.returncode == 0, migrated.stderr


def test_the_api_answers(migrated: subprocess.CompletedProcess[str], stack: LocalStack, tmp_path: Path) -> None:
    assert migrated.returncode == 0
    port, log = free_port(), tmp_path / "api.log"
    changes = {"--host=0.0.0.0": "--host=127.0.0.1", "--port=8000": f"--port={port}"}
    with running(changed(SERVICES["api"]["command"], changes), container("api", stack), log):
        wait_for(lambda: status(f"http://127.0.0.1:{port}/api/v1/healthz") == 200, log)
        assert "imdb_requests" in sessions(stack.database_url)
        # the compose file's own probe, at this test's port
        probe = [part.replace("8000", str(port)) for part in SERVICES["api"]["healthcheck"]["test"][1:]]
        assert subprocess.run([sys.executable, *probe[1:]], check=False).returncode == 0


def test_the_worker_answers(stack: LocalStack, tmp_path: Path) -> None:
    node, log = "celery@compose-test", tmp_path / "worker.log"
    environment = container("worker", stack)
    with running([*changed(SERVICES["worker"]["command"], {}), f"--hostname={node}"], environment, log):
        probe = SERVICES["worker"]["healthcheck"]["test"][1].replace("celery@$HOSTNAME", node).split()
        wait_for(lambda: run(changed(probe, {}), environment).returncode == 0, log)


def test_the_scheduler_begins(stack: LocalStack, tmp_path: Path) -> None:
    log = tmp_path / "beat.log"
    with running(changed(SERVICES["beat"]["command"], {}), container("beat", stack), log):
        wait_for(lambda: "beat: Starting" in log.read_text(), log)


def test_flower_answers_only_to_who_knows_the_password(stack: LocalStack, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "flower.log"
    changes = {"--address=0.0.0.0": "--address=127.0.0.1", "--port=5555": f"--port={port}"}
    with running(changed(SERVICES["flower"]["command"], changes), container("flower", stack), log):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: status(f"{url}/healthcheck") == 200, log)
        for page in (url, f"{url}/metrics"):
            assert status(page) == 401
            assert status(page, ("flower", "wrong")) == 401
            assert status(page, ("flower", SECRETS["FLOWER_PASSWORD"])) == 200


def pings(redis: Redis) -> bool:
    """Whether it answers this client."""
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def container(name: str, stack: LocalStack) -> dict[str, str]:
    """What the container would get, with the test's servers instead of `postgres` and `redis`."""
    given = environment_of(SERVICES[name])
    assert given["DATABASE_URL"].endswith("@postgres:5432/imdb")
    assert given["REDIS_URL"].endswith("@redis:6379/0")
    # The stack's own directory: a worker that finds a notification must find the file, too.
    requests, separator, _ = given["INGEST_API_DATABASE_URL"].rpartition("@")
    servers = {
        "DATABASE_URL": stack.database_url,
        "INGEST_API_DATABASE_URL": requests + separator + stack.database_url.rpartition("@")[2],
        "REDIS_URL": stack.redis_url,
        "INGEST_DATA_DIR": str(stack.data_dir),
    }
    return image({**given, **servers})
