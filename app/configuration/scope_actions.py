"""Whether what a new client is to reach is there: the programme, and in its contract the subcontract or commissioner."""

from sqlalchemy.orm import Session

from app.db.installation import narrowed, programmes_known
from app.kernel.codes import is_code
from app.kernel.refusals import Fault, Invalid
from app.programmes.store import commissioners
from app.subcontracts.store import subcontracts


def scope_is_there(session: Session, programme: str, *, subcontract: str | None, commissioner: str | None) -> bool:
    """Whether the programme is there; clients may be made before it. Invalid where it is, and has no such subcontract or commissioner.

    For a tenant of every programme.
    """
    if programme not in programmes_known(session):
        return False
    with narrowed(session, programme):
        known = {
            "subcontract": (subcontract, {line.reference for line in subcontracts(session, programme, as_of=None)}),
            "commissioner": (commissioner, {line.ods_code for line in commissioners(session, programme, as_of=None)}),
        }
    faults = [
        Fault(
            f"unknown_{member}",
            f"The programme {programme} has no {member} of this code.",
            f"Name one of {', '.join(sorted(codes)) or 'its own, once it has any'}; or add it to the programme first.",
            pointer=f"/{member}",
        )
        for member, (code, codes) in known.items()
        if code is not None and is_code(code) and code not in codes
    ]
    if faults:
        raise Invalid("The client's scope is not there.", faults=faults)
    return True
