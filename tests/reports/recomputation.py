"""A row of a report, computed again from what `…/sources` answers about it and from nothing else: plain fractions, and no word of the service's code.

Whoever asks knows the row's own keys, for they asked with them; every other member follows from the answer.
"""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from tests.reports import by_hand

Told = Mapping[str, Any]
WORST_FIRST = ("late", "not_accepted", "not_collected", "not_due", "not_applicable")
STATISTIC = {"ratio_sum": "ratio", "mean_weighted": "mean", "count_sum": "count", "stock_last": "stock", "import_only": "index"}
KINDS = ("trajectory", "interim", "standard")


def row_of(asked: Told, found: Told) -> dict[str, Any]:
    """Every member of the row that is named by `asked` (slice, period, month and places)."""
    figures = _figures(asked, found)
    coverage = _coverage(asked, found)
    targets = _targets(asked, found)
    judged = coverage["coverage_test"] in {None, "complete"}
    verdicts = _verdicts(asked, found, figures, targets, judged=judged)
    control = _control(asked, found, targets)
    shown = {name: None if figures[name] is None else by_hand.to_six(figures[name]) for name in ("numerator", "denominator", "value")}
    reasons = coverage.pop("reason")
    return {
        **{
            name: asked[name]
            for name in ("slice", "period", "month", "measure", "commissioner", "site", "pathway", "segment", "subcontract", "category")
        },
        **_about(asked, found, figures),
        **_places(asked, found),
        **shown,
        **verdicts,
        **targets,
        **control,
        **coverage,
        "status": _status(found),
        "missing_reason": None if figures["value"] is not None else _missing(found, figures, reasons),
        **_colour(found, figures, targets, verdicts, control),
        "source": "import" if found["measure"]["aggregation"] == "import_only" else "returns",
        "source_published_on": None,
        "suppression": None,
    }


def as_published(found: Told) -> Told:
    """What an imported row says of its figure: the import's own, a percentage as the ratio that it stands for."""
    line = found["imports"][0]
    scale = 100 if found["measure"]["unit"] == line["unit"] == "percent" else 1
    limits = {name: None if line[name] is None else by_hand.to_six(Fraction(line[name]) / scale) for name in ("lower", "upper")}
    value = (
        Fraction(line["value"]) / scale if line["value"] is not None else Fraction(line["numerator"]) / Fraction(line["denominator"] or 1)
    )
    said = {name: line[name] for name in ("month", "basis", "status", "numerator", "denominator")}
    return {**said, **limits, "value": by_hand.to_six(value), "source_published_on": line["published_on"], "source": "import"}


def _missing(found: Told, figures: Told, reasons: str | None) -> str | None:
    if found["measure"]["aggregation"] == "import_only":
        return "not_published_yet"
    return figures["reason"] or reasons


def is_band(asked: Told, found: Told) -> bool:
    return bool(found["measure"]["aggregation"] == "banded" and asked["category"] != "all")


def _stated(found: Told) -> list[Told]:
    return [cell for cell in found["cells"] if cell["state"] == "value"]


def _owing(found: Told) -> list[Told]:
    return [owing for owing in found["returns"] if owing["cells_owed"]]


def _sum(figures: Iterable[Any]) -> Fraction | None:
    stated = [Fraction(figure) for figure in figures if figure is not None]
    return sum(stated, Fraction(0)) if stated else None


def _figures(asked: Told, found: Told) -> dict[str, Any]:
    """Exact numerator, denominator and value, or why there is none although figures were stated."""
    measure, cells, none = found["measure"], _stated(found), {"numerator": None, "denominator": None, "value": None}
    if not cells:
        return {**none, "reason": None, "statistic": _statistic(asked, found, None)}
    numerator, denominator = _sum(cell["numerator"] for cell in cells), _sum(cell["denominator"] for cell in cells)
    statistic = _statistic(asked, found, denominator)
    there = {cell["month"] for cell in found["cells"]} | {owing["month"] for owing in _owing(found)}
    versions = {version for month, version in found["versions"].items() if month in there and version is not None}
    who = {cell["subcontract"] for cell in cells} | {owing["subcontract"] for owing in _owing(found)}
    mixed = len({cell["denominator"] is None for cell in cells}) > 1
    wrong = (statistic in {"ratio", "mean"}) == (denominator is None)
    if versions - {measure["version"]} or mixed or wrong or (measure["aggregation"] == "distinct_risk" and len(who) > 1):
        return {**none, "reason": "not_poolable", "statistic": statistic}
    told = {"numerator": numerator, "denominator": denominator, "value": numerator, "reason": None, "statistic": statistic}
    if statistic in {"median", "p90"}:
        value, reason = _percentile(measure, cells, Fraction(1, 2) if statistic == "median" else Fraction(9, 10))
        return {**told, "value": value, "reason": reason}
    if denominator is not None:
        assert numerator is not None
        return {**told, "value": numerator / denominator} if denominator else {**told, "value": None, "reason": "denominator_zero"}
    return told


