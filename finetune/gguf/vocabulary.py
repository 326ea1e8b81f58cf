"""A tokenizer in llama.cpp's form, such that both cut every text into the same tokens.

Two kinds are known. *Byte-level BPE* (Llama 3, Qwen, ours): llama.cpp has the rule that cuts a text into words built
in and takes its name, so the rule in tokenizer.json is looked up in `_WORDS`, and one that is not there is refused:
a model that reads other tokens than it was taught answers nonsense. *SentencePiece* (Llama 2, Mistral, Gemma): pieces
with scores, from `tokenizer.model` where there is one, else from the order of the merges.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otto.errors import ModelFileError

if TYPE_CHECKING:
    from gguf import GGUFWriter

_BLANK = "▁"
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA_3 = QWEN.replace(r"\p{N}|", r"\p{N}{1,3}|", 1)
_GPT_2 = "bytes"
_DIGITS = "digits"
_WORDS: dict[tuple[tuple[str, ...], bool], str] = {
    ((_GPT_2,), False): "gpt-2",
    ((_DIGITS, _GPT_2), False): "smollm",
    ((QWEN,), False): "qwen2",
    ((LLAMA_3,), True): "llama-bpe",
    ((LLAMA_3,), False): "dbrx",
}
"""(How a text is cut into words, whether merges are ignored for words that are tokens) → llama.cpp's name."""


def add_vocabulary(writer: GGUFWriter, folder: Path, size: int, *, chat_template: bool = True) -> None:
    """Writes the tokenizer of `folder`. `size`: rows of the model's embeddings. Raises `ModelFileError`."""
    tokenizer = _tokenizer(folder)
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    model = content["model"]
    if model["type"] != "BPE" or len(model["vocab"]) == 0:
        raise ModelFileError(f"{folder}: a tokenizer of the kind {model['type']} cannot be exported; only BPE can")
    if model.get("byte_fallback"):
        _add_sentencepiece(writer, content, size, folder)
    else:
        _add_bytes(writer, content, size, folder)
    for name in ("bos", "eos", "unk", "pad"):
        number = getattr(tokenizer, f"{name}_token_id")
        if number is not None:
            getattr(writer, f"add_{name}_token_id")(number)
    added = tokenizer("a")["input_ids"]
    writer.add_add_bos_token(bool(added) and added[0] == tokenizer.bos_token_id)
    writer.add_add_eos_token(bool(added) and added[-1] == tokenizer.eos_token_id)
    if chat_template and isinstance(tokenizer.chat_template, str):
        writer.add_chat_template(tokenizer.chat_template)


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{folder}: no tokenizer that can be read ({error})") from error
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise ModelFileError(f"{folder}: the tokenizer has no tokenizer.json; save it with transformers first")
    return tokenizer


def _add_bytes(writer: GGUFWriter, content: dict[str, Any], size: int, folder: Path) -> None:
    rules, ignoring = _words(content["pre_tokenizer"]), bool(content["model"].get("ignore_merges"))
    name = _WORDS.get((rules, ignoring))
    if name is None:
        raise ModelFileError(
            f"{folder / 'tokenizer.json'}: llama.cpp has no name for the rule that cuts texts into words "
            f"(pre_tokenizer: {json.dumps(content['pre_tokenizer'])[:200]}); use a byte-level BPE with GPT-2's rule"
        )
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(name)
    texts, kinds = _tokens(content, size)
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in content["model"]["merges"]])


def _words(rule: dict[str, Any] | None) -> tuple[str, ...]:
    """The steps that cut a text into words, each by its pattern or one of our names."""
    if rule is None:
        return ("none",)
    kind = rule["type"]
    if kind == "Sequence":
        return tuple(step for part in rule["pretokenizers"] for step in _words(part))
    if kind == "ByteLevel":
        if rule.get("add_prefix_space"):
            return ("blank before",)
        return (_GPT_2,) if rule.get("use_regex", True) else ()
    if kind == "Digits" and rule.get("individual_digits"):
        return (_DIGITS,)
    if kind == "Split" and rule.get("behavior") == "Isolated" and not rule.get("invert"):
        return (str(next(iter(rule["pattern"].values()))),)
    return (json.dumps(rule),)


