"""What the process of a GGUF model does: it loads one model, then writes what it is asked for. Otto never imports it.

`otto.worker.child` starts it. A question is a JSON object a line on standard input, its answer one on standard output:

    {"job": "load", "model", "adapters", "context", "stretched", "threads"} -> {"context", "vocabulary"}
    {"job": "write", "prompt", "grammar", "end", "most", "seconds"} -> {"text", "log_probability", "tokens",
                                                                        "prompt_tokens", "reused_tokens"}

or {"error"}. {"job": "prepare", "prompt"} has no answer: it evaluates the prompt until something else is asked.

What was evaluated for the last answer is kept: of the next prompt, only what differs is evaluated. The next token is
always the likeliest that the grammar allows. llama.cpp is asked through its C interface, which does nothing else with
the file: a chat template in it is never looked at.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otto.worker.childside import leave_no_core, private_pipes

BATCH = 128
"""Prompt tokens evaluated before the clock is looked at again."""
LIKELY = 256
"""Tokens that the grammar is asked about first."""
UNSEEN = 0.001
"""How much probability the others may have, against what is allowed of these, before all are asked about."""
GRAMMARS = 4
"""Read grammars kept."""
_ERROR = 4  # ggml_log_level
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


class CannotError(Exception):
    """What was asked for cannot be done; the message is for the person who set the model up."""


def main() -> None:
    """The program."""
    questions, answers = private_pipes()
    leave_no_core()
    sys.argv[1:] = []
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        for line in questions:
            jobs.put(json.loads(line))
        os._exit(0)  # the other side is gone; what is being computed is for nobody

    threading.Thread(target=listen, name="questions", daemon=True).start()
    engine: Engine | None = None
    while True:
        job = jobs.get()
        try:
            if job["job"] == "load":
                engine = Engine(
                    job["model"], job["adapters"], job["context"], job["threads"], stretched=job["stretched"]
                )
                answer: Mapping[str, object] = {"context": engine.context, "vocabulary": engine.vocabulary}
            elif engine is None:
                raise CannotError("no model is loaded")
            elif job["job"] == "prepare":
                engine.prepare(job["prompt"], jobs.empty)
                continue
            else:
                answer = engine.write(job)
        except CannotError as error:
            if job["job"] == "prepare":
                continue
            answer = {"error": str(error)}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


class Engine:
    """A loaded model and what it has evaluated."""

    def __init__(
        self, model: str, adapters: Sequence[str], context: int, threads: int, *, stretched: bool = False
    ) -> None:
        from llama_cpp import llama_cpp as lib

        self._lib = lib
        self._said: deque[str] = deque(maxlen=5)
        self._log = lib.llama_log_callback(self._hear)
        lib.llama_log_set(self._log, ctypes.c_void_p(0))
        lib.llama_backend_init()
        self._model = lib.llama_model_load_from_file(os.fsencode(model), lib.llama_model_default_params())
        if not self._model:
            raise self._cannot("llama.cpp cannot load it")
        trained = int(lib.llama_model_n_ctx_train(self._model))
        self._start(min(context, trained) if trained > 0 and not stretched else context, threads)
        self._adapt(adapters)
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.vocabulary = int(lib.llama_vocab_n_tokens(self._vocab))
        self._eos = int(lib.llama_vocab_eos(self._vocab))
        self._candidates = np.zeros(self.vocabulary, _CANDIDATE)
        self._ids = np.arange(self.vocabulary, dtype=np.int32)
        # `<s>` and its like have a spelling, which a grammar takes for text; but they write none.
        self._silent = np.array(
            [
                lib.llama_vocab_is_control(self._vocab, token) and not lib.llama_vocab_is_eog(self._vocab, token)
                for token in range(self.vocabulary)
            ],
            dtype=bool,
        )
        self._pieces: dict[int, bytes] = {}
        self._grammars: dict[str, Any] = {}
        self._evaluated: list[int] = []
        """Tokens whose state the context holds, from its beginning."""

    def write(self, job: Mapping[str, Any]) -> dict[str, object]:
        """The answer to a prompt, up to and without its end. Raises `CannotError`."""
        deadline = time.monotonic() + job["seconds"]
        prompt = self._tokens(job["prompt"])
        room = self.context - len(prompt)
        if not prompt or room < 1:
            raise CannotError(
                f"the prompt has {len(prompt)} tokens and the model's context {self.context}; "
                "raise llama_context or load fewer skills"
            )
        reused = self._keep_common(prompt)
        self._evaluate(prompt[reused:], deadline)
        grammar = self._grammar(job["grammar"])
        try:
            answer, log_probability = self._written(grammar, self._end(job["end"]), min(job["most"], room), deadline)
        finally:
            if grammar:
                self._lib.llama_sampler_free(grammar)
        text = b"".join(self._piece(token) for token in answer).decode("utf-8", errors="replace")
        return {
            "text": text.strip(),
            "log_probability": log_probability,
            "tokens": len(answer),
            "prompt_tokens": len(prompt),
            "reused_tokens": reused,
        }

    def prepare(self, text: str, idle: Callable[[], bool]) -> None:
        """Evaluates a prompt like the next one, as long as nothing else is to be done."""
        prompt = self._tokens(text)[:-1]
        if len(prompt) >= self.context:
            return
        at = self._keep_common([*prompt, -1])
        while at < len(prompt) and idle():
            self._evaluate(prompt[at : at + BATCH], math.inf)
            at += BATCH

    def _start(self, context: int, threads: int) -> None:
        params = self._lib.llama_context_default_params()
        params.n_ctx = context
        params.n_batch = params.n_ubatch = BATCH
        params.n_threads = params.n_threads_batch = threads
        self._context = self._lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise self._cannot("llama.cpp cannot make room for its context")
        self.context = int(self._lib.llama_n_ctx_seq(self._context))
        self._memory = self._lib.llama_get_memory(self._context)

    def _adapt(self, adapters: Sequence[str]) -> None:
        """Lays the LoRA adapters over the weights, each at its full strength."""
        loaded = []
        for path in adapters:
            adapter = self._lib.llama_adapter_lora_init(self._model, os.fsencode(path))
            if not adapter:
                raise self._cannot(f"llama.cpp cannot load the adapter {path}")
            loaded.append(adapter)
        if loaded:
            array = (self._lib.llama_adapter_lora_p_ctypes * len(loaded))(*loaded)
            scales = (ctypes.c_float * len(loaded))(*(1.0 for _ in loaded))
            if self._lib.llama_set_adapters_lora(self._context, array, len(loaded), scales):
                raise self._cannot("llama.cpp cannot use the adapter")

    def _tokens(self, text: str) -> list[int]:
        """Special tokens are read as such, and none is added."""
        data = text.encode("utf-8", errors="replace")
        tokens = (self._lib.llama_token * (len(data) + 8))()  # a leading blank may be added, a token has a byte or more
        count = self._lib.llama_tokenize(self._vocab, data, len(data), tokens, len(tokens), False, True)
        if count < 0:
            raise CannotError("the prompt cannot be cut into tokens")
        return [int(token) for token in tokens[:count]]

    def _end(self, text: str) -> int | None:
        """The token of the end that a prompt's format names, where the vocabulary has one."""
        tokens = self._tokens(text) if text else []
        return tokens[0] if len(tokens) == 1 else None

    def _piece(self, token: int) -> bytes:
        if token not in self._pieces:
            buffer = ctypes.create_string_buffer(256)
            size = self._lib.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
            self._pieces[token] = buffer.raw[: max(size, 0)]
        return self._pieces[token]

    def _keep_common(self, prompt: Sequence[int]) -> int:
        """Forgets all that was evaluated but what `prompt` begins with; how many tokens that is. The prompt's last is
        always evaluated anew: what follows it is read from there."""
        pairs = zip(self._evaluated, prompt[:-1], strict=False)
        common = next((place for place, (old, new) in enumerate(pairs) if old != new), None)
        if common is None:
            common = min(len(self._evaluated), len(prompt) - 1)
        if not self._lib.llama_memory_seq_rm(self._memory, 0, common, -1):
            self._lib.llama_memory_clear(self._memory, True)  # a recurrent model: it cannot forget in part
            common = 0
        del self._evaluated[common:]
        return common

    def _evaluate(self, tokens: Sequence[int], deadline: float) -> None:
        for start in range(0, len(tokens), BATCH):
            if time.monotonic() > deadline:
                raise CannotError("it was not done in time")
            part = tokens[start : start + BATCH]
            array = (self._lib.llama_token * len(part))(*part)
            code = self._lib.llama_decode(self._context, self._lib.llama_batch_get_one(array, len(part)))
            if code:
                self._lib.llama_memory_clear(self._memory, True)
                self._evaluated.clear()
                raise self._cannot(f"llama.cpp failed with code {code}")
            self._evaluated.extend(part)

    def _written(self, grammar: Any, end: int | None, most: int, deadline: float) -> tuple[list[int], float]:
        """The answer's tokens and the sum of their log-probabilities among what the grammar allows, the end's too."""
        answer: list[int] = []
        total = 0.0
        while True:
            token, log_probability = self._likeliest(grammar, end)
            total += log_probability
            if token == end or self._lib.llama_vocab_is_eog(self._vocab, token):
                return answer, total
            answer.append(token)
            if len(answer) >= most:
                return answer, total
            if grammar:
                self._lib.llama_sampler_accept(grammar, token)
            self._evaluate([token], deadline)

    def _likeliest(self, grammar: Any, end: int | None) -> tuple[int, float]:
        """The likeliest token, and its log-probability among those that the grammar allows."""
        logits = np.ctypeslib.as_array(self._lib.llama_get_logits_ith(self._context, -1), (self.vocabulary,))
        logits = logits.astype(np.float64)
        kept = self._ids
        if grammar:
            # Asking the grammar about every token of a large vocabulary takes longer than evaluating a small model.
            likely = self._likely(logits, end)
            kept = self._allowed(grammar, likely, logits, end)
            weights = np.exp(logits - logits.max())
            if weights.sum() - weights[likely].sum() > UNSEEN * weights[kept].sum():
                kept = self._allowed(grammar, self._ids, logits, end)
        if not kept.size:
            raise CannotError("no token of the model fits the grammar here")
        scores = logits[kept]
        likeliest = float(scores.max())
        return int(kept[scores.argmax()]), -math.log(float(np.exp(scores - likeliest).sum()))

    def _likely(self, logits: NDArray[np.float64], end: int | None) -> NDArray[np.int32]:
        """The likeliest tokens, and the ends."""
        if self.vocabulary <= 2 * LIKELY:
            return self._ids
        most = np.argpartition(logits, -LIKELY)[-LIKELY:]
        return np.union1d(most, [token for token in (self._eos, end) if token is not None and token >= 0]).astype(
            np.int32
        )

    def _allowed(
        self, grammar: Any, tokens: NDArray[np.int32], logits: NDArray[np.float64], end: int | None
    ) -> NDArray[np.int32]:
        """Of `tokens` those that the grammar allows here."""
        candidates = self._candidates[: len(tokens)]
        candidates["id"], candidates["logit"] = tokens, logits[tokens]
        data = candidates.ctypes.data_as(ctypes.POINTER(self._lib.llama_token_data))
        array = self._lib.llama_token_data_array(data, len(tokens), -1, False)
        self._lib.llama_sampler_apply(grammar, ctypes.byref(array))
        kept: NDArray[np.int32] = tokens[np.isfinite(candidates["logit"]) & ~self._silent[tokens]]
        if end is not None and self._eos in kept:  # an end that llama.cpp may not know as one
            kept = np.union1d(kept, [end]).astype(np.int32)
        return kept

    def _grammar(self, text: str) -> Any:
        """A fresh reader of the grammar; None where there is none. The caller frees it."""
        if not text:
            return None
        if text not in self._grammars:
            while len(self._grammars) >= GRAMMARS:
                self._lib.llama_sampler_free(self._grammars.pop(next(iter(self._grammars))))
            made = self._lib.llama_sampler_init_grammar(self._vocab, text.encode(), b"root")
            if not made:
                raise self._cannot("llama.cpp cannot read the grammar")
            self._grammars[text] = made
        return self._lib.llama_sampler_clone(self._grammars[text])

    def _hear(self, level: int, text: bytes, _: object) -> None:
        if level == _ERROR and (line := text.decode("utf-8", errors="replace").strip()):
            self._said.append(line)

    def _cannot(self, what: str) -> CannotError:
        """With what llama.cpp said last, which is the reason."""
        return CannotError(f"{what}: {self._said[0]}" if self._said else what)
