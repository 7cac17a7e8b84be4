"""How far a step is: every tenth where there is no terminal, and how long the rest takes."""

from edgecnn.report.progress import TimeLeft, counted


def test_the_time_left_is_that_of_the_rate_since_the_count_began():
    now_s = iter([100.0, 110.0, 130.0])
    left = TimeLeft(lambda: next(now_s))
    assert left.said(5, 50) == ""
    assert left.said(10, 50) == ", about 1 min 20 s left"  # 5 in 10 s, 40 are left
    assert left.said(20, 50) == ", about 1 min 00 s left"  # 15 in 30 s, 30 are left


def test_a_count_that_goes_back_or_is_of_another_begins_anew():
    now_s = iter([0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
    left = TimeLeft(lambda: next(now_s))
    said = [left.said(*count) for count in ((1, 3), (2, 3), (1, 3), (2, 3), (3, 9), (4, 9))]
    assert said == ["", ", about 10 s left", "", ", about 10 s left", "", ", about 50 s left"]


def test_without_a_terminal_every_tenth_is_a_line(capsys):
    with counted() as (say, count):
        say("time ...")
        for done in range(1, 101):
            count(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "time ..."
    assert [line.split(",")[0] for line in lines[1:]] == [f"{max(1, 10 * n)}/100" for n in range(11)]
