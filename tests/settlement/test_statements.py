"""Statements: each party its own, whole by itself, and never to be mistaken for another kind."""

import csv
import io
import json
import zipfile
from typing import Any, Final

import pytest
from python_calamine import CalamineWorkbook

from app.settlement.computation import settle
from app.settlement.domain import METHOD_VERSION, SettlementRules
from app.settlement.results import result_of
from app.settlement.statement_files import csv_of, workbook_of
from app.settlement.statements import Audience, Disputed, State, file_stem, statement_of, walk
from app.settlement.true_up import Dispute, amounts_of, true_up
from tests.settlement.made import figures, inputs, rules
from tests.settlement.recomputation import from_rows, recompute

COMMISSIONERS: Final = [{"commissioner": "04Y", "share": "0.4"}, {"commissioner": "05W", "share": "0.6"}]
AUDIENCES: Final[list[tuple[Audience, str]]] = [
    ("integrator", "integrator"),
    ("subcontract", "subcontract.SC-A"),
    ("subcontract", "subcontract.SC-D"),
    ("commissioner", "commissioner.05W"),
    ("public", "public"),
]
HEAD: Final = {"programme": "cancer", "contract_year": 3, "run": 2, "kind": "final", "rules_version": 1}


def stated(
    audience: Audience, party: str, *, mode: str = "live", kind: str = "final", rules_are: SettlementRules | None = None
) -> dict[str, Any]:
    made = rules_are or rules(mode=mode, allocation={**rules().allocation.model_dump(), "commissioners": COMMISSIONERS})
    settled = settle(made, inputs())
    result = json.loads(json.dumps(result_of(made, inputs(), settled, final=kind == "final")))
    first = State(made_on="2029-07-20", publications=(7,), amounts=amounts_of(settled), result=result, content_sha256="1c2d")
    return statement_of({**HEAD, "kind": kind}, [first], audience=audience, party=party)


