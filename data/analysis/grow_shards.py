"""A Grow step read shard by shard, so that memory does not grow with the step, and the texts that belong to it."""

import json
from functools import cached_property

import numpy as np

from rest_run import Problem, is_committed, open_hdf5, read_json, warn


class Shard:
    """The candidates of one shard, a row each, sources in order; `rewards` has one column (float32) a name."""

    def __init__(self, path, reward_paths):
        self.path = path
        self._file = open_hdf5(path)
        self.first_source = int(self._file.attrs["first_source"])
        self.candidates_per_source = self.column("candidates_per_source").astype(np.int64)
        self.sources = len(self.candidates_per_source)
        self.place = np.repeat(np.arange(self.sources), self.candidates_per_source)  # source of each row, from 0
        self.length = self.column("length").astype(np.int64)
        self.count = self.column("count").astype(np.int64)
        self.original = self.column("origin") == 1
        self.finished = self.column("finished") == 1
        self.rewards = {name: self._reward(name, reward) for name, reward in reward_paths.items()}

    def column(self, name):
        try:
            return self._file[name][()]
        except (KeyError, OSError) as problem:
            raise Problem(f"{self.path}: dataset {name} cannot be read ({problem})") from None

    def __len__(self):
        return len(self.count)

    @property
    def reward(self):
        """The first of the columns asked for."""
        return next(iter(self.rewards.values()))

    @cached_property
    def token_ends(self):
        return np.cumsum(self.length)

    @cached_property
    def tokens(self):
        return self.column("tokens")

    def tokens_of(self, row):
        end = self.token_ends[row]
        return self.tokens[end - self.length[row]:end]

    @cached_property
    def original_row(self):
        """Of each source the row of its original pair; -1 where there is none."""
        rows = np.full(self.sources, -1)
        originals = np.flatnonzero(self.original)
        rows[self.place[originals]] = originals
        return rows

    @cached_property
    def equals_original(self):
        """Rows whose pieces are those of the original pair, originals included."""
        twin = self.original_row[self.place]
        same = (twin >= 0) & (self.length == self.length[twin])
        rows = np.flatnonzero(same & (self.length > 0))
        starts = self.token_ends - self.length
        lengths = self.length[rows]
        segment = np.cumsum(lengths) - lengths  # begin of each row in the pieces compared
        within = np.arange(lengths.sum()) - np.repeat(segment, lengths)
        differs = (self.tokens[np.repeat(starts[rows], lengths) + within]
                   != self.tokens[np.repeat(starts[twin[rows]], lengths) + within])
        if len(rows):
            same[rows] = ~np.logical_or.reduceat(differs, segment)
        return same

    def _reward(self, name, path):
        with open_hdf5(path) as file:
            values, belongs_to = file["reward"][()], file.attrs.get("shard")
        record = read_json(self.path.with_name(self.path.name + ".commit.json"))
        if len(values) != len(self.count) or (belongs_to or record["sha256"]) != record["sha256"]:
            raise Problem(f"{path} scores other candidates than those of {self.path}; run rest_score")
        return values


class GrowShards:
    """The complete shards of a Grow step, in order. Iterating reads one at a time."""

    def __init__(self, run, number, rewards):
        self.run, self.number, self.rewards = run, number, list(rewards)
        self.path = run.path / "grow" / f"g{number}"
        self._shards = [p for p in sorted(self.path.glob("shard-*.h5")) if is_committed(p)]
        if not self._shards:
            raise Problem(f"{self.path} has no complete shard; run rest_grow")
        for name in self.rewards:
            self._require_reward(name)
        if not is_committed(self.path / "index.h5"):
            warn(f"{self.path} has no index yet: these are the shards that are complete")

    def __iter__(self):
        for path in self._shards:
            yield Shard(path, {name: self._reward_path(name, path) for name in self.rewards})

    def all_rewards(self):
        """Names of the reward columns that are there for all shards."""
        names = sorted(p.name for p in (self.path / "rewards").glob("*") if p.is_dir())
        return [name for name in names if all(is_committed(self._reward_path(name, p)) for p in self._shards)]

    @cached_property
    def sampling(self):
        """The options it was sampled with."""
        with open_hdf5(self._shards[0]) as file:
            return json.loads(file.attrs.get("options", "{}"))

    def sampled_how(self):
        """The same as words for a caption."""
        named = (("samples", "N"), ("temperature", "T"))
        return ", ".join(f"{name} = {self.sampling[key]:g}" for key, name in named if key in self.sampling)

    def _reward_path(self, name, shard):
        return self.path / "rewards" / name / shard.name

    def _require_reward(self, name):
        for shard in self._shards:
            path = self._reward_path(name, shard)
            if not is_committed(path):
                raise Problem(f"{path} is missing (complete rewards there: {', '.join(self.all_rewards()) or 'none'}); "
                              "run rest_score")


class Sentences:
    """One side of a corpus, read in pieces; asking for rows in rising order reads every byte once."""

    CHUNK = 1 << 20

    def __init__(self, run, corpus, side):
        path = run.path / "corpus" / f"{corpus}.h5"
        file = open_hdf5(path) if path.exists() else {}
        self._group = file[side] if side in file else None
        self._row = self._byte = 0

    def __bool__(self):
        return self._group is not None

    def lengths(self, first, last):
        """Pieces of rows first to last - 1."""
        return self._group["length"][first:last].astype(np.int64)

    def rows(self, first, last):
        """Texts of rows first to last - 1."""
        if first < self._row:
            self._row = self._byte = 0
        while self._row < first:
            until = min(self._row + self.CHUNK, first)
            self._byte += int(self._group["text_length"][self._row:until].sum(dtype=np.int64))
            self._row = until
        ends = np.cumsum(self._group["text_length"][first:last], dtype=np.int64)
        text = self._group["text"][self._byte:self._byte + int(ends[-1] if len(ends) else 0)].tobytes()
        starts = np.concatenate([[0], ends[:-1]])
        return [text[a:b].decode("utf-8", "replace") for a, b in zip(starts, ends)]
