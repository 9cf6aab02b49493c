"""What the service says about itself: log lines as JSON events, metrics, and what may never be in either."""

import logging
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Protocol, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

MAY_SAY: Final = frozenset(
    {
        # every line
        "event", "level", "timestamp",
        # ids and codes
        "request_id", "trace_id", "client", "programme", "subcontract", "commissioner", "collection", "month", "revision", "sequence", "role",
        # what happened, in words of ours
        "action", "code", "method", "route", "status", "signal", "exception", "places", "setting", "schema", "head",
        # how often, how long and where the service itself stands
        "attempt", "count", "duration_ms", "seconds", "host", "port", "pid", "version", "data",
    }
)  # fmt: skip
"""The only keys of a log line. A figure, a note, a person's name, a body, a query or a key is none of these."""

_LONGEST_WORD: Final = 200
_REFUSED_LOGGERS: Final = ("uvicorn.access", "sqlalchemy.engine", "sqlalchemy.pool")
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Event = MutableMapping[str, Any]


def only_what_may_be_said(_logger: Any, _method: str, event: Event) -> Event:
    """Keep the allowed keys, and of those only short words and whole numbers."""
    return {name: value for name, value in event.items() if name in MAY_SAY and _is_word(value)}


def _is_word(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_word(part) for part in value)
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST_WORD)


def places_of_a_defect(_logger: Any, _method: str, event: Event) -> Event:
    """An exception as its class and the places it passed through: never its message, which may quote what was sent."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        event["places"] = list(_places(error.__traceback__))[-12:]
    return event


def _places(trace: TracebackType | None) -> Iterator[str]:
    """Where in our own code an exception passed, and where it was raised."""
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "?")
        if module.startswith("app.") or trace.tb_next is None:
            yield f"{module}:{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next


class _Foreign(logging.Handler):
    """Lines of libraries: only who spoke and how loudly, for their words may quote a statement or a value."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log.log(record.levelno, "library_line", action=record.name, exc_info=error)


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Write events as JSON lines to the stream (standard error), and the lines of libraries as such events too."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            places_of_a_defect,
            only_what_may_be_said,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Foreign(logging.WARNING)]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in _REFUSED_LOGGERS:
        logging.getLogger(name).disabled = True


@dataclass(frozen=True, slots=True)
class Metrics:
    """The service's own numbers, each in a registry of its own so that two applications in one process do not mix."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    seconds: Histogram = field(init=False)
    in_flight: Gauge = field(init=False)
    defects: Counter = field(init=False)

    def __post_init__(self) -> None:
        def put(name: str, metric: Any) -> None:
            object.__setattr__(self, name, metric)

        labels = ("method", "route", "status")
        put("seconds", Histogram("mainstem_request_seconds", "Seconds a request took", labels, registry=self.registry, buckets=_BUCKETS))
        put("in_flight", Gauge("mainstem_requests_in_flight", "Requests being answered", registry=self.registry))
        put("defects", Counter("mainstem_defects", "Requests that met a defect", registry=self.registry))


class Audited(Protocol):
    """What is told of a programme's last audit of figures."""

    @property
    def programme(self) -> str: ...
    @property
    def audited_at(self) -> datetime: ...
    @property
    def mismatched(self) -> int: ...
    @property
    def untraceable(self) -> int: ...


def audited(audits: Iterable[Audited]) -> CollectorRegistry:
    """What `mainstem audit figures` found last, of the programmes that whoever asks may know of: it runs in a process of its own, and leaves it in a table."""
    registry = CollectorRegistry()
    mismatched = Gauge("mainstem_figures_mismatched", "Stored figures that the last audit found wrong", ("programme",), registry=registry)
    untraceable = Gauge(
        "mainstem_figures_untraceable", "Stored figures whose inputs the last audit did not find", ("programme",), registry=registry
    )
    at = Gauge(
        "mainstem_figures_audited_seconds", "When the last audit of figures was, in seconds of Unix time", ("programme",), registry=registry
    )
    for audit in audits:
        mismatched.labels(audit.programme).set(audit.mismatched)
        untraceable.labels(audit.programme).set(audit.untraceable)
        at.labels(audit.programme).set(audit.audited_at.timestamp())
    return registry


log: Final = structlog.stdlib.get_logger()
"""Events with ids: `log.info("return_accepted", programme=…, revision=…)`."""
