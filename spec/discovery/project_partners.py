"""What the other files of a project have to do with a unit: losses, and errors that backward gets.

    passed_error(module)        "train.py:66", for `network.backward(y_pred - y)`; "" if there is none
    losses_of_project(module)   the losses that the files beside it define

Only files of its folder and of the one above are read, and only those with a loss are loaded.
"""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import re
from pathlib import Path
from types import ModuleType

from nnlaw.spec.discovery.adapted_network import ROLES
from nnlaw.spec.discovery.adapters.losses import LOSS_WORDS, PREDICTIONS, adapt, is_target
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_methods import BACKWARD
from nnlaw.spec.discovery.load import load
from nnlaw.spec.discovery.nothing import BACKWARD_WORD
from nnlaw.spec.discovery.project_files import files_beside, imports, text_of
from nnlaw.spec.discovery.scope import scope_of
from nnlaw.spec.syntax import parse

MAX_LOADED = 4
DEFINES_LOSS = re.compile(rf"^\s*(class|def)\s+\w*({LOSS_WORDS.pattern})", re.M | re.I)


def losses_of_project(module: ModuleType) -> list[Found]:
    """The losses in files that import a module, and in files that are imported together with it; else in its folder."""
    path, texts = Path(getattr(module, "__file__", None) or ""), files_beside(module)
    users = [text for text in texts.values() if imports(text, path.stem)]
    files = (
        file for file, text in texts.items() if DEFINES_LOSS.search(text) and (
            imports(text, path.stem) or any(imports(user, file.stem) for user in users)
            or (not users and file.parent == path.parent)
        )
    )  # fmt: skip
    found: list[Found] = []
    for file in itertools.islice(files, MAX_LOADED):
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            loaded = load(file)
            names = [name for name in loaded.names if name not in loaded.unavailable]
            found += [unit for unit in adapt(scope_of(loaded.module, names)) if unit is not None and unit.readings]
    return found


def passed_error(module: ModuleType) -> str:
    """File and line where backward gets the difference of prediction and target, as a gradient at the logits.

    The file of the module itself comes first, then those that import it, directly or through one other file.
    """
    path = Path(getattr(module, "__file__", None) or "")
    if not path.is_file():
        return ""
    texts = files_beside(module)
    users = [file for file, text in texts.items() if imports(text, path.stem)]
    further = [file for file, text in texts.items() if any(imports(text, user.stem) for user in users)]
    for file in dict.fromkeys([path, *users, *further]):
        with contextlib.suppress(SyntaxError, ValueError):
            line = _line_of_error(parse(texts[file] if file in texts else text_of(file)))
            if line:
                return f"{file.name}:{line}"
    return ""


def _line_of_error(tree: ast.Module) -> int:
    """The line of a call of backward that gets prediction − target, or a name that was assigned to it; else 0."""
    owners = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)] + [tree]
    for owner in owners:
        nodes = list(ast.walk(owner))
        names = {
            target.id for node in nodes if isinstance(node, ast.Assign) and _is_error(node.value)
            for target in node.targets if isinstance(target, ast.Name)
        }  # fmt: skip
        for node in nodes:
            if isinstance(node, ast.Call) and _is_backward(node.func) and any(
                _is_error(value) or (isinstance(value, ast.Name) and value.id in names) for value in node.args
            ):  # fmt: skip
                return node.lineno
    return 0


def _is_backward(function: ast.expr) -> bool:
    name = _name(function)
    return name in BACKWARD or bool(BACKWARD_WORD.search(name))


def _is_error(value: ast.expr) -> bool:
    """Whether an expression is prediction − target, by their names."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub):
        return False
    prediction, target = _name(value.left), _name(value.right)
    named = is_target(target) or ROLES["t"].match(target)
    return bool(PREDICTIONS.match(prediction) and named) and not is_target(prediction)


def _name(node: ast.expr) -> str:
    """The last name of an expression: `y_pred` of `self.y_pred[i].T`."""
    while isinstance(node, ast.Subscript) or (isinstance(node, ast.Attribute) and node.attr == "T"):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
