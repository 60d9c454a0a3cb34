"""What a package says of itself beside the model's card: its name, version, licence and author."""

from dataclasses import dataclass

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from .registries import NAMES, VERSIONS, PackageError
from .text import is_line

__all__ = ["Details", "PackageError"]


@dataclass(frozen=True)
class Details:
    """A package's own fields; `checked` holds them to the rules of a registry."""

    name: str
    """Name to install, e.g. ``clothes-gan``."""
    license: str
    """SPDX expression, e.g. ``MIT``, ``CC-BY-4.0`` or ``LicenseRef-Proprietary``."""
    version: str = "1.0.0"
    """Version of the package, as its registry spells it."""
    license_text: str | None = None
    """Text of the licence, put into the package."""
    author: str | None = None
    """Name of the author."""
    summary: str | None = None
    """One line on what it is; None makes one from the card."""
    target: str = "wheel"
    """What the fields were checked for: ``wheel`` (pip) or ``web`` (npm)."""

    @property
    def module(self) -> str:
        """Name to import from Python, e.g. ``clothes_gan``."""
        return self.name.replace("-", "_")

    def require_target(self, target: str) -> None:
        """Insist that the fields were checked for this target.

        Raises:
            PackageError: They were checked for another, whose rules differ.
        """
        if self.target != target:
            raise PackageError(f"these details are those of a {self.target} package, not of a {target} one")

    @classmethod
    def checked(
        cls,
        name: str,
        license: str,
        *,
        target: str = "wheel",
        version: str = "1.0.0",
        license_text: str | None = None,
        author: str | None = None,
        summary: str | None = None,
    ) -> "Details":
        """Fields in the one spelling that the target's registry uses.

        Args:
            name: For a wheel one that pip takes and whose module hides no other; for ``web`` one that
                npm takes, with a scope (``@acme/clothes-gan``) or without.
            license: SPDX expression.
            target: ``wheel`` or ``web``.
            version: By PEP 440. npm knows three numbers and a pre-release: 1.2rc1 becomes 1.2.0-rc.1,
                anything that would have to be cut is refused.
            license_text: Text of the licence.
            author: One line.
            summary: One line.

        Raises:
            PackageError: Name, version or licence is none that the registry would take, or a field is
                not one line of text.
        """
        try:
            expression = canonicalize_license_expression(license)
        except InvalidLicenseExpression as error:
            raise PackageError(
                f"{license!r} is not an SPDX licence expression: use MIT, CC-BY-4.0, or"
                " LicenseRef-Proprietary for one of your own"
            ) from error
        for field, text in (("author", author), ("summary", summary)):
            if text is not None and not is_line(text):
                raise PackageError(f"the {field} must be one line of text, without control characters")
        return cls(
            NAMES[target](name), expression, VERSIONS[target](version), license_text, author, summary, target
        )
