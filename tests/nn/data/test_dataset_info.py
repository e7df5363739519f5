"""nn/data/dataset_info.py: Fashion-MNIST by its labels, EMNIST by its file names, others by a description."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnlaw.cli.main import run
from nnlaw.cli.output.train_output import confusion_lines, mistake_lines
from nnlaw.nn.data.dataset_info import DESCRIPTION_FILE, EMNIST, FASHION, FASHION_LABELS
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.layout import FILES, SYNTHETIC_MARKER
from nnlaw.nn.data.load import dataset_name, load, load_folder
from nnlaw.nn.runs.plots import plot_mistakes

Refusal = Callable[[Callable[[], object]], str]


def write(folder: Path, train: list[int], test: list[int], names: str = "{}") -> None:
    """A set of 3×2 images, each pixel of another shade, with these labels; `names` is the format of file names."""
    folder.mkdir(exist_ok=True)
    for (stem, dims), labels in zip(FILES, (train, train, test, test), strict=True):
        name = names.format(stem if names == "{}" else stem.replace("t10k", "test"))
        array = np.array(labels, np.uint8)
        if dims == 3:
            array = np.arange(len(labels) * 6).reshape(-1, 3, 2).astype(np.uint8)
        write_idx(folder / f"{name}-idx{dims}-ubyte", array)


def with_description(folder: Path, text: str) -> Path:
    """The folder, with a dataset.toml in it."""
    (folder / DESCRIPTION_FILE).write_text(text)
    return folder


def test_fashion_is_recognized_by_its_first_labels(tmp_path: Path) -> None:
    """Both parts must start with its labels; its ten classes are named, its images are not transposed."""
    train, test = ([*start, 0, 1] for start in FASHION_LABELS)
    write(tmp_path, train, test)
    data = load_folder(tmp_path)
    assert data.name == dataset_name(tmp_path) == "Fashion-MNIST" and data.classes == FASHION.classes
    assert data.classes[data.train_labels[0]] == "Ankle boot" and data.train_images.shape == (12, 3, 2)
    write(tmp_path, train, test[1:])
    assert load_folder(tmp_path).name == dataset_name(tmp_path) == "MNIST"


def test_each_split_of_emnist_has_its_classes() -> None:
    """The names of the published mapping: digits, capitals, then the small letters with a class of their own."""
    assert {name: len(info.classes) for name, info in EMNIST.items()} == {
        "balanced": 47,
        "byclass": 62,
        "bymerge": 47,
        "digits": 10,
        "letters": 26,
        "mnist": 10,
    }
    for name, label, char in (
        ("byclass", 10, "A"),
        ("byclass", 36, "a"),
        ("byclass", 61, "z"),
        ("balanced", 35, "Z"),
        ("balanced", 36, "a"),
        ("balanced", 38, "d"),
        ("bymerge", 46, "t"),
    ):
        assert EMNIST[name].classes[label] == char


@pytest.mark.parametrize("split", sorted(EMNIST))
def test_emnist_is_transposed_and_counted_from_0(tmp_path: Path, split: str) -> None:
    """Each split is recognized by its file names, rows and columns are exchanged, the first class has index 0."""
    first = 1 if split == "letters" else 0
    last = first + len(EMNIST[split].classes) - 1
    write(tmp_path, [first, last, first], [last], f"emnist-{split}-{{}}")
    data = load_folder(tmp_path)
    assert data.name == dataset_name(tmp_path) == f"EMNIST {split}"
    assert data.train_labels.tolist() == [0, last - first, 0] and data.test_labels.tolist() == [last - first]
    assert np.array_equal(data.train_images[0], np.arange(6).reshape(3, 2).T) and data.train_images.flags.c_contiguous


def test_letters_count_from_1(tmp_path: Path, refusal: Refusal) -> None:
    """Labels 0 and 27 of the letters are refused."""
    write(tmp_path, [1, 0], [1], "emnist-letters-{}")
    assert "label 1 is 0, expected 1 to 26" in refusal(lambda: load_folder(tmp_path))
    write(tmp_path, [1, 27], [1], "emnist-letters-{}")
    assert "label 1 is 27, expected 1 to 26" in refusal(lambda: load_folder(tmp_path))


def test_several_data_sets_in_one_folder_need_a_choice(tmp_path: Path, refusal: Refusal) -> None:
    """If a folder contains several splits, the message shows how to choose one, by the path of any file of it."""
    write(tmp_path, [1, 2], [1], "emnist-letters-{}")
    assert load(tmp_path).name == "EMNIST letters"
    write(tmp_path, [1, 2], [1], "emnist-digits-{}")
    words = refusal(lambda: load(tmp_path))
    assert "several data sets (digits, letters)" in words
    assert load(Path(words.rpartition(" such as ")[2])).name == "EMNIST digits"
    assert load(tmp_path / "emnist-letters-test-labels-idx1-ubyte").name == "EMNIST letters"
    (tmp_path / "emnist-digits-train-labels-idx1-ubyte").unlink()
    words = refusal(lambda: load(tmp_path / "emnist-digits-train-images-idx3-ubyte"))
    assert "emnist-digits-train-labels-idx1-ubyte is missing" in words and "nn fetch" not in words
    assert "does not exist" in refusal(lambda: load(tmp_path / "emnist-digits-train-labels-idx1-ubyte"))
    other = tmp_path / "other"
    write(other, [1], [2])
    write(other, [1], [2], "emnist-digits-{}")
    assert "several data sets (MNIST, digits)" in refusal(lambda: load(other))


def test_a_description_can_describe_any_data(tmp_path: Path) -> None:
    """Two classes counted from 5, transposed images and a name are read from dataset.toml."""
    write(tmp_path, [5, 6], [6])
    with_description(tmp_path, 'name = "Cats"\nclasses = ["cat", "no cat"]\nfirst_label = 5\ntransposed = true\n')
    data = load_folder(tmp_path)
    assert (data.name, data.classes, data.n_classes) == ("Cats", ("cat", "no cat"), 2)
    assert data.train_labels.tolist() == [0, 1] and data.train_images.shape == (2, 2, 3)
    with_description(tmp_path, 'name = "Only a name"')
    assert load_folder(tmp_path).classes == tuple("0123456789") and dataset_name(tmp_path) == "Only a name"
    (tmp_path / SYNTHETIC_MARKER).write_text("")
    assert load_folder(tmp_path).synthetic


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name =", "expected TOML"),
        ("\x00", "expected TOML"),
        ("[" * 5000, "expected TOML"),
        ("class = 1", "unknown key 'class'"),
        ("synthetic = false", "unknown key 'synthetic'"),
        ("name = 1", "name '1'"),
        ('name = ""', "name '', expected text"),
        ('name = "a\\u001b[2J"', "expected text"),
        (f'name = "{"x" * 41}"', "1 to 40 characters"),
        ("classes = 3", "classes = 3, expected a list"),
        ("classes = []", "0 classes"),
        ('classes = ["a"]', "1 classes"),
        ('classes = ["a", "a"]', "with different names"),
        ('classes = ["a", 2]', "name '2'"),
        (f"classes = {[str(i) for i in range(257)]}", "257 classes"),
        ("first_label = -1", "from label -1 on"),
        ("first_label = 247", "from label 247 on"),
        ("first_label = true", "expected a whole number"),
        ("transposed = 1", "expected true or false"),
    ],
)
def test_a_wrong_description_is_refused(tmp_path: Path, refusal: Refusal, text: str, words: str) -> None:
    """Invalid TOML, names and classes are refused with a message that names the file."""
    write(tmp_path, [1, 2], [1])
    sentence = refusal(lambda: load_folder(with_description(tmp_path, text)))
    assert sentence.startswith(f"{tmp_path / DESCRIPTION_FILE}: ") and words in sentence and sentence.isprintable()


def test_an_unreadable_description_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    """A folder in its place, a dangling link and bytes that are not text are refused."""
    write(tmp_path, [1, 2], [1])
    (tmp_path / DESCRIPTION_FILE).mkdir()
    assert "not a file" in refusal(lambda: load_folder(tmp_path))
    (tmp_path / DESCRIPTION_FILE).rmdir()
    (tmp_path / DESCRIPTION_FILE).symlink_to("nowhere")
    assert "not a file" in refusal(lambda: load_folder(tmp_path))
    (tmp_path / DESCRIPTION_FILE).unlink()
    (tmp_path / DESCRIPTION_FILE).write_bytes(b"\xff")
    assert "expected TOML" in refusal(lambda: load_folder(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_class_names_are_shown_and_recorded(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Output, matrix, summary, record and prediction name twelve classes; the last layer has twelve units."""
    names = [*FASHION.classes, "Hat", "Sock"]
    for path in tiny_folder.iterdir():
        (workplace / path.name).symlink_to(path)
    with_description(workplace, f'name = "Twelve"\nclasses = {json.dumps(names)}')
    assert run(["train", ".", "--epochs", "1", "--batch-size", "100", "--run", "r"]) == 0
    out = capsys.readouterr().out
    assert "Loading Twelve dataset..." in out and "→ 64 → 12\n" in out and "Hat: 0, Sock: 0" in out
    assert " Ankle boot 9 " in out and " read as " in out
    summary = json.loads((workplace / "r/summary.json").read_text())
    record = json.loads((workplace / "r/record.json").read_text())
    assert summary["classes"] == record["classes"] == names and summary["data"] == record["data"] == "Twelve"
    assert "dense:12" in (workplace / "r/config.toml").read_text()
    digit = Image.new("L", (28, 28))
    digit.paste(255, (12, 4, 16, 24))
    digit.save("digit.png")
    assert run(["predict", "digit.png", "--run", "r", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["prediction"] in names
    assert run(["predict", "digit.png", "--run", "r"]) == 0
    assert "\n  T-shirt/top " in capsys.readouterr().out
    assert run(["train", "--resume", "r", "--epochs", "2"]) == 0


def test_layers_with_another_number_of_outputs_are_refused(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Chosen layers are not changed to fit the number of classes."""
    for path in tiny_folder.iterdir():
        (workplace / path.name).symlink_to(path)
    with_description(workplace, f"classes = {[str(i) for i in range(12)]}")
    assert run(["train", ".", "--layers", "dense:10"]) == 2
    assert "10 outputs, but the data has 12 classes" in capsys.readouterr().err


def test_a_matrix_numbers_columns_with_long_names() -> None:
    """Columns are as wide as their content."""
    assert confusion_lines([[1234, 0], [7, 70]], ["A", "B"])[1:] == [
        "       A     B   right",
        " A 1,234     0  100.0%",
        " B     7    70   90.9%",
    ]
    assert confusion_lines([[1, 0], [0, 0]], ["Ankle boot", "Bag"])[1:] == [
        "              0 1   right",
        " Ankle boot 0 1 0  100.0%",
        "        Bag 1 0 0    0.0%",
    ]


@pytest.mark.parametrize("classes", [("0", "1"), ("Ankle boot", "Something that is far too long for it")])
def test_mistakes_are_captioned_by_their_classes(tmp_path: Path, classes: tuple[str, ...]) -> None:
    """Captions are below their images, on one line if they fit, else on two."""
    from PIL import Image

    images, truth = np.zeros((9, 28, 28), np.uint8), np.array([0, 1] * 4 + [0])
    plot_mistakes(images, truth, 1 - truth, classes, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.height == 2 * (84 + 16 * (1 if classes[0] == "0" else 2))
    lines = mistake_lines(images, truth, 1 - truth, classes)
    assert len({len(line) for line in lines[1:]}) == 1 and lines[-1].count(f"{classes[0]} read as {classes[1]}") == 3
