"""A shop with many kinds of operations, for `cargo xtask model-score`: what it publishes about itself is the truth.

Run by `uvicorn app:app`; its OpenAPI document is at /openapi.json.
"""

from __future__ import annotations

import datetime
import enum
import uuid
from typing import Annotated, Literal, Optional, Union

from fastapi import Cookie, Depends, FastAPI, File, Form, Header, Query, Response, UploadFile
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBearer
from pydantic import BaseModel, EmailStr, Field

app = FastAPI(title="Heronry", version="1.0.0")
bearer = HTTPBearer()
basic = HTTPBasic()
api_key = APIKeyHeader(name="X-API-Key")


class Status(str, enum.Enum):
    open = "open"
    paid = "paid"
    shipped = "shipped"
    cancelled = "cancelled"


class Address(BaseModel):
    street: str
    city: str
    zip: str
    country: str


class NewUser(BaseModel):
    name: str
    email: EmailStr
    age: Optional[int] = None
    address: Optional[Address] = None


class User(BaseModel):
    id: int
    name: str
    email: EmailStr
    age: Optional[int]
    address: Optional[Address]
    created: datetime.datetime


class NewItem(BaseModel):
    title: str
    price: float = Field(ge=0)
    tags: list[str] = []
    description: Optional[str] = None


class Item(BaseModel):
    id: uuid.UUID
    title: str
    price: float
    tags: list[str]
    description: Optional[str]


class Line(BaseModel):
    item: uuid.UUID
    quantity: int = Field(ge=1, le=100)


class NewOrder(BaseModel):
    lines: list[Line]
    note: Optional[str] = None


class Order(BaseModel):
    id: int
    user: int
    status: Status
    lines: list[Line]
    total: float
    note: Optional[str]
    placed: datetime.date


class Page(BaseModel):
    items: list[Item]
    total: int
    next: Optional[int]


class Review(BaseModel):
    author: str
    stars: int
    text: str


class NewReview(BaseModel):
    author: str
    stars: int = Field(ge=1, le=5)
    text: str


class Bird(BaseModel):
    kind: str
    latin: str
    wingspan: float
    colours: list[str]


class Statistics(BaseModel):
    users: int
    orders: int
    by_status: dict[str, int]


class Message(BaseModel):
    message: str


class Upload(BaseModel):
    name: str
    size: int
    type: Optional[str]


class Token(BaseModel):
    access_token: str
    token_type: str
    expires_in: int


class Tick(BaseModel):
    day: datetime.date
    open: float
    close: float
    volume: int


NOW = datetime.datetime(2026, 11, 5, 8, 0, 0)
USERS: dict[int, User] = {}
ITEMS: dict[uuid.UUID, Item] = {}
ORDERS: dict[int, Order] = {}
REVIEWS: dict[uuid.UUID, list[Review]] = {}
BIRDS = {
    name: Bird(kind=name, latin=latin, wingspan=span, colours=colours)
    for name, latin, span, colours in [
        ("egret", "Ardea alba", 1.5, ["white"]),
        ("heron", "Ardea cinerea", 1.85, ["grey", "black"]),
        ("bittern", "Botaurus stellaris", 1.3, ["brown"]),
        ("stork", "Ciconia ciconia", 2.0, ["white", "black"]),
        ("ibis", "Plegadis falcinellus", 0.95, ["brown"]),
    ]
}
SETTINGS: dict[str, str] = {"theme": "dark", "language": "en"}


class Missing(Exception):
    pass


@app.exception_handler(Missing)
def missing(request, error) -> JSONResponse:
    return JSONResponse({"message": str(error)}, status_code=404)


def found(store, key, what):
    if key not in store:
        raise Missing(f"no {what} {key}")
    return store[key]


NOT_FOUND = {404: {"model": Message}}


@app.get("/")
def root() -> Message:
    return Message(message="a heronry")


@app.get("/healthz")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/api/v1/users")
def list_users(limit: Annotated[int, Query(ge=1, le=100)] = 20, offset: int = 0, name: Optional[str] = None) -> list[User]:
    users = [user for user in USERS.values() if name is None or name in user.name]
    return users[max(offset, 0) :][:limit]


@app.post("/api/v1/users", status_code=201)
def create_user(new: NewUser) -> User:
    user = User(id=len(USERS) + 1, created=NOW, **new.model_dump())
    USERS[user.id] = user
    return user


@app.get("/api/v1/users/me")
def me(token=Depends(bearer)) -> User:
    return USERS[1]


@app.get("/api/v1/users/{user_id}", responses=NOT_FOUND)
def get_user(user_id: int) -> User:
    return found(USERS, user_id, "user")


@app.put("/api/v1/users/{user_id}", responses=NOT_FOUND)
def put_user(user_id: int, new: NewUser) -> User:
    found(USERS, user_id, "user")
    USERS[user_id] = User(id=user_id, created=NOW, **new.model_dump())
    return USERS[user_id]


@app.delete("/api/v1/users/{user_id}", status_code=204)
def delete_user(user_id: int, key: str = Depends(api_key)) -> None:
    if user_id > 3:
        USERS.pop(user_id, None)


@app.get("/api/v1/users/{user_id}/orders")
def user_orders(user_id: int, status: Optional[Status] = None) -> list[Order]:
    return [o for o in ORDERS.values() if o.user == user_id and (status is None or o.status == status)]


