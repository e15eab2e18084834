"""Encoder, token table and reader: what they give, and what they share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import Encoder, ModelMissing, Models, SpanReader
from index.pieces import _HuggingFacePieces, _SentencePieces, open_pieces
from tests.serving import REPOSITORY

TEXTS = ["Water is wet.", "Проект охватил 92 000 гектаров.", "Қазақстан бағдарламасы", ""]


@pytest.fixture(scope="session")
def reader_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader that scores each token by the first two numbers of its embedding, with a layer
    inside it, "layer", which doubles the embedding.
    """
    import onnx
    from onnx import TensorProto, helper

    def slice_of(name: str, column: int) -> list[onnx.NodeProto]:
        index = helper.make_tensor(f"{name}_column", TensorProto.INT64, [], [column])
        return [
            helper.make_node("Constant", [], [f"{name}_index"], value=index),
            helper.make_node("Gather", ["inputs_embeds", f"{name}_index"], [name], axis=2),
        ]

    graph = helper.make_graph(
        [
            helper.make_node("Add", ["inputs_embeds", "inputs_embeds"], ["layer"]),
            *slice_of("start_logits", 0),
            *slice_of("end_logits", 1),
        ],
        "reader",
        [
            helper.make_tensor_value_info("inputs_embeds", TensorProto.FLOAT, ["b", "s", 384]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["b", "s"]),
        ],
        [
            helper.make_tensor_value_info("start_logits", TensorProto.FLOAT, ["b", "s"]),
            helper.make_tensor_value_info("end_logits", TensorProto.FLOAT, ["b", "s"]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("reader") / "reader.onnx"
    onnx.save(model, path)
    return path


def test_vectors_have_unit_length_and_the_encoders_dimension(models: Models) -> None:
    vectors = models.encoder.encode_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), models.encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours(models: Models) -> None:
    together = models.encoder.encode_passages(TEXTS)
    for row, text in zip(together, TEXTS, strict=True):
        assert (row == models.encoder.encode_passages([text])[0]).all()


def test_questions_and_passages_have_prefixes_of_their_own(models: Models) -> None:
    question = models.encoder.encode_queries(["water"])[0]
    assert not np.allclose(question, models.encoder.encode_passages(["water"])[0])


def test_a_text_over_the_limit_is_cut_and_nothing_breaks(models: Models) -> None:
    (vector,) = models.encoder.encode_passages(["слово " * 5000])
    assert np.isfinite(vector).all()


def test_an_empty_batch_gives_no_rows(models: Models) -> None:
    assert models.encoder.encode_queries([]).shape == (0, models.encoder.dimension)
    assert models.encoder.count_tokens([]) == ()


def test_the_encoder_names_itself(models: Models) -> None:
    assert models.encoder.name == models.manifest.encoder
    assert len(models.encoder.sha256) == 64


def test_encoder_and_reader_share_tokenizer_and_table(models: Models, reader_file: Path) -> None:
    reader = models.reader(reader_file)
    assert isinstance(reader, SpanReader)
    if models.manifest.encoder == "e5-small":
        assert reader._pieces is models.encoder._pieces
        assert reader._table is models.encoder._table


def test_the_reader_gives_a_score_for_each_token_of_the_context(
    models: Models, reader_file: Path
) -> None:
    context = "Title > Part\nThe canals are 763 km."
    (reading,) = models.reader(reader_file).read(["How long?"], [context], [13])
    assert len(reading.start) == len(reading.end) == len(reading.offsets)
    words = [context[start:end] for start, end in reading.offsets]
    assert words == [word for word in words if word == word.strip()]
    assert "".join(words) == context.replace(" ", "").replace("\n", "")
    for place, (start, end) in enumerate(reading.offsets):
        assert np.isfinite(reading.start[place]) == (start >= 13 and end > start)
        assert np.isfinite(reading.end[place]) == (start >= 13 and end > start)
    assert np.isfinite(reading.null)


def test_the_scores_are_those_of_the_tokens_in_the_pair(models: Models, reader_file: Path) -> None:
    reader = models.reader(reader_file)
    (reading,) = reader.read(["How long?"], ["The canals"], [0])
    pieces, table = reader._pieces, reader._table
    rows = table[np.array(pieces.ids("The canals"))]
    first = table[np.array(pieces.before)]
    assert reading.start.tolist() == pytest.approx(rows[:, 0].tolist())
    assert reading.end.tolist() == pytest.approx(rows[:, 1].tolist())
    assert reading.null == pytest.approx(float(first[0, 0] + first[0, 1]))


def test_the_states_are_those_of_the_contexts_tokens_in_the_layer_asked_for(
    models: Models, reader_file: Path
) -> None:
    reader = models.reader(reader_file, "layer")
    (reading,) = reader.read(["How long?"], ["The canals"], [0])
    rows = reader._table[np.array(reader._pieces.ids("The canals"))]
    assert np.allclose(reading.hidden, 2 * rows)
    asked = reader._table[np.array(reader._pieces.ids("How long?"))]
    assert np.allclose(reading.question, 2 * asked.mean(axis=0), atol=1e-6)
    (without,) = models.reader(reader_file).read(["How long?"], ["The canals"], [0])
    assert without.hidden.shape == (len(without.start), 0)
    assert without.question.shape == (0,)
    (nothing_asked,) = reader.read([""], ["The canals"], [0])
    assert np.isfinite(nothing_asked.question).all()
    assert (without.start == reading.start).all()


def test_a_layer_that_a_reader_lacks_is_named(models: Models, reader_file: Path) -> None:
    with pytest.raises(ModelMissing, match="nowhere"):
        models.reader(reader_file, "nowhere")


def test_a_context_is_read_the_same_alone_and_among_others(
    models: Models, reader_file: Path
) -> None:
    reader = models.reader(reader_file)
    contexts = ["One.", "Two words here.", "Үш сөз."]
    questions = ["What?", "How many words?", "Не?"]
    together = reader.read(questions, contexts, [0, 0, 0])
    for reading, question, context in zip(together, questions, contexts, strict=True):
        (alone,) = reader.read([question], [context], [0])
        assert (alone.start == reading.start).all()
        assert alone.null == reading.null
    assert reader.read([], [], []) == ()
    with pytest.raises(ValueError, match="as many of each"):
        reader.read("What?", ["One."], [0])


def test_question_and_context_are_cut_at_their_limits(models: Models, reader_file: Path) -> None:
    (reading,) = models.reader(reader_file).read(["why " * 500], ["word " * 2000], [0])
    assert 400 < len(reading.start) < 512
    (empty,) = models.reader(reader_file).read(["why"], [""], [0])
    assert len(empty.start) == 0


def test_a_missing_reader_is_named(models: Models, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"reader\.onnx is missing"):
        models.reader(tmp_path / "reader.onnx")


def test_a_graph_that_is_none_is_named(models: Models, tmp_path: Path) -> None:
    (tmp_path / "reader.onnx").write_bytes(b"nonsense")
    with pytest.raises(ModelMissing, match=r"reader\.onnx can't be opened"):
        models.reader(tmp_path / "reader.onnx")


def test_missing_models_are_said_with_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"python scripts/prepare_models\.py"):
        Encoder.open(tmp_path)


@pytest.fixture(scope="session")
def both_tokenizers(models_folder: Path) -> tuple[_HuggingFacePieces, _SentencePieces]:
    folder = models_folder / "e5-small"
    pieces = open_pieces(folder)
    assert isinstance(pieces, _SentencePieces)
    return _HuggingFacePieces(folder / "tokenizer.json"), pieces


# Drawn the same way each time; modifiers and combining marks on their own are left out: on a few of
# those ("¸" before a mark of another script) the two normalise differently.
@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.text(
        alphabet=st.characters(
            codec="utf-8",
            exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Mc", "Me", "Sk"],
        ),
        max_size=40,
    ).filter(lambda text: "<" not in text)
    | st.text(alphabet="aбқ№½ﬁé中👍 \n5.—«»", max_size=40)
)
def test_the_lighter_tokenizer_gives_the_same_ids(
    both_tokenizers: tuple[_HuggingFacePieces, _SentencePieces], text: str
) -> None:
    plain, light = both_tokenizers
    assert light.ids(text) == plain.ids(text)
    assert light.pieces(text)[0] == light.ids(text)
    assert light.lengths([text]) == (len(light.ids(text)),)


def test_a_special_token_spelt_out_is_a_text(
    both_tokenizers: tuple[_HuggingFacePieces, _SentencePieces],
) -> None:
    _, light = both_tokenizers
    assert not {0, 2, 250_001} & set(light.ids("a </s> <s> <mask> b"))


def test_onnxruntime_is_loaded_so_that_it_reports_to_nobody() -> None:
    """It reads the variable once; `tests/app/test_outbound.py` counts what leaves all the same."""
    program = (
        "import os, sys\n"
        "class Watch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'onnxruntime':\n"
        "            print(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        "import index\n"
        "index.Models\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1"]
