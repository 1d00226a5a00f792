"""``python -m agerestore_cli``, which is also how torchrun finds the command."""

from .app import main

main()
