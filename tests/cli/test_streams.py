"""Standard input and output in the place of files."""

from agerestore_cli.app import app
from command import NOISE
from typer.testing import CliRunner

from agerestore.images import io


def test_a_picture_goes_from_standard_input_to_standard_output(folder, tmp_path):
    original = (folder / "a.png").read_bytes()
    result = CliRunner().invoke(app, ["degrade", "-", "-", *NOISE], input=original)
    assert result.exit_code == 0, result.output
    (tmp_path / "piped.png").write_bytes(result.stdout_bytes)
    assert io.read(tmp_path / "piped.png").pixels.shape == (32, 32, 1)
    assert result.stdout_bytes != original
    assert "1 of 1 files written" in result.stderr
    assert "no place for its mask" not in result.stderr
    holes = CliRunner().invoke(app, ["degrade", "-", "-", "--degradation", "holes"], input=original)
    assert (holes.exit_code, "-: standard output has no place for its mask" in holes.stderr) == (0, True)
    nothing = CliRunner().invoke(app, ["degrade", "-", str(tmp_path / "b.png"), *NOISE], input=b"no picture")
    assert nothing.exit_code == 3
    assert "-: no PNG" in nothing.stderr


def test_standard_input_is_given_alone(folder, tmp_path):
    result = CliRunner().invoke(app, ["degrade", "-", str(folder / "a.png"), str(tmp_path), *NOISE], input=b"")
    assert (result.exit_code, "standard input is one image; give it alone" in result.stderr) == (2, True)
