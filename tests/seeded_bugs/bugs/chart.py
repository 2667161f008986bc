"""The Helm chart: what its pods may do, whom they talk to, what they are told, and what scales them."""

from typing import Final

from tests.seeded_bugs import Bug

TEMPLATES: Final = "deploy/helm/imdb-ingest/templates/"
POD: Final = f"{TEMPLATES}_pod.tpl"
API: Final = f"{TEMPLATES}api/deployment.yaml"
WORKER: Final = f"{TEMPLATES}worker/deployment.yaml"
SCALER: Final = f"{TEMPLATES}worker/autoscaler.yaml"
POLICIES: Final = f"{TEMPLATES}networkpolicy.yaml"
SAFETY: Final = "tests/deploy/chart/test_safety.py::"
HARDENED: Final = f"{SAFETY}test_pods_are_hardened"
TALKING: Final = f"{SAFETY}test_nobody_talks_but_who_must"
OBJECTS: Final = "tests/deploy/chart/test_objects.py::"
COMMANDS: Final = "tests/deploy/chart/test_commands.py::"
SCALING: Final = "tests/deploy/chart/test_scaling.py::"

BUGS: Final = (
    # -- what a pod may do
    Bug("pods-may-be-written", POD, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", (HARDENED,)),
    Bug("pods-have-capabilities", POD, "drop: [ALL]", "drop: [NET_RAW]", (HARDENED,)),
    Bug(
        "pods-have-a-token",
        POD,
        "automountServiceAccountToken: false",
        "automountServiceAccountToken: true",
        (HARDENED,),
    ),
    Bug(
        "flower-knows-the-database",
        f"{TEMPLATES}flower/deployment.yaml",
        """            - name: DATABASE_URL
              value: postgresql://unused.invalid/unused
""",
        """            {{- include "imdb-ingest.databaseUrl" . | nindent 12 }}
""",
        (f"{SAFETY}test_only_what_needs_a_secret_gets_it",),
    ),
    # -- whom it talks to
    Bug(
        "pods-talk-to-all-unless-told",
        POLICIES,
        """      {{- include "imdb-ingest.releaseLabels" $ | nindent 6 }}
  policyTypes: [Ingress, Egress]""",
        """      {{- include "imdb-ingest.releaseLabels" $ | nindent 6 }}
  policyTypes: [Egress]""",
        (TALKING,),
    ),
    Bug(
        "any-port-of-a-server",
        f"{TEMPLATES}_peers.tpl",
        "- ports: [{ port: {{ .port }} }]",
        "- ports: [{ port: {{ .port }}, endPort: 65535 }, { port: 22 }]",
        (TALKING,),
    ),
    Bug(
        "a-policy-after-its-job",
        f"{TEMPLATES}migrate/networkpolicy.yaml",
        'hook-weight: "-1"',
        'hook-weight: "1"',
        (f"{SAFETY}test_migrate_comes_first_and_needs_nothing_that_comes_later",),
    ),
    Bug(
        "a-job-with-an-account-that-comes-later",
        f"{TEMPLATES}migrate/job.yaml",
        "      restartPolicy: Never\n",
        '      restartPolicy: Never\n      serviceAccountName: {{ include "imdb-ingest.serviceAccountName" . }}\n',
        (f"{SAFETY}test_migrate_comes_first_and_needs_nothing_that_comes_later",),
    ),
    # -- what it is told
    Bug(
        "large-numbers-with-an-exponent",
        f"{TEMPLATES}_environment.tpl",
        "{{- int64 . -}}",
        "{{- . -}}",
        (f"{OBJECTS}test_a_number_is_written_as_the_settings_read_it",),
    ),
    Bug(
        "a-setting-that-no-value-sets",
        "deploy/helm/imdb-ingest/values.schema.json",
        '"INGEST_PARALLELISM"',
        '"INGEST_LANES"',
        (f"{OBJECTS}test_no_other_variable_can_be_a_setting",),
    ),
    Bug(
        "a-worker-of-another-queue",
        WORKER,
        "--queues=ingest.load",
        "--queues=celery",
        (f"{OBJECTS}test_every_queue_is_consumed_by_the_worker",),
    ),
    Bug(
        "a-probe-of-no-page",
        API,
        "/api/v1/health/db",
        "/api/v1/health/database",
        (f"{COMMANDS}test_the_api_is_alive_and_ready",),
    ),
    Bug(
        "a-probe-that-any-worker-answers",
        WORKER,
        ' --destination=celery@"$POD_NAME"',
        "",
        (f"{COMMANDS}test_the_worker_answers_for_itself_only",),
    ),
    # -- what scales it
    Bug(
        "a-publication-scales-to-nobody",
        SCALER,
        "LEFT JOIN batches",
        "JOIN batches",
        (f"{SCALING}test_an_upload_that_is_only_to_be_published_counts_as_one",),
    ),
    Bug(
        "workers-for-what-the-api-loads",
        SCALER,
        " AND uploads.transport = 'celery'",
        "",
        (f"{SCALING}test_it_leaves_out_what_no_worker_loads",),
    ),
    Bug(
        "the-scaler-reads-all",
        "deploy/helm/imdb-ingest/README.md",
        "GRANT SELECT (number, state, transport) ON uploads",
        "GRANT SELECT ON uploads",
        (f"{SCALING}test_its_user_reads_nothing_else",),
    ),
)
