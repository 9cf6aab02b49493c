"""Pages of other origins: none may call by default, those that are named may, and the rest meet the service as if nothing were."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import ASGIApp

from app.main import create_app
from app.web.origins import OtherOrigins
from tests.support.databases import Database
from tests.support.http import Web, serving

OURS = "https://dashboards.example.nhs.uk"
ASK = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,if-match"}


@pytest.fixture(scope="module")
def web(module_database: Database) -> Iterator[Web]:
    with serving(module_database) as web:
        yield web


Asking = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def ask(web: Web) -> Asking:
    """Asks an application that has the origin named."""
    app: ASGIApp = OtherOrigins(web.app, allowed=[OURS])

    def call(method: str, path: str, **headers: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mainstem.test") as client:
                return await client.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})

        return web.portal.call(asked)

    return call


def test_no_origin_may_by_default(web: Web) -> None:
    for answer in (
        web.get("/livez", headers={"Origin": OURS}),
        web.request("OPTIONS", "/v1/me", headers={"Origin": OURS, **ASK}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.status_code == 405


def test_an_origin_that_is_named_may_call_and_read_what_clients_need(ask: Asking, web: Web) -> None:
    preflight = ask("OPTIONS", "/v1/me", Origin=OURS, **ASK)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, OURS)
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "if-match" in preflight.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in preflight.headers
    answer = ask("GET", "/v1/me", Origin=OURS, Authorization=f"Bearer {web.key('auditor')}")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, OURS)
    assert "ETag" in answer.headers["access-control-expose-headers"]
    refused = ask("GET", "/v1/me", Origin=OURS)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, OURS)


@pytest.mark.parametrize("origin", ["https://other.example", "null", OURS.upper(), f"{OURS}.other.example", f"{OURS}:8443"])
def test_any_other_origin_is_told_nothing(ask: Asking, web: Web, origin: str) -> None:
    for method, headers in (("OPTIONS", ASK), ("GET", {"Authorization": f"Bearer {web.key('auditor')}"})):
        answer = ask(method, "/v1/me", Origin=origin, **headers)
        assert answer.status_code == {"OPTIONS": 405, "GET": 200}[method]
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "Origin" in answer.headers["vary"]


def test_the_setting_puts_it_in_front(database: Database) -> None:
    open_app, named = create_app(database.settings.model_copy(update={"allowed_origins": (OURS,)})), OtherOrigins.__name__
    assert [named in str(app.user_middleware) for app in (open_app, create_app(database.settings))] == [True, False]
