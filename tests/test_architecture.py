"""The house rules that a machine can check: who imports whom, how pure the core is, how tasks start and errors are caught.

Each rule reads the tree of every module; what may break one is listed here by name, with its reason.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLAYER = ROOT / "player"

# --- the lists: who may import whom

GROUND = {
    "brief_file", "core", "errors", "runtime", "dirs", "folders", "store", "journal", "journal_reader", "formats", "config",
    "config_kinds", "config_reader", "messages", "identity", "programme_file", "protocols", "redact", "way_out", "layout_file",
    "layout_tables", "sizes", "__version__",
}  # fmt: skip
PACKAGES = {path.parent.name for path in PLAYER.glob("*/__init__.py")}
# Packages that stand on another one.
STANDS_ON = {"agent": {"media"}}
# Where packages meet. Everything else imports the ground, its own package and what that stands on.
ROOTS = {
    "player.agent.app": {"compositor"},  # the agent's composition root: what is told of hangs
    "player.agent.box": {"device"},  # of that root: what this device can do
    "player.agent.servers": {"cms"},  # of that root: what is configured
    "player.agent.trigger_source": {"cms"},  # likewise, of triggers
    "player.stage.app": {"device"},  # the stage's: which boot this is
    "player.stage.daemon": {"device"},  # its process: whether the clock is synchronised
    "player.stage.opening": {"compositor"},  # the screen that is configured
    "player.stage.backends.sway": {"compositor"},  # the stage's surfaces under sway
    "player.cli": {"cms", "launch"},  # the kinds of servers that a configuration may name; `run` and the daemons with options
    "player.cli.cache": {"media"},  # the store that it lists is the agent's
    "player.cli.checks.machine": {"launch"},
    "player.cli.checks.abilities": {"device"},  # what the agent's drivers find
    "player.cli.checks.panel": {"device"},  # asks the panel by the agent's own way
    "player.cli.doctor": {"cms"},  # where a kind of server answers
    "player.cli.demonstration": {"demo", "launch"},
    "player.cli.play": {"launch", "media"},  # prepares its pictures as the agent would
    "player.cli.device_token": {"agent", "device"},  # the token's certificate is the agent's; at which address this box is reached
    "player.cli.tokens": {"agent"},
    "player.cli.trigger": {"cms"},  # reads a recorded message as the adapter does
    "player.cli.bundle_check": {"device"},  # whether the clock is right, for a bundle's date
    "player.__main__": {"cli", "launch"},
    "player.launch.daemon": {"agent", "cms", "stage", "compositor"},  # is each daemon; the kinds of servers, as above
}
# What decides needs neither clock nor dice, neither files nor a loop. `zoneinfo` reads the machine's zones; `pathlib` types ports.
PURE = {
    "__future__", "base64", "collections", "dataclasses", "datetime", "difflib", "enum", "hashlib", "hmac", "html", "idna",
    "ipaddress", "itertools", "json", "math", "pathlib", "re", "typing", "unicodedata", "urllib", "xml", "zoneinfo",
}  # fmt: skip
IMPURE_CALLS = {
    "now", "utcnow", "today", "open", "read_text", "read_bytes", "write_text", "write_bytes", "stat", "exists", "is_file", "unlink",
    "iterdir", "glob", "mkdir", "urlopen", "print", "input",
}  # fmt: skip

# --- limits, and what may exceed one, and why

LONGEST = 350
BROAD = {
    "player/runtime/tasks.py": (2, "keep_running, where a task's failure ends, and Mistakes, where one request's does"),
    "player/runtime/threads.py": (1, "carries whatever a call raised from its thread to whoever waits"),
    "player/stage/video/youtube.py": (1, "the child's answer is whatever went wrong"),
    "player/stage/wayland/overlay.py": (2, "pywayland raises bare exceptions when the connection is gone"),
    "player/stage/wayland/window.py": (2, "pywayland raises bare exceptions when the connection is gone"),
    "player/demo/rest.py": (1, "the demonstration server answers 500, says why, and goes on"),
}


@cache
def modules() -> dict[str, tuple[Path, ast.Module]]:
    """Every module of the player by its dotted name."""
    found = {}
    for path in sorted(PLAYER.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = (path, ast.parse(path.read_text(encoding="utf-8")))
    return found


def nodes(*kinds: type[ast.AST], only: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node of these kinds in all modules, or in the one, with `file:line` where it stands."""
    for name, (path, tree) in modules().items():
        if only in ("", name):
            for node in ast.walk(tree):
                if isinstance(node, kinds):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def imports(tree: ast.Module) -> set[str]:
    """What a module imports, anywhere in it: `player.core.content.Item`, `asyncio`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names}
    return found


def lines(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


# --- who imports whom


def test_packages_import_the_ground_and_themselves_and_meet_only_at_the_roots():
    wrong = []
    for name, (_, tree) in modules().items():
        parts = name.split(".")
        own = parts[1] if len(parts) > 1 else ""
        for imported in sorted(imports(tree)):
            if not imported.startswith("player."):
                continue
            target = imported.split(".")[1]
            at_the_top = len(parts) <= 2 and own not in PACKAGES and target not in PACKAGES
            if not (
                target in GROUND or target == own or at_the_top or target in STANDS_ON.get(own, set()) | ROOTS.get(name, set())
            ):
                wrong.append(f"{name} imports {imported}")
    assert wrong == []


def test_the_list_of_roots_names_nothing_that_is_not_used():
    for name, allowed in ROOTS.items():
        used = {imported.split(".")[1] for imported in imports(modules()[name][1]) if imported.startswith("player.")}
        assert allowed <= used, name


def test_the_ground_stands_on_nothing_but_itself():
    for name in sorted(GROUND - {"core", "__version__"}):
        used = {i.split(".")[1] for i in imports(modules()[f"player.{name}"][1]) if i.startswith("player.")}
        assert used <= GROUND, name


WINGS = sorted(path for path in PLAYER.glob("*/*/__init__.py") if path.parts[-3] in ("agent", "stage", "media", "cms"))


def inside(package: str, tree: ast.Module) -> set[str]:
    """The wings and modules of `package` that a module of it imports: `regions`, `plays`."""
    rest = {i.removeprefix(f"player.{package}.") for i in imports(tree) if i.startswith(f"player.{package}.")}
    return {name.partition(".")[0] for name in rest}


@pytest.mark.parametrize("wing", WINGS, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_a_wing_says_whom_it_imports_and_imports_nobody_else(wing: Path):
    said = re.search(r"^Imports (no other wing|.+)\.$", ast.get_docstring(ast.parse(wing.read_text())) or "", re.MULTILINE)
    assert said, f'the docstring of {wing} has no line such as "Imports `regions`." or "Imports no other wing."'
    package, name = wing.parts[-3:-1]
    prefix = f"player.{package}.{name}"
    mine = [tree for module, (_, tree) in modules().items() if module == prefix or module.startswith(f"{prefix}.")]
    assert set().union(*(inside(package, tree) for tree in mine)) - {name} == set(re.findall(r"`(\w+)`", said[1]))


def test_no_imports_run_in_a_circle():
    after = {name: {i.rpartition(".")[0] for i in imports(tree)} | imports(tree) for name, (_, tree) in modules().items()}
    left = {name: {other for other in found if other in after and other != name} for name, found in after.items()}
    while ends := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in ends}
    assert sorted(left) == []


def test_every_package_of_a_device_is_imported_and_nothing_else_is():
    declared = {
        re.split(r"[<>=]", line)[0] for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    }
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "scripts/requirements.lock").read_text(), re.MULTILINE))
    tops = {i.partition(".")[0] for _, tree in modules().values() for i in imports(tree)} - sys.stdlib_module_names - {"player"}
    packages = packages_distributions()
    imported = {name.lower().replace("_", "-") for top in tops for name in packages[top]}
    assert imported - locked == set()
    assert declared - locked == set()
    assert declared - imported == set()


def test_imports_are_absolute():
    assert [name for name, (_, tree) in modules().items() if any(i.startswith(".") for i in imports(tree))] == []


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("player.core")])
def test_the_core_is_pure(name: str):
    imported = imports(modules()[name][1])
    inside = {i for i in imported if i.startswith("player.")}
    assert {i for i in inside if i.split(".")[1] not in ("core", "errors")} == set()
    assert {i.split(".")[0] for i in imported - inside} <= PURE
    calls = [(where, node) for where, node in nodes(ast.Call, only=name)]
    reaching = [
        f"{where} {ast.unparse(node.func)}"
        for where, node in calls
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in IMPURE_CALLS
    ]
    assert reaching == []


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("player.core") and "ports" not in name])
def test_the_core_waits_for_nothing(name: str):
    assert [where for where, _ in nodes(ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Global, only=name)] == []


WEIGHT = {
    # Within half a second of power there is a picture.
    "player.stage.app": (
        "aiohttp",
        "pydantic",
        "PIL",
        "pywayland",
        "rich",
        "mpv",
        "yt_dlp",
        "websockets",
        "cryptography",
    ),
    # Stays in memory for years beside the others, and starts all of them.
    "player.launch.supervisor": ("asyncio", "msgspec", "aiohttp", "pydantic", "ssl", "http", "logging.config"),
    "player.compositor.session": ("asyncio", "aiohttp", "pydantic", "PIL", "ssl"),
    # Every command pays for this one.
    "player.__main__": ("asyncio", "msgspec", "aiohttp", "pydantic", "PIL", "rich", "player.agent", "player.stage"),
    "player.agent.app": (
        "PIL",
        "mpv",
        "pywayland",
        "yt_dlp",
        "rich",
        "numpy",
        "player.cms.adcast",
        "player.agent.devices.management",
        "player.agent.devices.bodies",
    ),
}


@pytest.mark.parametrize("name", WEIGHT)
def test_a_daemon_starts_without_what_it_does_not_need(name: str):
    program = f"import sys, {name}; print(*(m for m in {WEIGHT[name]!r} if m in sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == []


# --- tasks and errors


def groups(tree: ast.Module) -> set[str]:
    """What holds a TaskGroup in a module: `async with asyncio.TaskGroup() as X`, `X: asyncio.TaskGroup`, and `Y = X`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.withitem) and node.optional_vars and ast.unparse(node.context_expr) == "asyncio.TaskGroup()":
            found.add(ast.unparse(node.optional_vars))
        elif isinstance(node, ast.arg) and node.annotation and "asyncio.TaskGroup" in ast.unparse(node.annotation):
            found.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and "asyncio.TaskGroup" in ast.unparse(node.annotation):
            found.add(ast.unparse(node.target))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in found:
            found |= {ast.unparse(target) for target in node.targets}
    return found


