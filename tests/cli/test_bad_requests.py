"""Whatever is asked wrongly is answered with one sentence and exit code 1, before anything is written."""

import pytest

PI4 = ["--target", "pi4"]
GRAY = ["--mean", "0", "--std", "1", "--channel-order", "L"]
REQUESTS = {
    "unknown model": (["profile", "mobilnet"], "unknown model 'mobilnet'; did you mean mobilenet"),
    "unknown key": (["profile", "mobilenet(widht=1)"], "did you mean width"),
    "unknown option": (["profile", "mobilenet", "--option", "foo=1"], "mobilenet has no option 'foo'"),
    "unknown value of an option": (["profile", "mobilenet(body=ful)"], "did you mean full"),
    "a flag as an option": (["profile", "lenet", "--option", "width=1"], "give --width 1"),
    "a call that does not end": (["profile", "mobilenet("], "cannot read 'mobilenet('"),
    "no model": (["profile", ""], "cannot read ''"),
    "a folder that is nothing": (["profile", "."], ". is no run folder, bundle or .onnx file"),
    "a file that is no model": (["compress", "notes.txt", "--recipe", "fold", "-o", "o.onnx"],
                                "there is no run folder, bundle or .onnx file notes.txt"),
    "a number in a name": (["profile", "mobilenet_v1.0"], "cannot read 'mobilenet_v1.0'"),
    "a name as long as a book": (["profile", "x" * 5000], "unknown model"),
    "a path as long as a book": (["profile", "./" + "x" * 5000], "file name too long"),
    "unknown target": (["export", "lenet", "--target", "pi5x"], "did you mean pi5"),
    "no target": (["export", "lenet", "--target", ""], "unknown target ''"),
    "unknown pass": (["export", "lenet", *PI4, "--recipe", "int9"], "unknown pass 'int9'"),
    "unknown setting of a pass": (["export", "lenet", *PI4, "--recipe", "fold(a=1)"], "setting of fold 'a'"),
    "no recipe": (["export", "lenet", *PI4, "--recipe", ""], "cannot read ''"),
    "a recipe that does not end": (["export", "lenet", *PI4, "--recipe", "fold |"], "found the end"),
    "a compiled file": (["export", "x.tflite", *PI4], "there is no"),
    "a shape for a name": (["export", "lenet", *PI4, "--input", "input:1x1x28x28"], "give --res"),
    "a malformed shape": (["export", "x.onnx", *PI4, "--input", "input"], "is not NAME:1x3x224x224"),
    "a shape without end": (["export", "x.onnx", *PI4, "--input", "input:1x" + "9" * 5000], "is not NAME:"),
    "a device of no name": (["profile", "lenet", "--device", ""], "unknown target ''"),
    "a name that begins like local": (["profile", "lenet", "--device", "localhost"], "unknown target"),
    "a host that is an option": (
        ["profile", "lenet", "--device", "ssh://-oProxyCommand=x"], "is no device that can be reached"
    ),
    "a latency of an emulated board": (
        ["profile", "lenet", "--device", "emulated:pi4"], "emulated:pi4 has no latency of its own"
    ),
    "a mean for another number of channels": (
        ["export", "mobilenet(width=0.25, res=16)", *PI4, *GRAY],
        "the network takes 3 channel(s)",
    ),
    "unknown data set of train": (["train", "lenet", "--data", "digts"], "did you mean digits"),
    "unknown data set of eval": (["eval", "lenet", "--data", "digts"], "did you mean digits"),
    "no epochs": (["train", "lenet", "--data", "digits", "--epochs", "0"], "epochs=0"),
    "milestones of another schedule": (
        ["train", "lenet", "--data", "digits", "--milestones", "2"], "is for --schedule step, not cosine"
    ),
    "unknown recipe": (["train", "lenet", "--data", "digits", "--recipe", "lent"], "did you mean lenet"),
    "a GPU that is not there": (["train", "lenet", "--data", "digits", "--on", "cuda"], "no CUDA GPU"),
    "an unknown device": (["train", "lenet", "--data", "digits", "--on", "gpu"], "allowed: auto, cpu, cuda"),
    "half precision on a CPU": (
        ["train", "lenet", "--data", "digits", "--precision", "bf16", "--on", "cpu"], "needs a CUDA GPU"
    ),
    "nothing to resume": (
        ["train", "lenet", "--data", "digits", "--resume", "-o", "run"], "no checkpoint in run.partial"
    ),
    "Dice without masks": (["train", "lenet", "--data", "digits", "--dice", "1"], "--dice is for masks"),
    "dropout without a layer": (
        ["train", "lenet", "--data", "digits", "--dropout", "0.1"], "no dropout layer"
    ),
    "a map for classes of pictures": (
        ["train", "unet", "--data", "digits", "--option", "padding=same", "--res", "16", "--width", "0.125"],
        "names a class of each pixel, and digits has no masks",
    ),
    "no learning rate": (["train", "lenet", "--data", "digits", "--lr", "nan"], "lr=nan"),
    "too few classes": (
        ["train", "lenet", "--data", "digits", "--classes", "3", "-o", "run"], "3 outputs, but"
    ),
    "a path to train": (["train", "some/run", "--data", "digits"], "not the path some/run"),
    "channels the pictures lack": (
        ["train", "lenet", "--data", "digits", "--in-channels", "5"], "give --in-channels 1"
    ),
    "unknown kind": (["list", "model"], "did you mean models"),
    "unknown name": (["describe", "mobilnet"], "`edgecnn list` shows all"),
    "nothing to verify": (["verify", "nowhere"], "there is no bundle nowhere"),
    "a folder that is no bundle": (["verify", "."], "is not a bundle: it holds no manifest.json"),
    "more memory than there is": (["export", "lenet", *PI4, "--classes", "99999999999999"], "memory"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "sentence"), REQUESTS.values(), ids=REQUESTS)