def _tokens(content: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Text and kind of every token by number; those that no text has are marked unused."""
    from gguf import TokenType

    texts = [f"[PAD{number}]" for number in range(size)]
    kinds = [int(TokenType.UNUSED)] * size
    unknown = content["model"].get("unk_token")
    for text, number in content["model"]["vocab"].items():
        if number < size:
            texts[number] = text
            is_byte = content["model"].get("byte_fallback") and _is_byte(text)
            kind = TokenType.UNKNOWN if text == unknown else TokenType.BYTE if is_byte else TokenType.NORMAL
            kinds[number] = int(kind)
    for added in content["added_tokens"]:
        if added["id"] < size:
            texts[added["id"]] = added["content"]
            if kinds[added["id"]] != TokenType.UNKNOWN:
                kinds[added["id"]] = int(TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED)
    return texts, kinds


def _is_byte(text: str) -> bool:
    return len(text) == 6 and text.startswith("<0x") and text.endswith(">")


def _add_sentencepiece(writer: GGUFWriter, content: dict[str, Any], size: int, folder: Path) -> None:
    from gguf import TokenType

    texts, kinds = _tokens(content, size)
    scores = _scores(content, texts, folder)
    for number, kind in enumerate(kinds):
        if kind == TokenType.USER_DEFINED:
            texts[number] = texts[number].replace(_BLANK, " ")
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(texts)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_add_space_prefix(_blank_before(content))


def _scores(content: dict[str, Any], texts: list[str], folder: Path) -> list[float]:
    """Which pieces are joined first: the higher. A merge list says it by its order."""
    file = folder / "tokenizer.model"
    if file.is_file():
        known = pieces(file.read_bytes(), file)
        return [known.get(text, -1000.0) for text in texts]
    ranks: dict[str, int] = {}
    for rank, pair in enumerate(content["model"]["merges"]):
        left, right = pair.split(" ") if isinstance(pair, str) else pair
        ranks.setdefault(left + right, rank)
    return [-float(ranks[text]) if text in ranks else -1_000_000.0 for text in texts]


def _blank_before(content: dict[str, Any]) -> bool:
    """Whether a text that begins without a blank is read as if it had one, as Llama 2 and early Mistral do.

    Newer tokenizers ("first") put it only before a text's very first word. Otto's prompts begin with a begin token
    that is spelled out, so that no word is the first, and llama.cpp must add none.
    """
    rule = content.get("pre_tokenizer") or {}
    if rule.get("type") == "Metaspace":
        return bool(rule.get("prepend_scheme", "always") == "always")
    normalizer = content.get("normalizer") or {}
    steps = normalizer.get("normalizers", [normalizer])
    return any(step.get("type") == "Prepend" for step in steps)


def pieces(data: bytes, file: Path) -> dict[str, float]:
    """Score of each piece in a `tokenizer.model`, SentencePiece's protocol buffer: field 1 repeats
    `{1: text, 2: score (float32)}`. Raises `ModelFileError` where it is none."""
    import struct

    found: dict[str, float] = {}
    try:
        for field, value in _fields(data):
            if field == 1 and isinstance(value, bytes):
                parts = dict(_fields(value))
                text, score = parts.get(1, b""), parts.get(2, b"\0\0\0\0")
                assert isinstance(text, bytes) and isinstance(score, bytes)
                found[text.decode()] = struct.unpack("<f", score)[0]
    except (IndexError, ValueError, struct.error, AssertionError) as error:
        raise ModelFileError(f"{file}: not a SentencePiece model; remove it, or save the tokenizer again") from error
    return found


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """(number, value) of each field of a protocol buffer message; fixed 32-bit values as 4 bytes."""
    place, found = 0, []
    while place < len(data):
        tag, place = _varint(data, place)
        value: int | bytes
        if tag & 7 == 0:
            value, place = _varint(data, place)
        else:
            length, place = _varint(data, place) if tag & 7 == 2 else ({1: 8, 5: 4}.get(tag & 7, -1), place)
            if length < 0 or place + length > len(data):
                raise ValueError("cut short")
            value, place = data[place : place + length], place + length
        found.append((tag >> 3, value))
    return found


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    number = shift = 0
    while True:
        byte = data[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place
