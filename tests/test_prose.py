"""What a person reads in ComfyUI: each input and output is explained, in words that need no second look."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).absolute().parents[1]
HELP = sorted((ROOT / "web" / "docs").glob("*.md"))
SOURCES = sorted(path for folder in ("nodes", "surrogate", "demo") for path in (ROOT / folder).rglob("*.py"))
# Riddles that were in these texts, and what to write instead.
RIDDLES = {
    r"\b(is|are|was|were) none\b(?! of)": "say what is missing, or what it is instead",
    r"\bfor what is none\b": "say what it is not",
    r"\b[Aa]nother \w+, (an)?other\b": "say what changes with the number",
    r"\b[Oo]f (several|a batch|a clip|many)( \w+)?, the\b": "say which one is used: of several points the first is used",
    r"\bbeside\b": "next to, in addition to, compared with",
    r"\bstands?\b(?! for)": "is",
    r"\b(goes|go|going|went) on\b": "continues",
    r"\bas far as\b": "the distance of, if",
    r"\blies?\b(?! in the cube| in \[| apart)": "is",
    r"\bon the way\b": "at each step",
    r"\ba (line|point|row), (a|one) (line|point|row)\b": "for each",
}


def explanations(node: dict) -> dict[str, str]:
    """What of the node is explained -> its text."""
    texts = {"description": node["description"]}
    for inputs in (node["input"].get("required", {}), node["input"].get("optional", {})):
        texts |= {
            f"input {name}": (more[0] if more else {}).get("tooltip") or "" for name, (_, *more) in inputs.items()
        }
    outputs = zip(node["output_name"], node["output_tooltips"], strict=True)
    return texts | {f"output {name}": text or "" for name, text in outputs}


def messages(source: str) -> dict[int, str]:
    """The texts in a source file that are no docstrings: line -> text, pieces of an f-string joined."""
    found: dict[int, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = None  # a docstring
        elif isinstance(node, ast.JoinedStr):
            pieces = [p.value if isinstance(p, ast.Constant) else "…" for p in node.values]
            found[node.lineno] = "".join(pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.setdefault(node.lineno, node.value)
    return {line: text for line, text in found.items() if len(text.split()) > 2}


def riddles(text: str) -> list[str]:
    """Each riddle of `text` in its sentence, with the advice."""
    return [
        f"…{text[max(0, found.start() - 40) : found.end() + 40]}… ({advice})"
        for pattern, advice in RIDDLES.items()
        for found in re.finditer(pattern, text)
    ]


def test_every_input_and_output_is_explained(schemas):
    short = [f"{n}, {what}: {text!r}" for n, node in schemas.items() for what, text in explanations(node).items()
             if len(text.split()) < 3 or not text.rstrip().endswith((".", "…", "?"))]  # fmt: skip
    assert not short, "at least three words, and a full stop at the end"


def test_schemas_hold_no_riddles(schemas):
    found = {f"{n}, {what}": riddles(text) for n, node in schemas.items() for what, text in explanations(node).items()}
    assert not {place: all_of_it for place, all_of_it in found.items() if all_of_it}


@pytest.mark.parametrize("page", HELP, ids=lambda path: path.stem)
def test_help_holds_no_riddles(page):
    assert not riddles(page.read_text("utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_messages_hold_no_riddles(path):
    found = {line: riddles(text) for line, text in messages(path.read_text("utf-8")).items()}
    assert not {line: all_of_it for line, all_of_it in found.items() if all_of_it}


@pytest.mark.parametrize("page", HELP, ids=lambda path: path.stem)
def test_a_help_page_has_its_parts(page):
    """What it does, inputs and outputs, what to connect, an example, what is refused."""
    headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    wanted = ["Inputs", "Outputs", "What to connect", "Example", "What is refused"]
    assert [heading for heading in headings if heading in wanted] == wanted


def test_riddles_are_found():
    assert riddles("Its list of seeds is none. Another number, another course. Of several scores, the first.")
    assert len(riddles("What lies beside it goes on as far as it stands.")) == 5
    assert messages('"""No."""\nraise ValueError(f"{x} is none, {y}.")') == {2: "… is none, …."}
