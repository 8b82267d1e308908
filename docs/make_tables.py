"""Fill the tables of the guide from the code: `python docs/make_tables.py`.

A table stands between ``<!-- made: WHAT -->`` and ``<!-- end -->``; all else is written by hand.
"""

from __future__ import annotations

import re
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from ablation_tables import ablation_claim, ablation_table
from digits_tables import digits_table
from pendulum_tables import pendulum_table
from record_tables import record_tables
from sentiment_tables import difference_table, fold_table, utterance_table

from mmbench.api import MetricInfo
from mmbench.metrics import recognition
from mmbench.metrics.aggregation import AGGREGATORS
from mmbench.metrics.localization_options import IMPLEMENTED, PRESETS, REFUSED, LocalizationOptions
from mmbench.options import declared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mmbench.api import Task
    from mmbench.options import Option

DOCS = Path(__file__).resolve().parent
#: The pages that hold made tables.
PAGES = (
    "cmcr-ablation.md",
    "paired-digits.md",
    "pendulum.md",
    "protocols.md",
    "records.md",
    "sentiment.md",
)
BLOCK = re.compile(r"(<!-- made: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
PROTOCOLS = {
    "retrieval": "retrieval:RetrievalTask",
    "localization": "localization:LocalizationTask",
    "counterfactual": "counterfactual:CounterfactualTask",
    "zero-shot": "zeroshot:ZeroShotTask",
    "missing": "missing:MissingModalitiesTask",
    "alignment": "alignment:AlignmentTask",
    "dca": "dca:DCATask",
}


def protocol(name: str) -> type[Task]:
    """The base class of a protocol."""
    module, _, cls = PROTOCOLS[name].partition(":")
    found: type[Task] = getattr(import_module(f"mmbench.protocols.{module}"), cls)
    return found


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in r] for r in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def spoken(text: str) -> str:
    """A docstring's words as Markdown, in one line."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", " ".join(text.split()))
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def described(doc: str | None, section: str = "Args") -> dict[str, str]:
    """The entries of a docstring's section by name."""
    found: dict[str, list[str]] = {}
    name, inside = "", False
    for line in cleandoc(doc or "").splitlines():  # Python 3.13 takes the margin off by itself
        if line == f"{section}:":
            inside = True
        elif inside and (entry := re.fullmatch(r" {4}(\w+): (.*)", line)):
            name = entry[1]
            found[name] = [entry[2]]
        elif inside and line.startswith(" " * 5):
            found[name].append(line)
        elif inside and line.strip():
            break
    return {name: spoken(" ".join(lines)) for name, lines in found.items()}


def named_values(option: Option) -> tuple[Any, ...]:
    """The values that an option has a name for; none where it is a number or a stream."""
    if get_origin(option.hint) is Literal:
        return get_args(option.hint)
    if option.hint is bool:
        return (True, False)
    return IMPLEMENTED.get(option.name, ()) if "str" in str(option.hint) else ()


def said(value: Any) -> str:
    """A value as a suite has it."""
    if value is None:
        return "unset"  # TOML has no null: leave the option out
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`[{', '.join(map(str, value))}]`" if isinstance(value, tuple) else f"`{text}`"


def kind(option: Option) -> str:
    """What an option takes that has no named values."""
    if get_origin(option.hint) is tuple:
        return f"list of {get_args(option.hint)[0].__name__}"
    return option.values.removesuffix(" | None")


def options(name: str) -> str:
    """Every option: its values, its default, what it means."""
    cls = protocol(name)
    means = described(cls.__doc__)
    if "preset" in means:
        rules = described(LocalizationOptions.__doc__, "Attributes")
        means |= {rule: rules[rule] for rule in ("normalisation", "tau", "threshold", "comparison")}
    rows = []
    for option in declared_options(cls).values():
        values = " ".join(said(value) for value in named_values(option))
        rows.append((f"`{option.name}`", values or kind(option), said(option.default)))
    return table(
        ("option", "values", "default", "what it means"),
        [(*row, means[row[0].strip("`")]) for row in rows],
    )


