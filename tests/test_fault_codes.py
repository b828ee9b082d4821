"""The codes of faults: those in the source, those in the table and those in the README are the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from player.core.faults import CODES, Gravity
from player.errors import BoxError, ServerError, SignageError, StorageError

ROOT = Path(__file__).parent.parent
# What takes a code, and the place of the code among its arguments.
TAKES_A_CODE = {
    "ContentError": 0, "Fault": 0, "Problem": 0, "fail": 0, "_error": 0, "_fault": 0, "_note": 0, "_refuse": 1, "_told": 1,
    "_prepare_failed": 1, "report": 1, "Refusal": 1, "Refuse": 1,
}  # fmt: skip
COSTS = {
    Gravity.CRITICAL: "the whole screen, its proof of play or its control suffers",
    Gravity.MAJOR: "an item or an ability is missing",
    Gravity.MINOR: "something is shown, but not quite as asked for",
}
NO_FAULT = {"bad_message"}  # ends one connection of the socket between agent and stage
BASES = {"server"}  # an error that is raised is one of its kinds


def trees() -> Iterator[ast.Module]:
    for path in sorted((ROOT / "player").rglob("*.py")):
        if path.relative_to(ROOT / "player").parts[0] not in ("demo", "cli") and path.name != "faults.py":
            yield ast.parse(path.read_text(encoding="utf-8"))


def words(node: ast.expr) -> Iterator[str]:
    """The strings that an expression may be: one, or one of two."""
    match node:
        case ast.Constant(str(word)):
            yield word
        case ast.IfExp(_, then, other):
            yield from (*words(then), *words(other))


def told(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            at = TAKES_A_CODE.get(ast.unparse(node.func).rpartition(".")[2])
            if at is not None and len(node.args) > at:
                yield from words(node.args[at])


def kinds(error: type[SignageError]) -> Iterator[type[SignageError]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds(kind)


def test_every_code_that_is_told_is_in_the_table():
    raised = {kind.code for base in (ServerError, StorageError, BoxError) for kind in kinds(base)}
    found = {code for tree in trees() for code in told(tree)}
    assert len(found) > 40
    assert sorted((found | raised) - NO_FAULT - BASES - CODES.keys()) == []


def test_every_code_in_the_table_is_told_somewhere():
    found = {node.value for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert sorted(CODES.keys() - found) == []


def page() -> str:
    """The README's page of codes, as the table has it."""
    rows = ["| code | means | what to do |", "|---|---|---|"]
    for gravity in sorted(Gravity, reverse=True):
        rows.append(f"| **{gravity.name.lower()}** | **{COSTS[gravity]}** | |")
        rows += [f"| `{code}` | {one.meaning} | {one.remedy} |" for code, one in CODES.items() if one.gravity is gravity]
    return "\n".join(rows)


def test_the_readme_lists_the_table():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Fault codes\n")[2].partition("\n## ")[0]
    assert section.strip().partition("\n\n")[2] == page()
