"""A counter of parameters, mult-adds and receptive fields that executes layer tables.

It knows no graph and shares nothing with `edgecnn.profile`. Sizes are ⌊(n + 2p - k) / s⌋ + 1, with `ceil`
rounded up as long as the last window starts inside; a receptive field grows by (k - 1) times the product of
the strides before, and is the widest of the branches.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass
class Tally:
    weights: int = 0
    biases: int = 0
    norms: int = 0
    mult_adds: int = 0

    @property
    def parameters(self) -> int:
        return self.weights + self.biases + self.norms


@dataclass
class Map:
    """Where the execution stands: a map of channels x side x side; branches share its tally."""

    channels: int = 0
    side: int = 0
    sees: int = 1
    jump: int = 1
    tally: Tally = field(default_factory=Tally)
    kept: list[int] = field(default_factory=list)

    def run(self, tokens: str) -> "Map":
        for token in tokens.split():
            self.step(token)
        return self

    def step(self, token: str) -> None:
        for pattern, action in ACTIONS.items():
            found = re.fullmatch(pattern, token)
            if found:
                action(self, **{key: value for key, value in found.groupdict().items() if value is not None})
                return
        raise ValueError(f"unknown token {token!r}")

    def window(self, kernel: int, stride: int, padding: int, ceil: bool = False) -> None:
        span = self.side + 2 * padding - kernel
        size = (-(-span // stride) if ceil else span // stride) + 1
        if ceil and (size - 1) * stride >= self.side + padding:
            size -= 1
        self.side, self.sees = size, self.sees + (kernel - 1) * self.jump
        self.jump *= stride

    def branch(self, tokens: str) -> "Map":
        return replace(self).run(tokens)

    def join(self, branches: list["Map"], channels: int) -> None:
        assert len({each.side for each in branches}) == 1
        self.channels, self.side = channels, branches[0].side
        self.sees, self.jump = max(each.sees for each in branches), branches[0].jump

    def concatenate(self, *branches: str) -> None:
        ends = [self.branch(tokens) for tokens in branches]
        self.join(ends, sum(each.channels for each in ends))

    def add(self, *branches: str) -> None:
        ends = [self.branch(tokens) for tokens in branches]
        assert len({each.channels for each in ends}) == 1
        self.join(ends, ends[0].channels)


def convolution(
    at: Map, out: str, k: str, s: str = "1", p: str = "0", g: str = "1", links: str = "", nb: str = ""
):
    kernel, outputs = int(k), int(out)
    weights = kernel**2 * (int(links) if links else outputs * at.channels // int(g))
    at.window(kernel, int(s), int(p))
    at.channels = outputs
    at.tally.weights += weights
    at.tally.mult_adds += weights * at.side**2
    at.tally.biases += 0 if nb else outputs


def fully_connected(at: Map, out: str):
    weights = at.channels * at.side**2 * int(out)
    at.tally.weights, at.tally.mult_adds = at.tally.weights + weights, at.tally.mult_adds + weights
    at.tally.biases += int(out)
    at.channels, at.side = int(out), 1


def up(at: Map, out: str):
    """A 2x2 transposed convolution of stride 2, by input pixel, and the kept map beside its output."""
    weights = 4 * at.channels * int(out)
    at.tally.weights += weights
    at.tally.mult_adds += weights * at.side**2
    at.tally.biases += int(out)
    at.channels, at.side, at.jump = int(out) + at.kept.pop(), at.side * 2, at.jump // 2


def norm(at: Map):
    at.tally.norms += 2 * at.channels


def sub_sampling(at: Map, k: str):
    at.window(int(k), int(k), 0)
    at.tally.weights += at.channels
    at.tally.biases += at.channels


def position_bias(at: Map):
    at.tally.biases += at.channels * at.side**2


def inception(at: Map, a: str):
    c1, c3r, c3, c5r, c5, pp = numbers(a)
    at.concatenate(f"c{c1}k1", f"c{c3r}k1 c{c3}k3p1", f"c{c5r}k1 c{c5}k5p2", f"mp3s1p1 c{pp}k1")


def inception_of_torchvision(at: Map, a: str):
    c1, c3r, c3, c5r, c5, pp = numbers(a)
    at.concatenate(
        f"c{c1}k1nb bn",
        f"c{c3r}k1nb bn c{c3}k3p1nb bn",
        f"c{c5r}k1nb bn c{c5}k3p1nb bn",
        f"mp3s1p1 c{pp}k1nb bn",
    )


def fire(at: Map, a: str):
    squeeze, expand1, expand3 = numbers(a)
    at.run(f"c{squeeze}k1 relu").concatenate(f"c{expand1}k1 relu", f"c{expand3}k3p1 relu")


def separable(at: Map, a: str):
    out, stride = numbers(a)
    at.run(f"c{at.channels}k3s{stride}p1g{at.channels}nb bn relu c{out}k1nb bn relu")


def basic(at: Map, a: str):
    out, stride, kind = a.split(",")
    shortcut(at, f"c{out}k3s{stride}p1nb bn relu c{out}k3p1nb bn", int(out), int(stride), kind)


def bottleneck(at: Map, a: str):
    middle, stride, late, groups, out, kind = a.split(",")
    first, second = (1, stride) if int(late) else (stride, 1)
    main = f"c{middle}k1s{first}nb bn relu c{middle}k3s{second}p1g{groups}nb bn relu c{out}k1nb bn"
    shortcut(at, main, int(out), int(stride), kind)


def shortcut(at: Map, main: str, out: int, stride: int, kind: str):
    changes = stride != 1 or out != at.channels
    if kind == "plain":
        at.run(main)
    elif kind == "C" or (kind == "B" and changes):
        at.add(main, f"c{out}k1s{stride}nb bn")
    else:
        at.add(main, f"zeros{out} mp1s{stride}")


def preactivated(at: Map, a: str):
    middle, stride, out = numbers(a)
    projection = f"c{out}k1s{stride}nb" if stride != 1 or out != at.channels else "relu"
    main = f"c{middle}k1s{stride}nb bn relu c{middle}k3p1nb bn relu c{out}k1nb"
    at.run("bn relu").add(main, projection)


def dense_layer(at: Map, a: str):
    at.concatenate("", f"bn relu c{a}k3p1nb")


def dense_layer_with_bottleneck(at: Map, a: str):
    at.concatenate("", f"bn relu c{4 * int(a)}k1nb bn relu c{a}k3p1nb")


def numbers(arguments: str) -> list[int]:
    return [int(number) for number in arguments.split(",")]


def enter(at: Map, token: str):
    at.channels, at.side = numbers(token)


def pool(at: Map, k: str, s: str, p: str = "0", ceil: str = ""):
    at.window(int(k), int(s), int(p), bool(ceil))


def pad_channels(at: Map, out: str):
    at.channels = int(out)


def keep(at: Map):
    at.kept.append(at.channels)


def average_all(at: Map):
    at.side = 1


CONVOLUTION = (
    r"c(?P<out>\d+)k(?P<k>\d+)(?:s(?P<s>\d+))?(?:p(?P<p>\d+))?"
    r"(?:g(?P<g>\d+))?(?:l(?P<links>\d+))?(?P<nb>nb)?"
)

ACTIONS: dict[str, Callable[..., None]] = {
    r"in=(?P<token>.+)": enter,
    CONVOLUTION: convolution,
    r"[ma]p(?P<k>\d+)s(?P<s>\d+)(?:p(?P<p>\d+))?(?P<ceil>ceil)?": pool,
    r"fc(?P<out>\d+)": fully_connected,
    r"up(?P<out>\d+)": up,
    r"ss(?P<k>\d+)": sub_sampling,
    r"zeros(?P<out>\d+)": pad_channels,
    r"inc\((?P<a>.+)\)": inception,
    r"inctv\((?P<a>.+)\)": inception_of_torchvision,
    r"fire\((?P<a>.+)\)": fire,
    r"ds\((?P<a>.+)\)": separable,
    r"bb\((?P<a>.+)\)": basic,
    r"bot\((?P<a>.+)\)": bottleneck,
    r"pre\((?P<a>.+)\)": preactivated,
    r"dl\((?P<a>.+)\)": dense_layer,
    r"dlbc\((?P<a>.+)\)": dense_layer_with_bottleneck,
    "bn": norm,
    "pb": position_bias,
    "keep": keep,
    "gap": average_all,
    "flat|relu|sig|tanh|lrn|do": lambda _: None,
}


def count(table: str) -> Map:
    """Execute a layer table; return where it ends, with its tally."""
    return Map().run(re.sub(r"^in (\d+) (\d+)", r"in=\1,\2", table))
