"""Why a car stopped: the hundred words that results give for it, in four causes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from f1graph.races.results import ClassificationRow, Status


class RetirementCause(StrEnum):
    """What kind of thing ended a car's race.

    MECHANICAL is the car, its tyres included; ACCIDENT a spin or a collision, with what they broke; OTHER
    neither of them (a sick driver, a car
    that was withdrawn, too few laps). UNKNOWN is what nobody published: from 2025
    on that is every retirement.
    """

    MECHANICAL = "MECHANICAL"
    ACCIDENT = "ACCIDENT"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


def retirement_cause(row: ClassificationRow) -> RetirementCause | None:
    """Why the car did not finish the race; None if it did, was disqualified or never started.

    A reason that is not in the table counts as unknown: it says nothing that anybody has understood.
    """
    if not row.retired:
        return None
    if row.reason_retired is None:
        # Who ran to the end and too few laps needs no reason.
        ran_to_the_end = row.status is Status.NOT_CLASSIFIED
        return RetirementCause.OTHER if ran_to_the_end else RetirementCause.UNKNOWN
    return _CAUSE_OF.get(row.reason_retired.casefold(), RetirementCause.UNKNOWN)


# As F1DB and FastF1 spell them; a misspelt one is theirs.
_REASONS: Mapping[RetirementCause, tuple[str, ...]] = {
    RetirementCause.MECHANICAL: (
        *("Airbox", "Alternator", "Axle", "Battery", "Brake bias", "Brake duct", "Brakes", "Broken floor"),
        *("Camshaft", "Chassis", "Clutch", "Compressor", "Coolant leak", "Cooling system", "Crankshaft"),
        *("Differential", "Distributor", "Drivetrain", "Driveshaft", "Driveshaft hub", "Driver Seat"),
        *("Electrical", "Electronics", "Energy storage system failure", "Engine", "Engine fire"),
        *("Engine misfire", "Engine valve", "ERS", "Exhaust", "Fire", "Fire extinguisher", "Fuel"),
        *("Fuel cell", "Fuel injection", "Fuel leak", "Fuel line", "Fuel pipe", "Fuel pressure", "Fuel pump"),
        *("Fuel rig", "Fuel system", "Gearbox", "Halfshaft", "Handling", "Heat shield fire", "Hybrid system"),
        *("Hydraulics", "Ignition", "Injection", "KERS failure", "Launch control", "Loose wheel", "Magneto"),
        *("Mechanical", "Mechenical", "Oil leak", "Oil line", "Oil pipe", "Oil pressure", "Oil pump"),
        *("Out of fuel", "Overheating", "Pit fire", "Pneumatics", "Power loss", "Power steering"),
        *("Power unit", "Puncture", "Puncture damage", "Radiator", "Rear wing", "Safety belt", "Seat"),
        *("Spark plugs", "Stalled", "Starter", "Steering", "Supercharger", "Suspension", "Technical"),
        *("Technical defect", "Throttle", "Track rod", "Traction control", "Transmission", "Turbo"),
        *("Turbocharger", "Tyre", "Tyre temperature", "Undertray", "Vibrations", "Water leak", "Water pipe"),
        *("Water pressure", "Water pump", "Water radiator", "Wheel", "Wheel bearing", "Wheel hub"),
        *("Wheel nut", "Wheel rim"),
    ),
    RetirementCause.ACCIDENT: (
        *("Accident", "Accident damage", "Broken wing", "Collision", "Collision damage", "Damage", "Debris"),
        *("Fatal accident", "Fatal collision", "Front wing", "Spin", "Spun off"),
    ),
    RetirementCause.OTHER: (
        *("Driver unwell", "Illness", "Injured", "Injury", "Not classified", "Physical", "Safety concerns"),
        *("Tyre dispute", "Tyre shortage", "Unfit", "Unwell", "Withdrawn", "Withdrew"),
    ),
    RetirementCause.UNKNOWN: ("Did not finish", "DNF", "Retired", "Retirement"),
}
_CAUSE_OF = {reason.casefold(): cause for cause, reasons in _REASONS.items() for reason in reasons}
