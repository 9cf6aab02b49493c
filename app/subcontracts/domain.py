"""What a subcontract is: the agreement between the prime and one organisation under one programme."""

from typing import Literal

from app.kernel.codes import Code
from app.kernel.lines import Day, Line, Many, Name, NewCode, Pence
from app.kernel.months import Month
from app.pathways.domain import Sector, Setting

SubcontractStatus = Literal["heads_of_terms", "agreed", "signed", "live", "suspended", "notice", "terminated", "expired"]


class Contact(Line):
    """A person to ring; staff identities are the only personal data held."""

    role: Name
    name: Name | None = None
    email: Name | None = None
    phone: Name | None = None


class Subcontract(Line):
    """Reporting hangs on the subcontract, never on the organisation. `settings` None: any."""

    reference: NewCode
    organisation: Code
    sector: Sector
    settings: Many[Setting] | None = None
    starts_on: Day
    ends_on: Day
    annual_value_pence: Pence | None = None
    status: SubcontractStatus | None = None
    contacts: Many[Contact] = ()

    @property
    def first_month(self) -> Month:
        return Month.of(self.starts_on)

    @property
    def last_month(self) -> Month:
        return Month.of(self.ends_on)
