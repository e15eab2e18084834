"""How Gradio is imported: in a process of its own, for this one has it already."""

from __future__ import annotations

import subprocess
import sys

IMPORT = """
import ast, inspect, sys
parsed = []
parse = ast.parse
ast.parse = lambda *given, **named: parsed.append(1) or parse(*given, **named)
from app.gradio_import import quick_gradio_import
with quick_gradio_import():
    import gradio
print(len(parsed), "mcp" in sys.modules, inspect.getfile(gradio.Chatbot)[-10:])
"""


def test_what_a_server_has_no_use_for_is_left_out_and_python_is_as_before() -> None:
    asked = [sys.executable, "-c", IMPORT]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True).stdout

    parsed, has_mcp, file = said.split()
    assert int(parsed) < 10  # two for each of its components otherwise, more than a hundred
    assert (has_mcp, file) == ("False", "chatbot.py")
