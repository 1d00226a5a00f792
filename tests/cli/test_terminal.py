"""Standard streams of any encoding, closed, full or no longer read, and SIGTERM."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from agerestore_cli.app import main
from command import EXAMPLES, NOISE, TINY

from agerestore.training.resume import load_state

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
CANNOT = "agerestore: standard output: cannot be written (No space left on device); send it to another place\n"


@pytest.fixture
def run_on(monkeypatch, tmp_path):
    """Run the command on standard streams that are files, or None where they are closed: exit code, output, errors."""

    def run(*arguments, encoding="utf-8", **files):
        paths = {"stdout": tmp_path / "stdout", "stderr": tmp_path / "stderr"} | files
        for name, path in paths.items():
            stream = path and Path(path).open("w", encoding=encoding)  # noqa: SIM115 - closed below
            monkeypatch.setattr(sys, name, stream)
        monkeypatch.setattr(sys, "stdin", None)
        monkeypatch.setattr(sys, "argv", ["agerestore", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            stream.close()
        read = [path.read_bytes() if path and Path(path).is_file() else b"" for path in paths.values()]
        return end.value.code, *read

    return run


@FULL
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    "verb", [["--help"], ["--version"], ["presets", "--json"], ["restore", "--help"], ["models", "list"]], ids=" ".join
)
def test_a_full_device_is_one_line(verb, encoding, run_on):
    code, _, errors = run_on(*verb, stdout="/dev/full", encoding=encoding)
    assert (code, errors.decode()) == (1, CANNOT)


@FULL
@pytest.mark.parametrize("stdout", ["/dev/full", None])
def test_an_image_that_standard_output_cannot_take_has_failed(stdout, run_on, folder):
    code, _, errors = run_on("degrade", folder / "a.png", "-", *NOISE, stdout=stdout)
    assert code == 1
    assert b"a.png: standard output cannot be written" in errors
    assert errors.count(b"\n") == 1


@FULL
@pytest.mark.parametrize("closed", [{"stderr": "/dev/full"}, {"stderr": None}, {"stdout": None, "stderr": None}])
def test_work_goes_on_where_messages_have_no_place(closed, run_on, folder, tmp_path):
    code, output, _ = run_on("degrade", folder / "a.png", tmp_path / "b.png", "-v", *NOISE, **closed)
    assert (code, output) == (0, b"")
    assert (tmp_path / "b.png").is_file()
    assert run_on("nosuch", **closed)[0] == 2


def test_help_that_is_read_in_part_is_no_error(tmp_path):
    line = f"{sys.executable} -m agerestore_cli restore --help | head -1 > /dev/null; exit ${{PIPESTATUS[0]}}"
    assert subprocess.run(["bash", "-c", line], stderr=subprocess.PIPE).returncode == 141


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "koi8-r"])
def test_any_name_can_be_printed_in_any_encoding(encoding, folder, tmp_path, run_on):
    name = "\u00e9t\u00e9 \u732b \u0436 \U0001f600.png"
    (folder / "a.png").rename(folder / name)
    escaped = name.encode(encoding, "backslashreplace")
    code, planned, _ = run_on("degrade", folder, tmp_path / "out", "--dry-run", *NOISE, encoding=encoding)
    assert (code, escaped in planned) == (0, True)
    code, _, said = run_on("degrade", folder, tmp_path / "out", "-v", *NOISE, encoding=encoding)
    assert (code, escaped in said, b"Traceback" in said) == (0, True, False)
    assert (tmp_path / "out" / name).is_file()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_help_is_printed_in_any_encoding(encoding, run_on):
    code, output, errors = run_on("train", "--help", encoding=encoding)
    assert (code, b"--out" in output, errors) == (0, True, b"")


def test_a_closed_stream_does_not_give_its_number_to_another_file():
    """Or what a library prints ends up in that file."""
    code = ("import os; from agerestore_cli import _terminal; _terminal.prepare(); "
            "print(os.open(os.devnull, os.O_RDONLY), file=open('/dev/fd/3', 'w'))")  # fmt: skip
    line = f'{sys.executable} -c "{code}" 3>&1 <&- >&- 2>&-'
    result = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert int(result.stdout) > 3


def test_sigterm_saves_a_training_run_however_often_it_comes(tmp_path):
    settings = [*TINY, "--set", "steps=4000", "--set", "log_every=1", "--threads", "1"]
    command = ["train", str(EXAMPLES / "clean"), "--out", str(tmp_path / "run"), "--preset", "age-mnist", *settings]
    process = subprocess.Popen([sys.executable, "-m", "agerestore_cli", *command], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "log.jsonl").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr.count("ending the iteration and saving the state") == 1
    assert load_state(tmp_path / "run")[1]["step"] >= 1
