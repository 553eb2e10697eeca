"""Lets the shipped checkpoint write, with transformers.

    python sample.py "Once upon a time" "从前"          greedy, once for each prompt
    python sample.py --temperature 0.8 --seed 1 "Once upon a time"
    python sample.py --chat "Tell me a story about a kite." "What colour was the kite?"     one chat, turn after turn
"""

import argparse
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FOLDER = Path(__file__).resolve().parent.parent


def write(model, tokenizer, ids, temperature):
    """The continuation of ids as text, and why it ended."""
    sampling = {"do_sample": True, "temperature": temperature, "top_p": 0.95} if temperature else {
        "do_sample": False, "temperature": None, "top_p": None}
    room = model.config.max_position_embeddings - len(ids)
    made = model.generate(torch.tensor([ids]), max_new_tokens=room, **sampling)[0, len(ids):].tolist()
    ended = made[-1] in model.generation_config.eos_token_id
    return tokenizer.decode(made, skip_special_tokens=True), "stop" if ended else "length"


def main():
    """Writes for each prompt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompts", nargs="+")
    parser.add_argument("--chat", action="store_true")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, default=FOLDER)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    messages = []
    for prompt in args.prompts:
        if args.chat:
            messages.append({"role": "user", "content": prompt})
            prompt_text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            ids = tokenizer(prompt_text, add_special_tokens=False)["input_ids"]
        else:
            ids = tokenizer(prompt)["input_ids"]
        text, reason = write(model, tokenizer, ids, args.temperature)
        messages.append({"role": "assistant", "content": text})
        print(f"> {prompt}\n{text if args.chat else prompt + text}\n[{reason}]\n")


if __name__ == "__main__":
    main()
