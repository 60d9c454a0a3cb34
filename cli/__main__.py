"""python -m dropgan.cli"""

import sys

if not sys.flags.safe_path:
    # -m puts the current directory first; dropgan may lie there, but no module of Python's or a package's
    sys.path.append(sys.path.pop(0))

from .main import main

main()