def _statistic(asked: Told, found: Told, denominator: Fraction | None) -> str:
    measure = found["measure"]
    if measure["aggregation"] == "banded":
        return "count" if is_band(asked, found) else measure["statistic"] or "median"
    if measure["aggregation"] == "distinct_risk":
        return "ratio" if measure["proportion"] or measure["denominator"] is not None or denominator is not None else "count"
    return STATISTIC[measure["aggregation"]]


def _percentile(measure: Told, cells: list[Told], share: Fraction) -> tuple[Fraction | None, str | None]:
    counts: dict[str, Fraction] = defaultdict(Fraction)
    for cell in cells:
        counts[cell["category"]] += Fraction(cell["numerator"])
    wanted, below, lower = sum(counts.values(), Fraction(0)) * share, Fraction(0), Fraction(0)
    if not wanted:
        return None, "denominator_zero"
    for band in measure["breakdown"]["categories"]:
        inside, upper = counts[band["code"]], band["upper"]
        if inside and below + inside >= wanted:
            return (None, "open_band") if upper is None else (lower + (Fraction(upper) - lower) * (wanted - below) / inside, None)
        below, lower = below + inside, Fraction(upper or 0)
    raise AssertionError("some band holds the wanted share")


def _months(first: str, last: str) -> list[str]:
    found: list[str] = []
    year, month = map(int, first.split("-"))
    while not found or found[-1] != last:
        found.append(f"{year}-{month:02d}")
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


def _before(month: str, back: int) -> str:
    ordinal = int(month[:4]) * 12 + int(month[5:]) - 1 - back
    return f"{ordinal // 12}-{ordinal % 12 + 1:02d}"


def _length(found: Told, month: str) -> int:
    """The months of the longest period that is returned in a month."""
    reporting = {(cell["collection"], cell["subcontract"], cell["month"]) for cell in _stated(found)}
    of_month = [each for each in found["returns"] if each["month"] == month]
    owing = [each for each in of_month if each["cells_owed"]]
    reported = [each for each in of_month if (each["collection"], each["subcontract"], each["month"]) in reporting]
    return max((each["months"] for each in owing or reported), default=1)


def _about(asked: Told, found: Told, figures: Told) -> dict[str, Any]:
    measure, period = found["measure"], sorted(found["inputs_sha256"])
    first, last = period[0], period[-1]
    if asked["period"] == "month":
        first = _before(last, _length(found, last) - 1)
    # A stock is its last month's; every other measure's figures are of the months that they were stated for.
    stated = sorted({cell["month"] for cell in _stated(found)})
    held = {month for each in stated for month in _months(_before(each, _length(found, each) - 1), each)} & set(_months(first, last))
    split = measure["breakdown"] is not None and "category" in asked["slice"]
    return {
        **{f"measure_{name}": measure[name] for name in ("name", "version")},
        **{name: measure[name] for name in ("kind", "basis")},
        "direction": "neutral" if is_band(asked, found) else measure["direction"],
        "unit": "count" if is_band(asked, found) else measure["unit"],
        "statistic": figures["statistic"],
        "period_start": f"{first}-01",
        "period_end": f"{last}-{calendar.monthrange(int(last[:4]), int(last[5:]))[1]:02d}",
        "breakdown": measure["breakdown"]["code"] if split else "all",
        "months_held": len(held),
    }


