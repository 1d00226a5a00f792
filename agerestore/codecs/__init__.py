"""Pictures as bytes: formats, their codecs, and what files say beside pixels. `imagefile` stands before all of it."""
