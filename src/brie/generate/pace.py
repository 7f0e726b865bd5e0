"""How many rows a batch should have: found by trying, and taken back when memory runs out."""

from __future__ import annotations

from dataclasses import dataclass, field

_ENOUGH_STEPS = 8
_WORTH = 1.15
_FIRST = {"cpu": 8, "mps": 8, "cuda": 32}
_MOST = {"cpu": 64, "mps": 64, "cuda": 1024}


@dataclass
class Pace:
    """Doubles the batch while that makes tokens come faster; halves it for good when memory ends."""

    size: int
    most: int
    settled: bool = False
    _rates: dict[int, float] = field(default_factory=dict)
    _tokens: int = 0
    _seconds: float = 0.0
    _steps: int = 0

    @classmethod
    def start(cls, device: str, size: int | None = None) -> Pace:
        """The opening size for a device type; a given size is kept, unless memory runs out."""
        if size is not None:
            return cls(size=size, most=size, settled=True)
        return cls(size=_FIRST.get(device, 8), most=_MOST.get(device, 64))

    def record(self, rows: int, seconds: float) -> None:
        """One step of `rows` rows took this long; only full batches say anything of a size."""
        if self.settled or rows < self.size:
            return
        self._steps += 1
        if self._steps == 1:
            return  # the first step at a size pays for allocations
        self._tokens += rows
        self._seconds += seconds
        if self._steps > _ENOUGH_STEPS:
            self._judge()

    def shrink(self) -> bool:
        """Memory ran out: halve, and never grow again. False where nothing smaller is left."""
        if self.size == 1:
            return False
        self.size = self.most = max(1, self.size // 2)
        self.settled = True
        return True

    def _judge(self) -> None:
        self._rates[self.size] = self._tokens / max(self._seconds, 1e-9)
        before = self._rates.get(self.size // 2)
        if before is not None and self._rates[self.size] < _WORTH * before:
            self.size //= 2
            self.settled = True
        elif self.size * 2 > self.most:
            self.settled = True
        else:
            self.size *= 2
        self._tokens, self._seconds, self._steps = 0, 0.0, 0
