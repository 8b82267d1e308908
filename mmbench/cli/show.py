"""``mmbench show``: one representation, task, dataset or suite in full."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mmbench.api.errors import MmbenchError, UsageError
from mmbench.cli.main import registry
from mmbench.options import declared_options, nearest

if TYPE_CHECKING:
    from mmbench.api import Stream
    from mmbench.registry import Entry, Registry
    from mmbench.runner.suite import RepresentationChoice, TaskChoice

__all__ = ["show"]

EXAMPLES = """\b
Examples:
  mmbench show cca-image-text
  mmbench show numbers-localization
  mmbench show quickstart --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def show(name: str, as_json: bool) -> None:
    """Show NAME: options with their defaults, what it takes and gives, its metrics, its source."""
    known = registry()
    found = {
        group: getattr(known, group)[name]
        for group in ("representations", "tasks", "datasets", "suites")
        if name in getattr(known, group)
    }
    if not found:
        every = {*known.representations, *known.tasks, *known.datasets, *known.suites}
        raise UsageError(
            f"nothing installed is called {name!r}", fix=nearest(name, every, "known names")
        )
    described = {group: _describe(group, entry, known) for group, entry in found.items()}
    if as_json:
        click.echo(json.dumps(described, indent=1, default=str))
        return
    for group, facts in described.items():
        click.echo(click.style(f"{name} ({group.removesuffix('s')})", bold=True))
        _print(facts, indent=2)


def _describe(group: str, entry: Entry[Any], known: Registry) -> dict[str, Any]:
    """Facts of one entry; its class is imported, its weights are not loaded."""
    facts: dict[str, Any] = {
        "summary": entry.spec.summary,
        "from": f"{entry.plugin.distribution} {entry.plugin.version}",
        "path": entry.spec.path,
    }
    if group == "suites":
        return {**facts, **_suite_facts(entry.spec.name, known)}
    from mmbench.registry import load_object

    cls = load_object(entry.spec.path, entry)
    facts["options"] = {
        option.name: _option_text(option, entry.spec.options)
        for option in declared_options(cls).values()
    }
    try:
        built = known.configure(group, entry.spec.name, {}, cls)
        facts |= _own_facts(group, entry.spec.name, built.object, known)
        if group == "datasets":
            facts["collections"] = _collections(entry.spec.name, known)
    except MmbenchError as error:
        facts["needs"] = str(error)
    return facts


def _own_facts(group: str, name: str, built: Any, known: Registry) -> dict[str, Any]:
    """What an object says of itself; of a connector, what it joins and what that makes."""
    if group != "representations":
        return _info_facts(built.info)
    from mmbench.api import Connector
    from mmbench.runner.naming import info_of

    if not isinstance(built, Connector):
        return {**_info_facts(built.info), **_open_slots(built)}
    joins = {base: ref.name for base, ref in built.bases.items()}
    return {"joins": joins, **_info_facts(info_of(name, {}, known))}


def _option_text(option: Any, preset: Any) -> str:
    if option.name in preset:
        return f"{preset[option.name]!r} (preset; takes {option.values})"
    if option.required:
        return f"required (takes {option.values})"
    return f"{option.default!r} (takes {option.values})"


def _info_facts(info: Any) -> dict[str, Any]:
    """What an info object says, in the order it says it."""
    facts: dict[str, Any] = {}
    for name, value in vars(info).items():
        if name == "metrics":
            facts["metrics"] = {m.name: m.description or m.aggregator for m in value}
        elif name == "slots":
            facts["takes"] = {s.name: f"{s.modality} ({'/'.join(s.kinds)})" for s in value}
        elif name == "offers":
            facts["gives"] = sorted(
                f"{o.kind} of {' + '.join(sorted(o.slots))}" + (f" [{o.dim}]" if o.dim else "")
                for o in value
            )
        elif value not in ("", None, (), False):
            facts[name] = value
    return facts


def _open_slots(representation: Any) -> dict[str, Any]:
    """What a representation takes that opens its slots for the streams that it meets."""
    from mmbench.api import Representation

    if representation.info.slots or type(representation).bind is Representation.bind:
        return {}
    return {"takes": "any stream", "gives": "any subset of its streams, once it is bound to them"}


def _collections(name: str, known: Registry) -> Any:
    """Collections with their items and streams, if the dataset is on this machine."""
    from mmbench.runner.catalog import Catalog
    from mmbench.runner.folders import cache_root, data_root

    catalog = Catalog(known, data_root(), cache_root())
    try:
        dataset = catalog.dataset(name, {}).object
        if not dataset.status(catalog.source(name)).present:
            return f"not on this machine: `mmbench data status {name}` says where to get it"
        return {
            key: {
                "items": len(collection),
                "streams": [_stream_text(stream) for stream in collection.streams.values()],
            }
            for key, collection in catalog.dataset_collections(name, {}).items()
        }
    except MmbenchError as error:
        return f"can't be read: {error}"
    finally:
        catalog.hashes.close()


def _stream_text(stream: Stream) -> str:
    """``image (Image)``, with the modality and the provenance where they say more."""
    about = [stream.modality] if stream.modality != stream.name else []
    about += [stream.kind, *(["generated"] if stream.provenance == "generated" else [])]
    return f"{stream.name} ({', '.join(about)})"


def _suite_facts(name: str, known: Registry) -> dict[str, Any]:
    from mmbench.cli.run import find_suite

    suite = find_suite(name, known)
    return {
        "description": suite.description,
        "seeds": list(suite.seeds),
        "tasks": [_choice_text(task) for task in suite.tasks],
        "representations": [_choice_text(choice) for choice in suite.representations],
    }


def _choice_text(choice: RepresentationChoice | TaskChoice) -> str:
    """The label of an entry of a suite, and what is special about it."""
    if choice.joined:
        return f"{choice.label} (joined, from {choice.joined})"
    return choice.label + (" (optional)" if choice.optional else "")


def _print(facts: dict[str, Any], indent: int) -> None:
    pad = " " * indent
    for key, value in facts.items():
        if isinstance(value, dict) and value:
            click.echo(f"{pad}{key}:")
            _print(value, indent + 2)
        elif isinstance(value, (dict, list, tuple)):
            click.echo(f"{pad}{key}: {', '.join(map(str, value)) or 'none'}")
        else:
            click.echo(f"{pad}{key}: {value}")
