"""A new client's scope: its subcontract or commissioner is in the programme's contract; the programme itself may come later."""

from typing import Final

import pytest

from app.configuration.scope_actions import scope_is_there
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.refusals import Invalid
from tests.make import document
from tests.support.databases import Database
from tests.support.http import serving

PROGRAMME: Final = "test-cancer"


def test_a_scope_is_there_or_its_programme_is_not_yet(database: Database) -> None:
    with serving(database) as web, open_session(database.engine, INSTALLATION) as session:
        assert not scope_is_there(session, PROGRAMME, subcontract="SC-RJE", commissioner=None)
        headers = {"If-None-Match": "*"}
        applied = web.put(f"/v1/programmes/{PROGRAMME}/configuration", document(), key=web.key("administrator"), headers=headers)
        assert applied.status_code == 201, applied.text
        assert scope_is_there(session, PROGRAMME, subcontract="SC-RJE", commissioner=None)
        assert scope_is_there(session, PROGRAMME, subcontract=None, commissioner="05W")
        assert scope_is_there(session, PROGRAMME, subcontract=None, commissioner=None)
        with pytest.raises(Invalid) as refused:
            scope_is_there(session, PROGRAMME, subcontract="SC-NONE", commissioner="05X")
        assert [fault.code for fault in refused.value.faults] == ["unknown_subcontract", "unknown_commissioner"]
        assert "SC-RJE" in refused.value.faults[0].fix
