from sweep_report import section

MACHINE = {
    "cpu": "A CPU", "cores": 2, "memory_bytes": 2**34, "system": "Linux x86_64", "python": "3.11.7",
    "load_before": 0.1, "load_after": 1.0,
}  # fmt: skip


def row(recipe, accuracy, file_bytes, median_s):
    return {
        "name": "lenet-w1-r28", "recipe": recipe, "accuracy": accuracy, "file_bytes": file_bytes,
        "interval": [accuracy - 0.01, accuracy + 0.01], "mult_adds": 416_520, "parameters": 61_706,
        "latencies": [{"median_s": median_s}], "training": "8 epochs, seed 0, cpu, 1 threads",
    }  # fmt: skip


def text(*points):
    return section({
        "date": "2026-01-01", "machine": MACHINE, "runtime": "LiteRT", "runs": 120, "points": points
    })  # fmt: skip


def test_a_row_has_a_points_figures():
    told = text(row("fold", 0.86, 4096, 0.005), row("int8 | correct_bias", 0.85, 1024, 0.002))
    name = "| lenet-w1-r28 | int8 \\| correct_bias | "
    (line,) = (line for line in told.splitlines() if line.startswith(name))
    assert line.removeprefix(name).split(" | ") == [
        "85.00%", "84.0% to 86.0%", "416.52 k", "61.71 k", "1.00 KiB", "2.00 ms", "8 epochs |"
    ]  # fmt: skip


def test_int8_is_told_beside_float_of_the_same_network():
    told = text(
        row("fold", 0.86, 4096, 0.005),
        row("int8 | correct_bias", 0.85, 1024, 0.002),
        row("int8", 0.8625, 2048, 0.0025),
    )
    assert (
        "2 of them: -0.25 to +1.00 points lost, files 2.0 to 4.0 times smaller, 2.0 to 2.5 times faster"
        in told
    )
