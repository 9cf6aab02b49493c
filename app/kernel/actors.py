"""Who acts: the caller as every room needs to know it."""

from dataclasses import dataclass, field
from typing import Final

EVERY: Final = "*"
"""Stands for every programme, subcontract or commissioner in a scope; no code can be this."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A client as it was authenticated, with its scope.

    `programme`, `subcontract` and `commissioner` are codes, `*` for every one, or None for none at all. What its organisation
    has succeeded to stands in `inherited_subcontracts` and `inherited_commissioners`: it reads these and changes nothing of them.
    `delegated` holds the permissions that others have lent it, each with the client who lent it.
    """

    client: str
    name: str
    role: str
    programme: str | None
    subcontract: str | None
    commissioner: str | None
    request_id: str | None = None
    inherited_subcontracts: tuple[str, ...] = ()
    inherited_commissioners: tuple[str, ...] = ()
    delegated: tuple[tuple[str, str], ...] = ()
    on_behalf_of: set[str] = field(default_factory=set, init=False, compare=False)
    """Whose permissions this request has used so far: noted when it is asked whether the actor may. Every request has an actor of its own."""

    @property
    def acts_for(self) -> str | None:
        """Who lent what is being used, as the record and what is produced say it; None for what the actor does of its own right."""
        return ",".join(sorted(self.on_behalf_of)) or None


MACHINE: Final = Actor(
    client="machine", name="the machine itself", role="administrator", programme=EVERY, subcontract=EVERY, commissioner=EVERY
)
"""An operator at the machine's own command line, who could read the files anyway."""
