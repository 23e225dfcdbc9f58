"""The venue's REST surface as a pure function over the exchange."""

from venue.api.endpoint import Endpoint
from venue.api.table import ENDPOINTS, handle

__all__ = ["ENDPOINTS", "Endpoint", "handle"]
