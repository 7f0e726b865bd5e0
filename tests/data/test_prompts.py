"""What comes before an answer in training is what an evaluation asks, token for token."""

from __future__ import annotations

import pytest

from brie.data.encode import Encoder
from brie.data.prompts import prompt_ids, refuse_other_prompts
from brie.data.template import choose
from brie.data.tokenizer import Tokenizer, load_tokenizer, special_tokens
from brie.errors import UsageError
from brie.project import packaged
from brie.records import Conversation, Turn
from tests.data.rows import turns

HYBRID = (
    "{%- set on = enable_thinking if enable_thinking is defined else true -%}"
    "{%- if messages[0].role != 'system' -%}"
    "{{ '<|im_start|>system\nMode: ' + ('/think' if on else '/no_think') + '<|im_end|>\n' }}"
    "{%- endif -%}"
    "{%- for m in messages -%}{%- if m.role == 'assistant' -%}{{ '<|im_start|>assistant\n' }}"
    "{%- if not on -%}{{ '<think>\n\n</think>\n' }}{%- endif -%}"
    "{%- generation -%}{{ m.content + '<|im_end|>' }}{%- endgeneration -%}{{ '\n' }}"
    "{%- else -%}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}"
    "{%- if not on -%}{{ '<think>\n\n</think>\n' }}{%- endif -%}{%- endif -%}"
)
"""Like SmolLM3's: another system turn and another header by the mode, silence meaning on."""
DATED = (
    "{{ '<|im_start|>system\nToday Date: ' + strftime_now('%d %b %Y') + '<|im_end|>\n' }}"
    "{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\n' }}"
    "{%- if m.role == 'assistant' -%}"
    "{%- generation -%}{{ m.content + '<|im_end|>' }}{%- endgeneration -%}"
    "{%- else -%}{{ m.content + '<|im_end|>' }}{%- endif -%}{{ '\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
"""Like Llama 3.2's with its answers marked."""
ROWS = (
    turns("One?", "Two."),
    turns("One?", "Two.", "Three?", "Four."),
    Conversation(
        messages=(
            Turn(role="system", content="Be brief."),
            Turn(role="user", content="Why?"),
            Turn(role="assistant", content="So."),
        ),
        line=3,
    ),
)


def tokenizer_with(template: str) -> Tokenizer:
    tokenizer = load_tokenizer(packaged("models", "tiny"))
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize("thinking", [False, True])
def test_a_hybrid_template_is_trained_in_the_mode_it_is_asked_in(thinking: bool) -> None:
    tokenizer = tokenizer_with(HYBRID)
    template = choose(tokenizer, thinking=thinking)
    assert template.thinking is thinking
    encoder = Encoder(tokenizer, template, 512)
    assert refuse_other_prompts(ROWS, encoder, special_tokens(tokenizer)) == 3
    text = tokenizer.decode(encoder.encode(ROWS[0])[0].ids)
    assert ("Mode: /think" in text) is thinking
    assert ("</think>" in text) is not thinking


def test_a_dated_template_is_trained_with_the_date_it_is_asked_with() -> None:
    tokenizer = tokenizer_with(DATED)
    template = choose(tokenizer)
    assert (template.date, template.thinking) == ("2026-01-01", None)
    encoder = Encoder(tokenizer, template, 512)
    assert refuse_other_prompts(ROWS, encoder, special_tokens(tokenizer)) == 3
    assert "Today Date: 01 Jan 2026" in tokenizer.decode(encoder.encode(ROWS[0])[0].ids)


def test_a_row_that_would_be_asked_otherwise_is_refused_with_both_texts() -> None:
    tokenizer = tokenizer_with(HYBRID)
    encoder = Encoder(tokenizer, choose(tokenizer, thinking=False), 512)
    tokenizer.chat_template = HYBRID.replace("'/no_think'", "'/off'")
    with pytest.raises(UsageError, match=r"line 1: training would read another prompt.*off"):
        refuse_other_prompts(ROWS[:1], encoder, special_tokens(tokenizer))


def test_a_prompt_is_what_the_template_writes_up_to_the_answer() -> None:
    tokenizer = tokenizer_with(DATED)
    messages = [{"role": "user", "content": "Hi"}]
    ids = prompt_ids(tokenizer, DATED, messages, {}, thinking=False)
    assert tokenizer.decode(ids).endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
