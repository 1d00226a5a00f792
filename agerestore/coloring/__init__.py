"""What colouring needs beside its networks: planes of chroma, paints to draw, the domain of a model."""