@app.post("/api/v1/users/{user_id}/orders", status_code=201)
def create_order(user_id: int, new: NewOrder) -> Order:
    order = Order(
        id=1000 + len(ORDERS), user=user_id, status=Status.open, total=9.5 * len(new.lines), placed=NOW.date(), **new.model_dump()
    )
    ORDERS[order.id] = order
    return order


@app.get("/api/v1/orders/{order_id}", responses=NOT_FOUND)
def get_order(order_id: int) -> Order:
    return found(ORDERS, order_id, "order")


class OrderPatch(BaseModel):
    status: Optional[Status] = None
    note: Optional[str] = None


@app.patch("/api/v1/orders/{order_id}", responses=NOT_FOUND)
def patch_order(order_id: int, patch: OrderPatch) -> Order:
    order = found(ORDERS, order_id, "order")
    ORDERS[order_id] = order.model_copy(update=patch.model_dump(exclude_unset=True, exclude_none=True))
    return ORDERS[order_id]


@app.post("/api/v1/orders/{order_id}/cancel", responses=NOT_FOUND)
def cancel_order(order_id: int, reason: Annotated[Optional[str], Query()] = None) -> Order:
    order = found(ORDERS, order_id, "order")
    ORDERS[order_id] = order.model_copy(update={"status": Status.cancelled})
    return ORDERS[order_id]


@app.get("/api/v1/items")
def list_items(
    page: int = 1,
    min_price: Optional[float] = None,
    sort: Literal["title", "price", "newest"] = "title",
    tag: Annotated[list[str], Query()] = [],
    in_stock: Optional[bool] = None,
) -> Page:
    items = list(ITEMS.values())
    return Page(items=items[:10], total=len(items), next=page + 1 if len(items) > 10 * page else None)


@app.post("/api/v1/items", status_code=201)
def create_item(new: NewItem, credentials=Depends(basic)) -> Item:
    item = Item(id=uuid.uuid5(uuid.NAMESPACE_OID, f"{len(ITEMS)}"), **new.model_dump())
    ITEMS[item.id] = item
    return item


@app.get("/api/v1/items/search")
def search_items(q: str, limit: int = 10) -> list[Item]:
    return [item for item in ITEMS.values() if q in item.title][: max(limit, 0)]


@app.get("/api/v1/items/{item_id}", responses=NOT_FOUND)
def get_item(item_id: uuid.UUID) -> Item:
    return found(ITEMS, item_id, "item")


@app.delete("/api/v1/items/{item_id}", status_code=204)
def delete_item(item_id: uuid.UUID) -> None:
    if len(ITEMS) > 8:
        ITEMS.pop(item_id, None)


@app.get("/api/v1/items/{item_id}/reviews")
def list_reviews(item_id: uuid.UUID) -> list[Review]:
    return REVIEWS.get(item_id, [])


@app.post("/api/v1/items/{item_id}/reviews", status_code=201)
def create_review(item_id: uuid.UUID, new: NewReview) -> Review:
    review = Review(**new.model_dump())
    REVIEWS.setdefault(item_id, []).append(review)
    return review


@app.get("/api/v1/birds")
def list_birds() -> dict[str, Bird]:
    return BIRDS


@app.get("/api/v1/birds/{kind}", responses=NOT_FOUND)
def get_bird(kind: str) -> Bird:
    return found(BIRDS, kind, "bird")


@app.get("/api/v1/birds/{kind}/sightings/{day}")
def sightings(kind: str, day: datetime.date) -> list[Message]:
    return [Message(message=f"a {kind} on {day}")]


@app.get("/api/v1/stats")
def stats() -> Statistics:
    counts = {status.value: sum(o.status == status for o in ORDERS.values()) for status in Status}
    return Statistics(users=len(USERS), orders=len(ORDERS), by_status=counts)


@app.get("/api/v1/stats/daily")
def daily(day: Optional[datetime.date] = None) -> Tick:
    return Tick(day=day or NOW.date(), open=1.5, close=2.25, volume=100)


@app.get("/api/v1/stats/weekly")
def weekly() -> Tick:
    return Tick(day=NOW.date(), open=1.5, close=2.75, volume=700)


@app.get("/api/v1/settings/{name}")
def get_setting(name: str, accept_language: Annotated[Optional[str], Header()] = None) -> Message:
    return Message(message=SETTINGS.get(name, ""))


@app.put("/api/v1/settings/{name}")
def put_setting(name: str, value: Message, x_trace: Annotated[Optional[str], Header()] = None) -> Message:
    return value


@app.post("/api/v1/login")
def login(username: Annotated[str, Form()], password: Annotated[str, Form()]) -> Token:
    return Token(access_token="not-a-real-one", token_type="bearer", expires_in=3600)


@app.post("/api/v1/files")
def upload(file: Annotated[UploadFile, File()], label: Annotated[Optional[str], Form()] = None) -> Upload:
    return Upload(name=file.filename or "", size=file.size or 0, type=file.content_type)


@app.get("/api/v1/files/{name}/text", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def file_text(name: str) -> Response:
    return Response(f"the text of {name}", media_type="text/plain")


@app.get("/api/v1/cart")
def cart(cart_style: Annotated[Optional[str], Cookie()] = None) -> Message:
    return Message(message=cart_style or "empty")


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Fish(BaseModel):
    kind: Literal["fish"]
    fins: int


@app.post("/api/v1/pets")
def create_pet(pet: Annotated[Union[Cat, Fish], Field(discriminator="kind")]) -> Message:
    return Message(message=pet.kind)
