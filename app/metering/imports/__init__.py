"""Files of households taken in by pages, programs and commands; see `app.registry.imports` for how they are read."""