def test_tasks_start_in_a_task_group_and_have_a_name():
    wrong = []
    for path, tree in modules().values():
        known = groups(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            owner, _, name = ast.unparse(node.func).rpartition(".")
            here = f"{path.relative_to(ROOT)}:{node.lineno} {owner}.{name}"
            if name == "ensure_future" or (name == "create_task" and owner not in known):
                wrong.append(f"{here} is not in a TaskGroup")
            elif name == "create_task" and "name" not in {keyword.arg for keyword in node.keywords}:
                wrong.append(f"{here} has no name")
    assert wrong == []


def test_errors_are_caught_by_name():
    bare = [where for where, node in nodes(ast.ExceptHandler) if isinstance(node, ast.ExceptHandler) and node.type is None]
    assert bare == []


def catches_everything(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return node.type is not None and ast.unparse(node.type) == "Exception"
    return ast.unparse(node).removeprefix("contextlib.") in ("suppress(Exception)", "suppress(BaseException)")


def test_broad_excepts_are_the_few_that_are_listed():
    found = Counter(where.partition(":")[0] for where, node in nodes(ast.ExceptHandler, ast.Call) if catches_everything(node))
    assert found == {path: count for path, (count, _) in BROAD.items()}


def test_what_may_be_a_cancellation_is_raised_again():
    wrong = []
    for where, node in nodes(ast.ExceptHandler):
        if isinstance(node, ast.ExceptHandler) and node.type and ast.unparse(node.type) == "BaseException":
            wrong += [] if isinstance(node.body[-1], ast.Raise) else [where]
    assert wrong == []


# Where HTTP is spoken, its numbers are known: the servers' adapters, downloads, the sessions of both, what serves and asks the
# control API, and pages.
SPEAKS_HTTP = (
    "player.cms",
    "player.media.fetch",
    "player.runtime.sessions",
    "player.demo",
    "player.agent.control",
    "player.agent.devices",
    "player.cli.client",
    "player.stage.web",
)
STATUSES = {400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 422, 425, 429, 500, 501, 502, 503, 504}


def test_an_errors_meaning_crosses_the_seam_and_not_its_number():
    wrong = []
    for name, (_, tree) in modules().items():
        if name.startswith(SPEAKS_HTTP) or not any(i.startswith("player.errors.Server") for i in imports(tree)):
            continue
        numbers = (node for where, node in nodes(ast.Constant, only=name) if isinstance(node, ast.Constant))
        wrong += [f"{name} knows {node.value}" for node in numbers if type(node.value) is int and node.value in STATUSES]
    assert wrong == []


# --- words


def test_every_module_says_what_it_is():
    assert [name for name, (_, tree) in modules().items() if not ast.get_docstring(tree)] == []


def test_the_map_names_every_room_and_the_pages_that_answer():
    told = ast.get_docstring(modules()["player"][1]) or ""
    rooms, _, pages = told.partition("Which page answers:")
    there = {path.stem for path in PLAYER.iterdir() if path.suffix == ".py" or path.is_dir()} - {
        "__init__",
        "__main__",
        "__pycache__",
    }
    assert there - set(re.findall(r"\w+", rooms)) == set()
    answers = re.findall(r"\?\s+((?:\w+/)+\w+)", pages.partition("Glossary:")[0])
    assert len(answers) == 14
    assert [page for page in answers if not (PLAYER / f"{page}.py").is_file()] == []


Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def is_protocol(node: ast.ClassDef) -> bool:
    return any("Protocol" in ast.unparse(base) for base in node.bases)


@cache
def promises() -> dict[str, frozenset[str]]:
    """What each Protocol of the player documents: the names of its methods that have a docstring."""
    found = {}
    for _, node in nodes(ast.ClassDef):
        if isinstance(node, ast.ClassDef) and is_protocol(node):
            found[node.name] = frozenset(
                inner.name for inner in node.body if isinstance(inner, Documented) and ast.get_docstring(inner)
            )
    return found


def kept(node: ast.ClassDef) -> frozenset[str]:
    """The methods of a class that its port documents: it says "Implements `X`", or has X as its base."""
    ports = set(re.findall(r"[Ii]mplements `(?:\w+\.)*(\w+)`", ast.get_docstring(node) or "")) | {
        ast.unparse(b) for b in node.bases
    }
    return frozenset().union(*(promises().get(port, frozenset()) for port in ports))


def public(body: list[ast.stmt], inside: str = "", kept_names: frozenset[str] = frozenset()) -> Iterator[tuple[str, Documented]]:
    for node in body:
        if isinstance(node, Documented) and not node.name.startswith("_") and node.name not in kept_names:
            yield f"{inside}{node.name}", node
            if isinstance(node, ast.ClassDef) and not is_protocol(node):
                yield from public(node.body, f"{node.name}.", kept(node))


def test_every_public_class_and_function_has_a_docstring_or_keeps_what_its_port_documents():
    missing = [
        f"{name}: {what}"
        for name, (_, tree) in modules().items()
        for what, node in public(tree.body)
        if not ast.get_docstring(node)
    ]
    assert missing == []


def test_every_method_of_a_port_says_what_it_promises():
    # Where a port has one method, the port's own docstring says it.
    silent = []
    for name, (_, tree) in modules().items():
        for node in tree.body if name.startswith("player.core.ports.") else ():
            if isinstance(node, ast.ClassDef) and is_protocol(node):
                methods = {inner.name for inner in node.body if isinstance(inner, Documented)}
                silent += [f"{name}: {node.name}.{method}" for method in methods - promises()[node.name] if len(methods) > 1]
    assert silent == []


def test_no_docstring_says_nothing():
    empty = re.compile(r"(?:\w+|Remembers it|As the \w+ does|Nothing \w+)\.")
    said = [(where, ast.get_docstring(node)) for where, node in nodes(ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)]
    assert [(where, text) for where, text in said if text and empty.fullmatch(text)] == []


# What stands in backticks and is no name of the code: an ending, systemd's word, a key of the configuration; and files.
FOREIGN = {"_s", "WatchdogSec", "control.listen", "network.allow_private", "stage.stream_hosts", "stage.backend"}
NAMED = re.compile(r"`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\(\))?`")
FILES = (".json", ".html", ".sock", ".toml")


@cache
def words() -> dict[str, set[str]]:
    """The words of each module's code, without its docstrings and comments."""
    found = {}
    for name, (_, tree) in modules().items():
        bare = ast.parse(ast.unparse(tree))
        for node in ast.walk(bare):
            if isinstance(node, ast.Module | Documented) and ast.get_docstring(node):
                node.body[0] = ast.Pass()
        found[name] = set(re.findall(r"\w+", ast.unparse(bare)))
    return found


def is_there(named: str) -> bool:
    """Whether code has this name; where it begins with a module's, the rest has to be in that module."""
    first, *rest = named.split(".")
    if not rest or first not in {part for name in words() for part in name.split(".")}:
        return bool(rest) or any(first in said for said in words().values())
    for length in range(len(rest) + 1, 0, -1):
        head = "." + ".".join([first, *rest][:length])
        if found := [said for name, said in words().items() if f".{name}".endswith(head)]:
            return any(set(rest[length - 1 :]) <= said for said in found)
    return False


def test_what_a_docstring_names_is_there():
    wrong = [
        f"{name}: `{named}`"
        for name, (_, tree) in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | Documented)
        for named in NAMED.findall(ast.get_docstring(node) or "")
        if named not in FOREIGN and not named.endswith(FILES) and not is_there(named)
    ]
    assert wrong == []


def test_a_class_has_a_name_of_its_own():
    # But each kind of server calls its table of the configuration `Keys`, since the row of its kind finds it by that name.
    found = Counter(node.name for where, node in nodes(ast.ClassDef) if isinstance(node, ast.ClassDef) and "/keys.py:" not in where)
    assert [name for name, count in found.items() if count > 1] == []


def test_modules_stay_short_enough_to_be_read():
    sizes = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path, _ in modules().values()}
    assert {path: size for path, size in sizes.items() if size > LONGEST} == {}


