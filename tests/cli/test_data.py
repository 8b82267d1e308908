from __future__ import annotations

import json

import pytest

SOUNDS = '''
    """A tiny dataset with a layout on disk: one text file an item."""

    from __future__ import annotations

    from mmbench.api import (
        DataError, DataMissing, Dataset, DatasetInfo, DatasetSpec, DataStatus, ItemError,
        hookimpl,
    )

    @hookimpl
    def mmbench_datasets():
        return [
            DatasetSpec(
                "sounds", "sounds_plugin:Sounds", "Sounds, one file each",
                builder="sounds_builder:build",
            ),
            DatasetSpec("silent", "sounds_plugin:Silent", "Writes no samples"),
        ]

    class Lines:
        """The collection that the files make."""

        def __init__(self, files):
            self.files = files
            self.ids = [file.stem for file in files]
            self.streams = {"text": None}

        def __len__(self):
            return len(self.files)

        def content_keys(self, stream):
            return [file.name for file in self.files]

        def load(self, row, stream):
            text = self.files[row].read_text()
            if not text:
                raise ItemError("the file is empty", where=str(self.files[row]))
            if text == "packed":
                raise ItemError("the archive is cut off", where="packed.bin")
            return text

    class Sounds(Dataset):
        info = DatasetInfo("sounds", "1", url="https://example.org/sounds")

        def remarks(self, source):
            return ("of 3 sounds the silence was cut off",)

        def files(self, source):
            return sorted(source.root.glob("*.txt"))

        def collections(self, source):
            if not self.files(source):
                raise DataMissing("no sounds", where=str(source.root), fix="get them")
            return {"all": Lines(self.files(source))}

        def status(self, source):
            files = self.files(source)
            if files:
                return DataStatus(True, found=(f"{len(files)} sounds",))
            return DataStatus(
                False, missing=(str(source.root / "*.txt"),),
                advice="get them from https://example.org/sounds",
            )

        def write_sample(self, root, *, items, seed):
            root.mkdir(parents=True, exist_ok=True)
            for number in range(items):
                (root / f"{seed}-{number}.txt").write_text("a sound")

    class Silent(Sounds):
        info = DatasetInfo("silent", "1")
        write_sample = Dataset.write_sample
'''


def test_bundled_numbers_are_there(call):
    said = call("data", "status")
    assert (said.code, said.err) == (0, "")
    assert "numbers: present" in said.out
    facts = json.loads(call("data", "status", "numbers", "--json").out)
    assert facts["numbers"]["present"] is True


def test_every_number_decodes(call):
    said = call("data", "check", "numbers")
    assert (said.code, said.out) == (0, "numbers: all items decode\n")


@pytest.mark.parametrize("words", [("status",), ("check",), ("sample", "--root", "r")])
def test_an_unknown_dataset_is_misuse_and_names_the_nearest(call, words):
    said = call("data", words[0], "numbrs", *words[1:])
    assert (said.code, said.out) == (2, "")
    assert "there is no dataset called 'numbrs'" in said.err
    assert "did you mean numbers?" in said.err


def test_bundled_numbers_write_no_sample(call, tmp_path):
    said = call("data", "sample", "numbers", "--root", tmp_path / "s")
    assert said.code == 2
    assert said.err.startswith("Error: numbers: ")
    assert "mmbench run quickstart" in said.err
    assert not (tmp_path / "s").exists()


def test_what_is_missing_where_and_where_to_get_it(start, site, tmp_path):
    plugins = site("sounds-plugin", SOUNDS)
    said = start("data", "status", "--data-root", tmp_path / "d", plugins=plugins)
    assert said.code == 0
    assert "numbers: present" in said.out
    assert "sounds: missing" in said.out
    assert f"not found: {tmp_path / 'd' / 'sounds' / '*.txt'}" in said.out
    assert "get them from https://example.org/sounds" in said.out
    said = start("data", "status", "sounds", "--json", "--root", tmp_path, plugins=plugins)
    assert said.code == 1
    assert json.loads(said.out)["sounds"]["present"] is False


