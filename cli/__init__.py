"""Command line of agerestore (installed as ``agerestore_cli``): parse, call the library, print."""
