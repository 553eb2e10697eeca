"""Token batches of documents: each document alone in a row, rows of like length together."""

import random

import numpy as np
import torch

from documents import documents

# Padded tokens of one batch, and how many documents are drawn and sorted by length at a time.
BATCH_TOKENS = 3072
CHUNK_DOCUMENTS = 1024
# Seeds of two runs lie this far apart, so that no chunk of one is a chunk of the other.
SEED_STRIDE = 1_000_000
# The chunks of the later part of a run, which has fewer facts, begin here.
LATER_CHUNKS = 1000


def encode(tokenizer, segment_lists):
    """Each document as (ids, weights): a token has the weight of the segment in which its first letter lies."""
    texts = ["".join(text for text, _ in segments) for segments in segment_lists]
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    result = []
    for text, segments, tokens in zip(texts, segment_lists, encoded):
        letters = np.repeat([weight for _, weight in segments], [len(part) for part, _ in segments])
        starts = [start + (text[start] == " " and end - start > 1) for start, end in tokens.offsets]
        result.append((np.array(tokens.ids), letters[starts]))
    return result


def collate(rows, pad):
    """Rows as (inputs, targets, weights of the targets), each a tensor [rows, longest - 1]."""
    longest = max(len(ids) for ids, _ in rows)
    ids = np.full((len(rows), longest), pad)
    weights = np.zeros((len(rows), longest), dtype=np.float32)
    for i, (row, weight) in enumerate(rows):
        ids[i, :len(row)], weights[i, :len(row)] = row, weight
    ids, weights = torch.from_numpy(ids), torch.from_numpy(weights)
    return ids[:, :-1], ids[:, 1:], weights[:, 1:]


def split(rows):
    """Rows sorted by length and cut into groups of at most BATCH_TOKENS padded tokens."""
    groups, group = [], []
    for row in sorted(rows, key=lambda row: len(row[0])):
        if group and (len(group) + 1) * len(row[0]) > BATCH_TOKENS:
            groups.append(group)
            group = []
        group.append(row)
    return groups + [group]


def batches(tokenizer, pad, seed, facts_share):
    """Endless training batches; chunk i of a run depends on the seed, the share of facts, and i only."""
    chunk = 0
    while True:
        groups = split(encode(tokenizer, documents(seed + chunk, CHUNK_DOCUMENTS, facts_share)))
        random.Random(chunk).shuffle(groups)
        for group in groups:
            yield collate(group, pad)
        chunk += 1
