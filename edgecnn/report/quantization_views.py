"""What int8 costs: the recipes of the ladder, and the layers by what rounding each alone does."""

from collections.abc import Sequence

from edgecnn import units
from edgecnn.pipeline.rounding import Sensitivities
from edgecnn.quantize.ladder import Rung
from edgecnn.report.tables import print_line, print_table


def print_ladder(tried: Sequence[Rung]) -> None:
    """Print the recipes that were tried and what each keeps; the last one was taken."""
    first = tried[0].score
    columns = ("recipe", "precision", first.what, "points lost", "95 % interval")
    rows = [
        (
            rung.text,
            rung.precision,
            f"{100 * rung.score.value:.2f} %",
            f"{rung.score.drop_points:.2f}",
            f"{rung.score.low_points:.2f} to {rung.score.high_points:.2f}",
        )
        for rung in tried
    ]
    title = (
        f"recipes tried, measured in {first.runtime} on {first.n} pictures beside the float network;"
        " the last was taken"
    )
    print_table(columns, rows, title=title, numeric=columns[2:])


def print_sensitivities(found: Sensitivities) -> None:
    """Print the layers from the most to the least sensitive."""
    columns = ("layer", "operator", "SQNR", "same answer", "weights")
    rows = [
        (
            record.layer,
            record.operator,
            f"{record.sqnr_db:.1f} dB",
            f"{100 * record.agreement:.1f} %",
            units.count(record.parameters),
        )
        for record in sorted(found.layers, key=lambda record: record.sqnr_db)
    ]
    title = f"the output when one layer alone is rounded to int8, measured on {found.pictures} pictures"
    print_table(columns, rows, title=title, numeric=columns[2:])
    print_line("SQNR: signal to quantization noise at the network's output; 6 dB less is one bit less")
    for note in found.notes:
        print_line(f"note: {note}")
