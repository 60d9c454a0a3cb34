"""What a package says of itself beside the model's card: its name, version, licence and author."""

import keyword
import sys
from dataclasses import dataclass

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from dropgan.serve.errors import DropganError


class PackageError(DropganError):
    """A package cannot be made as asked."""


@dataclass(frozen=True)
class Details:
    """A package's own fields; `checked` holds them to the rules of the registries."""

    name: str
    """Name to install, e.g. ``clothes-gan``."""
    license: str
    """SPDX expression, e.g. ``MIT``, ``CC-BY-4.0`` or ``LicenseRef-Proprietary``."""
    version: str = "1.0.0"
    """Version of the package, by PEP 440."""
    license_text: str | None = None
    """Text of the licence, put into the package."""
    author: str | None = None
    """Name of the author."""
    summary: str | None = None
    """One line on what it is; None makes one from the card."""

    @property
    def module(self) -> str:
        """Name to import, e.g. ``clothes_gan``."""
        return self.name.replace("-", "_")

    @classmethod
    def checked(
        cls,
        name: str,
        license: str,
        *,
        version: str = "1.0.0",
        license_text: str | None = None,
        author: str | None = None,
        summary: str | None = None,
    ) -> "Details":
        """Fields in the one spelling that registries use.

        Raises:
            PackageError: Name, version or licence is none that pip and npm would take, or a field
                is not one line.
        """
        try:
            name = canonicalize_name(name, validate=True)
        except InvalidName as error:
            raise PackageError(
                f"{name!r} is no package name: use letters, digits and hyphens, like clothes-gan"
            ) from error
        module = name.replace("-", "_")
        if not module.isidentifier() or keyword.iskeyword(module):
            raise PackageError(f"{name} cannot be imported as {module}: begin with a letter, no keyword")
        if module in sys.stdlib_module_names or module in ("dropgan", "numpy", "onnxruntime"):
            raise PackageError(f"{module} is taken by another module: choose another name")
        try:
            version = str(Version(version))
        except InvalidVersion as error:
            raise PackageError(f"{version!r} is no version: write one like 1.0.0") from error
        try:
            expression = canonicalize_license_expression(license)
        except InvalidLicenseExpression as error:
            raise PackageError(
                f"{license!r} is no SPDX licence expression: write MIT, CC-BY-4.0, or"
                " LicenseRef-Proprietary for one of your own"
            ) from error
        for field, text in (("author", author), ("summary", summary)):
            if text is not None and (not text.strip() or "\n" in text or "\r" in text):
                raise PackageError(f"the {field} must be one line of text")
        return cls(name, expression, version, license_text, author, summary)
