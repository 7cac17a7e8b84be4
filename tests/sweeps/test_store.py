import multiprocessing
import sqlite3

import pytest

from edgecnn.errors import EdgeCnnError
from edgecnn.sweeps import store as store_module
from edgecnn.sweeps.job import Job
from edgecnn.sweeps.owner import identity, is_known_dead
from edgecnn.sweeps.store import MOST_ATTEMPTS, LostError, Store


def job(key, kind="train", needs=()):
    return Job(key=key, kind=kind, title=key, needs=needs, settings={}, work=1.0)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "s", new=True)
    yield made
    made.close()


def states(store):
    return {row.key: row.state for row in store.rows()}


def test_a_job_is_claimed_once_and_only_when_what_it_needs_is_done(store):
    store.add([job("a"), job("b", "measure", ("a",))])
    assert store.claim("one", ["a", "b"]).key == "a"
    assert store.claim("two", ["a", "b"]) is None
    store.finish("one", "a", {"x": 1}, 2.0)
    assert store.claim("two", ["a", "b"]).key == "b"


def test_what_is_done_stays_and_what_failed_is_opened_again_by_the_next_command(store):
    store.add([job("a"), job("b")])
    for key, end in (
        ("a", lambda: store.finish("one", "a", {}, 1.0)),
        ("b", lambda: store.fail("one", "b", "no", 1.0)),
    ):
        assert store.claim("one", [key]).key == key
        end()
    assert states(store) == {"a": "done", "b": "failed"}
    store.add([job("a"), job("b")])
    assert states(store) == {"a": "done", "b": "open"}


def test_a_cell_fails_with_its_training_and_for_the_same_reason(store):
    store.add([job("a"), job("b", "measure", ("a",))])
    store.claim("one", ["a"])
    store.fail("one", "a", "the loss is not finite", 1.0)
    store.settle(["a", "b"])
    assert [(row.state, row.error) for row in store.rows()] == [("failed", "the loss is not finite")] * 2


def test_a_timing_waits_until_every_cell_is_settled_and_times_what_is_left(store):
    store.add([job("a", "measure"), job("b", "measure"), job("t", "time", ("a", "b"))])
    store.claim("one", ["a"])
    store.claim("two", ["b"])
    store.finish("one", "a", {}, 1.0)
    assert store.claim("one", ["t"]) is None
    store.fail("two", "b", "no", 1.0)
    assert store.claim("one", ["t"]).key == "t"


def of_a_dead_process(queue):
    queue.put(identity())


def test_a_dead_process_of_this_machine_loses_its_job_at_once(store):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=of_a_dead_process, args=(queue,))
    process.start()
    dead = queue.get()
    process.join()
    assert (is_known_dead(dead), is_known_dead(identity()), is_known_dead("elsewhere|1|2|3")) == (
        True,
        False,
        False,
    )
    store.add([job("a")])
    store.claim(dead, ["a"])
    assert store.claim("two", ["a"]).key == "a"
    with pytest.raises(LostError):
        store.finish(dead, "a", {}, 1.0)


def test_an_owner_elsewhere_loses_its_job_when_its_beat_stands_still(store, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(store_module.time, "monotonic", lambda: clock[0])
    store.add([job("a")])
    store.claim("elsewhere|1|2|3", ["a"])
    for clock[0], beats in ((0.0, False), (50.0, True), (100.0, False)):
        if beats:
            store.beat("elsewhere|1|2|3", "a", 0.5)
        assert store.claim("two", ["a"]) is None
    clock[0] = 50.0 + store_module.STALE_S + 1
    assert store.claim("two", ["a"]).key == "a"


def test_a_job_that_kills_its_process_again_and_again_fails(store, monkeypatch):
    monkeypatch.setattr(store_module, "is_known_dead", lambda _owner: True)
    store.add([job("a")])
    for _ in range(MOST_ATTEMPTS):
        assert store.claim("one", ["a"]).key == "a"
    assert store.claim("one", ["a"]) is None
    assert (
        store.rows()[0].error
        == f"its process was killed {MOST_ATTEMPTS} times, as is done where memory runs out"
    )


def test_what_is_given_back_is_open_and_counts_as_no_attempt(store):
    store.add([job("a")])
    store.claim("one", ["a"])
    store.release("one")
    assert (store.rows()[0].state, store.rows()[0].attempts) == ("open", 0)


def text(path):
    path.write_text("no database at all, but long enough to be looked at as one" * 20)


def another(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()


@pytest.mark.parametrize("make", [text, another], ids=["text", "another database"])
@pytest.mark.parametrize("new", [True, False])
def test_a_file_that_is_no_sweep_is_refused(make, new, tmp_path):
    path = tmp_path / "x.sqlite"
    make(path)
    before = path.read_bytes()
    with pytest.raises(EdgeCnnError, match=r"x\.sqlite"):
        Store(path, new=new)
    assert path.read_bytes() == before


def test_a_full_disk_is_one_sentence(store):
    store._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(EdgeCnnError, match=r"cannot read or write the sweep .*: database or disk is full"):
        store.add([job(str(number)) for number in range(1000)])
    assert store.rows() == []
