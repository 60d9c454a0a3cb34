"""A package's own fields besides the model's card: name, version, licence and author."""

from dataclasses import dataclass

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from .registries import NAMES, VERSIONS, PackageError
from .text import is_line

__all__ = ["Details", "PackageError"]


@dataclass(frozen=True)
class Details:
    """A package's own fields; `checked` validates them by the rules of a registry."""

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
        """Name of the Python module, e.g. ``clothes_gan``."""
        return self.name.replace("-", "_")

    def require_target(self, target: str) -> None:
        """Require that the fields were checked for this target.

        Raises:
            PackageError: They were checked for another target, whose rules differ.
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
        """Return the fields in the spelling that the target's registry uses.

        Args:
            name: For a wheel, a name that pip accepts and whose module shadows no other; for ``web``, a name
                that npm accepts, with or without a scope (``@acme/clothes-gan``).
            license: SPDX expression.
            target: ``wheel`` or ``web``.
            version: Version by PEP 440. npm has three numbers and a pre-release: 1.2rc1 becomes 1.2.0-rc.1. A
                version that would have to be shortened is refused.
            license_text: Text of the licence.
            author: One line.
            summary: One line.

        Raises:
            PackageError: The registry would not accept the name, version or licence, or a field is not one
                line of text.
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
