"""``mmbench``: the top of the command line. Imports only what ``--help`` needs."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from mmbench import __version__
from mmbench.api.errors import MmbenchError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from mmbench.registry import Entry, Registry

__all__ = ["cli", "load_command", "main", "registry"]

#: Command name to where it is and its line in ``--help``, so that help imports no command.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("mmbench.cli.run:run", "Run a suite, or some tasks on some representations."),
    "list": (
        "mmbench.cli.listing:list_",
        "List representations, tasks, datasets, suites, plugins.",
    ),
    "show": ("mmbench.cli.show:show", "Show one representation, task, dataset or suite."),
    "leaderboard": ("mmbench.cli.leaderboard:leaderboard", "Build leaderboards from records."),
    "score": ("mmbench.cli.score:score", "Score again from the store, without the model."),
    "data": ("mmbench.cli.data:data", "Look at datasets: status, check, sample, build."),
    "cache": ("mmbench.cli.cache:cache", "Look after the store: size, verify, prune."),
    "plugin": ("mmbench.cli.plugin:plugin", "Start and check plugins: new, check."),
    "doctor": (
        "mmbench.cli.doctor:doctor",
        "Say what is installed, what is broken, how to mend it.",
    ),
}

EXAMPLES = """\b
Examples:
  mmbench run quickstart
  mmbench run -r cca-image-text -t numbers-retrieval-image-text
  mmbench list tasks
  mmbench doctor

Exit codes: 0 all well, 1 a cell failed, 2 misuse, 130 interrupted.
"""


class _ReaderGone(Exception):  # noqa: N818 - no error
    """Whoever read our output has gone."""


@contextlib.contextmanager
def _reader_may_go() -> Iterator[None]:
    """Tell a broken pipe apart, before click or rich make it an exit code like any other."""
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGone from error
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            raise _ReaderGone from end
        raise


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, plugins' commands included."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """As click does; here ``--help`` and ``--version`` are printed."""
        with _reader_may_go():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does."""
        with _reader_may_go():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our own commands first, then the plugins'."""
        return [*COMMANDS, *(name for name in _plugin_commands() if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        entry = _plugin_commands().get(cmd_name)
        return None if entry is None else load_command(entry.spec.path, entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest names for an unknown one."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            from mmbench.options import nearest

            known = self.list_commands(ctx)
            raise click.UsageError(
                f"no command {name!r}; {nearest(name, known, 'commands are')}", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands without importing them."""
        rows = [(name, summary) for name, (_, summary) in COMMANDS.items()]
        rows += [
            (name, f"{entry.spec.summary} ({entry.plugin.distribution})".strip())
            for name, entry in _plugin_commands().items()
            if name not in COMMANDS
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def load_command(path: str, entry: Entry[Any]) -> click.Command:
    """Import a plugin's command.

    Raises:
        PluginError: It can't be imported, or is none.
    """
    from mmbench.registry import load_object

    loaded = load_object(path, entry)
    if not isinstance(loaded, click.Command):
        raise PluginError(
            f"{path} is no click command",
            where=entry.plugin.place,
            fix="decorate the function with @click.command()",
        )
    return loaded


def _plugin_commands() -> dict[str, Any]:
    return registry().commands


def registry() -> Registry:
    """The loaded plugins, once an invocation."""
    context = click.get_current_context(silent=True)
    store: dict[str, Any] = context.find_root().meta if context is not None else {}
    if "mmbench.registry" not in store:
        from mmbench.registry import load_registry

        store["mmbench.registry"] = load_registry()
    loaded: Registry = store["mmbench.registry"]
    return loaded


@click.group(
    cls=LazyGroup, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="mmbench")
def cli() -> None:
    """Benchmark multimodal representations: embed once, score everywhere, believe the numbers."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(run_cli(arguments))


def run_cli(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, and says what went wrong in one message."""
    _replace_what_cannot_be_shown()
    before = signal.getsignal(signal.SIGINT)
    interrupted = _watch_interrupts()
    try:
        colour = False if os.environ.get("NO_COLOR") else None  # rich looks by itself
        result = cli.main(args=arguments, prog_name="mmbench", standalone_mode=False, color=colour)
        if sys.stdout is not None:  # None where the shell has closed it
            sys.stdout.flush()
    except (_ReaderGone, BrokenPipeError):  # `mmbench list | head`
        _silence_output()
        return 128 + 13  # as programs end by SIGPIPE, which Windows has no name for
    except click.exceptions.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return 130
    except Exception as error:  # noqa: BLE001 - nobody's terminal wants our traceback
        if interrupted:
            click.echo("Interrupted.", err=True)
            return 130
        return _say_error(error)
    finally:
        with contextlib.suppress(ValueError, TypeError):  # not the main thread, or not Python's
            signal.signal(signal.SIGINT, before)
    return result if isinstance(result, int) else 0


def _replace_what_cannot_be_shown() -> None:
    """A terminal that is not UTF-8 gets a question mark for an arrow, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _silence_output() -> None:
    """Nothing more is written to standard output, at Python's exit neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _watch_interrupts() -> list[int]:
    """A list that is no longer empty once SIGINT has come.

    A compiled module that is interrupted while it is imported (pandas is one) swallows the
    KeyboardInterrupt and raises an error of its own: that is no bug to report.
    """
    seen: list[int] = []
    previous = signal.getsignal(signal.SIGINT)
    if previous is not signal.default_int_handler:  # ignored, or somebody else's to handle
        return seen

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        signal.default_int_handler(number, frame)

    with contextlib.suppress(ValueError):  # only the main thread may
        signal.signal(signal.SIGINT, note)
    return seen


def _say_error(error: Exception) -> int:
    """One message, and the exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, MmbenchError):
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    if isinstance(error, OSError) and _is_about_output(error):
        _silence_output()
        click.echo(f"Error: can't write the output: {error.strerror or error}", err=True)
        return 1
    click.echo(_unexpected(error), err=True)
    return 1


def _is_about_output(error: OSError) -> bool:
    """Whether it was raised by printing: no file is named, and whoever prints stands last."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return error.filename is None and (place == __name__ or place.startswith(("click.", "rich.")))


def _unexpected(error: Exception) -> str:
    """One message for an error that nobody foresaw; its traceback goes to a file."""
    import tempfile
    import traceback

    if isinstance(error, OSError) and error.filename is not None:
        what = f"Error: {error.filename}: {error.strerror or error}"
    else:
        said = " ".join(str(error).split())
        what = f"Error: this is a bug: {type(error).__name__}{f': {said}' if said else ''}"
    lines = [f"mmbench {__version__}, Python {sys.version}", f"arguments: {sys.argv[1:]}"]
    text = "\n".join([*lines, "", *traceback.format_exception(error)])
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="mmbench-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        return f"{what}\n{text}"  # no room even for that: then on the screen
    return (
        f"{what}\n  The traceback is in {file.name}. If a plugin is at fault, `mmbench doctor` "
        "may say more; if not, please report it with that file."
    )
