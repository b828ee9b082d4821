"""The figures for Prometheus keep the rules of its naming: promtool checks them where it is installed, else the rules below do."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

from player.agent.control.metrics import render
from tests.fakes.local_controls import status

ABBREVIATED = ("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d")
NOT_BASE = ("milliseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "kibibytes", "mebibytes", "percent", "kelvin")
RESERVED = ("count", "sum", "bucket")


def exposed() -> bytes:
    """Every figure that there can be."""
    full = status()
    return render(replace(full, proof=replace(full.proof, last_sent=1.0), stage=replace(full.stage, screen_on=False)))


def problems(text: str) -> list[str]:
    """What promtool's linter finds, in its rules about names, types and help."""
    found = []
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        words = name.split("_")
        found += [f"{name}: no help"] if not helps.get(name) else []
        found += [f'{name}: "_total" is for counters'] if (words[-1] == "total") != (kind == "counter") else []
        found += [f"{name}: {words[-1]} is for histograms"] if words[-1] in RESERVED else []
        found += [f"{name}: camelCase"] if name != name.lower() else []
        found += [f"{name}: {word} is no base unit" for word in words if word in NOT_BASE or word in ABBREVIATED]
        found += [f"{name}: its type is in its name"] if kind in words else []
    return found


def test_the_figures_keep_the_rules_of_prometheus() -> None:
    text = exposed()
    assert problems(text.decode()) == []
    promtool = shutil.which("promtool")
    print("checked by", promtool or "the rules of this test alone")
    if promtool:
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_rules_find_what_promtool_finds() -> None:
    text = "\n".join(
        f"# HELP {name} {words}\n# TYPE {name} {kind}\n{name} 1.0"
        for name, words, kind in (
            ("a_total", "x", "gauge"), ("a_jobs", "x", "counter"), ("a_ms", "x", "gauge"), ("aB", "x", "gauge"),
            ("a_count", "x", "gauge"), ("a_gauge", "x", "gauge"), ("a_hours", "x", "gauge"), ("a_b_c", "", "gauge"),
            ("a_fine", "x", "gauge"),
        )
    )  # fmt: skip
    named = {line.partition(":")[0] for line in problems(text)}
    assert named == {"a_total", "a_jobs", "a_ms", "aB", "a_count", "a_gauge", "a_hours", "a_b_c"}
