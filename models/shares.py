"""Exact TreeSHAP of small trees, looked up instead of worked out child by child.

A tree of six leaves asks five questions, so there are at most 32 ways through it. What each feature adds is worked out
once for each way (Shapley's formula over the tree's few features, unknown ones averaged by the training rows of each
branch, as LightGBM does) and then looked up for every child. The same numbers as LightGBM's `pred_contrib` to the last
few bits, at a twentieth of the cost: reasons for a tenth of a nation take seconds (docs/reasons.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np

# With seven questions a tree has 128 ways; beyond that LightGBM's own way is the faster one.
MOST_QUESTIONS = 7
_BLOCK = 20_000  # rows at a time: their columns stay in the processor's cache


@dataclass(frozen=True)
class _Question:
    """One split: is a feature at most a value? And does a child of whom it is not known go the same way?"""

    feature: int
    at_most: float
    unknown_too: bool

    def answer(self, values: np.ndarray) -> np.ndarray:
        return ~(values > self.at_most) if self.unknown_too else values <= self.at_most


@dataclass(frozen=True)
class _Tree:
    """A tree's questions, and by the answers to them (a bit each) what each of its features adds."""

    questions: tuple[_Question, ...]
    features: tuple[int, ...]
    table: np.ndarray  # (features, 2 ** questions)
    base: float


def contributions(boosters: Sequence[lgb.Booster], matrix: np.ndarray) -> np.ndarray:
    """What each feature adds to a row's log-odds, mean of the boosters, (rows, features + 1); the last column is the
    base, and a row adds up to the mean raw score. `matrix` (rows, features) float, NaN = not known."""
    trees = [tree for booster in boosters for tree in _trees(booster)]
    if any(tree is None for tree in trees):
        return np.asarray(np.mean([b.predict(matrix, pred_contrib=True) for b in boosters], axis=0))
    out = np.empty((len(matrix), matrix.shape[1] + 1))
    for start in range(0, len(matrix), _BLOCK):
        columns = np.ascontiguousarray(matrix[start : start + _BLOCK].T, np.float64)
        added = np.zeros_like(columns)
        for tree in trees:
            if tree:
                way = np.zeros(columns.shape[1], np.uint8)
                for bit, question in enumerate(tree.questions):
                    way |= question.answer(columns[question.feature]).view(np.uint8) << np.uint8(bit)
                for feature, by_way in zip(tree.features, tree.table, strict=True):
                    added[feature] += by_way[way]
        out[start : start + _BLOCK, :-1] = added.T / len(boosters)
    out[:, -1] = sum(tree.base for tree in trees if tree) / len(boosters)
    return out


def _trees(booster: lgb.Booster) -> Iterator[_Tree | None]:
    """The trees as tables; None for one with too many questions, or of a kind other than "at most"."""
    for said in booster.dump_model()["tree_info"]:
        splits: list[dict[str, Any]] = []
        _collect(said["tree_structure"], splits)
        simple = all(split["decision_type"] == "<=" and split["missing_type"] != "Zero" for split in splits)
        yield _tabled(said["tree_structure"], splits) if simple and len(splits) <= MOST_QUESTIONS else None


def _collect(node: dict[str, Any], splits: list[dict[str, Any]]) -> None:
    if "split_feature" in node:
        node["bit"] = len(splits)
        splits.append(node)
        _collect(node["left_child"], splits)
        _collect(node["right_child"], splits)


def _tabled(root: dict[str, Any], splits: list[dict[str, Any]]) -> _Tree:
    questions = tuple(
        # A feature of which everything was known in training has no way for the unknown: LightGBM reads it as 0.
        _Question(s["split_feature"], s["threshold"],
                  bool(s["default_left"]) if s["missing_type"] == "NaN" else s["threshold"] >= 0)
        for s in splits
    )  # fmt: skip
    features = tuple(dict.fromkeys(question.feature for question in questions))
    ways = np.arange(2 ** len(questions))
    worth = {known: _value(root, frozenset(known), ways) for known in _subsets(features)}
    table = np.zeros((len(features), len(ways)))
    n = len(features)
    for place, feature in enumerate(features):
        for known in _subsets(tuple(f for f in features if f != feature)):
            share = factorial(len(known)) * factorial(n - len(known) - 1) / factorial(n)
            with_it = tuple(f for f in features if f in known or f == feature)
            table[place] += share * (worth[with_it] - worth[known])
    return _Tree(questions, features, table, float(worth[()][0]))


def _subsets(features: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for size in range(len(features) + 1):
        yield from combinations(features, size)


def _value(node: dict[str, Any], known: frozenset[int], ways: np.ndarray) -> np.ndarray:
    """What the tree says on each way when only some features are known: where one is not, both branches, each weighing
    its training rows."""
    if "split_feature" not in node:
        return np.full(len(ways), node["leaf_value"])
    left, right = (_value(node[side], known, ways) for side in ("left_child", "right_child"))
    if node["split_feature"] in known:
        return np.asarray(np.where(ways >> node["bit"] & 1, left, right))
    of_left, of_right = (_rows(node[side]) for side in ("left_child", "right_child"))
    return np.asarray((left * of_left + right * of_right) / (of_left + of_right))


def _rows(node: dict[str, Any]) -> int:
    return int(node["internal_count"] if "split_feature" in node else node["leaf_count"])
