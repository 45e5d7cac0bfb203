"""What the code never does: read by its syntax tree (X13, X15, rules of docs/style)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hmlr

pytestmark = pytest.mark.security

ROOT = Path(hmlr.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
# Where a failure of any kind is caught: logged, made an exit code, raised where a future is awaited, or, of a
# caller's own tool function, told to the model.
EDGES = {"memory/background.py", "cli/app.py", "threads.py", "llm/tools.py"}
EDGES |= {"server/mcp/server.py", "server/page/frame.py"}  # the server's: logged, and answered as an error
EDGES |= {
    "errands/procrastinate_worker.py",
    "errands/table.py",
}  # the workers': tried again or parked
LOADERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml"}
RUNNERS = {"eval", "exec", "compile", "__import__"}
QUERIES = {"text", "execute", "executemany", "executescript", "exec_driver_sql"}


TREE = [
    (file.relative_to(ROOT).as_posix(), node)
    for file in FILES
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
]


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Every call with the name of what is called, and that name's last part."""
    for file, node in TREE:
        if isinstance(node, ast.Call):
            yield file, node, ast.unparse(node.func)


def where(file: str, node: ast.AST) -> str:
    return f"{file}:{getattr(node, 'lineno', 0)}"


def put_together(node: ast.AST) -> bool:
    """Whether a text is made of parts that are not all literals."""
    match node:
        case ast.JoinedStr():
            values = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
            return not all(ast.unparse(value).startswith("int(") for value in values)  # a number is none
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return not all(isinstance(side, ast.Constant) for side in (node.left, node.right))
        case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant())):
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "format_map")):
            return True
        case _:
            return False


def test_there_is_something_to_read() -> None:
    assert len(FILES) > 80


def test_nothing_that_runs_what_it_loads_is_imported() -> None:
    found = []
    for file, node in TREE:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found += [where(file, node) for name in names if name.partition(".")[0] in LOADERS]
    assert found == []


def test_no_text_is_run_as_code() -> None:
    found = [where(file, call) for file, call, name in calls() if name in RUNNERS]
    found += [
        where(file, call)
        for file, call, name in calls()
        if name.endswith(".load") and any(word.arg == "allow_pickle" for word in call.keywords)
    ]
    assert found == []


def test_no_remote_code_is_trusted() -> None:
    for file, call, _ in calls():
        for word in call.keywords:
            if word.arg == "trust_remote_code":
                assert isinstance(word.value, ast.Constant), where(file, call)
                assert word.value.value is False, where(file, call)


def test_no_query_is_put_together() -> None:
    found = [
        where(file, call)
        for file, call, name in calls()
        if name.rpartition(".")[2] in QUERIES and call.args and put_together(call.args[0])
    ]
    assert found == []


def test_the_rule_for_queries_sees_what_it_forbids() -> None:
    for bad in ('f"{x}"', '"a" + x', '"%s" % x', '"{}".format(x)', '" ".join(x)'):
        assert put_together(ast.parse(bad, mode="eval").body), bad
    for good in ('"a"', "x", 'f"a"', '"a" + "b"'):
        assert not put_together(ast.parse(good, mode="eval").body), good


def test_only_the_command_line_prints() -> None:
    found = [where(file, call) for file, call, name in calls() if name in ("print", "sys.stdout.write")]
    assert [each for each in found if not each.startswith("cli/")] == []


def test_the_environment_is_read_in_one_place() -> None:
    written = {
        id(node.value)
        for _, node in TREE
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    }
    found = {
        file
        for file, node in TREE
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("os.environ", "os.getenv")
        and id(node) not in written
    }
    assert found <= {"settings.py"}


def test_errors_are_caught_by_name() -> None:
    found = set()
    for file, node in TREE:
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            broad = caught in ("everything", "Exception", "BaseException")
            if broad and not isinstance(node.body[-1], ast.Raise):
                found.add(file)
    assert found <= EDGES
