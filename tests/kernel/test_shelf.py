"""What was worked out before is kept while it is used, and no more than so much of it."""

from functools import partial

from app.kernel.shelf import Shelf


def test_the_longest_unused_is_put_away() -> None:
    shelf, worked_out = Shelf(2), list[str]()

    def work_out(key: str) -> str:
        worked_out.append(key)
        return key

    for key in ("a", "b", "a", "c", "a", "b"):
        assert shelf.kept("letters", key, partial(work_out, key)) == key
    assert worked_out == ["a", "b", "c", "b"]
    assert len(shelf) == 2


def test_each_kind_has_room_of_its_own() -> None:
    shelf = Shelf(2)
    for number in range(9):
        shelf.kept("few", number, lambda: None, most=1)
        shelf.kept("some", number, lambda: None)
    assert len(shelf) == 3


def test_only_an_entry_that_is_there_is_replaced() -> None:
    shelf = Shelf(2)
    shelf.put("letters", "a", 1)
    assert shelf.kept("letters", "a", lambda: 2) == 2
    shelf.put("letters", "a", 3)
    assert shelf.kept("letters", "a", lambda: 2) == 3
    assert len(shelf) == 1
