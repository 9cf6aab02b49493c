'''The edge: strict bodies in, problems out, one transaction a request that ends before the answer is sent.

How a room speaks HTTP; `tests/web/boats.py` is such a room, whole and under test::

    router = APIRouter(prefix="/v1/programmes/{programme}/boats", tags=["boats"])

    @router.get("/{boat}", response_class=Response, responses=json_answer(BoatView, EXAMPLE) | refusals())
    def get_boat(programme: Programme, boat: Code, unit: Unit) -> Response:
        """Read a boat."""
        found = actions.find_boat(unit.session, programme, boat, actor=unit.actor)   # NotFound, Forbidden: just raised
        return unit.read(view_of(found))                                             # ETag of the bytes; 304 by itself

    @router.get("", response_class=Response, responses=json_answer(BoatsView, EXAMPLES) | refusals(BadCursor))
    def list_boats(programme: Programme, unit: Unit, page: PageOf, as_of: AsOf) -> Response:
        """List the boats."""
        rows = actions.boats_after(unit.session, programme, page.after, limit=page.limit + 1, actor=unit.actor)
        rows, following, link = page.cut(rows, key=lambda row: (row.code,))
        return unit.read({"boats": [view_of(row) for row in rows], "next": following}, headers=link)

    @router.post("", status_code=201, response_class=Response, openapi_extra=json_body(NewBoat, EXAMPLE),
                 responses=json_answer(BoatView, EXAMPLE, status=201) | refusals(*WRITING, BoatExists))
    def add_boat(programme: Programme, unit: Unit) -> Response:
        """Add a boat."""
        boat = unit.json_as(NewBoat)                          # strict JSON, then the model: all faults at once
        added = actions.add_boat(unit.session, programme, boat, actor=unit.actor, now=unit.now)
        return unit.answer(view_of(added), status=201, location=f"/v1/programmes/{programme}/boats/{added.code}")

A PUT hands `unit.precondition` to its action, which calls `.check(current_tag_or_None)` once it holds the lock, and answers with
`etag=` the new tag. `unit.json()` is the parsed body without a model, `unit.body` the raw bytes. A dry run ends with `unit.read`:
nothing is kept. `Idempotency-Key` needs nothing from a room: what is changed through `unit.session` and ended with `unit.answer` is
changed once. A new refusal is a class with its code; it joins the register of problems by being imported.
'''
