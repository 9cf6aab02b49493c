"""What every answer carries, what the log says of it, and what it never says."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from app.telemetry import MAY_SAY, configure_logging, log
from tests.support.http import Web

BOATS = "/v1/programmes/p/boats"
CANARY = "canary-9434765919"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def lines(web: Web) -> Iterator[io.StringIO]:
    """The log of one test, instead of standard error."""
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    configure_logging()


def events(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_every_answer_carries_its_ids_and_the_headers_of_safety(web: Web, manager: str) -> None:
    for answer in (web.get("/livez"), web.get("/nowhere"), web.get(BOATS, key=manager), web.post(f"{BOATS}/x/defects", key=manager)):
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", answer.headers["traceparent"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"]


@pytest.mark.parametrize("given", ["my-request_1", "4bf92f3577b34da6a3ce929d0e0e4736", "0b5b6a0e-3c5f-4c27-9bb1-012345678901"])
def test_a_request_id_of_the_callers_is_kept(web: Web, given: str) -> None:
    assert web.get("/livez", headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "with space", "9434765919", "9434-765-919", "nhs-9434765919", "nhs9434765919x", "id;drop"]
)
def test_what_is_no_request_id_is_replaced(web: Web, given: str) -> None:
    assert web.get("/livez", headers={"X-Request-ID": given}).headers["x-request-id"] != given


def test_a_trace_goes_on_through_us(web: Web) -> None:
    answered = web.get("/livez", headers={"traceparent": TRACE}).headers["traceparent"]
    assert (answered[:35], answered[-3:]) == (TRACE[:35], "-01")
    assert answered != TRACE
    for broken in ("", "00-0", TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), TRACE.upper()):
        assert web.get("/livez", headers={"traceparent": broken}).headers["traceparent"][:35] != broken[:35]


def test_one_line_a_request_with_an_event_and_ids(web: Web, manager: str, lines: io.StringIO) -> None:
    web.get(f"{BOATS}/swift-{CANARY}", key=manager, headers={"X-Request-ID": "the-request"})
    web.get(f"/{CANARY}")
    first, second = events(lines)
    assert {name: first[name] for name in ("event", "method", "route", "status", "request_id", "level")} == {
        "event": "request_answered",
        "method": "GET",
        "route": "/v1/programmes/{programme}/boats/{boat}",
        "status": 404,
        "request_id": "the-request",
        "level": "info",
    }
    assert first["client"]
    assert first["duration_ms"] > 0
    assert (second["route"], second["client"]) == ("unrouted", None)


def test_nothing_that_was_sent_reaches_the_log(web: Web, manager: str, lines: io.StringIO) -> None:
    body = {"code": "ok", "name": CANARY, CANARY: CANARY}
    headers = {"Idempotency-Key": CANARY, "X-Request-ID": "9434765919", "X-Other": CANARY}
    web.post(f"{BOATS}/{CANARY}/defects", body, key=manager, headers=headers)
    web.post(f"{BOATS}?q={CANARY}", body, key=manager, headers=headers)
    web.post(BOATS, {"code": "ok", "name": "Titanic"}, key=manager)
    web.get(f"{BOATS}?cursor={CANARY}", key=f"ms_live_{CANARY}")
    web.request(CANARY.upper(), f"/{CANARY}")
    said = lines.getvalue()
    assert len(events(lines)) == 7
    for canary in (CANARY, CANARY.upper(), "9434765919", "Titanic", "iceberg", manager, manager[8:24]):
        assert canary not in said
    defects = [event for event in events(lines) if event["event"] == "defect"]
    assert [event["exception"] for event in defects] == ["RuntimeError", "ProgrammingError"]
    assert "meet_a_defect" in defects[0]["places"][-1]
    assert all(event.keys() <= MAY_SAY for event in events(lines))


def test_only_allowed_keys_and_short_words_are_written(lines: io.StringIO) -> None:
    log.info("thing_happened", note="free text", numerator=3, code="x" * 300, programme="p", count=2)  # type: ignore[call-arg,unused-ignore]  # a call that mypy rightly refuses, to show that it is harmless when the program runs
    logging.getLogger("sqlalchemy.engine").error(CANARY)
    logging.getLogger("some.library").error("%s", CANARY)
    happened, library = events(lines)
    assert happened.keys() - {"timestamp", "level"} == {"event", "programme", "count"}
    assert (library["event"], library["action"]) == ("library_line", "some.library")
    assert CANARY not in lines.getvalue()
    structlog.get_logger().debug("not_said")
    assert len(events(lines)) == 2


def test_metrics_need_a_key_that_may(web: Web, manager: str) -> None:
    assert web.get("/metrics").status_code == 401
    assert web.get("/metrics", key=manager).status_code == 403
    web.get(f"{BOATS}/swift", key=manager)
    answer = web.get("/metrics", key=web.key("auditor"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'route="/v1/programmes/{programme}/boats/{boat}"' in answer.text
    assert "mainstem_requests_in_flight 1.0" in answer.text
    assert "swift" not in answer.text