def refused(name: str) -> str:
    """What the protocol declines, and why."""
    found: dict[str, str] = dict(protocol(name).refused)
    taken = declared_options(protocol(name))
    if name in {"localization", "counterfactual"}:
        for option, values in REFUSED.items():
            if option in taken and option != "audio":  # there it is the reader's way with sound
                found |= {f"{option}={value}": why for value, why in values.items()}
    if name == "counterfactual":
        found |= {f"mode={value}": why for value, why in recognition.REFUSED.items()}
    return table(("refused", "why"), [(f"`{value}`", why) for value, why in found.items()])


def example_of(name: str, **given: Any) -> Task:
    """A task of a protocol with nothing in it but its options."""
    base = protocol(name)
    return type("Example", (base,), dict.fromkeys(base.__abstractmethods__))(**given)


def metrics(name: str) -> str:
    """What a protocol reports by default, and under those options that report something else."""
    variants: dict[str, tuple[dict[str, Any], ...]] = {
        "retrieval": ({}, {"relevance": "class"}),
        "missing": ({}, {"target_kind": "value"}),
    }
    found: dict[str, MetricInfo] = {}
    for given in variants.get(name, ({},)):
        for metric in example_of(name, **given).info.metrics:
            found.setdefault(metric.name, metric)
    kept = [metric for metric in found.values() if _is_shown(name, metric)]
    better = {True: "higher", False: "lower", None: "diagnostic"}
    return table(
        ("metric", "better", "made of", "what it is"),
        [(f"`{m.name}`", better[m.higher_is_better], _made_of(m), m.description) for m in kept],
    )


def _made_of(metric: MetricInfo) -> str:
    columns = ", ".join(metric.columns)
    return f"`{metric.aggregator}({columns})`" if columns else "all vectors at once"


def _is_shown(name: str, metric: MetricInfo) -> bool:
    """One direction and one subset stand for all."""
    if name == "retrieval":
        return metric.name.startswith("image→text ")
    if name == "dca":
        return not metric.name.startswith("audio ")
    return name != "missing" or metric.name.partition(" ")[0] in {"missing", "complete"}


def presets(_name: str) -> str:
    """The rules of every preset of localization."""
    names = ("upsampling", "normalisation", "threshold", "threshold_value", "comparison")
    return table(
        ("preset", *names),
        [
            (f"`{preset}`", *(said(getattr(rules, name)) for name in names))
            for preset, rules in PRESETS.items()
        ],
    )


def aggregators(_name: str) -> str:
    """Every aggregator with its columns."""
    return table(
        ("aggregator", "columns", "what it is"),
        [(f"`{each.name}`", ", ".join(each.columns), each.doc) for each in AGGREGATORS.values()],
    )


def record(_name: str) -> str:
    """Every field of a record, from its JSON Schema."""
    lines = described(MetricInfo.__doc__, "Attributes")
    return record_tables({"MetricInfo": lines}, table, spoken)


def ablation(spaces: str) -> str:
    """C-MCR with one component left out at a time, between its bounds."""
    return ablation_table(spaces, table)


def digits(which: str) -> str:
    """GMC and its rivals on paired digits: accuracy, DCA, or training."""
    return digits_table(which, table)


def pendulum(what: str) -> str:
    """The Pendulum study: rewards, or DCA."""
    return pendulum_table(what, table)


def utterances(title: str) -> str:
    """CMU-MOSI's utterances by every row and set of streams."""
    return utterance_table(title, table)


def differences(title: str) -> str:
    """How far GMC is from the linear baseline there."""
    return difference_table(title, table)


def folds(dataset: str) -> str:
    """Means over the folds of MMMO or YouTube."""
    return fold_table(dataset, table)


MAKERS: Mapping[str, Callable[[str], str]] = {
    "options": options,
    "refused": refused,
    "metrics": metrics,
    "presets": presets,
    "aggregators": aggregators,
    "record": record,
    "ablation": ablation,
    "claim": ablation_claim,
    "digits": digits,
    "utterances": utterances,
    "differences": differences,
    "folds": folds,
    "pendulum": pendulum,
}


def filled(text: str) -> str:
    """A page with its tables made anew."""

    def made(block: re.Match[str]) -> str:
        maker, _, name = block[2].partition(" ")
        return f"{block[1]}\n{MAKERS[maker](name)}\n{block[3]}"

    return BLOCK.sub(made, text)


if __name__ == "__main__":
    for page in (DOCS / name for name in PAGES):
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
