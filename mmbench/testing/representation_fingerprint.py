"""Checks: fingerprints name the weights, and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.testing.checks import Blocked, NotRelevant, conformance, fail
from mmbench.testing.representations import RepresentationSubject, described

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Weights that are larger are not copied to be altered.
LARGEST = 4 << 30


@conformance("fingerprint", "representations")
def fingerprint_is_text(subject: RepresentationSubject) -> None:
    """``fingerprint()`` returns a text, before anything is loaded.

    Keys are made of it when a suite is planned. Hash the weights file in blocks, or name the
    revision that a hub's tag stands for; an empty text says that there are no weights but what
    follows from the options.
    """
    _ = subject.info  # what can't even be built has a check of its own
    try:
        found = subject.new().fingerprint()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is seen
        fail(
            expected="fingerprint() to return a text before load()",
            seen=f"it raised {described(error)}",
            change="hash the file of the weights without loading them",
        )
    if not isinstance(found, str):
        fail(
            expected="fingerprint() to return a text",
            seen=f"a {type(found).__name__}, {found!r}",
            change="return digest.hexdigest()",
        )


@conformance("fingerprint", "representations")
def fingerprint_is_stable(subject: RepresentationSubject) -> None:
    """Every instance with the same options has the same fingerprint, however often it is asked.

    A fingerprint that changes throws away every vector that was stored.
    """
    first = _fingerprint(subject)
    one = subject.new()
    with subject.blocking("fingerprint()", "fingerprint_is_text"):
        others = [one.fingerprint(), one.fingerprint()]
    for other in others:
        if other != first:
            fail(
                expected=f"{first!r} from each instance and each time",
                seen=f"{other!r}",
                change="make it of the weights alone: no counter, no time, no id(), no hash()",
            )


@conformance("fingerprint", "representations")
def fingerprint_outlives_loading(subject: RepresentationSubject) -> None:
    """Loading, training and encoding don't change the fingerprint.

    It is asked before loading, when a suite is planned, and names what is stored after.
    """
    first = _fingerprint(subject)
    for offer in subject.offers[:1]:
        subject.vectors(offer)
    with subject.blocking("fingerprint()", "fingerprint_is_text"):
        after = subject.shared.fingerprint()
    if after != first:
        fail(
            expected=f"{first!r}, as before load()",
            seen=f"{after!r}",
            change="compute it in one way, from the file: not from what load() has made of it",
        )


@conformance("fingerprint", "representations")
def fingerprint_agrees_between_processes(subject: RepresentationSubject) -> None:
    """Another process, in another folder and a year later, has the same fingerprint.

    Workers and later runs look vectors up by it. Python's ``hash()`` of a text differs from process
    to process: use ``hashlib``. Sort what comes out of a set or a folder.
    """
    first = _fingerprint(subject)
    for report in (subject.process, subject.later_process):
        if report.error and not report.fingerprint:
            raise Blocked(f"{report.error}: see processes_agree")
        if report.fingerprint != first:
            fail(
                expected=f"{first!r}, as in this process",
                seen=f"{report.fingerprint!r} in another",
                change="use hashlib, and neither hash() nor the time nor the process's folder",
            )


@conformance("fingerprint", "representations")
def fingerprint_follows_the_weights(subject: RepresentationSubject) -> None:
    """Where an option names a file or a folder, altering one byte of it gives another fingerprint.

    Otherwise vectors of the old weights would be taken for those of the new. A byte in the middle
    of the largest file is altered; its length stays as it was. Hash all of the content.
    """
    _ = _fingerprint(subject)
    for option, path in _weights(subject):
        copy = _copied(subject, path, "altered")
        with subject.blocking(f"fingerprint() of a copy of {path}", "fingerprint_is_text"):
            first = subject.new(**{option: str(copy)}).fingerprint()
        altered = _alter(copy)
        try:
            found = subject.new(**{option: str(copy)}).fingerprint()
        except Exception:  # noqa: BLE001, S112 - it sees that something is wrong: never a wrong hit
            continue
        if found == first:
            fail(
                expected=f"another fingerprint for other weights in {option!r}",
                seen=f"the same, though a byte in the middle of {altered.name} is another",
                change="hash the whole content of every file that is read",
            )


@conformance("fingerprint", "representations")
def fingerprint_stays_when_weights_move(subject: RepresentationSubject) -> None:
    """Where an option names a file or a folder, a copy elsewhere has the same fingerprint.

    It names what the weights are, not where they lie or when they came there. Hash content, and
    names relative to the folder.
    """
    first = _fingerprint(subject)
    for option, path in _weights(subject):
        copy = _copied(subject, path, "moved")
        with subject.blocking(f"fingerprint() of a copy of {path}", "fingerprint_is_text"):
            found = subject.new(**{option: str(copy)}).fingerprint()
        if found != first:
            fail(
                expected=f"{first!r} for a copy of {path}",
                seen=f"{found!r} for {copy}",
                change="hash what is in the files: no path above the folder, no date",
            )


def _fingerprint(subject: RepresentationSubject) -> str:
    """The fingerprint of a new instance."""
    _ = subject.info
    with subject.blocking("fingerprint()", "fingerprint_is_text"):
        found: object = subject.new().fingerprint()
    if not isinstance(found, str):
        raise Blocked("it is no text: see fingerprint_is_text")
    return found


def _weights(subject: RepresentationSubject) -> Iterator[tuple[str, Path]]:
    """Options that name files or folders that there are, and where they lead.

    Raises:
        NotRelevant: There are none, or they are too large to be copied.
    """
    found = 0
    for option, value in subject.options.items():
        if not isinstance(value, str) or not (os.sep in value or Path(value).suffix):
            continue
        path = Path(value).expanduser()
        if not _files(path):
            continue
        if sum(file.stat().st_size for file in _files(path)) > LARGEST:
            raise NotRelevant(f"{path} is too large to be copied")
        found += 1
        yield option, path
    if not found:
        raise NotRelevant("no option names a file or folder that is there")


def _files(path: Path) -> list[Path]:
    """A file, or the files of a folder, that are not empty."""
    inside = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file for file in inside if file.is_file() and file.stat().st_size]


def _copied(subject: RepresentationSubject, path: Path, name: str) -> Path:
    """A copy in the workspace, with times of its own, under the same name."""
    folder = subject.workspace / f"{name}-weights"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / path.resolve().name
    if not copy.exists() and path.is_dir():
        shutil.copytree(path, copy, copy_function=shutil.copyfile)
    elif not copy.exists():
        shutil.copyfile(path, copy)
    return copy


def _alter(path: Path) -> Path:
    """Alter the byte in the middle of the largest file, a second later, and name the file."""
    largest = max(_files(path), key=lambda file: file.stat().st_size)
    times = largest.stat()
    with largest.open("r+b") as file:
        middle = times.st_size // 2
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 0x55]))
    os.utime(largest, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
    return largest
