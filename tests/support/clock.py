"""A clock that stands still until a test moves it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Clock:
    """What is handed to the service where it would look at the time."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now