def _places(asked: Told, found: Told) -> dict[str, Any]:
    """Names as the contract's lines give them. A place that nobody owes or reports itself is computed from what is below it."""
    places, measure = found["places"], found["measure"]
    below = [cell for cell in found["cells"] if cell["owed"] or cell["state"] == "value"]
    sites = {measure["site_map"].get(line["site"], line["site"]) for line in found["assignments"]} | {cell["site"] for cell in below}
    commissioners = {line["commissioner"] for line in found["assignments"]} | {cell["commissioner"] for cell in below}
    site_scope, commissioner_scope = "exact", "exact"
    if asked["site"] != "all":
        wider = asked["site"] in measure["site_map"].values()
        site_scope = "parent" if asked["site"] not in sites else "wider" if wider else "exact"
    if asked["commissioner"] not in {"all", *commissioners}:
        line = places["commissioner"]
        commissioner_scope = "whole" if line and line["whole"] else "part"
    names = {each["name"] for each in places["segments"]}
    organisation = places["read_as"] or asked["subcontract"]
    named = places["organisation"] if places["read_as"] else None
    by_whom = places["commissioner"] or (None if places["read_as"] else places["organisation"])
    return {
        "commissioner_name": by_whom["name"] if by_whom else asked["commissioner"],
        "commissioner_scope": commissioner_scope,
        "site_name": places["site"]["name"] if places["site"] else asked["site"],
        "site_scope": site_scope,
        "pathway_name": places["pathway"]["name"] if places["pathway"] else asked["pathway"],
        "segment_name": names.pop() if len(names) == 1 else asked["segment"],
        "organisation": organisation,
        "organisation_name": named["name"] if named else organisation,
    }


def _targets(asked: Told, found: Told) -> dict[str, Any]:
    """The most specific line that says something; of equals trajectory before interim before standard. Lines come the most specific first."""
    requirement = None if is_band(asked, found) else found["requirement"]
    lines = requirement["targets"] if requirement else []
    chosen = next((line for line in lines if any(line[kind] is not None for kind in KINDS)), None)
    equals = [line for line in lines if chosen is not None and _aim(line) == _aim(chosen)]
    target, kind = next(((line[kind], kind) for kind in KINDS for line in equals if line[kind] is not None), (None, None))
    beside = {name: next((line[name] for line in lines if line[name] is not None), None) for name in ("standard", "floor", "stretch")}
    return {"target": target, "target_kind": kind, **beside}


def _aim(line: Told) -> set[str]:
    return {name for name, code in (line["for"] or {}).items() if code is not None}


def _whole(asked: Told) -> bool:
    return asked["period"] != "quarter" or int(asked["month"][5:]) % 3 == 0


def _verdicts(asked: Told, found: Told, figures: Told, targets: Told, *, judged: bool) -> dict[str, Any]:
    measure, value, requirement = found["measure"], figures["value"], found["requirement"]
    lower: Any = None
    upper: Any = None
    interval = against = None
    counted, total = figures["numerator"], figures["denominator"]
    if value is not None and measure["proportion"] and total is not None and 0 <= value <= 1:
        interval, (lower, upper) = "wilson_95", by_hand.wilson(counted, total)
    elif value is not None and figures["statistic"] == "count" and measure["numeric_kind"] == "integer":
        interval = "exact_95" if counted < 10 else "byar_95"
        lower, upper = by_hand.poisson(int(counted)) if counted < 10 else by_hand.byar(int(counted))
    direction, test = measure["direction"], "no_target"
    if targets["target"] is not None:
        target = Fraction(targets["target"])
        if interval is not None and judged and direction != "neutral":
            # Of a proportion by the score test; of a count by its limits, which are far finer here than any target.
            z = Fraction(by_hand.Z)
            similar = (
                (counted - total * target) ** 2 <= z * z * total * target * (1 - target)
                if interval == "wilson_95"
                else lower <= target <= upper
            )
            against = "similar" if similar else "better" if (value > target) == (direction != "lower") else "worse"
        slices = requirement["applies_to"]
        fits = (
            (slices is None or slices == "all" or asked["slice"] in slices)
            and requirement["judged_on"] == asked["period"]
            and _whole(asked)
        )
        met = value is not None and (value <= target if direction == "lower" else value >= target)
        test = ("met" if met else "not_met") if fits and judged and value is not None and direction != "neutral" else "not_judged"
    return {"lower": lower, "upper": upper, "interval": interval, "contract_test": test, "against_target": against}


