"""A client of pygeoapi, as configured in geo.yml: `python geo_drive.py http://127.0.0.1:PORT`."""

import sys

import httpx

with httpx.Client(base_url=sys.argv[1]) as c:
    for _ in range(2):
        for path in ("/", "/conformance", "/collections", "/openapi", "/jobs", "/processes", "/tileMatrixSets"):
            for query in ({}, {"f": "json"}):
                c.get(path, params=query)
    for name in ("nests", "sightings"):
        base = f"/collections/{name}"
        for query in ({}, {"f": "json"}):
            for path in ("", "/queryables", "/schema"):
                c.get(base + path, params=query)
        for query in ({}, {"limit": 3}, {"limit": 5, "offset": 2}, {"bbox": "0,50,20,60"}, {"kind": "heron"}, {"f": "json"}):
            c.get(base + "/items", params=query)
        for feature in (1, 2, 3, 17, 99):
            c.get(f"{base}/items/{feature}")
        c.get(f"{base}/items/4", params={"f": "json"})
        c.options(f"{base}/items")
        c.options(f"{base}/items/1")
