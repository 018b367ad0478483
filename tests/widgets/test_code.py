"""Code to copy: whatever a run, its file or a function is called, it is calls of ours and quoted values."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import vaewidgets as vw
from vaewidgets.widgets.latent_explorer import code
from vaewidgets.widgets.latent_explorer.new_run import code_of, form_state

MARK = "hostile_mark"
HOSTILE = (
    f"0 to 1\nimport {MARK}; {MARK}.go()\n# ",
    f"x'); {MARK}(); ('",
    f'x"); {MARK}(); ("',
    f"'''\n{MARK}()\n'''",
    f'"""\n{MARK}()\n"""',
    f"\\\n{MARK}()\n\\",
    f"a\r{MARK}()",
    f"a\u2028{MARK}()\u2029{MARK}()",
    f"a\x85{MARK}()\x0b{MARK}()\x0c{MARK}()\x1c{MARK}()",
    f"a\x00{MARK}()",
    f"\x1b[201~\n{MARK}()",
    f"{{{MARK}()}} {{0.__class__}} %s {{",
    f"\u202e{MARK}\u2066",
    f"\ud800\n{MARK}()",
    f"# {MARK}\n{MARK}()" + "x" * 20_000,
    f"1, **{MARK}()",
)
NODES = (
    ast.Module, ast.Import, ast.alias, ast.Assign, ast.Expr, ast.Call, ast.keyword, ast.Name, ast.Attribute,
    ast.Constant, ast.Tuple, ast.List, ast.Load, ast.Store, ast.UnaryOp, ast.USub,
)  # fmt: skip
NAMES = {"torch", "vw", "data", "model", "run"}
CALLS = {"torch.manual_seed", "vw.load_dataset", "vw.train", "vw.attach", "vw.LatentExplorer", "vw.FreeBits"}
MODELS = {f"vw.{name}" for name in ("MLPVAE", "Autoencoder", "ConvVAE", "LinearVAE")}
ATTRIBUTES = CALLS | MODELS | {"data.image_shape"}


def check(text: str) -> None:
    """Fail unless the code holds nothing but our own calls, names, and literals."""
    assert len(text) < 5_000
    # what any front end or terminal might take for the end of a line, or for an order
    assert all(c.isprintable() or c == "\n" for c in text), ascii(text)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        assert isinstance(node, NODES), ast.dump(node)
        if isinstance(node, ast.Import):
            assert ast.unparse(node) in ("import torch", "import vaewidgets as vw")
        if isinstance(node, ast.Name):
            assert node.id in NAMES, text
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) in ATTRIBUTES, text
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) in CALLS | MODELS, text
        if isinstance(node, ast.keyword):
            assert node.arg is not None
            assert MARK not in node.arg
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    for token in tokens:
        if token.type not in (tokenize.COMMENT, tokenize.STRING):
            assert MARK not in token.string, text


def named(value: str) -> Any:
    def beta(step: int) -> float:
        return 1.0

    beta.__name__ = beta.__qualname__ = value
    return beta


@pytest.fixture
def data() -> vw.ImageDataset:
    return vw.ImageDataset(np.random.default_rng(0).random((64, 8, 8), np.float32), name="mine")


@pytest.fixture
def run(data: vw.ImageDataset) -> Iterator[vw.TrainingRun]:
    made = vw.train(
        vw.MLPVAE(data.image_shape, 2, hidden=(8,)), data, epochs=1, batch_size=32, autosave=False
    )
    made.wait(progress=False)
    yield made
    made.close()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_of_a_function_a_set_and_a_model(text: str) -> None:
    kind = type("Own", (vw.MLPVAE,), {})
    kind.__name__ = text.replace("\x00", "").encode(errors="ignore").decode()  # a class can have no other
    data = vw.ImageDataset(torch.rand(64, 1, 8, 8), name=text)
    model = kind(data.image_shape, 2, hidden=(8,))
    run = vw.train(model, data, beta=named(text), batch_size=32, start=False, autosave=False, name=text)
    explorer = vw.LatentExplorer(run)
    assert explorer.frame["form"]["code"] == explorer.code()
    check(explorer.code())
    explorer.close()
    check(code_of(vw.attach(kind(data.image_shape, 2, hidden=(8,)), data, name=text)))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_every_option_of_a_run(text: str, run: vw.TrainingRun) -> None:
    options = dict(run.options)
    for value in (text, [text], {text: text}, {"name": text}):
        for name in (*options, text):
            run.options = {**options, name: value}
            check(code_of(run))
            form_state(run, ["digits"])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in the JSON of a run file that holds a plain value, and every key."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))
    yield path


def replaced(value: Any, path: tuple[Any, ...], text: Any) -> Any:
    if not path:
        return text
    new = dict(value) if isinstance(value, dict) else list(value)
    new[path[0]] = replaced(value[path[0]], path[1:], text)
    return new


@pytest.mark.parametrize("text", HOSTILE[:2] + HOSTILE[7:8])
def test_every_place_of_a_run_file(
    text: str, run: vw.TrainingRun, data: vw.ImageDataset, tmp_path: Path
) -> None:
    run.save(tmp_path / "run.safetensors")
    with safe_open(tmp_path / "run.safetensors", "pt") as file:
        facts = json.loads(file.metadata()["vaewidgets"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    loaded = []
    for path in places(facts):
        for value in (text, [text]):
            changed = tmp_path / "changed.safetensors"
            save_file(tensors, changed, {"vaewidgets": json.dumps(replaced(facts, path, value))})
            try:
                other = vw.load_run(changed, data=data)
            except Exception:
                continue
            loaded.append(path)
            check(code_of(other))
    assert ("options", "beta") in loaded
    assert ("name",) in loaded


def test_the_beta_of_a_run_file_is_quoted(run: vw.TrainingRun, data: vw.ImageDataset, tmp_path: Path) -> None:
    run.options["beta"] = HOSTILE[0]
    run.save(tmp_path / "run.safetensors")
    explorer = vw.LatentExplorer(vw.load_run(tmp_path / "run.safetensors", data=data))
    assert f"# beta followed a schedule: {HOSTILE[0]!r}; give it as beta=..." in explorer.code()
    check(explorer.code())
    explorer.close()


def test_only_identifiers_and_literals_can_be_written() -> None:
    for text in (*HOSTILE, "", "a b", "a-b", "lambda", "a.", "é", "1a"):
        with pytest.raises(ValueError, match="no dotted name"):
            code.name(text)
        with pytest.raises(ValueError, match="no dotted name"):
            code.call("vw.train", **{text: 1})
    for text in HOSTILE:
        short = text[:1000]
        assert ast.literal_eval(code.literal(short).text) == short
        assert ast.literal_eval(code.literal([(short,), short]).text) == [(short,), short]
    for value in ("x" * 2000, float("nan"), float("inf"), {1: 2}, object(), np.ones(2), b"x"):
        with pytest.raises(ValueError, match="literal"):
            code.literal(value)


def test_a_subclass_cannot_write_itself() -> None:
    def evil(self: Any) -> str:
        return f"{MARK}()"

    for base, value in ((str, "a"), (int, 3), (float, 0.5)):
        kind = type("Evil", (base,), {"__repr__": evil, "__str__": evil, "__format__": lambda s, f: evil(s)})
        assert ast.literal_eval(code.literal(kind(value)).text) == value
        assert MARK not in code.comment("{}", kind(value)).text


def test_an_objective_with_settings_is_written_with_them() -> None:
    data = vw.load_dataset("digits", n_train=256)
    run = vw.train(
        vw.MLPVAE(data.image_shape, 2, hidden=(8,)),
        data,
        objective=vw.FreeBits(1.5),
        start=False,
        autosave=False,
    )
    assert "objective=vw.FreeBits(floor=1.5)" in code_of(run)
    check(code_of(run))
    plain = vw.train(
        vw.MLPVAE(data.image_shape, 2, hidden=(8,)), data, objective="free_bits", start=False, autosave=False
    )
    assert "objective='free_bits'" in code_of(plain)