def _control(asked: Told, found: Told, targets: Told) -> dict[str, Any]:
    if asked["period"] not in {"month", "quarter"} or not _whole(asked) or found["measure"]["aggregation"] == "import_only":
        names = ("mean", "lower", "upper", "from", "points", "variation", "signal", "assurance")
        return {f"spc_{name}": None for name in names}
    requirement, target = found["requirement"], targets["target"]
    return by_hand.process_control(
        found["series"],
        requirement["process_control"] if requirement else None,
        direction=None if is_band(asked, found) else found["measure"]["direction"],
        target=None if target is None else Fraction(target),
    )


def _lacking(found: Told, owing: Told) -> dict[str, int]:
    """How many owed cells of a return have no value, by reason."""
    if owing["state"] != "accepted":
        return {owing["state"]: owing["cells_owed"]}
    counts: dict[str, int] = defaultdict(int)
    key = (owing["subcontract"], owing["month"])
    for cell in found["cells"]:
        if cell["owed"] and cell["state"] != "value" and (cell["subcontract"], cell["month"]) == key:
            counts[cell["state"]] += 1
    for cell in found["not_stated"]:
        if (cell["subcontract"], cell["month"]) == key:
            counts[cell["reason"]] += 1
    return counts


def _coverage(asked: Told, found: Told) -> dict[str, Any]:
    """Who is expected and included, why the others are not, and whether that is enough to judge."""
    expected, included, missing, reasons = [], [], [], set()
    for owing in _owing(found):
        gaps = _lacking(found, owing)
        reasons |= set(gaps)
        if gaps.get("not_applicable", 0) >= owing["cells_owed"]:
            continue
        expected.append(owing)
        worst = next((reason for reason in WORST_FIRST[:-1] if gaps.get(reason)), None)
        if worst is None:
            included.append(owing)
        else:
            some = ["some"] if sum(gaps.values()) < owing["cells_owed"] else []
            month = [] if asked["period"] == "month" else [owing["month"]]
            missing.append(((owing["month"], owing["subcontract"]), " ".join([owing["subcontract"], *month, *some, worst])))
    share = None
    if expected and all(owing["volume"] is not None for owing in expected):
        whole, there = (_sum(owing["volume"] for owing in owings) or Fraction(0) for owings in (expected, included))
        share = there / whole if whole else None
    threshold, test = found["programme"]["publish_threshold"], None
    if threshold is not None and expected and found["measure"]["aggregation"] != "import_only":
        enough = len(expected) == len(included) or (share is not None and share >= Fraction(threshold))
        test = "complete" if enough else "unknown" if share is None else "incomplete"
    return {
        "returns_expected": len(expected),
        "returns_included": len(included),
        "coverage": None if share is None else by_hand.to_six(share),
        "excludes": ", ".join(text for _, text in sorted(missing)) or None,
        "reason": next((reason for reason in WORST_FIRST if reason in reasons), None),
        "coverage_test": test,
    }


def _status(found: Told) -> str:
    owing = [each for each in found["returns"] if each["expected"]]
    return "final" if owing and all(each["frozen"] for each in owing) else "provisional"


def _colour(found: Told, figures: Told, targets: Told, verdicts: Told, control: Told) -> dict[str, Any]:
    rule = (found["requirement"] or {}).get("rag") or found["programme"]["rag"]
    if rule is None:
        return {"rag": None, "rag_reason": None}
    value, target, direction = figures["value"], targets["target"], found["measure"]["direction"]
    if value is None or target is None or direction == "neutral":
        return {"rag": None, "rag_reason": "no_value" if value is None else "no_target"}
    if verdicts["contract_test"] == "not_judged":
        return {"rag": None, "rag_reason": "not_judged"}
    short = (Fraction(target) - value) * (-1 if direction == "lower" else 1)
    if rule["chance"] and verdicts["against_target"] == "similar":
        return {"rag": "amber", "rag_reason": "cannot_be_told"}
    if short <= 0:
        return {"rag": "green", "rag_reason": "target_met"}
    if short <= Fraction(rule["tolerance"]):
        return {"rag": "amber", "rag_reason": "within_tolerance"}
    if rule["improving"] and control["spc_variation"] == "improvement":
        return {"rag": "amber", "rag_reason": "improving"}
    return {"rag": "red", "rag_reason": "target_missed"}
