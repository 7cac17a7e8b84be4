"""Layer tables of the networks that are a rule and not one string, in the tokens of `layer_tables`.

More tokens: `dl(k)` and `dlbc(k)`, a layer of a dense block without and with bottleneck; `pre(mid,s,out)`, a
pre-activated bottleneck; `inctv(...)`, torchvision's inception; `keep` and `up<out>`, a map kept and the 2x2
transposed convolution beside whose output it is put; `ss<k>`, trainable sub-sampling; `l<links>` in a
convolution, the pairs of maps that are linked; `pb`, a bias for each position.
"""

from collections.abc import Iterator

IMAGENET_STEM = "in 3 224 c64k7s2p3nb bn relu mp3s2p1"
CIFAR_STEM = "in 3 32 c16k3p1nb bn relu"


def repeat(macro: str, repeats: int, first: str, later: str) -> str:
    return " ".join([macro.format(first)] + [macro.format(later)] * (repeats - 1))


def resnet(repeats: tuple[int, ...], shortcut: str) -> str:
    stages = zip((64, 128, 256, 512), repeats, ("1", "2", "2", "2"), strict=True)
    body = " ".join(repeat(f"bb({c},{{}},{shortcut})", n, s, "1") for c, n, s in stages)
    return f"{IMAGENET_STEM} {body} gap fc1000"


def bottleneck_resnet(repeats: tuple[int, ...], late: int, shortcut: str) -> str:
    stages = zip((64, 128, 256, 512), repeats, ("1", "2", "2", "2"), strict=True)
    body = " ".join(repeat(f"bot({c},{{}},{late},1,{4 * c},{shortcut})", n, s, "1") for c, n, s in stages)
    return f"{IMAGENET_STEM} {body} gap fc1000"


def cifar_resnet(repeats: int, shortcut: str) -> str:
    stages = zip((16, 32, 64), ("1", "2", "2"), strict=True)
    body = " ".join(repeat(f"bb({c},{{}},{shortcut})", repeats, s, "1") for c, s in stages)
    return f"{CIFAR_STEM} {body} gap fc10"


def cifar_bottlenecks(macro: str, repeats: int, end: str) -> str:
    stages = zip((16, 32, 64), ("1", "2", "2"), strict=True)
    body = " ".join(repeat(macro.format(c=c, out=4 * c), repeats, s, "1") for c, s in stages)
    return f"{CIFAR_STEM} {body} {end} gap fc10"


def densenet(stem: str, layers: tuple[int, ...], growth: int, macro: str, keep: float, classes: int) -> str:
    channels = int(stem.split(" c")[1].split("k")[0])
    parts = [stem]
    for block, number in enumerate(layers):
        channels += number * growth
        parts += [f"{macro}({growth})"] * number
        if block < len(layers) - 1:
            channels = int(channels * keep)
            parts.append(f"bn relu c{channels}k1nb ap2s2")
    return " ".join([*parts, f"bn relu gap fc{classes}"])


