"""On whose behalf a transaction runs: what row-level security compares with."""

from dataclasses import dataclass
from typing import Final

from app.kernel.actors import EVERY, Actor


@dataclass(frozen=True, slots=True)
class Tenant:
    """Each a code, `*` for every one, or empty for none (which sees nothing); what is inherited is seen too, and never written."""

    programme: str = ""
    subcontract: str = ""
    commissioner: str = ""
    client: str = ""
    inherited_subcontracts: tuple[str, ...] = ()
    inherited_commissioners: tuple[str, ...] = ()


NOBODY: Final = Tenant()
INSTALLATION: Final = Tenant(programme=EVERY, subcontract=EVERY, commissioner=EVERY, client=EVERY)
"""The machine's operator, and the step that finds out who is calling."""


def tenant_of(actor: Actor, *, programme: str) -> Tenant:
    """The tenant of one programme as an actor may see it; its subcontract and commissioner narrow it further."""
    return Tenant(
        programme=programme,
        subcontract=actor.subcontract or "",
        commissioner=actor.commissioner or "",
        client=actor.client,
        inherited_subcontracts=actor.inherited_subcontracts,
        inherited_commissioners=actor.inherited_commissioners,
    )
