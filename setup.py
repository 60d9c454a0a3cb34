"""Maps the stage folders into the package `dropgan`; everything else is in pyproject.toml.

The links in `dropgan/` show tools the same layout. The build does not use them, since an archive
may turn a link into a text file.
"""

from setuptools import find_packages, setup

STAGES = ("cli", "evaluate", "export", "serve", "sweep", "train")

setup(
    packages=[
        "dropgan",
        *(
            f"dropgan.{name}"
            for stage in STAGES
            for name in [stage, *find_packages(".", include=[f"{stage}.*"])]
        ),
    ],
    package_dir={f"dropgan.{stage}": stage for stage in STAGES},
)
