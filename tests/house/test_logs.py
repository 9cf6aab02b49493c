"""A log line is an event's name and ids: no figures, no free text, no names, no keys (rule 12)."""

import ast
import re
from collections.abc import Iterator

from app.telemetry import MAY_SAY
from tests.house.tree import Source, calls, dotted, planted, sources

LOGGERS = {"log", "logger", "_log", "_logger", "LOG", "_LOG"}
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "bind", "new"}
# What telemetry lets through, and the defect that it turns into places in the program.
ALLOWED = MAY_SAY | {"exc_info"}


def says_too_much(source: Source) -> Iterator[str]:
    for name, call in calls(source.tree):
        base, _, level = name.rpartition(".")
        if base.split(".")[-1] not in LOGGERS or level not in LEVELS:
            continue
        place = f"{source.path}:{call.lineno}"
        if level not in {"bind", "new"}:
            event = call.args[0] if len(call.args) == 1 else None
            if not (isinstance(event, ast.Constant) and isinstance(event.value, str) and re.fullmatch(r"[a-z]+([._][a-z]+)*", event.value)):
                yield f"{place}: an event has one literal name, like return_accepted"
        for keyword in call.keywords:
            if keyword.arg not in ALLOWED:
                yield f"{place}: a log line may not say {keyword.arg or '**'}"


def speaks_past_the_log(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in {"logging.getLogger", "logging.info", "logging.warning", "logging.error"}:
            yield f"{source.path}:{node.lineno}: {dotted(node)}; lines go through app/telemetry.py"


def test_log_lines_are_events_and_ids() -> None:
    assert not [fault for source in sources("app") for fault in says_too_much(source)]


def test_only_telemetry_speaks_to_the_log_of_python() -> None:
    assert not [fault for source in sources("app") if not source.path.startswith("app/telemetry") for fault in speaks_past_the_log(source)]
    assert list(speaks_past_the_log(planted("import logging\nlines = logging.getLogger()\n")))


def test_a_line_that_says_too_much_is_noticed() -> None:
    for line in (
        "log.info(f'accepted {key}')",
        "log.info('Return accepted by hand')",
        "log.info('return_accepted', numerator=numerator)",
        "self.log.warning('return_refused', note=note)",
        "logger.info('return_accepted', **details)",
    ):
        assert list(says_too_much(planted(line + "\n"))), line
    assert not list(says_too_much(planted("log.info('return_accepted', programme=programme, revision=3)\n")))
