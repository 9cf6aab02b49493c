'''The edge: strict bodies in, problems out, one transaction a request that ends before the answer is sent.

How a room speaks HTTP (this is the whole of it; `tests/web/test_sample.py` runs what stands here)::

    router = APIRouter(prefix="/v1/programmes/{programme}/boats", tags=["boats"])

    @router.get("/{boat}", responses=refusals() | json_answer(BoatView, EXAMPLE))
    def get_boat(unit: Unit, programme: str, boat: str) -> Response:
        """Read a boat."""
        found = actions.find_boat(unit.session, programme, boat, actor=unit.actor)   # NotFound, Forbidden: just raised
        return unit.read(view_of(found))                                             # ETag of the bytes; 304 by itself

    @router.get("", responses=refusals(BadCursor) | json_answer(BoatsView, EXAMPLES))
    def list_boats(unit: Unit, programme: str, page: PageOf) -> Response:
        """List the boats."""
        rows = actions.boats_after(unit.session, programme, page.after, limit=page.limit + 1, actor=unit.actor)
        rows, following, link = page.cut(rows, key=lambda row: (row.code,))
        return unit.read({"boats": [view_of(row) for row in rows], "next": following}, headers=link)

    @router.post("", status_code=201, responses=refusals(*WRITING, BoatExists), openapi_extra=json_body(NewBoat, EXAMPLE))
    def add_boat(unit: Unit, programme: str) -> Response:
        """Add a boat."""
        boat = unit.json_as(NewBoat)                          # strict JSON, then the model: all faults at once
        added = actions.add_boat(unit.session, programme, boat, actor=unit.actor, now=unit.now)
        return unit.answer(view_of(added), status=201, location=f"/v1/programmes/{programme}/boats/{added.code}")

A PUT hands `unit.precondition` to its action, which calls `.check(current_tag_or_None)` once it holds the lock, and answers with
`etag=` the new tag. `unit.json()` is the parsed body without a model, `unit.body` the raw bytes. A dry run ends with `unit.read`:
nothing is kept. `Idempotency-Key` needs nothing from you: open `unit.session` before you change anything, end with `unit.answer`.
A new refusal is a class with its code; it joins the register of problems by being imported. `AsOf` and `PageOf` are parameters.
'''
