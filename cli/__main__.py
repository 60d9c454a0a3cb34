"""python -m dropgan.cli"""

from .main import main

main()