def test_sample_then_status_then_check(start, site, tmp_path):
    plugins = site("sounds-plugin", SOUNDS)
    root = ("--data-root", tmp_path / "d")
    sample = ("data", "sample", "sounds", *root, "--items", "5", "--seed", "7")
    said = start(*sample, plugins=plugins)
    assert (said.code, said.out) == (0, f"wrote 5 generated items to {tmp_path / 'd' / 'sounds'}\n")
    assert "found 5 sounds" in start("data", "status", "sounds", *root, plugins=plugins).out
    assert start("data", "check", "sounds", *root, plugins=plugins).code == 0
    (tmp_path / "d" / "sounds" / "7-3.txt").write_text("")
    said = start("data", "check", "sounds", *root, plugins=plugins)
    assert said.code == 1
    assert "all[7-3] text: " in said.out
    assert "the file is empty" in said.out
    assert said.out.endswith("sounds: 1 broken item\nsounds: of 3 sounds the silence was cut off\n")
    said = start("data", "check", "sounds", "--json", *root, plugins=plugins)
    assert [item["item"] for item in json.loads(said.out)] == ["7-3"]
    assert "the silence was cut off" in said.err
    for number in range(3):
        (tmp_path / "d" / "sounds" / f"7-{number}.txt").write_text("packed")
    said = start("data", "check", "sounds", *root, plugins=plugins)
    assert (
        said.out.splitlines()[0] == "all[7-0] and 2 more text: packed.bin: the archive is cut off"
    )
    assert "\nsounds: 4 broken items\n" in said.out
    said = start(*sample, plugins=plugins)
    assert said.code == 2
    assert f"{tmp_path / 'd' / 'sounds'}: is not empty" in said.err
    assert "choose another --root" in said.err


def test_check_of_what_is_missing_is_one_message(start, site, tmp_path):
    plugins = site("sounds-plugin", SOUNDS)
    said = start("data", "check", "sounds", "--data-root", tmp_path, plugins=plugins)
    assert (said.code, said.out) == (1, "")
    assert said.err == f"Error: {tmp_path / 'sounds'}: no sounds\n  get them\n"


def test_a_plugin_that_writes_no_samples_says_so(start, site, tmp_path):
    plugins = site("sounds-plugin", SOUNDS)
    said = start("data", "sample", "silent", "--root", tmp_path / "s", plugins=plugins)
    assert said.code == 2
    assert "dataset silent: its plugin writes no samples" in said.err


def test_data_root_from_the_environment(start, site, tmp_path):
    plugins = site("sounds-plugin", SOUNDS)
    (tmp_path / "mine" / "sounds").mkdir(parents=True)
    (tmp_path / "mine" / "sounds" / "a.txt").write_text("moo")
    said = start("data", "status", "sounds", plugins=plugins, MMBENCH_DATA=str(tmp_path / "mine"))
    assert said.code == 0
    assert "found 1 sounds" in said.out


BUILDER = """
import click

print("imported")

@click.command()
@click.option("--from", "source", required=True, help="Folder with the recordings.")
def build(source):
    '''Cut recordings into sounds.'''
    click.echo(f"cut {source}")
"""


def test_a_dataset_is_built_by_its_plugins_command(start, site):
    plugins = site("sounds-plugin", SOUNDS)
    (plugins / "sounds_builder.py").write_text(BUILDER)
    said = start("data", "build", "sounds", "--from", "tape", plugins=plugins)
    assert (said.code, said.out) == (0, "cut tape\n")
    assert (
        "Cut recordings into sounds."
        in start("data", "build", "sounds", "--help", plugins=plugins).out
    )
    assert start("data", "build", "sounds", plugins=plugins).code == 2


def test_what_can_be_built_is_listed_without_importing_it(start, site):
    plugins = site("sounds-plugin", SOUNDS)
    (plugins / "sounds_builder.py").write_text(BUILDER)
    said = start("data", "build", "--help", plugins=plugins)
    assert said.code == 0
    assert "Sounds, one file each (sounds-plugin)" in said.out
    assert "silent" not in said.out
    assert "imported" not in said.out + said.err


def test_where_nothing_can_be_built(call):
    said = call("data", "build", "--help")
    assert said.code == 0
    assert "no installed plugin builds one" in said.out


def test_what_is_not_built_is_misuse(start, site):
    plugins = site("sounds-plugin", SOUNDS)
    said = start("data", "build", "silent", plugins=plugins)
    assert (said.code, said.out) == (2, "")
    assert "dataset silent: is not built by its plugin" in said.err
    assert "`mmbench data status silent` says where to get it" in said.err
    said = start("data", "build", "sound", plugins=plugins)
    assert said.code == 2
    assert "no dataset 'sound' can be built; did you mean sounds?" in said.err


def test_a_builder_that_is_missing_names_its_plugin(start, site):
    plugins = site("sounds-plugin", SOUNDS)
    said = start("data", "build", "sounds", plugins=plugins)
    assert said.code == 1
    assert "can't import sounds_builder:build" in said.err
    assert any(
        "sounds_builder" in found["what"] and found["where"].endswith("datasets sounds")
        for found in json.loads(start("doctor", "--json", plugins=plugins).out)["problems"]
    )
