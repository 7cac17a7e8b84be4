"""The tree itself: packages, the arrow of imports, and what must not be in the text."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = {
    "edgecnn": "edgecnn",
    "export": "edgecnn.export",
    "quantize": "edgecnn.quantize",
    "devices": "edgecnn.devices",
}

# The arrow of imports: a module may import from its own layer's packages only where that is itself, and from
# every layer before. What is not named here is in the first layer.
LAYERS = (
    {
        "errors",
        "units",
        "registry",
        "calls",
        "spec",
        "version",
        "device",
        "preprocessing",
        "atomic",
        "ranges",
        "augmentation",
        "sample",
    },
    {"models", "graph"},
    {"profile", "runtime", "data", "trainable", "weights"},
    {"optimize", "evaluate", "run_folder", "unfinished_run", "training_recipe", "published_recipes"},
    {"export", "quantize", "devices"},
    {"pipeline"},
    {"sweeps"},
    {"report"},
    {"cli"},
    {"__main__", "__init__"},
)


def modules():
    for folder, package in FOLDERS.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            yield file, ".".join([package, *parts])


MODULES = list(modules())


def layer(module: str) -> int:
    room = module.split(".")[1]
    return next(number for number, rooms in enumerate(LAYERS) if room in rooms)


def imported(file: Path):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("edgecnn"):
            yield from (
                [node.module] if node.module != "edgecnn" else [f"edgecnn.{a.name}" for a in node.names]
            )
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("edgecnn"))


def test_every_package_of_the_tree_is_listed():
    found = {module.removesuffix(".__init__") for file, module in MODULES if file.name == "__init__.py"}
    assert sorted(found) == CONFIG["tool"]["setuptools"]["packages"]


@pytest.mark.parametrize(("file", "module"), MODULES, ids=[module for _, module in MODULES])
def test_imports_follow_the_arrow(file, module):
    if module == "edgecnn.__init__":
        return
    own = module.split(".")[1]
    for target in imported(file):
        if target.count(".") == 0:
            continue
        room = target.split(".")[1]
        if room == own:
            continue
        same_layer_is_fine = layer(module) in (0, 1, 2, 3) and layer(target) == layer(module)
        assert layer(target) < layer(module) or same_layer_is_fine, f"{module} imports {target}"


def test_compilers_passes_and_devices_do_not_know_each_other():
    rooms = LAYERS[4]
    for file, module in MODULES:
        own = module.split(".")[1]
        if own in rooms:
            others = {target.split(".")[1] for target in imported(file)} & rooms
            assert others <= {own}, module


def test_from_the_root_the_folders_are_the_installed_packages():
    code = "import edgecnn.export, edgecnn.quantize, edgecnn.devices as d; print(d.__file__)"
    where = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(where.stdout.strip()) == ROOT / "devices" / "__init__.py"


def test_no_module_imports_a_folder_by_its_short_name():
    # `import export` from the repository root would load a second copy of every class.
    for file in [
        *(file for file, _ in MODULES),
        *(ROOT / "tests").rglob("*.py"),
        *(file for file in (ROOT / "benchmarks").rglob("*.py") if ".environments" not in file.parts),
    ]:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {name.split(".")[0] for name in names} & {"export", "quantize", "devices"}, file


HEAVY = ("torch", "onnx", "onnx_ir", "onnxruntime", "ai_edge_litert", "tensorrt", "rich", "numpy")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from edgecnn.cli.main import cli; cli(['--help'], standalone_mode=False);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "export" in done.stdout