def sheets_of(content: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def text_of(content: bytes) -> str:
    """Everything that stands in a workbook, sheets' names included."""
    return "\n".join(str(value) for name, rows in sheets_of(content).items() for row in [[name], *rows] for value in row)


@pytest.mark.parametrize(("audience", "party"), AUDIENCES)
def test_a_statement_can_be_recomputed_from_its_explanation_alone(audience: Audience, party: str) -> None:
    statement = stated(audience, party)
    assert recompute(statement["explanation"]) > 10 or audience == "public"
    for total in statement["totals"] or []:
        if audience != "integrator":
            assert total["pence"] == int(statement["explanation"]["value"])
    for line in statement["lines"]:
        (node,) = [
            node
            for node in walk(statement["explanation"])
            if node["name"] == f"{line['party']}:{line['element']}" and node["formula"] != "as_above"
        ]
        assert int(node["value"]) == line["pence"]


def test_nobody_but_the_integrator_reads_what_others_are_paid() -> None:
    names = {party: json.dumps(stated(audience, party)) for audience, party in AUDIENCES}
    assert "SC-B" in names["integrator"]
    for party in ("subcontract.SC-A", "subcontract.SC-D", "commissioner.05W", "public"):
        assert "SC-B" not in names[party]
        assert "04Y" not in names[party]
        assert "14392665" not in names[party]
    assert "SC-A" not in names["subcontract.SC-D"]
    assert "31663863" not in names["subcontract.SC-D"]


def test_where_a_share_stands_in_the_rules_tells_no_party_how_many_others_there_are() -> None:
    for audience, party in AUDIENCES[1:4]:
        given = [node["source"] or {} for node in walk(stated(audience, party)["explanation"])]
        pointers = {source["pointer"] for source in given if source.get("pointer", "").startswith("/allocation")}
        assert pointers == {f"/allocation/{audience}s"}
    assert "/allocation/subcontracts/1/outcome" in json.dumps(stated("integrator", "integrator"))


def test_the_public_reads_no_price_and_no_figure() -> None:
    public = stated("public", "public")
    assert public["summary"] == {"method_version": METHOD_VERSION}
    assert {name for name, value in public.items() if value} == {"statement", "summary", "explanation"}
    assert recompute(public["explanation"]) == 0
    assert not any(word in json.dumps(public) for word in ("pence", "CWT-62", "quality"))


@pytest.mark.parametrize(("audience", "party"), AUDIENCES[1:4])
def test_a_party_reads_scores_and_not_the_counts_of_others(audience: Audience, party: str) -> None:
    """Of two contributors one could take its own counts off the pooled ones."""
    statement = stated(audience, party)
    nodes = list(walk(statement["explanation"]))
    assert not [node["name"] for node in nodes if node["name"].startswith(("figure.", "numerator.", "denominator."))]
    scores = [node for node in nodes if node["name"].startswith("score.")]
    assert {node["formula"] for node in scores} == {"given"}
    assert scores[0]["source"]["reason"] == "figures_of_others"
    for said in ('"412"', '"531"', "412/531", "Head of finance", "approved_by", "upper_pence", '"0.784"'):
        assert said not in json.dumps(statement), said
    if audience == "subcontract":
        assert not statement["summary"].keys() & {"total_pence", "at_risk_pence", "withheld_pence"}
        assert not [name for each in statement["measures"] for name in each if "pence" in name]


def test_a_subcontract_with_a_part_of_the_outcome_is_not_told_the_integrator_s_price() -> None:
    """Of the annual value and the share at risk its fee could be worked out; what is at risk in all is told, as a part of its own line is."""
    shares = {"subcontracts": [{"subcontract": "SC-A", "outcome": "0.5"}], "commissioners": COMMISSIONERS}
    statement = stated("subcontract", "subcontract.SC-A", rules_are=rules(allocation=shares, annual_value_pence=6_000_000_000))
    assert recompute(statement["explanation"]) > 10
    (at_risk,) = [node for node in walk(statement["explanation"]) if node["name"] == "at_risk"]
    assert (at_risk["value"], at_risk["formula"], at_risk["source"]["reason"]) == ("300000000", "given", "price_of_others")
    told = json.dumps(statement)
    assert not [said for said in ("6000000000", "5700000000", "annual_value", "at_risk_share", "05W", "04Y") if said in told]
    payer = stated("commissioner", "commissioner.05W", rules_are=rules(allocation=shares, annual_value_pence=6_000_000_000))
    assert '"6000000000"' in json.dumps(payer)


def test_a_pool_that_a_party_has_no_share_of_is_not_in_its_statement() -> None:
    names = {node["name"] for node in walk(stated("subcontract", "subcontract.SC-A")["explanation"])}
    assert "subcontract.SC-A:outcome:exact" in names
    assert not names & {"outcome.exact", "at_risk", "annual_value"}


@pytest.mark.parametrize(
    ("mode", "kind", "word"), [("shadow", "final", "SHADOW"), ("off", "final", "SWITCHED"), ("live", "provisional", "PROVISIONAL")]
)
@pytest.mark.parametrize(("audience", "party"), AUDIENCES)
def test_what_pays_nothing_cannot_be_mistaken(audience: Audience, party: str, mode: str, kind: str, word: str) -> None:
    statement = stated(audience, party, mode=mode, kind=kind)
    assert statement["statement"]["notice"].startswith(word)
    assert statement["statement"]["payable"] is False
    assert {line["payable_pence"] for line in statement["lines"]} <= {0}
    assert {total["payable_pence"] for total in statement["totals"] or []} <= {0}
    assert file_stem(statement["statement"], party).startswith(word)
    assert "NOT-PAYABLE" in file_stem(statement["statement"], party)
    rows = list(csv.DictReader(io.StringIO(csv_of(statement).decode())))
    assert rows
    assert all(row["notice"].startswith(word) and row["mode"] == mode for row in rows)
    content = workbook_of(statement, made_at="2029-08-01T09:00:00Z")
    for name, lines in sheets_of(content).items():
        assert name.startswith(word)
        assert str(lines[1][0]).startswith(word)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        printed = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert f"<dc:title>{word}" in parts.read("docProps/core.xml").decode()
    assert all(f"<oddHeader>&amp;L&amp;9{word}" in sheet and f"<oddFooter>&amp;L{word}" in sheet for sheet in printed)


@pytest.mark.parametrize(("audience", "party"), AUDIENCES)
def test_a_table_or_a_workbook_is_enough_to_work_it_out_again(audience: Audience, party: str) -> None:
    statement = stated(audience, party)
    if audience == "public":
        return
    wanted = recompute(statement["explanation"])
    table = [row for row in csv.DictReader(io.StringIO(csv_of(statement).decode())) if row["row"] == "node"]
    assert {row["true_up"] for row in table} == {"0"}
    tree = from_rows([row[name] for name in ("level", "name", "value", "unit", "formula", "source")] for row in table)
    assert (recompute(tree), tree["value"]) == (wanted, statement["explanation"]["value"])
    (sheet,) = [
        lines for name, lines in sheets_of(workbook_of(statement, made_at="2029-08-01T09:00:00Z")).items() if name == "How it came about"
    ]
    assert sheet[2][0] == "The settlement itself of 2029-07-20, on publications 7"
    columns = sheet[3][:6]
    assert columns == ["level", "name", "value", "unit", "formula", "source"]
    assert [[str(int(line[0])), *line[1:6]] for line in sheet[4:]] == [[row[name] for name in columns] for row in table]


def test_a_live_statement_says_so_and_pays() -> None:
    statement = stated("integrator", "integrator")
    assert sum(total["payable_pence"] for total in statement["totals"]) == 0
    assert statement["statement"]["notice"].startswith("LIVE")
    assert file_stem(statement["statement"], "integrator") == "settlement-cancer-year-3-run-2-integrator"
    content = workbook_of(statement, made_at="2029-08-01T09:00:00Z")
    assert content == workbook_of(statement, made_at="2029-08-01T09:00:00Z")
    said = text_of(content)
    assert "SHADOW" not in said
    assert "quality" in said
    lines = [row for row in csv.DictReader(io.StringIO(csv_of(statement).decode())) if row["row"] == "line"]
    assert sum(int(row["payable_pence"]) for row in lines) == 0


def test_true_ups_and_suspense_stand_in_the_statement() -> None:
    before, after = settle(rules(), inputs()), settle(rules(), inputs(figures=figures(cwt_62={"numerator": 420, "denominator": 531})))
    moved = true_up([amounts_of(before)], amounts_of(after))
    anew = result_of(rules(), inputs(figures=figures(cwt_62={"numerator": 420, "denominator": 531})), after, final=True)
    result = result_of(rules(), inputs(), before, final=True)
    states = [
        State(made_on="2029-07-20", publications=(7,), amounts=amounts_of(before), result=result, content_sha256="1c2d"),
        State(
            number=1,
            made_on="2029-09-01",
            publications=(7, 9),
            causes=("The figure of CWT-62 was 412/531.",),
            told=("The figure of CWT-62 is another.",),
            amounts=moved,
            result=anew,
            content_sha256="9f86",
        ),
    ]
    disputed = [Disputed(Dispute("subcontract.SC-A", "gain"), "2029-09-02", "A transfer counts twice.")]
    own = statement_of(HEAD, states, audience="subcontract", party="subcontract.SC-A", disputes=disputed)
    (gain,) = [each for each in own["lines"] if each["element"] == "gain"]
    assert gain["settled_pence"] == 31_663_863
    assert gain["true_up_pence"] == moved["subcontract.SC-A"]["gain"] > 0
    assert (gain["suspended_pence"], gain["payable_pence"]) == (gain["pence"], 0)
    (trued_up,) = own["true_ups"]
    assert [each["party"] for each in trued_up["lines"]] == ["subcontract.SC-A"]
    assert trued_up["causes"] == ["The figure of CWT-62 is another."]
    assert recompute(trued_up["explanation"])
    assert int(trued_up["explanation"]["value"]) == own["totals"][0]["pence"]
    assert own["summary"]["quality"] == anew["quality"] != result["quality"]
    assert own["disputes"] == [
        {"party": "subcontract.SC-A", "element": "gain", "opened_at": "2029-09-02", "reason": "A transfer counts twice.", "answer": None}
    ]
    everyone = statement_of(HEAD, states, audience="integrator", party="integrator", disputes=disputed)
    assert sum(each["payable_pence"] for each in everyone["totals"]) == 0
    assert sum(each["suspended_pence"] for each in everyone["totals"]) == 0
    assert everyone["summary"]["total_pence"] == anew["total_pence"]
    payer = statement_of(HEAD, states, audience="commissioner", party="commissioner.all", disputes=disputed)
    assert payer["totals"][0]["suspended_pence"] == -gain["pence"]
    assert payer["disputes"] == [{"party": None, "element": "gain", "opened_at": "2029-09-02", "reason": None, "answer": None}]
    each_says_of_which_state_it_is(own, everyone)


def each_says_of_which_state_it_is(own: dict[str, Any], everyone: dict[str, Any]) -> None:
    """The settlement itself (0) or a true-up, with its date, causes and publications: in JSON, in the table and in the workbook."""
    assert [(each["true_up"], each["made_on"], each["publications"], each["causes"], each["explained_at"]) for each in own["states"]] == [
        (0, "2029-07-20", [7], [], "/explanation"),
        (1, "2029-09-01", [7, 9], ["The figure of CWT-62 is another."], "/true_ups/0/explanation"),
    ]
    assert own["summary"]["true_up"] == 1
    assert {each["true_up"] for each in own["measures"]} == {1}
    rows = list(csv.DictReader(io.StringIO(csv_of(everyone).decode())))
    states = {
        kind: {row["true_up"] for row in rows if row["row"] == kind} for kind in ("state", "summary", "measure", "node", "true_up", "line")
    }
    assert states == {"state": {"0", "1"}, "summary": {"1"}, "measure": {"1"}, "node": {"0"}, "true_up": {"1"}, "line": {""}}
    assert [(row["made_on"], row["publications"]) for row in rows if row["row"] == "state"] == [("2029-07-20", "7"), ("2029-09-01", "7; 9")]
    assert {row["made_on"] for row in rows if row["row"].startswith("true_up")} == {"2029-09-01"}
    assert {"total", "dispute", "true_up_cause", "true_up_node"} <= {row["row"] for row in rows}
    content = workbook_of(everyone, made_at="2029-09-02T09:00:00Z")
    words = text_of(content)
    assert "The figure of CWT-62 was 412/531." in words
    assert "['" not in words
    sheets = sheets_of(content)
    assert sheets["True-up 1"][2][0] == "True-up 1 of 2029-09-01, on publications 7, 9"
    assert sheets["How it came about"][2][0].startswith("The settlement itself of 2029-07-20")


def test_a_workbook_says_which_of_its_columns_are_pounds() -> None:
    """Everything in pence is in pounds there, and what is exact is as in the table."""
    sheets = sheets_of(workbook_of(stated("integrator", "integrator"), made_at="2029-08-01T09:00:00Z"))
    headings = {str(value) for rows in sheets.values() for row in rows[3:4] for value in row}
    assert {"settled, £", "in all, £", "paid for it, £", "paid at its lower limit, £", "rounded; money in £"} <= headings
    assert not [heading for heading in headings if "pence" in heading]
    (fee,) = [row for row in sheets["How it came about"] if row[1] == "integrator:fixed_fee"]
    assert (fee[2], fee[3], fee[6]) == ("6526500000", "pence", 65_265_000)
