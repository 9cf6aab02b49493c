"""The client that subcontractors' and integrators' programs use: `from app.client import Mainstem`."""

from app.client.connection import Problem, Unreachable
from app.client.mainstem import Mainstem, ReturnKey

__all__ = ["Mainstem", "Problem", "ReturnKey", "Unreachable"]
