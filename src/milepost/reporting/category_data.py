"""The numbers behind the retention curves of the categories, and each in a sentence."""

from __future__ import annotations

from milepost.maturity.curves import Curve, CurvePoint


def curve_names(curves: tuple[Curve, ...]) -> dict[str, Curve]:
    """Figure name -> curve, for those with two points or more: one point shows no turn."""
    return {f"category-{place}": curve for place, curve in enumerate(curves) if len(curve.points) > 1}


def describe_curves(curves: tuple[Curve, ...]) -> dict[str, str]:
    """Figure name -> what it shows."""
    return {name: _sentence(curve) for name, curve in curve_names(curves).items()}


def _sentence(curve: Curve) -> str:
    first, last = curve.points[0], curve.points[-1]
    cut = f"mature from {curve.cut}" if curve.cut is not None else "no clear cut"
    return (
        f"{_share(first)} are retained with {first.features} of {curve.of} kept features in use, "
        f"{_share(last)} with {last.features}; {cut}. Unadjusted; bars are 95 % intervals by account."
    )


def _share(point: CurvePoint) -> str:
    return (
        f"{100 * point.retained:.1f} % ({100 * point.low:.1f} to {100 * point.high:.1f}, {point.accounts:,} accounts)"
    )
