"""Where results go: whole or not at all, never over what is not ours, never half on a full disk."""

import pytest

EXPORT = ["export", "lenet", "--target", "pi4"]
TRAIN = ["train", "lenet", "--data", "digits", "--epochs", "1"]


def compress(onnx):
    return ["compress", onnx, "--recipe", "fold"]


@pytest.fixture(params=["export", "train", "compress"])
def writing(request, onnx):
    """A command line that writes, but for the place."""
    return {"export": EXPORT, "train": TRAIN, "compress": compress(onnx)}[request.param]


@pytest.fixture
def no_work(monkeypatch):
    """Make the work itself fail the test: a wrong place is to be refused before it."""

    def worked(*_args, **_given):
        pytest.fail("the work has begun")

    monkeypatch.setattr("edgecnn.pipeline.deploy.open_network", worked)
    monkeypatch.setattr("edgecnn.pipeline.shrink.open_network", worked)
    monkeypatch.setattr("edgecnn.pipeline.training.optimize", worked)


@pytest.mark.usefixtures("no_work")
class TestBeforeTheWork:
    def test_a_parent_that_is_a_file_is_refused(self, edgecnn, writing, tmp_path, left):
        (tmp_path / "file").touch()
        complaint = edgecnn(*writing, "-o", tmp_path / "file" / "out").complaint
        assert f"{tmp_path / 'file'} is a file; choose another place" in complaint
        assert left(tmp_path) == ["file"]

    @pytest.mark.parametrize("force", [[], ["--force"]], ids=["without force", "with force"])
    def test_a_thing_of_another_kind_is_refused(self, edgecnn, writing, tmp_path, force, left):
        out = tmp_path / "out"
        out.mkdir() if writing[0] == "compress" else out.write_text("mine")
        complaint = edgecnn(*writing, "-o", out, *force).complaint
        assert ("choose another name" if force else "--force to replace it") in complaint
        assert left(tmp_path) == ["out"]

    @pytest.mark.parametrize("command", [EXPORT, TRAIN], ids=["export", "train"])
    def test_a_foreign_folder_is_never_replaced(self, edgecnn, command, tmp_path, left):
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "holiday.jpg").touch()
        complaint = edgecnn(*command, "-o", tmp_path / "photos", "--force").complaint
        assert "so --force does not replace it" in complaint
        assert left(tmp_path) == ["photos", "photos/holiday.jpg"]

    def test_a_bundle_needs_force(self, edgecnn, trained):
        complaint = edgecnn(*EXPORT, "-o", trained / "bundle").complaint
        assert "bundle exists; give another name, or --force to replace it" in complaint

    def test_a_folder_is_no_place_for_a_zip(self, edgecnn, tmp_path):
        (tmp_path / "b.zip").mkdir()
        assert "is a folder, not a file" in edgecnn(*EXPORT, "-o", tmp_path / "b.zip", "--force").complaint

    def test_a_name_that_is_too_long_is_refused(self, edgecnn, writing, tmp_path, left):
        assert "file name too long" in edgecnn(*writing, "-o", tmp_path / ("n" * 256)).complaint
        assert left(tmp_path) == []

    def test_a_read_only_disk_is_refused(self, edgecnn, writing, mount, left):
        disk = mount("ro,size=64k")
        assert f"{disk} is read-only; choose another place" in edgecnn(*writing, "-o", disk / "out").complaint
        assert left(disk) == []


@pytest.mark.parametrize("name", ["out", "a/b/out", "out.zip"])
def test_a_full_disk_is_named_and_keeps_nothing(edgecnn, mount, name, left):
    disk = mount("size=128k")
    assert "no space left on device" in edgecnn(*EXPORT, "-o", disk / name).complaint
    assert left(disk) == []


def test_a_full_disk_keeps_nothing_of_a_run_or_a_graph(edgecnn, onnx, mount, left):
    disk = mount("size=128k")
    for command in (TRAIN, compress(onnx)):
        assert "no space left on device" in edgecnn(*command, "-o", disk / "out").complaint
        assert left(disk) == []


def test_a_full_disk_leaves_the_old_result(edgecnn, onnx, mount, left):
    disk = mount("size=128k")
    (disk / "out").write_text("old")
    assert "no space left on device" in edgecnn(*compress(onnx), "-o", disk / "out", "--force").complaint
    assert left(disk) == ["out"]
    assert (disk / "out").read_text() == "old"


@pytest.mark.parametrize("name", ["ünï cödé/b ü.pi4", "n" * 255, "-b", "b'\"$x.zip"], ids=str.strip)
def test_any_name_the_file_system_allows_is_fine(edgecnn, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    ran = edgecnn(*EXPORT, "--out", name)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-1] == f"bundle: {name}"
    assert edgecnn("verify", "--", name).code == 0


def test_without_a_place_the_result_gets_a_readable_name_here(edgecnn, trained, tmp_path, monkeypatch, left):
    monkeypatch.chdir(tmp_path)
    assert edgecnn(*EXPORT).code == 0
    assert edgecnn("export", trained / "bundle", "--target", "jetson").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle-fp32.jetson", "lenet-w1-r28-fp32.pi4"]


def test_force_replaces_a_bundle_by_the_same_bytes(edgecnn, tmp_path):
    content = []
    for force in ([], ["--force"]):
        assert edgecnn(*EXPORT, "-o", tmp_path / "b", *force).code == 0
        files = sorted(path for path in (tmp_path / "b").rglob("*") if path.is_file())
        content.append([(path, path.read_bytes()) for path in files])
    assert content[0] == content[1]


def test_a_folder_that_has_been_removed_under_us_is_one_sentence(edgecnn, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "no such file or directory" in edgecnn(*EXPORT).complaint
