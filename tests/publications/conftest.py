"""The small programme of the reports' tests, and what it takes to publish a month of it: an editor, and somebody who checks and publishes."""

import contextlib
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest

from tests.reports.conftest import PROGRAMME, Programme, running, send_october
from tests.support.databases import Database

ADDRESS: Final = f"/v1/programmes/{PROGRAMME}/publications"
OCTOBER: Final = "2026-10"


@dataclass
class Press:
    """The programme with its publications, as its parties call them."""

    programme: Programme

    def key(self, role: str, **scope: str) -> str:
        return self.programme.key(role, programme=PROGRAMME, **scope)

    @property
    def editor(self) -> str:
        return self.key("analyst")

    @property
    def manager(self) -> str:
        return self.key("contract_manager")

    def get(self, path: str = "", *, by: str | None = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.programme.web.get(f"{ADDRESS}{path}", key=by or self.manager, headers=named)

    def edit(self, month: str = OCTOBER, *, by: str | None = None, **body: Any) -> httpx.Response:
        path, key = f"{ADDRESS}/drafts/{month}", by or self.editor
        tag = self.programme.web.get(path, key=key).headers.get("ETag")
        return self.programme.web.put(path, body, key=key, headers={"If-Match": tag} if tag else {"If-None-Match": "*"})

    def check(self, month: str = OCTOBER, *, by: str | None = None, digest: str | None = None) -> httpx.Response:
        digest = digest or self.get(f"/drafts/{month}").json()["inputs_sha256"]
        return self.programme.web.post(f"{ADDRESS}/drafts/{month}/check", {"inputs_sha256": digest}, key=by or self.manager)

    def issue(self, month: str = OCTOBER, *, by: str | None = None, reason: str = "The month is complete.") -> httpx.Response:
        return self.programme.web.post(ADDRESS, {"month": month, "reason": reason}, key=by or self.manager)

    def publish(self, month: str = OCTOBER, *, commentary: str = "") -> dict[str, Any]:
        """Edit, check and publish a month; what was published."""
        edited = self.edit(month, commentary=commentary)
        assert edited.status_code in {200, 201}, edited.text
        checked = self.check(month, digest=edited.json()["inputs_sha256"])
        assert checked.status_code == 200, checked.text
        made = self.issue(month)
        assert made.status_code == 201, made.text
        published: dict[str, Any] = made.json()
        return published

    def read(self, path: str, *, by: str | None = None) -> Any:
        answer = self.get(path, by=by)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    def differences(self, sequence: int, *, by: str | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.read(f"/{sequence}/differences", by=by)["differences"]
        return found


def unzipped(content: bytes) -> bytes:
    return gzip.decompress(content)


@contextlib.contextmanager
def press(database: Database) -> Iterator[Press]:
    """October of the small programme as it stands after the last deadline, nothing of it published."""
    with running(database) as programme:
        yield Press(send_october(programme))


@pytest.fixture
def own_press(database: Database) -> Iterator[Press]:
    """For a test that goes on with it."""
    with press(database) as made:
        yield made
