"""Takes bodies of requests that are not JSON out of an HTTP archive, in place: mitmproxy2swagger ends with an
exception on those (`'str' object has no attribute 'decode'`), and would then describe nothing at all."""

import json
import sys

with open(sys.argv[1]) as file:
    archive = json.load(file)
for entry in archive["log"]["entries"]:
    data = entry["request"].get("postData")
    try:
        json.loads(data["text"]) if data else None
    except (KeyError, ValueError):
        del entry["request"]["postData"]
with open(sys.argv[1], "w") as file:
    json.dump(archive, file)
