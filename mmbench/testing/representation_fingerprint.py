"""Checks: fingerprints name the weights, and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench.api import DataMissing
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mmbench.testing.representations import RepresentationSubject

#: Weights that are larger are not copied to be altered.
LARGEST = 4 << 30
#: Files of a folder that are altered, and bytes that may be hashed for it in all.
_FILES, _HASHED = 20, 8 << 30


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
    except DataMissing as error:
        raise Blocked(f"weights are missing: {error.what}: see it_loads") from error
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
    with blocking("fingerprint()", "fingerprint_is_text"):
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
    with blocking("fingerprint()", "fingerprint_is_text"):
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
    of a file is altered; its length stays as it was. Of a folder, each file that it reads is
    altered in turn, and the largest. Hash all of the content of all of them.
    """
    _ = _fingerprint(subject)
    for option, path in _weights(subject):
        copy = _copied(subject, path, "altered")
        with blocking(f"fingerprint() of a copy of {path}", "fingerprint_is_text"):
            first = subject.new(**{option: str(copy)}).fingerprint()
        for file in _to_alter(copy, path, _read(subject)):
            _check_altered(subject, option, copy, file, first)


def _check_altered(
    subject: RepresentationSubject, option: str, copy: Path, file: Path, first: str
) -> None:
    """Fail where the fingerprint of altered weights is the first still; the file is put back."""
    _alter(file)
    try:
        found = subject.new(**{option: str(copy)}).fingerprint()
    except Exception:  # noqa: BLE001 - it sees that something is wrong: never a wrong hit
        found = None
    _alter(file)
    if found == first:
        fail(
            expected=f"another fingerprint for other weights in {option!r}",
            seen=f"the same, though a byte in the middle of {file.name} is another",
            change="hash the whole content of every file that is read",
        )


@conformance("fingerprint", "representations")
def fingerprint_names_what_is_read(subject: RepresentationSubject) -> None:
    """Where data files are read that no option names, there is a fingerprint.

    Weights beside the module or in a cache are weights: without a fingerprint, vectors of the old
    file are taken for those of the new. Hash the file. What is read while it loads and encodes
    counts, but for code and what installed libraries bring for themselves.
    """
    if _fingerprint(subject):
        return
    report = subject.process
    if report.error:
        raise Blocked(f"a new process ended early: {report.error}: see processes_agree")
    named = [os.path.realpath(path) for _, path in _paths(subject)]
    read = [
        path
        for path in report.read
        if not any(path == each or path.startswith(each + os.sep) for each in named)
    ]
    if read:
        fail(
            expected="a fingerprint, as there are weights",
            seen=f"load() or encode() read {read[0]}, and fingerprint() returned an empty text",
            change="def fingerprint(self): return the hexdigest of what is in the file",
        )


@conformance("fingerprint", "representations")
def environment_has_no_say(subject: RepresentationSubject) -> None:
    """Where variables of the environment are asked for, there is a fingerprint.

    A variable is no option: it stands in no key and no record, so vectors made under one value are
    taken for those of another. Make it an option. A variable that says where the weights lie may
    stay, if the fingerprint is that of the weights. Variables of the system and of well-known
    libraries don't count, and what libraries ask for neither.
    """
    if _fingerprint(subject):
        return
    report = subject.process
    if report.error:
        raise Blocked(f"a new process ended early: {report.error}: see processes_agree")
    if report.asked:
        fail(
            expected="load() and encode() to follow options alone",
            seen=f"they asked for the variable {report.asked[0]!r}, and fingerprint() returned "
            "an empty text",
            change="make it an option: a keyword argument of __init__",
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
        with blocking(f"fingerprint() of a copy of {path}", "fingerprint_is_text"):
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
    with blocking("fingerprint()", "fingerprint_is_text"):
        found: object = subject.new().fingerprint()
    if not isinstance(found, str):
        raise Blocked("it is no text: see fingerprint_is_text")
    return found


def _weights(subject: RepresentationSubject) -> Iterator[tuple[str, Path]]:
    """Options that name files or folders that there are, and where they lead.

    Raises:
        NotRelevant: There are none, or they are too large to be copied.
    """
    found = _paths(subject)
    for option, path in found:
        if sum(file.stat().st_size for file in _files(path)) > LARGEST:
            raise NotRelevant(f"{path} is too large to be copied")
        yield option, path
    if not found:
        raise NotRelevant("no option names a file or folder that is there")


def _paths(subject: RepresentationSubject) -> list[tuple[str, Path]]:
    """Options that name files or folders that there are, and where they lead."""
    named = [
        (option, Path(value).expanduser())
        for option, value in subject.options.items()
        if isinstance(value, str) and (os.sep in value or Path(value).suffix)
    ]
    return [(option, path) for option, path in named if _files(path)]


def _read(subject: RepresentationSubject) -> tuple[str, ...]:
    """What is read in another process; nothing where it can't be told."""
    try:
        return subject.process.read
    except (Blocked, NotRelevant):
        return ()


def _to_alter(copy: Path, path: Path, read: Iterable[str]) -> list[Path]:
    """Files of a copy that are altered: the largest, and those that are read in the original."""
    files = sorted(_files(copy), key=lambda file: -file.stat().st_size)
    if copy.is_file():
        return files
    original = path.resolve()
    known = [each for each in read if Path(each).is_relative_to(original)]
    wanted = {copy / Path(each).relative_to(original) for each in known}
    chosen = [file for number, file in enumerate(files) if not number or file in wanted]
    total = sum(file.stat().st_size for file in files)
    return chosen[: max(min(_FILES, _HASHED // total), 1)]


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


def _alter(path: Path) -> None:
    """Alter the byte in the middle of a file, a second later; once more puts it back."""
    times = path.stat()
    with path.open("r+b") as file:
        middle = times.st_size // 2
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 0x55]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