def cifar_densenet(depth: int, growth: int, *, bc: bool, classes: int = 10) -> str:
    layers = ((depth - 4) // (6 if bc else 3),) * 3
    stem = f"in 3 32 c{2 * growth if bc else 16}k3p1nb"
    return densenet(stem, layers, growth, "dlbc" if bc else "dl", 0.5 if bc else 1, classes)


def imagenet_densenet(layers: tuple[int, ...], growth: int = 32) -> str:
    stem = f"in 3 224 c{2 * growth}k7s2p3nb bn relu mp3s2p1"
    return densenet(stem, layers, growth, "dlbc", 0.5, 1000)


def mobilenet(width: float, res: int, body: str = "separable") -> str:
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    blocks += [(512, 1)] * (0 if body == "shallow" else 5) + [(1024, 2), (1024, 2 if body == "typo" else 1)]
    macro = "c{}k3s{}p1nb bn relu" if body == "full" else "ds({},{})"
    layers = " ".join(macro.format(round(c * width), s) for c, s in blocks)
    return f"in 3 {res} c{round(32 * width)}k3s2p1nb bn relu {layers} gap fc1000"


def unet(res: int, channels: int, padding: str, end: str) -> str:
    def pair(c: int) -> str:
        return f"c{c}k3{padding}{end} c{c}k3{padding}{end}"

    down = " ".join(f"{pair(c)} keep mp2s2" for c in (64, 128, 256, 512))
    back = " ".join(f"up{c} {pair(c)}" for c in (512, 256, 128, 64))
    return f"in {channels} {res} {down} {pair(1024)} {back} c2k1"


def alphago(k: int) -> str:
    return f"in 48 19 c{k}k5p2 relu {f'c{k}k3p1 relu ' * 11}c1k1nb pb"


LENET5 = "in 1 32 c6k5 ss2 sig c16k5l60 ss2 sig c120k5 flat fc84 tanh"
VGG11 = "c64k3p1 mp2s2 c128k3p1 mp2s2 c256k3p1 c256k3p1 mp2s2 c512k3p1 c512k3p1 mp2s2 c512k3p1 c512k3p1 mp2s2"
INCEPTIONS = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
SQUEEZENET_1_0 = (
    "fire(16,64,64) fire(16,64,64) fire(32,128,128) mp3s2ceil fire(32,128,128) fire(48,192,192)"
    " fire(48,192,192) fire(64,256,256) mp3s2ceil fire(64,256,256)"
)
SQUEEZENET_1_1 = (
    "fire(16,64,64) fire(16,64,64) mp3s2ceil fire(32,128,128) fire(32,128,128) mp3s2ceil fire(48,192,192)"
    " fire(48,192,192) fire(64,256,256) fire(64,256,256)"
)


def googlenet_body(macro: str, pools: tuple[str, str]) -> str:
    stages = [" ".join(f"{macro}({','.join(map(str, row))})" for row in stage) for stage in INCEPTIONS]
    return f"{stages[0]} {pools[0]} {stages[1]} {pools[1]} {stages[2]}"


def families() -> Iterator[tuple[str, str]]:
    yield "lenet5_1998", LENET5
    d2l = "c96k11s4p1 relu mp3s2 c256k5p2 relu mp3s2 c384k3p1 c384k3p1 c256k3p1 relu mp3s2 fc4096 fc4096"
    yield "alexnet_d2l_rgb1000", f"in 3 224 {d2l} fc1000"
    yield "vgg11_d2l_fashion", f"in 1 224 {VGG11} fc4096 fc4096 fc10"
    yield from googlenets()
    yield from resnets()
    yield from densenets()
    for name, stem, body, head in (
        ("1_0_paper_nopad", "in 3 227 c96k7s2 mp3s2ceil", SQUEEZENET_1_0, "c1000k1 gap"),
        ("1_0_tv", "in 3 224 c96k7s2 mp3s2ceil", SQUEEZENET_1_0, "c1000k1 gap"),
        ("1_1_tv", "in 3 224 c64k3s2 mp3s2ceil", SQUEEZENET_1_1, "c1000k1 gap"),
    ):
        yield f"squeezenet{name}", f"{stem} {body} {head}"
    yield from ((f"alphago_policy_k{k}", alphago(k)) for k in (128, 192, 256, 384))
    for width in ("1", "0.75", "0.5", "0.25"):
        yield from (
            (f"mobilenet_{width}_{res}", mobilenet(float(width), res)) for res in (224, 192, 160, 128)
        )
    yield "mobilenet_conv_full_224", mobilenet(1, 224, "full")
    yield "mobilenet_shallow_224", mobilenet(1, 224, "shallow")
    yield "mobilenet_1_224_s2typo", mobilenet(1, 224, "typo")
    yield from unets()


def googlenets() -> Iterator[tuple[str, str]]:
    pools = ("mp3s2ceil", "mp3s2ceil")
    stem = "c64k7s2p3 mp3s2ceil c64k1 c192k3p1 mp3s2ceil"
    yield "googlenet_d2l_fashion", f"in 1 96 {stem} {googlenet_body('inc', pools)} gap fc10"
    stem = "c64k7s2p3nb bn mp3s2ceil c64k1nb bn c192k3p1nb bn mp3s2ceil"
    body = googlenet_body("inctv", ("mp3s2ceil", "mp2s2ceil"))
    yield "googlenet_tv_noaux", f"in 3 224 {stem} {body} gap fc1000"


def resnets() -> Iterator[tuple[str, str]]:
    for depth, repeats in ((18, (2, 2, 2, 2)), (34, (3, 4, 6, 3))):
        for key, shortcut in (("_optA", "A"), ("", "B"), ("_optC", "C")):
            yield f"resnet{depth}{key}", resnet(repeats, shortcut)
        yield f"plain{depth}", resnet(repeats, "plain")
    for depth, repeats in ((50, (3, 4, 6, 3)), (101, (3, 4, 23, 3)), (152, (3, 8, 36, 3))):
        yield f"resnet{depth}_v1", bottleneck_resnet(repeats, 0, "B")
        yield f"resnet{depth}_v15", bottleneck_resnet(repeats, 1, "B")
        yield f"plain{depth}_bottleneck_v1", bottleneck_resnet(repeats, 0, "plain")
    for depth in (20, 32, 44, 56, 110, 1202):
        for shortcut in "AB":
            yield f"resnet{depth}_cifar_{shortcut}", cifar_resnet((depth - 2) // 6, shortcut)
    yield "orig_resnet164_cifar10", cifar_bottlenecks("bot({c},{{}},0,1,{out},B)", 18, "")
    for depth in (164, 1001):
        body = cifar_bottlenecks("pre({c},{{}},{out})", (depth - 2) // 9, "bn relu")
        yield f"preact_resnet{depth}_cifar10", body.replace("nb bn relu pre", "nb pre", 1)


def densenets() -> Iterator[tuple[str, str]]:
    blocks = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32), 264: (6, 12, 64, 48)}
    yield from ((f"densenet{depth}", imagenet_densenet(layers)) for depth, layers in blocks.items())
    yield "densenet161", imagenet_densenet((6, 12, 36, 24), growth=48)
    for depth, growth in ((40, 12), (100, 12), (100, 24)):
        yield f"densenet_L{depth}_k{growth}_c10", cifar_densenet(depth, growth, bc=False)
    for depth, growth in ((100, 12), (250, 24), (190, 40)):
        yield f"densenetbc_L{depth}_k{growth}_c10", cifar_densenet(depth, growth, bc=True)
    yield "densenetbc_L100_k12_c100", cifar_densenet(100, 12, bc=True, classes=100)


def unets() -> Iterator[tuple[str, str]]:
    yield "unet_valid_572_c1o2", unet(572, 1, "", "")
    yield "unet_same_512_c1o2", unet(512, 1, "p1", "")
    yield "unet_same_256_c1o2", unet(256, 1, "p1", "")
    yield "unet_same_512_c3o2_bn", unet(512, 3, "p1", "nb bn")
