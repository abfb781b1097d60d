"""A client that uses every operation of app.py as people would: several values of each parameter, with and without
what is optional. `python drive.py http://127.0.0.1:PORT`."""

import sys
import uuid

import httpx

base = sys.argv[1]
with httpx.Client(base_url=base) as c:
    v1 = "/api/v1"
    for _ in range(3):
        c.get("/")
        c.get("/healthz")
    names = ["Ada Heron", "Ben Stork", "Cyd Ibis", "Dee Crane", "Eli Rail"]
    address = {"street": "1 Reed Lane", "city": "Fen", "zip": "12345", "country": "NL"}
    for index, name in enumerate(names):
        body = {"name": name, "email": f"{name.split()[0].lower()}@example.com"}
        if index % 2:
            body["age"] = 20 + index
        if index % 3 == 1:
            body["address"] = address
        c.post(f"{v1}/users", json=body)
    for user in (1, 2, 3, 4, 99):
        c.get(f"{v1}/users/{user}")
    c.put(f"{v1}/users/99", json={"name": "Nobody", "email": "nobody@example.com"})
    c.put(f"{v1}/users/1", json={"name": "Ada", "email": "ada@example.com", "age": 30, "address": address})
    c.put(f"{v1}/users/2", json={"name": "Ben", "email": "ben@example.com"})
    c.put(f"{v1}/users/3", json={"name": "Cyd", "email": "cyd@example.com"})
    c.get(f"{v1}/users/me", headers={"Authorization": "Bearer not-a-real-token"})
    c.get(f"{v1}/users/me", headers={"Authorization": "Bearer not-a-real-token"})
    c.get(f"{v1}/users/me")
    for user in (5, 6, 7):
        c.delete(f"{v1}/users/{user}", headers={"X-API-Key": "not-a-real-key"})
    for query in ({}, {"limit": 5}, {"limit": 10, "offset": 1}, {"name": "Ada"}, {"limit": 0}, {"offset": 2}):
        c.get(f"{v1}/users", params=query)
    items = []
    for index, title in enumerate(["net", "boots", "lens", "tent", "map", "hat", "rope", "lamp", "book", "cup", "pan", "rug"]):
        body = {"title": title, "price": 10 + index / 4}
        if index % 2:
            body["tags"] = ["wet", "dry"][: index % 3]
        if index % 3 == 0:
            body["description"] = f"a {title}"
        items.append(c.post(f"{v1}/items", json=body, auth=("ada", "not-a-real-one")).json()["id"])
    for query in ({}, {"page": 2}, {"min_price": 10.5}, {"sort": "price"}, {"tag": ["a", "b"]}, {"in_stock": "true"},
                  {"sort": "newest", "page": 1}, {"sort": "title"}, {"in_stock": "false", "tag": ["wet", "dry"]}):
        c.get(f"{v1}/items", params=query)
    for query in ({"q": "o"}, {"q": "lens", "limit": 3}, {"q": "zebra"}):
        c.get(f"{v1}/items/search", params=query)
    for item in items[:4] + [str(uuid.uuid4())]:
        c.get(f"{v1}/items/{item}")
    for item in items[:3]:
        c.post(f"{v1}/items/{item}/reviews", json={"author": "Ada", "stars": 4, "text": "fine, thank you"})
        c.get(f"{v1}/items/{item}/reviews")
    for item in items[-3:]:
        c.delete(f"{v1}/items/{item}")
    orders = []
    for user in (1, 2, 3):
        body = {"lines": [{"item": items[user], "quantity": user}, {"item": items[0], "quantity": 1}]}
        if user > 1:
            body["note"] = "at the back door"
        orders.append(c.post(f"{v1}/users/{user}/orders", json=body).json()["id"])
        c.get(f"{v1}/users/{user}/orders")
    c.get(f"{v1}/users/1/orders", params={"status": "open"})
    c.get(f"{v1}/users/1/orders", params={"status": "paid"})
    for order in orders:
        c.get(f"{v1}/orders/{order}")
    c.get(f"{v1}/orders/99999")
    c.patch(f"{v1}/orders/99999", json={"status": "paid"})
    c.patch(f"{v1}/orders/{orders[0]}", json={"status": "paid"})
    c.patch(f"{v1}/orders/{orders[1]}", json={"note": "ring twice"})
    c.patch(f"{v1}/orders/{orders[2]}", json={"status": "shipped", "note": "gone"})
    c.post(f"{v1}/orders/{orders[0]}/cancel")
    c.post(f"{v1}/orders/{orders[1]}/cancel", params={"reason": "too late"})
    c.post(f"{v1}/orders/{orders[2]}/cancel")
    c.get(f"{v1}/birds")
    for bird in ("egret", "heron", "stork", "ibis", "dodo"):
        c.get(f"{v1}/birds/{bird}")
    for bird in ("egret", "heron", "stork"):
        for day in ("2026-11-05", "2026-11-06"):
            c.get(f"{v1}/birds/{bird}/sightings/{day}")
    for _ in range(3):
        c.get(f"{v1}/stats")
        c.get(f"{v1}/stats/weekly")
    c.get(f"{v1}/stats/daily")
    c.get(f"{v1}/stats/daily", params={"day": "2026-11-04"})
    c.get(f"{v1}/stats/daily", params={"day": "2026-11-03"})
    for name in ("theme", "language", "colour-scheme", "font"):
        c.get(f"{v1}/settings/{name}")
        c.put(f"{v1}/settings/{name}", json={"message": "dark"}, headers={"X-Trace": "on"} if name == "font" else {})
    for name in ("ada", "ben", "cyd"):
        c.post(f"{v1}/login", data={"username": name, "password": "not-a-real-one"})
    for name in ("a.txt", "b.txt", "photo-1.jpg"):
        data = {"label": "mine"} if name == "a.txt" else {}
        c.post(f"{v1}/files", files={"file": (name, b"bytes", "text/plain")}, data=data)
        c.get(f"{v1}/files/{name}/text")
    c.get(f"{v1}/cart")
    c.get(f"{v1}/cart", headers={"Cookie": "cart_style=wicker"})
    c.get(f"{v1}/cart", headers={"Cookie": "cart_style=wheeled"})
    for index in range(3):
        c.post(f"{v1}/pets", json={"kind": "cat", "lives": 9 - index})
        c.post(f"{v1}/pets", json={"kind": "fish", "fins": 3 + index})
