"""What the rules of a document may not say: measures that are not there, and figures or places that these do not have."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from app.configuration.document import Document
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.measures.rules import ChangeRule, CollectionRule, Figure, MeasureRule, RollForwardRule, figures_of

Versions = Mapping[str, Sequence[Measure]]


def rules_astray(document: Document) -> Iterator[Fault]:
    """Everything that a rule names and that is not there, and every code that two rules of a line share."""
    versions: dict[str, list[Measure]] = defaultdict(list)
    for measure in document.measures:
        versions[measure.code].append(measure)
    for number, measure in enumerate(document.measures):
        yield from astray(measure.rules, measure, versions, f"/measures/{number}/rules")
    for number, collection in enumerate(document.collections):
        yield from repeated(collection.rules, f"/collections/{number}/rules")


def astray(rules: Sequence[MeasureRule], measure: Measure, versions: Versions, at: str) -> Iterator[Fault]:
    """What is wrong with the rules of one version of a measure."""
    yield from repeated(rules, at)
    for number, rule in enumerate(rules):
        yield from _astray(rule, measure, versions, f"{at}/{number}")


def repeated(rules: Sequence[MeasureRule | CollectionRule], at: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for number, rule in enumerate(rules):
        if first.setdefault(rule.code, number) != number:
            detail = f"This rule has the same code as {at}/{first[rule.code]}."
            yield Fault("duplicate", detail, "Give each rule of a line a code of its own.", pointer=f"{at}/{number}/code")


def _astray(rule: MeasureRule, measure: Measure, versions: Versions, at: str) -> Iterator[Fault]:
    named = figures_of(rule)
    for where, figure in named.items():
        if figure.measure not in versions:
            detail = "There is no such measure in this document."
            yield Fault("unknown_measure", detail, "Add the measure, or correct the code.", pointer=f"{at}/{where}/measure")
        yield from _figure_astray(figure, versions.get(figure.measure, ()), f"{at}/{where}")
    yield from _own_astray(rule, measure, at)
    others = [each for figure in named.values() for each in versions.get(figure.measure, ())]
    yield from _levels_astray(rule, [measure, *others], at)
    if isinstance(rule, ChangeRule) and rule.minimum_points > rule.months:
        detail = "More earlier months are asked for than are looked at."
        yield Fault("too_few_months", detail, "Let months be at least minimum_points.", pointer=f"{at}/minimum_points")


def _own_astray(rule: MeasureRule, measure: Measure, at: str) -> Iterator[Fault]:
    """The part and the categories of its own measure that a rule looks at."""
    if isinstance(rule, ChangeRule):
        if rule.of != "numerator" and not _may_have_denominator(measure):
            yield _no_denominator(f"{at}/of")
        return
    categories = () if isinstance(rule, RollForwardRule) else getattr(rule, "categories", ())
    yield from _figure_astray(Figure(measure=measure.code, part=rule.part or "numerator", categories=categories), [measure], at)


def _figure_astray(figure: Figure, versions: Sequence[Measure], at: str) -> Iterator[Fault]:
    if versions and figure.part == "denominator" and not any(map(_may_have_denominator, versions)):
        yield _no_denominator(f"{at}/part")
    known = {code for measure in versions for code in measure.category_codes}
    for number, category in enumerate(figure.categories if versions else ()):
        if category not in known:
            detail = f"The measure {figure.measure} has no category of this code."
            yield Fault("unknown_category", detail, "Name categories of its breakdown.", pointer=f"{at}/categories/{number}")


def _may_have_denominator(measure: Measure) -> bool:
    return measure.has_denominator or measure.aggregation == "distinct_risk"


def _no_denominator(pointer: str) -> Fault:
    return Fault("no_denominator", "Figures of this measure have no denominator.", "Look at the numerator.", pointer=pointer)


def _levels_astray(rule: MeasureRule, measures: Sequence[Measure], at: str) -> Iterator[Fault]:
    levels = getattr(rule, "by", None) or ()
    for number, level in enumerate(levels):
        if level in levels[:number]:
            yield Fault("repeated", "This stands twice in the list.", "Name each once.", pointer=f"{at}/by/{number}")
        for measure in measures:
            if level not in measure.split_by and not (level == "category" and measure.breakdown):
                detail = f"Figures of {measure.code} are not kept apart by {level}."
                yield Fault("not_split_by", detail, "Name only what every measure of the rule is split by.", pointer=f"{at}/by/{number}")
                break
