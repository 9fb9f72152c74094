"""Every notebook runs from top to bottom on the demo, and none is kept with outputs in it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
@pytest.mark.filterwarnings("ignore")  # of the kernel's own process and event loop
def test_a_notebook_runs_on_the_demo(file: Path, demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAKSA_HOME", str(demo_home))
    notebook = nbformat.read(file, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "clear the outputs before keeping a notebook"
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert any("auc" in str(out.get("data", out.get("text", ""))) for out in shown)
    assert not [out for out in shown if out.output_type == "error"]
