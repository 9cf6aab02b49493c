"""The live report as the public would be shown it, over HTTP."""

from app.reports.head_schemas import PublicHeadView, RestatedSubmittedPublicHeadView
from app.reports.public import unnamed
from app.reports.schemas import ObservationView
from tests.reports.conftest import PROGRAMME, Programme

OCTOBER = "2026-10"


def test_the_preview_hides_small_counts_and_says_which_policy_holds(october: Programme) -> None:
    live = october.ask(OCTOBER, slice="all,commissioner,category")
    public = october.ask(OCTOBER, slice="all,commissioner,category", rendition="public")
    assert list(public["report"]) == list(PublicHeadView.model_fields)
    assert public["report"] == {**live["report"], "rendition": "public"}
    assert [(note["code"], "CWT-62" in note["detail"], "WAIT" in note["detail"]) for note in public["notes"][:2]] == [
        ("small_counts", False, True),
        ("as_published", True, False),
    ]
    # What holds of the windows of publications is not said of this one's.
    assert "sums" not in public["notes"][0]["detail"]
    assert (public["notes"][2]["code"], "sums of what is shown of their months" in public["notes"][2]["detail"]) == ("preview", True)
    assert public["notes"][3:] == live["notes"]
    assert len(live["observations"]) == len(public["observations"])
    for before, after in zip(live["observations"], public["observations"], strict=True):
        assert list(after) == list(ObservationView.model_fields)
        ObservationView.model_validate(after)
        if before["measure"] == "CWT-62" and before["slice"] != "commissioner":
            assert after == unnamed(before)

    def told(report: list[dict[str, object]], measure: str, **keys: str) -> tuple[object, ...]:
        (row,) = (row for row in report if row["measure"] == measure and keys.items() <= row.items())
        return row["numerator"], row["value"], row["suppression"]

    assert told(live["observations"], "WAIT", slice="category", category="0-1") == (6, 6, None)
    assert told(public["observations"], "WAIT", slice="category", category="0-1") == (None, None, "small_count")
    assert told(public["observations"], "CONTACTS", slice="commissioner", commissioner="05G") == (None, None, "small_count")


def test_a_filter_does_not_change_what_the_preview_shows(october: Programme) -> None:
    every = [row for row in october.rows(OCTOBER, rendition="public") if row["measure"] == "CONTACTS"]
    assert october.rows(OCTOBER, rendition="public", measure="CONTACTS") == every


def test_other_questions_may_be_asked_at_once(october: Programme) -> None:
    head = october.ask(OCTOBER, rendition="public", include="submitted", succession="restated")["report"]
    RestatedSubmittedPublicHeadView.model_validate(head)
    assert (head["succession"], head["include"], head["rendition"]) == ("restated", "submitted", "public")


def test_no_other_rendition_is_known(october: Programme) -> None:
    answer = october.web.get(
        f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}?rendition=private", key=october.key("analyst", programme=PROGRAMME)
    )
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, ["/query/rendition"])
