"""What was once answered as of a moment stays that answer, byte for byte, whatever is corrected, merged, redefined or ended later."""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from app.kernel.codes import ALL
from tests.reports.conftest import PROGRAMME, Programme, acute, document, of_62, of_fds, send_october, waits
from tests.support.http import serving

MONTHS = ("2026-10", "2026-11")
ACTS = 12
READS = (
    "2026-10?slice=all,subcontract,commissioner%2Bsite&period=month,quarter",
    "2026-11?slice=all,site,category&period=month,rolling_12&succession=restated",
    "2026-11?slice=all&include=submitted",
    "2026-11/trend?months=3&slice=subcontract",
    "2026-11/sources?measure=CWT-62&period=year_to_date",
)


class History:
    """Acts at random upon the small programme, and everything that was read between them."""

    def __init__(self, programme: Programme, random: Random) -> None:
        self.programme, self.random = programme, random
        self.stands = document()
        self.told: dict[tuple[str, str], bytes] = {}

    def act(self) -> None:
        acts: list[Callable[[], None]] = [self._correct] * 4 + [
            self._submit,
            self._redefine,
            self._end,
            self._merge,
            self._retarget,
            self._wait,
        ]
        self.random.choice(acts)()

    def _correct(self, *, accepted: bool = True) -> None:
        month, counts = self.random.choice(MONTHS), [self.random.randint(0, 40) for _ in range(4)]
        if self.random.random() < 0.3:
            body = {"cells": [*waits(*counts[:3]), {"measure": "BEDS", "numerator": counts[3]}, {"measure": "DEATHS", "numerator": 1}]}
            contacts = [{"measure": "CONTACTS", "commissioner": code, "numerator": 5} for code in ("05W", "05G")]
            self._send("SC-H9901", month, {"cells": [*body["cells"], *contacts]}, collection="care", accepted=accepted)
            return
        subcontract = self.random.choice(("SC-RJE", "SC-RL4", "SC-RNA"))
        low, high = sorted(counts[:2])
        self._send(subcontract, month, acute(of_62("urgent", low, high), of_fds(min(counts[2:]), max(counts[2:]))), accepted=accepted)

    def _send(self, subcontract: str, month: str, body: dict[str, Any], **how: Any) -> None:
        self.programme.send(subcontract, month, body, **how)

    def _submit(self) -> None:
        """Nobody accepts it, at least for now."""
        self._correct(accepted=False)

    def _configure(self, **changes: Any) -> None:
        self.stands = {**self.stands, **changes}
        self.programme.configure(**self.stands)

    def _redefine(self) -> None:
        """Contacts are counted otherwise from November on; a second time nothing changes."""
        plain = {"code": "CONTACTS", "name": "Contacts", "aggregation": "count_sum", "split_by": ["commissioner"], "unit": "people"}
        others = [line for line in self.stands["measures"] if not isinstance(line, dict) or line["code"] != "CONTACTS"]
        first = {key: value for key, value in plain.items() if key != "unit"}
        self._configure(measures=[*others, first, {**plain, "version": 2, "from_month": "2026-11", "numerator": "Contacts of any kind"}])

    def _end(self) -> None:
        """An assignment ends with October; what was reported of November stays a fact."""
        lines = deepcopy(self.stands["assignments"])
        self.random.choice(lines)["to_month"] = self.random.choice((None, "2026-12"))
        self._configure(assignments=lines)

    def _merge(self) -> None:
        """One trust is carried on by another."""
        predecessor, successor = self.random.choice((("RNA", "RJE"), ("RRE", "H9901")))
        path = f"/v1/organisations/{predecessor}/successors/{successor}"
        key = self.programme.key("administrator")
        answer = self.programme.web.put(
            path, {"legal_on": "2026-11-01", "why": "A test of reports."}, key=key, headers={"If-None-Match": "*"}
        )
        assert answer.status_code in {201, 412}, answer.text

    def _retarget(self) -> None:
        requirement = deepcopy(self.stands["requirements"][0])
        requirement["targets"][0]["interim"] = self.random.choice((0.6, 0.7, 0.75))
        self._configure(requirements=[requirement])

    def _wait(self) -> None:
        """A deadline passes, or a month."""
        self.programme.at(f"{self.programme.now:%Y-%m-%dT%H:%M}")
        self.programme.now = self.programme.now.replace(day=min(self.programme.now.day + 9, 28))

    def read(self) -> None:
        """Everything as it stands now, remembered under the moment that the answer names."""
        for path in READS:
            answer = self._ask(path)
            head = answer.json()
            moment = (head.get("report") or head.get("trend") or head)["as_of"]
            self.told[path, moment] = answer.content

    def _ask(self, path: str, *, web: Any = None) -> Any:
        programme = self.programme
        answer = (web or programme.web).get(f"/v1/programmes/{PROGRAMME}/reports/{path}", key=programme.key("analyst", programme=PROGRAMME))
        assert answer.status_code == 200, answer.text
        return answer

    def changed(self, *, web: Any = None) -> list[tuple[str, str]]:
        """What is answered otherwise than it was."""
        return [
            (path, moment)
            for (path, moment), content in self.told.items()
            if self._ask(f"{path}{'&' if '?' in path else '?'}as_of={moment}", web=web).content != content
        ]


@pytest.mark.parametrize("seed", [1, 2])
def test_an_answer_as_of_a_moment_never_changes(programme: Programme, seed: int) -> None:
    random = Random(f"as of/{seed}")
    history = History(send_october(programme), random)
    assert ALL in READS[0]
    for number in range(ACTS):
        history.programme.now = history.programme.now.replace(second=number)
        history.act()
        if number % 3 == 0:
            history.read()
    assert len({moment for _, moment in history.told}) > 3
    assert len(set(history.told.values())) > len(READS) * 3
    assert history.changed() == []
    # Nor where nothing that was ever stored or kept is at hand.
    with programme.database.superuser_engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE month_results, report_rows")
    with serving(programme.database, clock=programme) as web:
        assert history.changed(web=web) == []
