"""The short form of `make faults`, always with the same seed: a few kills, each race a few times, a few histories; a planted fault is noticed."""

from collections.abc import Iterator

import pytest

from tests.faults import histories, races
from tests.faults.durability import Card, on_its_own, run
from tests.faults.races import RACES, Parties, Race, parties
from tests.support.databases import Database

SEED = 20_261_122
RACED = 4
HISTORIES = 2


def test_what_was_answered_for_survives_kills_and_a_planted_fault_is_noticed() -> None:
    cards: list[Card] = [("answer_kept", "service"), ("committing", "backend"), ("committed", "postmaster")]
    with on_its_own() as installation:
        outcome = run(installation, seed=SEED, kills=len(cards), returns=60, cards=iter(cards))
        assert outcome.faults == []
        assert outcome.kills == dict.fromkeys(cards, 1)
        assert outcome.acknowledged >= 60
        early: list[Card] = [("committing", "service")] * 9
        late = run(installation, seed=SEED + 1, kills=len(early), returns=60, plant="commit_after_the_answer", cards=iter(early))
        assert late.verdict.lost


@pytest.fixture(scope="module")
def who(module_database: Database) -> Iterator[Parties]:
    with parties(module_database) as made:
        yield made


@pytest.mark.parametrize("kind", RACES, ids=lambda kind: kind.says)
def test_whoever_comes_first_nothing_is_broken(who: Parties, kind: Race) -> None:
    raced = races.race(who, kind, count=RACED, seed=SEED)
    assert raced.broken == []
    assert raced.ways.total() == RACED


def test_the_reference_model_agrees(database: Database) -> None:
    with parties(database) as made:
        assert histories.agree(made, count=HISTORIES, from_seed=SEED) >= HISTORIES