SOURCES = [*PLAYER.rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
_LEFT_OPEN = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
_NOQA = re.compile(r"#\s*noqa\b(?P<codes>: [A-Z]+\d+(?:, [A-Z]+\d+)*)?(?P<reason> - \S.+)?")
_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<codes>\[[a-z-, ]+\])?(?P<reason>\s+#\s*\S.+)?")


def test_nothing_is_left_open():
    assert [where for where, line in lines(SOURCES) if _LEFT_OPEN.search(line)] == []


@pytest.mark.parametrize("pattern", [_NOQA, _IGNORE], ids=["noqa", "type: ignore"])
def test_where_a_check_is_switched_off_stands_which_and_why(pattern: re.Pattern[str]):
    wrong = [
        where for where, line in lines(SOURCES) if (found := pattern.search(line)) and not (found["codes"] and found["reason"])
    ]
    assert wrong == []


def test_names_are_the_fields_and_not_a_drawers():
    drawers = re.compile(r"(?:^|_)(?:manager|helpers?|utils?|misc|common|data)(?:$|_)")
    assert [name for name in modules() if drawers.search(name.rpartition(".")[2])] == []
    classes = re.compile(r"(?:Manager|Helper|Utils?|Data)$")
    assert [where for where, node in nodes(ast.ClassDef) if isinstance(node, ast.ClassDef) and classes.search(node.name)] == []


# --- tests


# An emulated machine or processor needs what many a machine has not; those tests say why they are left out.
MAY_BE_LEFT_OUT = (ROOT / "tests/system/conftest.py", ROOT / "tests/install/conftest.py")


def test_tests_replace_no_part_of_what_they_test():
    # Only parts behind a port are replaced, by the fakes of tests/fakes.
    patches = re.compile(r"\bmock\.patch|monkeypatch\.setattr|\bpytest\.(?:skip|mark\.skip|mark\.xfail|xfail)|unittest\.mock")
    here = Path(__file__)
    wrong = [
        where
        for where, line in lines(p for p in (ROOT / "tests").rglob("*.py") if p not in (here, *MAY_BE_LEFT_OUT))
        if patches.search(line)
    ]
    assert wrong == []
