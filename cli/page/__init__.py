"""The page of `agerestore serve`, and the HTTP API that it uses (docs/reference/http.md).

`app` has the routes and `guard` refuses what is none of the page's own requests; `store` holds what was uploaded, in
memory and bounded, and `worker` computes one task after the other: what tasks do is in `service`. Nothing that a client
sends is taken for a path, and nothing is written but results into the folder that the server was given.
"""
