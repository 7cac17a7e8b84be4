import numpy as np
from PIL import Image

from edgecnn import devices
from edgecnn.data import load
from edgecnn.pipeline.network import open_network
from edgecnn.pipeline.standing import Judge, host_latency_s, some_of


def test_some_of_a_data_set_are_from_all_over_it():
    digits = load("digits", "held-out")
    few = some_of(digits, 7)
    assert len(few) == len(few.labels) == 7
    assert [np.array_equal(few.images[i], digits.images[i * len(digits) // 7]) for i in range(7)] == [
        True
    ] * 7
    assert some_of(digits, 10_000) is digits


def test_some_of_pictures_in_files_stay_in_their_files(tmp_path):
    for number in range(20):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / f"{number:02}.png")
    found = load(tmp_path)
    few = some_of(found, 4)
    assert [int(picture[0, 0, 0]) for picture in few.images] == [
        int(found.images[i * len(found) // 4][0, 0, 0]) for i in range(4)
    ]


def test_maps_are_compared_pixel_by_pixel_and_a_board_reads_a_tflite_file():
    network = open_network("unet", width=0.125, res=32, in_channels=3, classes=4, options={"padding": "same"})
    dataset = some_of(load("shapes", "held-out"), 3)
    judge = Judge(network, dataset, devices.find("pi4"))
    first, again = judge.standing(network.graph), judge.standing(network.graph.clone())
    assert (first.figure, first.file, first.runtime) == ("Dice", ".tflite", "LiteRT")
    assert first.compared is None
    assert again.agreement == 1.0
    assert again.accuracy == first.accuracy
    assert host_latency_s(network.graph, None) > 0
