"""What a server did, in numbers for Prometheus; its own client writes them down.

While counting, all numbers are cells, found once by their labels and added to in place. Where
one process serves, a cell is a plain number, which costs next to nothing, and is read only
when somebody asks. Where several share a directory, a cell is written through to a
mapped file in prometheus_client's own form, and what its collector reads out of all files
is told. Where they share a store, what all have counted is there, see ``mockdock.shared``.
prometheus_client is imported when first needed: by whoever asks, or by the files.
"""

from mockdock.observe.metrics.counting import Metrics
from mockdock.observe.metrics.families import Exposition

__all__ = ["Exposition", "Metrics"]
