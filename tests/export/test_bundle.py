import json

import numpy as np
import pytest

from edgecnn.errors import EdgeCnnError, VerificationError
from edgecnn.export.bundle import MANIFEST, is_bundle, open_bundle, to_npy, write_bundle

FILES = {"model.onnx": b"graph", "sample/input.npy": to_npy(np.arange(6.0)), "run.py": b"print()"}


@pytest.fixture(params=["net.pi4", "net.zip"])
def bundle(request, tmp_path):
    path = tmp_path / request.param
    write_bundle(path, {"name": "net", "seed": 0}, FILES, force=False)
    return path


def test_a_written_bundle_is_read_back(bundle):
    assert is_bundle(bundle)
    with open_bundle(bundle) as opened:
        assert opened.manifest["name"] == "net"
        assert [entry["path"] for entry in opened.manifest["files"]] == sorted(FILES)
        np.testing.assert_array_equal(opened.array("sample/input.npy"), np.arange(6.0))


def test_the_same_content_gives_the_same_bytes(bundle, tmp_path):
    again = tmp_path / "again" / bundle.name
    write_bundle(again, {"seed": 0, "name": "net"}, dict(reversed(FILES.items())), force=False)
    pairs = (
        [(bundle, again)]
        if bundle.is_file()
        else [(bundle / name, again / name) for name in (*FILES, MANIFEST)]
    )
    assert all(one.read_bytes() == other.read_bytes() for one, other in pairs)


def test_an_existing_bundle_is_replaced_only_with_force(bundle):
    with pytest.raises(EdgeCnnError, match="--force"):
        write_bundle(bundle, {"name": "other"}, FILES, force=False)
    write_bundle(bundle, {"name": "other"}, FILES, force=True)
    with open_bundle(bundle) as opened:
        assert opened.manifest["name"] == "other"


@pytest.mark.parametrize("position", [0.0, 0.2, 0.4, 0.6, 0.8, 0.999])
def test_a_flipped_bit_of_the_manifest_is_found(tmp_path, position):
    write_bundle(tmp_path / "net", {"name": "net"}, FILES, force=False)
    file = tmp_path / "net" / MANIFEST
    data = bytearray(file.read_bytes())
    data[int(position * len(data))] ^= 1
    file.write_bytes(data)
    with pytest.raises((VerificationError, EdgeCnnError)), open_bundle(tmp_path / "net"):
        pass


def test_every_flipped_bit_of_a_zip_is_found(tmp_path, rng):
    path = tmp_path / "net.zip"
    write_bundle(path, {"name": "net"}, FILES, force=False)
    good = path.read_bytes()
    for position in rng.choice(len(good), 200, replace=False):
        data = bytearray(good)
        data[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        with pytest.raises(EdgeCnnError), open_bundle(path):
            pass


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil", "a\\..\\b"])
def test_a_zip_that_leads_out_of_its_folder_is_refused(tmp_path, name):
    import zipfile

    with zipfile.ZipFile(tmp_path / "net.zip", "w") as archive:
        archive.writestr(name, b"x")
        archive.writestr(MANIFEST, json.dumps({}))
    with pytest.raises(VerificationError), open_bundle(tmp_path / "net.zip"):
        pass
    assert not (tmp_path / "evil.py").exists()


def test_what_is_no_bundle_is_named(tmp_path):
    with pytest.raises(EdgeCnnError, match="holds no manifest.json"), open_bundle(tmp_path):
        pass
    with pytest.raises(EdgeCnnError, match="there is no bundle"), open_bundle(tmp_path / "x"):
        pass


def test_a_bundle_of_a_later_format_is_refused(tmp_path):
    from edgecnn.export.bundle import seal

    (tmp_path / MANIFEST).write_bytes(seal({"format": 99}))
    with pytest.raises(EdgeCnnError, match="format 99; this edgecnn reads 1"), open_bundle(tmp_path):
        pass
