# SPDX-License-Identifier: BSD-3-Clause
"""How a recorder is, for those who look after it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pyaiot.observe.metrics import Counter, Gauge, Sample
from pyaiot.recorder.core import Counts


@dataclass(slots=True)
class Status:
    """What is known of its two sides, and what was counted."""

    counts: Counts
    linked: bool = False
    trouble: dict[str, str] = field(default_factory=dict)
    """What does not work, and why, in words."""
    stored: int = 0
    """Samples."""
    duplicates: int = 0
    """Samples that were in the store already."""
    refused: int = 0
    """Samples that were not kept, since their resource has too many series."""
    dropped: int = 0
    """Samples that the store would not take for what they are."""
    failures: int = 0
    batches: int = 0
    expired: int = 0
    raised: int = 0
    cleared: int = 0
    unsent: int = 0
    """Notices that no channel took."""
    unkept: int = 0
    """What became of alerts and was not stored."""
    size: int = 0
    """Bytes, as last looked at."""

    @property
    def well(self) -> bool:
        return self.linked and not self.trouble

    def facts(self, waiting: int) -> dict[str, float | str]:
        """What ``/health`` says."""
        facts: dict[str, float | str] = {
            "status": "ok" if self.well else "failing",
            "broker": "connected" if self.linked else "not connected",
            "stored": self.stored,
            "waiting": waiting,
            "lost": self.counts.lost + self.dropped,
        }
        if self.trouble:
            facts["reason"] = "; ".join(each.rstrip(".") for each in self.trouble.values())
        return facts

    def samples(self, waiting: int) -> Iterator[Sample]:
        """What ``/metrics`` says."""
        counts = self.counts
        yield Gauge("pyaiot_recorder_linked", "Whether the broker is connected.", self.linked)
        yield Gauge("pyaiot_recorder_well", "Whether everything works.", self.well)
        yield Gauge("pyaiot_recorder_waiting", "Messages that wait to be stored.", waiting)
        yield Gauge("pyaiot_recorder_store_bytes", "Size of the store.", self.size)
        for name, help_, value in (
            ("received", "Messages from the broker.", counts.received),
            ("received_again", "Messages that had come before.", counts.again),
            ("unreadable", "Messages that were none.", counts.unreadable),
            ("lost", "Messages that the broker had no room for.", counts.lost),
            ("stored", "Samples stored.", self.stored),
            ("duplicates", "Samples that were in the store already.", self.duplicates),
            ("refused", "Samples of resources with too many series.", self.refused),
            ("dropped", "Samples that the store would not take.", self.dropped),
            ("batches", "Transactions with samples.", self.batches),
            ("failures", "Transactions that failed.", self.failures),
            ("alerts_raised", "Alerts raised.", self.raised),
            ("alerts_cleared", "Alerts cleared.", self.cleared),
            ("alerts_unkept", "What became of alerts and was not stored.", self.unkept),
            ("notices_unsent", "Notices that their channel did not take.", self.unsent),
            ("expired", "Rows deleted for their age or the store's size.", self.expired),
        ):
            yield Counter(f"pyaiot_recorder_{name}", help_, value)
