"""The built-in catalogue: complete against the reference, consistent in itself, and shown on its page."""

from collections.abc import Iterator

import pytest

from app.configuration.document import Document, completed
from app.configuration.domain import faults_of
from app.kernel.months import Month
from app.measures.catalogue import CATALOGUE, SECTIONS
from app.measures.domain import WITH_DENOMINATOR, Measure, difference, in_force
from tests.make import document, exact
from tests.measures.page import PAGE, text_of

# The codes that the published standards, the outcomes of cancer care and the measures of end-of-life care are known by.
CANCER = {"CWT-FDS", "CWT-31", "CWT-62"}
HISTORICAL = {"H-2WW", "H-2WB", "H-31F", "H-31S", "H-31R", "H-31D", "H-62G", "H-62S", "H-62U"}
OUTCOMES = {"O-STAGE", "O-EMERG", "O-SURV1", "O-SURV5", "O-SACT30", "O-CPES", "O-QOL"}
PROCESSES = {"P-HNA", "P-CNS", "P-PSFU", "P-TIMED"}
END_OF_LIFE = {
    *("E-DIUPR", "E-HOSP", "E-3ADM", "E-REG", "E-DREG", "E-ACP", "E-PPDR", "E-PPDA", "E-FT48", "E-RESPU", "E-RESPR", "E-BEDOCC"),
    *("E-BERV", "E-VOICES", "E-OACC", "E-SPEND", "E-OOH"),
}
QUALITY = {"Q-COMPLETE", "Q-VALID", "Q-TIMELY", "Q-STABLE", "Q-COVER", "Q-INDEX", "Q-PATHWAY", "Q-DQMI"}

TO_BE_CONFIRMED = {
    *("O-SURV1", "O-SURV5", "O-CPES", "O-CPESA", "O-QOL", "P-HNA", "P-CNS", "P-PSFU", "P-PTL", "P-PTL62", "P-PTL104", "E-REG", "E-VOICES"),
    *("E-OACC", "E-OACCR", "E-SPEND", "E-OOH"),
}

EVERY = [pytest.param(measure, id=code) for code, measure in CATALOGUE.items()]


def incomplete(measure: Measure) -> Iterator[str]:
    """What an entry of the catalogue must say and does not."""
    for member in ("numerator", "kind", "direction", "unit", "source", "example"):
        if getattr(measure, member) is None:
            yield member
    if measure.aggregation in WITH_DENOMINATOR and measure.denominator is None:
        yield "denominator"
    if measure.code.startswith("E-") != (measure.ambition is not None):
        yield "ambition"


@pytest.mark.parametrize("codes", [CANCER, HISTORICAL, OUTCOMES, PROCESSES, END_OF_LIFE, QUALITY])
def test_every_code_of_the_reference_is_there(codes: set[str]) -> None:
    assert codes <= CATALOGUE.keys()


def test_no_code_stands_twice() -> None:
    assert len(CATALOGUE) == sum(len(section) for section in SECTIONS.values())


@pytest.mark.parametrize("measure", EVERY)
def test_every_measure_says_all_of_itself(measure: Measure) -> None:
    assert list(incomplete(measure)) == []
    assert Measure.model_validate(exact(measure.model_dump(mode="json"))) == measure


def test_an_incomplete_measure_is_noticed() -> None:
    assert set(incomplete(Measure(code="E-NEW", name="New"))) == {
        *("numerator", "kind", "direction", "unit", "source", "example", "denominator", "ambition"),
    }


def test_what_could_not_be_confirmed_says_so() -> None:
    assert {code for code, measure in CATALOGUE.items() if "to be confirmed" in (measure.source or "")} == TO_BE_CONFIRMED


@pytest.mark.parametrize("measure", EVERY)
def test_what_is_superseded_is_there_and_ended_just_before(measure: Measure) -> None:
    for superseded in measure.supersedes:
        earlier = CATALOGUE[superseded.code]
        assert earlier.version == superseded.version
        assert measure.from_month is not None
        assert earlier.to_month == measure.from_month.plus(-1)
        assert difference(earlier, measure).comparable == "no"


def test_the_standards_of_october_2023_take_the_place_of_nine() -> None:
    assert {each.code for code in CANCER for each in CATALOGUE[code].supersedes} == HISTORICAL
    before, after = Month.parse("2023-09"), Month.parse("2023-10")
    for code in HISTORICAL:
        assert in_force((CATALOGUE[code],), before) is not None
        assert in_force((CATALOGUE[code],), after) is None
    for code in CANCER:
        assert in_force((CATALOGUE[code],), before) is None
        assert in_force((CATALOGUE[code],), after) is not None


@pytest.mark.parametrize(
    ("aggregation", "codes"),
    [
        ("import_only", {"O-SURV1", "O-SURV5", "O-SACT30A", "E-3ADM", "E-DIUPR", "Q-INDEX", "Q-DQMI"}),
        ("distinct_risk", {"E-REG", "E-DREG"}),
        ("stock_last", {"P-PTL", "P-PTL62", "P-PTL104"}),
        ("mean_weighted", {"O-CPES", "O-QOL"}),
        ("banded", {"P-TIMED"}),
        ("ratio_sum", {"CWT-62", "O-STAGE", "O-EMERG", "E-BEDOCC", "E-PPDA"}),
    ],
)
def test_what_may_not_be_added_is_not(aggregation: str, codes: set[str]) -> None:
    assert {code: CATALOGUE[code].aggregation for code in codes} == dict.fromkeys(codes, aggregation)


def test_only_shared_waits_come_in_halves() -> None:
    assert {code for code, measure in CATALOGUE.items() if measure.numeric_kind == "half_unit"} == {"CWT-62", "H-62G", "H-62S", "H-62U"}


def test_the_bands_of_a_timed_segment() -> None:
    measure = CATALOGUE["P-TIMED"]
    assert measure.breakdown is not None
    assert [category.upper for category in measure.breakdown.categories] == [7, 14, 21, 28, 38, 62, 104, None]
    assert measure.category_codes[-1] == "105-up"


def test_a_document_may_name_them_all() -> None:
    own = {measure["code"] for measure in document()["measures"] if isinstance(measure, dict)}
    value = document(measures=[*document()["measures"][2:], *sorted(CATALOGUE.keys() - own)])
    assert faults_of(completed(Document.model_validate(exact(value))), registered=frozenset()) == []


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == text_of(SECTIONS), "python -m tests.measures.page --write writes it anew"
