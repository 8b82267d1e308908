"""The installed command in a folder of its own, for tests that run it as a user does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CommandLine", "measured_records"]


@dataclass(frozen=True)
class CommandLine:
    """Starts the ``mmbench`` that is installed beside this Python, and looks at how it ended.

    Attributes:
        home: The folder that it starts in: results go there, and the cache.
        plugins: The only plugins that it loads besides the built-in one, by name.
        timeout: Seconds that one start may take.

    Example:
        A fixture, and a test::

            @pytest.fixture(scope="module")
            def mmbench(tmp_path_factory):
                return CommandLine(tmp_path_factory.mktemp("home"), plugins=("my-plugin",))

            def test_a_folder_that_is_not_there_is_misuse(mmbench):
                said = mmbench("run", "my-suite", "--data-root", "nowhere", code=2)
                assert "nowhere" in said.stderr
    """

    home: Path
    plugins: tuple[str, ...]
    timeout: float = 280

    def __call__(self, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Start it, and wait.

        Args:
            *arguments: After the command's name; each becomes a string.
            code: The exit code that it should end with.

        Returns:
            What it wrote, as text.

        Raises:
            AssertionError: It ended with another code, or with a traceback on the screen.
            subprocess.TimeoutExpired: It took too long, and was killed.
        """
        script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
        if script is None:
            raise AssertionError(f"mmbench is not installed beside {sys.executable}")
        done = subprocess.run(  # noqa: S603 - our own command
            [script, *map(str, arguments)],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.timeout,
        )
        written = done.stdout + done.stderr
        if done.returncode != code or "Traceback" in written:
            shown = " ".join(map(str, arguments))
            raise AssertionError(
                f"`mmbench {shown}` ended with {done.returncode}, not {code}:\n{written}"
            )
        return done

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it starts with."""
        return {
            **os.environ,
            "MMBENCH_LOAD_PLUGINS": ",".join(self.plugins),
            "MMBENCH_CACHE": str(self.home / "cache"),
            "OMP_NUM_THREADS": "1",
        }


def measured_records(results: Path) -> list[dict[str, Any]]:
    """The records below a results folder that were measured, not published, by file name."""
    paths = sorted(results.glob("*/records/*.json"))
    found = [json.loads(path.read_text("utf-8")) for path in paths]
    return [each for each in found if each["source"] == "measured"]
