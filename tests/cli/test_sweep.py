import pytest


@pytest.fixture(scope="session")
def swept(tmp_path_factory, edgecnn):
    """A sweep of two small LeNets in float and int8."""
    out = tmp_path_factory.mktemp("swept") / "s.sqlite"
    ran = edgecnn(
        "sweep", "lenet", "--width", "0.25,0.5", "--res", "12", "--data", "digits", "--epochs", "1",
        "--recipe", "int8", "-o", out, "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    return out, ran


def test_a_sweep_says_how_far_it_is_and_gives_points_and_front_as_json(swept):
    _, ran = swept
    assert ran.err.splitlines()[-1] == "7 of 7 jobs done"
    assert [point["title"] for point in ran.json["points"]] == [
        f"lenet-w{width}-r12 {label}" for width in ("0.25", "0.5") for label in ("float", "int8")
    ]
    assert {"data", "metric", "against", "device", "titles"} == set(ran.json["front"][0])
    assert ran.json["failed"] == []


def test_a_recommendation_names_the_point_and_what_makes_it(swept, edgecnn):
    said = edgecnn("recommend", swept[0], "--max-size", "1MB", "--max-latency", "20ms", "--device", "host")
    assert said.out.startswith("ship lenet-w0.")
    assert "  $ OMP_NUM_THREADS=1 edgecnn train 'lenet(width=0." in said.out
    assert "runner-up 3: " in said.out


def test_where_nothing_fits_it_says_so_and_exits_1_also_with_json(swept, edgecnn):
    limits = ("--min-accuracy", "1", "--max-size", "1B")
    assert (
        "none of the 4 points fits; what would: --max-size "
        in edgecnn("recommend", swept[0], *limits).complaint
    )
    as_json = edgecnn("recommend", swept[0], *limits, "--json")
    assert as_json.code == 1
    assert as_json.json["recommended"] is None
    assert len(as_json.json["relax"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sweep"], "name a model and --data"),
        (["sweep", "lenet"], "give --data D"),
        (["sweep", "-o", "nowhere"], "there is no sweep nowhere to go on with"),
        (["sweep", "lenet", "--data", "digits", "--jobs", "0"], "--jobs 0 does nothing"),
        (["sweep", "mobilenet", "--res", "32,8", "--data", "digits"], "needs res of at least 16, not 8"),
        (["sweep", "lenet", "--res", "32,", "--data", "digits"], "--res has an empty part"),
        (["sweep", "lenet", "--data", "digits", "--device", "pi44"], "unknown target 'pi44'"),
        (["sweep", "lenet", "--data", "digits", "--device", "nowhere", "--device", "local"], "asks for no"),
        (["recommend", "nowhere", "--max-size", "1MB"], "nowhere is no sweep and no run folder"),
    ],
    ids=[
        "nothing",
        "no data",
        "no sweep",
        "no jobs",
        "too small",
        "an empty part",
        "no device",
        "two minds",
        "no sweep to read",
    ],
)
def test_a_request_that_cannot_be_met_is_one_sentence(arguments, words, edgecnn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in edgecnn(*arguments).complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["fast", "20", "20 parsecs"])
def test_a_limit_without_a_known_unit_is_wrong_usage(given, edgecnn):
    assert edgecnn("recommend", "s", "--max-latency", given).code == 2
