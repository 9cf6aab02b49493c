"""The commands on personal data and retention, as an operator runs them."""

import json
import os
import subprocess

import pytest

from tests.support import commands
from tests.support.databases import Database


@pytest.fixture(scope="module")
def run(module_database: Database) -> "Run":
    return Run(module_database)


class Run:
    """`mainstem …` on a database."""

    def __init__(self, database: Database) -> None:
        urls = {"MAINSTEM_DATABASE_URL": database.urls.application, "MAINSTEM_OWNER_DATABASE_URL": database.urls.owner}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTEM_")}
        self._environment = {**kept, **urls}

    def __call__(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return commands.run(list(arguments), {**self._environment, **settings})


def test_a_client_by_name_and_by_id(run: Run) -> None:
    made = json.loads(run("client", "create", "Grace Hopper", "--role", "administrator", "--json").stdout)["id"]
    (found,) = [each for each in json.loads(run("personal-data", "export", "Grace Hopper").stdout) if each["table"] == "clients"]
    assert (found["key"], found["value"]) == ({"id": made}, "Grace Hopper")
    shown = json.loads(run("personal-data", "export", "--client", made).stdout)
    assert shown["client"]["name"] == "Grace Hopper"
    assert "sha256" not in json.dumps(shown)
    live = run("personal-data", "erase", "--client", made)
    assert (live.returncode, "revoke it first" in live.stderr) == (1, True)
    dry = run("personal-data", "erase", "Grace Hopper", "--dry-run")
    assert "clients.name: 1 would be erased" in dry.stdout
    run("client", "revoke", made)
    assert "clients.name: 1 erased" in run("personal-data", "erase", "--client", made).stdout
    assert "Nothing names them" in run("personal-data", "erase", "Grace Hopper").stdout


def test_whom_it_is_about_is_said_once(run: Run) -> None:
    for arguments in ([], ["Grace Hopper", "--client", "c"], ["live"]):
        refused = run("personal-data", "export", *arguments)
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr


def test_retention_is_shown_and_too_few_years_for_records_are_refused(run: Run) -> None:
    shown = run("retention", "--dry-run")
    assert shown.returncode == 0
    assert "records: contract, returns and results are taken away" in shown.stdout
    few = run("retention", MAINSTEM_RETENTION_RECORDS_YEARS="5")
    assert (few.returncode, "MAINSTEM_RETENTION_RECORDS_YEARS" in few.stderr) == (1, True)
