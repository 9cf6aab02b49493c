"""What a document's handovers must name so that there is something to compare."""

from collections.abc import Iterator
from typing import Final

from app.configuration.document import Document
from app.kernel.refusals import Fault
from app.pathways.domain import HandoverEnd

_ENDS: Final = ("sent", "received")


def handovers_astray(document: Document) -> Iterator[Fault]:
    """The handovers between ends that cannot be compared: a measure is not collected there, or names no subcontract by its categories."""
    collected = {
        (pathway.code, segment.code): {use.code for use in segment.measures}
        for pathway in document.pathways
        for segment in pathway.segments
    }
    references = {line.reference for line in document.subcontracts}
    counterparties = {
        measure.code
        for measure in document.measures
        if measure.breakdown and not references.isdisjoint(category.code for category in measure.breakdown.categories)
    }
    for number, line in enumerate(document.handovers):
        for name in _ENDS:
            end: HandoverEnd = getattr(line, name)
            at = f"/handovers/{number}/{name}"
            if (end.pathway, end.segment) not in collected:
                fix = "Add the segment, or correct the codes."
                yield Fault("unknown_segment", "There is no such segment in this document.", fix, pointer=f"{at}/segment")
            elif end.measure not in collected[end.pathway, end.segment]:
                detail, fix = "The segment does not collect this measure.", "Name a measure of the segment, or add it there."
                yield Fault("not_collected", detail, fix, pointer=f"{at}/measure")
            elif end.measure not in counterparties:
                detail = "None of the measure's categories is a subcontract: it does not say with whom."
                fix = "Give the measure a breakdown whose categories are references of subcontracts."
                yield Fault("no_counterparty", detail, fix, pointer=f"{at}/measure")