def test_a_bad_request_is_answered_with_one_sentence(
    edgecnn, arguments, sentence, tmp_path, monkeypatch, left
):
    monkeypatch.chdir(tmp_path)
    assert sentence in edgecnn(*arguments).complaint
    assert left(tmp_path) == []


@pytest.mark.parametrize("width", ["0", "-1", "nan", "inf", "-inf", "65", "1e300"])
def test_an_impossible_width_is_refused(edgecnn, width):
    assert "is not a width multiplier" in edgecnn("profile", "lenet", "--width", width).complaint


@pytest.mark.parametrize("res", ["0", "-5", "12x", "x12", "12x12x12", "1e3", "", "65537", "a"])
def test_a_malformed_resolution_is_refused(edgecnn, res):
    assert f"res={res} is not a resolution" in edgecnn("profile", "mobilenet", "--res", res).complaint


@pytest.mark.parametrize("res", ["15", "15x224", "224x15"])
def test_a_resolution_below_the_architectures_least_is_refused(edgecnn, res):
    assert edgecnn("profile", "mobilenet", "--res", res).complaint == (
        f"mobilenet needs res of at least 16, not {res}"
    )


WRONG_USAGE = {
    "no such command": (["exprot"], "did you mean export"),
    "no such flag": (["export", "lenet", "--targt", "pi4"], "--target"),
    "no number": (["profile", "lenet", "--width", "abc"], "'abc' is not a valid float"),
    "no model": (["export"], "Missing argument"),
    "no target": (["export", "lenet"], "Missing option '--target'"),
    "no pair": (["profile", "lenet", "--option", "foo"], "'foo' is not KEY=VALUE"),
    "no numbers": (["eval", "x.onnx", "--data", "digits", "--mean", "a,b"], "'a,b' is not numbers joined"),
    "a negative seed": (["export", "lenet", *PI4, "--seed", "-1"], "--seed"),
}


@pytest.mark.parametrize(("arguments", "sentence"), WRONG_USAGE.values(), ids=WRONG_USAGE)
def test_wrong_usage_exits_with_2(edgecnn, arguments, sentence):
    ran = edgecnn(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err


def test_a_word_that_is_a_model_and_a_run_folder_is_not_guessed(edgecnn, trained, tmp_path, monkeypatch):
    (tmp_path / "lenet").symlink_to(trained / "run")
    monkeypatch.chdir(tmp_path)
    assert "write ./lenet for the folder, lenet() for the model" in edgecnn("profile", "lenet").complaint
    assert edgecnn("profile", "./lenet", "--json").json["model"].startswith("lenet(")
    assert edgecnn("profile", "lenet()", "--json").json["model"].startswith("lenet(")


def test_a_foreign_folder_of_a_models_name_is_no_obstacle(edgecnn, tmp_path, monkeypatch):
    (tmp_path / "lenet").mkdir()
    monkeypatch.chdir(tmp_path)
    assert edgecnn("profile", "lenet").code == 0
