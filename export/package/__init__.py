"""Packages that contain a generator: a Python wheel, and a static web site that is also an npm package."""

from .details import Details, PackageError
from .site import package_site
from .wheel import package_wheel

__all__ = ["Details", "PackageError", "package_site", "package_wheel"]
